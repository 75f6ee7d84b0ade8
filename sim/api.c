/*
 * The API's door. A request that no fault strikes is answered at once. One that waits (delay, late,
 * hang) keeps a copy of what it said, since its caller may be gone when its time comes.
 */
#include "sim/api.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loop/server.h"
#include "sim/front.h"

#define MAX_QUERY   300
#define MAX_HEADERS 32

struct api {
	struct loop *loop;
	struct cloud *cloud;
	struct faults *faults;
	struct journal *journal;
	struct server *server;
	struct front *front;
	struct list waiting;
};

/* A request that waits. */
struct kept {
	struct list node;
	struct api *api;
	struct server_req *req; /* NULL: its caller has gone */
	struct timer timer;
	bool late; /* to be done when the timer fires; else only answered then */
	struct cloud_response r;
	char *method, *path, *authorization, *content_type, *auth_key;
	struct buf body;
	struct cloud_arg query[MAX_QUERY]; /* of the two below */
	char *names[MAX_QUERY], *values[MAX_QUERY];
	size_t n_query;
};

/* ---- from the server's request to the cloud's ---- */

static size_t read_query(const struct server_req *req, struct cloud_arg query[MAX_QUERY])
{
	size_t n = 0;

	while (n < MAX_QUERY && server_req_query(req, n, &query[n].name, &query[n].value))
		n++;
	return n;
}

static void read_request(const struct server_req *req, struct cloud_arg query[MAX_QUERY],
			 struct cloud_request *q)
{
	const struct buf *body = server_req_body(req);

	size_t n = read_query(req, query);
	const char *name, *value;

	*q = (struct cloud_request){
		.method = server_req_method(req),
		.path = server_req_path(req),
		.query = query,
		.n_query = n,
		.too_long = n == MAX_QUERY && server_req_query(req, n, &name, &value),
		.authorization = server_req_header(req, "Authorization"),
		.auth_key = server_req_header(req, "X-Auth-Key"),
		.content_type = server_req_header(req, "Content-Type"),
		.transfer_encoding = server_req_header(req, "Transfer-Encoding") != NULL,
		.body = buf_text(body),
		.body_len = body->len,
		.now_ms = clock_wall_ms(),
	};
}

/* ---- answering ---- */

static void reply(struct server_req *req, const struct cloud_response *r, const char *order)
{
	const char *headers[MAX_HEADERS + 1];
	size_t n = 0;

	for (size_t i = 0; i < r->headers.n && n < MAX_HEADERS - 1; i++)
		headers[n++] = r->headers.items[i];
	if (order)
		headers[n++] = order;
	headers[n] = NULL;
	server_reply(req, r->status, r->content_type, buf_text(&r->body), r->body.len, headers);
}

static void reply_and_close(struct server_req *req, bool reset)
{
	const char *const headers[] = {reset ? RELAY_HEADER ": reset" : RELAY_HEADER ": drop",
				       NULL};

	server_reply(req, 200, "text/plain", "", 0, headers);
}

static void reply_relayed(struct server_req *req, const struct cloud_response *r, const char *how,
			  int64_t bytes)
{
	AUTO(str_t) order = str_format(RELAY_HEADER ": %s %" PRId64, how, bytes);

	reply(req, r, order);
}

/* ---- requests that wait ---- */

static void kept_free(struct kept *k)
{
	list_remove(&k->node);
	timer_stop(&k->timer);
	if (k->req)
		server_req_set_context(k->req, NULL);
	for (size_t i = 0; i < k->n_query; i++) {
		free(k->names[i]);
		free(k->values[i]);
	}
	free(k->method);
	free(k->path);
	free(k->authorization);
	free(k->auth_key);
	free(k->content_type);
	buf_free(&k->body);
	cloud_response_free(&k->r);
	free(k);
}

