-- One point of one member a request.
local bench = dofile("common.lua")

function request()
  return bench.post("/v1/members/" .. bench.member() .. "/redemptions",
    '{"reference":"' .. bench.name() .. '","points":1,"mode":"redeem"}')
end

function done(summary, latency)
  bench.report(summary, latency)
end
