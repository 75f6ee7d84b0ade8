/*
 * Asking the person at the client before each write, for grants that want it. The plan is made and
 * kept; the question shows it; "yes" lets the plan through that was shown, as far as that takes no
 * approval; anything else rejects it for good. A client that cannot ask gets no write done.
 */
#ifndef MCP_ASK_H
#define MCP_ASK_H

#include "mcp/tool_table.h"

/* Is the caller to be asked before this tool does anything? */
bool ask_wanted(const struct exchange *x, const struct tool *t);
/* The call of such a tool, at first and when it comes again with the answer. */
void ask_run(struct exchange *x, const struct tool *t, const struct json *arguments);

#endif
