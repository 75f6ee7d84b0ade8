/* The members of a manifest, what may not stand in it twice, and look-ups by name. */
#include "model/manifest.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/record_types.h"
#include "base/text.h"
#include "model/manifest_private.h"
#include "model/record.h"
#include "model/route.h"

void manifest_free(struct manifest *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_tunnels; i++)
		manifest_tunnel_clear(&m->tunnels[i]);
	for (size_t i = 0; i < m->n_routes; i++)
		manifest_route_clear(&m->routes[i]);
	for (size_t i = 0; i < m->n_records; i++)
		manifest_record_clear(&m->records[i]);
	free(m->tunnels);
	free(m->routes);
	free(m->records);
	free(m->hosts);
	free(m->name);
	map_free(&m->tunnel_keys);
	map_free(&m->route_keys);
	map_free(&m->record_keys);
	map_free(&m->host_keys);
	yaml_doc_free(m->doc);
	free(m);
}

void manifest_t_cleanup(manifest_t *m)
{
	manifest_free(*m);
}

int manifest_name_check(const char *name, struct err *e)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	if (name[len] || len > MANIFEST_NAME_MAX || !isalnum((unsigned char)name[0]))
		return err_set(e, ERR_INVALID,
			       "\"%.80s\" is no name of a manifest, accepted are 1 to %d letters, "
			       "digits, dots, hyphens and underscores, the first a letter or digit",
			       name, MANIFEST_NAME_MAX);
	return 0;
}

/* ---- sentences ---- */

int manifest_wrap(const struct manifest *m, const char *place, const char *below, struct err *e)
{
	AUTO(str_t)
	path = str_format("%s%s%s", place, *place && *below && *below != '[' ? "." : "", below);
	struct err was = *e;

	(void)err_set(e, was.kind, "%s: %s%s%s", m->doc ? yaml_where(m->doc, path) : "the document",
		      place,
		      !*place  ? ""
		      : *below ? "."
			       : ": ",
		      was.message);
	return was.hint[0] ? err_hint(e, "%s", was.hint) : -1;
}

static int stands_twice(const struct manifest *m, const char *place, const char *below,
			const char *what, const char *first, struct err *e)
{
	(void)err_set(e, ERR_INVALID, "%s%s%s stands twice, first in %s", below, *below ? ": " : "",
		      what, first);
	return manifest_wrap(m, place, below, e);
}

/* ---- keys ---- */

static size_t index_of(const struct map *keys, const char *key)
{
	return (size_t)(uintptr_t)map_get(keys, key);
}

static void index_set(struct map *keys, const char *key, size_t index)
{
	(void)map_set(keys, key, (void *)(uintptr_t)(index + 1));
}

/* A line break is in no name. */
static char *pair(const char *a, const char *b)
{
	return str_format("%s\n%s", a, b ? b : "");
}

const struct manifest_tunnel *manifest_tunnel(const struct manifest *m, const char *name)
{
	AUTO(str_t) key = str_lower(name);
	size_t i = index_of(&m->tunnel_keys, key);

	return i ? &m->tunnels[i - 1] : NULL;
}

const struct manifest_route *manifest_route(const struct manifest *m, const char *hostname,
					    const char *path)
{
	AUTO(str_t) key = pair(hostname, path);
	size_t i = index_of(&m->route_keys, key);

	return i ? &m->routes[i - 1] : NULL;
}

const struct manifest_record *manifest_record(const struct manifest *m, const char *name,
					      const char *type)
{
	AUTO(str_t) key = pair(name, type);
	size_t i = index_of(&m->record_keys, key);

	return i ? &m->records[i - 1] : NULL;
}

const struct manifest_host *manifest_host(const struct manifest *m, const char *hostname)
{
	size_t i = index_of(&m->host_keys, hostname);

	return i ? &m->hosts[i - 1] : NULL;
}

/* ---- putting together ---- */

static int check_room(const struct manifest *m, const char *place, struct err *e)
{
	if (m->n_tunnels + m->n_routes + m->n_records < MANIFEST_MOST)
		return 0;
	(void)err_set(e, ERR_INVALID, "is one too many, accepted are %d objects", MANIFEST_MOST);
	return manifest_wrap(m, place, "", e);
}

int manifest_add_tunnel(struct manifest *m, struct manifest_tunnel *t, struct err *e)
{
	const struct manifest_tunnel *other = manifest_tunnel(m, t->name);
	AUTO(str_t) key = str_lower(t->name);
	int rc = check_room(m, t->place, e);

	if (rc == 0 && other)
		rc = stands_twice(m, t->place, "name", t->name, other->place, e);
	if (rc < 0) {
		manifest_tunnel_clear(t);
		return -1;
	}
	m->tunnels = mem_room(m->tunnels, m->n_tunnels, sizeof(*m->tunnels));
	m->tunnels[m->n_tunnels] = *t;
	memset(t, 0, sizeof(*t));
	index_set(&m->tunnel_keys, key, m->n_tunnels++);
	return 0;
}

