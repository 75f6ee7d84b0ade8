#include "ops/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "ops/disk.h"

/* The store's rows do not say const; what is put into them here is only read. */
static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

static const char *door_name(enum op_doors door)
{
	return door == OP_DOOR_MCP ? "mcp" : "socket";
}

/* "" is not said. */
static char *said(const char *s)
{
	return s[0] ? text(s) : NULL;
}

void ledger_who(struct ledger_row *row, const struct principal *who, struct ledger_scratch *x)
{
	(void)str_copy(x->peer, sizeof(x->peer), who->peer);
	if (!x->peer[0] && who->pid > 0)
		(void)snprintf(x->peer, sizeof(x->peer), "pid %d", (int)who->pid);
	row->principal = text(who->name);
	row->door = text(door_name(who->door));
	row->peer = said(x->peer);
	row->client = said(who->client);
	row->tool_use = said(who->tool_use);
}

static void let_through(struct ledger_row *row, const struct principal *who,
			struct ledger_scratch *x)
{
	str_join(
		x->policy, sizeof(x->policy),
		(const char *[]){who->grant ? "grant, " : "", "role ", role_name(who->role), NULL});
	row->decision = text("allowed");
	row->policy = x->policy;
}

/* ---- of calls ---- */

static const char *outcome_of(const struct call *c)
{
	return c->task.err.kind ? err_kind_name(c->task.err.kind) : "ok";
}

/* What came of a call that ran: the plan's decision, or that of whoever refused on the way. */
static void decided(struct ledger_row *row, const struct call *c, struct ledger_scratch *x)
{
	if (c->task.err.kind == ERR_DENIED) {
		row->decision = text("denied");
		row->policy = text(policy_name(c->policy ? c->policy : POLICY_SCOPE));
	} else if (c->policy != POLICY_NONE) {
		row->decision = text(c->decision ? c->decision : "allowed");
		row->policy = text(policy_name(c->policy));
	} else {
		let_through(row, &c->who, x);
	}
}

static int add(struct call *c, enum ledger_phase phase, const char *arguments, struct err *e)
{
	const struct err *why = &c->task.err;
	struct ledger_scratch x;
	struct ledger_row row = {.phase = phase,
				 .operation = text(c->op->name),
				 .object = c->id,
				 .arguments = text(arguments)};
	ledger_who(&row, &c->who, &x);
	if (phase == LEDGER_ASKED) {
		let_through(&row, &c->who, &x);
	} else {
		decided(&row, c, &x);
		row.outcome = text(outcome_of(c));
		row.detail = why->kind ? text(why->message) : NULL;
		row.rays = said(why->cloudflare.ray);
		row.plan = said(c->plan);
		row.plan_hash = said(c->plan_hash);
	}
	return store_add_ledger(c->ops->store, &row, &c->ledger_seq, e);
}

static void write_arguments(const struct call *c, struct buf *out)
{
	struct json_writer w;
	json_write_init(&w, out);
	fields_write(c->op->args, c->args, &w);
}

int ledger_asked(struct call *c)
{
	if (c->op->effects == OP_READS || !c->ops->store)
		return 0;
	AUTO(buf_t) arguments = {0};
	struct err e;
	write_arguments(c, &arguments);
	if (add(c, LEDGER_ASKED, buf_text(&arguments), &e) == 0)
		return 0;
	disk_note(c->ops);
	if (disk_makes_room(c) && add(c, LEDGER_ASKED, buf_text(&arguments), &e) == 0)
		return 0;
	if (c->op->revokes) { /* taking something away waits for no disk */
		log_warning("%s asks for %s, which is not in the ledger: %s", c->who.name,
			    c->op->name, e.message);
		return 0;
	}
	(void)err_wrap(&e, "Nothing was done, since the ledger cannot be written");
	c->task.err = e;
	return -1;
}

static void gather(struct call *c)
{
	const struct err *why = &c->task.err;
	AUTO(buf_t) arguments = {0};
	struct ledger_scratch x;
	struct ledger_row row = {.phase = LEDGER_RESULT,
				 .operation = text(c->op->name),
				 .object = c->id,
				 .outcome = text(outcome_of(c)),
				 .detail = why->kind ? text(why->message) : NULL,
				 .rays = said(why->cloudflare.ray)};
	if (c->args)
		write_arguments(c, &arguments);
	row.arguments = c->args ? text(buf_text(&arguments)) : NULL;
	ledger_who(&row, &c->who, &x);
	decided(&row, c, &x);
	read_rows_add(c->ops->reads, c, &row);
}

