#include "reconcile/audit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "reconcile/overwritten.h"

#define KEY_SINCE "audit_since"
/* A configuration that was read this long after an entry's time holds what the entry tells. */
#define READ_SINCE_MS (60 * 1000)
#define TIME_STEP_MS  1000

/* ---- life ---- */

static int64_t stored_since(struct store *s, int64_t now)
{
	AUTO(str_t) text = store_get_meta(s, KEY_SINCE);
	int64_t since;
	struct err e;
	if (!text || time_parse(text, now, &since, &e) < 0 || since > now)
		return now - AUDIT_OVERLAP_MS;
	return since;
}

void audit_init(struct audit *a, struct world *w, struct store *s, struct cf *cf)
{
	*a = (struct audit){.world = w, .store = s, .cf = cf};
	a->since_ms = stored_since(s, clock_wall_ms());
	misuse_init(&a->misuse, w, s, cf);
}

void audit_fini(struct audit *a)
{
	map_free(&a->seen);
	strlist_free(&a->due);
	misuse_fini(&a->misuse);
}

static void keep_since(const struct audit *a)
{
	char text[TEXT_TIME_SIZE];
	struct err e;
	time_format(a->since_ms, text);
	if (store_begin(a->store, &e) == 0) {
		if (store_set_meta(a->store, KEY_SINCE, text, &e) == 0 &&
		    store_commit(a->store, &e) == 0)
			return;
		store_rollback(a->store);
	}
	log_debug("how far the audit log was read is not kept: %s", e.message);
}

/* ---- asking ---- */

static bool has_ours(const struct world *w)
{
	TABLE_EACH (i, struct tunnel, t, &w->tunnels)
		if (t->remote_id[0])
			return true;
	TABLE_EACH (j, struct record, r, &w->records)
		if (r->remote_id[0])
			return true;
	return false;
}

void audit_begin(struct audit *a)
{
	a->look_began_ms = clock_wall_ms();
	a->look_due = false;
	misuse_begin(&a->misuse);
}

bool audit_wanted(const struct audit *a)
{
	return clock_mono_ms() >= a->refused_until_ms && has_ours(a->world);
}

void audit_list(struct audit *a, struct cf_page *p, task_done_fn *done, void *owner)
{
	static const struct cf_audit_filter changes[] = {{"action_type.not", "view"}};
	int64_t now = clock_wall_ms();
	/* A clock that was set back must not ask for a time that ends before it begins. */
	if (a->since_ms > now - AUDIT_OVERLAP_MS)
		a->since_ms = now - AUDIT_OVERLAP_MS;
	cf_audit_list(a->cf, p, CF_SHARE_READS, a->since_ms, now + 1000, changes,
		      ARRAY_LEN(changes), done, owner);
}

/* ---- one entry ---- */

static struct tunnel *tunnel_of(const struct audit *a, const struct cf_audit_entry *x)
{
	char id[UUID_SIZE];
	cf_audit_uri_id(x, "cfd_tunnel", id, sizeof(id));
	if (!id[0])
		cf_audit_uri_id(x, "tunnels", id, sizeof(id));
	const char *named = id[0] ? id : x->resource_id;
	if (!named || !uuid_valid(named))
		return NULL;
	TABLE_EACH (i, struct tunnel, t, &a->world->tunnels)
		if (t->remote_id[0] && str_equal(t->remote_id, named))
			return t;
	return NULL;
}

static struct record *record_of(const struct audit *a, const struct cf_audit_entry *x)
{
	char id[CF_ID_SIZE];
	cf_audit_uri_id(x, "dns_records", id, sizeof(id));
	const char *named = id[0] && !str_equal(id, "batch") ? id : x->resource_id;
	if (!named || !hex_valid(named, CF_ID_SIZE - 1))
		return NULL;
	TABLE_EACH (i, struct record, r, &a->world->records)
		if (r->remote_id[0] && str_equal(r->remote_id, named))
			return r;
	return NULL;
}

static void note_actor(struct drift_actor *who, const struct cf_audit_entry *x)
{
	if (x->time_ms < who->at_ms)
		return;
	free(who->text);
	who->text = cf_audit_actor(x);
	who->at_ms = x->time_ms;
}

/* What else the log may say of a tunnel (its token was read, its connections were closed) leaves
 * the configuration as it is; an entry without a path may be about anything. */
static bool about_config(const struct cf_audit_entry *x)
{
	const char *type = x->resource_type;
	if (x->uri)
		return strstr(x->uri, "/configurations") != NULL;
	return !type || strcasestr(type, "config") || !strcasestr(type, "connection");
}

bool audit_reads(const struct tunnel *t)
{
	return t->want == WANT_PRESENT && t->remote_id[0] && !t->joined && t->config_version > 0 &&
	       !t->observed.gone;
}

static void take_config(struct audit *a, struct tunnel *t, const struct cf_audit_entry *x)
{
	note_actor(&t->observed.config_actor, x);
	if (!audit_reads(t) || t->observed.config_due || strlist_has(&a->due, t->id) ||
	    t->observed.config_seen_ms > x->time_ms + READ_SINCE_MS)
		return;
	strlist_add(&a->due, t->id);
}

/* Does a listing of ours hold what it is about? */
static bool is_listed(const struct audit *a, const struct cf_audit_entry *x)
{
	char zone[CF_ID_SIZE];
	cf_audit_uri_id(x, "zones", zone, sizeof(zone));
	const char *id = zone[0] ? zone : x->zone_id;
	if (!id || (x->uri && !strstr(x->uri, "/dns_records")))
		return false;
	TABLE_EACH (i, struct record, r, &a->world->records)
		if (r->remote_id[0] && str_equal(r->zone_id, id))
			return true;
	return false;
}

