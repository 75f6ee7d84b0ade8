/*
 * The metrics port: /ready, /healthcheck, /config, /metrics, /diag/tunnel. It is bound before the
 * first connection to the edge, answers while there is none, and lies exactly where the real one
 * does (cloudflared_tunnel_ha_connections counts attempts).
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/stub/stub.h"

static bool address_of(const char *text, struct sockaddr_in *out)
{
	const char *colon = strrchr(text, ':');
	char host[64], *end;
	unsigned long port;

	if (!colon)
		return false;
	snprintf(host, sizeof(host), "%.*s", at_most((size_t)(colon - text), 63), text);
	port = strtoul(colon + 1, &end, 10);
	*out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	if (!strcmp(host, "localhost"))
		snprintf(host, sizeof(host), "127.0.0.1");
	return !*end && port <= 65535 && (!*host || inet_pton(AF_INET, host, &out->sin_addr) == 1);
}

/* 0, or the errno. */
static int listen_at(struct stub *s, const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 || listen(fd, 64) < 0) {
		int error = errno;

		close(fd);
		return error;
	}
	s->metrics_fd = fd;
	return 0;
}

/* Without --metrics: the first free one of 20241 to 20245, else any. */
static int listen_default(struct stub *s)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	int error = EADDRINUSE;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (uint16_t port = 20241; port <= 20246 && error; port++) {
		at.sin_port = htons(port <= 20245 ? port : 0);
		error = listen_at(s, &at);
	}
	return error;
}

void metrics_bind(struct stub *s)
{
	const char *wanted = setting(&s->settings, "metrics");
	struct sockaddr_in at = {0};
	socklen_t len = sizeof(at);
	char host[64];
	int error;

	if (!wanted || !*wanted)
		error = listen_default(s);
	else if (address_of(wanted, &at))
		error = listen_at(s, &at);
	else
		error = EINVAL;
	if (error) {
		log_text(&s->log, LEVEL_ERROR, "Error opening metrics server listener");
		die(1, "Error opening metrics server listener: listen tcp %s: bind: %s", wanted,
		    error == EADDRINUSE ? "address already in use"
					: "cannot assign requested address");
	}
	getsockname(s->metrics_fd, (struct sockaddr *)&at, &len);
	inet_ntop(AF_INET, &at.sin_addr, host, sizeof(host));
	log_text(&s->log, LEVEL_INFO, "Starting metrics server on %s:%u/metrics", host,
		 ntohs(at.sin_port));
}

/* ---- the pages ---- */

static int page_ready(const struct stub *s, struct bytes *out)
{
	int up = s->stopping_at ? 0 : links_up(s);
	int status = up ? 200 : 503;

	bytes_printf(out, "{\"status\":%d,\"readyConnections\":%d,\"connectorId\":\"%s\"}", status,
		     up, s->connector_id);
	return status;
}

static int page_healthcheck(const struct stub *s, struct bytes *out)
{
	(void)s;
	bytes_printf(out, "OK\n");
	return 200;
}

static int page_config(const struct stub *s, struct bytes *out)
{
	int64_t version = s->mode.report ? s->mode.report_version : s->rules.version;

	bytes_printf(out, "{\"version\":%lld,\"config\":", (long long)version);
	if (s->rules.json)
		bytes_printf(out, "%s}", s->rules.json);
	else
		bytes_printf(out, "{\"ingress\":[{\"hostname\":\"\",\"path\":null,\"service\":"
				  "\"http_status:503\",\"Handlers\":null,\"originRequest\":{}}],"
				  "\"warp-routing\":{},\"originRequest\":{}}}");
	return 200;
}

static int page_diag(const struct stub *s, struct bytes *out)
{
	const char *between = "";

	bytes_printf(out, "{\"tunnelID\":\"%s\",\"connectorID\":\"%s\"", s->token.tunnel,
		     s->connector_id);
	for (int i = 0; i < LINKS; i++) {
		if (s->links[i].state != LINK_UP)
			continue;
		bytes_printf(out, "%s{\"isConnected\":true%s,\"edgeAddress\":\"127.0.0.1\"",
			     *between ? between : ",\"connections\":[",
			     strcmp(s->protocol, "quic") ? "" : ",\"protocol\":1");
		bytes_printf(out, i ? ",\"index\":%d}" : "}", i);
		between = ",";
	}
	bytes_printf(out, "%s}\n", *between ? "]" : "");
	log_text(&s->log, LEVEL_INFO, "Diagnostic request");
	return 200;
}

static void metric(struct bytes *out, const char *name, const char *type, long long value)
{
	bytes_printf(out, "# TYPE %s %s\n%s %lld\n", name, type, name, value);
}

/* Of /proc: what a supervisor may look up itself, and what it may ask. */
static void metrics_process(struct bytes *out)
{
	long long pages = 0, files = 0;
	DIR *d = opendir("/proc/self/fd");
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%*d %lld", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	while (d && readdir(d))
		files++;
	if (d)
		closedir(d);
	metric(out, "process_resident_memory_bytes", "gauge", pages * sysconf(_SC_PAGESIZE));
	/* Not ".", "..", and the one that looks. */
	metric(out, "process_open_fds", "gauge", files > 3 ? files - 3 : 0);
}

