#include "mcp/private.h"

#include <stdlib.h>
#include <string.h>

#define PARCEL_DEPTH 64

/* ---- parcels ---- */

struct parcel *parcel_new(struct mcp *m, const struct carrier *carrier, void *owner,
			  const struct principal *who)
{
	struct parcel *p = mem_alloc(sizeof(*p));
	p->mcp = m;
	p->carrier = carrier;
	p->owner = owner;
	p->who = *who;
	p->status = 200;
	list_init(&p->exchanges);
	list_append(&m->parcels, &p->node);
	return p;
}

/* White space between values may be anything; a message is one line all the same. */
static void flatten_of(struct buf *text, char ch)
{
	char *at = text->data, *end = text->data + text->len;
	while (at && (at = memchr(at, ch, (size_t)(end - at))))
		*at = ' ';
}

static void flatten(struct buf *text)
{
	if (!text->len)
		return;
	flatten_of(text, '\n');
	flatten_of(text, '\r');
}

/* One answer, or all of an array's. */
static void parcel_add(struct parcel *p, struct buf *text)
{
	flatten(text);
	if (p->streaming) {
		p->carrier->message(p, text);
		return;
	}
	if (!p->array) {
		buf_free(&p->answers);
		p->answers = *text;
		*text = (struct buf){0};
		return;
	}
	(void)buf_char(&p->answers, p->answers.len ? ',' : '[');
	(void)buf_add(&p->answers, text->data, text->len);
}

/* The stream begins with what has been answered of an array. */
static void parcel_message(struct parcel *p, struct buf *text)
{
	bool streamed = p->streaming;
	flatten(text);
	p->carrier->message(p, text);
	if (streamed || !p->streaming || !p->answers.len)
		return;
	(void)buf_char(&p->answers, ']');
	p->carrier->message(p, &p->answers);
	buf_reset(&p->answers);
}

static void parcel_release(struct parcel *p)
{
	if (--p->open > 0)
		return;
	if (p->streaming) {
		p->carrier->finish(p);
		return;
	}
	if (p->array && p->answers.len)
		(void)buf_char(&p->answers, ']');
	p->carrier->answer(p, p->answers.len ? p->status : 202, &p->answers);
}

static void parcel_error(struct parcel *p, const struct json *id, int status, int code,
			 const char *message, const char *data)
{
	AUTO(buf_t) text = {0};
	struct json_writer w;
	json_write_init(&w, &text);
	rpc_put_error(id, code, message, data, &w);
	if (!p->array)
		p->status = status;
	parcel_add(p, &text);
}

void parcel_refuse(struct parcel *p, int status, int code, const char *message)
{
	p->open++;
	parcel_error(p, NULL, status, code, message, NULL);
	parcel_release(p);
}

static void exchange_free(struct exchange *x)
{
	progress_end(x);
	list_remove(&x->node);
	json_doc_free(x->own);
	buf_free(&x->out);
	free(x);
}

static void exchange_drop(struct exchange *x)
{
	if (x->dropped)
		x->dropped(x);
	exchange_free(x);
}

void parcel_free(struct parcel *p)
{
	LIST_EACH (it, &p->exchanges)
		exchange_drop(LIST_OF(it, struct exchange, node));
	list_remove(&p->node);
	json_doc_free(p->doc);
	buf_free(&p->answers);
	free(p->session_id);
	free(p);
}

/* ---- what is in them ---- */

static struct era_head head_of(const struct parcel *p)
{
	const char *(*header)(const struct parcel *, const char *) = p->carrier->header;
	if (!header)
		return (struct era_head){.http = false};
	return (struct era_head){
		.http = true,
		.version = header(p, "mcp-protocol-version"),
		.method = header(p, "mcp-method"),
		.name = header(p, "mcp-name"),
	};
}

