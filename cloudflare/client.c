/*
 * A call's way: queued while another one has its object, ready until the budget lets it go, flying,
 * ended (done() is deferred). It is in exactly one list at any time. Starting and ending only mark
 * what is ready; the deferred pump sends, so that nothing here runs inside itself.
 */
#include "cloudflare/client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "cloudflare/access.h"
#include "cloudflare/rays.h"

#define ANSWER_MAX   ((size_t)32 << 20)
#define TIMEOUT_MS   30000
#define REFUSALS_MAX 3
/* For five minutes Cloudflare shuts out who called too often: wait just long enough to see the end
 * of it, since a 429 is nobody's failure. */
#define REFUSALS_MS 310000

struct cf {
	struct loop *loop;
	struct http *http;
	struct world *world;
	char *base_url; /* without a slash at its end */
	char account_id[CF_ID_SIZE];
	struct secret token;
	int64_t token_generation;
	const char *token_key;
	struct budget budget;
	int64_t told_remaining;
	struct timer timer;           /* the budget lets somebody go then */
	struct deferred pump;         /* send what may go */
	struct list queued;           /* wait for their object */
	struct list ready[CF_SHARES]; /* wait for the budget */
	struct list flying, ended;
	struct map holders; /* object -> the call that has it */
	struct cf_shelf listings;
	struct rays rays; /* of our writes */
};

/* ---- life ---- */

static int base_url_check(const char *text, struct err *e)
{
	struct url u;

	if (!text || url_parse(text, &u, e) < 0)
		return err_set(e, ERR_INVALID, "the base URL is not a plain http(s) URL");
	if (str_equal(u.scheme, "http") && !address_is_loopback(u.host))
		return err_set(e, ERR_INVALID,
			       "the base URL would send the token in the clear; http:// is for "
			       "this host only");
	return 0;
}

static void pump_called(struct deferred *d, void *owner);
static void timer_due(struct timer *t, void *owner);

int cf_new(struct loop *l, struct http *http, struct world *w, const struct cf_options *options,
	   struct cf **out, struct err *e)
{
	if (base_url_check(options->base_url, e) < 0)
		return -1;
	struct cf *cf = mem_alloc(sizeof(*cf));
	size_t len = strlen(options->base_url);

	while (len > 0 && options->base_url[len - 1] == '/')
		len--;
	cf->base_url = str_ndup(options->base_url, len);
	cf->loop = l;
	cf->http = http;
	cf->world = w;
	(void)str_copy(cf->account_id, sizeof(cf->account_id),
		       options->account_id ? options->account_id : "");
	cf->told_remaining = -1;
	cf->token_key = options->token_key ? options->token_key : "cloudflare.api_token_file";
	budget_init(&cf->budget, options->budget_calls, options->budget_window_ms, clock_mono_ms());
	timer_init(&cf->timer, l, timer_due, cf);
	deferred_init(&cf->pump, l, pump_called, cf);
	list_init(&cf->queued);
	list_init(&cf->flying);
	list_init(&cf->ended);
	for (int i = 0; i < CF_SHARES; i++)
		list_init(&cf->ready[i]);
	*out = cf;
	return 0;
}

static void calls_drop(struct list *calls)
{
	while (!list_empty(calls))
		cf_call_cancel(LIST_OF(calls->next, struct cf_call, node));
}

void cf_free(struct cf *cf)
{
	if (!cf)
		return;
	calls_drop(&cf->queued);
	for (int i = 0; i < CF_SHARES; i++)
		calls_drop(&cf->ready[i]);
	calls_drop(&cf->flying);
	calls_drop(&cf->ended);
	timer_stop(&cf->timer);
	deferred_stop(&cf->pump);
	secret_free(&cf->token);
	map_free(&cf->holders);
	cf_shelf_free(&cf->listings);
	free(cf->base_url);
	free(cf);
}

void cf_set_token(struct cf *cf, const struct secret *token)
{
	bool present = token && secret_present(token);

	if (present && secret_present(&cf->token) && secret_equal(token, &cf->token))
		return;
	if (present)
		secret_set(&cf->token, token->data, token->len);
	else
		secret_free(&cf->token);
	cf->token_generation++;
	access_forget(cf->world);
}

void cf_token_mark(const struct cf *cf, const char *salt, char out[SHA256_HEX_SIZE])
{
	static const char purpose[] = "mark of an API token";

	out[0] = '\0';
	if (secret_present(&cf->token))
		sha256_parts((const struct sha256_part[]){{purpose, sizeof(purpose) - 1},
							  {salt, strlen(salt)},
							  {cf->token.data, cf->token.len}},
			     3, out);
}

void cf_set_account(struct cf *cf, const char *account_id)
{
	(void)str_copy(cf->account_id, sizeof(cf->account_id), account_id);
}

