/* What the files of this room share. */
#ifndef MCP_PRIVATE_H
#define MCP_PRIVATE_H

#include "mcp/exchange.h"
#include "mcp/mcp.h"

struct tool_table;

struct mcp {
	struct loop *loop;
	struct ops *ops;
	struct list parcels;
	unsigned char key[SESSION_KEY]; /* of this run: sessions do not outlive it */
	struct buf server_info;         /* JSON: who answers */
	struct tool_table *tools;       /* NULL = not asked for yet */
};

/* http.c: what runs on though its peer has left. */
void visits_free(struct mcp *m);

/* exchange.c: what a client says of itself ({name, version}; NULL = nothing). */
void client_claim(struct principal *who, const struct json *info);

/* discover.c */
void server_info_write(struct buf *out);
void discover_run(struct exchange *x);
void initialize_run(struct exchange *x);
void ping_run(struct exchange *x);

/* tools.c, tool_call.c */
void tools_list_run(struct exchange *x);
void tools_call_run(struct exchange *x);

#endif
