/*
 * What the tests of actions and of the reconciler share: a world, a real store in a scratch folder,
 * and a client whose Cloudflare answers by rules: the first that fits and is not used up. A store
 * can be made to refuse every write, and answers can be held back.
 */
#ifndef TESTS_UNIT_RECONCILE_BENCH_H
#define TESTS_UNIT_RECONCILE_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "loop/server.h"
#include "reconcile/act.h"
#include "store/private.h"

#define BENCH     __attribute__((unused)) static
#define ACCOUNT   "023e105f4ecef8ad9ca31a8372d0c353"
#define ZONE      "9a7806061c88ada191ed06f989cc3dac"
#define RECORD    "372e67954025e0ba6aaa6d586b9e0b59"
#define REMOTE    "f70ff985-a4ef-4643-bbbc-4a0ed4fc8415"
#define TUNNELS   "/client/v4/accounts/" ACCOUNT "/cfd_tunnel"
#define TUNNEL_AT TUNNELS "/" REMOTE
#define RECORDS   "/client/v4/zones/" ZONE "/dns_records"
#define RECORD_AT RECORDS "/" RECORD
#define RESULT(r) "{\"success\":true,\"errors\":[],\"messages\":[],\"result\":" r "}"
#define LISTING(rows, n)                                                                           \
	"{\"success\":true,\"errors\":[],\"messages\":[],\"result\":[" rows                        \
	"],\"result_info\":{\"page\":1,\"per_page\":100,\"count\":" #n ",\"total_count\":" #n "}}"
#define FAILURE(code)                                                                              \
	"{\"success\":false,\"errors\":[{\"code\":" #code                                          \
	",\"message\":\"no\"}],\"messages\":[],\"result\":null}"
#define DEADLINE_MS 20000

struct rule_of {
	const char *method, *path; /* path NULL = any */
	int status;
	const char *body;
	int times; /* 0 = for ever */
	bool hold;
};

struct bench {
	char dir[64], mark[64];
	int dirfd, port, done;
	struct err failure; /* of the last act */
	struct loop *loop;
	struct server *server;
	struct http *http;
	struct world *world;
	struct store *store;
	struct cf *cf;
	struct timer tick;
	struct act_context x;
	struct rule_of rules[16];
	size_t n_rules;
	char *asked[256];
	size_t n_asked;
	struct server_req *held;
	const struct rule_of *held_rule;
};

BENCH void bench_tick(struct timer *t, void *owner)
{
	(void)owner;
	timer_start(t, 3);
}

BENCH void bench_reply(struct server_req *r, const struct rule_of *rule)
{
	server_reply(r, rule->status, "application/json", rule->body, strlen(rule->body), NULL);
}

BENCH struct rule_of *bench_rule(struct bench *b, struct server_req *r)
{
	for (size_t i = 0; i < b->n_rules; i++) {
		struct rule_of *x = &b->rules[i];
		if (x->times >= 0 && str_equal(x->method, server_req_method(r)) &&
		    (!x->path || str_equal(x->path, server_req_path(r)))) {
			x->times = x->times == 1 ? -1 : x->times ? x->times - 1 : 0;
			return x;
		}
	}
	return NULL;
}

BENCH void bench_request(struct server_req *r, void *owner)
{
	static const struct rule_of nothing = {.status = 404, .body = FAILURE(7003)};
	struct bench *b = owner;
	assert_true(b->n_asked < ARRAY_LEN(b->asked));
	b->asked[b->n_asked++] = str_format("%s %s", server_req_method(r), server_req_path(r));
	const struct rule_of *rule = bench_rule(b, r);
	if (rule && rule->hold) {
		b->held = r;
		b->held_rule = rule;
	} else
		bench_reply(r, rule ? rule : &nothing);
}

BENCH void bench_gone(struct server_req *r, void *owner)
{
	struct bench *b = owner;
	if (b->held == r)
		b->held = NULL;
}

BENCH void bench_release(struct bench *b)
{
	struct server_req *r = b->held;
	assert_non_null(r);
	b->held = NULL;
	bench_reply(r, b->held_rule);
}

