-- One user a connection, as far as wrk lets it: four of five requests read the list, one adds a task.
local credentials, body = {}, '{"title": "Buy milk", "priority": "high", "tags": ["load"]}'
local turn = 0

function init(args)
  for line in io.lines(args[1]) do
    credentials[#credentials + 1] = line
  end
  local pause = tonumber(args[2])
  if pause > 0 then
    -- Users who rest alike would come in one crowd each time.
    function delay()
      return math.random(math.floor(pause / 2), math.floor(pause * 1.5))
    end
  end
end

function request()
  turn = turn + 1
  local name, value = credentials[turn % #credentials + 1]:match("^(%S+): (.*)$")
  local headers = { [name] = value }
  if turn % 5 == 0 then
    headers["Content-Type"] = "application/json"
    return wrk.format("POST", "/api/tasks", headers, body)
  end
  return wrk.format("GET", "/api/tasks?page_size=20&status=open&sort=due", headers)
end

function done(summary, latency, _)
  local lost = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.3f, "p50": %.1f, "p95": %.1f, "p99": %.1f, "refused": %d, "lost": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, lost.status, lost.connect + lost.read + lost.write + lost.timeout
  ))
end
