#include "cli/board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/view.h"

struct board_row {
	char *name, *words;
	bool seen; /* in the snapshot that is looked at */
};

static void row_free(struct board_row *r)
{
	free(r->name);
	free(r->words);
	free(r);
}

void board_free(struct board *b)
{
	const struct map_entry *entry;

	for (size_t i = 0; (entry = map_next(&b->rows, &i)) != NULL;)
		row_free(entry->value);
	map_free(&b->rows);
	*b = (struct board){.state = ""};
}

/* ---- words ---- */

static const char *first_of(const struct json *data, const char *const *keys)
{
	for (; *keys; keys++)
		if (json_get_string(data, *keys))
			return json_get_string(data, *keys);
	return NULL;
}

static char *name_of(const struct json *data, const char *id)
{
	static const char *const keys[] = {"hostname", "name", NULL};
	const char *name = first_of(data, keys), *path = json_get_string(data, "path");
	const char *type = json_get_string(data, "type");

	return str_format("%s%s%s", name ? name : id, path || type ? " " : "",
			  path   ? path
			  : type ? type
				 : "");
}

static char *words_of(const struct json *data)
{
	static const char *const keys[] = {"state", "status", NULL};
	const char *state = first_of(data, keys), *reason = json_get_string(data, "reason");
	const char *problem = json_get_string(json_get(data, "problem"), "message");
	const struct json *converged = json_get(data, "converged");

	if (!state && converged)
		state = json_bool(converged, false) ? "as wanted" : "not yet as wanted";
	if (!reason)
		reason = problem;
	return str_format("%s%s%s", state ? state : "changed", reason ? ": " : "",
			  reason ? reason : "");
}

static void line_begin(const struct style *s, struct buf *out)
{
	char time[TEXT_TIME_SIZE];

	time_format(s->now_ms, time);
	view_clock(time, out);
	(void)buf_str(out, "  ");
}

/* The word of the state in its colour, the rest behind it as it is. */
static void tell(const struct style *s, const char *object, const char *name, const char *words,
		 struct buf *out)
{
	size_t len = strcspn(words, ":");
	AUTO(str_t) state = str_ndup(words, len);

	line_begin(s, out);
	print_text(out, object);
	(void)buf_char(out, ' ');
	print_text(out, name);
	(void)buf_str(out, "  ");
	print_toned(out, s, state_tone(state), state);
	print_text(out, words + len);
	(void)buf_char(out, '\n');
}

/* ---- rows ---- */

static void row_take(struct board *b, const struct json *event, const struct style *s, bool quiet,
		     struct buf *out)
{
	const char *object = json_get_string(event, "object"), *id = json_get_string(event, "id");
	const struct json *data = json_get(event, "data");
	AUTO(str_t) key = str_format("%s:%s", object ? object : "?", id ? id : "?");
	AUTO(str_t) name = name_of(data, id ? id : "?");
	AUTO(str_t) words = words_of(data);
	struct board_row *r = map_get(&b->rows, key);

	if (!r) {
		r = mem_alloc(sizeof(*r));
		(void)map_set(&b->rows, key, r);
	}
	/* Of a plan nothing is told but that it changed: each time is news. */
	bool news = !data || !str_equal(r->name, name) || !str_equal(r->words, words);
	r->seen = true;
	str_set(&r->name, name);
	str_set(&r->words, words);
	if (news && !quiet)
		tell(s, object ? object : "?", name, words, out);
}

static void row_drop(struct board *b, const char *key, const struct style *s, struct buf *out)
{
	struct board_row *r = map_remove(&b->rows, key);
	AUTO(str_t) object = str_ndup(key, strcspn(key, ":"));

	if (!r)
		return;
	tell(s, object, r->name, "removed", out);
	row_free(r);
}

/* ---- events ---- */

static void status_take(struct board *b, const struct json *event, const struct style *s,
			struct buf *out)
{
	const struct json *status = json_get(event, "status");
	const char *state = json_get_string(status, "state");
	size_t problems = (size_t)json_count(json_get(status, "problems"));
	AUTO(str_t) words = NULL;

	if (!state || str_equal(state, b->state))
		return;
	(void)str_copy(b->state, sizeof(b->state), state);
	words = str_format("%s: %zu problem%s", state, problems, problems == 1 ? "" : "s");
	tell(s, "status", "of the whole", problems ? words : state, out);
}

/* What is not in a snapshot any more has gone meanwhile. */
static void snapshot_take(struct board *b, const struct json *event, const struct style *s,
			  struct buf *out)
{
	bool first = b->state[0] == '\0';
	const struct map_entry *entry;
	AUTO(strlist_t) gone = {0};

	status_take(b, event, s, out);
	for (size_t i = 0; (entry = map_next(&b->rows, &i)) != NULL;)
		((struct board_row *)entry->value)->seen = str_starts(entry->key, "plan:");
	JSON_EACH (object, json_get(event, "objects"))
		row_take(b, object, s, first, out);
	for (size_t i = 0; (entry = map_next(&b->rows, &i)) != NULL;)
		if (!((struct board_row *)entry->value)->seen)
			strlist_add(&gone, entry->key);
	for (size_t i = 0; i < gone.n; i++)
		row_drop(b, gone.items[i], s, out);
}

void board_take(struct board *b, const struct json *event, const struct style *s, struct buf *out)
{
	const char *type = json_get_string(event, "type");
	const char *object = json_get_string(event, "object"), *id = json_get_string(event, "id");

	if (str_equal(type, "snapshot")) {
		snapshot_take(b, event, s, out);
	} else if (str_equal(type, "status")) {
		status_take(b, event, s, out);
	} else if (str_equal(type, "changed")) {
		row_take(b, event, s, false, out);
	} else if (str_equal(type, "removed") && object && id) {
		AUTO(str_t) key = str_format("%s:%s", object, id);
		row_drop(b, key, s, out);
	}
}
