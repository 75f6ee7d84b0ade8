/* A desk for calls that change things: a real store in a folder of its own, a world, no network. */
#ifndef UNIT_OPS_WRITE_DESK_H
#define UNIT_OPS_WRITE_DESK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "ops/ops.h"
#include "store/private.h"

#define ACCOUNT "023e105f4ecef8ad9ca31a8372d0c353"

struct desk {
	char dir[64];
	int dirfd, done;
	struct loop *loop;
	struct world *world;
	struct store *store;
	struct settings settings;
	struct ops ops;
	struct timer tick;
	struct call call;
	bool called;
	struct json_doc *answer;
};

static const struct principal operator= {
	.role = ROLE_OPERATOR, .door = OP_DOOR_SOCKET, .uid = 5, .name = "games (uid 5)"};
static const struct principal root = {
	.role = ROLE_ADMIN, .door = OP_DOOR_SOCKET, .person = true, .name = "root (uid 0)"};

static inline void tick(struct timer *t, void *owner)
{
	(void)owner;
	timer_start(t, 2);
}

static inline int desk_open(void **state)
{
	struct desk *d = mem_alloc(sizeof(*d));
	struct err e;
	(void)snprintf(d->dir, sizeof(d->dir), "/tmp/adit-ops-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	d->dirfd = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct store_options o = {.dirfd = d->dirfd, .owner = "edge1", .account_id = ACCOUNT};
	if (store_open(&o, &d->store, &e) < 0)
		fail_msg("%s", e.message);
	d->loop = loop_new();
	d->world = world_new();
	str_set(&d->world->system.owner, "edge1");
	settings_default(&d->settings);
	str_set(&d->settings.owner, "edge1");
	strlist_add(&d->settings.safety.protect, "vpn.example.com");
	strlist_add(&d->settings.access.operator.users, "games");
	d->ops = (struct ops){
		.loop = d->loop, .world = d->world, .store = d->store, .settings = &d->settings};
	ops_init(&d->ops);
	timer_init(&d->tick, d->loop, tick, d);
	timer_start(&d->tick, 2);
	*state = d;
	return 0;
}

static inline void remove_files(const struct desk *d)
{
	DIR *dir = opendir(d->dir);
	struct dirent *entry;
	while ((entry = readdir(dir)))
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	(void)closedir(dir);
	(void)rmdir(d->dir);
	(void)close(d->dirfd);
}

static inline void forget_call(struct desk *d)
{
	if (d->called)
		call_fini(&d->call);
	d->called = false;
	json_doc_free(d->answer);
	d->answer = NULL;
}

static inline int desk_close(void **state)
{
	struct desk *d = *state;
	int64_t rows;
	struct err e;
	forget_call(d);
	ops_fini(&d->ops);
	assert_int_equal(d->ops.running, 0);
	if (store_verify_ledger(d->store, &rows, &e) < 0)
		fail_msg("%s", e.message);
	clock_freeze(0, 0);
	timer_stop(&d->tick);
	store_close(d->store);
	world_free(d->world);
	settings_free(&d->settings);
	loop_free(d->loop);
	remove_files(d);
	free(d);
	return 0;
}

/* ---- calls ---- */

static inline void answered(struct task *t, void *owner)
{
	struct desk *d = owner;
	(void)t;
	d->done++;
}

static inline void begin(struct desk *d, struct call *c, const struct principal *who,
			 const char *op, const char *args)
{
	call_start(&d->ops, c, op_find(op), who, NULL, args, strlen(args), answered, d);
}

static inline void wait_for(struct desk *d, int n)
{
	for (int turns = 0; d->done < n && turns < 5000; turns++)
		loop_turn(d->loop);
	assert_int_equal(d->done, n);
}

/* A call to its end: the state that it tells, or the kind of its error. */
static inline const char *run(struct desk *d, const struct principal *who, const char *op,
			      const char *args)
{
	struct err e;
	forget_call(d);
	d->done = 0;
	d->called = true;
	begin(d, &d->call, who, op, args);
	wait_for(d, 1);
	if (d->call.task.err.kind != ERR_NONE)
		return err_kind_name(d->call.task.err.kind);
	const struct buf *text = &d->call.result;
	if (json_parse(buf_text(text), text->len, NULL, &d->answer, &e) < 0)
		fail_msg("%s: %s", e.message, buf_text(text));
	const char *told = json_get_string(json_root(d->answer), "state");
	return told ? told : "";
}

#define RUNS(d, who, op, args, expected) assert_string_equal(run(d, who, op, args), expected)

/* What the store holds is what the world holds: names, wishes and versions. */
static inline void check_same(struct desk *d)
{
	struct world *w = world_new();
	struct err e;
	if (store_load(d->store, w, &e) < 0)
		fail_msg("%s", e.message);
	assert_int_equal(w->revision, d->world->revision);
	assert_int_equal(w->tunnels.n, d->world->tunnels.n);
	assert_int_equal(w->routes.n, d->world->routes.n);
	assert_int_equal(w->records.n, d->world->records.n);
	TABLE_EACH (i, struct tunnel, t, &d->world->tunnels) {
		const struct tunnel *kept = world_tunnel(w, t->id);
		assert_string_equal(kept->name, t->name);
		assert_int_equal(kept->generation, t->generation);
		assert_int_equal(kept->want, t->want);
		assert_int_equal(kept->replicas, t->replicas);
	}
	TABLE_EACH (j, struct route, r, &d->world->routes) {
		assert_string_equal(world_route(w, r->id)->service, r->service);
		assert_string_equal(world_route(w, r->id)->tunnel_id, r->tunnel_id);
		assert_int_equal(world_route(w, r->id)->generation, r->generation);
	}
	TABLE_EACH (k, struct record, x, &d->world->records) {
		assert_int_equal(world_record(w, x->id)->generation, x->generation);
		assert_int_equal(world_record(w, x->id)->want, x->want);
		assert_int_equal(world_record(w, x->id)->proxied, x->proxied);
	}
	world_free(w);
}

#define PUBLISH                                                                                    \
	"{\"hostname\":\"app.example.com\",\"service\":\"http://127.0.0.1:80\",\"wait\":false}"
#define UNPUBLISH "{\"hostname\":\"app.example.com\",\"wait\":false}"

/* The arguments of an approval of the last answer's plan, by its hash. */
static inline char *approval(const struct desk *d, const char *hash)
{
	const struct json *answer = json_root(d->answer);
	const char *shown = json_get_string(answer, "hash");
	return str_format("{\"plan\":\"%s\",\"hash\":\"%s\",\"wait\":false}",
			  json_get_string(answer, "plan"), hash ? hash : shown);
}

/* A route whose name has been made at Cloudflare. */
static inline void publish(struct desk *d)
{
	RUNS(d, &operator, "route_set", PUBLISH, "applied");
	struct tunnel *t = d->world->tunnels.items[0];
	struct record *r = d->world->records.items[0];
	t->config_version = 1;
	(void)str_copy(r->remote_id, CF_ID_SIZE, ACCOUNT);
}

static inline void check_plan(struct desk *d, int64_t number, enum plan_state state)
{
	struct plan *p = NULL;
	struct err e;
	assert_int_equal(store_load_plan(d->store, number, &p, &e), 0);
	assert_int_equal(p->state, state);
	plan_free(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_open, desk_close)

#endif
