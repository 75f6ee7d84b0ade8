/* Keys are "edit:<when>:<record>:<generation>:<hash of what stood there>": what is too old, or told
 * already, is known without reading the values. */
#include "reconcile/overwritten.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "reconcile/race.h"

#define KEPT "edit:"
/* More than this at once is a flood: the oldest go first. */
#define KEPT_MOST 500

void overwritten_list_t_cleanup(overwritten_list_t *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct overwritten *x = &l->items[i];
		free(x->name);
		free(x->field);
		free(x->put);
		free(x->seen);
		free(x->tunnel_id);
		free(x->zone_id);
	}
	free(l->items);
	*l = (struct overwritten_list){.n = 0};
}

/* ---- keeping ---- */

static int64_t time_of(const char *key)
{
	return strtoll(key + strlen(KEPT), NULL, 10);
}

static int trim(struct store *s, const struct strlist *keys, int64_t now, struct err *e)
{
	for (size_t i = 0; i < keys->n; i++)
		if ((i + KEPT_MOST <= keys->n || time_of(keys->items[i]) < now - RACE_SHOWN_MS) &&
		    store_set_meta(s, keys->items[i], NULL, e) < 0)
			return -1;
	return 0;
}

static bool is_told(const struct strlist *keys, const char *which)
{
	for (size_t i = 0; i < keys->n; i++) {
		const char *rest = strchr(keys->items[i] + strlen(KEPT), ':');
		if (str_equal(rest, which))
			return true;
	}
	return false;
}

static void write_fields(struct json_writer *w, const struct edited_face *f, unsigned fields)
{
	json_object_begin(w);
	for (size_t i = 0; i < EDITED_FIELDS; i++) {
		AUTO(str_t) text = NULL;
		if (!(fields & 1U << i))
			continue;
		text = edited_field_text(f, 1U << i);
		json_put_string(w, edited_field_name(1U << i), text);
	}
	json_object_end(w);
}

static char *value_of(const struct record *r, unsigned fields, const struct edited_face *next)
{
	AUTO(buf_t) out = {0};
	struct json_writer w;
	const struct edited_face seen = edited_seen(r);
	json_write_init(&w, &out);
	json_object_begin(&w);
	json_put_string(&w, "name", r->name);
	json_put_string(&w, "tunnel", r->tunnel_id);
	json_put_string(&w, "zone", r->zone_id);
	json_write_key(&w, "seen");
	write_fields(&w, &seen, fields);
	if (next) {
		json_write_key(&w, "put");
		write_fields(&w, next, fields);
	}
	json_object_end(&w);
	return buf_steal(&out);
}

/* ---- telling ---- */

static char *seen_words(const struct record *r, unsigned fields)
{
	AUTO(buf_t) out = {0};
	const struct edited_face seen = edited_seen(r);
	for (size_t i = 0; i < EDITED_FIELDS; i++) {
		AUTO(str_t) text = NULL;
		if (!(fields & 1U << i))
			continue;
		text = edited_field_text(&seen, 1U << i);
		buf_printf(&out, "%s%s: %s", out.len ? ", " : "", edited_field_name(1U << i), text);
	}
	return buf_steal(&out);
}

/* detail is from outside; NULL = none. */
static int event_keep(struct store *s, const struct record *r, char *message, char *detail,
		      struct err *e)
{
	AUTO(str_t) id = str_dup(r->id);
	struct event ev = {.at_ms = clock_wall_ms(),
			   .object_type = OBJECT_RECORD,
			   .object_id = id,
			   .object_name = r->name,
			   .kind = (char[]){"edit_overwritten"},
			   .message = message,
			   .untrusted_detail = detail};
	log_write(LOG_LEVEL_INFO, LOG_FIELDS({"object", id}), "%s", message);
	return store_add_event(s, &ev, e);
}

/* Which plan asked for the write, as a sentence has it. */
static char *asker_words(const struct record *r)
{
	AUTO(str_t) plan = edited_asker(r);
	return str_format("%s%s", plan ? "plan " : "an earlier plan", plan ? plan : "");
}

static int tell(struct store *s, const struct record *r, unsigned fields, const char *fate,
		struct err *e)
{
	AUTO(str_t) names = edited_field_names(fields);
	AUTO(str_t) asker = asker_words(r);
	AUTO(str_t) seen = seen_words(r, fields);
	AUTO(str_t)
	message = str_format("%s %s: %s %s changed by somebody since adit last wrote it; it is %s "
			     "because %s asked for it",
			     r->observed.type, r->name, names, strchr(names, ',') ? "were" : "was",
			     fate, asker);
	return event_keep(s, r, message, seen, e);
}

