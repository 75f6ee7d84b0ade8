/*
 * A plan's body as JSON and back, and the hash over it. Members stand in a fixed order and absent
 * ones are left out, so that equal plans have equal text and the text can be hashed.
 */
#include <stdlib.h>
#include <string.h>

#include "model/plan.h"

/* Far above what an operation can propose; keeps a damaged row from costing memory. */
enum { BODY_ITEMS_MAX = 100000 };

static const char *const edit_names[EDIT_KINDS] = {
	[EDIT_TUNNEL_PUT] = "tunnel_put",           [EDIT_TUNNEL_DROP] = "tunnel_drop",
	[EDIT_TUNNEL_RELEASE] = "tunnel_release",   [EDIT_ROUTE_PUT] = "route_put",
	[EDIT_ROUTE_DROP] = "route_drop",           [EDIT_ROUTE_RELEASE] = "route_release",
	[EDIT_RECORD_PUT] = "record_put",           [EDIT_RECORD_DROP] = "record_drop",
	[EDIT_RECORD_RELEASE] = "record_release",   [EDIT_CONNECTOR_STOP] = "connector_stop",
	[EDIT_CONNECTOR_START] = "connector_start",
};

/* The optional strings of an edit. */
static const struct {
	const char *key;
	size_t offset;
} edit_texts[] = {
	{"name", offsetof(struct edit, name)},
	{"path", offsetof(struct edit, path)},
	{"service", offsetof(struct edit, service)},
	{"origin", offsetof(struct edit, origin)},
	{"type", offsetof(struct edit, type)},
	{"comment", offsetof(struct edit, comment)},
	{"content", offsetof(struct edit, content)},
	{"drift", offsetof(struct edit, drift)},
	{"probe", offsetof(struct edit, probe)},
	{"manifest", offsetof(struct edit, manifest)},
	{"remote_id", offsetof(struct edit, remote_id)},
	{"zone_id", offsetof(struct edit, zone_id)},
	{"takes", offsetof(struct edit, takes)},
	{"others", offsetof(struct edit, others)},
	{"seen", offsetof(struct edit, seen)},
};

/* Flags that are left out where they are not set. */
static const struct {
	const char *key;
	size_t offset;
} edit_flags[] = {
	{"joined", offsetof(struct edit, joined)},
	{"convert", offsetof(struct edit, convert)},
	{"anew", offsetof(struct edit, anew)},
	{"rotate", offsetof(struct edit, rotate)},
};

static bool *edit_flag(const struct edit *d, size_t i)
{
	return (bool *)(uintptr_t)((const char *)d + edit_flags[i].offset);
}

static char **edit_text(const struct edit *d, size_t i)
{
	return (char **)(uintptr_t)((const char *)d + edit_texts[i].offset);
}

/* ---- writing ---- */

static void put_text(struct json_writer *w, const char *key, const char *s)
{
	if (s)
		json_put_string(w, key, s);
}

/* Left out where nothing is said, as plans were written before there were such members. */
static void put_said(struct json_writer *w, const char *key, int64_t n)
{
	if (n)
		json_put_int(w, key, n);
}

void edit_write(const struct edit *d, struct json_writer *w)
{
	json_object_begin(w);
	json_put_string(w, "kind", edit_names[d->kind]);
	json_put_string(w, "id", d->id);
	json_put_string(w, "tunnel_id", d->tunnel_id);
	for (size_t k = 0; k < ARRAY_LEN(edit_texts); k++)
		put_text(w, edit_texts[k].key, *edit_text(d, k));
	json_put_int(w, "replicas", d->replicas);
	json_put_bool(w, "proxied", d->proxied);
	put_said(w, "ttl", d->ttl);
	put_said(w, "priority", d->priority);
	put_said(w, "until_ms", d->until_ms);
	put_said(w, "for_ms", d->for_ms);
	put_said(w, "overwrites", d->overwrites);
	for (size_t k = 0; k < ARRAY_LEN(edit_flags); k++)
		if (*edit_flag(d, k))
			json_put_bool(w, edit_flags[k].key, true);
	json_object_end(w);
}

static void write_edits(const struct plan *p, struct json_writer *w)
{
	json_array_begin(w);
	for (size_t i = 0; i < p->n_edits; i++)
		edit_write(&p->edits[i], w);
	json_array_end(w);
}

