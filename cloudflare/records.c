/* DNS records: requests, and what is believed of the answers. */
#include "cloudflare/records.h"

#include <string.h>
#include <strings.h>

#include "cloudflare/paths.h"
#include "model/record_data.h"

#define PAGE_ROWS   5000
#define RECORDS_MAX 50000 /* about 20 MiB of answers */
#define BATCH_FREE  200   /* steps of a batch, by the zone's plan */
#define BATCH_PAID  3500

/* ---- requests ---- */

static void record_find(struct cf *cf, struct cf_call *c, enum cf_share share, const char *object,
			const char *zone, const char *name, task_done_fn *done, void *owner)
{
	AUTO(str_t) encoded = percent_encode(name);
	AUTO(str_t) rest = str_format("?name.exact=%s&per_page=%d", encoded, PAGE_ROWS);
	AUTO(str_t) path = NULL;
	struct err e;

	if (path_records(zone, rest, &path, &e) < 0)
		cf_call_refuse(cf, c, &e, done, owner);
	else
		cf_call_start_with(cf, c, share, "GET", path, NULL, object, PERMISSION_DNS_READ,
				   CF_CALL_WHOLE, done, owner);
}

void cf_record_find(struct cf *cf, struct cf_call *c, const char *object, const char *zone,
		    const char *name, task_done_fn *done, void *owner)
{
	record_find(cf, c, CF_SHARE_RECONCILE, object, zone, name, done, owner);
}

void cf_record_ask(struct cf *cf, struct cf_call *c, const char *zone, const char *name,
		   task_done_fn *done, void *owner)
{
	record_find(cf, c, CF_SHARE_PEOPLE, NULL, zone, name, done, owner);
}

static void record_call(struct cf *cf, struct cf_call *c, const char *object, const char *zone,
			const char *id, const char *method, const char *body, task_done_fn *done,
			void *owner)
{
	const char *permission =
		str_equal(method, "GET") ? PERMISSION_DNS_READ : PERMISSION_DNS_EDIT;
	AUTO(str_t) path = NULL;
	struct err e;

	if (path_record(zone, id, &path, &e) < 0)
		cf_call_refuse(cf, c, &e, done, owner);
	else
		cf_call_start(cf, c, CF_SHARE_RECONCILE, method, path, body, object, permission,
			      done, owner);
}

void cf_record_get(struct cf *cf, struct cf_call *c, const char *object, const char *zone,
		   const char *id, task_done_fn *done, void *owner)
{
	record_call(cf, c, object, zone, id, "GET", NULL, done, owner);
}

static void put_given(struct json_writer *w, const char *key, const char *value)
{
	if (value)
		json_put_string(w, key, value);
}

/* The API's document wants type, name and ttl in a change as well; they say what it is already. */
static void put_body(const struct cf_record_body *body, struct json_writer *w)
{
	put_given(w, "type", body->type);
	put_given(w, "name", body->name);
	if (body->content && record_type_has_data(body->type))
		record_data_put(body->type, body->content, w);
	else
		put_given(w, "content", body->content);
	json_put_bool(w, "proxied", body->proxied);
	if (body->ttl > 0)
		json_put_int(w, "ttl", body->ttl);
	if (str_equal(body->type, "MX"))
		json_put_int(w, "priority", body->priority);
	put_given(w, "comment", body->comment);
}

static char *body_text(const struct cf_record_body *body)
{
	AUTO(buf_t) out = {0};
	struct json_writer w;

	json_write_init(&w, &out);
	json_object_begin(&w);
	put_body(body, &w);
	json_object_end(&w);
	return buf_steal(&out);
}

void cf_record_create(struct cf *cf, struct cf_call *c, const char *object, const char *zone,
		      const struct cf_record_body *body, task_done_fn *done, void *owner)
{
	AUTO(str_t) text = body_text(body);
	AUTO(str_t) path = NULL;
	struct err e;

	if (path_records(zone, "", &path, &e) < 0)
		cf_call_refuse(cf, c, &e, done, owner);
	else
		cf_call_start(cf, c, CF_SHARE_RECONCILE, "POST", path, text, object,
			      PERMISSION_DNS_EDIT, done, owner);
}

