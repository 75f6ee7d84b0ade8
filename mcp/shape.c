#include "mcp/shape.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

#define SMALL 600 /* a member of no more bytes is never cut */

/* What a model seldom needs: it is in detailed answers alone. */
static const char *const details[] = {
	"rate",       "base_revision", "api_calls",      "touches",   "install",
	"interval_s", "started",       "config_version", "remote_id", NULL};

const char *const *shape_details(void)
{
	return details;
}

int shape_check(const struct shape *s, const struct field *table, struct err *e)
{
	AUTO(buf_t) names = {.limit = sizeof(e->hint) - sizeof("There are: " BUF_MORE)};
	for (size_t i = 0; i < s->fields.n; i++) {
		if (table && fields_find(table, s->fields.items[i]))
			continue;
		for (const struct field *f = table; f && f->name; f++)
			buf_name(&names, f->name);
		(void)err_set(e, ERR_INVALID, "fields: the answer has no member \"%.40s\"",
			      s->fields.items[i]);
		return err_hint(e, "There are: %s%s", buf_text(&names), names.truncated ? "" : ".");
	}
	return 0;
}

/* A key of ours, without its quotes; false when it does not fit. */
static bool key_text(struct json_span key, char *out, size_t size)
{
	if (key.len < 2 || key.len - 1 > size)
		return false;
	memcpy(out, key.p + 1, key.len - 2);
	out[key.len - 2] = '\0';
	return true;
}

static void select_members(const struct shape *s, const struct buf *answer, struct buf *out)
{
	struct json_cursor c;
	struct json_span key, value;
	struct json_writer w;
	char name[64];
	json_write_init(&w, out);
	json_object_begin(&w);
	if (json_cursor_init(&c, json_span_of(buf_text(answer), answer->len)))
		while (json_cursor_next(&c, &key, &value)) {
			if (!key_text(key, name, sizeof(name)) || !strlist_has(&s->fields, name))
				continue;
			json_write_key(&w, name);
			json_write_raw(&w, value.p, value.len);
		}
	json_object_end(&w);
}

void shape_write(const struct shape *s, const struct buf *answer, struct buf *out)
{
	AUTO(buf_t) chosen = {0};
	const struct buf *from = answer;
	if (s->fields.n) {
		select_members(s, answer, &chosen);
		from = &chosen;
	}
	if (s->detailed)
		(void)buf_add(out, from->data, from->len);
	else
		json_trim(buf_text(from), from->len, s->fields.n ? NULL : details, out);
}

void shape_append(struct buf *object, const char *key, const char *text)
{
	struct json_writer w = {.out = object};
	if (object->len < 2)
		return;
	object->len--;
	w.comma = object->data[object->len - 1] != '{';
	json_put_string(&w, key, text);
	(void)buf_char(object, '}');
}

/* ---- too long ---- */

struct cut {
	struct json_writer w;
	struct buf *words;
};

static void cut_object(struct cut *c, struct json_span object, size_t room);

static size_t count_items(struct json_span array)
{
	struct json_cursor c;
	struct json_span key, value;
	size_t n = 0;
	if (json_cursor_init(&c, array))
		while (json_cursor_next(&c, &key, &value))
			n++;
	return n;
}

static void say_cut(struct cut *c, const char *name, size_t shown, size_t of, const char *what)
{
	(void)buf_printf(c->words, "%s%s: %zu of %zu%s", c->words->len ? ", " : "", name, shown, of,
			 what);
}

static void cut_array(struct cut *c, const char *name, struct json_span array, size_t room)
{
	struct json_cursor items;
	struct json_span key, value;
	size_t used = 2, shown = 0;
	json_array_begin(&c->w);
	if (json_cursor_init(&items, array))
		while (json_cursor_next(&items, &key, &value) && used + value.len + 1 <= room) {
			json_write_raw(&c->w, value.p, value.len);
			used += value.len + 1;
			shown++;
		}
	json_array_end(&c->w);
	say_cut(c, name, shown, count_items(array), "");
}

/* How many of its first bytes fit, which escapes make longer again: whole characters. */
static size_t fitting_bytes(const char *text, size_t len, size_t room)
{
	AUTO(buf_t) out = {0};
	struct json_writer w;
	size_t keep = len < room ? len : room;
	for (;;) {
		keep = keep ? utf8_whole(text, keep) : 0;
		buf_reset(&out);
		json_write_init(&w, &out);
		json_write_stringn(&w, text, keep);
		if (out.len <= room || keep == 0)
			return keep;
		keep = keep * room / (out.len + 1);
	}
}

static void cut_string(struct cut *c, const char *name, struct json_span string, size_t room)
{
	AUTO(str_t) text = json_span_string(string);
	size_t len = text ? strlen(text) : 0, keep = fitting_bytes(text ? text : "", len, room);
	json_write_stringn(&c->w, text ? text : "", keep);
	say_cut(c, name, keep, len, " bytes");
}

static void cut_value(struct cut *c, const char *name, struct json_span value, size_t room)
{
	if (value.len <= room || value.len <= SMALL)
		json_write_raw(&c->w, value.p, value.len);
	else if (*value.p == '[')
		cut_array(c, name, value, room);
	else if (*value.p == '{')
		cut_object(c, value, room);
	else
		cut_string(c, name, value, room);
}

/* What each of the large members may have: an equal share, and what the lesser of them leave. */
static size_t share_of(struct json_span object, size_t room)
{
	struct json_cursor c;
	struct json_span key, value;
	size_t share = 0;
	for (int pass = 0; pass < 4; pass++) {
		size_t fixed = 2, large = 0;
		if (!json_cursor_init(&c, object))
			return 0;
		while (json_cursor_next(&c, &key, &value)) {
			bool fits = value.len <= SMALL || value.len <= share;
			fixed += key.len + 2 + (fits ? value.len : 0);
			large += !fits;
		}
		if (large == 0 || fixed >= room)
			break;
		share = (room - fixed) / large;
	}
	return share;
}

static void cut_object(struct cut *c, struct json_span object, size_t room)
{
	struct json_cursor members;
	struct json_span key, value;
	size_t share = share_of(object, room);
	char name[64];
	json_object_begin(&c->w);
	if (json_cursor_init(&members, object))
		while (json_cursor_next(&members, &key, &value)) {
			if (!key_text(key, name, sizeof(name)))
				continue;
			json_write_key(&c->w, name);
			cut_value(c, name, value, share);
		}
	json_object_end(&c->w);
}

void shape_cut(const struct buf *answer, size_t cap, struct buf *out, struct buf *cut)
{
	struct cut c = {.words = cut};
	json_write_init(&c.w, out);
	cut_object(&c, json_span_of(buf_text(answer), answer->len), cap);
}

size_t shape_fitting_items(const struct buf *answer, size_t cap)
{
	struct json_span root = json_span_of(buf_text(answer), answer->len);
	struct json_span items = json_span_member(root, "items");
	size_t n = count_items(items), around = answer->len - items.len;
	if (n < 2 || around >= cap)
		return 0;
	size_t fitting = n * (cap - around) / (items.len + 1);
	return fitting ? fitting : 1;
}