static void do_late(struct kept *k)
{
	struct cloud_request q = {.method = k->method,
				  .path = k->path,
				  .query = k->query,
				  .n_query = k->n_query,
				  .authorization = k->authorization,
				  .auth_key = k->auth_key,
				  .content_type = k->content_type,
				  .body = buf_text(&k->body),
				  .body_len = k->body.len,
				  .now_ms = clock_wall_ms()};

	cloud_answer(k->api->cloud, &q, &k->r);
	journal_effect(k->api->journal, &q, &k->r);
}

static void time_came(struct timer *t, void *owner)
{
	struct kept *k = owner;

	(void)t;
	if (k->late) {
		do_late(k);
		k->late = false;
		/* a caller that was kept waiting goes on waiting, for ever */
		if (k->req)
			return;
	} else if (k->req) {
		struct server_req *req = k->req;
		server_req_set_context(req, NULL);
		k->req = NULL;
		reply(req, &k->r, NULL);
	}
	kept_free(k);
}

static struct kept *keep(struct api *a, struct server_req *req, const struct cloud_request *q)
{
	struct kept *k = mem_alloc(sizeof *k);

	k->api = a;
	k->req = req;
	k->method = str_dup(q->method);
	k->path = str_dup(q->path);
	k->authorization = str_dup(q->authorization);
	k->auth_key = str_dup(q->auth_key);
	k->content_type = str_dup(q->content_type);
	buf_add(&k->body, q->body, q->body_len);
	for (size_t i = 0; i < q->n_query; i++) {
		k->names[i] = str_dup(q->query[i].name);
		k->values[i] = str_dup(q->query[i].value);
		k->query[i] = (struct cloud_arg){k->names[i], k->values[i]};
	}
	k->n_query = q->n_query;
	timer_init(&k->timer, a->loop, time_came, k);
	list_init(&k->node);
	list_append(&a->waiting, &k->node);
	server_req_set_context(req, k);
	return k;
}

void api_forget_late(struct api *a)
{
	LIST_EACH (it, &a->waiting) {
		struct kept *k = LIST_OF(it, struct kept, node);
		if (k->req)
			k->late = false;
		else
			kept_free(k);
	}
}

/* ---- faults ---- */

static void add_headers(struct cloud_response *r, const struct fault *f)
{
	for (size_t i = 0; i < f->headers.n; i++)
		strlist_add(&r->headers, f->headers.items[i]);
}

/* Answer in Cloudflare's stead; nothing is done. */
static void answer_instead(struct server_req *req, const struct fault *f, struct cloud_response *r)
{
	r->status = f->status;
	r->content_type = f->kind == FAULT_RAW ? f->content_type : "application/json";
	if (f->kind == FAULT_RAW)
		buf_str(&r->body, f->body);
	else
		cloud_error_body(&r->body, f->code, f->message);
	if (f->kind == FAULT_LIMIT) {
		int64_t seconds = (f->ms + 999) / 1000;
		AUTO(str_t) wait = str_format("retry-after: %" PRId64, seconds);
		AUTO(str_t) left = str_format("Ratelimit: \"default\";r=0;t=%" PRId64, seconds);
		strlist_add(&r->headers, wait);
		strlist_add(&r->headers, left);
	}
	add_headers(r, f);
	reply(req, r, NULL);
}

/* Done, but the answer suffers. */
static void answer_badly(struct api *a, struct server_req *req, const struct cloud_request *q,
			 const struct fault *f, struct cloud_response *r)
{
	if (f->kind == FAULT_LOSE) {
		reply_and_close(req, f->reset);
	} else if (f->kind == FAULT_WRONG) {
		buf_reset(&r->body);
		buf_str(&r->body, f->body);
		r->status = f->status;
		r->content_type = f->content_type;
		add_headers(r, f);
		reply(req, r, NULL);
	} else if (f->kind == FAULT_SLOW || f->kind == FAULT_CUT) {
		reply_relayed(req, r, f->kind == FAULT_SLOW ? "slow" : "cut", f->bytes);
	} else {
		struct kept *k = keep(a, req, q);
		k->r = *r;
		*r = (struct cloud_response){0};
		/* the strings of a fault may be gone when its time comes */
		timer_start(&k->timer, f->ms);
	}
}

