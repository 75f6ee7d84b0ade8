/* An adoption's DNS records: those of names that are routed here get our mark, nothing else. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ops/adopt_private.h"

/* A route of that name leads through the tunnel after the plan. */
static bool name_is_routed(const struct adopting *x, const char *name)
{
	for (size_t i = 0; i < x->rules.n; i++)
		if (x->items[i].fate != LEFT && str_equal(x->items[i].rule->hostname, name))
			return true;
	TABLE_EACH (i, struct route, r, &x->in->world->routes)
		if (x->row && str_equal(r->tunnel_id, x->row->id) && str_equal(r->hostname, name))
			return true;
	return false;
}

static void note_takes(struct edit *d, const struct adopt_record *r)
{
	char seen[SHA256_HEX_SIZE];
	AUTO(str_t)
	what = str_format("Adopts the record of %s: its comment begins with adit's mark.", r->name);
	record_seen_hash("CNAME", r->content, r->comment, r->proxied, r->ttl, 0, seen);
	str_set(&d->takes, NULL);
	record_takes_add(&d->takes, r->id, seen, what);
}

/* The user's text: without the mark of whoever had it. */
static const char *text_of(const struct adopt_record *r)
{
	const char *text = mark_text(r->comment);
	text = text ? text : r->comment;
	return text && *text ? text : NULL;
}

static void edit_record(struct adopting *x, const struct adopt_record *r, const struct record *row)
{
	struct edit *d = row ? plan_put_record(x->p, row) : plan_put_new(x->p, EDIT_RECORD_PUT);
	(void)str_copy(d->tunnel_id, ID_SIZE, x->tunnel_id);
	str_set(&d->name, r->name);
	str_set(&d->type, "CNAME");
	str_set(&d->content, NULL);
	str_set(&d->comment, text_of(r));
	d->proxied = r->proxied;
	d->ttl = r->ttl > 1 ? r->ttl : 0;
	str_set(&d->remote_id, r->id);
	str_set(&d->zone_id, r->zone_id);
	note_takes(d, r);
}

static void leave_record(struct adopting *x, const char *name, const char *fmt, ...) PRINTF(3, 4);
static void leave_record(struct adopting *x, const char *name, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO(str_t) why = str_vformat(fmt, ap);
	va_end(ap);
	plan_change(x->p, '=', "record", name, "left alone: %s", why);
}

static void tell_record(struct adopting *x, const struct adopt_record *r, const char *owner,
			const char *comment)
{
	plan_change(x->p, '+', "record", r->name, "%s%s%sits comment gets adit's mark",
		    owner ? "taken over from " : "", owner ? owner : "", owner ? "; " : "");
	plan_change_theirs(x->p, comment);
	if (!r->proxied)
		adopt_warn(x->p,
			   "The record of %s is not proxied, so nobody reaches the tunnel by it.",
			   r->name);
}

/* Our row for the name, if it may become this record. */
static int row_of(struct adopting *x, const struct adopt_record *r, const struct record **row)
{
	const struct record *mine = world_find_record(x->in->world, r->name, "CNAME");
	const struct record *clash =
		world_find_clash(x->in->world, r->name, "CNAME", mine ? mine->id : "");
	*row = mine;
	if (clash) {
		leave_record(x, r->name, "adit has a record of type %s of that name", clash->type);
		return -1;
	}
	if (mine &&
	    (mine->want != WANT_PRESENT || !x->row || !str_equal(mine->tunnel_id, x->row->id))) {
		leave_record(x, r->name, "adit's own record of that name is on its way elsewhere");
		return -1;
	}
	return 0;
}

static void take_record(struct adopting *x, const struct adopt_record *r)
{
	const struct system_facts *s = &x->in->world->system;
	const struct record *row;
	AUTO(str_t) owner = adopt_other_owner(x, r);
	AUTO(str_t) comment = NULL;
	struct err e;
	if (row_of(x, r, &row) < 0)
		return;
	if (row && strcasecmp(row->remote_id, r->id) == 0 &&
	    mark_is(r->comment, s->owner, s->install))
		return;
	if (mark_write(s->owner, s->install, text_of(r), &comment, &e) < 0) {
		leave_record(x, r->name,
			     "%s; nothing is cut: shorten it at Cloudflare and adopt again",
			     e.message);
		return;
	}
	tell_record(x, r, owner, comment);
	edit_record(x, r, row);
}

static void judge_record(struct adopting *x, const struct adopt_record *r)
{
	AUTO(str_t) owner = adopt_other_owner(x, r);
	if (owner && !adopt_takes_over(x, r, owner))
		leave_record(x, r->name, "it belongs to another adit, %s", owner);
	else if (!name_is_routed(x, r->name))
		leave_record(x, r->name, "no route of that name is adopted");
	else if (!x->in->args->records)
		leave_record(x, r->name, "records were not asked for");
	else
		take_record(x, r);
}

static bool has_record(const struct adopting *x, const char *name)
{
	for (size_t i = 0; i < x->in->n_records; i++)
		if (str_equal(x->in->records[i].name, name))
			return true;
	return false;
}

/* Names that are taken without a record that leads here, each once. */
static void tell_unled(struct adopting *x)
{
	struct strlist told = {NULL, 0};
	for (size_t i = 0; i < x->rules.n && !x->in->records_unknown; i++) {
		const char *name = x->rules.items[i].hostname;
		if (x->items[i].fate != TAKEN || has_record(x, name) || strlist_has(&told, name))
			continue;
		strlist_add(&told, name);
		plan_change(x->p, '=', "record", name,
			    "no record of that name leads to this tunnel; none is made");
	}
	strlist_free(&told);
}

void adopt_take_records(struct adopting *x)
{
	for (size_t i = 0; i < x->in->n_records; i++)
		judge_record(x, &x->in->records[i]);
	tell_unled(x);
}
