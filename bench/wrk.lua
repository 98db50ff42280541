-- SPDX-License-Identifier: Apache-2.0
-- Ends wrk's report with one line of JSON; times in microseconds.
done = function(summary, latency, requests)
	local e = summary.errors
	io.write(string.format('JSON {"requests":%d,"duration_us":%d,' ..
		'"min_us":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,' ..
		'"errors":%d,"timeouts":%d}\n', summary.requests,
		summary.duration, latency.min, latency:percentile(50),
		latency:percentile(99), latency.max,
		e.connect + e.read + e.write + e.status, e.timeout))
end
