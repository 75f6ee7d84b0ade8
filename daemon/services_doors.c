/*
 * The doors as the daemon has them: sockets from systemd or opened here, and MCP behind them. The
 * Unix socket must be there, or the daemon does not start. The port for MCP may be taken: that is
 * told, and tried again until it is free, for nothing else waits for it. It follows the settings at
 * each reload, unless systemd passed it in.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "daemon/private.h"

#define NOTICE "mcp.listen"

static const struct backoff again = {1000, 30 * 1000, 10};

/* ---- MCP ---- */

static void guest_request(struct server_req *r, const struct principal *who, void *owner)
{
	mcp_request(owner, r, who);
}

static void guest_gone(struct server_req *r, void *owner)
{
	mcp_gone(owner, r);
}

static void guest_lines(struct server_lines *l, const struct principal *who, void *owner)
{
	mcp_lines(owner, l, who);
}

static void guest_line(struct server_lines *l, const char *text, size_t len, void *owner)
{
	mcp_line(owner, l, text, len);
}

static void guest_too_long(struct server_lines *l, void *owner)
{
	mcp_lines_too_long(owner, l);
}

static void guest_input_ended(struct server_lines *l, void *owner)
{
	mcp_lines_ended(owner, l);
}

static void guest_lines_gone(struct server_lines *l, void *owner)
{
	mcp_lines_gone(owner, l);
}

static void open_mcp(struct daemon *d)
{
	d->mcp = mcp_new(d->loop, &d->ops);
	api_set_mcp(d->api, &(struct api_guest){.request = guest_request,
						.gone = guest_gone,
						.lines = guest_lines,
						.line = guest_line,
						.too_long = guest_too_long,
						.input_ended = guest_input_ended,
						.lines_gone = guest_lines_gone,
						.owner = d->mcp});
}

/* ---- the Unix socket ---- */

static int socket_folder(const char *path, struct err *e)
{
	AUTO(str_t) folder = str_dup(path);
	char *slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	if (mkdir(folder, 0755) == 0) /* less our umask, which is for what others may not see */
		return chmod(folder, 0755) < 0 ? err_errno(e, "%s", folder) : 0;
	return errno == EEXIST ? 0 : err_errno(e, "%s", folder);
}

/* Everybody may connect; who they are decides what they may (and most are refused with a sentence).
 */
static int listen_unix(struct daemon *d, struct err *e)
{
	int fd = -1;
	if (socket_folder(d->settings.socket, e) < 0 ||
	    server_socket_unix(d->settings.socket, 0666, (gid_t)-1, &fd, e) < 0)
		return err_wrap(e, "socket");
	return api_listen(d->api, fd, DOOR_UNIX, e);
}

/* ---- the port ---- */

static int listen_tcp(struct daemon *d, struct err *e)
{
	int fd = -1;
	if (server_socket_tcp(d->settings.mcp.listen, &fd, e) < 0 ||
	    api_listen(d->api, fd, DOOR_TCP, e) < 0)
		return err_wrap(e, "mcp.listen");
	return 0;
}

static void port_opened(struct daemon *d)
{
	str_set(&d->port_open, d->settings.mcp.listen);
	d->port_tries = 0;
	timer_stop(&d->port_timer);
	world_notice(d->world, NOTICE, NULL, clock_wall_ms());
	if (d->port_open)
		log_info("MCP is served on http://%s/mcp", d->port_open);
}

static void open_port(struct daemon *d)
{
	struct err e;
	if (!d->settings.mcp.listen || listen_tcp(d, &e) == 0) {
		port_opened(d);
		return;
	}
	if (!d->port_tries)
		log_error("MCP is not served over HTTP: %s %s", e.message, e.hint);
	world_notice(d->world, NOTICE, &e, clock_wall_ms());
	timer_start(&d->port_timer, backoff_delay(&again, ++d->port_tries, random_u64()));
}

static void port_due(struct timer *t, void *owner)
{
	(void)t;
	open_port(owner);
}

/* ---- passed in ---- */

/* Where it listens, as the settings would say it. NULL: not on a loopback address; the port is for
 * this host, and a socket unit must not open it to others. */
static char *loopback_address(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = {.v6 = {0}};
	socklen_t len = sizeof(a);
	char text[INET6_ADDRSTRLEN] = "";
	if (getsockname(fd, &a.any, &len) < 0)
		return NULL;
	if (a.any.sa_family == AF_INET && ntohl(a.v4.sin_addr.s_addr) >> 24 == 127)
		return str_format("%s:%d", inet_ntop(AF_INET, &a.v4.sin_addr, text, sizeof(text)),
				  ntohs(a.v4.sin_port));
	if (a.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a.v6.sin6_addr))
		return str_format("[::1]:%d", ntohs(a.v6.sin6_port));
	return NULL;
}

static int take_passed(struct daemon *d, int fd, bool *have_unix, struct err *e)
{
	if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) > 0) {
		*have_unix = true;
		return api_listen(d->api, fd, DOOR_UNIX, e);
	}
	AUTO(str_t) address = loopback_address(fd);
	if (!address)
		return err_set(e, ERR_INVALID,
			       "The passed-in socket %d is neither a Unix socket nor one on a "
			       "loopback address",
			       fd);
	d->port_passed = true;
	str_set(&d->port_open, address);
	str_set(&d->settings.mcp.listen, address);
	return api_listen(d->api, fd, DOOR_TCP, e);
}

/* ---- all ---- */

int daemon_open_doors(struct daemon *d, struct err *e)
{
	bool have_unix = false;
	int n = sd_listen_fds(1);
	d->api = api_new(d->loop, &d->ops);
	timer_init(&d->port_timer, d->loop, port_due, d);
	open_mcp(d);
	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++)
		if (take_passed(d, fd, &have_unix, e) < 0)
			return -1;
	if (!have_unix && listen_unix(d, e) < 0)
		return -1;
	if (!d->port_passed)
		open_port(d);
	return 0;
}

void daemon_reload_doors(struct daemon *d)
{
	api_settings_changed(d->api);
	if (d->port_passed) {
		if (!str_equal(d->port_open, d->settings.mcp.listen))
			log_warning("mcp.listen is as systemd passed it in: %s", d->port_open);
		str_set(&d->settings.mcp.listen, d->port_open);
		return;
	}
	if (d->port_open && str_equal(d->port_open, d->settings.mcp.listen))
		return;
	if (d->port_open)
		api_unlisten(d->api, DOOR_TCP);
	str_set(&d->port_open, NULL);
	d->port_tries = 0;
	open_port(d);
}

void daemon_close_doors(struct daemon *d)
{
	timer_stop(&d->port_timer);
	api_free(d->api);
	if (d->mcp)
		mcp_free(d->mcp);
	free(d->port_open);
}
