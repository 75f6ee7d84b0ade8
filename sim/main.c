/*
 * adit-sim: a simulated Cloudflare on loopback. One process, one loop: the API, the edge and a
 * control port. Everything is in memory and is gone at the end.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "loop/server.h"
#include "sim/control.h"
#include "sim/options.h"

#include <fcntl.h>

#define MAX_SEED (64UL * 1024 * 1024)

enum { DOOR_API, DOOR_CONTROL, DOOR_EDGE, DOOR_VISITORS, DOORS };

struct sim {
	struct options options;
	struct loop *loop;
	struct cloud *cloud;
	struct edge *edge;
	struct faults faults;
	struct journal journal;
	struct api *api;
	struct control *control;
	struct signal_watch term, interrupt;
	int fds[DOORS];
	char addresses[DOORS][64];
};

/* ---- what is there at the start ---- */

static int load_text(struct cloud *c, const char *text, size_t len, struct err *e)
{
	AUTO(json_doc_t) doc = NULL;

	if (json_parse(text, len, NULL, &doc, e) < 0)
		return -1;
	return cloud_load(c, json_root(doc), e);
}

static void write_zone(struct json_writer *w, const char *name, const char *account)
{
	json_object_begin(w);
	json_put_string(w, "name", name);
	json_put_string(w, "account", account);
	json_object_end(w);
}

static void write_account(struct json_writer *w, const char *id, const char *name)
{
	json_object_begin(w);
	json_put_string(w, "id", id);
	json_put_string(w, "name", name);
	json_object_end(w);
}

/* The account and zones of the options, and somebody else's account with a zone of its own. */
static void write_start(const struct options *o, struct buf *out)
{
	struct json_writer w;

	json_write_init(&w, out);
	json_object_begin(&w);
	json_write_key(&w, "accounts");
	json_array_begin(&w);
	write_account(&w, o->account, "Simulated Account");
	write_account(&w, SIM_OTHER, "Other Account");
	json_array_end(&w);
	json_write_key(&w, "zones");
	json_array_begin(&w);
	for (size_t i = 0; i < o->zones.n; i++)
		write_zone(&w, o->zones.items[i], o->account);
	write_zone(&w, "elsewhere.example", SIM_OTHER);
	json_array_end(&w);
	json_write_key(&w, "tokens");
	json_array_begin(&w);
	json_object_begin(&w);
	json_put_string(&w, "value", o->token);
	json_put_string(&w, "id", "ed17574386854bf78a67040be0a770b0");
	json_object_end(&w);
	json_array_end(&w);
	json_object_end(&w);
}

static int refill(void *owner, struct err *e)
{
	struct sim *s = owner;
	AUTO(buf_t) start = {0};
	AUTO(buf_t) seed = {0};

	write_start(&s->options, &start);
	if (load_text(s->cloud, start.data, start.len, e) < 0)
		return -1;
	if (!s->options.state)
		return 0;
	if (file_read(AT_FDCWD, s->options.state, MAX_SEED, &seed, e) < 0)
		return -1;
	if (load_text(s->cloud, buf_text(&seed), seed.len, e) < 0)
		return err_wrap(e, "%s", s->options.state);
	return 0;
}

/* ---- sockets ---- */

static int tell_address(int fd, char out[64], struct err *e)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = {.v6 = {0}};
	socklen_t len = sizeof a;
	char host[INET6_ADDRSTRLEN];

	if (getsockname(fd, &a.any, &len) < 0)
		return err_errno(e, "getsockname");
	bool v6 = a.any.sa_family == AF_INET6;
	const void *address = v6 ? (const void *)&a.v6.sin6_addr : (const void *)&a.v4.sin_addr;
	if (!inet_ntop(a.any.sa_family, address, host, sizeof host))
		return err_errno(e, "inet_ntop");
	snprintf(out, 64, v6 ? "[%s]:%d" : "%s:%d", host,
		 ntohs(v6 ? a.v6.sin6_port : a.v4.sin_port));
	return 0;
}

static int listen_all(struct sim *s, struct err *e)
{
	const char *const asked[DOORS] = {s->options.api, s->options.control, s->options.edge,
					  s->options.visitors};

	for (size_t i = 0; i < DOORS; i++)
		if (server_socket_tcp(asked[i], &s->fds[i], e) < 0 ||
		    tell_address(s->fds[i], s->addresses[i], e) < 0)
			return err_wrap(e, "cannot listen on %s", asked[i]);
	return 0;
}

