/*
 * The pool: one curl multi handle on our loop. Curl tells which sockets and which timer it wants;
 * we tell it what happened. From inside curl's callbacks the multi handle must not be touched:
 * whatever a request's owner does there is noted and carried out by a deferred call.
 */
#include "loop/http.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loop/http_transfer.h"

#define MAX_CONNECTIONS 4
#define MAX_IN_FLIGHT   8
#define MAX_STREAMS     100L
#define SPARE_MOST      8 /* handles; each is some KiB, and to set one up costs as much as to ask */

struct http {
	struct loop *loop;
	CURLM *multi;
	char *ca_file;
	int n_flying, max_flying;
	int inside;                  /* > 0: curl is on the stack */
	struct timer timer;          /* the one curl asks for */
	struct deferred work;        /* start what waits, drop what was cancelled */
	struct list waiting, flying; /* of struct http_transfer */
	struct list ended;           /* of struct http_req: done() is to be called */
	struct list sockets;         /* of struct http_socket */
	CURL *spare[SPARE_MOST];     /* handles that are set up, for plain requests */
	int n_spare;
};

/* A socket of curl's, known to it by curl_multi_assign. */
struct http_socket {
	struct list node;
	struct http *pool;
	struct io io;
};

static void die(const char *what)
{
	fprintf(stderr, "fatal: %s\n", what);
	abort();
}

/* ---- one request's way ---- */

static void http_delivered(struct task *task, void *owner)
{
	struct http_req *r = owner;

	list_remove(&r->node);
	r->pool = NULL;
	task->done = r->done;
	task->owner = r->owner;
	task->done(task, task->owner);
}

static void request_end(struct http *h, struct http_req *r)
{
	r->transfer = NULL;
	list_append(&h->ended, &r->node);
	task_finish(&r->task);
}

static void request_drop(struct http_req *r)
{
	list_remove(&r->node);
	r->pool = NULL;
	r->transfer = NULL;
	answer_clear(r);
	task_abandon(&r->task);
}

static void transfer_land(struct http *h, struct http_transfer *t)
{
	h->inside++;
	curl_multi_remove_handle(h->multi, t->easy);
	h->inside--;
	t->flying = false;
	h->n_flying--;
}

static void transfer_launch(struct http *h, struct http_transfer *t)
{
	struct http_req *r = t->req;
	CURL *spare = t->plain && h->n_spare > 0 ? h->spare[--h->n_spare] : NULL;

	list_remove(&t->node);
	t->started_ms = clock_mono_ms();
	if (transfer_prepare(t, spare, h->ca_file, &r->task.err) < 0) {
		transfer_free(t);
		request_end(h, r);
		return;
	}
	list_append(&h->flying, &t->node);
	t->flying = true;
	h->n_flying++;
	h->inside++;
	if (curl_multi_add_handle(h->multi, t->easy) != CURLM_OK)
		die("the HTTP library refused a request");
	h->inside--;
}

/* ---- between curl and the loop ---- */

static void handle_keep(struct http *h, struct http_transfer *t)
{
	CURL *easy = h->n_spare < SPARE_MOST ? transfer_take_handle(t) : NULL;

	if (easy)
		h->spare[h->n_spare++] = easy;
}

static void transfer_ended(struct http *h, struct http_transfer *t, CURLcode result)
{
	struct http_req *r = t->req;

	if (r)
		transfer_outcome(t, result);
	transfer_land(h, t);
	if (result == CURLE_OK)
		handle_keep(h, t);
	transfer_free(t);
	if (r)
		request_end(h, r);
}

static void results_collect(struct http *h)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(h->multi, &left))) {
		struct http_transfer *t = NULL;
		CURLcode result = message->data.result; /* the message dies with the handle */

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		transfer_ended(h, t, result);
	}
	if (!list_empty(&h->waiting))
		deferred_start(&h->work);
}

static void curl_act(struct http *h, curl_socket_t fd, int events)
{
	int running;

	h->inside++;
	curl_multi_socket_action(h->multi, fd, events, &running);
	h->inside--;
	results_collect(h);
}

static void timer_due(struct timer *timer, void *owner)
{
	(void)timer;
	curl_act(owner, CURL_SOCKET_TIMEOUT, 0);
}

static void socket_ready(struct io *io, int events, void *owner)
{
	struct http_socket *s = owner;

	curl_act(s->pool, io->fd,
		 (events & IO_READ ? CURL_CSELECT_IN : 0) |
			 (events & IO_WRITE ? CURL_CSELECT_OUT : 0));
}

static void socket_forget(struct http_socket *s)
{
	io_stop(&s->io);
	list_remove(&s->node);
	free(s);
}

static struct http_socket *socket_add(struct http *h, curl_socket_t fd)
{
	struct http_socket *s = mem_alloc(sizeof(*s));

