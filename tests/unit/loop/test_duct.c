/* Ducts: what is taken and what is refused, that nothing waits whatever flags say, no leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "loop/duct.h"

#define PLENTY (1 << 20)

static int sluice[2];

static void pair_open(int s[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
}

static void pair_close(const int s[2])
{
	close(s[0]);
	close(s[1]);
}

/* Any number of descriptors with one byte. */
static void send_fds(int conn, const int *fds, size_t n)
{
	union {
		char room[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = {.room = {0}};
	struct iovec byte = {.iov_base = (char[]){'\n'}, .iov_len = 1};
	struct msghdr m = {.msg_iov = &byte, .msg_iovlen = 1};

	if (n) {
		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	assert_int_equal(sendmsg(conn, &m, 0), 1);
}

/* ---- what is handed ---- */

static int made_none(int *other)
{
	(void)other;
	return -1;
}

static int made_pipe(int *other, int end, int flags)
{
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC | flags), 0);
	*other = p[!end];
	return p[end];
}

static int made_reader(int *other)
{
	return made_pipe(other, 0, O_NONBLOCK);
}

static int made_writer(int *other)
{
	return made_pipe(other, 1, O_NONBLOCK);
}

static int made_blocking_reader(int *other)
{
	return made_pipe(other, 0, 0);
}

static int made_blocking_writer(int *other)
{
	return made_pipe(other, 1, 0);
}

static int made_both_ways(int *other)
{
	char path[40];
	int fd = made_pipe(other, 0, 0);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int both = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	close(fd);
	return both;
}

static int made_pair(int *other, int type)
{
	int s[2];

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, s), 0);
	*other = s[1];
	return s[0];
}

static int made_socket(int *other)
{
	return made_pair(other, SOCK_STREAM);
}

static int made_packets(int *other)
{
	return made_pair(other, SOCK_SEQPACKET);
}

static int made_datagrams(int *other)
{
	return made_pair(other, SOCK_DGRAM);
}

