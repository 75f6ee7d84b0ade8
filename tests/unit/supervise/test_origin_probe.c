/* Origins: who is asked, how often, and what routes say of it. Real sockets on loopback. */
#include "fake.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "supervise/origin_probe.h"

struct bench {
	struct loop *loop;
	struct world *world;
	struct http *pool;
	struct origin_probes *probes;
	struct tunnel *tunnel;
	bool forbidden;
	int listener, port;
};

static bool permits(const struct route *r, void *owner)
{
	const struct bench *b = owner;
	(void)r;
	return !b->forbidden;
}

/* 0 = any port. */
static int open_listener_at(int *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons((uint16_t)*port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const struct sockaddr *any = (const void *)&a;
	int on = 1;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, any, sizeof(a)), 0);
	assert_int_equal(listen(fd, 50), 0);
	assert_int_equal(getsockname(fd, (void *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static int open_listener(int *port)
{
	*port = 0;
	return open_listener_at(port);
}

static int taken(const struct bench *b)
{
	int n = 0;

	for (int fd; (fd = accept(b->listener, NULL, NULL)) >= 0; n++)
		close(fd);
	return n;
}

static int set_up(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));

	b->loop = loop_new();
	b->world = world_new();
	b->pool = http_new(b->loop, NULL);
	b->listener = open_listener(&b->port);
	b->tunnel = tunnel_new("web");
	world_add_tunnel(b->world, b->tunnel);
	b->probes = origin_probes_new(b->loop, b->world, b->pool, permits, b);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	origin_probes_free(b->probes);
	http_free(b->pool);
	world_free(b->world);
	loop_free(b->loop);
	close(b->listener);
	free(b);
	return 0;
}

static void tick(struct timer *t, void *owner)
{
	(void)t;
	(void)owner;
}

static void run_for(struct bench *b, int64_t ms)
{
	struct timer t;
	int64_t end = clock_mono_ms() + ms;

	timer_init(&t, b->loop, tick, NULL);
	while (clock_mono_ms() < end) {
		timer_start(&t, 10);
		(void)loop_turn(b->loop);
	}
	timer_stop(&t);
}

static void wait_for(struct bench *b, const struct route *r, enum reach state)
{
	int64_t end = clock_mono_ms() + 8000;

	while (r->reach.state != state && clock_mono_ms() < end)
		run_for(b, 20);
	assert_int_equal(r->reach.state, state);
}

static struct route *add(struct bench *b, const char *hostname, const char *service)
{
	struct route *r = route_new();

	(void)str_copy(r->tunnel_id, sizeof(r->tunnel_id), b->tunnel->id);
	r->hostname = str_dup(hostname);
	r->service = str_dup(service);
	world_add_route(b->world, r);
	return r;
}

static char *place(const struct bench *b, const char *scheme)
{
	return str_format("%s://127.0.0.1:%d", scheme, b->port);
}

static void up_and_shared(void **state)
{
	struct bench *b = *state;
	AUTO(str_t) http = place(b, "http");
	AUTO(str_t) tcp = place(b, "tcp");
	struct route *one = add(b, "a.x.org", http), *two = add(b, "b.x.org", tcp);

	wait_for(b, one, REACH_UP);
	wait_for(b, two, REACH_UP);
	assert_true(one->reach.since_ms > 0 && one->reach.asked_ms > 0);
	run_for(b, 300);
	assert_int_equal(taken(b), 1);
	struct problem p;
	assert_false(route_reach_problem(one, &p));
	/* another one asks nothing anew */
	struct route *three = add(b, "c.x.org", http);
	run_for(b, 300);
	assert_int_equal(three->reach.state, REACH_UP);
	assert_int_equal(taken(b), 0);
}

static void refused_then_up(void **state)
{
	struct bench *b = *state;
	AUTO(str_t) http = place(b, "http");
	int port = 0, fd = open_listener(&port);
	AUTO(str_t) dead = str_format("http://localhost:%d", port);
	struct problem p;

	close(fd);
	struct route *r = add(b, "a.x.org", dead);
	wait_for(b, r, REACH_REFUSED);
	assert_true(route_reach_problem(r, &p));
	assert_non_null(strstr(p.err.hint, "::1"));
	assert_non_null(strstr(p.err.hint, "http://127.0.0.1:"));
	str_set(&r->service, http);
	world_changed(b->world, OBJECT_ROUTE, r->id);
	wait_for(b, r, REACH_UP);
}

/* One failure after it was up says nothing yet, but for who asks now. */
static void down_is_asked_twice(void **state)
{
	struct bench *b = *state;
	AUTO(str_t) http = place(b, "http");
	struct route *r = add(b, "a.x.org", http);

	wait_for(b, r, REACH_UP);
	close(b->listener);
	b->listener = -1;
	assert_true(origin_probes_hurry(b->probes, r->id));
	wait_for(b, r, REACH_REFUSED);
}

static void forbidden_and_elsewhere(void **state)
{
	struct bench *b = *state;
	AUTO(str_t) http = place(b, "http");

	b->forbidden = true;
	struct route *r = add(b, "a.x.org", http);
	run_for(b, 200);
	assert_int_equal(taken(b), 0);
	assert_false(origin_probes_hurry(b->probes, r->id));
	b->forbidden = false;
	b->tunnel->replicas = 0;
	world_changed(b->world, OBJECT_TUNNEL, b->tunnel->id);
	run_for(b, 200);
	assert_int_equal(taken(b), 0);
	b->tunnel->replicas = 1;
	world_changed(b->world, OBJECT_TUNNEL, b->tunnel->id);
	wait_for(b, r, REACH_UP);
	b->tunnel->replicas = 0;
	world_changed(b->world, OBJECT_TUNNEL, b->tunnel->id);
	wait_for(b, r, REACH_UNKNOWN);
}

static void no_place(void **state)
{
	struct bench *b = *state;
	static const char *const services[] = {"http_status:404", "hello_world", "unix:/run/x",
					       "bastion"};

	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		AUTO(str_t) name = str_format("n%zu.x.org", i);
		const struct route *r = add(b, name, services[i]);
		assert_false(origin_probes_hurry(b->probes, r->id));
	}
	assert_false(origin_probes_hurry(b->probes, "r0000000000"));
	run_for(b, 100);
}

