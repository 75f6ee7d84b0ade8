/*
 * What a plan takes that somebody else made: adopted tunnels and records, foreign rules and records
 * that it replaces or stands before, tunnels of other hosts. All of it is read from edits, and all
 * of it takes a person.
 */
#include "reconcile/guard_private.h"

#include <string.h>

#include "base/json.h"

int guard_not_joined(const struct guarding *x, bool joined, const struct edit *d, struct err *e)
{
	if (!joined)
		return 0;
	(void)err_set(e, ERR_CONFLICT,
		      "%s cannot lead through tunnel %s: another host owns it, and this one only "
		      "runs connectors of it",
		      d->name ? d->name : d->id, guard_tunnel_name(x, d->tunnel_id));
	return err_hint(e, "Set it on that host, or use a tunnel of this one (see adit tunnel "
			   "list).");
}

/* ---- tunnels ---- */

/* What a cloudflared holds when all is well. */
#define CONNECTIONS_EACH 4

/* Edge connections of this host's connectors. After a start they were not asked yet: what is not
 * known counts as ours, since nobody else may hold it. */
static int64_t own_connections(const struct world *w, const struct tunnel *t)
{
	int64_t n = 0, known = 0;
	TABLE_EACH (i, struct connector, c, &w->connectors) {
		if (!str_equal(c->tunnel_id, t->id) || c->edge_connections <= 0)
			continue;
		n += c->edge_connections;
		known++;
	}
	return known < t->replicas ? n + CONNECTIONS_EACH * (t->replicas - known) : n;
}

/* A process of ours that drains or has just ended is in the number still: who is listed must be
 * another host's. */
bool guard_others_serve(const struct world *w, const struct tunnel *t)
{
	const struct tunnel_connections *seen = &t->observed.clients;

	if (t->observed.connections <= own_connections(w, t))
		return false;
	if (!t->observed.clients_seen_ms)
		return true;
	for (size_t i = 0; i < seen->n; i++)
		if (seen->items[i].connections > 0 &&
		    !world_runs_client(w, t->id, seen->items[i].id))
			return true;
	return false;
}

/* Which names it serves is not known here, so that the last connector of it counts as one that
 * serves some. */
void guard_leave(struct guarding *x, const struct tunnel *t)
{
	if (t->replicas <= 0 || guard_others_serve(x->w, t))
		return;
	guard_need(x,
		   "Stops the connectors of tunnel %s on this host, and no others of it are known "
		   "to run; the tunnel itself stays.",
		   t->name);
}

static void check_joins(struct guarding *x, const struct tunnel *t, const struct edit *d)
{
	bool ran = t && t->joined && t->replicas > 0;
	if (d->joined && d->replicas > 0 && !ran)
		guard_need(x, "Runs connectors of tunnel %s, which another host owns.", d->name);
	if (t && t->joined && !d->joined)
		guard_need(x, "Takes tunnel %s over from the host that owns it.", d->name);
}

void guard_tunnel_owner(struct guarding *x, const struct tunnel *t, const struct edit *d)
{
	if (d->remote_id && !d->joined && !(t && str_equal(t->remote_id, d->remote_id)))
		guard_need(x, "Adopts tunnel %s (%s).", d->name, d->remote_id);
	check_joins(x, t, d);
	if (d->convert && !(t && t->convert))
		guard_need(x,
			   "Turns the local configuration of tunnel %s into a remote one; its "
			   "config.yml is ignored from then on, and there is no way back.",
			   d->name);
	if (d->anew)
		guard_need(x, "Makes tunnel %s again, which was deleted at Cloudflare.", d->name);
}

/* ---- another secret ---- */

static int check_may_rotate(const struct tunnel *t, const struct edit *d, struct err *e)
{
	if (t && t->joined) {
		(void)err_set(e, ERR_CONFLICT,
			      "Tunnel %s is another host's, and its secret is not this one's to "
			      "rotate",
			      t->name);
		return err_hint(e, "Rotate it on the host that owns it.");
	}
	if (!t || !t->remote_id[0])
		return err_set(e, ERR_CONFLICT,
			       "Tunnel %s is not made yet: there is nothing to "
			       "rotate",
			       d->name);
	if (t->observed.gone)
		return err_set(e, ERR_CONFLICT, "Tunnel %s is gone from Cloudflare", t->name);
	if (!t->rotating || t->rotate_lost)
		return 0;
	(void)err_set(e, ERR_BUSY, "The secret of tunnel %s is just being rotated", t->name);
	return err_hint(e, "See adit status for what it waits for.");
}

