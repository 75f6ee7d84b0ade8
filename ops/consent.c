/*
 * pkcheck asks polkit and its exit status is the answer. It is a process of ours until it ends,
 * also when nobody waits for its answer any more: then it is killed, and reaped when it is gone.
 */
#include "ops/consent.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop/child.h"

#define ASKINGS_MAX 8

enum { PKCHECK_YES = 0, PKCHECK_NO = 1, PKCHECK_NOBODY = 2, PKCHECK_DISMISSED = 3 };

/* One run of pkcheck. */
struct asking {
	struct list node;
	struct child child;
	struct timer deadline;
	struct ops *ops;
	struct consent *consent; /* NULL = nobody waits for it */
	const char *what;
	char who[sizeof(((struct principal *)NULL)->name)];
	bool late;
};

static void refuse(struct consent *x, const char *what, const char *who, const char *why)
{
	(void)err_set(&x->task.err, ERR_DENIED, "%s takes root; %s is not%s%s", what, who,
		      why ? ", and " : "", why ? why : "");
	(void)err_hint(&x->task.err, "Run it with sudo.");
}

static const char *meaning(const struct asking *a)
{
	if (a->late)
		return "nobody authenticated within a minute";
	switch (a->child.exit_code) {
	case PKCHECK_NO:
		return "polkit does not allow adit.approve";
	case PKCHECK_NOBODY:
		return "there is no authentication agent by which polkit could ask";
	case PKCHECK_DISMISSED:
		return "the authentication was dismissed";
	default:
		return "polkit cannot be asked";
	}
}

static void asking_free(struct asking *a)
{
	timer_stop(&a->deadline);
	child_forget(&a->child);
	list_remove(&a->node);
	a->ops->askings--;
	free(a);
}

static void pkcheck_ended(struct child *c, void *owner)
{
	struct asking *a = owner;
	struct consent *x = a->consent;
	if (x) {
		x->asking = NULL;
		if (a->late || c->exit_code != PKCHECK_YES)
			refuse(x, a->what, a->who, meaning(a));
		task_finish(&x->task);
	}
	asking_free(a);
}

static void asked_too_long(struct timer *t, void *owner)
{
	struct asking *a = owner;
	(void)t;
	a->late = true;
	(void)child_signal(&a->child, SIGKILL);
}

static int ask(struct asking *a, const struct principal *who, struct err *e)
{
	char process[64];
	(void)snprintf(process, sizeof(process), "%d,%lld,%u", (int)who->pid,
		       (long long)who->pid_start, (unsigned)who->uid);
	const char *const argv[] = {a->ops->pkcheck,
				    "--action-id",
				    "adit.approve",
				    "--process",
				    process,
				    "--allow-user-interaction",
				    NULL};
	const struct child_spec spec = {.argv = argv, .stderr_fd = -1};
	return child_spawn(&a->child, a->ops->loop, &spec, pkcheck_ended, a, e);
}

static bool can_ask(const struct ops *o, const struct principal *who)
{
	return o->pkcheck && who->door == OP_DOOR_SOCKET && who->pid > 0 && who->pid_start > 0;
}

static void start_asking(struct ops *o, struct consent *x, const struct principal *who,
			 const char *what)
{
	struct err e;
	struct asking *a = mem_alloc(sizeof(*a));
	a->ops = o;
	a->what = what;
	(void)str_copy(a->who, sizeof(a->who), who->name);
	o->askings++;
	list_append(&o->asking, &a->node);
	timer_init(&a->deadline, o->loop, asked_too_long, a);
	if (ask(a, who, &e) < 0) {
		asking_free(a);
		refuse(x, what, who->name, NULL);
		task_finish(&x->task);
		return;
	}
	timer_start(&a->deadline, o->consent_ms ? o->consent_ms : CONSENT_MS);
	a->consent = x;
	x->asking = a;
}

void consent_start(struct ops *o, struct consent *x, const struct principal *who, const char *what,
		   task_done_fn *done, void *owner)
{
	x->asking = NULL;
	task_begin(&x->task, o->loop, done, owner);
	if (!who->person && !can_ask(o, who))
		refuse(x, what, who->name, NULL);
	else if (!who->person && o->askings >= ASKINGS_MAX)
		(void)err_set(&x->task.err, ERR_BUSY,
			      "%d authentications are under way, the most at once", ASKINGS_MAX);
	else if (!who->person) {
		start_asking(o, x, who, what);
		return;
	}
	task_finish(&x->task);
}

void consent_cancel(struct consent *x)
{
	struct asking *a = x->asking;
	x->asking = NULL;
	if (a) {
		a->consent = NULL;
		(void)child_signal(&a->child, SIGKILL);
	}
	task_abandon(&x->task);
}

static void call_consented(struct task *t, void *owner)
{
	struct call *c = owner;
	c->consented(c, t->err.kind ? &t->err : NULL);
}

void call_consent(struct call *c, const char *what, consented_fn *then)
{
	if (c->who.person) {
		then(c, NULL);
		return;
	}
	c->consented = then;
	consent_start(c->ops, &c->consent, &c->who, what, call_consented, c);
}

void consents_forget(struct ops *o)
{
	LIST_EACH (it, &o->asking) {
		struct asking *a = LIST_OF(it, struct asking, node);
		(void)child_signal(&a->child, SIGKILL);
		asking_free(a);
	}
}
