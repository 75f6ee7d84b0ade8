/* Children: nothing is inherited, every exit is told once and truly, strangers can be watched, and
 * hundreds of short lives in a few slots lose none. The program is its own child: with the argument
 * "child" it does what the next one says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loop/child.h"

struct bench {
	struct loop *loop;
	struct timer guard;
	struct child child;
	int exits;
	int code, signo;
	int target; /* loop_stop after that many exits */
};

static void guard_fired(struct timer *t, void *owner)
{
	(void)t;
	(void)owner;
	fail_msg("an exit was missed");
}

static int bench_open(void **state)
{
	struct bench *b = mem_alloc(sizeof(*b));

	b->loop = loop_new();
	b->target = 1;
	timer_init(&b->guard, b->loop, guard_fired, NULL);
	timer_start(&b->guard, 60000);
	*state = b;
	return 0;
}

static int bench_close(void **state)
{
	struct bench *b = *state;

	timer_stop(&b->guard);
	child_forget(&b->child);
	loop_free(b->loop);
	free(b);
	return 0;
}

static void child_ended(struct child *c, void *owner)
{
	struct bench *b = owner;

	assert_int_equal(c->pid, 0);
	b->code = c->exit_code;
	b->signo = c->exit_signal;
	if (++b->exits == b->target)
		loop_stop(b->loop);
}

static void shell_start(struct bench *b, const char *script, int fd)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};
	const struct child_spec spec = {.argv = argv, .stderr_fd = fd};
	struct err e = {0};

	assert_int_equal(child_spawn(&b->child, b->loop, &spec, child_ended, b, &e), 0);
	assert_true(b->child.pid > 0);
	assert_true(b->child.ours);
	assert_true(child_start_ticks(&b->child) > 0);
}

/* ---- how it ends ---- */

static void test_exit_codes(void **state)
{
	static const struct {
		const char *script;
		int code, signo;
	} table[] = {
		{"exit 0", 0, 0},
		{"exit 7", 7, 0},
		{"kill -9 $$", -1, SIGKILL},
		{"kill -15 $$", -1, SIGTERM},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		shell_start(b, table[i].script, -1);
		b->target = (int)i + 1;
		loop_run(b->loop);
		assert_int_equal(b->code, table[i].code);
		assert_int_equal(b->signo, table[i].signo);
		assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* reaped */
	}
}

static void test_signal(void **state)
{
	struct bench *b = *state;
	struct child zeroed = {0};

	child_forget(&zeroed);
	assert_int_equal(child_signal(&zeroed, SIGTERM), -1);
	shell_start(b, "exec sleep 60", -1);
	assert_int_equal(child_signal(&b->child, SIGTERM), 0);
	loop_run(b->loop);
	assert_int_equal(b->signo, SIGTERM);
	assert_int_equal(child_signal(&b->child, SIGTERM), -1);
}

/* ---- what it inherits ---- */

static int scratch_file(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600); /* on purpose without O_CLOEXEC */

	assert_true(fd >= 0);
	return fd;
}

