/* Handlers: DNS records and zones. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/untrusted.h"
#include "cloudflare/records.h"
#include "model/render.h"
#include "ops/find.h"
#include "ops/gather.h"
#include "ops/sight.h"

static bool record_fits(const struct dns_list_args *a, const char *name, const char *type)
{
	return (!a->name || strcasecmp(a->name, name) == 0) &&
	       (!a->type || strcasecmp(a->type, type) == 0);
}

static void row_record(const void *row, struct json_writer *w, const void *owner)
{
	render_record(owner, row, w);
}

static void list_known(struct call *c)
{
	const struct dns_list_args *a = c->args;
	const struct world *w = call_world(c);
	struct list_answer l;
	if (list_begin(c, (const struct list_args *)a, &l) < 0) {
		call_fail(c);
		return;
	}
	TABLE_EACH (i, struct record, r, &w->records)
		if (record_fits(a, r->name, r->type))
			list_row(&l, row_record, r, w);
	list_end(&l, "model", clock_wall_ms());
}

/* ---- all records of a zone, asked now ---- */

struct listing {
	struct cf_page page;
	char zone_id[CF_ID_SIZE];
	char *zone_name;
	struct map own; /* our records by their ids at Cloudflare */
	struct list_answer l;
};

static void listing_drop(struct call *c)
{
	struct listing *x = c->state;
	cf_page_cancel(&x->page);
	cf_page_reset(&x->page);
	map_free(&x->own);
	free(x->zone_name);
	free(x);
	c->state = NULL;
}

/* From the end, so that of two the first one stays. */
static void map_own(struct listing *x, const struct world *w)
{
	x->own.borrows = true;
	for (size_t i = w->records.n; i-- > 0;) {
		struct record *r = w->records.items[i];
		if (r->remote_id[0])
			(void)map_set(&x->own, r->remote_id, r);
	}
}

/* Our row for a record of Cloudflare's: by id and mark. */
static const struct record *own_record(const struct listing *x, const struct world *w,
				       const struct cf_record *r)
{
	bool marked = mark_is(r->comment, w->system.owner, w->system.install);
	return marked ? map_get(&x->own, r->id) : NULL;
}

struct foreign {
	const struct cf_record *record;
	const char *zone;
};

static void row_foreign(const void *row, struct json_writer *w, const void *owner)
{
	const struct foreign *f = row;
	(void)owner;
	json_object_begin(w);
	json_put_string(w, "remote_id", f->record->id);
	if (text_is_plain(f->record->name))
		json_put_string(w, "name", f->record->name);
	else
		json_put_untrusted(w, "untrusted_name", f->record->name);
	json_put_string(w, "type", f->record->type);
	json_put_untrusted(w, "untrusted_content", f->record->content);
	json_put_bool(w, "proxied", f->record->proxied);
	json_put_int(w, "ttl", f->record->ttl);
	json_put_string(w, "zone", f->zone);
	json_put_bool(w, "owned", false);
	json_put_untrusted(w, "untrusted_comment", f->record->comment);
	json_object_end(w);
}

static int listed_row(const struct cf_record *r, const struct err *why, void *owner)
{
	(void)why;
	struct call *c = owner;
	struct listing *x = c->state;
	const struct dns_list_args *a = c->args;
	if (!r || !record_fits(a, r->name, r->type))
		return 0;
	const struct world *w = call_world(c);
	const struct record *own = own_record(x, w, r);
	if (own)
		list_row(&x->l, row_record, own, w);
	else if (!a->owned && sight_foreign(c->ops, &c->who, r->name))
		list_row(&x->l, row_foreign, &(struct foreign){r, x->zone_name}, NULL);
	return 0;
}

static void zone_listed(struct task *t, void *owner)
{
	struct call *c = owner;
	struct listing *x = c->state;
	const struct dns_list_args *a = c->args;
	if (t->err.kind != ERR_NONE) {
		c->task.err = t->err;
		call_fail(c);
		return;
	}
	if (list_begin(c, (const struct list_args *)a, &x->l) < 0) {
		call_fail(c);
		return;
	}
	struct list_answer *l = &x->l;
	map_own(x, call_world(c));
	(void)cf_record_each(&x->page, listed_row, c);
	list_end(l, "api", clock_wall_ms());
}

void run_dns_list(struct call *c)
{
	const struct dns_list_args *a = c->args;
	if (!a->zone) {
		list_known(c);
		return;
	}
	const struct zone *z = find_zone(c, a->zone);
	if (!z)
		return;
	struct listing *x = mem_alloc(sizeof(*x));
	(void)str_copy(x->zone_id, sizeof(x->zone_id), z->id);
	x->zone_name = str_dup(z->name);
	c->state = x;
	c->drop_state = listing_drop;
	cf_record_list(c->ops->cf, &x->page, CF_SHARE_PEOPLE, x->zone_id, NULL, zone_listed, c);
}

static void row_zone(const void *row, struct json_writer *w, const void *owner)
{
	(void)owner;
	render_zone(row, w);
}

/* account NULL: of whichever. */
static void list_zones(struct call *c, const char *account)
{
	const struct zone_list_args *a = c->args;
	struct list_answer l;
	if (list_begin(c, (const struct list_args *)a, &l) < 0) {
		call_fail(c);
		return;
	}
	const struct world *w = call_world(c);
	TABLE_EACH (i, struct zone, z, &w->zones)
		if ((!a->name || strcasestr(z->name, a->name)) &&
		    (!a->status || str_equal(z->status, a->status)) &&
		    (!a->plan || (z->plan && strcasestr(z->plan, a->plan))) &&
		    (!account || strcasecmp(z->account_id, account) == 0))
			list_row(&l, row_zone, z, NULL);
	list_end(&l, "model", c->ops->world->system.zones_listed_ms);
}

static void account_came(struct call *c, struct gather *g)
{
	const struct zone_list_args *a = c->args;
	const char *account;
	if (gather_account(c, g, a->account, &account))
		list_zones(c, account);
}

/* What accounts there are, not everybody may see who sees zones. */
static void find_account(struct call *c)
{
	const struct op *lists = op_find("account_list");
	if (principal_policy(&c->who, lists) == POLICY_NONE) {
		if (gather_whole_account(c))
			account_came(c, gather_begin(c, false, account_came));
		return;
	}
	(void)err_set(&c->task.err, ERR_DENIED,
		      "account: finding it by its name takes %s, which %s may not call",
		      lists->name, c->who.name);
	(void)err_hint(&c->task.err, "Name it by its id, 32 hexadecimal digits.");
	c->policy = principal_policy(&c->who, lists);
	call_fail(c);
}

void run_zone_list(struct call *c)
{
	const struct zone_list_args *a = c->args;
	const struct system_facts *s = &c->ops->world->system;
	if (!s->zones_listed_ms) {
		c->wide = true; /* what is wrong may be about any zone */
		if (s->access_problem)
			c->task.err = s->access_problem->err;
		else
			(void)err_set(&c->task.err, ERR_BUSY, "The zones have not been listed yet");
		call_fail(c);
	} else if (a->account && !hex_valid(a->account, CF_ID_SIZE - 1)) {
		find_account(c);
	} else {
		list_zones(c, a->account);
	}
}
