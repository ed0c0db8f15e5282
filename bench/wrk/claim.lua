-- Each member claims a coupon of one template, once; the generator ends with the last answer.
local bench = dofile("common.lua")
local ffi = require("ffi")
ffi.cdef("int getpid(void); int kill(int, int);")

local INTERRUPT = 2
local body = '{"template":"' .. os.getenv("BENCH_TEMPLATE") .. '"}'
local threads = {}
local number = -1 -- the first request is only looked at by wrk, never sent
local answered = 0
given = 0 -- globals: read by done(), in another Lua state
exhausted = 0

function setup(thread)
  table.insert(threads, thread)
end

function request()
  number = number + 1
  if number > bench.members then
    return "" -- nothing more to say on this connection
  end
  return bench.post("/v1/members/" .. bench.prefix .. "-" .. math.max(number, 1) .. "/coupons", body,
    "Idempotency-Key: " .. bench.run .. "-" .. number .. "\r\n")
end

function response(status, _, text)
  answered = answered + 1
  if status == 201 then
    given = given + 1
  elseif status == 409 and text:find('"coupon_exhausted"', 1, true) then
    exhausted = exhausted + 1
  end
  if answered == bench.members then
    wrk.thread:stop()
    ffi.C.kill(ffi.C.getpid(), INTERRUPT) -- wrk itself sleeps until its time is over
  end
end

function done(summary, latency)
  local successes, refusals = 0, 0
  for _, thread in ipairs(threads) do
    successes = successes + thread:get("given")
    refusals = refusals + thread:get("exhausted")
  end
  bench.report(summary, latency, string.format(',"operations":%d,"expected":%d', successes, refusals))
end