static char *scratch_text(int fd)
{
	static char text[4096];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static char *own_report(struct bench *b, const char *const *envp, const char *cwd, int fd)
{
	const char *const argv[] = {"/proc/self/exe", "child", NULL};
	static char self[512];
	const char *const real[] = {self, argv[1], NULL};
	const struct child_spec spec = {.argv = real, .envp = envp, .stderr_fd = fd, .cwd = cwd};
	struct err e = {0};
	ssize_t n = readlink(argv[0], self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = '\0';
	assert_int_equal(child_spawn(&b->child, b->loop, &spec, child_ended, b, &e), 0);
	loop_run(b->loop);
	assert_int_equal(b->code, 0);
	return scratch_text(fd);
}

static void test_nothing_inherited(void **state)
{
	struct bench *b = *state;
	int fd = scratch_file();
	int leak = open("/etc/passwd", O_RDONLY); /* nor is this one close-on-exec */
	sigset_t all;

	setenv("CLOUDFLARE_API_TOKEN", "leaked", 1);
	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	assert_string_equal(own_report(b, NULL, NULL, fd),
			    "env: none\nfds: 012\nmask: 0\nignored: 0\nleader: yes\ncwd: /\n");
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGHUP, SIG_DFL);
	close(leak);
	close(fd);
}

/* What signals do here may change from one turn of the loop to the next. */
static void test_signals_that_changed(void **state)
{
	struct bench *b = *state;
	int before = scratch_file(), after = scratch_file();

	own_report(b, NULL, NULL, before);
	signal(SIGUSR2, SIG_IGN);
	b->target = 2;
	assert_non_null(strstr(own_report(b, NULL, NULL, after), "ignored: 0\n"));
	signal(SIGUSR2, SIG_DFL);
	close(before);
	close(after);
}

static void test_environment_and_folder_given(void **state)
{
	static const char *const envp[] = {"A=1", NULL};
	struct bench *b = *state;
	int fd = scratch_file();

	assert_string_equal(own_report(b, envp, "/tmp", fd),
			    "env: A=1\nfds: 012\nmask: 0\nignored: 0\nleader: yes\ncwd: /tmp\n");
	close(fd);
}

/* The child's side of own_report. Sanitizers must not add a descriptor or a variable: /proc tells.
 */
static void report_env(void)
{
	printf("env: %s\n", environ[0] ? environ[0] : "none");
}

static void report_fds(void)
{
	struct stat st, null;

	printf("fds: ");
	for (int fd = 0; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("%d", fd);
	printf("\n");
	if (fstat(0, &st) != 0 || stat("/dev/null", &null) != 0 || st.st_rdev != null.st_rdev)
		printf("stdin is not /dev/null\n");
}

static void report_signals(void)
{
	sigset_t mask;
	struct sigaction sa;
	int blocked = 0, ignored = 0;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int s = 1; s < 32; s++) {
		blocked += sigismember(&mask, s) == 1;
		ignored += sigaction(s, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
	}
	printf("mask: %d\nignored: %d\n", blocked, ignored);
}

static int child_main(void)
{
	char cwd[256];

	report_env();
	report_fds();
	report_signals();
	printf("leader: %s\n", getpgrp() == getpid() ? "yes" : "no");
	printf("cwd: %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : "?");
	return 0;
}

/* ---- what cannot start ---- */

static void spawn_refused(struct bench *b, const char *path, const char *cwd, enum err_kind kind,
			  const char *word)
{
	const char *const argv[] = {path, NULL};
	const struct child_spec spec = {.argv = argv, .stderr_fd = -1, .cwd = cwd};
	struct err e = {0};

	assert_int_equal(child_spawn(&b->child, b->loop, &spec, child_ended, b, &e), -1);
	assert_int_equal(e.kind, kind);
	assert_non_null(strstr(e.message, word));
	assert_int_equal(b->child.pid, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void test_refused(void **state)
{
	struct bench *b = *state;

	spawn_refused(b, "/nonexistent/program", NULL, ERR_NOT_FOUND, "/nonexistent/program");
	spawn_refused(b, "/etc/passwd", NULL, ERR_DENIED, "/etc/passwd");
	spawn_refused(b, "/bin/sh", "/nonexistent/folder", ERR_NOT_FOUND, "/nonexistent/folder");
}

/* Who cannot be watched is not started either. */
static void test_no_descriptor_left(void **state)
{
	static const char *const argv[] = {"/bin/true", NULL};
	const struct child_spec spec = {.argv = argv, .stderr_fd = -1};
	struct bench *b = *state;
	struct rlimit before, none;
	struct err e = {0};
	int rc;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	rc = child_spawn(&b->child, b->loop, &spec, child_ended, b, &e);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(rc, -1);
	assert_non_null(strstr(e.message, "/bin/true"));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* What a child of many descriptors' parent says reaches its own file, and no other one. */
static void test_among_many_descriptors(void **state)
{
	struct bench *b = *state;
	int first = scratch_file(), fds[200];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = scratch_file();
	assert_string_equal(own_report(b, NULL, NULL, fds[199]),
			    "env: none\nfds: 012\nmask: 0\nignored: 0\nleader: yes\ncwd: /\n");
	b->target = 2;
	shell_start(b, "echo out; echo err >&2", first);
	loop_run(b->loop);
	assert_string_equal(scratch_text(first), "out\nerr\n");
	assert_string_equal(scratch_text(fds[0]), "");
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	close(first);
}

/* One that was there before the loop was, as systemd's are. */
static void test_an_older_descriptor_is_not_inherited(void **state)
{
	struct bench *b = *state;
	struct loop *first = b->loop;
	int fd = scratch_file(), leak = open("/etc/passwd", O_RDONLY);

	b->loop = loop_new();
	assert_non_null(strstr(own_report(b, NULL, NULL, fd), "fds: 012\n"));
	loop_free(b->loop);
	b->loop = first;
	close(leak);
	close(fd);
}

/* Who reads what a child says is told of its end: nobody here holds the other end any more. */
static void test_its_output_ends_with_it(void **state)
{
	struct bench *b = *state;
	int ends[2];
	char text[8];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	shell_start(b, "echo out", ends[1]);
	close(ends[1]);
	b->target = 1;
	loop_run(b->loop);
	assert_int_equal(read(ends[0], text, sizeof(text)), 4);
	assert_int_equal(read(ends[0], text, sizeof(text)), 0);
	close(ends[0]);
}

/* ---- processes of an earlier life ---- */

static pid_t stranger_start(int *ready)
{
	int fds[2];
	pid_t stranger = 0;

	/* A grandchild whose parent has gone is not ours. */
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid_t parent = fork();
	if (parent == 0) {
		pid_t pid = fork();

		if (pid == 0) {
			execl("/bin/sleep", "sleep", "60", (char *)NULL);
			_exit(127);
		}
		_exit(write(fds[1], &pid, sizeof(pid)) == (ssize_t)sizeof(pid) ? 0 : 1);
	}
	assert_int_equal(read(fds[0], &stranger, sizeof(stranger)), sizeof(stranger));
	waitpid(parent, NULL, 0);
	close(fds[1]);
	*ready = fds[0];
	return stranger;
}

static void test_adopt_stranger(void **state)
{
	struct bench *b = *state;
	struct err e = {0};
	int ready;
	pid_t pid = stranger_start(&ready);
	int64_t ticks = process_start_ticks(pid);

	assert_int_equal(child_adopt(&b->child, b->loop, pid, ticks + 1, child_ended, b, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(child_adopt(&b->child, b->loop, pid, ticks, child_ended, b, &e), 0);
	assert_false(b->child.ours);
	assert_int_equal(child_signal(&b->child, SIGKILL), 0);
	loop_run(b->loop);
	assert_int_equal(b->code, -1);
	assert_int_equal(b->signo, 0);
	close(ready);
}

static void test_adopt_own_child(void **state)
{
	struct bench *b = *state;
	struct err e = {0};

	shell_start(b, "exec sleep 60", -1);
	pid_t pid = b->child.pid;
	int64_t ticks = child_start_ticks(&b->child);
	child_forget(&b->child);
	child_forget(&b->child);
	assert_int_equal(child_adopt(&b->child, b->loop, pid, ticks, child_ended, b, &e), 0);
	assert_true(b->child.ours);
	child_signal(&b->child, SIGINT);
	loop_run(b->loop);
	assert_int_equal(b->signo, SIGINT);
}

/* Somebody else's child that ended and waits to be waited for. */
static pid_t unburied_start(pid_t *parent)
{
	int fds[2];
	pid_t dead = 0;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	*parent = fork();
	if (*parent == 0) {
		siginfo_t info;
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) ||
		    write(fds[1], &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &dead, sizeof(dead)), sizeof(dead));
	close(fds[0]);
	return dead;
}

static void test_adopt_unburied(void **state)
{
	struct bench *b = *state;
	struct err e = {0};
	pid_t parent, dead = unburied_start(&parent);
	int64_t ticks = process_start_ticks(dead);

	assert_true(ticks > 0);
	assert_int_equal(child_adopt(&b->child, b->loop, dead, ticks, child_ended, b, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
}

static void test_adopt_nobody(void **state)
{
	struct bench *b = *state;
	struct err e = {0};

	assert_int_equal(child_adopt(&b->child, b->loop, 0, 1, child_ended, b, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(child_adopt(&b->child, b->loop, 0x3ffffff, 1, child_ended, b, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
}

/* ---- many ---- */

#define SLOTS 20
#define LIVES 300

struct slots {
	struct bench *bench;
	struct child children[SLOTS];
	int started;
};

static void slot_start(struct slots *s, struct child *c);

static void slot_ended(struct child *c, void *owner)
{
	struct slots *s = owner;

	assert_int_equal(c->exit_code, 3);
	s->bench->exits++;
	if (s->started < LIVES)
		slot_start(s, c);
	if (s->bench->exits == LIVES)
		loop_stop(s->bench->loop);
}

static void slot_start(struct slots *s, struct child *c)
{
	static const char *const argv[] = {"/bin/sh", "-c", "exit 3", NULL};
	const struct child_spec spec = {.argv = argv, .stderr_fd = -1};
	struct err e = {0};

	s->started++;
	assert_int_equal(child_spawn(c, s->bench->loop, &spec, slot_ended, s, &e), 0);
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_no_exit_missed(void **state)
{
	struct slots s = {.bench = *state};
	int before = count_fds();

	for (int i = 0; i < SLOTS; i++)
		slot_start(&s, &s.children[i]);
	loop_run(s.bench->loop);
	assert_int_equal(s.bench->exits, LIVES);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_in_range(count_fds(), 0, before + 1); /* the loop's own may differ */
}

/* ---- facts ---- */

/* It is asked for late: the kernel keeps it until somebody waited for the process. */
static void test_start_time_of_the_dead(void **state)
{
	const char *const argv[] = {"/bin/true", NULL};
	const struct child_spec spec = {.argv = argv, .stderr_fd = -1};
	struct bench *b = *state;
	struct err e = {0};
	siginfo_t info;

	assert_int_equal(child_spawn(&b->child, b->loop, &spec, child_ended, b, &e), 0);
	assert_int_equal(waitid(P_PID, (id_t)b->child.pid, &info, WEXITED | WNOWAIT), 0);
	assert_true(child_start_ticks(&b->child) > 0);
	loop_run(b->loop);
	assert_int_equal(b->code, 0);
}

static void test_facts(void **state)
{
	struct bench *b = *state;
	struct buf line = {0};
	struct err e = {0};
	char boot[40];
	pid_t *pids = NULL;
	size_t n = 0;
	bool found = false;

	shell_start(b, "sleep 60; true", -1);
	usleep(50000);
	assert_int_equal(process_cmdline(b->child.pid, &line, 4096), 0);
	assert_int_equal(line.len, sizeof("/bin/sh\0-c\0sleep 60; true"));
	assert_memory_equal(line.data, "/bin/sh\0-c\0sleep 60; true", line.len);
	buf_reset(&line);
	assert_int_equal(process_cmdline(b->child.pid, &line, 7), 0);
	assert_string_equal(buf_text(&line), "/bin/sh");
	buf_free(&line);

	assert_int_equal(process_list(&pids, &n, &e), 0);
	for (size_t i = 0; i < n; i++)
		found = found || pids[i] == b->child.pid;
	assert_true(found);
	free(pids);
	process_boot_id(boot);
	assert_int_equal(strlen(boot), 36);
	assert_int_equal(process_start_ticks(0x3ffffff), 0);
	assert_int_equal(process_cmdline(0x3ffffff, &line, 10), -1);
	child_signal(&b->child, SIGKILL);
	loop_run(b->loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_open, bench_close)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_exit_codes),
		TEST(test_signal),
		TEST(test_nothing_inherited),
		TEST(test_signals_that_changed),
		TEST(test_environment_and_folder_given),
		TEST(test_refused),
		TEST(test_no_descriptor_left),
		TEST(test_among_many_descriptors),
		TEST(test_an_older_descriptor_is_not_inherited),
		TEST(test_its_output_ends_with_it),
		TEST(test_adopt_stranger),
		TEST(test_adopt_own_child),
		TEST(test_adopt_nobody),
		TEST(test_adopt_unburied),
		TEST(test_no_exit_missed),
		TEST(test_start_time_of_the_dead),
		TEST(test_facts),
	};

	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return child_main();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
