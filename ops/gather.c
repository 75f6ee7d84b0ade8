#include "ops/gather.h"

#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/text.h"
#include "cloudflare/accounts.h"
#include "model/render.h"
#include "ops/find.h"
#include "ops/inside.h"

/* Over the rows of what came. */
struct walk {
	size_t read, at;
	int (*row)(const struct json *row, void *owner);
	void *owner;
	gathered_fn *then;
	struct timer turn;
};

struct gather {
	struct call *call;
	gathered_fn *then;
	struct gathered **reads;
	size_t n, waiting;
	int64_t max_age_ms;
	char account[CF_ID_SIZE]; /* "" = not looked up */
	size_t accounts;          /* which read lists accounts, + 1 */
	struct walk walk;
	void *own;
	void (*drop)(void *own);
};

struct gathered {
	struct cf_read read; /* first */
	struct gather *gather;
};

static void gather_drop(struct call *c)
{
	struct gather *g = steal(&c->state);

	timer_stop(&g->walk.turn);
	for (size_t i = 0; i < g->n; i++) {
		cf_read_cancel(&g->reads[i]->read);
		cf_read_reset(&g->reads[i]->read);
		free(g->reads[i]);
	}
	free(g->reads);
	if (g->own)
		(g->drop ? g->drop : free)(g->own);
	free(g);
}

static bool goes_on(const struct call *c)
{
	const struct field *f = fields_find(c->op->args, "cursor");

	return f && *(char *const *)((const char *)c->args + f->offset);
}

struct gather *gather_begin(struct call *c, bool fresh, gathered_fn *then)
{
	struct gather *g = mem_alloc(sizeof(*g));

	g->call = c;
	g->then = then;
	g->max_age_ms = goes_on(c) ? GATHER_GO_ON_MS : fresh ? 0 : GATHER_MAX_AGE_MS;
	c->state = g;
	c->drop_state = gather_drop;
	return g;
}

void gather_set_own(struct gather *g, void *own, void (*drop)(void *own))
{
	g->own = own;
	g->drop = drop;
}

void *gather_own(const struct gather *g)
{
	return g->own;
}

static void read_ended(struct task *t, void *owner)
{
	const struct gathered *x = owner;
	struct gather *g = x->gather;

	(void)t;
	if (--g->waiting == 0)
		g->then(g->call, g);
}

size_t gather_read(struct gather *g, enum cf_source s, const struct cf_target *t)
{
	struct gathered *x = mem_alloc(sizeof(*x));

	x->gather = g;
	g->reads = mem_grow(g->reads, g->n + 1, sizeof(struct gathered *));
	g->reads[g->n++] = x;
	g->waiting++;
	cf_read_start(g->call->ops->security, &x->read, s, t, g->max_age_ms, read_ended, x);
	return g->n - 1;
}

size_t gather_count(const struct gather *g)
{
	return g->n;
}

const struct cf_listing *gather_listing(const struct gather *g, size_t i)
{
	return g->reads[i]->read.listing;
}

const struct err *gather_error(const struct gather *g, size_t i)
{
	const struct cf_read *r = &g->reads[i]->read;

	return r->listing ? NULL : &r->task.err;
}

static void rows_walk(struct gather *g)
{
	struct walk *w = &g->walk;
	const struct cf_listing *l = gather_listing(g, w->read);
	size_t before = w->at;

	if (l && cf_listing_some(l, &w->at, GATHER_ROWS_A_TURN, w->row, w->owner) == 0 &&
	    w->at - before == GATHER_ROWS_A_TURN)
		timer_start(&w->turn, 0);
	else
		w->then(g->call, g);
}

static void turn_came(struct timer *t, void *owner)
{
	(void)t;
	rows_walk(owner);
}

void gather_each(struct gather *g, size_t i, int (*row)(const struct json *row, void *owner),
		 void *owner, gathered_fn *then)
{
	g->walk =
		(struct walk){.read = i, .row = row, .owner = owner, .then = then ? then : g->then};
	timer_init(&g->walk.turn, cf_loop(cf_reads_client(g->call->ops->security)), turn_came, g);
	rows_walk(g);
}

int64_t gather_as_of(const struct gather *g)
{
	int64_t oldest = clock_wall_ms();

	for (size_t i = 0; i < g->n; i++) {
		const struct cf_listing *l = gather_listing(g, i);
		if (l && cf_listing_as_of(l) < oldest)
			oldest = cf_listing_as_of(l);
	}
	return oldest;
}

