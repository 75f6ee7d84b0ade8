/*
 * Making listening sockets. A Unix socket appears under its name only when its mode and group are
 * right and it listens: it is bound under another name in the same folder and renamed. A TCP socket
 * is made on loopback addresses only; nothing of ours listens on a network.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/secret.h"
#include "loop/server_private.h"

#define BACKLOG 512

/* ---- Unix ---- */

static int unix_address(const char *path, struct sockaddr_un *a, struct err *e)
{
	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (path[0] && str_copy(a->sun_path, sizeof(a->sun_path), path))
		return 0;
	return err_set(e, ERR_INVALID, "The socket's path must have 1 to %zu characters: %s",
		       sizeof(a->sun_path) - 1, path);
}

static int unix_connect(const struct sockaddr_un *a)
{
	AUTO(fd_t) fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return errno;
	if (connect(fd, (const struct sockaddr *)(const void *)a, sizeof(*a)) < 0)
		return errno;
	return 0;
}

/* May the name be taken? A stale socket may, anything that lives or is no socket may not. */
static int unix_name_free(const struct sockaddr_un *a, struct err *e)
{
	struct stat st;
	int error = 0;

	if (lstat(a->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : err_errno(e, "%s", a->sun_path);
	if (!S_ISSOCK(st.st_mode)) {
		err_set(e, ERR_CONFLICT, "%s exists and is not a socket.", a->sun_path);
		return err_hint(e, "Remove it or choose another path.");
	}
	error = unix_connect(a);
	/* A datagram socket or a full backlog belongs to somebody as well. */
	if (!error || error == EAGAIN || error == EPROTOTYPE) {
		err_set(e, ERR_BUSY, "Another process listens on %s.", a->sun_path);
		return err_hint(e, "Stop it, or choose another path.");
	}
	if (error == ECONNREFUSED || error == ENOENT)
		return 0;
	errno = error;
	return err_errno(e, "%s", a->sun_path);
}

static int unix_temporary(const char *path, struct sockaddr_un *a, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char suffix[9];

	random_hex(suffix, sizeof(suffix) - 1);

	AUTO(str_t)
	name = slash ? str_format("%.*s/.%s", (int)(slash - path), path, suffix)
		     : str_format(".%s", suffix);

	return unix_address(name, a, e);
}

static int unix_bind(int fd, const struct sockaddr_un *a)
{
	mode_t old = umask(0777);
	int rc = bind(fd, (const struct sockaddr *)(const void *)a, sizeof(*a));
	int error = errno;

	umask(old);
	errno = error;
	return rc;
}

static int unix_dress(int fd, const char *name, mode_t mode, gid_t gid, struct err *e)
{
	if (gid != (gid_t)-1 && fchownat(AT_FDCWD, name, (uid_t)-1, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(e, "Giving the socket to group %u", (unsigned)gid);
	if (chmod(name, mode) < 0)
		return err_errno(e, "Setting the socket's mode");
	if (listen(fd, BACKLOG) < 0)
		return err_errno(e, "Listening");
	return 0;
}

int server_socket_unix(const char *path, mode_t mode, gid_t gid, int *fd, struct err *e)
{
	struct sockaddr_un final, temporary;

	if (unix_address(path, &final, e) < 0 || unix_name_free(&final, e) < 0 ||
	    unix_temporary(path, &temporary, e) < 0)
		return -1;

	AUTO(fd_t) sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (sock < 0)
		return err_errno(e, "Making a socket");
	if (unix_bind(sock, &temporary) < 0)
		return err_errno(e, "Making the socket %s", path);
	if (unix_dress(sock, temporary.sun_path, mode, gid, e) < 0) {
		unlink(temporary.sun_path);
		return err_wrap(e, "%s", path);
	}
	if (rename(temporary.sun_path, path) < 0) {
		err_errno(e, "Making the socket %s", path);
		unlink(temporary.sun_path);
		return -1;
	}
	*fd = sock;
	sock = -1;
	return 0;
}

/* ---- TCP ---- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int port_parse(const char *text, in_port_t *port)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long number = strtoul(text, NULL, 10);

	if (!digits || digits > 5 || text[digits] || number > 65535)
		return -1;
	*port = htons((uint16_t)number);
	return 0;
}

static int address_refuse(const char *text, struct err *e)
{
	err_set(e, ERR_INVALID, "\"%s\" is not a loopback address with a port.", text);
	return err_hint(e, "Write 127.0.0.1:7437 or [::1]:7437; other addresses are refused.");
}

static int address_parse(const char *text, union address *a, struct err *e)
{
	const char *colon = strrchr(text, ':');
	in_port_t port = 0;

	if (!colon || port_parse(colon + 1, &port) < 0)
		return address_refuse(text, e);

	AUTO(str_t) host = str_ndup(text, (size_t)(colon - text));
	size_t len = strlen(host);

	*a = (union address){.v6 = {0}};
	if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = port;
		if (inet_pton(AF_INET6, host + 1, &a->v6.sin6_addr) == 1 &&
		    IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr))
			return 0;
		return address_refuse(text, e);
	}
	a->v4.sin_family = AF_INET;
	a->v4.sin_port = port;
	if (inet_pton(AF_INET, str_equal(host, "localhost") ? "127.0.0.1" : host,
		      &a->v4.sin_addr) == 1 &&
	    ntohl(a->v4.sin_addr.s_addr) >> 24 == 127)
		return 0;
	return address_refuse(text, e);
}

int server_socket_tcp(const char *address, int *fd, struct err *e)
{
	union address a;
	int on = 1;

	if (address_parse(address, &a, e) < 0)
		return -1;

	bool v6 = a.any.sa_family == AF_INET6;
	AUTO(fd_t) sock = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (sock < 0 || setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return err_errno(e, "Making a socket for %s", address);
	if (bind(sock, &a.any, v6 ? sizeof(a.v6) : sizeof(a.v4)) < 0 || listen(sock, BACKLOG) < 0) {
		if (errno != EADDRINUSE)
			return err_errno(e, "Listening on %s", address);
		err_set(e, ERR_BUSY, "Another process listens on %s.", address);
		return err_hint(e, "Stop it, or choose another port.");
	}
	*fd = sock;
	sock = -1;
	return 0;
}
