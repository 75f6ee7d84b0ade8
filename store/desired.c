/*
 * Desired state: tunnels, routes, records and connectors as rows, secrets beside them. A row is
 * written whole; what Cloudflare or a process showed us is no part of it, because it is looked at
 * again after every start.
 */
#include "store/private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static const char *want_name(enum want want)
{
	return want == WANT_PRESENT ? "present" : "absent";
}

/* What is to be given back is kept as absent, with a flag of its own. */
static enum want col_want(struct query *q, int i, bool released)
{
	if (str_equal(col_text(q, i), "absent"))
		return released ? WANT_RELEASED : WANT_ABSENT;
	return WANT_PRESENT;
}

static enum drift_policy col_drift(struct query *q, int i)
{
	int policy = drift_policy_by_name(col_text(q, i));

	return policy < 0 ? DRIFT_BY_SETTING : (enum drift_policy)policy;
}

/* Order of creation. The number is kept here: asking the tables for it at each row costs more
 * than the row. */
static int next_made(struct store *s, int64_t *made, struct err *e)
{
	if (!s->made) {
		AUTO(query_t) q = {0};

		if (query_open(&q, s, SQL_MADE_MAX, e) || query_step(&q, e) < 0)
			return -1;
		s->made = col_int(&q, 0);
	}
	*made = ++s->made;
	return 0;
}

/* ---- saving ---- */

int store_save_tunnel(struct store *s, const struct tunnel *t, struct err *e)
{
	AUTO(query_t) q = {0};
	int64_t made;

	if (next_made(s, &made, e) || query_open(&q, s, SQL_TUNNEL_PUT, e))
		return -1;
	bind_text(&q, t->id);
	bind_text(&q, t->name);
	bind_text(&q, want_name(t->want));
	bind_int(&q, t->replicas);
	bind_int(&q, t->generation);
	bind_int(&q, t->applied_generation);
	bind_text(&q, t->remote_id);
	bind_int(&q, t->create_sent_ms);
	bind_int(&q, t->token_generation);
	bind_int(&q, t->config_version);
	bind_int(&q, t->joined);
	bind_int(&q, t->want == WANT_RELEASED);
	bind_int(&q, t->convert);
	bind_int(&q, t->token_stale);
	bind_text(&q, drift_policy_name(t->drift));
	bind_text(&q, t->manifest);
	bind_int(&q, made);
	return query_run(&q, e);
}

int store_save_route(struct store *s, const struct route *r, struct err *e)
{
	AUTO(query_t) q = {0};
	int64_t made;

	if (next_made(s, &made, e) || query_open(&q, s, SQL_ROUTE_PUT, e))
		return -1;
	bind_text(&q, r->id);
	bind_text(&q, r->tunnel_id);
	bind_text(&q, r->hostname);
	bind_text(&q, r->path);
	bind_text(&q, r->service);
	bind_text(&q, r->origin);
	bind_int(&q, r->generation);
	bind_int(&q, r->applied_generation);
	bind_text(&q, r->takes);
	bind_text(&q, drift_policy_name(r->drift));
	bind_text(&q, r->manifest);
	bind_text(&q, probing_said(r->probing));
	bind_int(&q, r->until_ms);
	bind_int(&q, made);
	return query_run(&q, e);
}

/* The content column of an MX record has it as zone files do: priority, blank, name. */
static char *stored_content(const struct record *r)
{
	if (!r->content || !str_equal(r->type, "MX"))
		return str_dup(r->content);
	return str_format("%lld %s", (long long)r->priority, r->content);
}