void cf_record_patch(struct cf *cf, struct cf_call *c, const char *object, const char *zone,
		     const char *id, const struct cf_record_body *body, task_done_fn *done,
		     void *owner)
{
	AUTO(str_t) text = body_text(body);

	record_call(cf, c, object, zone, id, "PATCH", text, done, owner);
}

void cf_record_comment(struct cf *cf, struct cf_call *c, const char *object, const char *zone,
		       const char *id, const char *comment, task_done_fn *done, void *owner)
{
	AUTO(buf_t) body = {0};
	struct json_writer w;

	json_write_init(&w, &body);
	json_object_begin(&w);
	json_put_string(&w, "comment", comment);
	json_object_end(&w);
	record_call(cf, c, object, zone, id, "PATCH", buf_text(&body), done, owner);
}

void cf_record_delete(struct cf *cf, struct cf_call *c, const char *object, const char *zone,
		      const char *id, task_done_fn *done, void *owner)
{
	record_call(cf, c, object, zone, id, "DELETE", NULL, done, owner);
}

/* ---- batches ---- */

static const char *const step_lists[CF_STEP_KINDS] = {"deletes", "patches", "posts"};

size_t cf_batch_max(const char *plan)
{
	static const char *const paid[] = {"pro", "business", "enterprise"};

	for (size_t i = 0; plan && i < ARRAY_LEN(paid); i++)
		if (strncasecmp(plan, paid[i], strlen(paid[i])) == 0)
			return BATCH_PAID;
	return BATCH_FREE;
}

static void put_step(const struct cf_step *s, struct json_writer *w)
{
	json_object_begin(w);
	put_given(w, "id", s->id);
	if (s->kind != CF_STEP_DELETE)
		put_body(&s->body, w);
	json_object_end(w);
}

static char *batch_text(const struct cf_step *steps, size_t n)
{
	AUTO(buf_t) out = {0};
	struct json_writer w;

	json_write_init(&w, &out);
	json_object_begin(&w);
	for (size_t kind = 0; kind < CF_STEP_KINDS; kind++) {
		json_write_key(&w, step_lists[kind]);
		json_array_begin(&w);
		for (size_t i = 0; i < n; i++)
			if (steps[i].kind == kind)
				put_step(&steps[i], &w);
		json_array_end(&w);
	}
	json_object_end(&w);
	return buf_steal(&out);
}

void cf_record_batch(struct cf *cf, struct cf_call *c, const char *zone,
		     const struct cf_step *steps, size_t n, task_done_fn *done, void *owner)
{
	AUTO(str_t) text = batch_text(steps, n);
	AUTO(str_t) object = str_format("zone %s", zone);
	AUTO(str_t) path = NULL;
	struct err e;

	if (path_records(zone, "/batch", &path, &e) < 0)
		cf_call_refuse(cf, c, &e, done, owner);
	else
		cf_call_start(cf, c, CF_SHARE_RECONCILE, "POST", path, text, object,
			      PERMISSION_DNS_EDIT, done, owner);
}

const struct json *cf_batch_row(const struct json *result, enum cf_step_kind kind, size_t nth)
{
	const struct json *row = json_first(json_get(result, step_lists[kind]));

	for (; row && nth > 0; nth--)
		row = json_next(row);
	return row;
}

/* ---- many ---- */

void cf_record_list(struct cf *cf, struct cf_page *p, enum cf_share share, const char *zone,
		    const char *filter, task_done_fn *done, void *owner)
{
	AUTO(str_t) rest = str_format("%s%s", filter ? "?" : "", filter ? filter : "");
	AUTO(str_t) path = NULL;
	struct err e;

	if (path_records(zone, rest, &path, &e) < 0)
		cf_page_refuse(cf, p, &e, done, owner);
	else
		cf_page_start(cf, p, share, path, PAGE_ROWS, RECORDS_MAX, PERMISSION_DNS_READ, done,
			      owner);
	if (p->task.err.kind == ERR_NONE && !filter)
		cf_page_decoded(p, cf_record_family());
}

