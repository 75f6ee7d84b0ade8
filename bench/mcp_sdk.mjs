// The least that a server on the official TypeScript SDK can do: one tool that answers with so many
// bytes, for a bearer that it has compared. bench/mcp.py measures aditd beside it.
//
// SDK=FOLDER node bench/mcp_sdk.mjs BYTES TOKEN      (FOLDER holds node_modules); prints its port
// SDK=FOLDER node bench/mcp_sdk.mjs BYTES --stdio
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const require = createRequire(process.env.SDK + "/");
const { McpServer, createMcpHandler, fromJsonSchema } = require("@modelcontextprotocol/server");
const answer = { status: "ok", text: "x".repeat(Number(process.argv[2])) };

function made() {
	const server = new McpServer({ name: "least", version: "1" });
	server.registerTool("status_get", {
		description: "The state of all",
		inputSchema: fromJsonSchema({ type: "object", properties: {} }),
	}, async () => ({ content: [], structuredContent: answer }));
	return server;
}

const hash = (text) => createHash("sha256").update(text).digest();

if (process.argv[3] === "--stdio") {
	const { serveStdio } = require("@modelcontextprotocol/server/stdio");
	serveStdio(made);
} else {
	const { toNodeHandler } = require("@modelcontextprotocol/node");
	const known = hash("Bearer " + process.argv[3]);
	const handler = toNodeHandler(createMcpHandler(made));
	const server = createServer((request, response) => {
		if (!timingSafeEqual(known, hash(request.headers.authorization ?? "")))
			return response.writeHead(401).end();
		return handler(request, response);
	});
	server.listen(0, "127.0.0.1", () => console.log(server.address().port));
}
