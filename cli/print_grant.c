/*
 * A grant that was just made: its tokens stand by themselves, and what to paste comes without a
 * margin and is never wrapped, since people paste it.
 */
#include <string.h>

#include "cli/print.h"

/* Its lines as they are; each is made safe to show by itself. */
static void print_lines(struct buf *out, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		AUTO(str_t) line = str_ndup(text, len);
		print_text(out, line);
		(void)buf_char(out, '\n');
		text += len + (text[len] == '\n');
	}
}

static void print_paste(const struct json *item, const struct style *s, struct buf *out)
{
	AUTO(str_t)
	head = str_format("%s (%s):", json_get_string(item, "for"), json_get_string(item, "where"));
	const char *text = json_get_string(item, "text");

	(void)buf_char(out, '\n');
	print_toned(out, s, TONE_DIM, head);
	(void)buf_char(out, '\n');
	print_lines(out, text ? text : "");
}

static void print_token(const char *label, const char *token, const struct style *s,
			struct buf *out)
{
	if (!token)
		return;
	(void)buf_str(out, label);
	print_toned(out, s, TONE_BOLD, token);
	(void)buf_char(out, '\n');
}

/* What says most of a grant; --json has all of it. */
static bool is_detail(const char *name)
{
	static const char *const shown[] = {"name",  "role",    "methods", "tags",       "zones",
					    "hosts", "tunnels", "origins", "expires_at", NULL};
	for (size_t i = 0; shown[i]; i++)
		if (str_equal(shown[i], name))
			return false;
	return true;
}

static void print_what(const struct field *table, const struct json *result, const struct style *s,
		       struct buf *out)
{
	AUTO(buf_t) text = {0};
	AUTO(json_doc_t) doc = NULL;
	struct json_writer w;

	json_write_init(&w, &text);
	json_object_begin(&w);
	JSON_EACH (member, result) {
		if (is_detail(json_key(member)))
			continue;
		json_write_key(&w, json_key(member));
		json_write_value(&w, member);
	}
	json_object_end(&w);
	if (json_parse(buf_text(&text), text.len, NULL, &doc, NULL) == 0)
		print_members(table, json_root(doc), s, out);
}

void print_grant(const struct field *table, const struct json *result, const struct style *s,
		 struct buf *out)
{
	const char *token = json_get_string(result, "token");
	const char *second = json_get_string(result, "second_token");

	print_what(table, result, s, out);
	print_sentences(json_get(result, "warnings"), "warning:", s, out);
	JSON_EACH (item, json_get(result, "paste"))
		print_paste(item, s, out);
	if (!token && !second)
		return;
	(void)buf_str(out, "\nShown this once, and needed over HTTP only:\n");
	print_token("token         ", token, s, out);
	print_token("second token  ", second, s, out);
}