static void dropped_while_asked(void **state)
{
	struct bench *b = *state;
	AUTO(str_t) http = place(b, "http");
	const struct route *r = add(b, "a.x.org", http);
	AUTO(str_t) id = str_dup(r->id);

	run_for(b, 15);
	(void)origin_probes_hurry(b->probes, id);
	assert_true(world_drop(b->world, OBJECT_ROUTE, id));
	run_for(b, 200);
	/* nothing is left to wait for */
	assert_false(loop_turn(b->loop));
}

/* One answer, and what was asked for. */
static void answer_once(struct bench *b, const char *words, char *asked, size_t size)
{
	int64_t end = clock_mono_ms() + 4000;
	ssize_t n = -1;
	int fd;

	while ((fd = accept(b->listener, NULL, NULL)) < 0 && clock_mono_ms() < end)
		run_for(b, 10);
	assert_true(fd >= 0);
	while ((n = recv(fd, asked, size - 1, MSG_DONTWAIT)) <= 0 && clock_mono_ms() < end)
		run_for(b, 10);
	assert_true(n > 0);
	asked[n] = '\0';
	assert_int_equal(send(fd, words, strlen(words), MSG_NOSIGNAL), (ssize_t)strlen(words));
	close(fd);
}

static void asked_by_http(void **state)
{
	struct bench *b = *state;
	AUTO(str_t) http = place(b, "http");
	char asked[1000];
	struct problem p;

	struct route *r = add(b, "a.x.org", http);
	r->probing = PROBE_HTTP;
	answer_once(b, "HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\n", asked, sizeof(asked));
	assert_ptr_equal(strstr(asked, "HEAD / HTTP/1.1\r\n"), asked);
	assert_non_null(strstr(asked, "Host: a.x.org\r\n"));
	wait_for(b, r, REACH_UP);
	assert_int_equal(r->reach.status, 503);
	/* another one that is asked for under another name is another place */
	struct route *two = add(b, "b.x.org", http);
	two->probing = PROBE_HTTP;
	str_set(&two->origin, "{\"httpHostHeader\":\"c.x.org\"}");
	answer_once(b, "HTTP/1.1 204 Yes\r\n\r\n", asked, sizeof(asked));
	assert_non_null(strstr(asked, "Host: c.x.org\r\n"));
	wait_for(b, two, REACH_UP);
	assert_int_equal(two->reach.status, 204);
	assert_int_equal(r->reach.status, 503);
	/* what is no HTTP is no answer */
	assert_true(origin_probes_hurry(b->probes, r->id));
	answer_once(b, "SSH-2.0-x\r\n", asked, sizeof(asked));
	wait_for(b, r, REACH_REFUSED);
	assert_int_equal(r->reach.status, 0);
	assert_true(route_reach_problem(r, &p));
	assert_non_null(strstr(p.err.message, "no HTTP answer"));
	/* not at all */
	r->probing = PROBE_NONE;
	world_changed(b->world, OBJECT_ROUTE, r->id);
	wait_for(b, r, REACH_UNKNOWN);
	assert_false(origin_probes_hurry(b->probes, r->id));
}

