/*
 * Tools, made once from the operation table: their texts are ready, so that a list is a matter of
 * copying what the caller may see. Nothing of them depends on who asks, or on what stands at
 * Cloudflare; of the settings only whether aliases are listed.
 */
#ifndef MCP_TOOL_TABLE_H
#define MCP_TOOL_TABLE_H

#include "mcp/aliases.h"
#include "mcp/exchange.h"
#include "ops/decl/decl.h"

struct tool {
	const char *name;
	const struct alias *alias; /* NULL = it goes by the operation's own name */
	const struct op *op;       /* NULL = it is none of ours: everybody sees it */
	/* Members of the definition, as text: what every version has, and what came later. */
	struct buf base, annotations, rest;
	/* Arguments whose values headers repeat (x-mcp-header), and those headers. */
	struct strlist mirrored, headers;
	bool takes_fields; /* the operation has no such argument: it is ours */
	bool pages;        /* it has limit, cursor and items */
	bool plans;        /* its answer is a plan */
	/* Answers now or later. arguments: an object, or NULL. */
	void (*run)(struct exchange *x, const struct tool *t, const struct json *arguments);
};

struct tool_table {
	struct tool *tools;
	size_t n;
};

/* Made when it is first asked for. */
const struct tool_table *tool_table_of(struct mcp *m);
void tool_table_free(struct tool_table *table);
const struct tool *tool_find(const struct tool_table *table, const char *name);
/* Is it there at all, whoever asks? Aliases are only where the settings have them. */
bool tool_is_on(const struct mcp *m, const struct tool *t);
/* Does whoever sent that see it? */
bool tool_visible(const struct parcel *p, const struct tool *t);
/* The definition as that version has it, an object. */
void tool_write(const struct tool *t, const char *version, struct json_writer *w);
/* Fills mirrored and headers from an input schema. */
void tool_read_headers(struct tool *t, const struct buf *schema);

#endif
