/*
 * Any bytes as JSON. What the strict check accepts must parse, must print to text that is accepted
 * again and prints the same, and must be walked by spans without leaving its bounds.
 */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void walk(struct json_span s, int depth)
{
	struct json_cursor c;
	struct json_span key, value;
	free(json_span_string(s));
	if (depth > 64 || !json_cursor_init(&c, s))
		return;
	while (json_cursor_next(&c, &key, &value)) {
		free(json_span_string(key));
		walk(value, depth + 1);
	}
}

static size_t count_values(const struct json *v)
{
	size_t n = 1;
	JSON_EACH (item, v)
		n += count_values(item);
	return n;
}

static size_t count_spans(struct json_span s)
{
	struct json_cursor c;
	struct json_span key, value;
	size_t n = 1;
	if (!json_cursor_init(&c, s))
		return n;
	while (json_cursor_next(&c, &key, &value))
		n += count_spans(value);
	return n;
}

/* As a page of a listing: neither more nor less is accepted, and every row can be read. */
static void check_rows(const char *text, size_t size, bool accepted)
{
	static const char *const wanted[] = {"id", "name"};
	struct json_rows rows = {
		.key = "result", .wanted = wanted, .n_wanted = sizeof(wanted) / sizeof(*wanted)};
	AUTO(json_doc_t) doc = NULL;
	AUTO(json_doc_t) row = NULL;
	const struct json *members[sizeof(wanted) / sizeof(*wanted)];
	require((json_parse_rows(text, size, NULL, &rows, &doc, NULL) == 0) == accepted);
	for (size_t i = 0; accepted && i < rows.n; i++) {
		json_row_read(&rows, i, &row, members);
		for (size_t m = 0; m < rows.n_wanted; m++)
			(void)count_values(members[m]);
	}
	json_rows_free(&rows);
}

static void check_round(const struct json_doc *doc)
{
	AUTO(buf_t) once = {0};
	AUTO(buf_t) twice = {0};
	AUTO(json_doc_t) again = NULL;
	json_print(json_root(doc), &once);
	require(json_parse(buf_text(&once), once.len, NULL, &again, NULL) == 0);
	json_print(json_root(again), &twice);
	require(strcmp(buf_text(&once), buf_text(&twice)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct err e = {0};
	AUTO(json_doc_t) doc = NULL;
	struct json_span all = json_span_of(text, size);
	bool accepted = json_check(text, size, NULL, &e) == 0;
	require(accepted || e.message[0]);
	require((json_parse(text, size, NULL, &doc, &e) == 0) == accepted);
	walk(all, 0);
	check_rows(text, size, accepted);
	if (!accepted)
		return 0;
	require(count_values(json_root(doc)) == count_spans(all));
	check_round(doc);
	return 0;
}
