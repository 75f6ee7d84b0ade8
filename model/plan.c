/* Plans: put together piece by piece, then sealed. What they hold never changes afterwards. */
#include "model/plan.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plan *plan_new(const char *operation, const char *principal, const char *reason)
{
	struct plan *p = mem_alloc(sizeof(*p));

	p->operation = str_dup(operation);
	p->principal = str_dup(principal);
	p->reason = str_dup(reason);
	return p;
}

static void free_change(struct change *c)
{
	free(c->object);
	free(c->name);
	free(c->detail);
	free(c->in);
	free(c->theirs);
}

static void clear_body(struct plan *p)
{
	for (size_t i = 0; i < p->n_edits; i++)
		edit_clear(&p->edits[i]);
	for (size_t i = 0; i < p->n_changes; i++)
		free_change(&p->changes[i]);
	free(steal(&p->edits));
	free(steal(&p->changes));
	free(steal(&p->touches));
	p->n_edits = p->n_changes = p->n_touches = 0;
	strlist_free(&p->approvals);
	strlist_free(&p->warnings);
}

void plan_take_body(struct plan *p, struct plan *from)
{
	clear_body(p);
	p->edits = steal(&from->edits);
	p->n_edits = from->n_edits;
	p->changes = steal(&from->changes);
	p->n_changes = from->n_changes;
	p->touches = steal(&from->touches);
	p->n_touches = from->n_touches;
	p->approvals = from->approvals;
	p->warnings = from->warnings;
	p->base = from->base;
	from->n_edits = from->n_changes = from->n_touches = 0;
	from->approvals = from->warnings = (struct strlist){NULL, 0};
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	clear_body(p);
	free(p->operation);
	free(p->principal);
	free(p->reason);
	free(p->decided_by);
	free(p);
}

void plan_t_cleanup(plan_t *p)
{
	plan_free(*p);
	*p = NULL;
}

struct edit *plan_edit(struct plan *p, enum edit_kind kind, const char *id)
{
	struct edit *d;
	bool fits;

	p->edits = mem_room(p->edits, p->n_edits, sizeof(*p->edits));
	d = &p->edits[p->n_edits++];
	memset(d, 0, sizeof(*d));
	d->kind = kind;
	fits = str_copy(d->id, sizeof(d->id), id);
	assert(fits);
	(void)fits;
	return d;
}

void plan_change(struct plan *p, char sign, const char *object, const char *name,
		 const char *detail_fmt, ...)
{
	struct change *c;

	p->changes = mem_room(p->changes, p->n_changes, sizeof(*p->changes));
	c = &p->changes[p->n_changes++];
	*c = (struct change){sign, str_dup(object), str_dup(name), NULL, NULL, NULL};
	if (detail_fmt) {
		va_list ap;

		va_start(ap, detail_fmt);
		c->detail = str_vformat(detail_fmt, ap);
		va_end(ap);
	}
}

void plan_change_theirs(struct plan *p, const char *text)
{
	str_set(&p->changes[p->n_changes - 1].theirs, text);
}

void plan_touch(struct plan *p, const char *id, int64_t generation)
{
	struct touch *t;
	bool fits;

	for (size_t i = 0; i < p->n_touches; i++)
		if (strcmp(p->touches[i].id, id) == 0)
			return;
	p->touches = mem_room(p->touches, p->n_touches, sizeof(*p->touches));
	t = &p->touches[p->n_touches++];
	memset(t, 0, sizeof(*t));
	fits = str_copy(t->id, sizeof(t->id), id);
	assert(fits);
	(void)fits;
	t->generation = generation;
}

static const char *const state_names[PLAN_STATES] = {
	[PLAN_PLANNED] = "planned", [PLAN_NEEDS_APPROVAL] = "needs_approval",
	[PLAN_APPLIED] = "applied", [PLAN_UNCHANGED] = "unchanged",
	[PLAN_STALE] = "stale",     [PLAN_REJECTED] = "rejected",
	[PLAN_EXPIRED] = "expired", [PLAN_FAILED] = "failed",
};

const char *plan_state_name(enum plan_state s)
{
	return (unsigned)s < PLAN_STATES ? state_names[s] : "unknown";
}

int plan_state_by_name(const char *name)
{
	for (int i = 0; i < PLAN_STATES; i++)
		if (str_equal(state_names[i], name))
			return i;
	return -1;
}

void plan_id(int64_t number, char out[24])
{
	snprintf(out, 24, "p%lld", (long long)number);
}

int plan_number(const char *id, int64_t *number, struct err *e)
{
	size_t digits = *id == 'p' ? strspn(id + 1, "0123456789") : 0;

	if (digits == 0 || digits > 18 || id[1] == '0' || id[1 + digits])
		return err_set(e, ERR_INVALID, "\"%.40s\" is no plan, accepted is a form like p7",
			       id);
	*number = strtoll(id + 1, NULL, 10);
	return 0;
}
