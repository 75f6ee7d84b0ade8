/* A person's word by polkit, with a program of our own in pkcheck's place: what it is asked, what
 * its answers mean, and that none of it is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "ops/consent.h"

struct bench {
	char dir[40], program[64], told[64];
	struct loop *loop;
	struct ops ops;
	struct consent consent;
	struct timer tick;
	int done;
};

static const struct principal alice = {.role = ROLE_OPERATOR,
				       .door = OP_DOOR_SOCKET,
				       .uid = 1000,
				       .pid = 4711,
				       .pid_start = 998877,
				       .name = "alice (uid 1000)"};

static void tick(struct timer *t, void *owner)
{
	(void)owner;
	timer_start(t, 2);
}

static int bench_open(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));
	(void)snprintf(b->dir, sizeof(b->dir), "/tmp/adit-consent-XXXXXX");
	assert_non_null(mkdtemp(b->dir));
	(void)snprintf(b->program, sizeof(b->program), "%s/pkcheck", b->dir);
	(void)snprintf(b->told, sizeof(b->told), "%s/told", b->dir);
	b->loop = loop_new();
	b->ops = (struct ops){.loop = b->loop, .pkcheck = b->program};
	ops_init(&b->ops);
	timer_init(&b->tick, b->loop, tick, b);
	timer_start(&b->tick, 2);
	*state = b;
	return 0;
}

static int bench_close(void **state)
{
	struct bench *b = *state;
	ops_fini(&b->ops);
	assert_int_equal(b->ops.askings, 0);
	timer_stop(&b->tick);
	loop_free(b->loop);
	(void)unlink(b->told);
	(void)unlink(b->program);
	assert_int_equal(rmdir(b->dir), 0);
	free(b);
	return 0;
}

/* The program notes what it is told, then does this. */
static void program(struct bench *b, const char *does)
{
	FILE *f = fopen(b->program, "we");
	assert_non_null(f);
	(void)fprintf(f, "#!/bin/sh\necho \"$$ $*\" >%s\n%s\n", b->told, does);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(b->program, 0755), 0);
}

static void consented(struct task *t, void *owner)
{
	(void)t;
	((struct bench *)owner)->done++;
}

static const struct err *ask(struct bench *b, const struct principal *who)
{
	b->done = 0;
	consent_start(&b->ops, &b->consent, who, "Approving a plan", consented, b);
	assert_int_equal(b->done, 0); /* never from inside start */
	for (int turns = 0; !b->done && turns < 5000; turns++)
		loop_turn(b->loop);
	assert_int_equal(b->done, 1);
	return &b->consent.task.err;
}

/* What the program was told; its process id is put into *pid. */
static char *told(struct bench *b, int *pid)
{
	char line[512] = "";
	FILE *f = fopen(b->told, "re");
	if (!f)
		return NULL;
	bool whole = fgets(line, sizeof(line), f) && strchr(line, '\n');
	(void)fclose(f);
	if (!whole) /* it is about to be written */
		return NULL;
	char *rest = strchr(line, ' ');
	assert_non_null(rest);
	*pid = atoi(line);
	return str_ndup(rest + 1, strcspn(rest + 1, "\n"));
}

static void its_answers_are_understood(void **state)
{
	static const struct {
		const char *does, *why; /* NULL = yes */
	} rows[] = {
		{"exit 0", NULL},
		{"exit 1", "polkit does not allow adit.approve"},
		{"exit 2", "no authentication agent"},
		{"exit 3", "dismissed"},
		{"exit 127", "polkit cannot be asked"},
		{"kill -9 $$", "polkit cannot be asked"},
	};
	struct bench *b = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		program(b, rows[i].does);
		const struct err *e = ask(b, &alice);
		assert_int_equal(e->kind, rows[i].why ? ERR_DENIED : ERR_NONE);
		if (!rows[i].why)
			continue;
		assert_non_null(strstr(e->message, rows[i].why));
		assert_non_null(strstr(e->message, "takes root; alice (uid 1000) is not"));
		assert_non_null(strstr(e->hint, "sudo"));
	}
}

static void it_is_asked_for_the_process_that_called(void **state)
{
	struct bench *b = *state;
	int pid = 0;
	program(b, "exit 0");
	assert_int_equal(ask(b, &alice)->kind, ERR_NONE);
	AUTO(str_t) text = told(b, &pid);
	assert_string_equal(text, "--action-id adit.approve --process 4711,998877,1000 "
				  "--allow-user-interaction");
}

static void some_are_not_asked(void **state)
{
	struct bench *b = *state;
	struct principal who[4] = {alice, alice, alice, alice};
	int pid = 0;
	program(b, "exit 0");
	who[0].door = OP_DOOR_MCP;
	who[1].pid = 0;
	who[2].pid_start = 0;
	for (int i = 0; i < 3; i++)
		assert_int_equal(ask(b, &who[i])->kind, ERR_DENIED);
	who[3].person = true;
	assert_int_equal(ask(b, &who[3])->kind, ERR_NONE);
	assert_null(told(b, &pid));
	b->ops.pkcheck = NULL;
	assert_int_equal(ask(b, &alice)->kind, ERR_DENIED);
	b->ops.pkcheck = "/nonexistent/pkcheck";
	assert_int_equal(ask(b, &alice)->kind, ERR_DENIED);
	assert_int_equal(b->ops.askings, 0);
}

static bool is_running(int pid)
{
	return kill(pid, 0) == 0;
}

static int wait_told(struct bench *b)
{
	int pid = 0;
	for (int turns = 0; turns < 5000; turns++) {
		loop_turn(b->loop);
		AUTO(str_t) text = access(b->told, F_OK) == 0 ? told(b, &pid) : NULL;
		if (text)
			break;
	}
	assert_true(pid > 0);
	return pid;
}

static void nobody_authenticates_in_time(void **state)
{
	struct bench *b = *state;
	program(b, "exec sleep 60");
	b->ops.consent_ms = 300;
	const struct err *e = ask(b, &alice);
	assert_int_equal(e->kind, ERR_DENIED);
	assert_non_null(strstr(e->message, "within a minute"));
	assert_int_equal(b->ops.askings, 0);
}

static void the_caller_leaves(void **state)
{
	struct bench *b = *state;
	program(b, "exec sleep 60");
	b->done = 0;
	consent_start(&b->ops, &b->consent, &alice, "Approving a plan", consented, b);
	int pid = wait_told(b);
	consent_cancel(&b->consent);
	consent_cancel(&b->consent);
	for (int turns = 0; b->ops.askings && turns < 5000; turns++)
		loop_turn(b->loop);
	assert_int_equal(b->ops.askings, 0);
	assert_int_equal(b->done, 0);
	assert_false(is_running(pid)); /* reaped too */
}

static void only_so_many_at_once(void **state)
{
	struct bench *b = *state;
	struct consent many[9] = {0};
	program(b, "exec sleep 60");
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		consent_start(&b->ops, &many[i], &alice, "Approving a plan", consented, b);
	for (int turns = 0; !b->done && turns < 5000; turns++)
		loop_turn(b->loop);
	assert_int_equal(b->done, 1);
	assert_int_equal(many[8].task.err.kind, ERR_BUSY);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		consent_cancel(&many[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_open, bench_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(its_answers_are_understood), TEST(it_is_asked_for_the_process_that_called),
		TEST(some_are_not_asked),         TEST(nobody_authenticates_in_time),
		TEST(the_caller_leaves),          TEST(only_so_many_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
