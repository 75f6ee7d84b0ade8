/* The HTTP client against a peer that misbehaves: every way an exchange can end is told once, with
 * the right kind, and with an exact answer to "may it have been sent?". */
#include "tests/unit/loop/http_bench.h"

/* ---- answers ---- */

static void test_get(void **state)
{
	struct bench *b = *state;
	const struct http_req *r = exchange(b, NULL, "/ok?x=1");

	assert_int_equal(r->task.err.kind, ERR_NONE);
	assert_int_equal(r->status, 200);
	assert_string_equal(buf_text(&r->answer), "hello");
	assert_string_equal(http_answer_header(r, "x-odd-case"), "Some Value");
	assert_null(http_answer_header(r, "absent"));
	assert_true(r->sent);
	assert_memory_equal(b->peer.last.data, "GET /ok?x=1 HTTP/1.1\r\n", 22);
	assert_null(strcasestr(b->peer.last.data, "content-type"));
	assert_null(strcasestr(b->peer.last.data, "authorization"));
}

static void test_statuses_are_success(void **state)
{
	static const struct {
		const char *method, *path;
		int status;
		const char *body;
	} table[] = {
		{"GET", "/404", 404, "gone"},   {"DELETE", "/204", 204, ""},
		{"HEAD", "/head", 200, ""},     {"GET", "/chunked", 200, "abcdefg"},
		{"GET", "/redirect", 302, ""},  {"GET", "/interim", 200, "ok"},
		{"PATCH", "/ok", 200, "hello"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct http_req *r = exchange(b, table[i].method, table[i].path);

		assert_int_equal(r->task.err.kind, ERR_NONE);
		assert_int_equal(r->status, table[i].status);
		assert_string_equal(buf_text(&r->answer), table[i].body);
		assert_null(http_answer_header(r, "x-early"));
		assert_null(http_answer_header(r, "x-trailer"));
	}
	/* The redirect was not followed and one kept connection served all. */
	assert_int_equal(b->peer.requests, ARRAY_LEN(table));
	assert_int_equal(b->peer.accepted, 1);
}

/* A connection and not a byte; never to where machines ask about themselves. */
static void test_connect_only(void **state)
{
	struct bench *b = *state;

	b->req.connect_only = true;
	assert_int_equal(exchange(b, "GET", "/")->task.err.kind, ERR_NONE);
	assert_int_equal(b->req.status, 0);
	assert_int_equal(b->req.answer.len, 0);
	static const char *const refused[] = {"http://169.254.169.254/", "http://[fe80::1]:80/",
					      "http://[::ffff:169.254.1.1]/",
					      "http://127.0.0.1:1/"};
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		b->done = 0;
		b->req.url = refused[i];
		b->req.connect_only = true;
		http_start(b->pool, &b->req, req_done, b);
		turn_until(b, 1, 3000);
		assert_int_equal(b->done, 1);
		assert_int_equal(b->req.task.err.kind, ERR_UPSTREAM);
	}
	b->done = 0;
}

static void test_post(void **state)
{
	struct bench *b = *state;
	const char *const headers[] = {"Content-Type: application/json", "X-A: b", NULL};
	struct secret token = {0};
	char body[] = "{\"a\":1}";

	secret_set(&token, "s3cr3t", 6);
	b->req.method = "POST";
	b->req.url = url_of(b, "/ok");
	b->req.headers = headers;
	b->req.bearer = &token;
	b->req.body = body;
	b->req.body_len = strlen(body);
	http_start(b->pool, &b->req, req_done, b);
	memset(body, '?', sizeof(body)); /* url and body are copies */
	memset(b->url, '?', sizeof(b->url));
	turn_until(b, 1, 5000);
	assert_int_equal(b->req.status, 200);
	assert_non_null(strstr(b->peer.last.data, "\r\nAuthorization: Bearer s3cr3t\r\n"));
	assert_non_null(strstr(b->peer.last.data, "\r\nX-A: b\r\n"));
	assert_non_null(strstr(b->peer.last.data, "\r\nContent-Length: 7\r\n"));
	assert_non_null(strstr(b->peer.last.data, "\r\n\r\n{\"a\":1}"));
	assert_null(strcasestr(b->peer.last.data, "transfer-encoding"));
	assert_null(strcasestr(b->peer.last.data, "expect"));
	secret_free(&token);
}

static void test_post_without_body(void **state)
{
	struct bench *b = *state;

	assert_int_equal(exchange(b, "POST", "/ok")->status, 200);
	assert_non_null(strstr(b->peer.last.data, "\r\nContent-Length: 0\r\n"));
}

