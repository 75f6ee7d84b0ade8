/* Single DNS records and how many there are. */
#include <string.h>

#include "base/secret.h"
#include "sim/record_edit.h"
#include "sim/routes.h"

#define CODE_NO_RECORD 81044

/* ---- JSON ---- */

static void write_raw_object(struct json_writer *w, const char *key, const char *text)
{
	json_write_key(w, key);
	json_write_raw(w, text, strlen(text));
}

void write_record(struct call *k, const void *item)
{
	const struct sim_record *r = item;
	struct json_writer *w = &k->w;
	bool cname = str_equal(r->type, "CNAME");

	json_object_begin(w);
	json_put_string(w, "id", r->id);
	json_put_string(w, "name", r->name);
	json_put_string(w, "type", r->type);
	json_put_string(w, "content", r->content);
	if (r->priority >= 0)
		json_put_int(w, "priority", r->priority);
	if (r->data)
		write_raw_object(w, "data", r->data);
	json_put_bool(w, "proxiable", record_type_proxiable(r->type));
	json_put_bool(w, "proxied", r->proxied);
	json_put_int(w, "ttl", r->ttl);
	write_raw_object(w, "settings",
			 r->settings ? r->settings : (cname ? "{\"flatten_cname\":false}" : "{}"));
	write_raw_object(w, "meta", r->read_only ? "{\"read_only\":true}" : "{}");
	json_put_string(w, "comment", r->comment);
	json_put_strlist(w, "tags", &r->tags);
	json_put_time(w, "created_on", r->created_ms);
	json_put_time(w, "modified_on", r->modified_ms);
	if (r->comment_ms)
		json_put_time(w, "comment_modified_on", r->comment_ms);
	if (r->tags_ms)
		json_put_time(w, "tags_modified_on", r->tags_ms);
	json_object_end(w);
}

/* ---- changes ---- */

int record_create(struct call *k, const struct json *body, struct sim_record **out,
		  struct refusal *f)
{
	struct sim_record *r = mem_alloc(sizeof *r);

	random_hex(r->id, 32);
	str_copy(r->maker, sizeof r->maker, call_maker(k));
	r->priority = -1;
	if (record_decode(k->zone, body, RECORD_POST, k->q->now_ms, r, f) < 0 ||
	    record_check(k->zone, r, f) < 0) {
		record_free(r);
		return -1;
	}
	map_set(&k->zone->records, r->id, r);
	call_touch(k, r->id, r->maker);
	*out = r;
	return 0;
}

static int no_record(struct refusal *f)
{
	return refuse(f, 404, CODE_NO_RECORD, "Record does not exist.");
}

static int read_only(struct refusal *f)
{
	return refuse(f, 400, CODE_OWN, "This record is managed by Cloudflare and is read-only.");
}

int record_change(struct call *k, const char *id, const struct json *body, enum record_write how,
		  struct sim_record **out, struct refusal *f)
{
	const struct sim_record *old = map_get(&k->zone->records, id);

	if (!old)
		return no_record(f);
	if (old->read_only)
		return read_only(f);
	struct sim_record *r = record_copy(old);
	if (record_decode(k->zone, body, how, k->q->now_ms, r, f) < 0 ||
	    record_check(k->zone, r, f) < 0) {
		record_free(r);
		return -1;
	}
	call_touch(k, r->id, r->maker);
	record_free(map_set(&k->zone->records, r->id, r));
	*out = r;
	return 0;
}

int record_take(struct call *k, const char *id, struct sim_record **out, struct refusal *f)
{
	struct sim_record *r = map_get(&k->zone->records, id);

	if (!r)
		return no_record(f);
	if (r->read_only)
		return read_only(f);
	(void)map_remove(&k->zone->records, id);
	call_touch(k, r->id, r->maker);
	*out = r;
	return 0;
}

/* ---- the calls ---- */

static void answer_record(struct call *k, int outcome, const struct sim_record *r,
			  const struct refusal *f)
{
	if (outcome < 0 || !r) {
		call_fail_at(k, f, NULL);
		return;
	}
	call_ok_begin(k);
	write_record(k, r);
	call_ok_end(k);
}

void answer_record_get(struct call *k)
{
	const struct sim_record *r = map_get(&k->zone->records, k->ids[1]);
	struct refusal f = {0};

	answer_record(k, r ? 0 : no_record(&f), r, &f);
}

void answer_record_create(struct call *k)
{
	struct sim_record *r = NULL;
	struct refusal f = {0};

	if (call_body(k) < 0)
		return;
	int outcome = record_create(k, k->body, &r, &f);
	answer_record(k, outcome, r, &f);
}

static void answer_change(struct call *k, enum record_write how)
{
	struct sim_record *r = NULL;
	struct refusal f = {0};

	if (call_body(k) < 0)
		return;
	int outcome = record_change(k, k->ids[1], k->body, how, &r, &f);
	answer_record(k, outcome, r, &f);
}

void answer_record_put(struct call *k)
{
	answer_change(k, RECORD_PUT);
}

void answer_record_patch(struct call *k)
{
	answer_change(k, RECORD_PATCH);
}

void answer_record_delete(struct call *k)
{
	struct sim_record *r = NULL;
	struct refusal f = {0};

	if (record_take(k, k->ids[1], &r, &f) < 0) {
		call_fail_at(k, &f, NULL);
		return;
	}
	call_ok_begin(k);
	json_object_begin(&k->w);
	json_put_string(&k->w, "id", r->id);
	json_object_end(&k->w);
	call_ok_end(k);
	record_free(r);
}

/* ---- usage ---- */

static void answer_usage(struct call *k, int64_t quota, int64_t used)
{
	call_ok_begin(k);
	json_object_begin(&k->w);
	json_write_key(&k->w, "record_quota");
	if (quota > 0)
		json_write_int(&k->w, quota);
	else
		json_write_null(&k->w);
	json_put_int(&k->w, "record_usage", used);
	json_object_end(&k->w);
	call_ok_end(k);
}

void answer_zone_usage(struct call *k)
{
	answer_usage(k, k->zone->record_quota, (int64_t)k->zone->records.count);
}

void answer_account_usage(struct call *k)
{
	int64_t used = 0;

	MAP_EACH (const struct sim_zone, z, &k->c->zones)
		if (str_equal(z->account, k->account->id))
			used += (int64_t)z->records.count;
	answer_usage(k, 0, used);
}