static void write_changes(const struct plan *p, struct json_writer *w)
{
	json_array_begin(w);
	for (size_t i = 0; i < p->n_changes; i++) {
		const struct change *c = &p->changes[i];

		json_object_begin(w);
		json_write_key(w, "sign");
		json_write_stringn(w, &c->sign, 1);
		put_text(w, "object", c->object);
		put_text(w, "name", c->name);
		put_text(w, "detail", c->detail);
		put_text(w, "in", c->in);
		put_text(w, "theirs", c->theirs);
		json_object_end(w);
	}
	json_array_end(w);
}

static void write_touches(const struct plan *p, struct json_writer *w)
{
	json_array_begin(w);
	for (size_t i = 0; i < p->n_touches; i++) {
		json_object_begin(w);
		json_put_string(w, "id", p->touches[i].id);
		json_put_int(w, "generation", p->touches[i].generation);
		json_object_end(w);
	}
	json_array_end(w);
}

static void write_approvals(const struct plan *p, struct json_writer *w)
{
	json_object_begin(w);
	json_put_strlist(w, "approvals", &p->approvals);
	json_object_end(w);
}

void plan_write_body(const struct plan *p, struct buf *out)
{
	struct json_writer w;

	json_write_init(&w, out);
	json_object_begin(&w);
	json_write_key(&w, "edits");
	write_edits(p, &w);
	json_write_key(&w, "changes");
	write_changes(p, &w);
	json_write_key(&w, "touches");
	write_touches(p, &w);
	json_put_strlist(&w, "approvals", &p->approvals);
	json_put_strlist(&w, "warnings", &p->warnings);
	if (p->base)
		json_put_int(&w, "base", p->base);
	json_object_end(&w);
}

/* One part of the hash: its JSON, in a buffer of its own. */
static struct sha256_part part_of(const struct plan *p, struct buf *out,
				  void (*write)(const struct plan *p, struct json_writer *w))
{
	struct json_writer w;

	json_write_init(&w, out);
	write(p, &w);
	return (struct sha256_part){buf_text(out), out->len};
}

void plan_seal(struct plan *p)
{
	AUTO(buf_t) edits = {0}, changes = {0}, touches = {0}, approvals = {0};
	struct sha256_part parts[] = {
		{p->operation, strlen(p->operation)},    part_of(p, &edits, write_edits),
		part_of(p, &changes, write_changes),     part_of(p, &touches, write_touches),
		part_of(p, &approvals, write_approvals),
	};

	sha256_parts(parts, ARRAY_LEN(parts), p->hash);
}

/* ---- reading ---- */

static int damaged(struct err *e, const char *what)
{
	return err_set(e, ERR_INVALID, "the plan's body is damaged: %s", what);
}

static int read_id(const struct json *object, const char *key, char out[ID_SIZE], struct err *e)
{
	const char *id = json_get_string(object, key);

	if (!id || !str_copy(out, ID_SIZE, id))
		return damaged(e, key);
	return 0;
}

/* An optional string; another type than a string is damage. */
static int read_text(const struct json *object, const char *key, char **out, struct err *e)
{
	const struct json *v = json_get(object, key);

	if (v && !json_string(v))
		return damaged(e, key);
	str_set(out, json_string(v));
	return 0;
}

static int read_edit_kind(const struct json *v, enum edit_kind *kind, struct err *e)
{
	const char *name = json_get_string(v, "kind");

	for (int k = 0; k < EDIT_KINDS; k++)
		if (str_equal(edit_names[k], name)) {
			*kind = (enum edit_kind)k;
			return 0;
		}
	return damaged(e, "kind");
}

/* An optional number; absent it is 0. */
static int read_said(const struct json *object, const char *key, int64_t *n, struct err *e)
{
	const struct json *v = json_get(object, key);

	if (v && !json_int(v, n))
		return damaged(e, key);
	return 0;
}

/* Fills a zeroed edit, which is to be cleared even after a failure. */
static int fill_edit(struct edit *d, const struct json *v, struct err *e)
{
	if (read_edit_kind(v, &d->kind, e) < 0 || read_id(v, "id", d->id, e) < 0)
		return -1;
	for (size_t k = 0; k < ARRAY_LEN(edit_texts); k++)
		if (read_text(v, edit_texts[k].key, edit_text(d, k), e) < 0)
			return -1;
	if (!json_int(json_get(v, "replicas"), &d->replicas))
		return damaged(e, "replicas");
	if (read_said(v, "ttl", &d->ttl, e) < 0 || read_said(v, "priority", &d->priority, e) < 0 ||
	    read_said(v, "until_ms", &d->until_ms, e) < 0 ||
	    read_said(v, "for_ms", &d->for_ms, e) < 0 ||
	    read_said(v, "overwrites", &d->overwrites, e) < 0)
		return -1;
	d->proxied = json_get_bool(v, "proxied", false);
	for (size_t k = 0; k < ARRAY_LEN(edit_flags); k++)
		*edit_flag(d, k) = json_get_bool(v, edit_flags[k].key, false);
	return read_id(v, "tunnel_id", d->tunnel_id, e);
}

