#include "ops/disk.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "ops/grants.h"
#include "reconcile/rebuilder.h"

const char *disk_no_store(const struct ops *o)
{
	return o->store_trouble && *o->store_trouble ? *o->store_trouble : "not said";
}

bool disk_makes_room(const struct call *c)
{
	return c->op->revokes && c->ops->store && store_give_reserve(c->ops->store);
}

/* ---- what people see ---- */

void disk_note(const struct ops *o)
{
	static const char *const words[] = {
		[STORE_DISK_FULL] = "The disk that holds the store is full",
		[STORE_DISK_READ_ONLY] = "The disk that holds the store can only be read",
		[STORE_DISK_FAILING] = "The disk that holds the store fails to write",
	};
	enum store_disk disk = o->store ? store_disk(o->store) : STORE_DISK_FINE;
	struct err e;
	if (disk == STORE_DISK_FINE) {
		world_notice(o->world, "disk", NULL, clock_wall_ms());
		return;
	}
	(void)err_set(&e, ERR_INTERNAL,
		      "%s: changes are refused; reads, connectors and rejecting plans go on",
		      words[disk]);
	(void)err_hint(&e, "%s",
		       disk == STORE_DISK_FULL
			       ? "Free some space in state_dir; adit goes on by itself then."
			       : "Look at the disk and how state_dir is mounted; adit goes on by "
				 "itself when it can be written.");
	world_notice(o->world, "disk", &e, clock_wall_ms());
}

/* ---- rejected in memory ---- */

bool disk_rejected(const struct ops *o, int64_t plan)
{
	for (size_t i = 0; i < o->n_rejections; i++)
		if (o->rejections[i].plan == plan)
			return true;
	return false;
}

void disk_reject(struct ops *o, const struct plan *p)
{
	if (disk_rejected(o, p->number))
		return;
	o->rejections = mem_grow(o->rejections, o->n_rejections + 1, sizeof(*o->rejections));
	o->rejections[o->n_rejections++] = (struct rejection){
		.plan = p->number, .at_ms = p->decided_ms, .by = str_dup(p->decided_by)};
}

static int save(const struct ops *o, const struct rejection *r, struct plan *p, struct err *e)
{
	char id[24];
	AUTO(str_t) by = str_dup(r->by);
	AUTO(str_t) operation = str_dup("plan_reject");
	AUTO(str_t) detail = str_dup("decided while the disk took no writes");
	struct ledger_row row = {.phase = LEDGER_RESULT,
				 .principal = by,
				 .operation = operation,
				 .object = id,
				 .plan_hash = p->hash,
				 .detail = detail};
	plan_id(r->plan, id);
	if (store_begin(o->store, e) < 0)
		return -1;
	if (store_decide_plan(o->store, p, e) == 0 && rebuild_decide(o->store, p, e) == 0 &&
	    store_add_ledger(o->store, &row, NULL, e) == 0 && store_commit(o->store, e) == 0)
		return 0;
	store_rollback(o->store);
	return -1;
}

/* 0 when nothing of it is left to be written. */
static int keep(const struct ops *o, const struct rejection *r)
{
	AUTO(plan_t) p = NULL;
	struct err e;
	if (store_load_plan(o->store, r->plan, &p, &e) < 0)
		return e.kind == ERR_NOT_FOUND || e.kind == ERR_CONFLICT ? 0 : -1;
	if (p->state != PLAN_NEEDS_APPROVAL && p->state != PLAN_PLANNED)
		return 0;
	p->state = PLAN_REJECTED;
	p->decided_ms = r->at_ms;
	str_set(&p->decided_by, r->by);
	return save(o, r, p, &e);
}

static void keep_all(struct ops *o)
{
	while (o->n_rejections) {
		struct rejection *last = &o->rejections[o->n_rejections - 1];
		if (keep(o, last) < 0)
			return;
		free(last->by);
		o->n_rejections--;
	}
}

void disk_fini(struct ops *o)
{
	if (o->n_rejections)
		log_warning("%zu rejected plans wait again after the next start: the disk took no "
			    "writes",
			    o->n_rejections);
	while (o->n_rejections)
		free(o->rejections[--o->n_rejections].by);
	free(o->rejections);
	o->rejections = NULL;
}

void ops_store_look(struct ops *o)
{
	if (store_try(o->store) == STORE_DISK_FINE) {
		grants_keep(o->grants);
		keep_all(o);
	}
	disk_note(o);
}
