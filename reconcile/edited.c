/* {"id": remote id, "was": face, "sent": [face, …]}, each face an array in the order of the struct.
 * What was put counts for that id alone; what was sent may be what a lost answer made, whatever its
 * id is. */
#include "reconcile/edited.h"

#include <stdlib.h>
#include <string.h>

#include "model/plan.h"

#define SENT_MOST 8 /* of those without an answer, the newest */

static const char *const names[EDITED_FIELDS] = {"type",    "content", "comment",
						 "proxied", "ttl",     "priority"};

const char *edited_field_name(unsigned field)
{
	for (size_t i = 0; i < EDITED_FIELDS; i++)
		if (field == 1U << i)
			return names[i];
	return NULL;
}

char *edited_field_names(unsigned fields)
{
	AUTO(buf_t) out = {0};
	for (size_t i = 0; i < EDITED_FIELDS; i++)
		if (fields & 1U << i)
			buf_printf(&out, "%s%s", out.len ? ", " : "", names[i]);
	return buf_steal(&out);
}

static char *number(int64_t n)
{
	return str_format("%lld", (long long)n);
}

char *edited_field_text(const struct edited_face *f, unsigned field)
{
	switch (field) {
	case EDITED_TYPE:
		return str_dup(f->type);
	case EDITED_CONTENT:
		return str_dup(f->content);
	case EDITED_COMMENT:
		return str_dup(f->comment ? f->comment : "");
	case EDITED_PROXIED:
		return str_dup(f->proxied ? "true" : "false");
	case EDITED_TTL:
		return number(f->ttl);
	default:
		return number(f->priority);
	}
}

struct edited_face edited_seen(const struct record *r)
{
	return (struct edited_face){.type = r->observed.type,
				    .content = r->observed.content,
				    .comment = r->observed.comment,
				    .proxied = r->observed.proxied,
				    .ttl = r->observed.ttl,
				    .priority = r->observed.priority};
}

bool edited_comment_stays(const struct record *r)
{
	return r->tunnel_id[0] && !r->comment && r->observed.marked;
}

/* ---- text ---- */

static void write_text(struct json_writer *w, const char *s)
{
	if (s)
		json_write_string(w, s);
	else
		json_write_null(w);
}

static void write_face(struct json_writer *w, const struct edited_face *f)
{
	json_array_begin(w);
	write_text(w, f->type);
	write_text(w, f->content);
	write_text(w, f->comment);
	json_write_bool(w, f->proxied);
	json_write_int(w, f->ttl);
	json_write_int(w, f->priority);
	json_array_end(w);
}

static bool read_face(const struct json *v, struct edited_face *f)
{
	const struct json *at[EDITED_FIELDS] = {NULL};
	size_t n = 0;
	if (json_count(v) != EDITED_FIELDS)
		return false;
	JSON_EACH (item, v)
		at[n++] = item;
	*f = (struct edited_face){.type = json_string(at[0]),
				  .content = json_string(at[1]),
				  .comment = json_string(at[2]),
				  .proxied = json_bool(at[3], false),
				  .ttl = json_int_or(at[4], 0),
				  .priority = json_int_or(at[5], 0)};
	return f->type && f->content;
}

static const struct json *parse(const char *text, json_doc_t *doc)
{
	struct err e;
	return text && json_parse(text, strlen(text), NULL, doc, &e) == 0 ? json_root(*doc) : NULL;
}

static void begin(struct json_writer *w, struct buf *out, const char *remote_id)
{
	json_write_init(w, out);
	json_object_begin(w);
	json_put_string(w, "id", remote_id);
}

char *edited_was(const char *remote_id, const struct edited_face *f)
{
	AUTO(buf_t) out = {0};
	struct json_writer w;
	begin(&w, &out, remote_id);
	json_write_key(&w, "was");
	write_face(&w, f);
	json_object_end(&w);
	return buf_steal(&out);
}

static bool is_in(const struct json *sent, const char *face)
{
	JSON_EACH (v, sent) {
		struct json_span raw = json_raw(v);
		if (raw.len == strlen(face) && memcmp(raw.p, face, raw.len) == 0)
			return true;
	}
	return false;
}

static void write_sent(struct json_writer *w, const struct json *sent, const char *face)
{
	size_t n = sent ? json_count(sent) : 0, i = 0;
	json_array_begin(w);
	JSON_EACH (v, sent)
		if (i++ + SENT_MOST > n)
			json_write_value(w, v);
	json_write_raw(w, face, strlen(face));
	json_array_end(w);
}

char *edited_sent(const char *applied, const struct edited_face *f)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) out = {0};
	AUTO(buf_t) face = {0};
	const struct json *v = parse(applied, &doc), *was = json_get(v, "was"),
			  *sent = json_get(v, "sent");
	const char *id = v ? json_get_string(v, "id") : NULL;
	struct json_writer w;
	json_write_init(&w, &face);
	write_face(&w, f);
	if (is_in(sent, buf_text(&face)))
		return str_dup(applied);
	begin(&w, &out, id ? id : "");
	if (was) {
		json_write_key(&w, "was");
		json_write_value(&w, was);
	}
	json_write_key(&w, "sent");
	write_sent(&w, sent, buf_text(&face));
	json_object_end(&w);
	return buf_steal(&out);
}

/* ---- comparison ---- */

static bool same_text(const char *a, const char *b)
{
	return str_equal(a ? a : "", b ? b : "");
}