static int made_lonely(int *other)
{
	(void)other;
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int made_listener(int *other)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = made_lonely(other);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a.sun_family)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static int made_udp(int *other)
{
	(void)other;
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int made_tcp(int *other)
{
	(void)other;
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int made_file(int *other)
{
	(void)other;
	return open("/proc/self/exe", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static int made_null(int *other)
{
	(void)other;
	return open("/dev/null", O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

static int made_epoll(int *other)
{
	(void)other;
	return epoll_create1(EPOLL_CLOEXEC);
}

static int made_path(int *other)
{
	(void)other;
	return open("/", O_PATH | O_CLOEXEC);
}

struct kind {
	const char *name;
	int (*make)(int *other);
	bool reads, writes; /* taken for that */
};

static const struct kind kinds[] = {
	{"reading end", made_reader, true, false},
	{"writing end", made_writer, false, true},
	{"socket", made_socket, true, true},
	{"blocking reading end", made_blocking_reader, false, false},
	{"blocking writing end", made_blocking_writer, false, false},
	{"pipe open both ways", made_both_ways, false, false},
	{"socket of packets", made_packets, false, false},
	{"socket of datagrams", made_datagrams, false, false},
	{"socket that leads nowhere", made_lonely, false, false},
	{"listening socket", made_listener, false, false},
	{"UDP", made_udp, false, false},
	{"TCP", made_tcp, false, false},
	{"file", made_file, false, false},
	{"null", made_null, false, false},
	{"epoll", made_epoll, false, false},
	{"path", made_path, false, false},
	{"nothing", made_none, false, false},
};

static void pair_tried(const struct kind *in, const struct kind *out)
{
	int before = open_count(), others[2] = {-1, -1}, conn[2];
	int fds[2] = {in->make(&others[0]), out->make(&others[1])};
	struct duct from, to;
	bool right = in->reads && out->writes;

	pair_open(conn);
	if (fds[0] < 0 || fds[1] < 0)
		assert_int_equal(ducts_hand(conn[0], fds[0], fds[1]), 0);
	else
		send_fds(conn[0], fds, 2);

	int taken = ducts_take(conn[1], getuid(), sluice, &from, &to);

	if (taken != right)
		fail_msg("%s and %s: %d", in->name, out->name, taken);
	if (taken) {
		assert_true(fcntl(from.fd, F_GETFD) & FD_CLOEXEC);
		assert_true(fcntl(to.fd, F_GETFD) & FD_CLOEXEC);
		duct_close(&from);
		duct_close(&to);
		duct_close(&to);
	}
	for (int i = 0; i < 2; i++) {
		fd_t_cleanup(&fds[i]);
		fd_t_cleanup(&others[i]);
	}
	pair_close(conn);
	if (open_count() != before)
		fail_msg("%s and %s leak", in->name, out->name);
}

static void test_kinds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
			pair_tried(&kinds[i], &kinds[k]);
}

static void test_numbers(void **state)
{
	int before = open_count(), other;
	int s = made_socket(&other);
	struct duct from, to;

	(void)state;
	for (size_t n = 0; n <= 8; n++) {
		int conn[2], fds[8] = {s, s, s, s, s, s, s, s};

		pair_open(conn);
		send_fds(conn[0], fds, n);
		assert_int_equal(ducts_take(conn[1], getuid(), sluice, &from, &to), n == 2);
		if (n == 2) {
			duct_close(&from);
			duct_close(&to);
		}
		assert_int_equal(open_count(), before + 4);
		pair_close(conn);
	}
	close(s);
	close(other);
}

static void test_somebody_elses(void **state)
{
	int before = open_count(), other, conn[2];
	int s = made_socket(&other), fds[2] = {s, s};
	struct duct from, to;

	(void)state;
	pair_open(conn);
	send_fds(conn[0], fds, 2);
	assert_int_equal(ducts_take(conn[1], getuid() + 1, sluice, &from, &to), 0);
	send_fds(conn[0], fds, 2);
	assert_int_equal(ducts_take(conn[1], (uid_t)-1, sluice, &from, &to), 0);
	pair_close(conn);
	close(s);
	close(other);
	assert_int_equal(open_count(), before);
}

static void test_none_came(void **state)
{
	int conn[2];
	struct duct from, to;

	(void)state;
	pair_open(conn);
	assert_int_equal(ducts_take(conn[1], getuid(), sluice, &from, &to), -1);
	assert_int_equal(errno, EAGAIN);
	shutdown(conn[0], SHUT_WR);
	assert_int_equal(ducts_take(conn[1], getuid(), sluice, &from, &to), -1);
	assert_int_equal(errno, ENODATA);
	pair_close(conn);
}

/* A process that has no descriptor left, or only one, refuses, too. */
static void test_no_room(void **state)
{
	int before = open_count(), other, conn[2], filler[64], n = 0;
	int s = made_socket(&other), fds[2] = {s, s};
	struct rlimit old, few = {.rlim_cur = ARRAY_LEN(filler)};
	struct duct from, to;

	(void)state;
	pair_open(conn);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (n < (int)ARRAY_LEN(filler) && (filler[n] = dup(s)) >= 0)
		n++;
	for (int room = 0; room < 2; room++) {
		send_fds(conn[0], fds, 2);
		assert_int_equal(ducts_take(conn[1], getuid(), sluice, &from, &to), 0);
		assert_true(n > 0);
		close(filler[--n]);
	}
	send_fds(conn[0], fds, 2);
	assert_int_equal(ducts_take(conn[1], getuid(), sluice, &from, &to), 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	duct_close(&from);
	duct_close(&to);
	while (n)
		close(filler[--n]);
	pair_close(conn);
	close(s);
	close(other);
	assert_int_equal(open_count(), before);
}

/* ---- nothing waits ---- */

static struct duct taken(int in, int out, bool want_in)
{
	int conn[2], fds[2] = {in, out};
	struct duct from, to;

	pair_open(conn);
	send_fds(conn[0], fds, 2);
	assert_int_equal(ducts_take(conn[1], getuid(), sluice, &from, &to), 1);
	duct_close(want_in ? &to : &from);
	pair_close(conn);
	return want_in ? from : to;
}

/* The description is another process's as well: it may make it wait, and it stays so. */
static void test_reading_never_waits(void **state)
{
	char text[100];
	int other, spare;

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		int fd = kind ? made_socket(&other) : made_reader(&other);
		int s = made_socket(&spare);
		struct duct d = taken(fd, s, true);

		alarm(10);
		fcntl(fd, F_SETFL, 0);
		assert_int_equal(duct_read(&d, text, sizeof(text)), -1);
		assert_int_equal(errno, EAGAIN);
		assert_int_equal(write(other, "hello", 5), 5);
		assert_int_equal(duct_read(&d, text, 2), 2);
		assert_int_equal(duct_read(&d, text + 2, sizeof(text) - 2), 3);
		assert_memory_equal(text, "hello", 5);
		assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
		close(other);
		assert_int_equal(duct_read(&d, text, sizeof(text)), 0);
		alarm(0);
		duct_close(&d);
		close(fd);
		close(s);
		close(spare);
	}
}

static size_t read_all(int fd, char *to, size_t max)
{
	size_t n = 0;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (ssize_t got; n < max && (got = read(fd, to + n, max - n)) > 0;)
		n += (size_t)got;
	return n;
}

/* What counted as written, and nothing else, comes out in order, though the reader stops at times.
 */
static void test_writing_never_waits(void **state)
{
	static char all[PLENTY], back[PLENTY];
	int other, spare;

	(void)state;
	for (size_t i = 0; i < PLENTY; i++)
		all[i] = (char)(i * 7 + i / 251);
	for (int kind = 0; kind < 2; kind++) {
		int fd = kind ? made_socket(&other) : made_writer(&other);
		int s = made_socket(&spare);
		struct duct d = taken(s, fd, false);
		size_t sent = 0, got = 0, stops = 0;

		alarm(10);
		fcntl(fd, F_SETFL, 0);
		while (sent < PLENTY) {
			size_t piece = 1 + sent % 30011;
			ssize_t n = duct_write(&d, all + sent,
					       piece < PLENTY - sent ? piece : PLENTY - sent);

			if (n > 0) {
				sent += (size_t)n;
				continue;
			}
			assert_int_equal(errno, EAGAIN);
			stops++;
			got += read_all(other, back + got, 1 + stops * 5003 % 40009);
		}
		got += read_all(other, back + got, PLENTY - got);
		assert_true(stops > 3);
		assert_int_equal(got, PLENTY);
		assert_memory_equal(all, back, PLENTY);
		assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
		close(other);
		assert_int_equal(duct_write(&d, "x", 1), -1);
		assert_int_equal(errno, EPIPE);
		alarm(0);
		duct_close(&d);
		close(fd);
		close(s);
		close(spare);
	}
}

/* ---- one sluice for all ---- */

static void sluice_is_empty(void)
{
	int left = -1;

	assert_int_equal(ioctl(sluice[0], FIONREAD, &left), 0);
	assert_int_equal(left, 0);
}

/* Whatever becomes of what one session writes, another one sends its own bytes only. */
static void test_nothing_crosses(void **state)
{
	static char secret[40000], back[PLENTY];
	int full_end, gone_end, other_end, spare;
	int full = made_writer(&full_end), gone = made_writer(&gone_end);
	int other = made_writer(&other_end), s = made_socket(&spare);
	struct duct f = taken(s, full, false), g = taken(s, gone, false);
	struct duct o = taken(s, other, false);
	size_t sent = 0;
	ssize_t n;

	(void)state;
	memset(secret, 's', sizeof(secret));
	/* Of the first a part is sent, then nothing. */
	assert_true(fcntl(full, F_SETPIPE_SZ, 1) > 0);
	while ((n = duct_write(&f, secret, sizeof(secret))) > 0) {
		sent += (size_t)n;
		sluice_is_empty();
		assert_int_equal(duct_write(&o, "mine", 4), 4);
	}
	assert_int_equal(errno, EAGAIN);
	assert_true(sent > 0);
	sluice_is_empty();
	close(gone_end);
	assert_int_equal(duct_write(&g, secret, sizeof(secret)), -1);
	assert_int_equal(errno, EPIPE);
	sluice_is_empty();
	assert_int_equal(duct_write(&o, "last", 4), 4);
	assert_int_equal(read_all(full_end, back, sizeof(back)), sent);
	n = (ssize_t)read_all(other_end, back, sizeof(back));
	for (ssize_t i = 0; i < n - 4; i += 4)
		assert_memory_equal(back + i, "mine", 4);
	assert_memory_equal(back + n - 4, "last", 4);
	duct_close(&f);
	duct_close(&g);
	duct_close(&o);
	for (size_t i = 0; i < 7; i++)
		close((int[]){full, gone, other, s, spare, full_end, other_end}[i]);
}

/* ---- a sandbox ---- */

/* In a child of its own: it has no way back. */
static int pipes_taken_without(int call, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};
	int other, conn[2], in = made_reader(&other), out = made_writer(&other), status = -1;
	struct duct from, to;
	pid_t pid;

	pair_open(conn);
	send_fds(conn[0], (int[]){in, out}, 2);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
			_exit(9);
		_exit(ducts_take(conn[1], getuid(), sluice, &from, &to));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	pair_close(conn);
	close(in);
	close(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Refused at the beginning, when the connection can still carry the lines. */
static void test_sandbox(void **state)
{
	(void)state;
	assert_int_equal(pipes_taken_without(SYS_getppid, EPERM), 1);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipes_taken_without(SYS_splice, i ? EPERM : ENOSYS), 0);
		assert_int_equal(pipes_taken_without(SYS_vmsplice, i ? EPERM : ENOSYS), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_somebody_elses),
		cmocka_unit_test(test_none_came),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_reading_never_waits),
		cmocka_unit_test(test_writing_never_waits),
		cmocka_unit_test(test_nothing_crosses),
		cmocka_unit_test(test_sandbox),
	};

	signal(SIGPIPE, SIG_IGN);
	if (sluice_open(sluice) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
