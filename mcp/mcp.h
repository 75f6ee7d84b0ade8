/*
 * The Model Context Protocol, both eras (2026-07-28; 2025-11-25 and older), over HTTP and over
 * lines. Who calls was judged by the door; what he may do is judged here when it is listed and
 * again when it is called. Nothing here knows a socket: answers go out through the request or the
 * connection that they came in by.
 */
#ifndef MCP_MCP_H
#define MCP_MCP_H

#include "loop/server.h"
#include "ops/ops.h"

struct mcp;

/* Borrowed; freed when no request and no connection is left open. */
struct mcp *mcp_new(struct loop *l, struct ops *o);
void mcp_free(struct mcp *m);

/* A request to the endpoint, complete with its body. The door has judged bearer, Host, Origin,
 * content type and size. Answers now or later, as JSON, or as a stream where the call lasts. */
void mcp_request(struct mcp *m, struct server_req *r, const struct principal *who);
/* The request is over, or its peer has left: called once for each that mcp_request took. */
void mcp_gone(struct mcp *m, struct server_req *r);

/* A connection that carries one JSON message a line, as a program's standard streams do. Uses the
 * connection's context. */
void mcp_lines(struct mcp *m, struct server_lines *lines, const struct principal *who);
void mcp_line(struct mcp *m, struct server_lines *lines, const char *text, size_t len);
/* A line was longer than the connection takes. */
void mcp_lines_too_long(struct mcp *m, struct server_lines *lines);
/* No more comes: the connection is ended when all that was asked has been answered. */
void mcp_lines_ended(struct mcp *m, struct server_lines *lines);
void mcp_lines_gone(struct mcp *m, struct server_lines *lines);

#endif
