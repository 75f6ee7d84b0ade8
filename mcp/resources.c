/*
 * Resources: what can be read by its address, each an operation seen from another side. The same
 * judgement holds as for a call; what may not be read is not there.
 */
#include "mcp/extra.h"
#include "mcp/private.h"
#include "mcp/resource.h"
#include "mcp/shape.h"
#include "mcp/tool_table.h"
#include "ops/sight.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define TUNNELS_MAX 200
#define READ_TTL_MS 0

struct kind {
	const char *before, *variable; /* "adit://plans/" and "id"; NULL = this address alone */
	const char *name, *title, *doc;
	const char *op, *argument; /* op NULL = the description of an operation */
	enum offer offer;
};

static const struct kind kinds[] = {
	{"adit://status", NULL, "status", "State of everything",
	 "Tunnels, routes, connectors and problems of this host on one page.", "status_get", NULL,
	 OFFER_NONE},
	{"adit://tunnels/", "name", "tunnel", "A tunnel",
	 "One tunnel with its routes, records and connectors.", "tunnel_get", "tunnel",
	 OFFER_TUNNEL},
	{"adit://plans/", "id", "plan", "A plan", "One plan: what changes, its state and its hash.",
	 "plan_get", "plan", OFFER_PLAN},
	{"adit://help/", "operation", "help", "How an operation is called",
	 "What an operation does, its arguments and its answer.", NULL, NULL, OFFER_OPERATION},
};

/* The kind of an address, and what stands for its variable. */
static const struct kind *kind_of(const char *uri, const char **value)
{
	for (size_t i = 0; uri && i < ARRAY_LEN(kinds); i++) {
		*value = uri + strlen(kinds[i].before);
		if (!kinds[i].variable && str_equal(uri, kinds[i].before))
			return &kinds[i];
		if (kinds[i].variable && str_starts(uri, kinds[i].before) && **value)
			return &kinds[i];
	}
	return NULL;
}

static bool kind_visible(const struct kind *k, const struct principal *who)
{
	return !k->op || principal_policy(who, op_find(k->op)) == POLICY_NONE;
}

static char *template_of(const struct kind *k)
{
	return k->variable ? str_format("%s{%s}", k->before, k->variable) : str_dup(k->before);
}

enum offer resource_offer(const char *template, const char *argument)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		AUTO(str_t) own = template_of(&kinds[i]);
		if (!str_equal(own, template) || !kinds[i].variable)
			continue;
		return str_equal(kinds[i].variable, argument) ? kinds[i].offer
							      : OFFER_UNKNOWN_ARGUMENT;
	}
	return OFFER_UNKNOWN;
}

bool resource_may(const char *uri, const struct principal *who)
{
	const char *value;
	const struct kind *k = kind_of(uri, &value);
	return k && kind_visible(k, who);
}

bool resource_shows(const char *uri, enum object_type type, const char *id,
		    const struct tunnel *tunnel)
{
	const char *value;
	const struct kind *k = kind_of(uri, &value);
	if (!k || k->offer == OFFER_OPERATION)
		return false;
	if (!k->variable)
		return true;
	AUTO(str_t) plain = percent_decode(value);
	if (k->offer == OFFER_PLAN)
		return type == OBJECT_PLAN && str_equal(plain, id);
	if (type == OBJECT_PLAN || type == OBJECT_ZONE || type == OBJECT_SYSTEM)
		return false;
	return !tunnel || str_equal(plain, tunnel->name) || str_equal(plain, tunnel->id) ||
	       str_equal(plain, tunnel->remote_id);
}

/* ---- lists ---- */

static void put_kind(const struct kind *k, const char *key, const char *uri, const char *title,
		     struct json_writer *w)
{
	json_object_begin(w);
	json_put_string(w, key, uri);
	json_put_string(w, "name", k->name);
	json_put_string(w, "title", title);
	json_put_string(w, "description", k->doc);
	json_put_string(w, "mimeType", "application/json");
	json_object_end(w);
}

static void put_tunnels(const struct exchange *x, const struct kind *k, struct json_writer *w)
{
	const struct world *world = sight_world(x->parcel->mcp->ops, &x->parcel->who);
	size_t n = 0;
	TABLE_EACH (i, struct tunnel, t, &world->tunnels) {
		if (n++ >= TUNNELS_MAX)
			return;
		AUTO(str_t) name = percent_encode(t->name);
		AUTO(str_t) uri = str_format("%s%s", k->before, name);
		AUTO(str_t) title = str_format("Tunnel %s", t->name);
		put_kind(k, "uri", uri, title, w);
	}
}

void resources_list_run(struct exchange *x)
{
	if (list_cursor_refused(x))
		return;
	struct json_writer *w = exchange_result(x);
	json_write_key(w, "resources");
	json_array_begin(w);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct kind *k = &kinds[i];
		if (!kind_visible(k, &x->parcel->who))
			continue;
		if (!k->variable)
			put_kind(k, "uri", k->before, k->title, w);
		else if (k->offer == OFFER_TUNNEL)
			put_tunnels(x, k, w);
	}
	if (mcp_extra() && mcp_extra()->resources)
		json_write_raw(w, mcp_extra()->resources, strlen(mcp_extra()->resources));
	json_array_end(w);
	exchange_keep(x, LIST_TTL_MS, true);
	exchange_done(x);
}

