/* MCP behind the real server: over HTTP, with sessions, streams and peers that leave, and over
 * lines. The client is a raw socket on the same loop. */
#include "tests/unit/ops/write_desk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "mcp/mcp.h"

struct wire {
	struct desk *desk;
	struct mcp *mcp;
	struct server *server;
	int port, fd;
	struct buf in;
};

static const struct principal caller = {
	.role = ROLE_OPERATOR, .door = OP_DOOR_MCP, .uid = 5, .name = "games (uid 5)"};

/* ---- the door ---- */

static void on_line(struct server_lines *l, const char *text, size_t len, void *owner)
{
	mcp_line(((struct wire *)owner)->mcp, l, text, len);
}

static void on_long(struct server_lines *l, void *owner)
{
	mcp_lines_too_long(((struct wire *)owner)->mcp, l);
}

static void on_ended(struct server_lines *l, void *owner)
{
	mcp_lines_ended(((struct wire *)owner)->mcp, l);
}

static void on_lines_gone(struct server_lines *l, void *owner)
{
	mcp_lines_gone(((struct wire *)owner)->mcp, l);
}

static void on_request(struct server_req *r, void *owner)
{
	struct wire *w = owner;
	const struct server_lines_handler h = {.line = on_line,
					       .too_long = on_long,
					       .input_ended = on_ended,
					       .gone = on_lines_gone,
					       .owner = w};
	if (server_req_header(r, "upgrade"))
		mcp_lines(w->mcp, server_upgrade_lines(r, "adit-mcp-lines", 1000, &h), &caller);
	else
		mcp_request(w->mcp, r, &caller);
}

static void on_gone(struct server_req *r, void *owner)
{
	if (!server_req_header(r, "upgrade"))
		mcp_gone(((struct wire *)owner)->mcp, r);
}

