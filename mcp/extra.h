/*
 * What a build for tests answers besides, so that a suite which brings its own tools can be run
 * against this very server. What is shipped has none of it: mcp/extra.c; a test's own file takes
 * that one's place when it is linked (tests/conformance).
 */
#ifndef MCP_EXTRA_H
#define MCP_EXTRA_H

#include "mcp/tool_table.h"

struct extra_tool {
	const char *name;
	const char *members; /* of its definition behind the name: JSON text */
	const char *schema;  /* its inputSchema: JSON text */
	void (*run)(struct exchange *x, const struct tool *t, const struct json *arguments);
};

/* Lists are JSON text, objects with commas between them; NULL = none. The functions answer what is
 * theirs, and are false for the rest. */
struct mcp_extra {
	const struct extra_tool *tools;
	size_t n_tools;
	const struct method *methods;
	size_t n_methods;
	const char *resources, *templates, *prompts;
	bool (*read)(struct exchange *x, const char *uri);
	bool (*prompt)(struct exchange *x, const char *name);
	bool (*complete)(struct exchange *x);
};

/* NULL = nothing. */
const struct mcp_extra *mcp_extra(void);

#endif
