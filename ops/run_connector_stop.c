/* Handlers: stopping connectors is a change of what is wanted, and goes by a plan. */
#include "base/clock.h"
#include "ops/find.h"
#include "ops/sight.h"
#include "ops/write.h"

static void plan_stop(const struct call *c, struct plan *p, const struct connector *x)
{
	const struct connector_stop_args *a = c->args;
	char name[128], human[TEXT_TIME_SIZE];
	if (x->stopped_by_user && !a->for_time.ms && !x->stopped_until_ms)
		return;
	struct edit *d = plan_edit(p, EDIT_CONNECTOR_STOP, x->id);
	(void)str_copy(d->tunnel_id, sizeof(d->tunnel_id), x->tunnel_id);
	str_set(&d->name, c->who.name);
	str_set(&d->comment, a->reason);
	d->for_ms = a->for_time.ms;
	connector_name(call_world(c), x, name, sizeof(name));
	duration_format(a->for_time.ms, human);
	plan_change(p, '~', "connector", name, a->for_time.ms ? "stops for %s" : "stops", human);
}

static void plan_start(const struct call *c, struct plan *p, const struct connector *x)
{
	char name[128];
	if (!x->stopped_by_user)
		return;
	struct edit *d = plan_edit(p, EDIT_CONNECTOR_START, x->id);
	(void)str_copy(d->tunnel_id, sizeof(d->tunnel_id), x->tunnel_id);
	connector_name(call_world(c), x, name, sizeof(name));
	plan_change(p, '~', "connector", name, "starts");
}

typedef void plan_fn(const struct call *c, struct plan *p, const struct connector *x);

/* Generations are those of what is at Cloudflare: a connector has none. */
static void take(const struct call *c, struct plan *p, const struct connector *x, plan_fn *f)
{
	plan_touch(p, x->id, 0);
	f(c, p, x);
}

static void run(struct call *c, const char *connector, const char *tunnel, plan_fn *f)
{
	const struct write_args *a = c->args;
	const struct connector *list[TUNNEL_SLOTS_MAX];
	size_t n = 0;
	if (find_which(c, connector, tunnel, list, &n) < 0)
		return;
	struct plan *p = plan_new(c->op->name, c->who.name, a->reason);
	for (size_t i = 0; i < n; i++)
		take(c, p, list[i], f);
	write_run(c, a, p);
}

void run_connector_stop(struct call *c)
{
	const struct connector_stop_args *a = c->args;
	run(c, a->connector, a->tunnel, plan_stop);
}

void run_connector_start(struct call *c)
{
	const struct connector_start_args *a = c->args;
	run(c, a->connector, a->tunnel, plan_start);
}
