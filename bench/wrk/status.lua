-- The status of one member a request.
local bench = dofile("common.lua")

function request()
  return bench.get("/v1/members/" .. bench.member())
end

function done(summary, latency)
  bench.report(summary, latency)
end
