/* Listening sockets, and who is at the other end of them. */
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "server_fixture.h"

static void test_tcp_addresses(void **state)
{
	static const struct {
		const char *address;
		bool ok;
	} rows[] = {
		{"127.0.0.1:0", true},
		{"localhost:0", true},
		{"127.1.2.3:0", true},
		{"0.0.0.0:0", false},
		{"10.0.0.1:80", false},
		{"*:80", false},
		{":80", false},
		{"127.0.0.1", false},
		{"127.0.0.1:", false},
		{"127.0.0.1:x", false},
		{"127.0.0.1:70000", false},
		{"127.0.0.1:-1", false},
		{"127.0.0.1:999999", false},
		{"[::]:0", false},
		{"[::ffff:127.0.0.1]:0", false},
		{"::1:80", false},
		{"", false},
		{"example.com:80", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = {0};
		int fd = -1;
		int rc = server_socket_tcp(rows[i].address, &fd, &e);

		if ((rc == 0) != rows[i].ok)
			fail_msg("%s: %d %s", rows[i].address, rc, e.message);
		if (rc == 0)
			close(fd);
		else
			assert_int_equal(e.kind, ERR_INVALID);
	}
}

static void test_tcp_busy(void **state)
{
	struct sockaddr_in a;
	socklen_t len = sizeof(a);
	struct err e;
	int fd = -1, second = -1;
	char text[32];

	(void)state;
	assert_int_equal(server_socket_tcp("127.0.0.1:0", &fd, &e), 0);
	getsockname(fd, (struct sockaddr *)&a, &len);
	snprintf(text, sizeof(text), "127.0.0.1:%d", ntohs(a.sin_port));
	assert_int_equal(server_socket_tcp(text, &second, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_int_equal(second, -1);
	close(fd);
}

struct folder {
	char path[64], socket[96];
};

static void folder_make(struct folder *d)
{
	strcpy(d->path, "/tmp/adit-socket-XXXXXX");
	assert_non_null(mkdtemp(d->path));
	snprintf(d->socket, sizeof(d->socket), "%s/s", d->path);
}

static void folder_remove(struct folder *d)
{
	unlink(d->socket);
	/* Fails when a temporary name was left behind. */
	assert_int_equal(rmdir(d->path), 0);
}

static void test_unix_mode(void **state)
{
	static const mode_t modes[] = {0600, 0660, 0666};
	struct folder d;
	struct err e;
	mode_t old = umask(0077);

	(void)state;
	folder_make(&d);
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct stat st;
		int fd = -1;

		assert_int_equal(server_socket_unix(d.socket, modes[i], getgid(), &fd, &e), 0);
		assert_int_equal(lstat(d.socket, &st), 0);
		assert_true(S_ISSOCK(st.st_mode));
		assert_int_equal(st.st_mode & 07777, modes[i]);
		assert_int_equal(st.st_gid, getgid());
		close(fd);
	}
	assert_int_equal(umask(old), 0077);
	folder_remove(&d);
}

static void test_unix_group(void **state)
{
	struct folder d;
	struct err e = {0};
	struct stat st;
	int fd = -1;

	(void)state;
	folder_make(&d);
	if (geteuid() == 0) {
		assert_int_equal(server_socket_unix(d.socket, 0660, 12345, &fd, &e), 0);
		assert_int_equal(lstat(d.socket, &st), 0);
		assert_int_equal(st.st_gid, 12345);
		close(fd);
	} else {
		assert_int_equal(server_socket_unix(d.socket, 0660, 0, &fd, &e), -1);
		assert_int_equal(e.kind, ERR_DENIED);
		assert_int_equal(lstat(d.socket, &st), -1);
	}
	folder_remove(&d);
}

static void test_unix_taken(void **state)
{
	struct folder d;
	struct err e;
	int fd = -1, second = -1;

	(void)state;
	folder_make(&d);
	assert_int_equal(server_socket_unix(d.socket, 0600, (gid_t)-1, &fd, &e), 0);
	assert_int_equal(server_socket_unix(d.socket, 0600, (gid_t)-1, &second, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
	/* Nobody listens any more: stale. */
	close(fd);
	assert_int_equal(server_socket_unix(d.socket, 0600, (gid_t)-1, &second, &e), 0);
	close(second);
	unlink(d.socket);

	/* What is no socket is never replaced. */
	fd = open(d.socket, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	assert_int_equal(server_socket_unix(d.socket, 0600, (gid_t)-1, &second, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	unlink(d.socket);
	assert_int_equal(symlink("/nowhere", d.socket), 0);
	assert_int_equal(server_socket_unix(d.socket, 0600, (gid_t)-1, &second, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	folder_remove(&d);
}

static void test_unix_bad_path(void **state)
{
	char deep[200] = "/tmp/";
	struct err e;
	int fd = -1;

	(void)state;
	memset(deep + 5, 'x', 150);
	assert_int_equal(server_socket_unix(deep, 0600, (gid_t)-1, &fd, &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
	assert_int_equal(server_socket_unix("", 0600, (gid_t)-1, &fd, &e), -1);
	assert_int_equal(server_socket_unix("/nonexistent/x/s", 0600, (gid_t)-1, &fd, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_int_equal(fd, -1);
}

static void test_listen_refuses(void **state)
{
	struct fx f;
	struct err e;

	(void)state;
	fx_start(&f, NULL);

	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(server_listen(f.server, fd, 3, &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(server_listen(f.server, -1, 3, &e), -1);
	fx_stop(&f);
}

static void test_peer(void **state)
{
	struct fx f;

	(void)state;
	fx_start(&f, NULL);
	for (int door = 0; door < 2; door++) {
		AUTO(fd_t) fd = fx_connect(&f, door);
		AUTO(buf_t) in = {0};
		int n = getgroups(0, NULL);
		AUTO(str_t)
		want = door ? str_dup("valid=0 pid=-1 uid=4294967295 "
				      "gid=4294967295 groups=0 port=1")
			    : str_format("valid=1 pid=%d uid=%u gid=%u groups=%d port=0", getpid(),
					 geteuid(), getegid(), n);

		fx_send(&f, fd, FX_GET("/peer"));
		assert_true(fx_expect(&f, fd, &in, "valid="));
		if (door)
			assert_non_null(strstr(in.data, "valid=0 "));
		else
			assert_non_null(strstr(in.data, want));
	}
	fx_stop(&f);
}

/* Another user with groups of its own: needs root, as the test's container has. */
static void test_peer_other_user(void **state)
{
	struct fx f;
	gid_t groups[300];
	AUTO(buf_t) in = {0};

	(void)state;
	if (geteuid() != 0)
		skip();
	fx_start(&f, NULL);
	assert_int_equal(chmod(f.folder, 0755), 0);
	assert_int_equal(chmod(f.path, 0666), 0);
	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		groups[i] = (gid_t)(5000 + i);

	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);

	pid_t pid = fork();

	if (pid == 0) {
		struct sockaddr_un a = {.sun_family = AF_UNIX};
		char room[4096];
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		ssize_t n = 0;

		strcpy(a.sun_path, f.path);
		if (setgroups(ARRAY_LEN(groups), groups) || setgid(4001) || setuid(4002) ||
		    connect(fd, (struct sockaddr *)&a, sizeof(a)))
			_exit(1);
		if (write(fd, FX_GET("/peer"), strlen(FX_GET("/peer"))) < 0)
			_exit(2);
		n = read(fd, room, sizeof(room));
		_exit(n > 0 && write(pair[1], room, (size_t)n) == n ? 0 : 3);
	}
	close(pair[1]);
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	assert_true(fx_expect(&f, pair[0], &in, "port="));
	AUTO(str_t) want = str_format("valid=1 pid=%d uid=4002 gid=4001 groups=300", pid);
	assert_non_null(strstr(in.data, want));
	close(pair[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	fx_stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_addresses),   cmocka_unit_test(test_tcp_busy),
		cmocka_unit_test(test_unix_mode),       cmocka_unit_test(test_unix_group),
		cmocka_unit_test(test_unix_taken),      cmocka_unit_test(test_unix_bad_path),
		cmocka_unit_test(test_listen_refuses),  cmocka_unit_test(test_peer),
		cmocka_unit_test(test_peer_other_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
