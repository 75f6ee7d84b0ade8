/* Handlers: DNS records that lead to no tunnel. A route's record is its route's business. */
#include <stdlib.h>

#include "cloudflare/records.h"
#include "model/render.h"
#include "ops/find.h"
#include "ops/inside.h"
#include "ops/record_wish.h"
#include "ops/release.h"
#include "ops/scope.h"
#include "ops/sight.h"
#include "ops/write.h"

/* ---- what stands in the way ---- */

static int refuse_unmarked(const struct record *r, struct err *e)
{
	(void)err_set(
		e, ERR_CONFLICT,
		"The %s record of %s no longer bears adit's mark, so nothing is written to it",
		r->type, r->name);
	return err_hint(
		e,
		"Put the mark back at the beginning of its comment if it is adit's, or set it "
		"again with --overwrite %s.",
		r->remote_id);
}

static int refuse_routes(const struct record *r, struct err *e)
{
	(void)err_set(e, ERR_CONFLICT, "%s has a route's record (%s), which dns_set leaves alone",
		      r->name, r->type);
	return err_hint(e, "Use route_set (adit route set %s SERVICE).", r->name);
}

/* One record of a name and type; an A, AAAA or CNAME of ours beside it may shut it out. */
static int check_clash(const struct world *w, const struct record_wish *x, const char *id,
		       struct err *e)
{
	const struct record *other = world_find_clash(w, x->name, x->type, id);
	if (!other)
		return 0;
	if (other->tunnel_id[0])
		return refuse_routes(other, e);
	(void)err_set(e, ERR_CONFLICT,
		      "%s has more than one record of adit's that a %s record would shut out (%s)",
		      x->name, x->type, other->type);
	return err_hint(e, "Delete it first: adit dns delete %s %s.", other->name, other->type);
}

/* The record that is meant: of that type, else the one of ours whose place it takes. */
static const struct record *record_meant(const struct world *w, const struct record_wish *x)
{
	const struct record *r = world_find_record(w, x->name, x->type);
	return r ? r : world_find_clash(w, x->name, x->type, "");
}

static int check_own(const struct record *r, const struct record_wish *x,
		     const struct strlist *overwrite, struct err *e)
{
	if (!r)
		return 0;
	if (r->tunnel_id[0])
		return refuse_routes(r, e);
	if (record_is_unmarked(r) && !r->takes && !strlist_has(overwrite, r->remote_id))
		return refuse_unmarked(r, e);
	/* What a lost POST made is known again by its content. */
	if (r->create_sent_ms &&
	    !(str_equal(r->type, x->type) && record_content_same(r->type, r->content, x->content)))
		return err_set(e, ERR_BUSY,
			       "The record of %s is being created; change it when that is over",
			       r->name);
	return 0;
}

/* ---- dns_set ---- */

static void tell_change(struct plan *p, const struct record *r, const struct record_wish *x)
{
	AUTO(buf_t) was = {0}, is = {0};
	record_wish_tell(x, &is);
	if (!r) {
		plan_change(p, '+', "record", x->name, "%s", buf_text(&is));
		return;
	}
	record_tell(r, &was);
	plan_change(p, '~', "record", x->name, "from %s to %s", buf_text(&was), buf_text(&is));
}

/* Who wanted a second one beside it shall see that it takes the first one's place. */
static void warn_replaced(struct plan *p, const struct record *r, const struct record_wish *x)
{
	if (r->want == WANT_ABSENT || str_equal(x->type, "CNAME") || !str_equal(r->type, x->type) ||
	    record_content_same(x->type, r->content, x->content))
		return;
	AUTO(str_t)
	warning = str_format("adit keeps one %s record of a name: this takes the place of %s.",
			     x->type, r->content ? r->content : "nothing");
	strlist_add(&p->warnings, warning);
}

static void edit_record(struct plan *p, const struct record *r, const struct record_wish *x,
			const struct dns_set_args *a)
{
	bool ours = r && record_is_ours(r) && str_equal(r->type, x->type);
	bool takes = a->overwrite.n && !ours;
	if (ours)
		record_warn_takes(p, r, &a->overwrite);
	if (r && record_wish_same(r, x) && policy_is(r->drift, a->drift) && !takes) {
		plan_touch(p, r->id, r->generation);
		return;
	}
	struct edit *ed = r ? plan_put_record(p, r) : plan_put_new(p, EDIT_RECORD_PUT);
	record_wish_put(ed, r, x);
	if (a->drift)
		str_set(&ed->drift, policy_said(a->drift));
	if (takes)
		record_name_takes(ed, &a->overwrite);
	tell_change(p, r, x);
	if (r)
		warn_replaced(p, r, x);
}

