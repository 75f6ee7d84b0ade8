/* A query's arguments, and the one path whose answer does not end. */
#include <stdlib.h>

#include "api/private.h"

int query_body(const struct server_req *r, const struct op *op, struct buf *body, struct err *e)
{
	struct json_writer w;
	const char *name, *value;
	json_write_init(&w, body);
	json_object_begin(&w);
	for (size_t i = 0; server_req_query(r, i, &name, &value); i++) {
		const struct field *f = fields_find(op->args, name);
		json_write_key(&w, name);
		if (!f)
			json_write_string(&w, value); /* the decoder refuses it with a sentence */
		else if (fields_parse_text(f, value ? value : "true", &w, e) < 0)
			return err_wrap(e, "%.60s", name);
	}
	json_object_end(&w);
	return 0;
}

bool is_watch(const struct server_req *r)
{
	return server_req_door(r) == DOOR_UNIX && str_equal(server_req_path(r), "/v1/watch") &&
	       str_equal(server_req_method(r), "GET");
}

/* A user of the host, who sees all that his role may: grants have no way to this door, nor a view
 * here. */
int watch_admits(const struct server_req *r, struct principal *who, void *owner, struct err *e)
{
	if (door_admit(owner, r, who, e) < 0)
		return -1;
	return principal_may(who, op_watch(), e);
}

static int watch_arguments(const struct server_req *r, struct watch_args *out, struct err *e)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) query = {0};

	if (query_body(r, op_watch(), &query, e) < 0 ||
	    json_parse(buf_text(&query), query.len, NULL, &doc, e) < 0)
		return -1;
	return fields_decode(op_watch()->args, json_root(doc), out, NULL, e);
}

bool route_watch(struct api *a, struct server_req *r, struct err *e)
{
	struct watch_args args = {0};
	struct principal who;

	if (watch_admits(r, &who, a, e) < 0 || watch_arguments(r, &args, e) < 0)
		return false;
	struct visit *v = mem_alloc(sizeof(*v));
	v->api = a;
	v->req = r;
	v->stream = watch_open(a->watch, r, &who, &args, e);
	fields_free(op_watch()->args, &args);
	if (!v->stream) {
		free(v);
		return false;
	}
	server_req_set_context(r, v);
	return true;
}