int store_save_record(struct store *s, const struct record *r, struct err *e)
{
	AUTO(str_t) content = stored_content(r);
	AUTO(query_t) q = {0};
	int64_t made;

	if (next_made(s, &made, e) || query_open(&q, s, SQL_RECORD_PUT, e))
		return -1;
	bind_text(&q, r->id);
	bind_text(&q, r->name);
	bind_text(&q, r->type);
	bind_text(&q, r->tunnel_id);
	bind_text(&q, content);
	bind_text(&q, r->comment);
	bind_int(&q, r->proxied);
	bind_int(&q, r->ttl);
	bind_text(&q, want_name(r->want));
	bind_int(&q, r->generation);
	bind_int(&q, r->applied_generation);
	bind_text(&q, r->zone_id);
	bind_text(&q, r->remote_id);
	bind_int(&q, r->create_sent_ms);
	bind_int(&q, r->want == WANT_RELEASED);
	bind_text(&q, r->takes);
	bind_text(&q, drift_policy_name(r->drift));
	bind_text(&q, r->manifest);
	bind_text(&q, r->applied);
	bind_text(&q, r->asked);
	bind_int(&q, made);
	return query_run(&q, e);
}

int store_save_connector(struct store *s, const struct connector *c, struct err *e)
{
	AUTO(query_t) q = {0};
	int64_t made;

	if (next_made(s, &made, e) || query_open(&q, s, SQL_CONNECTOR_PUT, e))
		return -1;
	bind_text(&q, c->id);
	bind_text(&q, c->tunnel_id);
	bind_int(&q, c->slot);
	bind_text(&q, want_name(c->want));
	bind_int(&q, c->stopped_by_user);
	bind_int(&q, c->token_generation);
	bind_int(&q, c->restarts);
	bind_text(&q, connector_past(c)->stopped_by);
	bind_text(&q, connector_past(c)->stopped_why);
	bind_int(&q, c->stopped_until_ms);
	bind_int(&q, made);
	return query_run(&q, e);
}

int store_drop(struct store *s, enum object_type type, const char *id, struct err *e)
{
	static const enum sql drops[OBJECT_TYPES] = {
		[OBJECT_TUNNEL] = SQL_TUNNEL_DROP,
		[OBJECT_ROUTE] = SQL_ROUTE_DROP,
		[OBJECT_RECORD] = SQL_RECORD_DROP,
		[OBJECT_CONNECTOR] = SQL_CONNECTOR_DROP,
	};
	AUTO(query_t) q = {0};

	if ((unsigned)type >= OBJECT_TYPES || !drops[type])
		return err_set(e, ERR_INTERNAL, "the store keeps no %s", object_type_name(type));
	if (query_open(&q, s, drops[type], e))
		return -1;
	bind_text(&q, id);
	return query_run(&q, e);
}

/* ---- loading ---- */

/* The world insists on an id. */
static void col_id(struct query *q, int i, char *dst, size_t size)
{
	col_copy(q, i, dst, size);
	if (!*dst)
		q->bad = true;
}

static void read_tunnel(struct query *q, struct world *w)
{
	struct tunnel *t = tunnel_new(col_text(q, 1));

	col_id(q, 0, t->id, sizeof(t->id));
	t->want = col_want(q, 2, col_int(q, 11) != 0);
	t->replicas = col_int(q, 3);
	t->generation = col_int(q, 4);
	t->applied_generation = col_int(q, 5);
	col_copy(q, 6, t->remote_id, sizeof(t->remote_id));
	t->create_sent_ms = col_int(q, 7);
	t->token_generation = col_int(q, 8);
	t->config_version = col_int(q, 9);
	t->joined = col_int(q, 10) != 0;
	t->convert = col_int(q, 12) != 0;
	t->token_stale = col_int(q, 13) != 0;
	t->drift = col_drift(q, 14);
	str_set(&t->manifest, col_text(q, 15));
	t->adopted = t->remote_id[0] && col_int(q, 16);
	if (q->bad || !t->name || world_tunnel(w, t->id))
		q->bad = true;
	if (q->bad)
		tunnel_free(t);
	else
		world_add_tunnel(w, t);
}