static void strike_without_effect(struct api *a, struct server_req *req,
				  const struct cloud_request *q, const struct fault *f,
				  struct cloud_response *r)
{
	if (f->kind == FAULT_DROP) {
		reply_and_close(req, f->reset);
	} else if (f->kind == FAULT_HANG) {
		keep(a, req, q);
	} else if (f->kind == FAULT_LATE) {
		struct kept *k = keep(a, req, q);
		k->late = true;
		timer_start(&k->timer, f->ms);
		if (f->hold)
			return;
		k->req = NULL;
		server_req_set_context(req, NULL);
		reply_and_close(req, f->reset);
	} else {
		answer_instead(req, f, r);
	}
}

static bool has_effect(enum fault_kind kind)
{
	return kind == FAULT_WRONG || kind == FAULT_LOSE || kind == FAULT_DELAY ||
	       kind == FAULT_SLOW || kind == FAULT_CUT;
}

static const char *path_below_base(const char *path)
{
	return str_starts(path, CLOUD_BASE_PATH) ? path + strlen(CLOUD_BASE_PATH) : path;
}

static void request_came(struct server_req *req, void *owner)
{
	struct api *a = owner;
	struct cloud_arg query[MAX_QUERY];
	struct cloud_request q;
	struct cloud_response r = {0};

	read_request(req, query, &q);
	const struct fault *f = faults_strike(a->faults, q.method, path_below_base(q.path), q.body);
	if (!f) {
		cloud_answer(a->cloud, &q, &r);
		journal_add(a->journal, &q, &r, NULL);
		reply(req, &r, NULL);
	} else if (has_effect(f->kind)) {
		cloud_answer(a->cloud, &q, &r);
		journal_add(a->journal, &q, &r, f->name);
		answer_badly(a, req, &q, f, &r);
	} else {
		bool answers =
			f->kind == FAULT_ERROR || f->kind == FAULT_RAW || f->kind == FAULT_LIMIT;
		r.status = answers ? f->status : 0;
		r.family = cloud_family(q.method, q.path);
		cloud_mark_ray(&r);
		journal_add(a->journal, &q, &r, f->name);
		strike_without_effect(a, req, &q, f, &r);
	}
	cloud_response_free(&r);
}

static void request_over(struct server_req *req, void *owner)
{
	struct kept *k = server_req_context(req);

	(void)owner;
	if (!k)
		return;
	k->req = NULL;
	if (!k->late)
		kept_free(k);
}

static const char *write_refusal(int status, const char *what, struct buf *body, void *owner)
{
	(void)owner;
	cloud_error_body(body, status, what);
	return "application/json";
}

/* ---- life ---- */

int api_new(struct loop *l, struct cloud *c, struct faults *f, struct journal *j, int fd,
	    struct api **out, struct err *e)
{
	static const struct server_limits limits = {.max_body = 16UL * 1024 * 1024,
						    .max_connections = 4096,
						    .body_ms = 60000,
						    .idle_ms = 600000};
	struct api *a = mem_alloc(sizeof *a);
	const struct server_handler handler = {.request = request_came,
					       .gone = request_over,
					       .refusal = write_refusal,
					       .owner = a};
	int inner = -1;

	*a = (struct api){.loop = l, .cloud = c, .faults = f, .journal = j};
	list_init(&a->waiting);
	a->server = server_new(l, &limits, &handler);
	if (front_new(l, fd, &a->front, &inner, e) < 0 ||
	    server_listen(a->server, inner, 0, e) < 0) {
		api_free(a);
		return -1;
	}
	*out = a;
	return 0;
}

void api_free(struct api *a)
{
	if (!a)
		return;
	front_free(a->front);
	server_free(a->server);
	LIST_EACH (it, &a->waiting) {
		kept_free(LIST_OF(it, struct kept, node));
	}
	free(a);
}
