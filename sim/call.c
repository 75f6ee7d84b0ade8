/* One API call: its arguments, its envelope, its refusals. */
#include "sim/call.h"
#include "sim/people.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int refuse(struct refusal *f, int status, int64_t code, const char *fmt, ...)
{
	va_list ap;

	f->status = status;
	f->code = code;
	va_start(ap, fmt);
	vsnprintf(f->message, sizeof f->message, fmt, ap);
	va_end(ap);
	return -1;
}

/* ---- refusals ---- */

static void write_failure_begin(struct call *k, int status)
{
	buf_reset(&k->r->body);
	k->r->status = status;
	json_write_init(&k->w, &k->r->body);
	json_object_begin(&k->w);
	json_put_bool(&k->w, "success", false);
	json_write_key(&k->w, "errors");
	json_array_begin(&k->w);
}

static void write_failure_end(struct call *k)
{
	json_array_end(&k->w);
	json_write_key(&k->w, "messages");
	json_array_begin(&k->w);
	json_array_end(&k->w);
	json_write_key(&k->w, "result");
	json_write_null(&k->w);
	json_object_end(&k->w);
}

static void write_error(struct json_writer *w, int64_t code, const char *message)
{
	json_object_begin(w);
	json_put_int(w, "code", code);
	json_put_string(w, "message", message);
	json_object_end(w);
}

void call_fail(struct call *k, int status, int64_t code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	AUTO(str_t) message = str_vformat(fmt, ap);
	va_end(ap);
	write_failure_begin(k, status);
	write_error(&k->w, code, message);
	write_failure_end(k);
}

void call_fail_at(struct call *k, const struct refusal *f, const char *pointer)
{
	write_failure_begin(k, f->status);
	json_object_begin(&k->w);
	json_put_int(&k->w, "code", f->code);
	json_put_string(&k->w, "message", f->message);
	if (pointer) {
		json_write_key(&k->w, "source");
		json_object_begin(&k->w);
		json_put_string(&k->w, "pointer", pointer);
		json_object_end(&k->w);
	}
	json_object_end(&k->w);
	write_failure_end(k);
}

void call_fail_chain(struct call *k, int status, int64_t code, const char *message,
		     int64_t chain_code, const char *chain)
{
	write_failure_begin(k, status);
	json_object_begin(&k->w);
	json_put_int(&k->w, "code", code);
	json_put_string(&k->w, "message", message);
	json_write_key(&k->w, "error_chain");
	json_array_begin(&k->w);
	write_error(&k->w, chain_code, chain);
	json_array_end(&k->w);
	json_object_end(&k->w);
	write_failure_end(k);
}

void call_fail_route(struct call *k)
{
	AUTO(str_t)
	message = str_format("Could not route to %s, perhaps your object identifier is invalid?",
			     k->path);

	write_failure_begin(k, 404);
	write_error(&k->w, 7003, message);
	write_error(&k->w, 7000, "No route for that URI");
	write_failure_end(k);
}

void cloud_error_body(struct buf *out, int64_t code, const char *message)
{
	struct cloud_response r = {.body = {0}};
	struct call k = {.r = &r};

	call_fail(&k, 0, code, "%s", message);
	buf_add(out, r.body.data, r.body.len);
	buf_free(&r.body);
}

/* ---- answers ---- */

static void write_success_begin(struct call *k)
{
	buf_reset(&k->r->body);
	k->r->status = 200;
	json_write_init(&k->w, &k->r->body);
	json_object_begin(&k->w);
	json_put_bool(&k->w, "success", true);
	json_write_key(&k->w, "errors");
	json_array_begin(&k->w);
	json_array_end(&k->w);
	json_write_key(&k->w, "messages");
	json_array_begin(&k->w);
	json_array_end(&k->w);
}

void call_ok_begin(struct call *k)
{
	write_success_begin(k);
	json_write_key(&k->w, "result");
}

void call_ok_end(struct call *k)
{
	json_object_end(&k->w);
}

void call_ok_null(struct call *k)
{
	call_ok_begin(k);
	json_write_null(&k->w);
	call_ok_end(k);
}

/* ---- pages ---- */

static int page_number(struct call *k, const char *name, int64_t min, int64_t max, int64_t *out)
{
	const char *text = call_arg(k, name);
	char *end = NULL;

	if (!text)
		return 0;
	long long v = strtoll(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || v < min || v > max) {
		call_fail(k, 400, CODE_OWN, "%s must be a number from %" PRId64 " to %" PRId64,
			  name, min, max);
		return -1;
	}
	*out = v;
	return 0;
}

