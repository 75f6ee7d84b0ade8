/* Gathering members, and showing what they hold. */
#include "ops/members.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/untrusted.h"
#include "base/utf8.h"

#define NAME_MAX_SHOWN 120 /* of a role */
#define ZONES_SHOWN    10  /* of a right, in its words */
#define RIGHT_ZONES    20  /* of a right, with details */
#define RIGHTS_SHOWN   40  /* of a member */

/* ---- gathering ---- */

static int group_named(const struct json *row, void *owner)
{
	struct members *m = owner;
	struct cf_group g;
	struct err e;

	if (cf_group_read(row, &g, &e) == 0 && g.name)
		free(map_set(&m->groups, g.id, str_dup(g.name)));
	return 0;
}

static void right_noted(const struct cf_right *r, void *owner)
{
	bool *nameless = owner;

	*nameless |= !r->name;
}

/* Stops at the first that has a right whose name is not told. */
static int nameless_found(const struct json *row, void *owner)
{
	struct members *m = owner;
	struct cf_member x;
	struct err e;

	if (cf_member_read(row, &x, &e) == 0)
		cf_member_rights(&x, NULL, right_noted, &m->nameless);
	return m->nameless;
}

bool members_gather(struct call *c, struct gather *g, struct members *m, const char *account,
		    const char *query)
{
	const struct cf_target target = {.account = account, .query = query};

	m->world = c->ops->world;
	if (!m->read) {
		m->read = gather_read(g, CF_SOURCE_MEMBERS, &target) + 1;
		return false;
	}
	if (gather_error(g, m->read - 1)) {
		gather_fail(c, g, m->read - 1);
		return false;
	}
	if (!m->looked) {
		m->looked = true;
		gather_each(g, m->read - 1, nameless_found, m, NULL);
		return false;
	}
	if (m->nameless && !m->groups_read) {
		m->groups_read =
			gather_read(g, CF_SOURCE_GROUPS, &(struct cf_target){.account = account}) +
			1;
		return false;
	}
	if (m->groups_read && !m->named) {
		m->named = true;
		m->groups_error = gather_error(g, m->groups_read - 1);
		gather_each(g, m->groups_read - 1, group_named, m, NULL);
		return false;
	}
	return true;
}

void members_each(struct gather *g, const struct members *m,
		  int (*row)(const struct json *row, void *owner), void *owner, gathered_fn *then)
{
	gather_each(g, m->read - 1, row, owner, then);
}

size_t members_count(const struct gather *g, const struct members *m)
{
	return cf_listing_count(gather_listing(g, m->read - 1));
}

void members_free(struct members *m)
{
	const struct map_entry *e;

	for (size_t i = 0; (e = map_next(&m->groups, &i)) != NULL;)
		free(e->value);
	map_free(&m->groups);
}

struct rights {
	const struct members *m;
	right_fn *right;
	void *owner;
};

static const char *group_name(const char *id, void *owner)
{
	const struct rights *x = owner;

	return map_get(&x->m->groups, id);
}

static void right_told(const struct cf_right *r, void *owner)
{
	const struct rights *x = owner;

	x->right(x->m, r, x->owner);
}

void members_rights(const struct members *m, const struct cf_member *x, right_fn *right,
		    void *owner)
{
	cf_member_rights(x, group_name, right_told, &(struct rights){m, right, owner});
}

/* ---- what a member may ---- */

void powers_add(struct powers *p, const struct cf_right *r)
{
	p->super |= cf_right_is_super(r);
	for (int i = 0; i < CF_POWERS; i++)
		p->gives[i] |= cf_right_gives(r, (enum cf_power)i);
}

static void right_summed(const struct members *m, const struct cf_right *r, void *owner)
{
	(void)m;
	powers_add(owner, r);
}

void members_powers(const struct members *m, const struct cf_member *x, struct powers *out)
{
	*out = (struct powers){.super = false};
	members_rights(m, x, right_summed, out);
}

void put_powers(struct json_writer *w, const struct powers *p)
{
	json_put_bool(w, "super_administrator", p->super);
	json_write_key(w, "can");
	json_array_begin(w);
	for (int i = 0; i < CF_POWERS; i++)
		if (p->gives[i])
			json_write_string(w, cf_power_name((enum cf_power)i));
	json_array_end(w);
}

/* ---- in words ---- */

struct zones {
	const struct world *world;
	struct strlist names;
	bool account, other;
};

