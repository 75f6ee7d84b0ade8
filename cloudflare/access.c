/* The one place of this room that writes world->system. */
#include "cloudflare/access.h"

#include "base/clock.h"
#include "base/log.h"

#define REFUSED "the API token was refused"

static void access_set(struct world *w, enum access_state state)
{
	struct system_facts *s = &w->system;

	s->access = state;
	if (state == ACCESS_REFUSED && !s->writes_off)
		str_set(&s->writes_off, REFUSED);
	else if (state != ACCESS_REFUSED && str_equal(s->writes_off, REFUSED))
		str_set(&s->writes_off, NULL);
	world_changed(w, OBJECT_SYSTEM, "");
}

void access_worked(struct world *w)
{
	struct system_facts *s = &w->system;

	if (s->access == ACCESS_OK && !s->access_problem)
		return;
	if (s->access != ACCESS_OK)
		log_info("Cloudflare answers and accepts the token");
	problem_clear(&s->access_problem);
	access_set(w, ACCESS_OK);
}

void access_reached(struct world *w)
{
	if (w->system.access == ACCESS_UNREACHABLE)
		access_worked(w);
}

void access_refused(struct world *w, const struct err *why)
{
	struct system_facts *s = &w->system;
	bool news = s->access != ACCESS_REFUSED;

	problem_set(&s->access_problem, why, clock_wall_ms());
	if (news || !s->writes_off)
		access_set(w, ACCESS_REFUSED);
	if (news)
		log_warning("Cloudflare refuses the API token: %s", why->message);
}

void access_lost(struct world *w, const struct err *why)
{
	struct system_facts *s = &w->system;
	bool news = s->access != ACCESS_UNREACHABLE;

	if (s->access == ACCESS_REFUSED || s->access == ACCESS_MISSING)
		return;
	problem_set(&s->access_problem, why, clock_wall_ms());
	if (!news)
		return;
	access_set(w, ACCESS_UNREACHABLE);
	log_warning("Cloudflare cannot be reached: %s", why->message);
}

void access_forget(struct world *w)
{
	if (w->system.access != ACCESS_REFUSED)
		return;
	problem_clear(&w->system.access_problem);
	access_set(w, ACCESS_UNCHECKED);
}

#define LONGER_MS 1000 /* a pause that ends so much later is told */

static bool noticeable(int64_t told, int64_t limit, int64_t remaining)
{
	int64_t step = remaining > told ? remaining - told : told - remaining;

	if (told < 0 || (remaining == 0) != (told == 0))
		return true;
	return step * 10 >= (limit ? limit : 100);
}

void access_figures(struct world *w, const struct budget *b, int64_t *told)
{
	struct system_facts *s = &w->system;
	bool news = s->budget_limit != b->limit;
	int64_t remaining, reset_ms;

	budget_left(b, clock_mono_ms(), &remaining, &reset_ms);
	if (remaining < 0)
		return;
	s->budget_limit = b->limit;
	s->budget_remaining = remaining;
	s->budget_reset_s = (reset_ms + 999) / 1000;
	int64_t until = remaining == 0 ? clock_wall_ms() + reset_ms : 0;
	news = news || until > s->paused_until_ms + LONGER_MS;
	s->paused_until_ms = until;
	if (!news && !noticeable(*told, b->limit, remaining))
		return;
	*told = remaining;
	world_changed(w, OBJECT_SYSTEM, "");
}