	s->pool = h;
	io_init(&s->io, h->loop, fd, socket_ready, s);
	list_append(&h->sockets, &s->node);
	curl_multi_assign(h->multi, fd, s);
	return s;
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *owner, void *assigned)
{
	struct http *h = owner;
	struct http_socket *s = assigned;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s)
			socket_forget(s);
		curl_multi_assign(h->multi, fd, NULL);
		return 0;
	}
	if (!s)
		s = socket_add(h, fd);
	io_start(&s->io,
		 (what & CURL_POLL_IN ? IO_READ : 0) | (what & CURL_POLL_OUT ? IO_WRITE : 0));
	return 0;
}

static int timer_wanted(CURLM *multi, long delay_ms, void *owner)
{
	struct http *h = owner;

	(void)multi;
	if (delay_ms < 0)
		timer_stop(&h->timer);
	else
		timer_start(&h->timer, delay_ms);
	return 0;
}

static void work_called(struct deferred *d, void *owner)
{
	struct http *h = owner;

	(void)d;
	LIST_EACH (it, &h->flying) {
		struct http_transfer *t = LIST_OF(it, struct http_transfer, node);

		if (t->req)
			continue;
		transfer_land(h, t);
		transfer_free(t);
	}
	while (h->n_flying < h->max_flying && !list_empty(&h->waiting))
		transfer_launch(h, LIST_OF(h->waiting.next, struct http_transfer, node));
}

/* ---- the pool ---- */

/* Once in the life of the process; the library keeps global state of its own. */
static void library_init(void)
{
	static bool done;

	if (done)
		return;
	/* The TLS part would write session keys to the file named there. */
	unsetenv("SSLKEYLOGFILE");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		die("the HTTP library did not start");
	done = true;
}

struct http *http_new(struct loop *l, const struct http_options *options)
{
	static const struct http_options fallback;
	const struct http_options *o = options ? options : &fallback;
	struct http *h = mem_alloc(sizeof(*h));

	library_init();
	h->loop = l;
	h->ca_file = str_dup(o->ca_file);
	h->max_flying = o->max_in_flight > 0 ? o->max_in_flight : MAX_IN_FLIGHT;
	list_init(&h->waiting);
	list_init(&h->flying);
	list_init(&h->ended);
	list_init(&h->sockets);
	timer_init(&h->timer, l, timer_due, h);
	deferred_init(&h->work, l, work_called, h);

	h->multi = curl_multi_init();
	if (!h->multi)
		die("the HTTP library gave no handle");
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(h->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, MAX_STREAMS);
	/* Only what is kept idle is limited here. Requests in flight are limited by us: one that
	 * waits inside the library for a connection would already use up its time. */
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS,
			  (long)(o->max_connections > 0 ? o->max_connections : MAX_CONNECTIONS));
	return h;
}

static void transfers_drop(struct http *h, struct list *transfers)
{
	while (!list_empty(transfers)) {
		struct http_transfer *t = LIST_OF(transfers->next, struct http_transfer, node);

		if (t->req)
			request_drop(t->req);
		if (t->flying)
			transfer_land(h, t);
		transfer_free(t);
	}
}

void http_free(struct http *h)
{
	if (!h)
		return;
	assert(h->inside == 0);
	transfers_drop(h, &h->waiting);
	transfers_drop(h, &h->flying);
	while (!list_empty(&h->ended))
		request_drop(LIST_OF(h->ended.next, struct http_req, node));

	/* Closing kept connections may still call for sockets and timers. */
	h->inside++;
	while (h->n_spare > 0)
		curl_easy_cleanup(h->spare[--h->n_spare]);
	curl_multi_cleanup(h->multi);
	while (!list_empty(&h->sockets))
		socket_forget(LIST_OF(h->sockets.next, struct http_socket, node));
	timer_stop(&h->timer);
	deferred_stop(&h->work);
	free(h->ca_file);
	free(h);
}

/* ---- requests ---- */

void http_start(struct http *h, struct http_req *r, task_done_fn *done, void *owner)
{
	task_begin(&r->task, h->loop, http_delivered, r);
	list_init(&r->node);
	answer_clear(r);
	r->status = 0;
	r->sent = false;
	r->took_ms = 0;
	r->done = done;
	r->owner = owner;
	r->pool = h;
	r->transfer = transfer_new(r);
	list_append(&h->waiting, &r->transfer->node);
	deferred_start(&h->work);
}

void http_cancel(struct http_req *r)
{
	struct http *h = r->pool;
	struct http_transfer *t = r->transfer;

	if (!h)
		return;
	request_drop(r);
	if (!t)
		return;
	t->req = NULL;
	if (t->flying && h->inside) {
		deferred_start(&h->work);
		return;
	}
	if (t->flying)
		transfer_land(h, t);
	transfer_free(t);
	if (!list_empty(&h->waiting))
		deferred_start(&h->work);
}

void http_req_reset(struct http_req *r)
{
	assert(!r->task.busy);
	answer_clear(r);
	memset(r, 0, sizeof(*r));
}

const char *http_answer_header(const struct http_req *r, const char *name)
{
	for (size_t i = 0; i < r->n_answer_headers; i++)
		if (strcmp(r->answer_headers[i].name, name) == 0)
			return r->answer_headers[i].value;
	return NULL;
}
