/* The control port's routes: each is a function from a JSON body to a JSON answer. */
#include "sim/control.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loop/server.h"

#define MAX_BODY (64UL * 1024 * 1024)

struct control {
	struct control_parts parts;
	struct server *server;
};

struct order {
	struct control *c;
	struct server_req *req;
	const struct json *body; /* NULL when none was sent */
	struct buf *out;
};

static int say_ok(struct order *o)
{
	return buf_str(o->out, "{\"ok\":true}");
}

/* ---- faults ---- */

static int fault_add(struct order *o, struct err *e)
{
	if (faults_add(o->c->parts.faults, o->body, e) < 0)
		return -1;
	return say_ok(o);
}

static int fault_list(struct order *o, struct err *e)
{
	(void)e;
	faults_write(o->c->parts.faults, o->out);
	return 0;
}

static int fault_clear(struct order *o, struct err *e)
{
	(void)e;
	faults_clear(o->c->parts.faults);
	return say_ok(o);
}

/* ---- somebody else ---- */

static int edit_one(struct order *o, const struct json *edit, struct err *e)
{
	struct cloud_response r = {0};

	if (cloud_edit(o->c->parts.cloud, edit, clock_wall_ms(), &r, e) < 0) {
		cloud_response_free(&r);
		return -1;
	}
	buf_printf(o->out, "{\"status\":%d,\"answer\":%s}", r.status,
		   r.body.len ? buf_text(&r.body) : "null");
	cloud_response_free(&r);
	return 0;
}

static int edit(struct order *o, struct err *e)
{
	bool comma = false;

	if (json_type(o->body) != JSON_ARRAY)
		return edit_one(o, o->body, e);
	buf_char(o->out, '[');
	JSON_EACH (row, o->body) {
		if (comma)
			buf_char(o->out, ',');
		comma = true;
		if (edit_one(o, row, e) < 0)
			return -1;
	}
	return buf_char(o->out, ']');
}

static int seed(struct order *o, struct err *e)
{
	if (cloud_load(o->c->parts.cloud, o->body, e) < 0)
		return -1;
	return say_ok(o);
}

/* ---- what happened ---- */

static int64_t asked_since(const struct server_req *req)
{
	const char *name, *value;

	for (size_t n = 0; server_req_query(req, n, &name, &value); n++)
		if (str_equal(name, "since") && value)
			return strtoll(value, NULL, 10);
	return 0;
}

static int log_read(struct order *o, struct err *e)
{
	(void)e;
	journal_write(o->c->parts.journal, asked_since(o->req), o->out);
	return 0;
}

static int log_clear(struct order *o, struct err *e)
{
	(void)e;
	journal_clear(o->c->parts.journal);
	return say_ok(o);
}

static int counters_read(struct order *o, struct err *e)
{
	(void)e;
	journal_write_counters(o->c->parts.journal, o->out);
	return 0;
}

static int state_read(struct order *o, struct err *e)
{
	(void)e;
	cloud_state(o->c->parts.cloud, o->out);
	return 0;
}

static int reset_edge(struct edge *edge, struct err *e)
{
	static const char command[] = "{\"reset\":true}";
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) ignored = {0};

	if (json_parse(command, strlen(command), NULL, &doc, e) < 0)
		return -1;
	return edge_control(edge, json_root(doc), &ignored, e);
}

static int reset(struct order *o, struct err *e)
{
	const struct control_parts *p = &o->c->parts;

	if (reset_edge(p->edge, e) < 0)
		return -1;
	faults_clear(p->faults);
	api_forget_late(p->api);
	journal_clear(p->journal);
	cloud_reset(p->cloud);
	if (p->refill(p->owner, e) < 0)
		return -1;
	return say_ok(o);
}

static int edge_order(struct order *o, struct err *e)
{
	return edge_control(o->c->parts.edge, o->body, o->out, e);
}

static int edge_read(struct order *o, struct err *e)
{
	(void)e;
	edge_status(o->c->parts.edge, o->out);
	return 0;
}

/* ---- the door ---- */

static const struct {
	const char *method, *path;
	bool body;
	int (*run)(struct order *o, struct err *e);
} orders[] = {
	{"POST", "/control/faults", true, fault_add},
	{"GET", "/control/faults", false, fault_list},
	{"DELETE", "/control/faults", false, fault_clear},
	{"POST", "/control/edit", true, edit},
	{"POST", "/control/seed", true, seed},
	{"GET", "/control/log", false, log_read},
	{"DELETE", "/control/log", false, log_clear},
	{"GET", "/control/counters", false, counters_read},
	{"GET", "/control/state", false, state_read},
	{"POST", "/control/reset", false, reset},
	{"POST", "/control/edge", true, edge_order},
	{"GET", "/control/edge", false, edge_read},
};

static int run_order(struct order *o, struct err *e)
{
	const char *method = server_req_method(o->req), *path = server_req_path(o->req);
	const struct buf *text = server_req_body(o->req);
	const struct json_limits size = {.max_bytes = MAX_BODY};

	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		if (!str_equal(orders[i].method, method) || !str_equal(orders[i].path, path))
			continue;
		AUTO(json_doc_t) doc = NULL;
		if (orders[i].body && json_parse(buf_text(text), text->len, &size, &doc, e) < 0)
			return -1;
		o->body = doc ? json_root(doc) : NULL;
		return orders[i].run(o, e);
	}
	return err_set(e, ERR_NOT_FOUND, "there is no %s %s", method, path);
}

static void order_came(struct server_req *req, void *owner)
{
	AUTO(buf_t) out = {0};
	struct order o = {.c = owner, .req = req, .out = &out};
	struct err e = {0};
	int status = 200;

	if (run_order(&o, &e) < 0) {
		struct json_writer w;
		status = err_kind_http(e.kind);
		buf_reset(&out);
		json_write_init(&w, &out);
		json_object_begin(&w);
		json_put_string(&w, "error", e.message);
		json_object_end(&w);
	}
	server_reply(req, status, "application/json", buf_text(&out), out.len, NULL);
}

int control_new(struct loop *l, const struct control_parts *parts, int fd, struct control **out,
		struct err *e)
{
	static const struct server_limits limits = {.max_body = MAX_BODY};
	struct control *c = mem_alloc(sizeof *c);
	const struct server_handler handler = {.request = order_came, .owner = c};

	c->parts = *parts;
	c->server = server_new(l, &limits, &handler);
	if (server_listen(c->server, fd, 0, e) < 0) {
		control_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	server_free(c->server);
	free(c);
}