void cf_record_usage(struct cf *cf, struct cf_call *c, enum cf_share share, const char *zone,
		     task_done_fn *done, void *owner)
{
	AUTO(str_t) path = NULL;
	struct err e;

	if (path_records(zone, "/usage", &path, &e) < 0)
		cf_call_refuse(cf, c, &e, done, owner);
	else
		cf_call_start(cf, c, share, "GET", path, NULL, NULL, PERMISSION_DNS_READ, done,
			      owner);
}

/* ---- answers ---- */

int cf_record_usage_read(const struct json *v, int64_t *usage, int64_t *quota, struct err *e)
{
	const struct json *most = json_get(v, "record_quota");
	int64_t n = -1, max = -1;

	if (!json_int(json_get(v, "record_usage"), &n) || n < 0 ||
	    (!json_is_null(most) && !json_int(most, &max)))
		return err_set(e, ERR_UPSTREAM,
			       "Cloudflare's answer does not tell how many records the zone has");
	*usage = n;
	*quota = max;
	return 0;
}

static int record_refuse(const char *what, struct err *e)
{
	return err_set(e, ERR_UPSTREAM, "Cloudflare's answer is no DNS record: %s", what);
}

/* A value is absent, null or of this type. */
static bool may_be(const struct json *v, enum json_type type)
{
	return json_is_null(v) || json_type(v) == type;
}

/* Not by strspn, which makes a table of the letters each time. */
static bool is_type(const char *text)
{
	size_t len = 0;

	while ((text[len] >= 'A' && text[len] <= 'Z') || (text[len] >= '0' && text[len] <= '9') ||
	       text[len] == '-')
		len++;
	return len <= 16 && !text[len];
}

/* ---- rows ---- */

enum member {
	RECORD_ID, /* first: a row is known by it */
	RECORD_NAME,
	RECORD_TYPE,
	RECORD_CONTENT,
	RECORD_COMMENT,
	RECORD_PROXIED,
	RECORD_TTL,
	RECORD_META,
	RECORD_LOCKED,
	RECORD_PRIORITY,
	RECORD_DATA,
	RECORD_MEMBERS
};

static const char *const member_names[RECORD_MEMBERS] = {
	[RECORD_ID] = "id",           [RECORD_NAME] = "name",
	[RECORD_TYPE] = "type",       [RECORD_CONTENT] = "content",
	[RECORD_COMMENT] = "comment", [RECORD_PROXIED] = "proxied",
	[RECORD_TTL] = "ttl",         [RECORD_META] = "meta",
	[RECORD_LOCKED] = "locked",   [RECORD_PRIORITY] = "priority",
	[RECORD_DATA] = "data",
};

static bool is_locked(const struct json *const *m)
{
	return json_get_bool(m[RECORD_META], "read_only", false) ||
	       json_bool(m[RECORD_LOCKED], false);
}

static int record_of(const struct json *const *m, struct cf_record *out, struct err *e)
{
	const char *id = json_string(m[RECORD_ID]);
	struct cf_record r = {
		.name = json_string(m[RECORD_NAME]),
		.type = json_string(m[RECORD_TYPE]),
		.content = json_string(m[RECORD_CONTENT]),
		.comment = json_string(m[RECORD_COMMENT]),
		.proxied = json_bool(m[RECORD_PROXIED], false),
		.locked = is_locked(m),
		.ttl = json_int_or(m[RECORD_TTL], 1),
		.priority = json_int_or(m[RECORD_PRIORITY], 0),
	};

	if (!id || !hex_valid(id, CF_ID_SIZE - 1) || !str_copy(r.id, sizeof(r.id), id))
		return record_refuse("its id is missing or malformed", e);
	if (!r.name || !*r.name || !r.type || !*r.type)
		return record_refuse("its name or type is missing", e);
	if (!is_type(r.type))
		return record_refuse("its type is none", e);
	if (!may_be(m[RECORD_CONTENT], JSON_STRING) || !may_be(m[RECORD_COMMENT], JSON_STRING) ||
	    !may_be(m[RECORD_PROXIED], JSON_BOOL) || !may_be(m[RECORD_TTL], JSON_NUMBER) ||
	    r.ttl < 1)
		return record_refuse("a member is of the wrong type", e);
	if (record_type_has_data(r.type))
		r.data = m[RECORD_DATA];
	if (r.data && !record_data_valid(r.type, r.data))
		return record_refuse("its data is not that of its type", e);
	if (!r.content)
		r.content = "";
	*out = r;
	return 0;
}

