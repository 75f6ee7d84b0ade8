/* What the files of this room share. */
#ifndef MCP_PRIVATE_H
#define MCP_PRIVATE_H

#include "mcp/ask_state.h"
#include "mcp/exchange.h"
#include "mcp/mcp.h"
#include "mcp/offer.h"
#include "mcp/tasks.h"

struct tool_table;
struct tool_call;

struct mcp {
	struct loop *loop;
	struct ops *ops;
	struct list parcels;
	unsigned char key[SESSION_KEY]; /* of this run: sessions do not outlive it */
	struct buf server_info;         /* JSON: who answers */
	struct tool_table *tools;       /* NULL = not asked for yet */
	struct tool_call *spare_call;   /* owned, all zero; NULL = it is in use */
	struct ask_spent asked;         /* answers that were taken */
	struct task_list tasks;         /* calls that go on by themselves */
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

/* resources.c */
void resources_list_run(struct exchange *x);
void templates_list_run(struct exchange *x);
void resources_read_run(struct exchange *x);

/* prompts.c */
void prompts_list_run(struct exchange *x);
void prompts_get_run(struct exchange *x);
/* What completes that argument of a prompt. */
enum offer prompt_offer(const struct exchange *x, const char *prompt, const char *argument);

/* complete.c */
void complete_run(struct exchange *x);

/* listen.c */
void listen_run(struct exchange *x);
/* The connection of that owner is sent nothing more: what listens there is finished. */
void listens_end(struct mcp *m, const void *owner);
/* The member of _meta by which a listener knows what it is told. */
void put_subscription(const struct exchange *x, struct json_writer *w);

/* Lists of ours come in one piece and hold for a while. A cursor is refused: true, and x is gone
 * then. */
#define LIST_TTL_MS 300000
bool list_cursor_refused(struct exchange *x);

#endif
