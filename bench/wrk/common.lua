-- What the scripts share. Their settings come in the environment, as bench/load.py sets them.
local bench = {}

local prefix = os.getenv("BENCH_PREFIX")
local members = tonumber(os.getenv("BENCH_MEMBERS"))
local key = os.getenv("BENCH_KEY")
local run = os.getenv("BENCH_RUN")
local count = 0

bench.prefix, bench.members, bench.run = prefix, members, run

math.randomseed(tonumber(os.getenv("BENCH_SEED")))

local head = " HTTP/1.1\r\nHost: " .. os.getenv("BENCH_HOST") .. "\r\nAuthorization: Bearer " .. key .. "\r\n"
local json = head .. "Content-Type: application/json\r\nContent-Length: "

-- A member of the population, each as likely.
function bench.member()
  return prefix .. "-" .. math.random(1, members)
end

-- An order or reference nobody has named before.
function bench.name()
  count = count + 1
  return run .. "-" .. count
end

function bench.amount()
  return math.random(1000, 30000)
end

function bench.get(path, headers)
  return "GET " .. path .. head .. (headers or "") .. "\r\n"
end

function bench.post(path, body, headers)
  return "POST " .. path .. json .. #body .. "\r\n" .. (headers or "") .. "\r\n" .. body
end

-- One line that bench/load.py reads. `extra` adds members to its object.
function bench.report(summary, latency, extra)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"bytes":%d,"lost":{"connecting":%d,"reading":%d,"writing":%d,"waiting":%d},'
      .. '"refused":%d,"p50_us":%d,"p99_us":%d%s}\n',
    summary.requests, summary.duration, summary.bytes,
    errors.connect, errors.read, errors.write, errors.timeout, errors.status,
    latency:percentile(50), latency:percentile(99), extra or ""))
end

return bench