int guard_rotation(struct guarding *x, const struct tunnel *t, const struct edit *d, struct err *e)
{
	AUTO(str_t) rest = str_dup(d->others);
	char *more = rest;
	if (check_may_rotate(t, d, e) < 0)
		return -1;
	if (!d->others)
		guard_need(x,
			   "Rotates the secret of tunnel %s, and who else uses it could not be "
			   "read: connectors of other hosts cannot connect again with the old one.",
			   t->name);
	for (char *line = strsep(&more, "\n"); line; line = strsep(&more, "\n"))
		if (*line)
			guard_need(
				x,
				"Rotates the secret of tunnel %s, which %s uses and is not this "
				"host's: once its connections are lost, it cannot connect again.",
				t->name, line);
	return 0;
}

/* ---- what a plan takes ---- */

/* Was this very thing agreed to with an earlier plan? */
static bool agreed(const struct json *before, const char *key, const struct json *entry)
{
	JSON_EACH (old, before)
		if (str_equal(json_get_string(old, key), json_get_string(entry, key)) &&
		    str_equal(json_get_string(old, "seen"), json_get_string(entry, "seen")))
			return true;
	return false;
}

/* The words are a sentence of their own, or name the thing. */
static void need_taken(struct guarding *x, const char *verb, const char *what)
{
	size_t n = strlen(what);
	if (n > 0 && what[n - 1] == '.')
		guard_need(x, "%s", what);
	else
		guard_need(x, "%s %s, which adit did not make.", verb, what);
}

static int read_takes(const char *text, struct json_doc **doc, struct err *e)
{
	if (!text)
		return 0;
	if (json_parse(text, strlen(text), NULL, doc, e) < 0)
		return err_wrap(e, "What the plan takes cannot be read");
	if (json_type(json_root(*doc)) == JSON_ARRAY)
		return 0;
	return err_set(e, ERR_INVALID, "What the plan takes is not a list");
}

/* key names an entry: "rule" or "id". What is adopted by that id needs no second sentence. */
static int check_takes(struct guarding *x, const char *now, const char *before, const char *key,
		       const char *adopted, const char *verb, struct err *e)
{
	AUTO(json_doc_t) takes = NULL;
	AUTO(json_doc_t) taken = NULL;
	if (read_takes(now, &takes, e) < 0 || read_takes(before, &taken, e) < 0)
		return -1;
	if (!takes)
		return 0;
	JSON_EACH (entry, json_root(takes)) {
		const char *id = json_get_string(entry, key);
		const char *what = json_get_string(entry, "what");
		if (!id || !what)
			return err_set(e, ERR_INVALID,
				       "What the plan takes does not say what it is");
		if (!str_equal(id, adopted) && !(taken && agreed(json_root(taken), key, entry)))
			need_taken(x, verb, what);
	}
	return 0;
}

int guard_record_owner(struct guarding *x, const struct record *r, const struct edit *d,
		       struct err *e)
{
	bool adopts = d->remote_id && !(r && str_equal(r->remote_id, d->remote_id));
	if (adopts)
		guard_need(x, "Adopts the record %s %s (%s), which adit did not make.", d->type,
			   d->name, d->remote_id);
	if (d->anew)
		guard_need(x, "Makes the record %s (%s) again, which was deleted at Cloudflare.",
			   d->name, d->type);
	return check_takes(x, d->takes, r ? r->takes : NULL, "id", adopts ? d->remote_id : NULL,
			   "Overwrites the record", e);
}

int guard_route_owner(struct guarding *x, const struct route *r, const struct edit *d,
		      struct err *e)
{
	if (d->anew)
		guard_need(x, "Makes the route %s%s%s again, which was deleted at Cloudflare.",
			   d->name, d->path ? " " : "", d->path ? d->path : "");
	return check_takes(x, d->takes, r ? r->takes : NULL, "rule", NULL,
			   "Replaces or stands before", e);
}
