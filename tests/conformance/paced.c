#include "tests/conformance/fixtures.h"

#include <stdlib.h>
#include <string.h>

#include "mcp/private.h"

#define STEPS   3
#define STEP_MS 50

struct paced {
	struct exchange *x;
	bool logs;
	int step;
	struct timer timer;
};

static void paced_drop(struct exchange *x)
{
	struct paced *p = x->state;
	timer_stop(&p->timer);
	free(p);
	x->state = NULL;
}

static void log_step(const struct paced *p)
{
	static const char *const texts[STEPS] = {"Tool execution started", "Tool processing data",
						 "Tool execution completed"};
	AUTO(buf_t) params = {0};
	struct json_writer w;
	json_write_init(&w, &params);
	json_object_begin(&w);
	json_put_string(&w, "level", "info");
	json_put_string(&w, "data", texts[p->step]);
	json_object_end(&w);
	if (p->x->era == ERA_LEGACY)
		exchange_notify(p->x, "notifications/message", &params);
}

static void progress_step(const struct paced *p)
{
	const struct json *token = json_get(p->x->msg.meta, "progressToken");
	AUTO(buf_t) params = {0};
	struct json_writer w;
	json_write_init(&w, &params);
	json_object_begin(&w);
	json_write_key(&w, "progressToken");
	json_write_value(&w, token);
	json_put_int(&w, "progress", p->step * 50);
	json_put_int(&w, "total", 100);
	json_object_end(&w);
	if (token)
		exchange_notify(p->x, "notifications/progress", &params);
}

static void paced_step(struct timer *t, void *owner)
{
	struct paced *p = owner;
	struct exchange *x = p->x;
	if (p->step == STEPS) {
		static const char done[] = "\"content\":[{\"type\":\"text\",\"text\":\"done\"}]";
		paced_drop(x);
		json_write_raw(exchange_result(x), done, sizeof(done) - 1);
		exchange_done(x);
		return;
	}
	if (p->logs)
		log_step(p);
	else
		progress_step(p);
	p->step++;
	timer_start(t, STEP_MS);
}

void paced_run(struct exchange *x, const struct tool *t, const struct json *arguments)
{
	struct paced *p = mem_alloc(sizeof(*p));
	(void)arguments;
	p->x = x;
	p->logs = str_equal(t->name, "test_tool_with_logging");
	x->state = p;
	x->dropped = paced_drop;
	timer_init(&p->timer, x->parcel->mcp->loop, paced_step, p);
	timer_start(&p->timer, 1);
}

/* ---- lists that change ---- */

struct switching {
	struct call call;
	struct exchange *x;
	bool off;
};

static void switching_drop(struct exchange *x)
{
	struct switching *s = x->state;
	call_cancel(&s->call);
	call_fini(&s->call);
	free(s);
	x->state = NULL;
}

static void switching_start(struct switching *s);

static void switched(struct task *task, void *owner)
{
	struct switching *s = owner;
	struct exchange *x = s->x;
	static const char done[] = "\"content\":[{\"type\":\"text\",\"text\":\"changed\"}]";
	if (!s->off && task->err.kind == ERR_NONE) {
		s->off = true;
		call_fini(&s->call);
		switching_start(s);
		return;
	}
	switching_drop(x);
	json_write_raw(exchange_result(x), done, sizeof(done) - 1);
	exchange_done(x);
}

/* Frozen and thawed again, as a person would. */
static void switching_start(struct switching *s)
{
	static const struct principal person = {
		.role = ROLE_ADMIN, .door = OP_DOOR_SOCKET, .person = true, .name = "root (uid 0)"};
	const char *body = s->off ? "{\"state\":\"off\"}" : "{\"state\":\"on\"}";
	call_start(s->x->parcel->mcp->ops, &s->call, op_find("grant_freeze"), &person, NULL, body,
		   strlen(body), switched, s);
}

void change_run(struct exchange *x, const struct tool *t, const struct json *arguments)
{
	struct switching *s = mem_alloc(sizeof(*s));
	(void)t;
	(void)arguments;
	s->x = x;
	x->state = s;
	x->dropped = switching_drop;
	switching_start(s);
}