/* Fields in which they differ. The ttl of what is proxied is Cloudflare's own. */
static unsigned differ(const struct edited_face *a, const struct edited_face *b)
{
	unsigned fields = 0;
	bool types = str_equal(a->type, b->type);
	if (!types)
		fields |= EDITED_TYPE;
	if (!a->content || !b->content ||
	    !(types ? record_content_same(a->type, a->content, b->content)
		    : str_equal(a->content, b->content)))
		fields |= EDITED_CONTENT;
	if (!same_text(a->comment, b->comment))
		fields |= EDITED_COMMENT;
	if (a->proxied != b->proxied)
		fields |= EDITED_PROXIED;
	if (!a->proxied && a->ttl != b->ttl)
		fields |= EDITED_TTL;
	if (str_equal(a->type, "MX") && a->priority != b->priority)
		fields |= EDITED_PRIORITY;
	return fields;
}

unsigned edited_lost(const char *applied, const char *remote_id, const struct edited_face *seen,
		     const struct edited_face *next)
{
	AUTO(json_doc_t) doc = NULL;
	const struct json *v = parse(applied, &doc);
	struct edited_face f;
	unsigned fields = ~0U;
	bool known = false;
	if (str_equal(json_get_string(v, "id"), remote_id) && read_face(json_get(v, "was"), &f)) {
		fields &= differ(seen, &f);
		known = true;
	}
	JSON_EACH (sent, json_get(v, "sent"))
		if (read_face(sent, &f)) {
			unsigned unsaid = f.comment ? 0 : EDITED_COMMENT, d = differ(seen, &f);
			fields &= known ? d | unsaid : d & ~unsaid;
			known = true;
		}
	if (!known)
		return 0;
	if (next) {
		fields &= differ(seen, next);
		if (!next->comment)
			fields &= ~(unsigned)EDITED_COMMENT;
	}
	return fields;
}

unsigned edited_since(const struct record *r, const struct edited_face *next)
{
	const struct edited_face seen = edited_seen(r);
	if (!r->remote_id[0] || !r->observed.found ||
	    !str_equal(r->observed.found_id, r->remote_id) || edited_agreed(r))
		return 0;
	return edited_lost(r->applied, r->remote_id, &seen, next);
}

/* ---- what a look settles ---- */

/* As it was put, when somebody has edited it since and nothing is kept: its applied generation says
 * that what is wanted stood there. */
static char *was_wanted(const struct world *w, const struct record *r)
{
	AUTO(str_t) content = record_content(w, r);
	AUTO(str_t) comment = NULL;
	struct edited_face f = edited_seen(r);
	struct err e;
	if (!content)
		return NULL;
	if (mark_write(w->system.owner, w->system.install, r->comment, &comment, &e) == 0 &&
	    (r->comment || !r->tunnel_id[0]))
		f.comment = comment;
	f.type = r->type;
	f.content = content;
	f.proxied = r->proxied;
	f.priority = r->priority;
	if (!r->tunnel_id[0])
		f.ttl = r->ttl;
	return edited_was(r->remote_id, &f);
}

static bool is_of(const char *applied, const char *remote_id)
{
	AUTO(str_t) head = str_format("{\"id\":\"%s\",\"was\":", remote_id);
	return applied && str_starts(applied, head);
}

static bool may_settle(const struct record *r)
{
	return r->want == WANT_PRESENT && r->remote_id[0] && r->observed.found &&
	       r->observed.marked && r->generation == r->applied_generation &&
	       str_equal(r->observed.found_id, r->remote_id);
}

bool edited_is_settled(const struct record *r)
{
	return !may_settle(r) ||
	       (is_of(r->applied, r->remote_id) && !strstr(r->applied, ",\"sent\":["));
}

static bool as_wanted(const struct world *w, const struct record *r)
{
	AUTO(str_t) content = record_content(w, r);
	const struct edited_face f = edited_seen(r);
	if (r->observed.renamed || !content)
		return false;
	if (!r->tunnel_id[0])
		return str_equal(f.type, r->type) && record_own_as_seen(r);
	return str_equal(f.type, r->type) && f.proxied == r->proxied && f.content &&
	       record_content_same(r->type, f.content, content);
}

char *edited_settled(const struct world *w, const struct record *r)
{
	if (!may_settle(r))
		return NULL;
	const struct edited_face seen = edited_seen(r);
	char *text = NULL;
	if (as_wanted(w, r))
		text = edited_was(r->remote_id, &seen);
	else if (!r->applied)
		text = was_wanted(w, r);
	if (text && str_equal(text, r->applied))
		free(steal(&text));
	return text;
}

/* ---- who asked ---- */

bool edited_agreed(const struct record *r)
{
	char seen[SHA256_HEX_SIZE];
	const char *named = r->asked ? strchr(r->asked, ' ') : NULL;
	record_observed_hash(r, seen);
	return (named && str_equal(named + 1, seen)) ||
	       record_take(r->takes, r->remote_id, seen) == TAKE_AS_SEEN;
}

/* What was named before and is not done yet, still is. */
char *edited_asked(const struct record *r, int64_t plan, const char *seen)
{
	char id[24];
	if (!seen && r && r->asked && r->generation != r->applied_generation) {
		const char *named = strchr(r->asked, ' ');
		seen = named ? named + 1 : NULL;
	}
	plan_id(plan, id);
	return str_format("%s%s%s", id, seen ? " " : "", seen ? seen : "");
}

char *edited_asker(const struct record *r)
{
	const char *end = r->asked ? strchr(r->asked, ' ') : NULL;
	return end ? str_ndup(r->asked, (size_t)(end - r->asked)) : str_dup(r->asked);
}