int call_page(struct call *k, int64_t min, int64_t max, int64_t otherwise, struct page *p)
{
	*p = (struct page){.page = 1, .per_page = otherwise};
	if (page_number(k, "page", 1, 1000000000, &p->page) < 0)
		return -1;
	return page_number(k, "per_page", min, max, &p->per_page);
}

void page_add(struct page *p, void *item)
{
	/* doubling at powers of two keeps a list of a hundred thousand linear */
	if ((p->n & (p->n - 1)) == 0)
		p->items = mem_grow(p->items, p->n ? p->n * 2 : 1, sizeof *p->items);
	p->items[p->n++] = item;
}

void page_reverse(struct page *p)
{
	for (size_t i = 0; i < p->n / 2; i++) {
		void *last = p->items[p->n - 1 - i];
		p->items[p->n - 1 - i] = p->items[i];
		p->items[i] = last;
	}
}

static void write_page_info(struct call *k, const struct page *p, size_t count)
{
	int64_t total = (int64_t)p->n, pages = 0;

	if (p->per_page > 0)
		pages = (total + p->per_page - 1) / p->per_page;
	json_write_key(&k->w, "result_info");
	json_object_begin(&k->w);
	json_put_int(&k->w, "page", p->page);
	json_put_int(&k->w, "per_page", p->per_page);
	json_put_int(&k->w, "count", (int64_t)count);
	json_put_int(&k->w, "total_count", total);
	json_put_int(&k->w, "total_pages", pages);
	json_object_end(&k->w);
}

void call_ok_page(struct call *k, struct page *p, void (*write)(struct call *k, const void *item))
{
	size_t count = 0;

	call_ok_begin(k);
	json_array_begin(&k->w);
	for (int64_t i = (p->page - 1) * p->per_page; i < (int64_t)p->n; i++) {
		if ((int64_t)count == p->per_page)
			break;
		write(k, p->items[i]);
		count++;
	}
	json_array_end(&k->w);
	write_page_info(k, p, count);
	call_ok_end(k);
	free(p->items);
	*p = (struct page){0};
}

/* ---- arguments ---- */

int call_body(struct call *k)
{
	const char *type = k->q->content_type;
	struct err e = {0};

	if (!k->q->outside && (!type || strncasecmp(type, "application/json", 16) != 0)) {
		call_fail(k, 415, CODE_OWN, "Content-Type must be application/json");
		return -1;
	}
	if (json_parse(k->q->body ? k->q->body : "", k->q->body_len, NULL, &k->doc, &e) < 0) {
		call_fail(k, 400, 6007, "Malformed JSON in request body");
		return -1;
	}
	k->body = json_root(k->doc);
	if (json_type(k->body) != JSON_OBJECT) {
		call_fail(k, 400, 9207, "Request body is invalid: an object is expected");
		return -1;
	}
	return 0;
}

int call_body_string(struct call *k, const char *key, const char **out)
{
	const struct json *v = json_get(k->body, key);

	*out = json_string(v);
	if (!v || *out)
		return 0;
	call_fail(k, 400, CODE_OWN, "%s must be a string, not %s", key,
		  json_type_name(json_type(v)));
	return -1;
}

const char *call_arg(const struct call *k, const char *name)
{
	for (size_t i = 0; i < k->q->n_query; i++)
		if (str_equal(k->q->query[i].name, name))
			return k->q->query[i].value ? k->q->query[i].value : "";
	return NULL;
}

int call_arg_bool(struct call *k, const char *name, bool otherwise, bool *out)
{
	const char *text = call_arg(k, name);

	*out = otherwise;
	if (!text)
		return 0;
	if (!str_equal(text, "true") && !str_equal(text, "false")) {
		call_fail(k, 400, CODE_OWN, "%s must be true or false", name);
		return -1;
	}
	*out = str_equal(text, "true");
	return 0;
}

/* ---- who ---- */

const char *call_maker(const struct call *k)
{
	return k->token ? k->token->id : "";
}

void call_touch(struct call *k, const char *id, const char *maker)
{
	str_copy(k->r->object, sizeof k->r->object, id);
	if (k->token && !str_equal(maker, k->token->id))
		k->r->foreign = true;
}

bool call_may(const struct call *k, const char *scope)
{
	return !k->token || scopes_allow(&k->token->scopes, scope);
}
