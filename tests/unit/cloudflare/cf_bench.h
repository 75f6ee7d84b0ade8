/*
 * What the tests of the client share: a world, a client and a server on one loop. The server gives
 * the answers of a script in order, keeps what it was asked, and can hold answers back; every test
 * ends by checking that the script was used up.
 */
#ifndef TESTS_UNIT_CLOUDFLARE_CF_BENCH_H
#define TESTS_UNIT_CLOUDFLARE_CF_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "cloudflare/client.h"
#include "loop/server.h"

#define CFB          __attribute__((unused)) static
#define ACCOUNT      "023e105f4ecef8ad9ca31a8372d0c353"
#define ZONE         "9a7806061c88ada191ed06f989cc3dac"
#define RECORD       "372e67954025e0ba6aaa6d586b9e0b59"
#define TUNNEL       "f70ff985-a4ef-4643-bbbc-4a0ed4fc8415"
#define TOKEN        "cfat_0123456789abcdefghijABCDEFGHIJ"
#define PREFIX       "/client/v4"
#define OK_RESULT(r) "{\"success\":true,\"errors\":[],\"messages\":[],\"result\":" r "}"
#define FAILURE(code, text)                                                                        \
	"{\"success\":false,\"errors\":[{\"code\":" #code ",\"message\":\"" text                   \
	"\"}],\"messages\":[],\"result\":null}"
#define SAID_MAX    64
#define DEADLINE_MS 20000

struct said_answer {
	int status;
	const char *body;
	const char *headers[5];
	bool hold;  /* answered by cfb_release */
	size_t big; /* a body of so many bytes instead */
};

struct cfb_asked {
	char line[512]; /* "GET /path?query" */
	char authorization[128], type[64], accept[64], agent[64];
	char *body;
};

struct cfb {
	struct loop *loop;
	struct server *server;
	struct http *http;
	struct world *world;
	struct cf *cf;
	struct timer tick;
	struct watcher watcher;
	int port, done, told;
	const struct said_answer *script;
	size_t n_script, n_asked;
	struct cfb_asked asked[SAID_MAX];
	struct server_req *held[8];
	size_t n_held;
	const struct said_answer *held_answer[8];
};

CFB void cfb_tick(struct timer *t, void *owner)
{
	(void)owner;
	timer_start(t, 3);
}

CFB void cfb_reply(struct server_req *r, const struct said_answer *a)
{
	if (a->big) {
		char *body = mem_alloc(a->big);

		memset(body, ' ', a->big);
		server_reply(r, a->status, "application/json", body, a->big, NULL);
		free(body);
		return;
	}
	server_reply(r, a->status, "application/json", a->body, strlen(a->body), a->headers);
}

CFB void cfb_keep(char *out, size_t size, const char *value)
{
	if (!str_copy(out, size, value ? value : ""))
		fail_msg("a header is too long for the test");
}

CFB void cfb_note(struct cfb_asked *q, struct server_req *r)
{
	AUTO(buf_t) line = {0};
	const char *name, *value;

	buf_printf(&line, "%s %s", server_req_method(r), server_req_path(r));
	for (size_t i = 0; server_req_query(r, i, &name, &value); i++)
		buf_printf(&line, "%c%s=%s", i ? '&' : '?', name, value);
	cfb_keep(q->line, sizeof(q->line), buf_text(&line));
	cfb_keep(q->authorization, sizeof(q->authorization), server_req_header(r, "Authorization"));
	cfb_keep(q->type, sizeof(q->type), server_req_header(r, "Content-Type"));
	cfb_keep(q->accept, sizeof(q->accept), server_req_header(r, "Accept"));
	cfb_keep(q->agent, sizeof(q->agent), server_req_header(r, "User-Agent"));
	q->body = str_dup(buf_text(server_req_body(r)));
}

CFB void cfb_request(struct server_req *r, void *owner)
{
	struct cfb *b = owner;

	assert_true(b->n_asked < SAID_MAX);
	struct cfb_asked *q = &b->asked[b->n_asked++];
	cfb_note(q, r);
	if (b->n_asked > b->n_script)
		fail_msg("an answer too few in the script for %s", q->line);
	const struct said_answer *a = &b->script[b->n_asked - 1];
	if (a->hold) {
		b->held_answer[b->n_held] = a;
		b->held[b->n_held++] = r;
		return;
	}
	cfb_reply(r, a);
}

CFB void cfb_gone(struct server_req *r, void *owner)
{
	struct cfb *b = owner;

	for (size_t i = 0; i < b->n_held; i++)
		b->held[i] = b->held[i] == r ? NULL : b->held[i];
}