static void refuse_version(struct parcel *p, const struct rpc_message *m, const struct verdict *v)
{
	AUTO(buf_t) data = {0};
	struct json_writer w;
	json_write_init(&w, &data);
	json_object_begin(&w);
	json_write_key(&w, "supported");
	json_array_begin(&w);
	json_write_string(&w, VERSION_MODERN);
	json_array_end(&w);
	json_put_string(&w, "requested", json_get_string(m->meta, META_PREFIX "protocolVersion"));
	json_object_end(&w);
	parcel_error(p, m->id, v->status, v->code, v->message, buf_text(&data));
}

/* Nobody waits for the answer to a notification, but HTTP has to say something. */
static void refuse(struct parcel *p, const struct rpc_message *m, const struct verdict *v)
{
	if (m->kind == RPC_NOTIFICATION && !p->carrier->header)
		return;
	if (v->code == RPC_VERSION)
		refuse_version(p, m, v);
	else
		parcel_error(p, m->id, v->status, v->code, v->message, NULL);
}

static void take_notification(struct parcel *p, const struct rpc_message *m,
			      const struct verdict *v)
{
	bool reaches = v->era == ERA_LEGACY || !p->carrier->header;
	if (reaches && str_equal(m->method, "notifications/cancelled"))
		parcel_cancel(p, json_get(m->params, "requestId"));
}

static void take_request(struct parcel *p, const struct rpc_message *m, const struct verdict *v)
{
	const struct method *method = method_find(m->method, v->era);
	if (!method) {
		AUTO(str_t) text = str_format("There is no method \"%.60s\"", m->method);
		parcel_error(p, m->id, v->era == ERA_MODERN ? 404 : 200, RPC_NO_METHOD, text, NULL);
		return;
	}
	struct exchange *x = mem_alloc(sizeof(*x));
	x->parcel = p;
	x->msg = *m;
	x->era = v->era;
	x->version = v->version;
	x->method = method;
	list_append(&p->exchanges, &x->node);
	p->open++;
	progress_begin(x);
	method->run(x);
}

/* In a batch stand only messages of the version that has them. */
static void judge_in_batch(const struct rpc_message *m, struct verdict *v)
{
	if (v->era != ERA_MODERN && !str_equal(m->method, "initialize"))
		return;
	*v = (struct verdict){.code = RPC_NO_REQUEST,
			      .status = 400,
			      .message = "This message does not belong into a batch"};
}

static void take_response(const struct parcel *p, const struct rpc_message *m);

static void parcel_take_value(struct parcel *p, const struct json *value)
{
	struct era_head head = head_of(p);
	struct rpc_message m;
	struct verdict v;
	rpc_read(value, &m);
	era_judge(&head, &m, p->session.version, &v);
	if (p->array)
		judge_in_batch(&m, &v);
	if (v.code)
		refuse(p, &m, &v);
	else if (m.kind == RPC_REQUEST)
		take_request(p, &m, &v);
	else if (m.kind == RPC_NOTIFICATION)
		take_notification(p, &m, &v);
	else
		take_response(p, &m);
}

static void parcel_take_array(struct parcel *p, const struct json *array)
{
	struct era_head head = head_of(p);
	struct verdict v;
	size_t n = json_count(array);
	era_judge_batch(&head, p->session.version, &v);
	if (v.code) {
		parcel_error(p, NULL, v.status, v.code, v.message, NULL);
		return;
	}
	if (n == 0 || n > RPC_BATCH_MAX) {
		parcel_error(p, NULL, 400, RPC_NO_REQUEST, "A batch has 1 to 32 messages", NULL);
		return;
	}
	p->array = true;
	JSON_EACH (value, array)
		parcel_take_value(p, value);
}

static void parcel_read(struct parcel *p, const char *text, size_t len)
{
	const struct json_limits limits = {.max_depth = PARCEL_DEPTH};
	struct err e;
	if (json_parse(text, len, &limits, &p->doc, &e) < 0) {
		(void)err_wrap(&e, "This is not JSON");
		parcel_error(p, NULL, 400, RPC_PARSE, e.message, NULL);
	} else if (json_type(json_root(p->doc)) == JSON_ARRAY) {
		parcel_take_array(p, json_root(p->doc));
	} else {
		parcel_take_value(p, json_root(p->doc));
	}
}