static void test_header_limits(void **state)
{
	struct bench *b = *state;
	const struct http_req *r = exchange(b, "GET", "/headers");

	assert_int_equal(r->status, 200);
	assert_int_equal(r->n_answer_headers, HTTP_MAX_HEADERS);
	r = exchange(b, "GET", "/hugeheader");
	assert_int_equal(r->task.err.kind, ERR_UPSTREAM);
	assert_non_null(strstr(r->task.err.message, "header"));
	assert_int_equal(r->n_answer_headers, 0);
}

/* ---- failures ---- */

static void test_failures(void **state)
{
	static const struct {
		const char *method, *path, *word;
		enum err_kind kind;
		int64_t timeout_ms;
		size_t max_body;
	} table[] = {
		{"GET", "/cut", "", ERR_UPSTREAM, 0, 0},
		{"GET", "/cutchunk", "", ERR_UPSTREAM, 0, 0},
		{"POST", "/lost", "", ERR_UPSTREAM, 0, 0},
		{"GET", "/garbage", "", ERR_UPSTREAM, 0, 0},
		{"GET", "/big", "larger than 5000 bytes", ERR_UPSTREAM, 0, 5000},
		{"GET", "/bigraw", "larger than 5000 bytes", ERR_UPSTREAM, 0, 5000},
		{"POST", "/never", "no complete answer within", ERR_TIMEOUT, 150, 0},
		{"GET", "/half", "no complete answer within", ERR_TIMEOUT, 150, 0},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		b->req.timeout_ms = table[i].timeout_ms;
		b->req.max_body = table[i].max_body;
		const struct http_req *r = exchange(b, table[i].method, table[i].path);

		assert_int_equal(r->task.err.kind, table[i].kind);
		assert_non_null(strstr(r->task.err.message, "127.0.0.1:"));
		assert_non_null(strstr(r->task.err.message, table[i].word));
		assert_int_equal(r->status, 0);
		assert_int_equal(r->answer.len, 0);
		assert_true(r->sent);
	}
}

static void test_refused_is_not_sent(void **state)
{
	struct bench *b = *state;
	struct raw_peer gone;

	peer_open(&gone, b->loop, NULL);
	peer_shut(&gone);
	snprintf(b->url, sizeof(b->url), "http://127.0.0.1:%d/", gone.port);
	b->req.method = "POST";
	b->req.url = b->url;
	http_start(b->pool, &b->req, req_done, b);
	turn_until(b, 1, 5000);
	assert_int_equal(b->req.task.err.kind, ERR_UPSTREAM);
	assert_false(b->req.sent);
}