CFB void cfb_release(struct cfb *b)
{
	size_t n = b->n_held;

	b->n_held = 0;
	for (size_t i = 0; i < n; i++)
		if (b->held[i])
			cfb_reply(b->held[i], b->held_answer[i]);
}

CFB void cfb_changed(struct watcher *x, enum object_type type, const char *id, void *owner)
{
	struct cfb *b = owner;

	(void)x;
	assert_int_equal(type, OBJECT_SYSTEM);
	assert_string_equal(id, "");
	b->told++;
}

CFB void cfb_client(struct cfb *b, int64_t calls, int64_t window_ms)
{
	char url[80];
	struct cf_options o = {url, ACCOUNT, calls, window_ms};
	struct secret token = {0};
	struct err e;

	cf_free(b->cf);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d" PREFIX "/", b->port);
	if (cf_new(b->loop, b->http, b->world, &o, &b->cf, &e) < 0)
		fail_msg("%s", e.message);
	secret_set(&token, TOKEN, strlen(TOKEN));
	cf_set_token(b->cf, &token);
	secret_free(&token);
}

CFB int cfb_open(void **state)
{
	struct cfb *b = mem_alloc(sizeof(*b));
	struct server_handler handler = {.request = cfb_request, .gone = cfb_gone, .owner = b};
	struct server_limits limits = {.max_body = 1 << 20};
	struct err e;
	int fd;

	b->loop = loop_new();
	b->server = server_new(b->loop, &limits, &handler);
	if (server_socket_tcp("127.0.0.1:0", &fd, &e) < 0)
		fail_msg("%s", e.message);
	struct sockaddr_in in;
	socklen_t len = sizeof(in);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	b->port = ntohs(in.sin_port);
	if (server_listen(b->server, fd, 0, &e) < 0)
		fail_msg("%s", e.message);
	b->http = http_new(b->loop, NULL);
	b->world = world_new();
	world_watch(b->world, &b->watcher, cfb_changed, b);
	cfb_client(b, 100000, 1000);
	timer_init(&b->tick, b->loop, cfb_tick, b);
	timer_start(&b->tick, 3);
	*state = b;
	return 0;
}

CFB int cfb_close(void **state)
{
	struct cfb *b = *state;

	assert_int_equal(b->n_asked, b->n_script);
	cf_free(b->cf);
	http_free(b->http);
	server_free(b->server);
	world_unwatch(&b->watcher);
	world_free(b->world);
	timer_stop(&b->tick);
	loop_free(b->loop);
	for (size_t i = 0; i < b->n_asked; i++)
		free(b->asked[i].body);
	free(b);
	return 0;
}

CFB void cfb_done(struct task *t, void *owner)
{
	struct cfb *b = owner;

	assert_false(t->busy);
	b->done++;
}

CFB void cfb_until(struct cfb *b, const int *what, int n)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;

	while (*what < n && clock_mono_ms() < end)
		loop_turn(b->loop);
	assert_true(*what >= n);
}

CFB void cfb_wait(struct cfb *b, int n)
{
	cfb_until(b, &b->done, n);
	assert_int_equal(b->done, n);
}

/* Turn for a while in which something is not to happen. */
CFB void cfb_turn(struct cfb *b, int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;

	while (clock_mono_ms() < end)
		loop_turn(b->loop);
}

CFB void cfb_asked_is(const struct cfb *b, size_t i, const char *line)
{
	assert_true(i < b->n_asked);
	assert_string_equal(b->asked[i].line, line);
}

CFB void start(struct cfb *b, struct cf_call *c, const char *method, const char *path,
	       const char *body, const char *object)
{
	cf_call_start(b->cf, c, CF_SHARE_RECONCILE, method, path, body, object, "DNS: Edit",
		      cfb_done, b);
}

/* One call on its own, to its end. */
CFB void whole(struct cfb *b, struct cf_call *c, const char *method, const char *path)
{
	int before = b->done;

	start(b, c, method, path, str_equal(method, "GET") ? NULL : "{}", NULL);
	assert_int_equal(b->done, before);
	cfb_wait(b, before + 1);
}

#define SCRIPT(b, ...)                                                                             \
	static const struct said_answer script_[] = {__VA_ARGS__};                                 \
	(b)->script = script_;                                                                     \
	(b)->n_script = ARRAY_LEN(script_)

#define TEST(name) cmocka_unit_test_setup_teardown(name, cfb_open, cfb_close)

#endif