void cf_set_budget(struct cf *cf, int64_t calls, int64_t window_ms)
{
	budget_resize(&cf->budget, calls, window_ms, clock_mono_ms());
	deferred_start(&cf->pump);
}

void cf_pause(struct cf *cf, int64_t ms)
{
	budget_refused(&cf->budget, ms, clock_mono_ms());
	access_figures(cf->world, &cf->budget, &cf->told_remaining);
}

struct loop *cf_loop(const struct cf *cf)
{
	return cf->loop;
}

const char *cf_token_key(const struct cf *cf)
{
	return cf->token_key;
}

const struct world *cf_world(const struct cf *cf)
{
	return cf->world;
}

struct cf_shelf *cf_listings(struct cf *cf)
{
	return &cf->listings;
}

int cf_account(const struct cf *cf, const char **account_id, struct err *e)
{
	if (!hex_valid(cf->account_id, CF_ID_SIZE - 1)) {
		(void)err_set(e, ERR_DENIED, "there is no account id");
		return err_hint(e, "Set cloudflare.account_id (32 hex digits, shown in the "
				   "Cloudflare dashboard) and restart.");
	}
	*account_id = cf->account_id;
	return 0;
}

/* ---- who has which object, who may go ---- */

static void call_ready(struct cf *cf, struct cf_call *c)
{
	c->state = CF_CALL_READY;
	list_append(&cf->ready[c->share], &c->node);
	deferred_start(&cf->pump);
}

static void call_enter(struct cf *cf, struct cf_call *c)
{
	if (c->object && map_get(&cf->holders, c->object)) {
		c->state = CF_CALL_QUEUED;
		list_append(&cf->queued, &c->node);
		return;
	}
	if (c->object)
		map_set(&cf->holders, c->object, c);
	call_ready(cf, c);
}

/* The object goes to whoever has waited longest for it. */
static void object_pass_on(struct cf *cf, const char *object)
{
	LIST_EACH (it, &cf->queued) {
		struct cf_call *c = LIST_OF(it, struct cf_call, node);

		if (!str_equal(c->object, object))
			continue;
		list_remove(&c->node);
		map_set(&cf->holders, object, c);
		call_ready(cf, c);
		return;
	}
}

/* Out of its list; its object is free. */
static void call_leave(struct cf_call *c)
{
	struct cf *cf = c->cf;

	list_remove(&c->node);
	if (!c->object || map_get(&cf->holders, c->object) != c)
		return;
	map_remove(&cf->holders, c->object);
	object_pass_on(cf, c->object);
}

static void call_delivered(struct task *task, void *owner)
{
	struct cf_call *c = owner;

	list_remove(&c->node);
	c->cf = NULL;
	task->done = c->done;
	task->owner = c->owner;
	task->done(task, task->owner);
}

static void call_end(struct cf_call *c)
{
	struct cf *cf = c->cf;

	call_leave(c);
	c->state = CF_CALL_ENDED;
	list_append(&cf->ended, &c->node);
	task_finish(&c->task);
}

/* ---- what came back ---- */

/* An answer that holds the token must not be quoted. */
static void token_strike(const struct cf *cf, const struct cf_call *c, struct err *e)
{
	const struct buf *b = &c->req.answer;

	if (e->kind == ERR_NONE || !secret_present(&cf->token) || b->len == 0 ||
	    !memmem(b->data, b->len, cf->token.data, cf->token.len))
		return;
	struct err clean;

	(void)err_set(&clean, e->kind,
		      "Cloudflare answered HTTP %d; its words are left out, since they hold the "
		      "token",
		      c->status);
	(void)str_copy(e->message, sizeof(e->message), clean.message);
	e->cloudflare.said[0] = '\0';
}

static int answer_read(struct cf_call *c, const struct buf *b)
{
	static const struct json_limits limits = {.max_bytes = ANSWER_MAX};
	struct err why;

	if (c->rows)
		return cf_rows_read(c->rows, b, &limits, &c->doc, &why);
	return json_parse(b->data, b->len, &limits, &c->doc, &why);
}

static void answer_parse(struct cf_call *c)
{
	const struct buf *b = &c->req.answer;

	c->text = b;
	c->status = c->req.status;
	const char *ray = http_answer_header(&c->req, "cf-ray");
	(void)str_copy(c->ray, sizeof(c->ray), cf_ray_valid(ray) ? ray : "");
	if (b->len == 0 || answer_read(c, b) < 0)
		return;

	const struct json *root = json_root(c->doc);
	const struct json *result = json_get(root, "result");
	const struct json *info = json_get(root, "result_info");
	const struct json *errors = json_get(root, "errors");

	c->result = json_is_null(result) ? NULL : result;
	c->info = json_type(info) == JSON_OBJECT ? info : NULL;
	c->errors = json_type(errors) == JSON_ARRAY ? errors : NULL;
}

