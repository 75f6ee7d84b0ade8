#include "tests/conformance/fixtures.h"

#include <stdlib.h>

#include "mcp/private.h"

#define JOB_MS 1000

struct job {
	struct exchange *x;
	const char *name;
	struct timer timer;
};

static void job_drop(struct exchange *x)
{
	struct job *j = x->state;
	timer_stop(&j->timer);
	free(j);
	x->state = NULL;
}

static void say(struct exchange *x, const char *text, bool failed)
{
	struct json_writer *w = exchange_result(x);
	json_write_key(w, "content");
	json_array_begin(w);
	json_object_begin(w);
	json_put_string(w, "type", "text");
	json_put_string(w, "text", text);
	json_object_end(w);
	json_array_end(w);
	if (failed)
		json_put_bool(w, "isError", true);
	exchange_done(x);
}

static void job_over(struct timer *t, void *owner)
{
	const struct job *j = owner;
	struct exchange *x = j->x;
	const char *name = j->name;
	(void)t;
	job_drop(x);
	if (str_equal(name, "protocol_error_job"))
		exchange_fail(x, RPC_INTERNAL, 200, "The job broke", NULL);
	else
		say(x, "done", str_equal(name, "failing_job"));
}

void job_run(struct exchange *x, const struct tool *t, const struct json *arguments)
{
	bool computes = str_equal(t->name, "slow_compute");
	int64_t ms = computes ? json_get_int(arguments, "seconds", 0) * 1000 : JOB_MS;
	if (!computes && !task_may(x)) {
		task_refuse(x);
		return;
	}
	struct job *j = mem_alloc(sizeof(*j));
	j->x = x;
	j->name = t->name;
	x->state = j;
	x->dropped = job_drop;
	timer_init(&j->timer, x->parcel->mcp->loop, job_over, j);
	timer_start(&j->timer, ms > 0 ? ms : 1);
	if (task_may(x) && ms > 0 && task_detach(x, NULL) < 0)
		exchange_lasts(x);
}

void greet_run(struct exchange *x, const struct tool *t, const struct json *arguments)
{
	const char *name = json_get_string(arguments, "name");
	AUTO(str_t) text = str_format("Hello, %s!", name ? name : "you");
	(void)t;
	say(x, text, false);
}
