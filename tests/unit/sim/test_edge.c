/* The edge with connectors that misbehave: what no stub says. Raw sockets on one loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "loop/server.h"
#include "sim/cloud.h"
#include "sim/edge.h"
#include "sim/stub/wire.h"

#define ACCOUNT   "00000000000000000000000000000001"
#define CONNECTOR "aaaaaaaa-0000-4000-8000-00000000000a"
#define SECRET    "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

struct world {
	struct loop *loop;
	struct cloud *cloud;
	struct edge *edge;
	struct timer tick; /* so that a turn of the loop ends */
	int ports[2];      /* connectors, visitors */
	char tunnel[64];
};

static void ticked(struct timer *t, void *owner)
{
	(void)owner;
	timer_start(t, 5);
}

static int listening(int *port)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);
	struct err e;
	int fd;

	assert_int_equal(server_socket_tcp("127.0.0.1:0", &fd, &e), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static void edit(struct world *w, const char *text)
{
	AUTO(json_doc_t) doc = NULL;
	struct cloud_response r = {0};
	struct err e = {0};
	const char *id;

	assert_int_equal(json_parse(text, strlen(text), NULL, &doc, &e), 0);
	if (cloud_edit(w->cloud, json_root(doc), clock_wall_ms(), &r, &e) < 0)
		fail_msg("%s", e.message);
	if (r.status != 200)
		fail_msg("%s", buf_text(&r.body));
	id = strstr(buf_text(&r.body), "\"id\":\"");
	if (!w->tunnel[0] && id)
		snprintf(w->tunnel, sizeof(w->tunnel), "%.36s", id + 6);
	cloud_response_free(&r);
}

static int set_up(void **state)
{
	static const char seed[] =
		"{\"accounts\":[{\"id\":\"" ACCOUNT "\",\"name\":\"A\"}],"
		"\"zones\":[{\"name\":\"example.com\",\"account\":\"" ACCOUNT "\"}]}";
	struct world *w = mem_alloc(sizeof(*w));
	AUTO(json_doc_t) doc = NULL;
	AUTO(str_t) record = NULL;
	struct err e = {0};
	int connectors, visitors;

	w->loop = loop_new();
	w->cloud = cloud_new();
	assert_int_equal(json_parse(seed, sizeof(seed) - 1, NULL, &doc, &e), 0);
	if (cloud_load(w->cloud, json_root(doc), &e) < 0)
		fail_msg("%s", e.message);
	edit(w,
	     "{\"method\":\"POST\",\"path\":\"/accounts/@account/cfd_tunnel\",\"body\":{\"name\":"
	     "\"web\",\"config_src\":\"cloudflare\",\"tunnel_secret\":\"" SECRET "\"}}");
	record = str_format("{\"method\":\"POST\",\"path\":\"/zones/@example.com/dns_records\","
			    "\"body\":{\"type\":\"CNAME\",\"name\":\"a.example.com\",\"content\":"
			    "\"%s.cfargotunnel.com\",\"proxied\":true,\"ttl\":1}}",
			    w->tunnel);
	edit(w, record);
	connectors = listening(&w->ports[0]);
	visitors = listening(&w->ports[1]);
	w->edge = edge_new(w->loop, w->cloud, connectors, visitors);
	timer_init(&w->tick, w->loop, ticked, NULL);
	timer_start(&w->tick, 5);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	timer_stop(&w->tick);
	edge_free(w->edge);
	cloud_free(w->cloud);
	loop_free(w->loop);
	free(w);
	return 0;
}

static int dial(const struct world *w, int which)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)w->ports[which])};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void say(int fd, enum wire_type type, uint32_t id, const char *text)
{
	unsigned char head[WIRE_HEAD];

	wire_head(head, type, id, strlen(text));
	assert_int_equal(write(fd, head, sizeof(head)), sizeof(head));
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Turn the loop until the peer has at least so many bytes; false = closed, or waited in vain. */
static bool hear(struct world *w, int fd, struct buf *in, size_t least)
{
	char piece[4096];

	for (int i = 0; i < 400 && in->len < least; i++) {
		ssize_t n;

		loop_turn(w->loop);
		n = read(fd, piece, sizeof(piece));
		if (n == 0)
			return false;
		if (n > 0)
			buf_add(in, piece, (size_t)n);
	}
	return in->len >= least;
}

static bool hear_close(struct world *w, int fd)
{
	AUTO(buf_t) in = {0};

	return !hear(w, fd, &in, SIZE_MAX - 1) && in.len < 4096;
}

/* The next frame's type and text; 0 = closed or nothing came. */
static int next_frame(struct world *w, int fd, struct buf *in, struct buf *text, uint32_t *id)
{
	struct wire_frame f;

	while (wire_read(buf_text(in), in->len, &f) <= 0)
		if (!hear(w, fd, in, in->len + 1))
			return 0;
	buf_reset(text);
	buf_add(text, f.payload, f.len);
	*id = f.id;
	buf_consume(in, f.size);
	return f.type;
}

static int registered(struct world *w, struct buf *in)
{
	AUTO(str_t)
	hello = str_format(ACCOUNT "\n%s\n" SECRET "\n" CONNECTOR "\n0\n2026.8.2\n", w->tunnel);
	AUTO(buf_t) text = {0};
	int fd = dial(w, 0);
	uint32_t id;

	say(fd, WIRE_HELLO, 0, hello);
	assert_int_equal(next_frame(w, fd, in, &text, &id), WIRE_OK);
	return fd;
}

static int64_t counter(const struct world *w, const char *name)
{
	AUTO(buf_t) text = {0};
	AUTO(json_doc_t) doc = NULL;
	struct err e;

	edge_status(w->edge, &text);
	assert_int_equal(json_parse(text.data, text.len, NULL, &doc, &e), 0);
	return json_get_int(json_root(doc), name, -1);
}

static void nonsense_ends_the_connection(void **state)
{
	static const struct {
		int type;
		const char *text;
	} table[] = {{WIRE_RUNNING, "1"},       {WIRE_HELLO, ""},
		     {WIRE_HELLO, "a\nb\nc\n"}, {WIRE_HELLO, "\n\n\n\n\n\n"},
		     {WIRE_CONFIG, "1\n0\n{}"}, {99, "x"}};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int fd = dial(w, 0);

		say(fd, (enum wire_type)table[i].type, 0, table[i].text);
		assert_true(hear_close(w, fd));
		close(fd);
	}
	assert_int_equal(counter(w, "connections"), 0);
}

