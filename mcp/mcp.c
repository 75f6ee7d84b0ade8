#include "mcp/mcp.h"

#include <stdlib.h>

struct mcp {
	struct loop *loop;
	struct ops *ops;
};

struct mcp *mcp_new(struct loop *l, struct ops *o)
{
	struct mcp *m = mem_alloc(sizeof(*m));
	m->loop = l;
	m->ops = o;
	return m;
}

void mcp_free(struct mcp *m)
{
	free(m);
}

void mcp_request(struct mcp *m, struct server_req *r, const struct principal *who)
{
	static const char none[] = "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32601,\"message\":"
				   "\"Method not found\"}}";
	(void)m, (void)who;
	server_reply(r, 404, "application/json", none, sizeof(none) - 1, NULL);
}

void mcp_gone(struct mcp *m, struct server_req *r)
{
	(void)m, (void)r;
}

void mcp_lines(struct mcp *m, struct server_lines *lines, const struct principal *who)
{
	(void)m, (void)lines, (void)who;
}

void mcp_line(struct mcp *m, struct server_lines *lines, const char *text, size_t len)
{
	(void)m, (void)lines, (void)text, (void)len;
}

void mcp_lines_gone(struct mcp *m, struct server_lines *lines)
{
	(void)m, (void)lines;
}

void mcp_lines_too_long(struct mcp *m, struct server_lines *lines)
{
	(void)m;
	server_lines_end(lines);
}

void mcp_lines_ended(struct mcp *m, struct server_lines *lines)
{
	(void)m;
	server_lines_end(lines);
}