void ledger_result(struct call *c)
{
	struct err e;
	if (!c->ops->store)
		return;
	if (c->admitted && c->op->effects == OP_READS && c->who.door == OP_DOOR_MCP)
		gather(c);
	if (c->ledger_seq && add(c, LEDGER_RESULT, NULL, &e) < 0)
		log_error("ledger: result of call %s not written: %s", c->id, e.message);
}

void ledger_decided(struct call *c, const char *decision, enum policy policy, const struct plan *p)
{
	c->decision = decision;
	c->policy = policy;
	if (!p || !p->number)
		return;
	plan_id(p->number, c->plan);
	(void)str_copy(c->plan_hash, sizeof(c->plan_hash), p->hash);
}

/* ---- of what was never run ---- */

static uint64_t refusal_key(const struct call *c)
{
	AUTO(str_t)
	words = str_format("%s %s %d", c->who.name, c->op->name, (int)c->task.err.kind);
	uint64_t hash = 14695981039346656037u; /* FNV-1a */
	for (const char *p = words; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211u;
	return hash;
}

/* One a second of each caller, operation and kind, and so many in all: nobody fills the disk by
 * being refused. */
static bool refusal_is_new(struct call *c)
{
	struct refusals *r = &c->ops->refusals;
	int64_t second = clock_mono_ms() / 1000;
	uint64_t key = refusal_key(c);
	if (r->second != second)
		r->n = 0;
	r->second = second;
	for (size_t i = 0; i < r->n; i++)
		if (r->keys[i] == key)
			return false;
	if (r->n == ARRAY_LEN(r->keys))
		return false;
	r->keys[r->n++] = key;
	return true;
}

static void refused_by(struct ledger_row *row, const struct call *c)
{
	enum policy policy = principal_policy(&c->who, c->op);
	if (c->task.err.kind == ERR_RATE_LIMITED)
		policy = POLICY_BUDGET;
	row->decision = text(policy == POLICY_NONE ? "refused" : "denied");
	row->policy = policy == POLICY_NONE ? NULL : text(policy_name(policy));
}

/* Without its arguments, which nobody has understood. */
void ledger_refused(struct call *c)
{
	enum err_kind kind = c->task.err.kind;
	bool tells = c->op->effects != OP_READS || kind == ERR_DENIED || kind == ERR_RATE_LIMITED;
	struct ledger_scratch x;
	struct err e;
	if (!c->ops->store || !tells || !refusal_is_new(c))
		return;
	struct ledger_row row = {.phase = LEDGER_RESULT,
				 .operation = text(c->op->name),
				 .object = c->id,
				 .outcome = text("refused"),
				 .detail = c->task.err.message};
	ledger_who(&row, &c->who, &x);
	refused_by(&row, c);
	if (store_add_ledger(c->ops->store, &row, NULL, &e) < 0)
		log_error("ledger: refusal of call %s not written: %s", c->id, e.message);
}

/* ---- of what a client's user said ---- */

int ledger_elicited(struct ops *o, const struct principal *who, const char *operation,
		    const char *plan, const char *hash, enum elicited answer, struct err *e)
{
	static const char *const words[] = {
		[ELICITED_ACCEPTED] = "accepted",
		[ELICITED_DECLINED] = "declined",
		[ELICITED_CANCELLED] = "cancelled",
	};
	struct ledger_scratch x;
	struct ledger_row row = {.phase = LEDGER_RESULT,
				 .operation = text(operation),
				 .object = text(plan),
				 .plan = text(plan),
				 .plan_hash = text(hash),
				 .outcome = text("ok"),
				 .decision = text(words[answer]),
				 .policy = text("elicitation")};
	if (!o->store)
		return err_set(e, ERR_INTERNAL, "The store is not open: %s", disk_no_store(o));
	ledger_who(&row, who, &x);
	return store_add_ledger(o->store, &row, NULL, e);
}