static void a_frame_without_end_is_refused(void **state)
{
	struct world *w = *state;
	int fd = dial(w, 0);

	assert_int_equal(write(fd, "\xff\xff\xff\xff\x01\0\0\0\0", 9), 9);
	assert_true(hear_close(w, fd));
	close(fd);
}

static void wrong_secret_is_refused_in_words(void **state)
{
	struct world *w = *state;
	AUTO(buf_t) in = {0};
	AUTO(buf_t) text = {0};
	AUTO(str_t) hello = str_format(ACCOUNT "\n%s\nd3Jvbmc=\n" CONNECTOR "\n0\n1\n", w->tunnel);
	uint32_t id;
	int fd = dial(w, 0);

	say(fd, WIRE_HELLO, 0, hello);
	assert_int_equal(next_frame(w, fd, &in, &text, &id), WIRE_REFUSED);
	assert_string_equal(buf_text(&text), "permanent\nUnauthorized: Invalid tunnel secret");
	assert_true(hear_close(w, fd));
	assert_int_equal(counter(w, "refused"), 1);
	close(fd);
}

static void the_same_index_again_replaces_the_old_connection(void **state)
{
	struct world *w = *state;
	AUTO(buf_t) one = {0};
	AUTO(buf_t) two = {0};
	AUTO(buf_t) cloud = {0};
	int old = registered(w, &one), new = registered(w, &two);

	assert_true(hear_close(w, old));
	assert_int_equal(counter(w, "connections"), 1);
	/* The API still shows the connection: the old one's end has not taken it away. */
	cloud_state(w->cloud, &cloud);
	assert_non_null(strstr(buf_text(&cloud), CONNECTOR));
	close(old);
	close(new);
}

/* A visitor's request that a connector has got; the visitor's descriptor. */
static int visit(struct world *w, int link, struct buf *in, uint32_t *id)
{
	static const char request[] = "GET /p HTTP/1.1\r\nHost: a.example.com\r\nCf-Evil: 1\r\n"
				      "Connection: close\r\n\r\n";
	AUTO(buf_t) text = {0};
	int fd = dial(w, 1);

	assert_int_equal(write(fd, request, sizeof(request) - 1), sizeof(request) - 1);
	assert_int_equal(next_frame(w, link, in, &text, id), WIRE_REQUEST);
	assert_true(str_starts(buf_text(&text), "GET /p HTTP/1.1\r\nHost: a.example.com\r\n"));
	assert_null(strstr(buf_text(&text), "Evil"));
	assert_null(strstr(buf_text(&text), "Connection:"));
	assert_non_null(strstr(buf_text(&text), "Cf-Ray: "));
	assert_int_equal(next_frame(w, link, in, &text, id), WIRE_REQUEST_END);
	return fd;
}

