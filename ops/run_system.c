/* Handlers: configuration, and letting writes go on. */
#include <string.h>

#include "model/settings.h"
#include "ops/ops.h"
#include "reconcile/rebuilder.h"

/* ---- config_check ---- */

static void put_restart_keys(const struct settings *now, const struct settings *then,
			     struct json_writer *w)
{
	size_t n;
	const struct setting_fixed *fixed = settings_fixed(&n);
	json_write_key(w, "needs_restart");
	json_array_begin(w);
	for (size_t i = 0; i < n; i++) {
		const char *value = setting_fixed_get(then, &fixed[i]);
		/* no owner is the host's name */
		if ((value || !str_equal(fixed[i].name, "owner")) &&
		    !str_equal(value, setting_fixed_get(now, &fixed[i])))
			json_write_string(w, fixed[i].name);
	}
	json_array_end(w);
}

void run_config_check(struct call *c)
{
	const struct config_check_args *a = c->args;
	AUTO(settings_t) then = {0};
	struct json_writer w;
	struct err e = {0};
	bool valid = settings_parse(a->name, a->text, strlen(a->text), &then, &e) == 0;
	call_object(c, &w);
	json_put_bool(&w, "valid", valid);
	if (valid)
		put_restart_keys(c->ops->settings, &then, &w);
	else
		json_put_string(&w, "message", e.message);
	json_object_end(&w);
	call_answer(c);
}

/* ---- writes_resume ---- */

static int accept_machine(struct call *c, struct err *e)
{
	struct store *s = c->ops->store;
	if (store_begin(s, e) < 0)
		return -1;
	if (rebuild_give_up(s, e) == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

static void resume_consented(struct call *c, const struct err *refused)
{
	struct world *world = c->ops->world;
	bool held = world->system.writes_held != NULL;
	size_t doubts = 0;
	struct json_writer w;
	struct err e;
	if (refused || (held && accept_machine(c, &e) < 0) ||
	    (c->ops->reconciler && reconciler_accept(c->ops->reconciler, &doubts, &e) < 0)) {
		c->task.err = refused ? *refused : e;
		call_fail(c);
		return;
	}
	str_set(&world->system.writes_held, NULL);
	str_set(&world->system.writes_held_hint, NULL);
	world_changed(world, OBJECT_SYSTEM, "");
	const char *off = world_writes_off(world);
	call_object(c, &w);
	json_put_string(&w, "writes", off ? off : "on");
	json_put_bool(&w, "changed", held || doubts > 0);
	json_object_end(&w);
	call_answer(c);
}

void run_writes_resume(struct call *c)
{
	if (call_needs_store(c))
		call_consent(c, "Letting writes go on", resume_consented);
}
