-- Holds of one point; each hold that was answered is committed by the next request that is free.
local bench = dofile("common.lua")

local threads = {}
local held = {}
committed = 0 -- global: read by done(), in another Lua state

function setup(thread)
  table.insert(threads, thread)
end

function request()
  local path = table.remove(held)
  if path then
    return bench.post(path .. "/commit", "{}")
  end
  -- The reference names its member, since an answer is not told whom it is for.
  local member = bench.member()
  return bench.post("/v1/members/" .. member .. "/redemptions",
    '{"reference":"' .. member .. ":" .. bench.name() .. '","points":1,"mode":"reserve"}')
end

function response(status, _, body)
  if status == 201 then
    local reference = body:match('"reference": ?"([^"]+)"')
    table.insert(held, "/v1/members/" .. reference:match("^[^:]+") .. "/redemptions/" .. reference)
  elseif status == 200 then
    committed = committed + 1
  end
end

function done(summary, latency)
  local pairs_done = 0
  for _, thread in ipairs(threads) do
    pairs_done = pairs_done + thread:get("committed")
  end
  bench.report(summary, latency, ',"operations":' .. pairs_done)
end
