#include "supervise/edge_listener.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/log.h"

void edge_listener_init(struct edge_listener *l)
{
	l->server = NULL;
	list_init(&l->valid);
}

/* ---- nonces ---- */

void edge_nonce_begin(struct edge_listener *l, struct edge_nonce *n)
{
	random_hex(n->nonce, EDGE_NONCE_DIGITS);
	random_hex(n->answer, EDGE_NONCE_DIGITS);
	list_append(&l->valid, &n->node);
}

void edge_nonce_end(struct edge_nonce *n)
{
	list_remove(&n->node);
	memset(n->nonce, 0, sizeof(n->nonce));
}

/* All of them are compared, so that time tells nothing. */
static struct edge_nonce *find(const struct edge_listener *l, const char *nonce)
{
	struct edge_nonce *found = NULL;

	LIST_EACH (it, &l->valid) {
		struct edge_nonce *n = LIST_OF(it, struct edge_nonce, node);

		if (const_time_equal(n->nonce, nonce, EDGE_NONCE_DIGITS))
			found = n;
	}
	return found;
}

/* ---- requests ---- */

static bool came_for(const struct server_req *r, const char *hostname)
{
	const char *host = server_req_header(r, "host");
	size_t len = strlen(hostname);

	return host && strncasecmp(host, hostname, len) == 0 &&
	       (host[len] == '\0' || host[len] == ':');
}

static struct edge_nonce *asked_for(const struct edge_listener *l, const struct server_req *r)
{
	const char *path = server_req_path(r), *name, *value;
	size_t prefix = strlen(EDGE_PROBE_PREFIX);

	if (!str_equal(server_req_method(r), "HEAD") || !str_starts(path, EDGE_PROBE_PREFIX) ||
	    strlen(path) != prefix + EDGE_NONCE_DIGITS || server_req_query(r, 0, &name, &value))
		return NULL;
	return find(l, path + prefix);
}

static void refuse(struct server_req *r)
{
	server_reply(r, 404, NULL, "", 0, NULL);
}

static int head_came(struct server_req *r, void *owner)
{
	const struct edge_listener *l = owner;
	const struct peer *peer = server_req_peer(r);
	struct edge_nonce *n = asked_for(l, r);
	char line[sizeof(EDGE_PROBE_HEADER) + EDGE_NONCE_DIGITS + 3];
	const char *const headers[] = {line, "Cache-Control: no-store", NULL};

	if (!n || !peer->valid || !came_for(r, n->hostname) || !n->came(n, peer->pid)) {
		refuse(r);
		return -1;
	}
	list_remove(&n->node); /* once */
	(void)snprintf(line, sizeof(line), EDGE_PROBE_HEADER ": %s", n->answer);
	server_reply(r, 200, NULL, "", 0, headers);
	return -1;
}

/* head_came has answered. */
static void request_came(struct server_req *r, void *owner)
{
	(void)owner;
	refuse(r);
}

static void request_gone(struct server_req *r, void *owner)
{
	(void)r;
	(void)owner;
}

static const char *refused(int status, const char *what, struct buf *body, void *owner)
{
	(void)status;
	(void)what;
	(void)body;
	(void)owner;
	return "text/plain";
}

/* ---- open and closed ---- */

int edge_listener_open(struct edge_listener *l, struct loop *loop, const char *path, struct err *e)
{
	static const struct server_limits limits = {.max_header = 8 << 10,
						    .max_body = 1,
						    .max_connections = 64,
						    .header_ms = 5000,
						    .body_ms = 1000,
						    .idle_ms = 60 * 1000};
	const struct server_handler handler = {.head = head_came,
					       .request = request_came,
					       .gone = request_gone,
					       .refusal = refused,
					       .owner = l};
	int fd = -1;

	if (l->server)
		return 0;
	if (server_socket_unix(path, 0600, (gid_t)-1, &fd, e) < 0)
		return err_wrap(e, "the listener for probes through the edge");
	l->server = server_new(loop, &limits, &handler);
	if (server_listen(l->server, fd, 0, e) == 0)
		return 0;
	edge_listener_close(l, path);
	return -1;
}

void edge_listener_close(struct edge_listener *l, const char *path)
{
	if (!l->server)
		return;
	server_free(l->server);
	l->server = NULL;
	(void)unlink(path);
}