void run_dns_set(struct call *c)
{
	const struct dns_set_args *a = c->args;
	const struct world *w = call_world(c);
	AUTO(record_wish_t) x = {0};
	struct record_ask ask = {
		.name = a->name,
		.type = a->type,
		.content = a->content,
		.zone = a->zone,
		.comment = a->comment,
		.proxied = a->proxied,
		.ttl = a->ttl,
		.priority = a->priority,
	};
	struct err e;
	const struct record *r = NULL;
	bool fits = record_wish_read(w, &ask, &x, &e) == 0;
	if (fits) {
		r = record_meant(w, &x);
		fits = check_own(r, &x, &a->overwrite, &e) == 0 &&
		       check_clash(w, &x, r ? r->id : "", &e) == 0;
	}
	if (!fits) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	struct plan *p = plan_new(c->op->name, c->who.name, a->reason);
	edit_record(p, r, &x, a);
	write_run(c, (const struct write_args *)a, p);
}

/* ---- dns_delete ---- */

static bool name_has_route(const struct world *w, const char *name)
{
	TABLE_EACH (i, struct route, r, &w->routes)
		if (str_equal(r->hostname, name))
			return true;
	return false;
}

static int check_delete(const struct world *w, const struct record *r,
			const struct dns_delete_args *a, const char *name, struct err *e)
{
	const char *type = a->type;
	if (!r) {
		(void)err_set(e, ERR_NOT_FOUND,
			      "adit has no %s record of %s; what is not adit's is never deleted",
			      type, name);
		return err_hint(e, "See adit dns list.");
	}
	if (r->tunnel_id[0] && name_has_route(w, name)) {
		(void)err_set(e, ERR_CONFLICT, "The %s record of %s belongs to a route", type,
			      name);
		return err_hint(e, "Use route_delete (adit route delete %s).", name);
	}
	return record_is_unmarked(r) && !r->takes && !a->release ? refuse_unmarked(r, e) : 0;
}

void run_dns_delete(struct call *c)
{
	const struct dns_delete_args *a = c->args;
	const struct world *w = call_world(c);
	AUTO(str_t) name = NULL;
	const struct record *r = NULL;
	struct err e;
	bool fits = record_name_read(w, a->name, a->zone, &name, &e) == 0;
	if (fits) {
		r = world_find_record(w, name, a->type);
		fits = check_delete(w, r, a, name, &e) == 0;
	}
	if (!fits) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	struct plan *p = plan_new(c->op->name, c->who.name, a->reason);
	plan_touch(p, r->id, r->generation);
	if (r->want == WANT_PRESENT && a->release) {
		release_record(p, r);
	} else if (r->want == WANT_PRESENT) {
		AUTO(str_t) content = record_content(w, r);
		(void)plan_edit(p, EDIT_RECORD_DROP, r->id);
		plan_change(p, '-', "record", name, "%s %s", r->type, content ? content : "");
	}
	write_run(c, (const struct write_args *)a, p);
}

/* ---- dns_usage ---- */

struct asking {
	struct cf_call call;
	bool calling;
	char *zone;
};

static void asking_drop(struct call *c)
{
	struct asking *x = c->state;
	if (x->calling)
		cf_call_cancel(&x->call);
	cf_call_reset(&x->call);
	free(x->zone);
	free(x);
	c->state = NULL;
}

static void usage_told(struct task *t, void *owner)
{
	struct call *c = owner;
	struct asking *x = c->state;
	int64_t usage = 0, quota = -1;
	struct json_writer w;
	struct err e = t->err;
	x->calling = false;
	if (e.kind != ERR_NONE || cf_record_usage_read(x->call.result, &usage, &quota, &e) < 0) {
		c->task.err = e;
		call_fail(c);
		return;
	}
	call_object(c, &w);
	json_put_string(&w, "zone", x->zone);
	json_put_int(&w, "record_usage", usage);
	json_write_key(&w, "record_quota");
	if (quota < 0)
		json_write_null(&w);
	else
		json_write_int(&w, quota);
	json_write_key(&w, "rate");
	render_rate(call_world(c), &w);
	json_object_end(&w);
	call_answer(c);
}

void run_dns_usage(struct call *c)
{
	const struct dns_usage_args *a = c->args;
	const struct zone *z = find_zone(c, a->zone);
	const struct inside in = inside_of(c->ops->world, &c->who);
	if (!z || (!inside_whole_zone(&in, z) && !scope_is_whole(c)))
		return;
	struct asking *x = mem_alloc(sizeof(*x));
	x->zone = str_dup(z->name);
	x->calling = true;
	c->state = x;
	c->drop_state = asking_drop;
	cf_record_usage(c->ops->cf, &x->call, CF_SHARE_PEOPLE, z->id, usage_told, c);
}