/* An empty list may be written as null. Absence is believed only where the total says so too. */
bool cf_call_listed(const struct cf_call *c)
{
	return json_type(c->result) == JSON_ARRAY ||
	       (c->doc && json_is_null(json_get(json_root(c->doc), "result")) &&
		json_get_int(c->info, "total_count", -1) == 0);
}

/* A list that must be whole in one answer. */
static void whole_check(const struct cf_call *c, struct err *e)
{
	int64_t count = (int64_t)json_count(c->result);

	if (!cf_call_listed(c))
		(void)err_set(e, ERR_UPSTREAM, "Cloudflare's answer holds no list but %s",
			      json_type_name(json_type(c->result)));
	else if (json_get_int(c->info, "total_count", count) != count)
		(void)err_set(
			e, ERR_UPSTREAM, "Cloudflare's list is not complete: %lld rows of %lld",
			(long long)count, (long long)json_get_int(c->info, "total_count", count));
}

static void access_note(struct cf *cf, const struct cf_call *c, const struct err *e)
{
	bool trying = c->flags & CF_CALL_TRYING;

	if (c->token_generation != cf->token_generation ||
	    (c->flags & CF_CALL_BESIDE && e->kind != ERR_NONE))
		return;
	if (c->status == 0) {
		if (e->kind == ERR_UPSTREAM || e->kind == ERR_TIMEOUT)
			access_lost(cf->world, e);
	} else if (e->kind == ERR_NONE && !trying) {
		access_worked(cf->world);
	} else if (c->doc && cf_about_token(e) && !trying) {
		access_refused(cf->world, e);
	} else if (c->doc && c->status < 500) {
		access_reached(cf->world);
	}
}

static bool call_reads(const struct cf_call *c)
{
	return str_equal(c->method, "GET");
}

static void call_log(const struct cf_call *c)
{
	log_debug("cloudflare: %s %s: %d in %lld ms, ray %s%s%s", c->method, c->path, c->status,
		  (long long)c->req.took_ms, c->ray[0] ? c->ray : "-", c->task.err.kind ? ": " : "",
		  c->task.err.kind ? c->task.err.message : "");
}

/* Put back in front of its share; false when it has waited enough. */
static bool call_repeat(struct cf *cf, struct cf_call *c)
{
	int64_t now = clock_mono_ms(), remaining, wait;

	budget_refused(&cf->budget, c->task.err.retry_after_ms, now);
	budget_left(&cf->budget, now, &remaining, &wait);
	if (c->refusals++ == 0)
		c->refused_ms = now;
	if (c->refusals > REFUSALS_MAX || now + wait - c->refused_ms > REFUSALS_MS) {
		c->task.err.retry_after_ms = wait;
		return false;
	}
	json_doc_free(steal(&c->doc));
	c->result = c->info = c->errors = NULL;
	c->text = NULL;
	err_clear(&c->task.err);
	http_req_reset(&c->req);
	list_remove(&c->node);
	call_ready(cf, c);
	list_remove(&c->node);
	list_append(cf->ready[c->share].next, &c->node);
	return true;
}

static void call_judge(struct cf *cf, struct cf_call *c)
{
	struct err *e = &c->task.err;

	if (c->req.task.err.kind != ERR_NONE) {
		*e = c->req.task.err;
		(void)err_wrap(e, "Cloudflare");
	} else {
		answer_parse(c);
		cf_classify(c->status, c->doc ? json_root(c->doc) : NULL, c->ray, c->permission,
			    http_answer_header(&c->req, "retry-after"), cf->token_key, e,
			    &c->absent);
		if (e->kind == ERR_NONE && c->flags & CF_CALL_WHOLE)
			whole_check(c, e);
		token_strike(cf, c, e);
	}
	if (e->kind != ERR_NONE)
		c->result = c->info = NULL; /* nobody must believe them */
	c->unknown = !call_reads(c) && c->req.sent &&
		     (e->kind == ERR_UPSTREAM || e->kind == ERR_TIMEOUT || e->kind == ERR_INTERNAL);
}

static void call_answered(struct task *t, void *owner)
{
	struct cf_call *c = owner;
	struct cf *cf = c->cf;

	(void)t;
	c->req.answer.secret = true;
	budget_headers(&cf->budget, http_answer_header(&c->req, "ratelimit"),
		       http_answer_header(&c->req, "ratelimit-policy"), clock_mono_ms());
	call_judge(cf, c);
	if (!call_reads(c))
		rays_add(&cf->rays, c->ray);
	call_log(c);
	access_note(cf, c, &c->task.err);
	bool repeated = c->status == 429 && call_repeat(cf, c);
	access_figures(cf->world, &cf->budget, &cf->told_remaining);
	if (!repeated)
		call_end(c);
}