static void test_refused_at_once(void **state)
{
	static const struct {
		const char *method, *url, *header;
	} table[] = {
		{"GET", "ftp://127.0.0.1/x", NULL},
		{"GET", "file:///etc/passwd", NULL},
		{"GET", "http://user:pw@127.0.0.1/", NULL},
		{"GET", "http://", NULL},
		{"GET", "", NULL},
		{"GET", "http://127.0.0.1:99999/", NULL},
		{"GET /x", "http://127.0.0.1/", NULL},
		{"GET", "http://127.0.0.1/", "X: a\r\nInjected: b"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *const headers[] = {table[i].header, NULL};

		b->req.method = table[i].method;
		b->req.url = table[i].url;
		b->req.headers = headers;
		http_start(b->pool, &b->req, req_done, b);
		assert_int_equal(b->done, (int)i); /* never from inside start */
		turn_until(b, (int)i + 1, 3000);
		assert_int_equal(b->req.task.err.kind, ERR_INVALID);
		assert_null(strstr(b->req.task.err.message, "pw"));
		assert_false(b->req.sent);
	}
	b->req.headers = NULL;
}

static void test_bad_token(void **state)
{
	struct bench *b = *state;
	struct secret token = {0};

	secret_set(&token, "abc\ndef", 7);
	b->req.bearer = &token;
	const struct http_req *r = exchange(b, "GET", "/ok");
	assert_int_equal(r->task.err.kind, ERR_INVALID);
	assert_null(strstr(r->task.err.message, "abc"));
	assert_int_equal(b->peer.requests, 0);
	b->req.bearer = NULL;
	secret_free(&token);
}

/* Curl repeats a request when a kept connection dies: a read may, a write must not. */
static void test_only_reads_are_repeated(void **state)
{
	struct bench *b = *state;

	assert_int_equal(exchange(b, "GET", "/once")->status, 200);
	assert_int_equal(exchange(b, "GET", "/once")->status, 200);
	assert_int_equal(b->peer.accepted, 2);
	assert_int_equal(b->peer.requests, 3);

	const struct http_req *r = exchange(b, "POST", "/once");
	assert_int_equal(r->task.err.kind, ERR_UPSTREAM);
	assert_non_null(strstr(r->task.err.message, "lost before an answer"));
	assert_true(r->sent);
	assert_int_equal(b->peer.requests, 4);
}

/* The environment has no say. */
static void test_environment_ignored(void **state)
{
	struct bench *b = *state;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	assert_int_equal(exchange(b, "GET", "/ok")->status, 200);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	assert_null(getenv("SSLKEYLOGFILE"));
}

/* ---- turns ---- */

/* The best-known mistake of this glue is a timer in whole seconds that turns into a busy loop. */
static void test_slow_answer_sleeps(void **state)
{
	struct bench *b = *state;
	const struct http_req *r = exchange(b, "GET", "/slow");

	assert_int_equal(r->status, 200);
	assert_string_equal(buf_text(&r->answer), "late");
	assert_in_range(r->took_ms, 290, 3000);
	assert_true(b->turns < 60);
}

static void other_done(struct task *t, void *owner)
{
	struct bench *b = owner;

	assert_int_equal(t->err.kind, ERR_NONE);
	b->done++;
}

static void start_several(struct bench *b, struct http *pool, struct http_req *reqs, int n)
{
	for (int i = 0; i < n; i++) {
		reqs[i] = (struct http_req){.url = url_of(b, "/slow")};
		http_start(pool, &reqs[i], other_done, b);
	}
}

static void test_three_at_once(void **state)
{
	struct bench *b = *state;
	struct http_req reqs[3];

	start_several(b, b->pool, reqs, 3);
	turn_until(b, 3, 5000);
	assert_int_equal(b->done, 3);
	assert_int_equal(b->peer.most_waiting, 3);
	for (int i = 0; i < 3; i++)
		http_req_reset(&reqs[i]);
}

static void test_queue_beyond_limit(void **state)
{
	struct bench *b = *state;
	const struct http_options options = {.max_in_flight = 2};
	struct http *pool = http_new(b->loop, &options);
	struct http_req reqs[5];

	start_several(b, pool, reqs, 5);
	http_cancel(&reqs[4]); /* while it waits */
	http_cancel(&reqs[4]);
	turn_until(b, 4, 5000);
	assert_int_equal(b->done, 4);
	assert_int_equal(b->peer.most_waiting, 2);
	assert_int_equal(b->peer.requests, 4);
	for (int i = 0; i < 5; i++)
		http_req_reset(&reqs[i]);
	http_free(pool);
}

static void test_unix_socket(void **state)
{
	struct bench *b = *state;
	struct raw_peer local;
	char path[64];

	snprintf(path, sizeof(path), "/tmp/adit-test-http-%d.sock", (int)getpid());
	unlink(path);
	peer_open(&local, b->loop, path);
	b->req.url = "http://localhost/ok";
	b->req.unix_socket = path;
	http_start(b->pool, &b->req, req_done, b);
	turn_until(b, 1, 3000);
	assert_int_equal(b->req.status, 200);
	assert_int_equal(local.requests, 1);
	peer_shut(&local);

	http_start(b->pool, &b->req, req_done, b);
	turn_until(b, 2, 3000);
	assert_int_equal(b->req.task.err.kind, ERR_UPSTREAM);
	assert_non_null(strstr(b->req.task.err.message, path));
	assert_false(b->req.sent);
}

int main(void)
{
	/* To be ignored and removed by the first pool. */
	setenv("SSLKEYLOGFILE", "/nonexistent/keys", 1);
	const struct CMUnitTest tests[] = {
		TEST(test_get),
		TEST(test_statuses_are_success),
		TEST(test_connect_only),
		TEST(test_post),
		TEST(test_post_without_body),
		TEST(test_header_limits),
		TEST(test_failures),
		TEST(test_refused_is_not_sent),
		TEST(test_refused_at_once),
		TEST(test_bad_token),
		TEST(test_only_reads_are_repeated),
		TEST(test_environment_ignored),
		TEST(test_slow_answer_sleeps),
		TEST(test_three_at_once),
		TEST(test_queue_beyond_limit),
		TEST(test_unix_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