static int wire_open(void **state)
{
	struct wire *w = mem_alloc(sizeof(*w));
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	void *desk = NULL;
	struct err e;
	int fd = -1;
	assert_int_equal(desk_open(&desk), 0);
	w->desk = desk;
	w->fd = -1;
	w->mcp = mcp_new(w->desk->loop, &w->desk->ops);
	const struct server_handler h = {.request = on_request, .gone = on_gone, .owner = w};
	w->server = server_new(w->desk->loop, NULL, &h);
	assert_int_equal(server_socket_tcp("127.0.0.1:0", &fd, &e), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	w->port = ntohs(a.sin_port);
	assert_int_equal(server_listen(w->server, fd, 1, &e), 0);
	*state = w;
	return 0;
}

static void hang_up(struct wire *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
	buf_free(&w->in);
}

static int wire_close(void **state)
{
	struct wire *w = *state;
	void *desk = w->desk;
	hang_up(w);
	server_free(w->server);
	mcp_free(w->mcp);
	free(w);
	return desk_close(&desk);
}

/* ---- the client ---- */

static void turn(struct wire *w, int n)
{
	for (int i = 0; i < n; i++)
		loop_turn(w->desk->loop);
}

static void send_text(struct wire *w, const char *text)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)w->port)};
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (w->fd < 0) {
		w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(w->fd, (struct sockaddr *)&a, sizeof(a)), 0);
		(void)fcntl(w->fd, F_SETFL, O_NONBLOCK);
	}
	assert_int_equal(send(w->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* false: the server has closed. */
static bool read_some(struct wire *w)
{
	char room[65536];
	loop_turn(w->desk->loop);
	ssize_t n = recv(w->fd, room, sizeof(room), 0);
	if (n > 0)
		(void)buf_add(&w->in, room, (size_t)n);
	return n != 0 && (n > 0 || errno == EAGAIN);
}

static void expect(struct wire *w, const char *what)
{
	int64_t end = clock_mono_ms() + 15000;
	while (!strstr(buf_text(&w->in), what) && clock_mono_ms() < end && read_some(w))
		;
	if (!strstr(buf_text(&w->in), what))
		fail_msg("no %s in: %s", what, buf_text(&w->in));
}

static void post(struct wire *w, const char *headers, const char *body)
{
	AUTO(str_t)
	text = str_format("POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
			  "application/json\r\n%sContent-Length: %zu\r\n\r\n%s",
			  headers, strlen(body), body);
	buf_reset(&w->in);
	send_text(w, text);
}

/* The value of a header of the answer. */
static char *answered_header(const struct wire *w, const char *name)
{
	const char *at = strstr(buf_text(&w->in), name);
	assert_non_null(at);
	at += strlen(name) + 2;
	return str_ndup(at, strcspn(at, "\r"));
}

#define META                                                                                       \
	"\"_meta\":{\"progressToken\":5,"                                                          \
	"\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                              \
	"\"io.modelcontextprotocol/clientCapabilities\":{}}"
#define VERSION "MCP-Protocol-Version: 2026-07-28\r\n"
#define PING    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}"
#define PUBLISHING(timeout)                                                                        \
	"\"name\":\"route_set\",\"arguments\":{\"hostname\":\"app.example.com\","                  \
	"\"service\":\"http://127.0.0.1:80\",\"timeout\":\"" timeout "\"}}}"
#define MODERN(timeout)                                                                            \
	"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\",\"params\":{" META                \
	"," PUBLISHING(timeout)
#define MODERN_CALL MODERN("3s")
#define LONG_CALL   MODERN("60s")
#define LEGACY_CALL                                                                                \
	"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"tools/call\",\"params\":{" PUBLISHING("3s")

static void test_modern(void **state)
{
	struct wire *w = *state;
	static const char ask[] =
		"{\"jsonrpc\":\"2.0\",\"id\":\"d\",\"method\":\"server/discover\",\"params\":{" META
		"}}";
	post(w, VERSION "mcp-method: server/discover\r\n", ask);
	expect(w, "supportedVersions");
	assert_non_null(strstr(buf_text(&w->in), "HTTP/1.1 200"));
	assert_non_null(strstr(buf_text(&w->in), "application/json"));
	assert_null(strstr(buf_text(&w->in), "Mcp-Session-Id"));
	post(w, VERSION, ask);
	expect(w, "-32020");
	assert_non_null(strstr(buf_text(&w->in), "HTTP/1.1 400"));
	assert_non_null(strstr(buf_text(&w->in), "\"id\":\"d\""));
	post(w, VERSION "Mcp-Method: ping\r\n",
	     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{" META "}}");
	expect(w, "-32601");
	assert_non_null(strstr(buf_text(&w->in), "HTTP/1.1 404"));
}

static void test_other_methods(void **state)
{
	static const char *const methods[] = {"GET", "DELETE"};
	struct wire *w = *state;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		AUTO(str_t)
		text = str_format("%s /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", methods[i]);
		buf_reset(&w->in);
		send_text(w, text);
		expect(w, "-32600");
		assert_non_null(strstr(buf_text(&w->in), "HTTP/1.1 405"));
		assert_non_null(strstr(buf_text(&w->in), "Allow: POST"));
	}
}

static void test_sessions(void **state)
{
	struct wire *w = *state;
	post(w, "",
	     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
	     "\"protocolVersion\":\"2025-06-18\",\"capabilities\":{}}}");
	expect(w, "instructions");
	AUTO(str_t) id = answered_header(w, "Mcp-Session-Id");
	AUTO(str_t) session = str_format("Mcp-Session-Id: %s\r\n", id);
	post(w, session, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
	expect(w, "\r\n\r\n");
	assert_non_null(strstr(buf_text(&w->in), "HTTP/1.1 202"));
	post(w, session, PING);
	expect(w, "\"result\":{}");
	/* The session knows its version: batches are of an older one. */
	post(w, session, "[" PING "]");
	expect(w, "HTTP/1.1 400");
	post(w, "Mcp-Session-Id: 0-0-99999999999999-made-up\r\n", PING);
	expect(w, "-32600");
	assert_non_null(strstr(buf_text(&w->in), "HTTP/1.1 404"));
	/* None is needed. */
	post(w, "", "[" PING "]");
	expect(w, "[{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}]");
}

static void test_a_call_that_lasts_streams(void **state)
{
	struct wire *w = *state;
	post(w, VERSION "Mcp-Method: tools/call\r\nMcp-Name: route_set\r\n", MODERN_CALL);
	expect(w, "\"id\":9");
	const char *text = buf_text(&w->in);
	assert_non_null(strstr(text, "text/event-stream"));
	assert_non_null(strstr(text, "X-Accel-Buffering: no"));
	const char *progress = strstr(text, "event: message\ndata: {\"jsonrpc\":\"2.0\","
					    "\"method\":\"notifications/progress\"");
	assert_non_null(progress);
	assert_true(progress < strstr(text, "\"id\":9"));
	expect(w, "0\r\n\r\n");
	assert_int_equal(w->desk->ops.running, 0);
}

/* Who does not take streams gets none. */
static void test_accept(void **state)
{
	struct wire *w = *state;
	post(w,
	     VERSION
	     "Accept: application/json\r\nMcp-Method: tools/call\r\nMcp-Name: route_set\r\n",
	     MODERN_CALL);
	expect(w, "\"id\":9");
	assert_null(strstr(buf_text(&w->in), "text/event-stream"));
	assert_null(strstr(buf_text(&w->in), "progress"));
}

static void wait_running(struct wire *w, int n)
{
	int64_t end = clock_mono_ms() + 8000;
	while (w->desk->ops.running != n && clock_mono_ms() < end)
		turn(w, 1);
	assert_int_equal(w->desk->ops.running, n);
}

static void test_leaving_cancels_in_the_modern_era(void **state)
{
	struct wire *w = *state;
	post(w, VERSION "Mcp-Method: tools/call\r\nMcp-Name: route_set\r\n", LONG_CALL);
	wait_running(w, 1);
	hang_up(w);
	wait_running(w, 0);
	assert_int_equal(w->desk->world->routes.n, 1);
}

static void test_leaving_cancels_nothing_in_the_legacy_era(void **state)
{
	struct wire *w = *state;
	post(w, "", LEGACY_CALL);
	wait_running(w, 1);
	hang_up(w);
	turn(w, 50);
	assert_int_equal(w->desk->ops.running, 1);
	wait_running(w, 0);
}

/* What runs for nobody ends with the daemon. */
static void test_stopping_while_it_runs_on(void **state)
{
	struct wire *w = *state;
	post(w, "", LEGACY_CALL);
	wait_running(w, 1);
	hang_up(w);
	turn(w, 50);
	assert_int_equal(w->desk->ops.running, 1);
}

/* ---- lines ---- */

static void upgrade(struct wire *w)
{
	send_text(w, "GET /mcp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
		     "Upgrade: adit-mcp-lines\r\n\r\n");
	expect(w, "101");
	expect(w, "\r\n\r\n");
	buf_reset(&w->in);
}

static void test_lines(void **state)
{
	struct wire *w = *state;
	upgrade(w);
	send_text(w, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{"
		     "\"protocolVersion\":\"2024-11-05\",\"capabilities\":{}}}\n");
	expect(w, "\"protocolVersion\":\"2024-11-05\"");
	send_text(w, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n" PING "\n");
	expect(w, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n");
	buf_reset(&w->in);
	send_text(w, "[" PING "," PING "]\nnonsense\n");
	expect(w, "-32700");
	expect(w, "[{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}},{\"jsonrpc\"");
	/* The same connection, message by message. */
	send_text(w,
		  "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"server/discover\",\"params\":{" META
		  "}}\n");
	expect(w, "supportedVersions");
}

static void test_a_long_line(void **state)
{
	struct wire *w = *state;
	AUTO(buf_t) line = {0};
	upgrade(w);
	while (line.len < 3000)
		(void)buf_str(&line, "xxxxxxxxxxxxxxxx");
	(void)buf_str(&line, "\n" PING "\n");
	send_text(w, buf_text(&line));
	expect(w, "not read");
	expect(w, "\"result\":{}");
}

/* All that was asked for is answered before the connection ends. */
static void test_the_end_of_input(void **state)
{
	struct wire *w = *state;
	upgrade(w);
	send_text(w, MODERN_CALL "\n" PING "\n");
	(void)shutdown(w->fd, SHUT_WR);
	expect(w, "\"id\":9,\"result\"");
	while (read_some(w))
		;
	assert_int_equal(w->desk->ops.running, 0);
}

static void test_lines_that_leave(void **state)
{
	struct wire *w = *state;
	upgrade(w);
	send_text(w, LONG_CALL "\n");
	wait_running(w, 1);
	hang_up(w);
	wait_running(w, 0);
}

static void test_lines_cancel(void **state)
{
	struct wire *w = *state;
	upgrade(w);
	send_text(w, LONG_CALL "\n");
	wait_running(w, 1);
	send_text(w, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
		     "\"requestId\":9,\"reason\":\"enough\"}}\n" PING "\n");
	expect(w, "\"id\":2,\"result\"");
	assert_int_equal(w->desk->ops.running, 0);
	turn(w, 50);
	assert_null(strstr(buf_text(&w->in), "\"id\":9"));
}

#define WIRE_TEST(name) cmocka_unit_test_setup_teardown(name, wire_open, wire_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WIRE_TEST(test_modern),
		WIRE_TEST(test_other_methods),
		WIRE_TEST(test_sessions),
		WIRE_TEST(test_a_call_that_lasts_streams),
		WIRE_TEST(test_accept),
		WIRE_TEST(test_leaving_cancels_in_the_modern_era),
		WIRE_TEST(test_leaving_cancels_nothing_in_the_legacy_era),
		WIRE_TEST(test_stopping_while_it_runs_on),
		WIRE_TEST(test_lines),
		WIRE_TEST(test_a_long_line),
		WIRE_TEST(test_the_end_of_input),
		WIRE_TEST(test_lines_that_leave),
		WIRE_TEST(test_lines_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