void parcel_take(struct parcel *p, const char *text, size_t len)
{
	p->open++;
	parcel_read(p, text, len);
	parcel_release(p);
}

/* ---- cancelling ---- */

/* Lines: one connection. HTTP: one session of one caller, since ids are small numbers that others
 * have too. */
bool parcels_alike(const struct parcel *a, const struct parcel *b)
{
	if (a->carrier != b->carrier)
		return false;
	if (!a->carrier->header)
		return a->owner == b->owner;
	return a->session_id && str_equal(a->session_id, b->session_id) &&
	       str_equal(a->who.name, b->who.name);
}

static struct exchange *parcel_find(struct parcel *p, const struct json *id)
{
	LIST_EACH (it, &p->exchanges) {
		struct exchange *x = LIST_OF(it, struct exchange, node);
		if (rpc_id_equal(x->msg.id, id))
			return x;
	}
	return NULL;
}

void parcel_cancel(const struct parcel *p, const struct json *id)
{
	LIST_EACH (it, &p->mcp->parcels) {
		struct parcel *other = LIST_OF(it, struct parcel, node);
		struct exchange *x = parcels_alike(p, other) ? parcel_find(other, id) : NULL;
		if (!x)
			continue;
		exchange_drop(x);
		parcel_release(other);
		return;
	}
}

/* ---- answers ---- */

static void exchange_end(struct exchange *x)
{
	struct parcel *p = x->parcel;
	parcel_add(p, &x->out);
	exchange_free(x);
	parcel_release(p);
}

static void result_begin(const struct exchange *x, const char *type, struct json_writer *w,
			 struct buf *out)
{
	json_write_init(w, out);
	json_object_begin(w);
	json_put_string(w, "jsonrpc", "2.0");
	rpc_put_id(x->msg.id, w);
	json_write_key(w, "result");
	json_object_begin(w);
	if (x->era == ERA_MODERN)
		json_put_string(w, "resultType", type);
}

struct json_writer *exchange_result(struct exchange *x)
{
	result_begin(x, x->unfinished ? "input_required" : "complete", &x->w, &x->out);
	return &x->w;
}

void exchange_keep(struct exchange *x, int64_t ttl_ms, bool private)
{
	if (x->era != ERA_MODERN)
		return;
	json_put_int(&x->w, "ttlMs", ttl_ms);
	json_put_string(&x->w, "cacheScope", private ? "private" : "public");
}

static void result_end(const struct exchange *x, struct json_writer *w)
{
	const struct buf *info = &x->parcel->mcp->server_info;
	if (x->era == ERA_MODERN) {
		json_write_key(w, "_meta");
		json_object_begin(w);
		json_write_key(w, META_PREFIX "serverInfo");
		json_write_raw(w, buf_text(info), info->len);
		if (x->subscription)
			put_subscription(x, w);
		json_object_end(w);
	}
	json_object_end(w);
	json_object_end(w);
}

void exchange_done(struct exchange *x)
{
	result_end(x, &x->w);
	exchange_end(x);
}

/* A modern message is its parcel's only one, so that what it was read from goes along. */
struct parcel *exchange_detach(struct exchange *x, const struct carrier *carrier, void *owner,
			       const char *type,
			       void (*put)(struct json_writer *w, const void *owner))
{
	struct parcel *from = x->parcel, *p = parcel_new(from->mcp, carrier, owner, &from->who);
	AUTO(buf_t) text = {0};
	struct json_writer w;
	result_begin(x, type, &w, &text);
	put(&w, owner);
	result_end(x, &w);
	x->progress.token = NULL;
	timer_stop(&x->progress.timer);
	list_remove(&x->node);
	list_append(&p->exchanges, &x->node);
	x->parcel = p;
	p->doc = steal(&from->doc);
	p->open = 1;
	parcel_add(from, &text);
	parcel_release(from);
	return p;
}

void exchange_fail(struct exchange *x, int code, int status, const char *message, const char *data)
{
	struct parcel *p = x->parcel;
	buf_reset(&x->out);
	json_write_init(&x->w, &x->out);
	rpc_put_error(x->msg.id, code, message, data, &x->w);
	if (!p->array && x->era == ERA_MODERN)
		p->status = status;
	exchange_end(x);
}