int edit_read(struct edit *d, const struct json *v, struct err *e)
{
	struct edit fresh = {.kind = EDIT_KINDS};

	if (fill_edit(&fresh, v, e) < 0) {
		edit_clear(&fresh);
		return -1;
	}
	*d = fresh;
	return 0;
}

static int read_edit(struct plan *p, const struct json *v, struct err *e)
{
	struct edit fresh;

	if (edit_read(&fresh, v, e) < 0)
		return -1;
	*plan_edit(p, fresh.kind, fresh.id) = fresh;
	return 0;
}

/* ---- edits by themselves ---- */

void edit_clear(struct edit *d)
{
	for (size_t k = 0; k < ARRAY_LEN(edit_texts); k++)
		free(*edit_text(d, k));
	memset(d, 0, sizeof(*d));
}

void edit_copy(struct edit *dst, const struct edit *src)
{
	*dst = *src;
	for (size_t k = 0; k < ARRAY_LEN(edit_texts); k++)
		*edit_text(dst, k) = str_dup(*edit_text(src, k));
}

static int read_change(struct plan *p, const struct json *v, struct err *e)
{
	const char *sign = json_get_string(v, "sign");
	const char *object = json_get_string(v, "object"), *name = json_get_string(v, "name");
	const char *detail = json_get_string(v, "detail");

	if (!sign || strlen(sign) != 1)
		return damaged(e, "sign");
	if (!object || !name)
		return damaged(e, "changes");
	if (detail)
		plan_change(p, *sign, object, name, "%s", detail);
	else
		plan_change(p, *sign, object, name, NULL);
	struct change *c = &p->changes[p->n_changes - 1];
	return read_text(v, "in", &c->in, e) < 0 ? -1 : read_text(v, "theirs", &c->theirs, e);
}

static int read_touch(struct plan *p, const struct json *v, struct err *e)
{
	char id[ID_SIZE];
	int64_t generation;

	if (read_id(v, "id", id, e) < 0)
		return -1;
	if (!json_int(json_get(v, "generation"), &generation))
		return damaged(e, "generation");
	plan_touch(p, id, generation);
	return 0;
}

typedef int read_item_fn(struct plan *p, const struct json *v, struct err *e);

static int read_items(struct plan *p, const struct json *list, read_item_fn *read_item,
		      struct err *e)
{
	if (json_type(list) != JSON_ARRAY || json_count(list) > BODY_ITEMS_MAX)
		return damaged(e, "a list is missing or too long");
	JSON_EACH (v, list)
		if (read_item(p, v, e) < 0)
			return -1;
	return 0;
}

static int read_approval(struct plan *p, const struct json *v, struct err *e)
{
	if (!json_string(v))
		return damaged(e, "approvals");
	strlist_add(&p->approvals, json_string(v));
	return 0;
}

static int read_warning(struct plan *p, const struct json *v, struct err *e)
{
	if (!json_string(v))
		return damaged(e, "warnings");
	strlist_add(&p->warnings, json_string(v));
	return 0;
}

static int read_body(struct plan *p, const struct json *root, struct err *e)
{
	if (read_items(p, json_get(root, "edits"), read_edit, e) < 0 ||
	    read_items(p, json_get(root, "changes"), read_change, e) < 0 ||
	    read_items(p, json_get(root, "touches"), read_touch, e) < 0 ||
	    read_items(p, json_get(root, "approvals"), read_approval, e) < 0)
		return -1;
	return read_items(p, json_get(root, "warnings"), read_warning, e);
}

int plan_read_body(struct plan *p, const char *text, size_t len, struct err *e)
{
	AUTO(json_doc_t) doc = NULL;
	AUTO(plan_t) fresh = plan_new("", "", NULL);

	if (json_parse(text, len, NULL, &doc, e) < 0 || read_body(fresh, json_root(doc), e) < 0)
		return -1;
	fresh->base = json_get_int(json_root(doc), "base", 0);
	plan_take_body(p, fresh);
	return 0;
}
