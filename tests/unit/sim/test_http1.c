/* The little HTTP and the frames that edge and stub share: every split of the bytes, and nonsense.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "sim/stub/http1.h"
#include "sim/stub/wire.h"

static void frames_survive_every_split(void **state)
{
	static const char payload[] = "three\nlines\n";
	unsigned char head[WIRE_HEAD];
	AUTO(buf_t) all = {0};
	struct wire_frame f;

	(void)state;
	wire_head(head, WIRE_CONFIG, 0x01020304, sizeof(payload));
	buf_add(&all, head, sizeof(head));
	buf_add(&all, payload, sizeof(payload));
	for (size_t n = 0; n < all.len; n++)
		assert_int_equal(wire_read(all.data, n, &f), 0);
	assert_int_equal(wire_read(all.data, all.len, &f), 1);
	assert_int_equal(f.type, WIRE_CONFIG);
	assert_int_equal(f.id, 0x01020304);
	assert_int_equal(f.len, sizeof(payload));
	assert_int_equal(f.size, all.len);
	assert_memory_equal(f.payload, payload, sizeof(payload));
}

static void frames_of_a_wrong_length_are_refused(void **state)
{
	static const unsigned char lengths[][4] = {
		{0, 0, 0, 0}, {0, 0, 0, 4}, {0xff, 0xff, 0xff, 0xff}, {1, 0, 0, 0}};
	struct wire_frame f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		char data[WIRE_HEAD] = {0};

		memcpy(data, lengths[i], 4);
		assert_int_equal(wire_read(data, sizeof(data), &f), -1);
	}
}

static void headers_are_found_and_trimmed(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\nHost:  a.test \r\nX:\r\nno colon\r\n"
				   "CONTENT-length: 7\r\n\r\nbody: no";
	size_t len = http1_head_len(head, sizeof(head) - 1);
	char value[16];

	(void)state;
	assert_int_equal(len, sizeof(head) - 1 - strlen("body: no"));
	assert_true(http1_header(head, len, "host", value, sizeof(value)));
	assert_string_equal(value, "a.test");
	assert_true(http1_header(head, len, "x", value, sizeof(value)));
	assert_string_equal(value, "");
	assert_true(http1_header(head, len, "Content-Length", value, sizeof(value)));
	assert_string_equal(value, "7");
	assert_false(http1_header(head, len, "body", value, sizeof(value)));
	assert_false(http1_header(head, len, "no colon", value, sizeof(value)));
	assert_false(http1_header(head, len, "host", value, 6));
}

/* Feed a body in pieces of the given size; the decoded text, or NULL when it was refused. */
static bool decode(const char *head, const char *text, size_t step, struct buf *out, bool *done)
{
	struct http1_body body;
	struct http1_piece piece;
	AUTO(buf_t) in = {0};
	size_t len = strlen(text);

	*done = false;
	if (http1_body_init(&body, head, strlen(head), HTTP1_UNTIL_CLOSE) < 0)
		return false;
	for (size_t at = 0; at < len; at += step) {
		buf_add(&in, text + at, len - at < step ? len - at : step);
		do {
			if (http1_body_next(&body, buf_text(&in), in.len, &piece) < 0)
				return false;
			buf_add(out, piece.data, piece.len);
			buf_consume(&in, piece.used);
			*done = *done || piece.done;
		} while (piece.used && !piece.done);
	}
	return true;
}

static void bodies_survive_every_split(void **state)
{
	static const struct {
		const char *head, *text, *decoded;
		bool fine, done;
	} table[] = {
		{"HTTP/1.1 200 OK\r\n\r\n", "abc", "abc", true, false},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "hello", "hello", true, true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "short", "short", true, false},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "x", "", true, true},
		{"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "x", "", false, false},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n", "x", "", false, false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "x", "", false, false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
		 "3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", "abc0123456789",
		 true, true},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "3\r\nabcd\r\n", "abc",
		 false, false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "zz\r\n", "", false,
		 false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "ffffffffff\r\n", "",
		 false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		for (size_t step = 1; step <= strlen(table[i].text); step++) {
			AUTO(buf_t) out = {0};
			bool done;

			assert_int_equal(decode(table[i].head, table[i].text, step, &out, &done),
					 table[i].fine);
			if (!table[i].fine)
				continue;
			assert_string_equal(buf_text(&out), table[i].decoded);
			assert_int_equal(done, table[i].done);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_survive_every_split),
		cmocka_unit_test(frames_of_a_wrong_length_are_refused),
		cmocka_unit_test(headers_are_found_and_trimmed),
		cmocka_unit_test(bodies_survive_every_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
