-- Carts of five lines with two coupons and 100 points held; each hold that was answered is completed by the next
-- request that is free. Each coupon is used once: so checkouts are numbered, over all runs, from BENCH_FIRST on.
local bench = dofile("common.lua")

local STRIDE = 7919 -- a prime, so that members who follow one another do not lie side by side
local LINES = {}
for line = 1, 5 do
  LINES[line] = string.format(
    '{"line_id":"%d","sku":"sku-%d","category":"food","quantity":%d,"amount":%d}', line, line, line, 4000 * line)
end
local CART = '"items":[' .. table.concat(LINES, ",") .. '],"shipping":1000,"channel":"app","points":100,"coupons":["'

local threads = {}
local held = {}
local number = tonumber(os.getenv("BENCH_FIRST"))
started = 0 -- globals: read by done(), in another Lua state
completed = 0

function setup(thread)
  table.insert(threads, thread)
end

function request()
  local checkout = table.remove(held)
  if checkout then
    return bench.post("/v1/checkouts/" .. checkout .. "/complete", "{}")
  end
  local member = bench.prefix .. "-" .. (number * STRIDE % bench.members + 1)
  local coupon = math.floor(number / bench.members) + 1
  number = number + 1
  started = started + 1
  return bench.post("/v1/checkouts", '{"checkout_id":"' .. bench.name() .. '","member_id":"' .. member .. '",' .. CART
    .. member .. ".amount-" .. coupon .. '","' .. member .. ".percent-" .. coupon .. '"]}')
end

function response(status, _, body)
  if status == 201 then
    table.insert(held, body:match('"checkout_id": ?"([^"]+)"'))
  elseif status == 200 then
    completed = completed + 1
  end
end

function done(summary, latency)
  local begun, pairs_done = 0, 0
  for _, thread in ipairs(threads) do
    begun = begun + thread:get("started")
    pairs_done = pairs_done + thread:get("completed")
  end
  bench.report(summary, latency, string.format(',"started":%d,"operations":%d', begun, pairs_done))
end
