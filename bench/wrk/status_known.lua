-- The status of one member a request, by a caller who has it already: BENCH_ETAGS is a file of
-- "member etag" lines.
local bench = dofile("common.lua")

local requests = {}
for line in io.lines(os.getenv("BENCH_ETAGS")) do
  local member, etag = line:match("^(%S+) (.+)$")
  table.insert(requests, bench.get("/v1/members/" .. member, "If-None-Match: " .. etag .. "\r\n"))
end

function request()
  return requests[math.random(1, #requests)]
end

function done(summary, latency)
  bench.report(summary, latency)
end