static void zone_reached(enum cf_reach what, const char *id, void *owner)
{
	struct zones *z = owner;
	const struct zone *known = id ? world_zone(z->world, id) : NULL;

	z->account |= what == CF_REACH_ACCOUNT;
	z->other |= what == CF_REACH_OTHER;
	if (id && !strlist_has(&z->names, known ? known->name : id))
		strlist_add(&z->names, known ? known->name : id);
}

static void zones_of(const struct members *m, const struct cf_right *r, struct zones *z)
{
	*z = (struct zones){.world = m->world};
	cf_right_reach(r, zone_reached, z);
}

static void right_words(const struct members *m, const struct cf_right *r, struct buf *out)
{
	const char *name = r->name ? r->name : r->id;
	size_t len = strlen(name);
	AUTO(str_t)
	shown = str_ndup(name, len > NAME_MAX_SHOWN ? utf8_whole(name, NAME_MAX_SHOWN) : len);
	struct zones z;

	text_printable(shown);
	(void)buf_printf(out, "%s%s", r->denies ? "not " : "", shown);
	zones_of(m, r, &z);
	for (size_t i = 0; !z.account && i < z.names.n && i < ZONES_SHOWN; i++)
		(void)buf_printf(out, "%s%s", i ? ", " : " on ", z.names.items[i]);
	if (!z.account && z.names.n > ZONES_SHOWN)
		(void)buf_printf(out, " and %zu more", z.names.n - ZONES_SHOWN);
	if (!z.account && z.other)
		(void)buf_str(out, z.names.n ? " and more" : " on a part of the account");
	strlist_free(&z.names);
}

/* ---- as JSON ---- */

const char *second_factor_word(enum cf_told t)
{
	switch (t) {
	case CF_TOLD_YES:
		return "on";
	case CF_TOLD_NO:
		return "off";
	case CF_NOT_TOLD:
		break;
	}
	return "unknown";
}

char *member_name(const struct cf_member *x)
{
	if (!x->first || !x->last)
		return str_dup(x->first ? x->first : x->last);
	return str_format("%s %s", x->first, x->last);
}

static void right_added(const struct members *m, const struct cf_right *r, void *owner)
{
	struct strlist *shown = owner;
	AUTO(buf_t) words = {0};

	if (shown->n > RIGHTS_SHOWN)
		return;
	right_words(m, r, &words);
	if (!strlist_has(shown, buf_text(&words)))
		strlist_add(shown, shown->n < RIGHTS_SHOWN ? buf_text(&words) : "and more");
}

void members_words(const struct members *m, const struct cf_member *x, struct strlist *out)
{
	members_rights(m, x, right_added, out);
}

void put_member(const struct members *m, const struct cf_member *x, struct json_writer *w)
{
	AUTO(str_t) name = member_name(x);
	AUTO(strlist_t) roles = {0};
	struct powers powers;

	json_put_string(w, "id", x->id);
	json_put_untrusted(w, "untrusted_email", x->email);
	json_put_untrusted(w, "untrusted_name", name);
	json_put_string(w, "status", cf_member_status_name(x->status));
	json_put_string(w, "two_factor", second_factor_word(x->two_factor));
	members_powers(m, x, &powers);
	put_powers(w, &powers);
	members_words(m, x, &roles);
	json_put_strlist(w, "untrusted_roles", &roles);
}

static void right_put(const struct members *m, const struct cf_right *r, void *owner)
{
	struct json_writer *w = owner;
	AUTO(buf_t) words = {0};
	struct zones z;

	cf_permission_words(r->permissions, &words);
	zones_of(m, r, &z);
	json_object_begin(w);
	json_put_string(w, "kind", r->resources ? "policy" : "role");
	if (r->id)
		json_put_string(w, "id", r->id);
	json_put_untrusted(w, "untrusted_name", r->name);
	json_put_bool(w, "denies", r->denies);
	if (words.len)
		json_put_string(w, "permissions", buf_text(&words));
	json_put_string(w, "reaches", z.account ? "account" : z.other ? "unknown" : "zones");
	if (z.names.n > RIGHT_ZONES)
		json_put_int(w, "zones_total", (int64_t)z.names.n);
	json_put_strlist(w, "zones",
			 &(struct strlist){z.names.items,
					   z.names.n < RIGHT_ZONES ? z.names.n : RIGHT_ZONES});
	json_object_end(w);
	strlist_free(&z.names);
}

void put_rights(const struct members *m, const struct cf_member *x, struct json_writer *w)
{
	json_write_key(w, "rights");
	json_array_begin(w);
	members_rights(m, x, right_put, w);
	json_array_end(w);
}
