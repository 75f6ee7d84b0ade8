/* The pieces that all renderings share. */
#include "cli/print.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void print_text(struct buf *out, const char *text)
{
	AUTO(str_t) copy = str_dup(text ? text : "");

	text_printable(copy);
	(void)buf_str(out, copy);
}

void print_toned(struct buf *out, const struct style *s, enum tone tone, const char *text)
{
	static const char *const codes[] = {
		[TONE_PLAIN] = "",  [TONE_BOLD] = "1",  [TONE_DIM] = "2",
		[TONE_GOOD] = "32", [TONE_WARN] = "33", [TONE_BAD] = "31",
	};

	if (s->colour && tone != TONE_PLAIN)
		(void)buf_printf(out, "\033[%sm", codes[tone]);
	print_text(out, text);
	if (s->colour && tone != TONE_PLAIN)
		(void)buf_str(out, "\033[0m");
}

void print_wrapped(struct buf *out, const struct style *s, size_t indent, const char *text)
{
	AUTO(str_t) copy = str_dup(text ? text : "");
	size_t at = indent, width = s->width > 0 ? (size_t)s->width : SIZE_MAX;
	char *rest = NULL;

	text_printable(copy);
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		size_t columns = text_columns(word);
		if (at > indent && at + 1 + columns > width) {
			(void)buf_printf(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > indent) {
			(void)buf_char(out, ' ');
			at++;
		}
		(void)buf_str(out, word);
		at += columns;
	}
	(void)buf_char(out, '\n');
}

enum tone state_tone(const char *state)
{
	static const char *const good[] = {"ok",   "on",      "healthy",   "ready",  "live",
					   "done", "applied", "unchanged", "active", NULL};
	static const char *const bad[] = {"down",    "problem", "blocked",     "failed",
					  "refused", "missing", "unreachable", NULL};
	static const char *const plain[] = {"stopped", "rejected", "planned", "expired", NULL};

	for (size_t i = 0; good[i]; i++)
		if (str_equal(good[i], state))
			return TONE_GOOD;
	for (size_t i = 0; bad[i]; i++)
		if (str_equal(bad[i], state))
			return TONE_BAD;
	for (size_t i = 0; plain[i]; i++)
		if (str_equal(plain[i], state))
			return TONE_PLAIN;
	return TONE_WARN;
}

void print_age(struct buf *out, const struct style *s, const char *time)
{
	char age[TEXT_TIME_SIZE];
	int64_t at_ms;

	if (!time || time_parse(time, 0, &at_ms, NULL) < 0) {
		print_text(out, time ? time : "-");
		return;
	}
	int64_t gone_ms = s->now_ms - at_ms;
	duration_human(gone_ms < 0 ? -gone_ms : gone_ms, age);
	if (gone_ms > -1000 && gone_ms < 1000)
		(void)buf_str(out, "now");
	else
		(void)buf_printf(out, gone_ms < 0 ? "in %s" : "%s ago", age);
}

/* ---- values ---- */

static void print_strings(struct buf *out, const struct json *list)
{
	size_t n = 0;

	JSON_EACH (item, list) {
		if (n++)
			(void)buf_str(out, ", ");
		print_value(out, NULL, NULL, item);
	}
	if (n == 0)
		(void)buf_char(out, '-');
}

/* "status healthy, connections 4": the members that the table declares. */
static void print_known(struct buf *out, const struct style *s, const struct field *table,
			const struct json *v)
{
	size_t n = 0;

	for (const struct field *f = table; f->name; f++) {
		const struct json *member = json_get(v, f->name);
		if (json_is_null(member))
			continue;
		(void)buf_printf(out, "%s%s ", n++ ? ", " : "", f->name);
		print_value(out, s, f, member);
	}
	if (n == 0)
		(void)buf_char(out, '-');
}

static void print_object(struct buf *out, const struct style *s, const struct field *f,
			 const struct json *v)
{
	int64_t ready, total;
	AUTO(buf_t) text = {0};

	if (json_get_string(v, "message")) {
		print_text(out, json_get_string(v, "message"));
	} else if (json_count(v) == 2 && json_int(json_get(v, "ready"), &ready) &&
		   json_int(json_get(v, "total"), &total)) {
		(void)buf_printf(out, "%lld/%lld", (long long)ready, (long long)total);
	} else if (f && f->sub) {
		print_known(out, s, f->sub, v);
	} else {
		json_print(v, &text);
		print_text(out, buf_text(&text));
	}
}