static void answers_that_make_no_sense_are_502(void **state)
{
	static const struct {
		enum wire_type type;
		const char *text;
	} table[] = {{WIRE_RESPONSE, "nonsense"},
		     {WIRE_RESPONSE, "HTTP/1.1 100 Continue\r\n\r\n"},
		     {WIRE_RESPONSE, "HTTP/1.1 200 OK\r\n\r\nand more"},
		     {WIRE_RESPONSE_END, ""},
		     {WIRE_CANCEL, ""}};
	struct world *w = *state;
	AUTO(buf_t) in = {0};
	int link = registered(w, &in);

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		AUTO(buf_t) answer = {0};
		AUTO(buf_t) text = {0};
		uint32_t id;
		int visitor = visit(w, link, &in, &id);

		say(link, table[i].type, id, table[i].text);
		assert_true(hear(w, visitor, &answer, 20));
		assert_true(str_starts(buf_text(&answer), "HTTP/1.1 502 "));
		assert_int_equal(next_frame(w, link, &in, &text, &id), WIRE_CANCEL);
		close(visitor);
	}
	assert_int_equal(counter(w, "open_requests"), 0);
	assert_int_equal(counter(w, "failures"), (int)ARRAY_LEN(table));
	close(link);
}

static void an_answer_cut_in_its_middle_cuts_the_visitor(void **state)
{
	struct world *w = *state;
	AUTO(buf_t) in = {0};
	AUTO(buf_t) answer = {0};
	uint32_t id;
	int link = registered(w, &in), visitor = visit(w, link, &in, &id);

	say(link, WIRE_RESPONSE, id, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
	say(link, WIRE_RESPONSE_PART, id, "half");
	assert_true(hear(w, visitor, &answer, 30));
	close(link);
	assert_false(hear(w, visitor, &answer, 4096));
	assert_true(str_ends(buf_text(&answer), "half"));
	close(visitor);
}

static void a_visitor_that_leaves_cancels(void **state)
{
	struct world *w = *state;
	AUTO(buf_t) in = {0};
	AUTO(buf_t) text = {0};
	uint32_t id, cancelled;
	int link = registered(w, &in), visitor = visit(w, link, &in, &id);

	close(visitor);
	assert_int_equal(next_frame(w, link, &in, &text, &cancelled), WIRE_CANCEL);
	assert_int_equal(cancelled, id);
	/* What was on its way concerns nobody. */
	say(link, WIRE_RESPONSE, id, "HTTP/1.1 200 OK\r\n\r\n");
	say(link, WIRE_PING, 0, "");
	assert_int_equal(next_frame(w, link, &in, &text, &id), WIRE_PONG);
	close(link);
}

static void a_draining_connection_ends_with_its_last_request(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n";
	struct world *w = *state;
	AUTO(buf_t) in = {0};
	AUTO(buf_t) answer = {0};
	uint32_t id;
	int link = registered(w, &in), visitor = visit(w, link, &in, &id), next;

	say(link, WIRE_UNREGISTER, 0, "");
	for (int i = 0; i < 5; i++)
		loop_turn(w->loop);
	next = dial(w, 1);
	assert_int_equal(write(next, request, strlen(request)), strlen(request));
	assert_true(hear(w, next, &answer, 20));
	assert_true(str_starts(buf_text(&answer), "HTTP/1.1 530 "));
	buf_reset(&answer);
	say(link, WIRE_RESPONSE, id, "HTTP/1.1 204 No Content\r\n\r\n");
	say(link, WIRE_RESPONSE_END, id, "");
	assert_true(hear(w, visitor, &answer, 20));
	assert_true(str_starts(buf_text(&answer), "HTTP/1.1 204 "));
	assert_true(hear_close(w, link));
	close(next);
	close(visitor);
	close(link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nonsense_ends_the_connection, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_frame_without_end_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_secret_is_refused_in_words, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_same_index_again_replaces_the_old_connection,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(answers_that_make_no_sense_are_502, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_answer_cut_in_its_middle_cuts_the_visitor,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_visitor_that_leaves_cancels, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_draining_connection_ends_with_its_last_request,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