static void read_route(struct query *q, struct world *w)
{
	struct route *r = route_new();

	col_id(q, 0, r->id, sizeof(r->id));
	col_copy(q, 1, r->tunnel_id, sizeof(r->tunnel_id));
	str_set(&r->hostname, col_text(q, 2));
	str_set(&r->path, col_text(q, 3));
	str_set(&r->service, col_text(q, 4));
	str_set(&r->origin, col_text(q, 5));
	r->generation = col_int(q, 6);
	r->applied_generation = col_int(q, 7);
	str_set(&r->takes, col_text(q, 8));
	r->drift = col_drift(q, 9);
	str_set(&r->manifest, col_text(q, 10));
	r->probing = probing_by_name(col_text(q, 11));
	r->until_ms = col_int(q, 12);
	if (q->bad || !r->hostname || !r->service || world_route(w, r->id))
		q->bad = true;
	if (q->bad)
		route_free(r);
	else
		world_add_route(w, r);
}

static void read_content(struct query *q, struct record *r, const char *text)
{
	char *rest = NULL;

	if (!text || !str_equal(r->type, "MX")) {
		str_set(&r->content, text);
		return;
	}
	r->priority = strtoll(text, &rest, 10);
	if (rest == text || *rest != ' ')
		q->bad = true;
	else
		str_set(&r->content, rest + 1);
}

static void read_record(struct query *q, struct world *w)
{
	struct record *r = record_new(col_text(q, 1), col_text(q, 2));

	col_id(q, 0, r->id, sizeof(r->id));
	col_copy(q, 3, r->tunnel_id, sizeof(r->tunnel_id));
	read_content(q, r, col_text(q, 4));
	str_set(&r->comment, col_text(q, 5));
	r->proxied = col_int(q, 6) != 0;
	r->ttl = col_int(q, 7);
	r->want = col_want(q, 8, col_int(q, 14) != 0);
	r->generation = col_int(q, 9);
	r->applied_generation = col_int(q, 10);
	col_copy(q, 11, r->zone_id, sizeof(r->zone_id));
	col_copy(q, 12, r->remote_id, sizeof(r->remote_id));
	r->create_sent_ms = col_int(q, 13);
	str_set(&r->takes, col_text(q, 15));
	r->drift = col_drift(q, 16);
	str_set(&r->manifest, col_text(q, 17));
	str_set(&r->applied, col_text(q, 18));
	str_set(&r->asked, col_text(q, 19));
	if (q->bad || !r->name || !r->type || world_record(w, r->id))
		q->bad = true;
	if (q->bad)
		record_free(r);
	else
		world_add_record(w, r);
}

static void read_connector(struct query *q, struct world *w)
{
	int64_t slot = col_int(q, 2);
	char tunnel_id[ID_SIZE];
	struct connector *c;

	col_id(q, 1, tunnel_id, sizeof(tunnel_id));
	if (q->bad || slot < 1 || slot > TUNNEL_SLOTS_MAX) {
		q->bad = true;
		return;
	}
	c = connector_new(tunnel_id, (int)slot);
	c->want = col_want(q, 3, false);
	c->stopped_by_user = col_int(q, 4) != 0;
	c->token_generation = col_int(q, 5);
	c->restarts = col_int(q, 6);
	c->stopped_until_ms = col_int(q, 9);
	if (col_text(q, 7) || col_text(q, 8)) {
		str_set(&connector_past_make(c)->stopped_by, col_text(q, 7));
		str_set(&c->past->stopped_why, col_text(q, 8));
	}
	if (!str_equal(c->id, col_text(q, 0)) || world_connector(w, c->id))
		q->bad = true;
	if (q->bad)
		connector_free(c);
	else
		world_add_connector(w, c);
}

static int load_list(struct store *s, enum sql list,
		     void (*read_row)(struct query *q, struct world *w), struct world *w,
		     struct err *e)
{
	AUTO(query_t) q = {0};
	int got;

	if (query_open(&q, s, list, e))
		return -1;
	while ((got = query_step(&q, e)) > 0) {
		read_row(&q, w);
		if (q.bad)
			return err_set(e, ERR_INTERNAL, "a row of the store %s is not readable: %s",
				       s->path, col_text(&q, 0));
	}
	return got;
}

