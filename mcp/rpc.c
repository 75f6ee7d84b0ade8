#include "mcp/rpc.h"

#include <string.h>

/* Digits and a sign, as they were sent: what is not an integer on the wire is none here. */
static bool is_integer(const struct json *v)
{
	struct json_span raw = json_raw(v);
	size_t at = raw.len && raw.p[0] == '-' ? 1 : 0;
	if (raw.len == at || raw.len > RPC_ID_MAX)
		return false;
	for (; at < raw.len; at++)
		if (raw.p[at] < '0' || raw.p[at] > '9')
			return false;
	return true;
}

static bool id_valid(const struct json *id)
{
	const char *text = json_string(id);
	if (text)
		return strlen(text) <= RPC_ID_MAX;
	return json_type(id) == JSON_NUMBER && is_integer(id);
}

static void broken(struct rpc_message *m, const char *what)
{
	m->kind = RPC_BROKEN;
	m->broken = what;
}

static void read_params(const struct json *v, struct rpc_message *m)
{
	const struct json *params = json_get(v, "params");
	if (!params)
		return;
	if (json_type(params) != JSON_OBJECT) {
		broken(m, "params must be an object");
		return;
	}
	m->params = params;
	const struct json *meta = json_get(params, "_meta");
	if (meta && json_type(meta) != JSON_OBJECT)
		broken(m, "params._meta must be an object");
	else
		m->meta = meta;
}

static void read_call(const struct json *v, const struct json *id, struct rpc_message *m)
{
	size_t len = strlen(m->method);
	m->kind = id ? RPC_REQUEST : RPC_NOTIFICATION;
	if (len == 0 || len > RPC_METHOD_MAX)
		broken(m, "method must be 1 to 128 bytes long");
	else
		read_params(v, m);
}

/* Null is the id of an error about what could not be read. Who answered that as well would go on
 * forever with whoever does the same, or hears himself. */
static bool read_answer(const struct json *v, const struct json *id, struct rpc_message *m)
{
	const struct json *result = json_get(v, "result"), *error = json_get(v, "error");
	if (!id || json_get(v, "method") ||
	    (m->id ? !result && !error : !json_is_null(id) || !error))
		return false;
	m->result = result;
	return true;
}

void rpc_read(const struct json *v, struct rpc_message *m)
{
	const struct json *id = json_get(v, "id");
	*m = (struct rpc_message){0};
	if (json_type(v) != JSON_OBJECT) {
		broken(m, "a message must be a JSON object");
		return;
	}
	if (id_valid(id))
		m->id = id;
	m->method = json_string(json_get(v, "method"));
	if (!str_equal(json_get_string(v, "jsonrpc"), "2.0"))
		broken(m, "jsonrpc must be \"2.0\"");
	else if (read_answer(v, id, m))
		m->kind = RPC_RESPONSE;
	else if (id && !m->id)
		broken(m, "id must be a string or an integer, of 256 bytes at most");
	else if (m->method)
		read_call(v, id, m);
	else if (json_get(v, "method"))
		broken(m, "method must be a string");
	else
		broken(m, "it has no method");
}

bool rpc_id_equal(const struct json *a, const struct json *b)
{
	if (!a || !b || json_type(a) != json_type(b))
		return false;
	if (json_type(a) == JSON_STRING)
		return str_equal(json_string(a), json_string(b));
	struct json_span x = json_raw(a), y = json_raw(b);
	return x.len > 0 && x.len == y.len && memcmp(x.p, y.p, x.len) == 0;
}

void rpc_put_id(const struct json *id, struct json_writer *w)
{
	json_write_key(w, "id");
	if (!id)
		json_write_null(w);
	else
		json_write_value(w, id);
}

void rpc_put_error(const struct json *id, int code, const char *message, const char *data,
		   struct json_writer *w)
{
	json_object_begin(w);
	json_put_string(w, "jsonrpc", "2.0");
	rpc_put_id(id, w);
	json_write_key(w, "error");
	json_object_begin(w);
	json_put_int(w, "code", code);
	json_put_string(w, "message", message);
	if (data) {
		json_write_key(w, "data");
		json_write_raw(w, data, strlen(data));
	}
	json_object_end(w);
	json_object_end(w);
}