void print_value(struct buf *out, const struct style *s, const struct field *f,
		 const struct json *v)
{
	switch (json_type(v)) {
	case JSON_NULL:
		(void)buf_char(out, '-');
		break;
	case JSON_BOOL:
		(void)buf_str(out, json_bool(v, false) ? "yes" : "no");
		break;
	case JSON_NUMBER:
		json_print(v, out);
		break;
	case JSON_STRING:
		if (f && (f->flags & FIELD_TIME) && s)
			print_age(out, s, json_string(v));
		else
			print_text(out, json_string(v));
		break;
	case JSON_ARRAY:
		print_strings(out, v);
		break;
	case JSON_OBJECT:
		print_object(out, s, f, v);
		break;
	}
}

/* ---- problems and errors ---- */

static void print_since(struct buf *out, const struct style *s, const struct json *problem)
{
	const char *since = json_get_string(problem, "since");
	int64_t attempts = json_get_int(problem, "attempts", 0);

	if (since)
		print_age(out, s, since);
	if (attempts > 1)
		(void)buf_printf(out, "%s%lld attempts", since ? ", " : "", (long long)attempts);
	int64_t next = json_get_int(problem, "next_try_s", 0);
	if (next > 0)
		(void)buf_printf(out, "%snext try in %lld s", out->len ? ", " : "",
				 (long long)next);
}

static void print_hint(struct buf *out, const struct style *s, const char *hint)
{
	if (!hint || !*hint)
		return;
	(void)buf_str(out, "    -> ");
	print_wrapped(out, s, 7, hint);
}

static void print_note(struct buf *out, const struct style *s, const char *text)
{
	(void)buf_str(out, "      ");
	print_wrapped(out, s, 6, text);
}

void print_problem(struct buf *out, const struct style *s, const char *what,
		   const struct json *problem)
{
	AUTO(buf_t) line = {0};
	AUTO(buf_t) since = {0};
	const char *message = json_get_string(problem, "message");
	const char *permission = json_get_string(problem, "missing_permission");
	const char *said = json_get_string(json_get(problem, "cloudflare"), "untrusted_message");

	(void)buf_printf(&line, "%s%s%s", what, *what ? ": " : "", message ? message : "?");
	print_since(&since, s, problem);
	if (since.len)
		(void)buf_printf(&line, " (%s)", buf_text(&since));
	(void)buf_str(out, "  ");
	print_toned(out, s, TONE_BAD, "!");
	(void)buf_char(out, ' ');
	print_wrapped(out, s, 4, buf_text(&line));
	if (said) {
		AUTO(str_t) text = str_format("Cloudflare says: \"%s\"", said);
		print_note(out, s, text);
	}
	if (permission) {
		AUTO(str_t) text = str_format("The token lacks: %s", permission);
		print_hint(out, s, text);
	}
	print_hint(out, s, json_get_string(problem, "hint"));
}

static void print_cloudflare(struct buf *out, const struct style *s, const struct err *e)
{
	AUTO(buf_t) line = {0};

	(void)buf_printf(&line, "Cloudflare answered HTTP %d", e->cloudflare.status);
	if (e->cloudflare.code)
		(void)buf_printf(&line, ", code %lld", (long long)e->cloudflare.code);
	if (e->cloudflare.ray[0])
		(void)buf_printf(&line, ", ray %s", e->cloudflare.ray);
	if (e->cloudflare.said[0])
		(void)buf_printf(&line, ", and says: \"%s\"", e->cloudflare.said);
	print_note(out, s, buf_text(&line));
}

void print_err(const struct err *e, const struct style *s, struct buf *out)
{
	print_toned(out, s, TONE_BAD, "adit:");
	(void)buf_char(out, ' ');
	print_wrapped(out, s, 6, e->message);
	if (e->hint[0])
		print_note(out, s, e->hint);
	if (e->missing_permission[0]) {
		AUTO(str_t) text = str_format("The token lacks: %s", e->missing_permission);
		print_note(out, s, text);
	}
	if (e->cloudflare.status || e->cloudflare.code)
		print_cloudflare(out, s, e);
	if (e->retry_after_ms > 0) {
		AUTO(str_t)
		text = str_format("Try again in %lld s.",
				  (long long)((e->retry_after_ms + 999) / 1000));
		print_note(out, s, text);
	}
}
