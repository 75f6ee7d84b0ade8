/* The watcher's end of the stream: events out of any pieces of bytes, and one line per change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/board.h"
#include "cli/sse.h"

static void note(const struct sse_event *ev, void *owner)
{
	(void)buf_printf(owner, "[%s|%s|%.*s]", ev->id, ev->type, (int)ev->len, ev->data);
}

static void events_come_whole_out_of_any_pieces(void **state)
{
	static const char text[] = ": beat\n\nid: a:1\nevent: changed\ndata: {\"x\":1}\n\n"
				   "event: two\r\ndata: one\ndata:two\r\n\r\nignored\nretry: 5\n\n"
				   "data: three\n\ndata: never ended";
	static const char want[] = "[a:1|changed|{\"x\":1}][a:1|two|one\ntwo][a:1||three]";
	(void)state;
	for (size_t step = 1; step < sizeof(text); step++) {
		AUTO(buf_t) seen = {0};
		struct sse s;
		sse_init(&s, note, &seen);
		for (size_t at = 0; at < strlen(text); at += step) {
			size_t left = strlen(text) - at;
			sse_add(&s, text + at, left < step ? left : step);
		}
		assert_string_equal(buf_text(&seen), want);
		sse_free(&s);
	}
}

static void a_new_stream_forgets_the_torn_end_of_the_old_one(void **state)
{
	AUTO(buf_t) seen = {0};
	struct sse s;
	(void)state;
	sse_init(&s, note, &seen);
	sse_add(&s, "id: a:7\ndata: torn", 18);
	sse_restart(&s);
	sse_add(&s, "data: whole\n\n", 13);
	assert_string_equal(buf_text(&seen), "[a:7||whole]");
	sse_free(&s);
}

/* ---- lines ---- */

static char *take(struct board *b, const char *event)
{
	struct style s = {.now_ms = 1767225600000};
	struct json_doc *doc = NULL;
	struct buf out = {0};
	struct err e;
	if (json_parse(event, strlen(event), NULL, &doc, &e) < 0)
		fail_msg("%s", e.message);
	board_take(b, json_root(doc), &s, &out);
	json_doc_free(doc);
	return buf_steal(&out);
}

static void tells(struct board *b, const char *event, const char *want)
{
	AUTO(str_t) got = take(b, event);
	assert_string_equal(got, want);
}

#define AT "2026-01-01 00:00:00Z  "
#define CHANGED(object, id, data)                                                                  \
	"{\"type\":\"changed\",\"object\":\"" object "\",\"id\":\"" id "\",\"data\":{" data "}}"
#define WEB(state) CHANGED("tunnel", "t1", "\"name\":\"web\",\"state\":\"" state "\"")

static void a_line_per_change(void **state)
{
	struct board b = {.state = ""};
	(void)state;
	tells(&b,
	      "{\"type\":\"snapshot\",\"status\":{\"state\":\"ok\",\"problems\":[]},\"objects\":[{"
	      "\"object\":\"tunnel\",\"id\":\"t1\",\"data\":{\"name\":\"web\",\"state\":\"healthy\""
	      "}},{\"object\":\"zone\",\"id\":\"z\",\"data\":{\"name\":\"a.b\",\"status\":"
	      "\"active\"}}]}",
	      AT "status of the whole  ok\n");
	tells(&b, WEB("healthy"), "");
	tells(&b, WEB("down"), AT "tunnel web  down\n");
	tells(&b, WEB("down"), "");
	tells(&b,
	      CHANGED("connector", "t1-1",
		      "\"name\":\"web/1\",\"state\":\"unready\",\"reason\":\"no "
		      "edge\\u001b[31m\""),
	      AT "connector web/1  unready: no edge?[31m\n");
	tells(&b, CHANGED("record", "d1", "\"name\":\"a.b\",\"type\":\"TXT\",\"converged\":false"),
	      AT "record a.b TXT  not yet as wanted\n");
	tells(&b,
	      CHANGED("route", "r1",
		      "\"hostname\":\"a.b\",\"path\":\"^/x\",\"state\":\"problem\",\"problem\":{"
		      "\"message\":\"No.\"}"),
	      AT "route a.b ^/x  problem: No.\n");
	tells(&b, "{\"type\":\"changed\",\"object\":\"plan\",\"id\":\"p7\"}",
	      AT "plan p7  changed\n");
	tells(&b, "{\"type\":\"changed\",\"object\":\"plan\",\"id\":\"p7\"}",
	      AT "plan p7  changed\n");
	tells(&b, "{\"type\":\"status\",\"status\":{\"state\":\"down\",\"problems\":[{}]}}",
	      AT "status of the whole  down: 1 problem\n");
	tells(&b, "{\"type\":\"removed\",\"object\":\"route\",\"id\":\"r1\"}",
	      AT "route a.b ^/x  removed\n");
	tells(&b, "{\"type\":\"removed\",\"object\":\"route\",\"id\":\"r1\"}", "");
	tells(&b,
	      "{\"type\":\"snapshot\",\"status\":{\"state\":\"down\",\"problems\":[]},\"objects\":"
	      "[{\"object\":\"tunnel\",\"id\":\"t1\",\"data\":{\"name\":\"web\",\"state\":"
	      "\"healthy\"}},{\"object\":\"record\",\"id\":\"d1\",\"data\":{\"name\":\"a.b\","
	      "\"type\":\"TXT\",\"converged\":true}}]}",
	      AT "tunnel web  healthy\n" AT "record a.b TXT  as wanted\n" AT
		 "zone a.b  removed\n" AT "connector web/1  removed\n");
	board_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_come_whole_out_of_any_pieces),
		cmocka_unit_test(a_new_stream_forgets_the_torn_end_of_the_old_one),
		cmocka_unit_test(a_line_per_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