/* What routes of one name must agree on. */
static int check_host(const struct manifest *m, const struct manifest_host *h,
		      const struct manifest_route *r, struct err *e)
{
	const char *first = m->routes[h->route].place;
	const char *key = "dns";

	if (h->tunnel != r->tunnel) {
		(void)err_set(e, ERR_INVALID,
			      "hostname: %s leads through tunnel %s in %s, and a name leads to one "
			      "tunnel only",
			      r->hostname, m->tunnels[h->tunnel].name, first);
		key = "hostname";
	} else if (h->dns != r->dns) {
		(void)err_set(
			e, ERR_INVALID,
			"dns: differs from %s, a route of the same name, which has one record",
			first);
	} else if (r->comment && h->comment && !str_equal(r->comment, h->comment)) {
		(void)err_set(e, ERR_INVALID,
			      "comment: differs from that of another route of the same name, which "
			      "has one record");
		key = "comment";
	} else {
		return 0;
	}
	return manifest_wrap(m, r->place, key, e);
}

static int check_route(const struct manifest *m, const struct manifest_route *r, struct err *e)
{
	const struct manifest_route *other = manifest_route(m, r->hostname, r->path);
	const struct manifest_host *h = manifest_host(m, r->hostname);
	AUTO(str_t)
	what = str_format("%s%s%s", r->hostname, r->path ? " " : "", r->path ? r->path : "");

	if (check_room(m, r->place, e) < 0)
		return -1;
	if (other)
		return stands_twice(m, r->place, "hostname", what, other->place, e);
	if (probing_check(probing_by_name(r->probe), r->service, e) < 0)
		return manifest_wrap(m, r->place, "probe", e);
	return h ? check_host(m, h, r, e) : 0;
}

static void note_host(struct manifest *m, const struct manifest_route *r)
{
	size_t i = index_of(&m->host_keys, r->hostname);
	struct manifest_host *h;

	if (!i) {
		m->hosts = mem_room(m->hosts, m->n_hosts, sizeof(*m->hosts));
		m->hosts[m->n_hosts] = (struct manifest_host){.hostname = r->hostname,
							      .route = m->n_routes - 1,
							      .tunnel = r->tunnel,
							      .dns = r->dns};
		index_set(&m->host_keys, r->hostname, m->n_hosts);
		i = ++m->n_hosts;
	}
	h = &m->hosts[i - 1];
	h->drifts |= 1U << drift_policy_by_name(r->drift);
	if (r->comment)
		h->comment = r->comment;
}

int manifest_add_route(struct manifest *m, struct manifest_route *r, struct err *e)
{
	AUTO(str_t) key = pair(r->hostname, r->path);

	if (check_route(m, r, e) < 0) {
		manifest_route_clear(r);
		return -1;
	}
	m->routes = mem_room(m->routes, m->n_routes, sizeof(*m->routes));
	m->routes[m->n_routes] = *r;
	memset(r, 0, sizeof(*r));
	index_set(&m->route_keys, key, m->n_routes++);
	note_host(m, &m->routes[m->n_routes - 1]);
	return 0;
}

/* What Cloudflare would not let stand beside this record. */
static int check_record(const struct manifest *m, const struct manifest_record *r, struct err *e)
{
	static const char *const types[] = {RECORD_TYPES};
	const struct manifest_host *h = manifest_host(m, r->name);

	if (check_room(m, r->place, e) < 0)
		return -1;
	if (h && h->dns && record_types_clash(r->type, "CNAME")) {
		(void)err_set(e, ERR_INVALID,
			      "name: %s has the record of a route (%s), which no %s record can "
			      "stand beside",
			      r->name, m->routes[h->route].place, r->type);
		return manifest_wrap(m, r->place, "name", e);
	}
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		const struct manifest_record *other =
			record_types_clash(r->type, types[i])
				? manifest_record(m, r->name, types[i])
				: NULL;
		if (!other)
			continue;
		AUTO(str_t) what = str_format("a record of %s (%s)", r->name, types[i]);
		return stands_twice(m, r->place, "name", what, other->place, e);
	}
	return 0;
}

int manifest_add_record(struct manifest *m, struct manifest_record *r, struct err *e)
{
	AUTO(str_t) key = pair(r->name, r->type);

	if (check_record(m, r, e) < 0) {
		manifest_record_clear(r);
		return -1;
	}
	m->records = mem_room(m->records, m->n_records, sizeof(*m->records));
	m->records[m->n_records] = *r;
	memset(r, 0, sizeof(*r));
	index_set(&m->record_keys, key, m->n_records++);
	return 0;
}
