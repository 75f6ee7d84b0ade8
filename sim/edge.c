/* The simulated edge: its listeners, what the API tells it, and its faults by command. */
#include "sim/edge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/edge_private.h"

enum { READ_SIZE = 64 << 10, TIMEOUT_MS = 100000 };

/* ---- sockets ---- */

size_t outq_len(const struct outq *q)
{
	return q->bytes.len - q->done;
}

int outq_flush(struct outq *q, int fd)
{
	while (outq_len(q)) {
		ssize_t n = send(fd, q->bytes.data + q->done, outq_len(q), MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		q->done += (size_t)n;
	}
	buf_reset(&q->bytes);
	q->done = 0;
	return 0;
}

int socket_fill(struct buf *in, int fd)
{
	char piece[READ_SIZE];
	ssize_t n = read(fd, piece, sizeof(piece));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -1 : -2;
	return n && buf_add(in, piece, (size_t)n) < 0 ? -2 : n > 0;
}

/* ---- the sweep ---- */

static void sweep(struct deferred *d, void *owner)
{
	struct edge *e = owner;

	(void)d;
	LIST_EACH (it, &e->links) {
		struct link *l = LIST_OF(it, struct link, node);

		if (l->doomed)
			link_free(l);
	}
	LIST_EACH (it, &e->guests) {
		struct guest *g = LIST_OF(it, struct guest, node);

		if (g->doomed)
			guest_free(g);
	}
}

void edge_sweep_soon(struct edge *e)
{
	deferred_start(&e->sweep);
}

bool edge_frozen(const struct edge *e, const char *tunnel)
{
	return strlist_has(&e->frozen, "*") || strlist_has(&e->frozen, tunnel);
}

/* ---- what the API tells ---- */

static void config_changed(const char *tunnel_id, void *owner)
{
	struct edge *e = owner;

	LIST_EACH (it, &e->links) {
		struct link *l = LIST_OF(it, struct link, node);

		if (l->registered && str_equal(l->tunnel, tunnel_id))
			link_push_config(l);
	}
}

static void connections_dropped(const char *tunnel_id, const char *connector_id, void *owner)
{
	struct edge *e = owner;

	LIST_EACH (it, &e->links) {
		struct link *l = LIST_OF(it, struct link, node);

		if (str_equal(l->tunnel, tunnel_id) &&
		    (!connector_id || str_equal(l->connector, connector_id)))
			link_doom(l);
	}
}

/* ---- listeners ---- */

static int accept_one(int listener)
{
	return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void connector_waits(struct io *io, int events, void *owner)
{
	struct edge *e = owner;
	int fd = accept_one(io->fd);

	(void)events;
	if (fd < 0)
		return;
	if (e->close_connectors)
		close(fd);
	else
		link_accept(e, fd);
}

static void visitor_waits(struct io *io, int events, void *owner)
{
	int fd = accept_one(io->fd);

	(void)events;
	if (fd >= 0)
		guest_accept(owner, fd);
}

static void listen_on(struct edge *e, struct io *io, int fd, io_fn *waits)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	io_init(io, e->loop, fd, waits, e);
	io_start(io, IO_READ);
}

struct edge *edge_new(struct loop *l, struct cloud *c, int connector_fd, int visitor_fd)
{
	struct edge *e = mem_alloc(sizeof(*e));
	const struct cloud_edge_events events = {config_changed, connections_dropped, e};

	e->loop = l;
	e->cloud = c;
	e->timeout_ms = TIMEOUT_MS;
	list_init(&e->links);
	list_init(&e->guests);
	deferred_init(&e->sweep, l, sweep, e);
	listen_on(e, &e->connectors, connector_fd, connector_waits);
	listen_on(e, &e->visitors, visitor_fd, visitor_waits);
	cloud_set_edge(c, &events);
	return e;
}

static void refusal_clear(struct refusal *r)
{
	free(r->words);
	free(r->tunnel);
	*r = (struct refusal){0};
}

void edge_free(struct edge *e)
{
	const struct cloud_edge_events none = {0};

	if (!e)
		return;
	cloud_set_edge(e->cloud, &none);
	io_stop(&e->connectors);
	io_stop(&e->visitors);
	close(e->connectors.fd);
	close(e->visitors.fd);
	LIST_EACH (it, &e->links)
		link_free(LIST_OF(it, struct link, node));
	LIST_EACH (it, &e->guests)
		guest_free(LIST_OF(it, struct guest, node));
	deferred_stop(&e->sweep);
	strlist_free(&e->frozen);
	edge_names_free(e);
	refusal_clear(&e->refusal);
	free(e);
}

/* ---- commands: each answers how many links it concerned, or -1 ---- */

static int64_t command_drop(struct edge *e, const struct json *v, struct err *err)
{
	int64_t n = 0, most = json_get_int(v, "count", INT64_MAX);

	(void)err;
	LIST_EACH (it, &e->links) {
		struct link *l = LIST_OF(it, struct link, node);

		if (l->doomed || n >= most || !link_matches(l, v))
			continue;
		link_doom(l);
		n++;
	}
	return n;
}

static int64_t command_half_open(struct edge *e, const struct json *v, struct err *err)
{
	int64_t n = 0;

	(void)err;
	LIST_EACH (it, &e->links) {
		struct link *l = LIST_OF(it, struct link, node);

		if (l->doomed || l->lost || !link_matches(l, v))
			continue;
		link_half_open(l);
		n++;
	}
	return n;
}

/* As when the edge's process is stopped: its kernel still accepts and keeps connections. */
static int64_t command_freeze(struct edge *e, const struct json *v, struct err *err)
{
	const char *tunnel = json_get_string(v, "tunnel");
	int64_t n = 0;

	(void)err;
	if (json_is_null(v) || (json_type(v) == JSON_BOOL && !json_bool(v, false)))
		strlist_free(&e->frozen);
	else
		strlist_add(&e->frozen, tunnel ? tunnel : "*");
	io_start(&e->connectors, edge_frozen(e, "*") ? 0 : IO_READ);
	LIST_EACH (it, &e->links) {
		struct link *l = LIST_OF(it, struct link, node);

		n += edge_frozen(e, l->tunnel);
		link_thaw(l);
	}
	return n;
}

static int64_t command_refuse(struct edge *e, const struct json *v, struct err *err)
{
	const char *words = json_get_string(v, "words");

	refusal_clear(&e->refusal);
	if (json_type(v) != JSON_OBJECT)
		return 0;
	if (!words)
		return err_set(err, ERR_INVALID, "refuse.words: a string is required");
	str_set(&e->refusal.words, words);
	str_set(&e->refusal.tunnel, json_get_string(v, "tunnel"));
	e->refusal.permanent = json_get_bool(v, "permanent", false);
	e->refusal.times = json_get_int(v, "times", -1);
	return 0;
}

/* One frame for each connector, not for each of its links: some modes act each time. */
static int64_t command_mode(struct edge *e, const struct json *v, struct err *err)
{
	const char *key = json_get_string(v, "key"), *text = json_get_string(v, "value");
	AUTO(buf_t) words = {0};
	AUTO(strlist_t) told = {0};

	if (!key)
		return err_set(err, ERR_INVALID, "mode.key: a string is required");
	if (text)
		buf_printf(&words, "%s %s", key, text);
	else
		buf_printf(&words, "%s %lld", key, (long long)json_get_int(v, "value", 1));
	LIST_EACH (it, &e->links) {
		struct link *l = LIST_OF(it, struct link, node);

		if (!l->registered || l->doomed || !link_matches(l, v) ||
		    strlist_has(&told, l->connector))
			continue;
		strlist_add(&told, l->connector);
		link_send(l, WIRE_MODE, 0, words.data, words.len);
	}
	return (int64_t)told.n;
}

static int64_t set_ms(int64_t *slot, const char *name, const struct json *v, struct err *err)
{
	int64_t ms;

	if (!json_int(v, &ms) || ms < 0)
		return err_set(err, ERR_INVALID, "%s: a number of milliseconds is required", name);
	*slot = ms;
	return 0;
}

static int64_t command_delay(struct edge *e, const struct json *v, struct err *err)
{
	return set_ms(&e->delay_ms, "delay_ms", v, err);
}

/* Names that nobody asked for yet are known at once. */
static int64_t command_record_lag(struct edge *e, const struct json *v, struct err *err)
{
	return set_ms(&e->record_lag_ms, "record_lag_ms", v, err);
}

static int64_t command_register_delay(struct edge *e, const struct json *v, struct err *err)
{
	return set_ms(&e->register_delay_ms, "register_delay_ms", v, err);
}

static int64_t command_timeout(struct edge *e, const struct json *v, struct err *err)
{
	return set_ms(&e->timeout_ms, "timeout_ms", v, err);
}

static int64_t command_close(struct edge *e, const struct json *v, struct err *err)
{
	(void)err;
	e->close_connectors = json_bool(v, false);
	return 0;
}

/* All faults off; connections stay. */
static int64_t command_reset(struct edge *e, const struct json *v, struct err *err)
{
	(void)v;
	e->delay_ms = e->record_lag_ms = e->register_delay_ms = 0;
	e->timeout_ms = TIMEOUT_MS;
	e->close_connectors = false;
	refusal_clear(&e->refusal);
	return command_freeze(e, NULL, err);
}

static int64_t run_command(struct edge *e, const char *name, const struct json *v, struct err *err)
{
	static const struct {
		const char *name;
		int64_t (*run)(struct edge *e, const struct json *v, struct err *err);
	} commands[] = {{"drop", command_drop},
			{"half_open", command_half_open},
			{"freeze", command_freeze},
			{"refuse", command_refuse},
			{"mode", command_mode},
			{"delay_ms", command_delay},
			{"record_lag_ms", command_record_lag},
			{"register_delay_ms", command_register_delay},
			{"timeout_ms", command_timeout},
			{"close_connectors", command_close},
			{"reset", command_reset}};

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (str_equal(name, commands[i].name))
			return commands[i].run(e, v, err);
	return err_set(err, ERR_INVALID, "%s: no such command of the edge", name);
}

int edge_control(struct edge *e, const struct json *command, struct buf *answer, struct err *err)
{
	int64_t affected = 0;
	struct json_writer w;

	if (json_type(command) != JSON_OBJECT || !json_count(command))
		return err_set(err, ERR_INVALID, "an object with a command of the edge is needed");
	JSON_EACH (member, command) {
		int64_t n = run_command(e, json_key(member), member, err);

		if (n < 0)
			return -1;
		affected += n;
	}
	json_write_init(&w, answer);
	json_object_begin(&w);
	json_put_bool(&w, "ok", true);
	json_put_int(&w, "affected", affected);
	json_object_end(&w);
	return 0;
}

/* ---- status ---- */

static void write_links(const struct edge *e, struct json_writer *w)
{
	json_write_key(w, "links");
	json_array_begin(w);
	LIST_EACH (it, &e->links) {
		const struct link *l = LIST_OF(it, struct link, node);

		if (!l->registered || l->doomed)
			continue;
		json_object_begin(w);
		json_put_string(w, "tunnel", l->tunnel);
		json_put_string(w, "connector", l->connector);
		json_put_int(w, "index", l->index);
		json_put_int(w, "config_version", l->version);
		json_put_int(w, "open_requests", (int64_t)l->open);
		json_put_bool(w, "draining", l->draining);
		json_object_end(w);
	}
	json_array_end(w);
}

void edge_status(const struct edge *e, struct buf *answer)
{
	AUTO(strlist_t) connectors = {0};
	int64_t connections = 0, open = 0;
	struct json_writer w;

	LIST_EACH (it, &e->links) {
		const struct link *l = LIST_OF(it, struct link, node);

		if (!l->registered || l->doomed)
			continue;
		connections++;
		open += (int64_t)l->open;
		if (!strlist_has(&connectors, l->connector))
			strlist_add(&connectors, l->connector);
	}
	json_write_init(&w, answer);
	json_object_begin(&w);
	json_put_int(&w, "connectors", (int64_t)connectors.n);
	json_put_int(&w, "connections", connections);
	json_put_int(&w, "requests", e->requests);
	json_put_int(&w, "failures", e->failures);
	json_put_int(&w, "open_requests", open);
	json_put_int(&w, "registered", e->registered);
	json_put_int(&w, "refused", e->refused);
	write_links(e, &w);
	json_object_end(&w);
}