static int page_metrics(const struct stub *s, struct bytes *out)
{
	int attempting = 0;

	for (int i = 0; i < LINKS; i++)
		attempting += s->links[i].fd >= 0 || s->links[i].at != INT64_MAX;
	bytes_printf(out,
		     "# TYPE build_info gauge\nbuild_info{goversion=\"none\",revision=\"stub\","
		     "type=\"\",version=\"" STUB_VERSION "\"} 1\n");
	metric(out, "cloudflared_tunnel_ha_connections", "gauge", attempting);
	metric(out, "cloudflared_tunnel_total_requests", "counter", (long long)s->requests);
	metric(out, "cloudflared_tunnel_request_errors", "counter", (long long)s->request_errors);
	metric(out, "cloudflared_tunnel_concurrent_requests_per_tunnel", "gauge", origins_open(s));
	metric(out, "cloudflared_orchestration_config_version", "gauge",
	       s->rules.version > 0 ? (long long)s->rules.version : 0);
	metrics_process(out);
	bytes_printf(out,
		     "# TYPE cloudflared_tunnel_tunnel_register_success counter\n"
		     "cloudflared_tunnel_tunnel_register_success{rpcName=\"registerConnection\"}"
		     " %llu\n",
		     (unsigned long long)s->registered);
	if (s->refused)
		bytes_printf(out,
			     "cloudflared_tunnel_tunnel_register_fail{error=\"server_error\","
			     "rpcName=\"registerConnection\"} %llu\n",
			     (unsigned long long)s->refused);
	bytes_printf(out, "# TYPE cloudflared_tunnel_response_by_code counter\n");
	for (size_t i = 0; i < COUNT(s->codes); i++)
		if (s->codes[i])
			bytes_printf(out,
				     "cloudflared_tunnel_response_by_code{status_code=\"%zu\"} "
				     "%llu\n",
				     i, (unsigned long long)s->codes[i]);
	return 200;
}

static int page_for(const struct stub *s, const char *path, struct bytes *out)
{
	static const struct {
		const char *path;
		int (*page)(const struct stub *s, struct bytes *out);
	} pages[] = {{"/ready", page_ready},
		     {"/healthcheck", page_healthcheck},
		     {"/config", page_config},
		     {"/diag/tunnel", page_diag},
		     {"/metrics", page_metrics}};

	for (size_t i = 0; i < COUNT(pages); i++)
		if (!strcmp(path, pages[i].path))
			return pages[i].page(s, out);
	bytes_printf(out, "404 page not found\n");
	return 404;
}

static const char *status_words(int status)
{
	if (status == 200)
		return "OK";
	return status == 404 ? "Not Found" : "Service Unavailable";
}

static void client_answer(struct stub *s, struct client *c, const char *head, size_t len)
{
	struct bytes body = {0};
	char path[256];
	const char *space = memchr(head, ' ', len);
	size_t n = space ? strcspn(space + 1, " ?\r") : 0;
	int status;

	snprintf(path, sizeof(path), "%.*s", at_most(n, 255), space ? space + 1 : "");
	status = page_for(s, path, &body);
	bytes_printf(&c->out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
		     status, status_words(status),
		     strcmp(path, "/config") ? "text/plain; charset=utf-8" : "application/json",
		     body.len);
	bytes_add(&c->out, bytes_at(&body), body.len);
	bytes_free(&body);
}

/* ---- connections ---- */

static void client_end(struct client *c)
{
	close(c->fd);
	bytes_free(&c->in);
	bytes_free(&c->out);
	*c = (struct client){.fd = -1};
}

static void client_ready(struct stub *s, void *item, int fd, short events)
{
	struct client *c = item;
	size_t len;
	int got;

	if (c->fd != fd)
		return;
	if (events & (POLLIN | POLLHUP | POLLERR)) {
		got = bytes_fill(&c->in, fd);
		if (got == 0 || got == -2 || c->in.len > HTTP1_MAX_HEAD) {
			client_end(c);
			return;
		}
	}
	while (!s->mode.ready_hang && (len = http1_head_len(bytes_at(&c->in), c->in.len))) {
		client_answer(s, c, bytes_at(&c->in), len);
		bytes_take(&c->in, len);
	}
	if (bytes_drain(&c->out, fd) < 0)
		client_end(c);
}

static void accept_ready(struct stub *s, void *item, int fd, short events)
{
	int got = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)item;
	(void)events;
	for (size_t i = 0; i < MAX_CLIENTS && got >= 0; i++) {
		if (s->clients[i].fd >= 0)
			continue;
		s->clients[i].fd = got;
		return;
	}
	if (got >= 0)
		close(got);
}

void metrics_prepare(struct stub *s)
{
	watch(s, s->metrics_fd, POLLIN, accept_ready, NULL);
	for (size_t i = 0; i < MAX_CLIENTS; i++) {
		struct client *c = &s->clients[i];

		if (c->fd >= 0)
			watch(s, c->fd, (short)(POLLIN | (c->out.len ? POLLOUT : 0)), client_ready,
			      c);
	}
}