/* ---- telling that all is ready ---- */

static void put_url(struct json_writer *w, const char *key, const char *address, const char *path)
{
	AUTO(str_t) url = str_format("http://%s%s", address, path);

	json_put_string(w, key, url);
}

static int tell_ready(const struct sim *s, struct err *e)
{
	AUTO(buf_t) line = {0};
	struct json_writer w;

	json_write_init(&w, &line);
	json_object_begin(&w);
	put_url(&w, "api", s->addresses[DOOR_API], CLOUD_BASE_PATH);
	put_url(&w, "control", s->addresses[DOOR_CONTROL], "");
	json_put_string(&w, "edge", s->addresses[DOOR_EDGE]);
	put_url(&w, "visitors", s->addresses[DOOR_VISITORS], "");
	json_put_string(&w, "account", s->options.account);
	json_put_string(&w, "token", s->options.token);
	json_put_int(&w, "pid", getpid());
	json_object_end(&w);
	buf_char(&line, '\n');
	if (s->options.ready_file &&
	    file_write(AT_FDCWD, s->options.ready_file, line.data, line.len, 0600, e) < 0)
		return -1;
	if (s->options.ready_fd >= 0 && write(s->options.ready_fd, line.data, line.len) < 0)
		return err_errno(e, "--ready-fd %d", s->options.ready_fd);
	fputs(buf_text(&line), stdout);
	fflush(stdout);
	return 0;
}

/* ---- life ---- */

static void told_to_stop(struct signal_watch *w, int signo, void *owner)
{
	(void)w;
	(void)signo;
	loop_stop(((struct sim *)owner)->loop);
}

/* A thousand stubs have four connections each. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int sim_start(struct sim *s, struct err *e)
{
	s->loop = loop_new();
	s->cloud = cloud_new();
	faults_init(&s->faults);
	if (listen_all(s, e) < 0)
		return -1;
	cloud_set_edge_address(s->cloud, s->addresses[DOOR_EDGE]);
	if (refill(s, e) < 0)
		return -1;
	s->edge = edge_new(s->loop, s->cloud, s->fds[DOOR_EDGE], s->fds[DOOR_VISITORS]);
	if (api_new(s->loop, s->cloud, &s->faults, &s->journal, s->fds[DOOR_API], &s->api, e) < 0)
		return -1;
	const struct control_parts parts = {.cloud = s->cloud,
					    .faults = &s->faults,
					    .journal = &s->journal,
					    .api = s->api,
					    .edge = s->edge,
					    .refill = refill,
					    .owner = s};
	if (control_new(s->loop, &parts, s->fds[DOOR_CONTROL], &s->control, e) < 0)
		return -1;
	signal_start(&s->term, s->loop, SIGTERM, told_to_stop, s);
	signal_start(&s->interrupt, s->loop, SIGINT, told_to_stop, s);
	return tell_ready(s, e);
}

static void sim_stop(struct sim *s)
{
	if (s->control) {
		signal_stop(&s->term);
		signal_stop(&s->interrupt);
	}
	control_free(s->control);
	api_free(s->api);
	if (s->edge)
		edge_free(s->edge);
	cloud_free(s->cloud);
	journal_clear(&s->journal);
	faults_clear(&s->faults);
	loop_free(s->loop);
}

int main(int argc, char **argv)
{
	struct sim s = {.fds = {-1, -1, -1, -1}};
	struct err e = {0};

	log_init("adit-sim", LOG_LEVEL_WARNING);
	if (options_parse(argc, argv, &s.options, &e) < 0) {
		fprintf(stderr, "adit-sim: %s (--help tells the options)\n", e.message);
		options_free(&s.options);
		return 64;
	}
	if (s.options.help || s.options.version) {
		if (s.options.help)
			options_help();
		else
			puts("adit-sim " ADIT_VERSION);
		options_free(&s.options);
		return 0;
	}
	signal(SIGPIPE, SIG_IGN);
	raise_file_limit();
	int outcome = sim_start(&s, &e);
	if (outcome == 0)
		loop_run(s.loop);
	else
		fprintf(stderr, "adit-sim: %s\n", e.message);
	sim_stop(&s);
	options_free(&s.options);
	return outcome == 0 ? 0 : 1;
}