/* Rules in order; the last word has those that were added first. */
BENCH void bench_answers(struct bench *b, const char *method, const char *path, int status,
			 const char *body, int times)
{
	assert_true(b->n_rules < ARRAY_LEN(b->rules));
	b->rules[b->n_rules++] = (struct rule_of){method, path, status, body, times, false};
}

BENCH size_t bench_count(const struct bench *b, const char *beginning)
{
	size_t n = 0;
	for (size_t i = 0; i < b->n_asked; i++)
		n += str_starts(b->asked[i], beginning);
	return n;
}

BENCH size_t bench_writes(const struct bench *b)
{
	return b->n_asked - bench_count(b, "GET ");
}

/* Every write fails from now on, as on a full disk. */
BENCH void bench_full(struct bench *b, bool full)
{
	const char *sql = full ? "PRAGMA query_only = 1" : "PRAGMA query_only = 0";
	assert_int_equal(sqlite3_exec(b->store->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

BENCH void bench_open_store(struct bench *b)
{
	struct err e;
	struct store_options o = {.dirfd = b->dirfd, .owner = "edge1", .account_id = ACCOUNT};
	if (store_open(&o, &b->store, &e) < 0)
		fail_msg("%s", e.message);
	b->x.store = b->store;
}

BENCH void bench_open_client(struct bench *b)
{
	char url[80];
	struct cf_options o = {url, ACCOUNT, 100000, 1000};
	AUTO(secret_t) token = {0};
	struct err e;
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/client/v4", b->port);
	if (cf_new(b->loop, b->http, b->world, &o, &b->cf, &e) < 0)
		fail_msg("%s", e.message);
	secret_set(&token, "a-token-for-the-bench", 21);
	cf_set_token(b->cf, &token);
}

BENCH void bench_open_server(struct bench *b)
{
	struct server_handler handler = {.request = bench_request, .gone = bench_gone, .owner = b};
	struct sockaddr_in in;
	socklen_t len = sizeof(in);
	struct err e;
	int fd;
	b->server = server_new(b->loop, NULL, &handler);
	if (server_socket_tcp("127.0.0.1:0", &fd, &e) < 0)
		fail_msg("%s", e.message);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	b->port = ntohs(in.sin_port);
	if (server_listen(b->server, fd, 0, &e) < 0)
		fail_msg("%s", e.message);
}

BENCH int bench_open(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));
	(void)snprintf(b->dir, sizeof(b->dir), "/tmp/adit-reconcile-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	b->dirfd = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	b->loop = loop_new();
	b->http = http_new(b->loop, NULL);
	b->world = world_new();
	bench_open_store(b);
	bench_open_server(b);
	bench_open_client(b);
	str_set(&b->world->system.owner, "edge1");
	(void)str_copy(b->world->system.install, 9, store_install(b->store));
	(void)str_copy(b->world->system.account_id, CF_ID_SIZE, ACCOUNT);
	(void)snprintf(b->mark, sizeof(b->mark), "adit:edge1/%s", store_install(b->store));
	b->x = (struct act_context){b->loop, b->world, b->store, b->cf};
	timer_init(&b->tick, b->loop, bench_tick, b);
	timer_start(&b->tick, 3);
	*state = b;
	return 0;
}

BENCH void bench_remove(const struct bench *b)
{
	DIR *d = opendir(b->dir);
	struct dirent *entry;
	while ((entry = readdir(d)))
		(void)unlinkat(dirfd(d), entry->d_name, 0);
	(void)closedir(d);
	(void)rmdir(b->dir);
}

BENCH int bench_close(void **state)
{
	struct bench *b = *state;
	int64_t rows;
	struct err e;
	cf_free(b->cf);
	http_free(b->http);
	server_free(b->server);
	timer_stop(&b->tick);
	if (store_verify_ledger(b->store, &rows, &e) < 0)
		fail_msg("%s", e.message);
	store_close(b->store);
	world_free(b->world);
	loop_free(b->loop);
	bench_remove(b);
	(void)close(b->dirfd);
	for (size_t i = 0; i < b->n_asked; i++)
		free(b->asked[i]);
	free(b);
	return 0;
}

/* Events of edits that a write of ours lost. */
BENCH size_t bench_edits_told(struct bench *b)
{
	const struct event_filter f = {.limit = 100};
	struct event *events = NULL;
	size_t n = 0, edits = 0;
	struct err e;
	assert_int_equal(store_list_events(b->store, &f, &events, &n, &e), 0);
	for (size_t i = 0; i < n; i++) {
		edits += str_equal(events[i].kind, "edit_overwritten");
		event_free(&events[i]);
	}
	free(events);
	return edits;
}

/* ---- objects: in the store and in the world ---- */

BENCH void bench_save(struct bench *b, const struct tunnel *t, const struct record *r)
{
	struct err e;
	if (store_begin(b->store, &e) < 0 || (t && store_save_tunnel(b->store, t, &e) < 0) ||
	    (r && store_save_record(b->store, r, &e) < 0) || store_commit(b->store, &e) < 0)
		fail_msg("%s", e.message);
}

BENCH struct tunnel *bench_tunnel(struct bench *b, bool made)
{
	struct tunnel *t = tunnel_new("web");
	AUTO(secret_t) secret = {0};
	struct err e;
	if (made) {
		(void)str_copy(t->remote_id, UUID_SIZE, REMOTE);
		t->token_generation = 1;
		t->applied_generation = t->generation;
	}
	world_add_tunnel(b->world, t);
	bench_save(b, t, NULL);
	secret_set(&secret, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", 44);
	if (store_begin(b->store, &e) < 0 || store_save_secret(b->store, t->id, &secret, &e) < 0 ||
	    store_commit(b->store, &e) < 0)
		fail_msg("%s", e.message);
	return t;
}

BENCH struct record *bench_record(struct bench *b, const struct tunnel *t, bool made)
{
	struct record *r = record_new("app.example.com", "CNAME");
	(void)str_copy(r->tunnel_id, ID_SIZE, t->id);
	(void)str_copy(r->zone_id, CF_ID_SIZE, ZONE);
	r->proxied = true;
	if (made) {
		(void)str_copy(r->remote_id, CF_ID_SIZE, RECORD);
		r->applied_generation = r->generation;
	}
	world_add_record(b->world, r);
	bench_save(b, NULL, r);
	return r;
}

BENCH void bench_route(struct bench *b, const struct tunnel *t)
{
	struct route *r = route_new();
	struct err e;
	(void)str_copy(r->tunnel_id, ID_SIZE, t->id);
	str_set(&r->hostname, "app.example.com");
	str_set(&r->service, "http://127.0.0.1:80");
	world_add_route(b->world, r);
	if (store_begin(b->store, &e) < 0 || store_save_route(b->store, r, &e) < 0 ||
	    store_commit(b->store, &e) < 0)
		fail_msg("%s", e.message);
}

/* A record as Cloudflare shows it; the text is good until the next one. */
BENCH const char *record_json(const char *content, const char *comment)
{
	static char text[600];
	(void)snprintf(text, sizeof(text),
		       "{\"id\":\"" RECORD "\",\"name\":\"app.example.com\",\"type\":\"CNAME\","
		       "\"content\":\"%s\",\"proxied\":true,\"ttl\":1,\"comment\":\"%s\"}",
		       content, comment);
	return text;
}

/* ---- running ---- */

BENCH void bench_acted(struct task *t, void *owner)
{
	struct bench *b = owner;
	b->failure = t->err;
	b->done++;
}

BENCH void bench_turn(struct bench *b, int64_t ms)
{
	int64_t end = clock_mono_ms() + ms;
	while (clock_mono_ms() < end)
		loop_turn(b->loop);
}

#define UNTIL(b, condition)                                                                        \
	do {                                                                                       \
		int64_t end_ = clock_mono_ms() + DEADLINE_MS;                                      \
		while (!(condition) && clock_mono_ms() < end_)                                     \
			loop_turn((b)->loop);                                                      \
		assert_true(condition);                                                            \
	} while (0)

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_open, bench_close)

#endif
