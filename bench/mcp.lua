-- wrk's requests: the same call of one tool again and again, as a client of 2026-07-28 sends it.
-- TOKEN and CLIENT, the name that it gives itself, come from the environment.
wrk.method = "POST"
wrk.body = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"status_get",' ..
	'"arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",' ..
	'"io.modelcontextprotocol/clientInfo":{"name":"' .. os.getenv("CLIENT") ..
	'","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}'
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
wrk.headers["MCP-Protocol-Version"] = "2026-07-28"
wrk.headers["Mcp-Method"] = "tools/call"
wrk.headers["Mcp-Name"] = "status_get"

function done(summary, latency)
	local bad = summary.errors.status + summary.errors.read + summary.errors.write +
		summary.errors.connect + summary.errors.timeout
	io.write(string.format("figures %d %d %d %d %d\n", summary.requests, summary.duration,
		latency:percentile(50), latency:percentile(99), bad))
end
