/*
 * Other calls may change what a plan was made from while Cloudflare is asked. It is made anew then,
 * and what was seen goes into the new one, so that many writers at once do not ask for ever: the
 * foreign things that it takes (whose hashes the reconciler compares before it writes), and what
 * was told about them.
 */
#include "ops/write_private.h"

void write_keep_looked(struct call *c)
{
	struct write *x = c->state;
	plan_free(c->looked);
	c->looked = x->plan;
	c->looked_changes = x->own_changes;
	c->looked_warnings = x->own_warnings;
	x->plan = NULL;
}

static bool same_object(const struct edit *a, const struct edit *b)
{
	return a->kind == b->kind &&
	       str_equal(a->name ? a->name : a->id, b->name ? b->name : b->id) &&
	       str_equal(a->path ? a->path : "", b->path ? b->path : "") &&
	       str_equal(a->type ? a->type : "", b->type ? b->type : "");
}

static const struct edit *looked_at(const struct plan *p, const struct edit *d)
{
	for (size_t i = 0; i < p->n_edits; i++)
		if (same_object(&p->edits[i], d))
			return &p->edits[i];
	return NULL;
}

static bool all_looked_at(const struct plan *looked, const struct plan *p)
{
	for (size_t i = 0; i < p->n_edits; i++)
		if (edit_is_put(p->edits[i].kind) && !looked_at(looked, &p->edits[i]))
			return false;
	return true;
}

bool write_take_looked(struct call *c, struct plan *p)
{
	const struct plan *was = c->looked;
	if (!was || !all_looked_at(was, p))
		return false;
	for (size_t i = 0; i < p->n_edits; i++) {
		const struct edit *seen = looked_at(was, &p->edits[i]);
		if (seen && seen->takes &&
		    (!p->edits[i].takes || record_takes_unseen(p->edits[i].takes)))
			str_set(&p->edits[i].takes, seen->takes);
		if (seen && p->edits[i].rotate && seen->rotate)
			str_set(&p->edits[i].others, seen->others);
	}
	for (size_t i = c->looked_changes; i < was->n_changes; i++) {
		const struct change *x = &was->changes[i];
		plan_change(p, x->sign, x->object, x->name, x->detail ? "%s" : NULL, x->detail);
		plan_change_theirs(p, x->theirs);
	}
	for (size_t i = c->looked_warnings; i < was->warnings.n; i++)
		if (!strlist_has(&p->warnings, was->warnings.items[i]))
			strlist_add(&p->warnings, was->warnings.items[i]);
	return true;
}