int overwritten_keep(struct store *s, const struct record *r, unsigned fields,
		     const struct edited_face *next, struct err *e)
{
	AUTO(strlist_t) keys = {0};
	char seen[SHA256_HEX_SIZE];
	int64_t now = clock_wall_ms();
	record_observed_hash(r, seen);
	AUTO(str_t)
	which = str_format(":%s:%lld:%.16s", r->id, (long long)r->generation, seen);
	AUTO(str_t) key = str_format(KEPT "%013lld%s", (long long)now, which);
	if (store_list_meta(s, KEPT, &keys, e) < 0)
		return -1;
	if (is_told(&keys, which))
		return 0;
	AUTO(str_t) value = value_of(r, fields, next);
	if (trim(s, &keys, now, e) < 0 || store_set_meta(s, key, value, e) < 0)
		return -1;
	return tell(s, r, fields, next ? "written over" : "deleted", e);
}

void overwritten_unseen(struct store *s, const struct record *r, const char *actor)
{
	AUTO(str_t) asker = asker_words(r);
	AUTO(str_t) who = str_dup(actor);
	AUTO(str_t)
	message = str_format("%s %s: somebody changed it just before adit wrote it because %s "
			     "asked for it; what stood there was not seen, and may be written over",
			     r->type, r->name, asker);
	struct err e;
	if (event_keep(s, r, message, who, &e) < 0)
		log_warning("event edit_overwritten not kept: %s", e.message);
}

/* ---- what is known of what stands there ---- */

static int save_settled(struct store *s, const struct record *r, char *applied, struct err *e)
{
	struct record row = *r;
	row.applied = applied;
	return store_save_record(s, &row, e);
}

static int save_all(struct store *s, struct record *const *seen, char **texts, size_t n,
		    struct err *e)
{
	if (store_begin(s, e) < 0)
		return -1;
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = texts[i] ? save_settled(s, seen[i], texts[i], e) : 0;
	if (rc == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

/* What cannot be stored is settled by the next look. */
void overwritten_settle(struct world *w, struct store *s, struct record *const *seen, size_t n)
{
	char **texts = mem_array(n + 1, sizeof(*texts));
	bool any = false;
	struct err e;
	for (size_t i = 0; i < n; i++) {
		texts[i] = edited_settled(w, seen[i]);
		any = any || texts[i];
	}
	bool stored = any && save_all(s, seen, texts, n, &e) == 0;
	if (any && !stored)
		log_debug("what records were is not kept: %s", e.message);
	for (size_t i = 0; i < n; i++) {
		if (stored && texts[i])
			str_set(&seen[i]->applied, texts[i]);
		free(texts[i]);
	}
	free(texts);
}

void overwritten_settle_zone(struct world *w, struct store *s, struct zone_rows *rows,
			     const char *zone_id)
{
	struct record **seen = NULL, *r;
	size_t n = 0;
	for (size_t at = 0; (r = zone_rows_next(rows, w, zone_id, &at)) != NULL;) {
		if (edited_is_settled(r))
			continue;
		seen = mem_room(seen, n, sizeof(*seen));
		seen[n++] = r;
	}
	if (n)
		overwritten_settle(w, s, seen, n);
	free(seen);
}

/* ---- showing ---- */

static void read_value(const char *text, int64_t at_ms, struct overwritten_list *out)
{
	AUTO(json_doc_t) doc = NULL;
	struct err ignored;
	if (!text || json_parse(text, strlen(text), NULL, &doc, &ignored) < 0)
		return;
	const struct json *v = json_root(doc), *seen = json_get(v, "seen"),
			  *put = json_get(v, "put");
	for (size_t i = 0; i < EDITED_FIELDS; i++) {
		const char *field = edited_field_name(1U << i);
		const char *stood = json_get_string(seen, field);
		if (!stood)
			continue;
		out->items = mem_grow(out->items, out->n + 1, sizeof(*out->items));
		out->items[out->n++] = (struct overwritten){
			.at_ms = at_ms,
			.name = str_dup(json_get_string(v, "name")),
			.field = str_dup(field),
			.put = str_dup(json_get_string(put, field)),
			.seen = str_dup(stood),
			.tunnel_id = str_dup(json_get_string(v, "tunnel")),
			.zone_id = str_dup(json_get_string(v, "zone")),
		};
	}
}

int overwritten_load(struct store *s, int64_t wall_ms, struct overwritten_list *out, struct err *e)
{
	AUTO(strlist_t) keys = {0};
	if (store_list_meta(s, KEPT, &keys, e) < 0)
		return -1;
	for (size_t i = 0; i < keys.n; i++) {
		AUTO(str_t) text = NULL;
		if (time_of(keys.items[i]) < wall_ms - RACE_SHOWN_MS)
			continue;
		text = store_get_meta(s, keys.items[i]);
		read_value(text, time_of(keys.items[i]), out);
	}
	return 0;
}
