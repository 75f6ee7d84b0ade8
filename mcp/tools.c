/* tools/list and tools/call: what the caller may see is listed, and judged again when called. */
#include "mcp/ask.h"
#include "mcp/private.h"
#include "mcp/tool_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEAREST_MAX 3

bool list_cursor_refused(struct exchange *x)
{
	if (!exchange_param(x, "cursor"))
		return false;
	exchange_fail(x, RPC_PARAMS, 200, "cursor: the list comes in one piece, so there is none",
		      NULL);
	return true;
}

void tools_list_run(struct exchange *x)
{
	const struct tool_table *table = tool_table_of(x->parcel->mcp);
	if (list_cursor_refused(x))
		return;
	struct json_writer *w = exchange_result(x);
	json_write_key(w, "tools");
	json_array_begin(w);
	for (size_t i = 0; i < table->n; i++)
		if (tool_visible(x->parcel, &table->tools[i]))
			tool_write(&table->tools[i], x->version, w);
	json_array_end(w);
	exchange_keep(x, LIST_TTL_MS, true);
	exchange_done(x);
}

/* The names nearest to that one among those that the caller sees, as {"nearest":[..]}. */
static void put_nearest(const struct exchange *x, const char *name, struct buf *out)
{
	const struct tool_table *table = tool_table_of(x->parcel->mcp);
	const char **names = mem_array(table->n + 1, sizeof(*names));
	const char *near = name;
	struct json_writer w;
	size_t n = 0;
	for (size_t i = 0; i < table->n; i++)
		if (tool_visible(x->parcel, &table->tools[i]))
			names[n++] = table->tools[i].name;
	json_write_init(&w, out);
	json_object_begin(&w);
	json_write_key(&w, "nearest");
	json_array_begin(&w);
	for (int found = 0; found < NEAREST_MAX; found++) {
		near = fields_nearest(names, name);
		if (!near)
			break;
		json_write_string(&w, near);
		for (size_t i = 0; i < n; i++)
			if (names[i] == near)
				memmove(&names[i], &names[i + 1], (n - i) * sizeof(*names));
		n--;
	}
	json_array_end(&w);
	json_object_end(&w);
	free(names);
}

static void refuse_unknown(struct exchange *x, const char *name)
{
	AUTO(buf_t) data = {0};
	struct err e;
	put_nearest(x, name, &data);
	(void)err_set(&e, ERR_INVALID, "Unknown tool \"%.60s\"; tools/list has all of them", name);
	exchange_fail(x, RPC_PARAMS, 200, e.message, buf_text(&data));
}

/* What the tool wants to see in headers too, where there are any. */
static const char *header_amiss(const struct exchange *x, const struct tool *t,
				const struct json *arguments)
{
	const struct parcel *p = x->parcel;
	char header[160];
	if (x->era != ERA_MODERN || !p->carrier->header)
		return NULL;
	for (size_t i = 0; i < t->headers.n; i++) {
		const struct json *value = json_get(arguments, t->mirrored.items[i]);
		(void)snprintf(header, sizeof(header), "Mcp-Param-%s", t->headers.items[i]);
		if (json_is_null(value))
			continue;
		if (!era_header_repeats(p->carrier->header(p, header), value))
			return t->headers.items[i];
	}
	return NULL;
}

void tools_call_run(struct exchange *x)
{
	const char *name = json_string(exchange_param(x, "name"));
	const struct json *arguments = exchange_param(x, "arguments");
	if (!name || (arguments && json_type(arguments) != JSON_OBJECT)) {
		exchange_fail(x, RPC_PARAMS, 200,
			      name ? "arguments must be an object" : "name must be a string", NULL);
		return;
	}
	const struct tool *t = tool_find(tool_table_of(x->parcel->mcp), name);
	if (!t || !tool_is_on(x->parcel->mcp, t)) {
		refuse_unknown(x, name);
		return;
	}
	const char *amiss = header_amiss(x, t, arguments);
	if (amiss) {
		AUTO(str_t)
		text = str_format("The header Mcp-Param-%s is missing or differs from the argument",
				  amiss);
		exchange_fail(x, RPC_HEADERS, 400, text, NULL);
		return;
	}
	if (ask_wanted(x, t))
		ask_run(x, t, arguments);
	else
		t->run(x, t, arguments);
}
