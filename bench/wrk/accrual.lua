-- One order of one member a request.
local bench = dofile("common.lua")

function request()
  return bench.post("/v1/members/" .. bench.member() .. "/accruals",
    '{"order_id":"' .. bench.name() .. '","amount":' .. bench.amount() .. ',"settle":"now"}')
end

function done(summary, latency)
  bench.report(summary, latency)
end