static void put_message(struct exchange *x, const char *id, const char *method,
			const struct buf *params)
{
	AUTO(buf_t) text = {0};
	struct json_writer w;
	json_write_init(&w, &text);
	json_object_begin(&w);
	json_put_string(&w, "jsonrpc", "2.0");
	if (id)
		json_put_string(&w, "id", id);
	json_put_string(&w, "method", method);
	json_write_key(&w, "params");
	json_write_raw(&w, buf_text(params), params->len);
	json_object_end(&w);
	parcel_message(x->parcel, &text);
}

void exchange_notify(struct exchange *x, const char *method, const struct buf *params)
{
	put_message(x, NULL, method, params);
}

void exchange_ask(struct exchange *x, const char *method, const struct buf *params,
		  void (*answered)(struct exchange *x, const struct json *result))
{
	static const char own[] = "adit-";
	memcpy(x->question, own, sizeof(own));
	random_hex(x->question + sizeof(own) - 1, 32);
	x->answered = answered;
	put_message(x, x->question, method, params);
}

void exchange_unask(struct exchange *x)
{
	x->question[0] = '\0';
}

/* Ids are ours and cannot be guessed; another client's answer is none all the same. */
static void take_response(const struct parcel *p, const struct rpc_message *m)
{
	const char *id = json_string(m->id);
	LIST_EACH (it, &p->mcp->parcels) {
		const struct parcel *other = LIST_OF(it, struct parcel, node);
		if (!id || !parcels_alike(p, other))
			continue;
		LIST_EACH (at, &other->exchanges) {
			struct exchange *x = LIST_OF(at, struct exchange, node);
			if (!x->question[0] || !str_equal(x->question, id))
				continue;
			exchange_unask(x);
			x->answered(x, m->result);
			return;
		}
	}
}

/* ---- what a request says ---- */

const struct json *exchange_param(const struct exchange *x, const char *name)
{
	return json_get(x->msg.params, name);
}

const struct json *exchange_declared(const struct exchange *x)
{
	if (x->era == ERA_LEGACY)
		return NULL;
	return json_get(x->msg.meta, META_PREFIX "clientCapabilities");
}

/* An empty object means that forms can be shown, and nothing else. */
bool client_elicits(const struct json *capabilities)
{
	const struct json *e = json_get(capabilities, "elicitation");
	return json_type(e) == JSON_OBJECT &&
	       (json_count(e) == 0 || !json_is_null(json_get(e, "form")));
}

/* The legacy era asks by a request ahead of the answer. */
bool exchange_elicits(const struct exchange *x)
{
	const struct parcel *p = x->parcel;
	if (x->era == ERA_LEGACY)
		return p->session.elicits && p->carrier->streams(p);
	return client_elicits(exchange_declared(x));
}

/* "claude-code 2.1.329" */
void client_claim(struct principal *who, const struct json *info)
{
	const char *name = json_get_string(info, "name");
	const char *version = json_get_string(info, "version");
	if (!name)
		return;
	char first[48 + 1], second[32 + 1], text[sizeof(first) + sizeof(second)];
	str_join(first, sizeof(first), (const char *[]){name, NULL});
	str_join(second, sizeof(second), (const char *[]){version ? version : "", NULL});
	str_join(text, sizeof(text), (const char *[]){first, " ", second, NULL});
	principal_claim(who->client, sizeof(who->client), text);
}

void exchange_principal(const struct exchange *x, struct principal *out)
{
	const struct parcel *p = x->parcel;
	const char *use = json_get_string(x->msg.meta, "claudecode/toolUseId");
	const char *agent = p->carrier->header ? p->carrier->header(p, "user-agent") : NULL;
	*out = p->who;
	out->asked = x->asked;
	if (agent && !*out->client)
		principal_claim(out->client, sizeof(out->client), agent);
	client_claim(out, json_get(x->msg.meta, META_PREFIX "clientInfo"));
	if (use)
		principal_claim(out->tool_use, sizeof(out->tool_use), use);
}