/* A time that is told in whole seconds may be later by one. */
static bool came_unseen(const struct record *r, const struct cf_audit_entry *x)
{
	int64_t after = r->observed.wrote_after_ms;
	int64_t latest = x->time_ms % TIME_STEP_MS ? x->time_ms : x->time_ms + TIME_STEP_MS - 1;
	return after && latest >= after && x->time_ms <= r->observed.wrote_ms;
}

static void take_record(struct audit *a, struct record *r, const struct cf_audit_entry *x)
{
	AUTO(str_t) actor = NULL;
	note_actor(&r->observed.drift.actor, x);
	if (!a->store || !came_unseen(r, x))
		return;
	actor = cf_audit_actor(x);
	overwritten_unseen(a->store, r, actor);
	r->observed.wrote_after_ms = 0;
}

/* A batch does not tell which records of the zone it was about. */
static void take_batch(struct audit *a, const struct cf_audit_entry *x)
{
	char zone[CF_ID_SIZE];
	cf_audit_uri_id(x, "zones", zone, sizeof(zone));
	const struct zone *z = world_zone(a->world, zone);
	/* Another host of ours writes there all day. */
	if (z && a->misuse.fleet_size <= 1 && x->uri && str_ends(x->uri, "/dns_records/batch"))
		misuse_take(&a->misuse, x, OBJECT_ZONE, z->id, z->name);
}

static void judge(struct audit *a, const struct cf_audit_entry *x, const struct tunnel *t,
		  const struct record *r)
{
	if (t)
		misuse_take(&a->misuse, x, OBJECT_TUNNEL, t->id, t->name);
	else if (r)
		misuse_take(&a->misuse, x, OBJECT_RECORD, r->id, r->name);
	else
		take_batch(a, x);
}

void audit_take(struct audit *a, const struct cf_audit_entry *x)
{
	struct tunnel *t = tunnel_of(a, x);
	struct record *r = t ? NULL : record_of(a, x);
	bool listed = t || is_listed(a, x);
	if (x->failed || x->action == CF_AUDIT_VIEW || (!listed && !r) || misuse_own(&a->misuse, x))
		return;
	if (x->time_ms >= a->look_began_ms && listed)
		a->look_due = true;
	judge(a, x, t, r);
	if (t && about_config(x))
		take_config(a, t, x);
	else if (t)
		note_actor(&t->observed.drift.actor, x);
	else if (r)
		take_record(a, r, x);
}

/* ---- a listing ---- */

struct taking {
	struct audit *a;
	struct map ids;
	int64_t newest_ms;
};

static int take_row(const struct json *row, void *owner)
{
	struct taking *k = owner;
	struct cf_audit_entry x;
	struct err e;
	if (cf_audit_read(row, &x, &e) < 0)
		return 0;
	if (x.time_ms > k->newest_ms && x.time_ms <= clock_wall_ms())
		k->newest_ms = x.time_ms;
	(void)map_set(&k->ids, x.id, k);
	if (!map_get(&k->a->seen, x.id))
		audit_take(k->a, &x);
	return 0;
}

static void take_listing(struct audit *a, const struct cf_page *p)
{
	struct taking k = {.a = a};
	(void)cf_page_each(p, take_row, &k);
	map_free(&a->seen);
	a->seen = k.ids;
	if (k.newest_ms - AUDIT_OVERLAP_MS <= a->since_ms)
		return;
	a->since_ms = k.newest_ms - AUDIT_OVERLAP_MS;
	keep_since(a);
}

/* It is not for this token, or not to be had at all. */
static bool is_refusal(const struct err *e)
{
	/* Without a token, or with a bad one, nothing is said of this. */
	if (cf_about_token(e) || (e->kind == ERR_DENIED && !e->cloudflare.status))
		return false;
	return !e->retryable && e->kind != ERR_TIMEOUT && e->kind != ERR_RATE_LIMITED;
}

static void put_state(struct world *w, enum audit_state state)
{
	if (w->system.audit == state)
		return;
	w->system.audit = state;
	world_changed(w, OBJECT_SYSTEM, "");
}

static void refused(struct audit *a, const struct err *why)
{
	a->refused_until_ms = clock_mono_ms() + AUDIT_SELDOM_MS;
	/* More than is taken may have come together: what is too old is left to the sweep. */
	a->since_ms = clock_wall_ms() - AUDIT_OVERLAP_MS;
	if (a->world->system.audit != AUDIT_DENIED && why->kind == ERR_DENIED)
		log_info("the audit log is not read, since the token may not; that is optional");
	put_state(a->world, why->kind == ERR_DENIED ? AUDIT_DENIED : AUDIT_UNAVAILABLE);
}

void audit_listed(struct audit *a, const struct cf_page *p, const struct err *why)
{
	if (why->kind == ERR_NONE) {
		a->refused_until_ms = 0;
		take_listing(a, p);
		put_state(a->world, AUDIT_READ);
	} else if (is_refusal(why))
		refused(a, why);
	else
		log_debug("the audit log was not read: %s", why->message);
}

size_t audit_release(struct audit *a, size_t n)
{
	struct strlist later = {0};
	size_t released = 0;
	for (size_t i = 0; i < a->due.n; i++) {
		struct tunnel *t = world_tunnel(a->world, a->due.items[i]);
		if (!t || !audit_reads(t) || t->observed.config_due)
			continue;
		if (released == n) {
			strlist_add(&later, t->id);
			continue;
		}
		released++;
		t->observed.config_due = true;
		world_changed(a->world, OBJECT_TUNNEL, t->id);
	}
	strlist_free(&a->due);
	a->due = later;
	return released;
}