int cf_record_read(const struct json *v, struct cf_record *out, struct err *e)
{
	const struct json *members[RECORD_MEMBERS];

	if (json_type(v) != JSON_OBJECT)
		return record_refuse(json_type_name(json_type(v)), e);
	json_get_each(v, member_names, RECORD_MEMBERS, members);
	return record_of(members, out, e);
}

char *cf_record_content(const struct cf_record *r)
{
	return record_data_form(r->type, r->data, r->priority, r->content);
}

const char *cf_record_content_in(const struct cf_record *r, char **made)
{
	if (!record_type_has_fields(r->type))
		return r->content;
	return *made = cf_record_content(r);
}

/* ---- listed ---- */

struct record_decoded {
	struct cf_decoded head; /* first */
	struct cf_record record;
	char strings[];
};

static size_t string_size(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

/* Move what *s borrows to *room, and *room behind it. */
static void string_keep(const char **s, char **room)
{
	size_t n = string_size(*s);

	if (n == 0)
		return;
	*s = memcpy(*room, *s, n);
	*room += n;
}

/* Data is a tree, and rare: such a row is read anew each time. */
static struct cf_decoded *record_decode(const struct json *const *members)
{
	struct cf_record r;
	struct err e;

	if (record_of(members, &r, &e) < 0 || r.data)
		return NULL;
	size_t size = string_size(r.name) + string_size(r.type) + string_size(r.content) +
		      string_size(r.comment);
	struct record_decoded *d = mem_grow(NULL, sizeof(*d) + size, 1);
	char *room = d->strings;
	d->head.refs = 0;
	d->head.id = d->record.id;
	d->record = r;
	string_keep(&d->record.name, &room);
	string_keep(&d->record.type, &room);
	string_keep(&d->record.content, &room);
	string_keep(&d->record.comment, &room);
	return &d->head;
}

const struct cf_family *cf_record_family(void)
{
	static const struct cf_family family = {
		.members = member_names, .n_members = RECORD_MEMBERS, .decode = record_decode};

	return &family;
}

static const struct cf_record *record_decoded(const struct cf_page *p, const struct cf_row *row)
{
	bool ours = row->decoded && p->rows->family == cf_record_family();

	return ours ? &((const struct record_decoded *)(const void *)row->decoded)->record : NULL;
}

int cf_record_row(const struct cf_page *p, struct cf_row *row, struct cf_record *out, struct err *e)
{
	const struct cf_record *r = record_decoded(p, row);

	if (!r)
		return cf_record_read(cf_row_json(row), out, e);
	*out = *r;
	return 0;
}

int cf_record_each(const struct cf_page *p,
		   int (*each)(const struct cf_record *r, const struct err *why, void *owner),
		   void *owner)
{
	int rc = 0;

	for (size_t i = 0; p->rows && i < p->rows->n && rc == 0; i++) {
		struct cf_record r;
		struct err e;
		bool read = cf_record_row(p, &p->rows->items[i], &r, &e) == 0;

		rc = each(read ? &r : NULL, &e, owner);
	}
	return rc;
}

static struct cf_record_label record_label(const struct cf_page *p, struct cf_row *row)
{
	const struct cf_record *r = record_decoded(p, row);
	const struct json *v = r ? NULL : cf_row_json(row);

	if (r)
		return (struct cf_record_label){r->id, r->name, r->comment};
	return (struct cf_record_label){json_get_string(v, "id"), json_get_string(v, "name"),
					json_get_string(v, "comment")};
}

void cf_record_labels(const struct cf_page *p,
		      void (*each)(const struct cf_record_label *l, void *owner), void *owner)
{
	for (size_t i = 0; p->rows && i < p->rows->n; i++) {
		struct cf_record_label l = record_label(p, &p->rows->items[i]);

		each(&l, owner);
	}
}