void templates_list_run(struct exchange *x)
{
	if (list_cursor_refused(x))
		return;
	struct json_writer *w = exchange_result(x);
	json_write_key(w, "resourceTemplates");
	json_array_begin(w);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		AUTO(str_t) uri = template_of(&kinds[i]);
		if (kinds[i].variable && kind_visible(&kinds[i], &x->parcel->who))
			put_kind(&kinds[i], "uriTemplate", uri, kinds[i].title, w);
	}
	if (mcp_extra() && mcp_extra()->templates)
		json_write_raw(w, mcp_extra()->templates, strlen(mcp_extra()->templates));
	json_array_end(w);
	exchange_keep(x, LIST_TTL_MS, true);
	exchange_done(x);
}

/* ---- resources/read ---- */

struct reading {
	struct call call;
	struct exchange *x;
};

static void reading_drop(struct exchange *x)
{
	struct reading *r = x->state;
	call_cancel(&r->call);
	call_fini(&r->call);
	free(r);
	x->state = NULL;
}

static const char *uri_of(const struct exchange *x)
{
	return json_string(exchange_param(x, "uri"));
}

/* The code is another one in the two eras. */
static void refuse_absent(struct exchange *x)
{
	AUTO(buf_t) data = {0};
	struct json_writer w;
	json_write_init(&w, &data);
	json_object_begin(&w);
	if (uri_of(x))
		json_put_string(&w, "uri", uri_of(x));
	json_object_end(&w);
	exchange_fail(x, x->era == ERA_MODERN ? RPC_PARAMS : RPC_NO_RESOURCE, 200,
		      "There is no such resource; see resources/list and resources/templates/list",
		      buf_text(&data));
}

static void answer_text(struct exchange *x, const struct buf *text)
{
	struct json_writer *w = exchange_result(x);
	json_write_key(w, "contents");
	json_array_begin(w);
	json_object_begin(w);
	json_put_string(w, "uri", uri_of(x));
	json_put_string(w, "mimeType", "application/json");
	json_write_key(w, "text");
	json_write_stringn(w, buf_text(text), text->len);
	json_object_end(w);
	json_array_end(w);
	exchange_keep(x, READ_TTL_MS, true);
	exchange_done(x);
}

static void answer_short(struct exchange *x, const struct buf *text)
{
	AUTO(buf_t) fitting = {0};
	AUTO(buf_t) cut = {.limit = 400};
	if (text->len <= SHAPE_CAP) {
		answer_text(x, text);
		return;
	}
	shape_cut(text, SHAPE_CAP - 600, &fitting, &cut);
	shape_append(&fitting, "cut", buf_text(&cut));
	answer_text(x, &fitting);
}

static void reading_done(struct task *task, void *owner)
{
	struct reading *r = owner;
	struct exchange *x = r->x;
	const struct err e = task->err;
	AUTO(buf_t) text = r->call.result;
	r->call.result = (struct buf){0};
	reading_drop(x);
	if (e.kind == ERR_NONE)
		answer_short(x, &text);
	else if (e.kind == ERR_NOT_FOUND || e.kind == ERR_INVALID)
		refuse_absent(x);
	else
		exchange_fail(x, RPC_INTERNAL, 200, e.message, NULL);
}

static void write_argument(const struct kind *k, const char *value, struct buf *body)
{
	struct json_writer w;
	json_write_init(&w, body);
	json_object_begin(&w);
	if (k->argument)
		json_put_string(&w, k->argument, value);
	json_object_end(&w);
}

static void read_operation(struct exchange *x, const struct kind *k, const char *value)
{
	struct parcel *p = x->parcel;
	struct reading *r = mem_alloc(sizeof(*r));
	struct principal who;
	AUTO(buf_t) body = {0};
	exchange_principal(x, &who);
	write_argument(k, value, &body);
	r->x = x;
	x->state = r;
	x->dropped = reading_drop;
	call_start(p->mcp->ops, &r->call, op_find(k->op), &who, NULL, buf_text(&body), body.len,
		   reading_done, r);
}

/* As tools/list has it. */
static void read_help(struct exchange *x, const char *name)
{
	const struct tool *t = tool_find(tool_table_of(x->parcel->mcp), name);
	AUTO(buf_t) text = {0};
	struct json_writer w;
	if (!t || !tool_visible(x->parcel, t)) {
		refuse_absent(x);
		return;
	}
	json_write_init(&w, &text);
	tool_write(t, x->version, &w);
	answer_short(x, &text);
}

void resources_read_run(struct exchange *x)
{
	const char *value;
	const struct kind *k = kind_of(uri_of(x), &value);
	AUTO(str_t) plain = k && k->variable ? percent_decode(value) : str_dup("");
	if (!k && mcp_extra() && uri_of(x) && mcp_extra()->read(x, uri_of(x)))
		return;
	if (!k || !plain || !kind_visible(k, &x->parcel->who))
		refuse_absent(x);
	else if (k->op)
		read_operation(x, k, plain);
	else
		read_help(x, plain);
}