/* ---- events ---- */

static size_t events(struct store *s, const char *kind, char *newest, size_t size)
{
	struct event_filter f = {.kind = kind, .limit = 100};
	struct event *list = NULL;
	size_t n = 0;
	struct err e;

	assert_int_equal(store_list_events(s, &f, &list, &n, &e), 0);
	snprintf(newest, size, "%s", n ? list[0].message : "");
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(list[i].object_name, "a.x.org");
		event_free(&list[i]);
	}
	free(list);
	return n;
}

/* Its place is there, or not; it is looked at now. */
static void turn(struct bench *b, const struct route *r, bool up)
{
	if (b->listener >= 0)
		close(b->listener);
	b->listener = up ? open_listener_at(&b->port) : -1;
	assert_true(origin_probes_hurry(b->probes, r->id));
	wait_for(b, r, up ? REACH_UP : REACH_REFUSED);
	run_for(b, 20);
}

static void changes_are_events(void **state)
{
	struct bench *b = *state;
	struct store *s = NULL;
	struct fake f;
	char words[256];
	AUTO(str_t) service = str_format("http://127.0.0.1:%d", b->port);
	const struct route *r = add(b, "a.x.org", service);

	fake_open(&f);
	assert_int_equal(store_open(&(struct store_options){.dirfd = f.dirfd,
							    .owner = "edge1",
							    .account_id = ""},
				    &s, &f.e),
			 0);
	origin_probes_attach(b->probes, s);
	wait_for(b, r, REACH_UP);
	run_for(b, 50);
	assert_int_equal(events(s, NULL, words, sizeof(words)), 0);
	turn(b, r, false);
	assert_int_equal(events(s, "origin_down", words, sizeof(words)), 1);
	assert_non_null(strstr(words, "nothing takes connections"));
	turn(b, r, false);
	assert_int_equal(events(s, NULL, words, sizeof(words)), 1);
	turn(b, r, true);
	assert_int_equal(events(s, "origin_up", words, sizeof(words)), 1);
	assert_non_null(strstr(words, "is up again"));
	/* It comes and goes all day. */
	for (int i = 0; i < 10; i++)
		turn(b, r, i % 2 == 1);
	turn(b, r, false);
	assert_int_equal(events(s, NULL, words, sizeof(words)), 6);
	assert_non_null(strstr(words, "no more is told for an hour"));
	assert_non_null(strstr(words, "is up again"));
	/* How it is in the end is told when the hour is over. */
	clock_freeze(clock_mono_ms() + 3600 * 1000, clock_wall_ms());
	assert_true(origin_probes_hurry(b->probes, r->id));
	for (int64_t asked = r->reach.asked_ms, i = 0; i < 500 && r->reach.asked_ms == asked; i++)
		(void)loop_turn(b->loop);
	clock_freeze(0, 0);
	assert_int_equal(events(s, NULL, words, sizeof(words)), 7);
	assert_non_null(strstr(words, "nothing takes connections"));
	origin_probes_attach(b->probes, NULL);
	turn(b, r, true);
	assert_int_equal(events(s, NULL, words, sizeof(words)), 7);
	store_close(s);
	fake_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(up_and_shared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refused_then_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(down_is_asked_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(forbidden_and_elsewhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_place, set_up, tear_down),
		cmocka_unit_test_setup_teardown(asked_by_http, set_up, tear_down),
		cmocka_unit_test_setup_teardown(dropped_while_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(changes_are_events, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