void gather_fail(struct call *c, const struct gather *g, size_t i)
{
	c->task.err = g->reads[i]->read.task.err;
	call_fail(c);
}

void gather_list_end(const struct gather *g, struct list_answer *l)
{
	list_end_asked(l, gather_as_of(g), cf_world(cf_reads_client(g->call->ops->security)));
}

void gather_put_rate(const struct call *c, struct json_writer *w)
{
	json_write_key(w, "rate");
	render_rate(cf_world(cf_reads_client(c->ops->security)), w);
}

/* ---- which account ---- */

struct account_look {
	const char *name;
	char id[CF_ID_SIZE];
	size_t found;
};

static int account_compared(const struct json *row, void *owner)
{
	struct account_look *x = owner;
	struct cf_account_row a;

	if (cf_account_read(row, &a) < 0 || !a.name || strcasecmp(a.name, x->name) != 0)
		return 0;
	(void)str_copy(x->id, sizeof(x->id), a.id);
	x->found++;
	return 0;
}

static bool account_choose(struct call *c, struct gather *g, const char *name,
			   const struct cf_listing *accounts)
{
	struct account_look x = {.name = name};

	(void)cf_listing_each(accounts, account_compared, &x);
	if (x.found == 1)
		return str_copy(g->account, sizeof(g->account), x.id);
	(void)err_set(&c->task.err, x.found ? ERR_CONFLICT : ERR_NOT_FOUND,
		      x.found ? "Several accounts are called \"%.160s\""
			      : "The API token sees no account \"%.160s\"",
		      name);
	(void)err_hint(&c->task.err, "%s",
		       x.found ? "Name it by its id: adit account list."
			       : "See adit account list.");
	call_fail(c);
	return false;
}

bool gather_account(struct call *c, struct gather *g, const char *name, const char **account)
{
	*account = NULL;
	if (!name)
		return true;
	if (hex_valid(name, CF_ID_SIZE - 1))
		(void)str_copy(g->account, sizeof(g->account), name);
	if (!g->account[0] && !g->accounts) {
		g->accounts = gather_read(g, CF_SOURCE_ACCOUNTS, &(struct cf_target){0}) + 1;
		return false;
	}
	if (!g->account[0]) {
		const struct cf_listing *accounts = gather_listing(g, g->accounts - 1);
		/* A token that an account owns cannot list accounts, but read its own. */
		if (!accounts && g->n == g->accounts) {
			(void)gather_read(g, CF_SOURCE_ACCOUNT, &(struct cf_target){0});
			return false;
		}
		if (!accounts)
			accounts = gather_listing(g, g->accounts);
		if (!accounts)
			gather_fail(c, g, g->accounts - 1);
		if (!accounts || !account_choose(c, g, name, accounts))
			return false;
	}
	*account = g->account;
	return true;
}

/* ---- who may ---- */

static bool can_ask(struct call *c)
{
	if (c->ops->security)
		return true;
	(void)err_set(&c->task.err, ERR_INTERNAL, "Cloudflare cannot be asked: there is no client");
	(void)err_hint(&c->task.err, "See adit status for what is wrong with the settings.");
	call_fail(c);
	return false;
}

const struct zone *gather_zone(struct call *c, const char *name)
{
	struct inside in = inside_of(c->ops->world, &c->who);
	const struct zone *z = find_zone(c, name);

	if (!z || inside_whole_zone(&in, z))
		return z && can_ask(c) ? z : NULL;
	(void)err_set(&c->task.err, ERR_DENIED,
		      "The grant has a part of zone %s only, and this is about all of it", z->name);
	(void)err_hint(&c->task.err, "A grant for the whole zone can read it: a person makes one, "
				     "with --zones and without --hosts and --tunnels.");
	c->policy = POLICY_SCOPE;
	call_fail(c);
	return NULL;
}

bool gather_whole_account(struct call *c)
{
	struct inside in = inside_of(c->ops->world, &c->who);

	if (in.all)
		return can_ask(c);
	(void)err_set(&c->task.err, ERR_DENIED,
		      "This is about the account as a whole, and the grant has a part of it only");
	(void)err_hint(&c->task.err,
		       "A grant without --zones, --hosts and --tunnels can read it: a person makes "
		       "one.");
	c->policy = POLICY_SCOPE;
	call_fail(c);
	return false;
}