static int load_revision(struct store *s, struct world *w, struct err *e)
{
	AUTO(query_t) q = {0};

	if (query_open(&q, s, SQL_REVISION_MAX, e) || query_step(&q, e) < 0)
		return -1;
	w->revision = col_int(&q, 0);
	return 0;
}

int store_load(struct store *s, struct world *w, struct err *e)
{
	if (load_list(s, SQL_TUNNEL_LIST, read_tunnel, w, e))
		return -1;
	if (load_list(s, SQL_ROUTE_LIST, read_route, w, e))
		return -1;
	if (load_list(s, SQL_RECORD_LIST, read_record, w, e))
		return -1;
	if (load_list(s, SQL_CONNECTOR_LIST, read_connector, w, e))
		return -1;
	return load_revision(s, w, e);
}

/* ---- secrets and rules ---- */

static int put_secret(struct store *s, enum sql put, const char *tunnel_id,
		      const struct secret *secret, struct err *e)
{
	AUTO(query_t) q = {0};

	if (query_open(&q, s, put, e))
		return -1;
	bind_text(&q, tunnel_id);
	bind_blob(&q, secret->data, secret->len);
	return query_run(&q, e);
}

static int get_secret(struct store *s, enum sql get, const char *tunnel_id, const char *what,
		      struct secret *secret, struct err *e)
{
	AUTO(query_t) q = {0};
	int got;

	if (query_open(&q, s, get, e))
		return -1;
	bind_text(&q, tunnel_id);
	got = query_step(&q, e);
	if (got < 0)
		return -1;
	if (!got)
		return err_set(e, ERR_NOT_FOUND, "the store holds no %s of tunnel %s", what,
			       tunnel_id);
	secret_set(secret, sqlite3_column_blob(q.st, 0), (size_t)sqlite3_column_bytes(q.st, 0));
	return 0;
}

int store_save_secret(struct store *s, const char *tunnel_id, const struct secret *secret,
		      struct err *e)
{
	return put_secret(s, SQL_SECRET_PUT, tunnel_id, secret, e);
}

int store_load_secret(struct store *s, const char *tunnel_id, struct secret *secret, struct err *e)
{
	return get_secret(s, SQL_SECRET_GET, tunnel_id, "secret", secret, e);
}

int store_save_token(struct store *s, const char *tunnel_id, const struct secret *token,
		     struct err *e)
{
	return put_secret(s, SQL_TOKEN_PUT, tunnel_id, token, e);
}

int store_load_token(struct store *s, const char *tunnel_id, struct secret *token, struct err *e)
{
	return get_secret(s, SQL_TOKEN_GET, tunnel_id, "connector token", token, e);
}

int store_save_rules(struct store *s, const char *tunnel_id, const char *rules, struct err *e)
{
	AUTO(query_t) q = {0};

	if (query_open(&q, s, SQL_RULES_PUT, e))
		return -1;
	bind_text(&q, tunnel_id);
	bind_text(&q, rules);
	return query_run(&q, e);
}

int store_load_rules(struct store *s, const char *tunnel_id, char **rules, struct err *e)
{
	AUTO(query_t) q = {0};
	int got;

	if (query_open(&q, s, SQL_RULES_GET, e))
		return -1;
	bind_text(&q, tunnel_id);
	got = query_step(&q, e);
	if (got < 0)
		return -1;
	*rules = got ? col_dup(&q, 0) : str_dup("[]");
	return 0;
}

void desired_salvage(struct store *s, struct world *w)
{
	static const struct {
		enum sql list;
		void (*read_row)(struct query *q, struct world *w);
	} lists[] = {{SQL_TUNNEL_LIST, read_tunnel},
		     {SQL_ROUTE_LIST, read_route},
		     {SQL_RECORD_LIST, read_record}};
	struct err e;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (load_list(s, lists[i].list, lists[i].read_row, w, &e))
			log_info("not all of the damaged store can be read: %s", e.message);
}