bool cf_ray_ours(const struct cf *cf, const char *ray)
{
	return rays_has(&cf->rays, ray);
}

/* ---- sending ---- */

static void call_launch(struct cf *cf, struct cf_call *c)
{
	static const char *const plain[] = {"Accept: application/json", NULL};
	static const char *const with_body[] = {"Accept: application/json",
						"Content-Type: application/json", NULL};
	AUTO(str_t) url = str_format("%s%s", cf->base_url, c->path);

	list_remove(&c->node);
	list_append(&cf->flying, &c->node);
	c->state = CF_CALL_FLYING;
	c->token_generation = cf->token_generation;
	c->req.method = c->method;
	c->req.url = url;
	c->req.headers = c->body ? with_body : plain;
	c->req.bearer = &cf->token;
	c->req.body = c->body;
	c->req.body_len = c->body ? strlen(c->body) : 0;
	c->req.timeout_ms = TIMEOUT_MS;
	c->req.max_body = ANSWER_MAX;
	http_start(cf->http, &c->req, call_answered, c);
}

static void call_without_token(struct cf_call *c)
{
	const struct system_facts *s = &c->cf->world->system;

	(void)err_set(&c->task.err, ERR_DENIED, "there is no API token");
	(void)err_hint(&c->task.err, "Put one into a file of mode 0600, name it in %s and reload.",
		       c->cf->token_key);
	if (s->access == ACCESS_MISSING && s->access_problem)
		c->task.err = s->access_problem->err;
	call_end(c);
}

/* Send what may go of one share; the wait until its next may, -1 when nothing waits. */
static int64_t share_send(struct cf *cf, enum cf_share share)
{
	struct list *ready = &cf->ready[share];

	while (!list_empty(ready)) {
		struct cf_call *c = LIST_OF(ready->next, struct cf_call, node);

		if (!secret_present(&cf->token)) {
			call_without_token(c);
			continue;
		}
		int64_t wait = budget_take(&cf->budget, share, clock_mono_ms());
		if (wait > 0)
			return wait;
		call_launch(cf, c);
	}
	return -1;
}

static void pump_called(struct deferred *d, void *owner)
{
	struct cf *cf = owner;
	int64_t least = -1;

	(void)d;
	for (int i = 0; i < CF_SHARES; i++) {
		int64_t wait = share_send(cf, (enum cf_share)i);

		if (wait >= 0 && (least < 0 || wait < least))
			least = wait;
	}
	if (least < 0)
		timer_stop(&cf->timer);
	else
		timer_start(&cf->timer, least);
}

static void timer_due(struct timer *t, void *owner)
{
	struct cf *cf = owner;

	(void)t;
	pump_called(&cf->pump, cf);
}

/* ---- calls ---- */

static void call_begin(struct cf *cf, struct cf_call *c, task_done_fn *done, void *owner)
{
	cf_call_reset(c);
	task_begin(&c->task, cf->loop, call_delivered, c);
	list_init(&c->node);
	c->cf = cf;
	c->done = done;
	c->owner = owner;
}

void cf_call_refuse(struct cf *cf, struct cf_call *c, const struct err *why, task_done_fn *done,
		    void *owner)
{
	struct err e = *why;

	call_begin(cf, c, done, owner);
	c->task.err = e;
	call_end(c);
}

void cf_call_start_with(struct cf *cf, struct cf_call *c, enum cf_share share, const char *method,
			const char *path, const char *body, const char *object,
			const char *permission, int flags, task_done_fn *done, void *owner)
{
	call_begin(cf, c, done, owner);
	c->share = share;
	c->method = str_dup(method);
	c->path = str_dup(path);
	c->body = str_dup(body);
	c->object = str_dup(object);
	c->permission = permission;
	c->flags = flags;
	call_enter(cf, c);
}

void cf_call_start(struct cf *cf, struct cf_call *c, enum cf_share share, const char *method,
		   const char *path, const char *body, const char *object, const char *permission,
		   task_done_fn *done, void *owner)
{
	cf_call_start_with(cf, c, share, method, path, body, object, permission, 0, done, owner);
}

void cf_call_cancel(struct cf_call *c)
{
	if (!c->cf)
		return;
	if (c->state == CF_CALL_FLYING)
		http_cancel(&c->req);
	call_leave(c);
	c->cf = NULL;
	task_abandon(&c->task);
}

void cf_call_reset(struct cf_call *c)
{
	assert(!c->task.busy);
	if (c->body)
		explicit_bzero(c->body, strlen(c->body)); /* it may hold a tunnel's secret */
	free(c->body);
	free(c->method);
	free(c->path);
	free(c->object);
	json_doc_free(c->doc);
	http_req_reset(&c->req);
	memset(c, 0, sizeof(*c));
}
