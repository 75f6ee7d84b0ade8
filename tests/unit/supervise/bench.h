/* A supervisor on a scratch store and world, with the stand-in of fake.h; one tunnel. */
#ifndef TESTS_UNIT_SUPERVISE_BENCH_H
#define TESTS_UNIT_SUPERVISE_BENCH_H

#include "fake.h"

#include "base/buf.h"
#include "base/file.h"
#include "supervise/supervisor.h"

#define TOKEN   "eyJhIjoiMDIzZTEwNWY0ZWNlZjhhZDljYTMxYTgzNzJkMGMzNTMifQ=="
#define REMOTE  "c713d890-1111-4222-8333-123456789abc"
#define TURN_MS 20000

struct bench {
	struct fake fake;
	struct loop *loop;
	struct world *world;
	struct store *store;
	struct supervisor *s;
	struct supervisor_options options;
	char tunnel[ID_SIZE], one[ID_SIZE + 4];
	struct timer tick;
	struct err e;
};

static inline void ticked(struct timer *t, void *owner)
{
	(void)owner;
	timer_start(t, 20);
}

static inline void bench_begin(struct bench *b)
{
	b->s = supervisor_new(b->loop, b->world, b->store, &b->options);
	assert_int_equal(supervisor_start(b->s, &b->e), 0);
}

static inline void add_tunnel(struct bench *b, int64_t replicas)
{
	struct tunnel *t = tunnel_new("web");
	struct secret token = {0};

	t->replicas = replicas;
	t->token_generation = 1;
	assert_true(str_copy(t->remote_id, sizeof(t->remote_id), REMOTE));
	secret_set(&token, TOKEN, strlen(TOKEN));
	memcpy(b->tunnel, t->id, sizeof(b->tunnel));
	snprintf(b->one, sizeof(b->one), "%.20s-1", t->id);
	assert_int_equal(store_begin(b->store, &b->e), 0);
	assert_int_equal(store_save_tunnel(b->store, t, &b->e), 0);
	assert_int_equal(store_save_token(b->store, t->id, &token, &b->e), 0);
	assert_int_equal(store_commit(b->store, &b->e), 0);
	secret_free(&token);
	world_add_tunnel(b->world, t);
}

static inline int setup(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));

	fake_open(&b->fake);
	b->loop = loop_new();
	b->world = world_new();
	assert_int_equal(store_open(&(struct store_options){.dirfd = b->fake.dirfd,
							    .owner = "edge1",
							    .account_id = ""},
				    &b->store, &b->e),
			 0);
	b->options = (struct supervisor_options){
		.state_dirfd = b->fake.dirfd,
		.state_dir = b->fake.dir,
		.cloudflared = b->fake.program,
		.protocol = "quic",
		.label = "edge1",
		.grace_ms = 1000,
		.probe_interval_ms = 100,
		.probe_timeout_ms = 300,
		.probe_failures = 3,
		.unready_ms = 500,
	};
	timer_init(&b->tick, b->loop, ticked, NULL);
	timer_start(&b->tick, 20);
	*state = b;
	return 0;
}

static inline int teardown(void **state)
{
	struct bench *b = *state;

	supervisor_free(b->s);
	timer_stop(&b->tick);
	store_close(b->store);
	world_free(b->world);
	loop_free(b->loop);
	fake_close(&b->fake);
	free(b);
	return 0;
}

/* As an applied plan does it; stop NULL starts it again. */
static inline void set_stopped(struct bench *b, const struct connector_stop *stop)
{
	struct connector *c = world_connector(b->world, b->one);

	connector_set_stopped(c, stop);
	if (b->store) {
		assert_int_equal(store_begin(b->store, &b->e), 0);
		assert_int_equal(store_save_connector(b->store, c, &b->e), 0);
		assert_int_equal(store_commit(b->store, &b->e), 0);
	}
	world_changed(b->world, OBJECT_CONNECTOR, b->one);
}

static inline const struct connector *one(const struct bench *b)
{
	return world_connector(b->world, b->one);
}

typedef bool is_so(const struct bench *b);

static inline void wait_for(struct bench *b, is_so *so)
{
	int64_t until = clock_mono_ms() + TURN_MS;

	while (!so(b)) {
		if (clock_mono_ms() > until) {
			const struct connector *c = one(b);

			fail_msg("it did not happen; the connector is %s (%s), its log says %s",
				 c ? connector_state_name(c->state) : "gone",
				 c && c->reason ? c->reason : "-",
				 c && c->last_line ? c->last_line : "-");
		}
		loop_turn(b->loop);
	}
}

static inline void run_for(struct bench *b, int64_t ms)
{
	int64_t until = clock_mono_ms() + ms;

	while (clock_mono_ms() < until)
		loop_turn(b->loop);
}

static inline bool is_ready(const struct bench *b)
{
	return one(b) && one(b)->state == CONNECTOR_READY;
}

static inline bool is_blocked(const struct bench *b)
{
	return one(b) && one(b)->state == CONNECTOR_BLOCKED;
}

static inline bool is_gone(const struct bench *b)
{
	return !one(b);
}

static inline bool is_stopped(const struct bench *b)
{
	return one(b) && one(b)->state == CONNECTOR_STOPPED;
}

static inline size_t starts(const struct bench *b)
{
	pid_t pids[64];

	return fake_starts(&b->fake, pids, ARRAY_LEN(pids));
}

static inline struct tunnel *tunnel(struct bench *b)
{
	return world_tunnel(b->world, b->tunnel);
}

static inline void read_file(const struct bench *b, const char *name, struct buf *out)
{
	AUTO(str_t) path = str_format("%s/connectors/%s/%s", b->fake.dir, b->one, name);
	struct err e;

	assert_int_equal(file_read(AT_FDCWD, path, 0, out, &e), 0);
}

static inline bool has_folder(const struct bench *b)
{
	AUTO(str_t) path = str_format("%s/connectors/%s", b->fake.dir, b->one);

	return access(path, F_OK) == 0;
}

static inline mode_t mode_of(const struct bench *b, const char *name)
{
	AUTO(str_t) path = str_format("%s/connectors/%s/%s", b->fake.dir, b->one, name);
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static inline void nothing_called(struct deferred *d, void *owner)
{
	(void)d, (void)owner;
}

/* What waits for the loop's turn is done; nothing else is waited for. */
static inline void turn_once(struct bench *b)
{
	struct deferred last;

	deferred_init(&last, b->loop, nothing_called, NULL);
	deferred_start(&last);
	loop_turn(b->loop);
}

static inline bool has_event(struct bench *b, const char *kind)
{
	struct event_filter f = {.kind = kind, .limit = 10};
	struct event *events = NULL;
	size_t n = 0;

	turn_once(b);
	assert_int_equal(store_list_events(b->store, &f, &events, &n, &b->e), 0);
	for (size_t i = 0; i < n; i++)
		event_free(&events[i]);
	free(events);
	return n > 0;
}

static inline pid_t bring_up(struct bench *b)
{
	add_tunnel(b, 1);
	bench_begin(b);
	wait_for(b, is_ready);
	return one(b)->pid;
}

static inline void restart_daemon(struct bench *b)
{
	supervisor_free(b->s);
	b->s = NULL;
	world_drop(b->world, OBJECT_CONNECTOR, b->one);
	bench_begin(b);
}

#endif
