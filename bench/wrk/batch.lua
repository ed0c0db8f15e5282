-- A thousand orders of members at random a request; every result is looked at.
local bench = dofile("common.lua")

local SIZE = 1000
local threads = {}
accrued = 0 -- globals: read by done(), in another Lua state
refused = 0

function setup(thread)
  table.insert(threads, thread)
end

function request()
  local operations = {}
  for place = 1, SIZE do
    operations[place] = '{"op":"accrue","member_id":"' .. bench.member() .. '","order_id":"' .. bench.name()
      .. '","amount":' .. bench.amount() .. ',"settle":"now"}'
  end
  return bench.post("/v1/batches", '{"operations":[' .. table.concat(operations, ",") .. "]}")
end

function response(status, _, body)
  if status ~= 200 then
    return
  end
  local found, at = 0, 1
  while true do
    local _, last = body:find('"status": ?201', at)
    if not last then
      break
    end
    found, at = found + 1, last + 1
  end
  accrued = accrued + found
  refused = refused + SIZE - found
end

function done(summary, latency)
  local operations, failures = 0, 0
  for _, thread in ipairs(threads) do
    operations = operations + thread:get("accrued")
    failures = failures + thread:get("refused")
  end
  bench.report(summary, latency, string.format(',"operations":%d,"failures":%d', operations, failures))
end
