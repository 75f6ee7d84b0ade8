#include "ops/manifest_export.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/yaml_write.h"
#include "model/edge_probe.h"
#include "model/manifest.h"

struct exporting {
	const struct world *w;
	const struct manifest_scope *scope;
	struct json_writer json;
	struct buf text;     /* of the document as JSON */
	struct map tunnels;  /* by id: those that hold a route of the scope */
	struct map hosts;    /* by host name: drift policies of its routes in the scope, as bits */
	struct map records;  /* routes' records by host name */
	const char *last;    /* host name of the route before */
	struct strlist made; /* names of manifests; "" = by hand */
	struct strlist left_out;
	size_t n;
};

typedef struct exporting exporting_t;
static void exporting_t_cleanup(exporting_t *x)
{
	buf_free(&x->text);
	map_free(&x->tunnels);
	map_free(&x->hosts);
	map_free(&x->records);
	strlist_free(&x->made);
	strlist_free(&x->left_out);
}

/* ---- what is in it ---- */

static bool is_in(const struct exporting *x, const char *manifest)
{
	return !x->scope->name || str_equal(x->scope->name, manifest);
}

static bool is_tunnel_in(const struct exporting *x, const struct tunnel *t)
{
	if (t->want != WANT_PRESENT || (x->scope->tunnel && x->scope->tunnel != t))
		return false;
	return is_in(x, t->manifest) || map_get(&x->tunnels, t->id);
}

static bool is_route_in(const struct exporting *x, const struct route *r)
{
	const struct tunnel *t = world_tunnel(x->w, r->tunnel_id);
	return t && t->want == WANT_PRESENT && !route_is_edge_probe(r) && is_in(x, r->manifest) &&
	       (!x->scope->tunnel || x->scope->tunnel == t);
}

static bool is_record_in(const struct exporting *x, const struct record *r)
{
	return r->want == WANT_PRESENT && !x->scope->tunnel && is_in(x, r->manifest);
}

static void note_made(struct exporting *x, const char *manifest)
{
	x->n++;
	if (!strlist_has(&x->made, manifest ? manifest : ""))
		strlist_add(&x->made, manifest ? manifest : "");
}

PRINTF(2, 3) static void leave_out(struct exporting *x, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO(str_t) line = str_vformat(fmt, ap);
	va_end(ap);
	strlist_add(&x->left_out, line);
}

static uintptr_t drifts_of(const struct exporting *x, const char *hostname)
{
	return (uintptr_t)map_get(&x->hosts, hostname);
}

static void note_host(struct exporting *x, const struct route *r)
{
	uintptr_t drifts = drifts_of(x, r->hostname) | (uintptr_t)1 << r->drift;
	(void)map_set(&x->hosts, r->hostname, (void *)drifts);
}

static void index_world(struct exporting *x)
{
	TABLE_EACH (i, struct route, r, &x->w->routes)
		if (is_route_in(x, r)) {
			(void)map_set(&x->tunnels, r->tunnel_id, r);
			note_host(x, r);
		}
	TABLE_EACH (i, struct record, r, &x->w->records)
		if (r->want == WANT_PRESENT && r->tunnel_id[0])
			(void)map_set(&x->records, r->name, r);
}

/* ---- order ---- */

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_tunnels(const void *a, const void *b)
{
	const struct tunnel *x = *(const struct tunnel *const *)a;
	const struct tunnel *y = *(const struct tunnel *const *)b;
	int order = strcmp(x->name, y->name);
	return order ? order : strcmp(x->id, y->id);
}

static int compare_routes(const void *a, const void *b)
{
	const struct route *x = *(const struct route *const *)a;
	const struct route *y = *(const struct route *const *)b;
	int order = strcmp(x->tunnel_id, y->tunnel_id);
	if (order == 0)
		order = strcmp(x->hostname, y->hostname);
	return order ? order : compare_text(x->path, y->path);
}

static int compare_records(const void *a, const void *b)
{
	const struct record *x = *(const struct record *const *)a;
	const struct record *y = *(const struct record *const *)b;
	int order = strcmp(x->name, y->name);
	return order ? order : strcmp(x->type, y->type);
}

/* A sorted copy of a table, which the caller frees. */
static void **sorted(const struct table *t, int (*compare)(const void *a, const void *b))
{
	void **items = mem_array(t->n + 1, sizeof(*items));
	if (t->n)
		memcpy(items, t->items, t->n * sizeof(*items));
	qsort(items, t->n, sizeof(*items), compare);
	return items;
}

/* ---- writing ---- */

static void put_text(struct exporting *x, const char *key, const char *value)
{
	if (value && *value)
		json_put_string(&x->json, key, value);
}

/* The record that the route brings, where there is one. One that does not follow its routes is left
 * alone when the text is applied. */
static const struct record *record_of(const struct exporting *x, const struct route *r)
{
	const struct record *d = map_get(&x->records, r->hostname);
	return d && str_equal(d->type, "CNAME") && str_equal(d->tunnel_id, r->tunnel_id) &&
			       is_in(x, d->manifest) &&
			       (drifts_of(x, r->hostname) & (uintptr_t)1 << d->drift)
		       ? d
		       : NULL;
}

static void put_route(struct exporting *x, const struct route *r)
{
	const struct record *d = record_of(x, r);
	bool first = !str_equal(x->last, r->hostname);
	struct json_writer *w = &x->json;
	note_made(x, r->manifest);
	json_object_begin(w);
	json_put_string(w, "hostname", r->hostname);
	put_text(x, "path", r->path);
	json_put_string(w, "service", r->service);
	if (r->origin && !str_equal(r->origin, "{}")) {
		json_write_key(w, "origin");
		json_write_raw(w, r->origin, strlen(r->origin));
	}
	put_text(x, "drift", drift_policy_name(r->drift));
	put_text(x, "probe", probing_said(r->probing));
	if (!d)
		json_put_bool(w, "dns", false);
	else if (first)
		put_text(x, "comment", d->comment);
	json_object_end(w);
	x->last = r->hostname;
}

static size_t first_route(void **routes, size_t n, const char *tunnel_id)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct route *r = routes[middle];
		if (strcmp(r->tunnel_id, tunnel_id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void put_routes(struct exporting *x, const struct tunnel *t, void **routes)
{
	size_t n = x->w->routes.n;
	if (!map_get(&x->tunnels, t->id))
		return;
	x->last = NULL;
	json_write_key(&x->json, "routes");
	json_array_begin(&x->json);
	for (size_t i = first_route(routes, n, t->id); i < n; i++) {
		const struct route *r = routes[i];
		if (!str_equal(r->tunnel_id, t->id))
			break;
		if (is_route_in(x, r))
			put_route(x, r);
	}
	json_array_end(&x->json);
}

static void put_tunnel(struct exporting *x, const struct tunnel *t, void **routes)
{
	if (t->joined) {
		leave_out(x, "tunnel %s, which is another host's", t->name);
		return;
	}
	note_made(x, t->manifest);
	json_object_begin(&x->json);
	json_put_string(&x->json, "name", t->name);
	if (t->replicas != 1)
		json_put_int(&x->json, "replicas", t->replicas);
	put_text(x, "drift", drift_policy_name(t->drift));
	put_routes(x, t, routes);
	json_object_end(&x->json);
}

static void put_record(struct exporting *x, const struct record *r)
{
	struct json_writer *w = &x->json;
	note_made(x, r->manifest);
	json_object_begin(w);
	json_put_string(w, "name", r->name);
	json_put_string(w, "type", r->type);
	json_put_string(w, "content", r->content);
	if (r->proxied)
		json_put_bool(w, "proxied", true);
	if (r->ttl > 1)
		json_put_int(w, "ttl", r->ttl);
	if (str_equal(r->type, "MX"))
		json_put_int(w, "priority", r->priority);
	put_text(x, "comment", r->comment);
	put_text(x, "drift", drift_policy_name(r->drift));
	json_object_end(w);
}

static void put_tunnels(struct exporting *x)
{
	void **tunnels = sorted(&x->w->tunnels, compare_tunnels);
	void **routes = sorted(&x->w->routes, compare_routes);
	json_write_key(&x->json, "tunnels");
	json_array_begin(&x->json);
	for (size_t i = 0; i < x->w->tunnels.n; i++)
		if (is_tunnel_in(x, tunnels[i]))
			put_tunnel(x, tunnels[i], routes);
	json_array_end(&x->json);
	free(tunnels);
	free(routes);
}

static void put_or_leave(struct exporting *x, const struct record *r)
{
	if (!r->tunnel_id[0] && manifest_takes_type(r->type))
		put_record(x, r);
	else if (!r->tunnel_id[0])
		leave_out(x, "record %s, of type %s", r->name, r->type);
	else if (!map_get(&x->hosts, r->name))
		leave_out(x, "record %s, which no route brings", r->name);
}

static void put_records(struct exporting *x)
{
	void **records = sorted(&x->w->records, compare_records);
	json_write_key(&x->json, "records");
	json_array_begin(&x->json);
	for (size_t i = 0; i < x->w->records.n; i++)
		if (is_record_in(x, records[i]))
			put_or_leave(x, records[i]);
	json_array_end(&x->json);
	free(records);
}

/* ---- the text ---- */

/* The name under which it can be applied as it is; NULL = it must be given then. */
static const char *name_of(const struct exporting *x)
{
	if (x->scope->name)
		return x->scope->name;
	return x->made.n == 1 && *x->made.items[0] ? x->made.items[0] : NULL;
}

static int put_name(const char *name, struct buf *out, struct err *e)
{
	AUTO(buf_t) text = {0};
	AUTO(json_doc_t) doc = NULL;
	struct json_writer w;
	json_write_init(&w, &text);
	json_object_begin(&w);
	json_put_string(&w, "manifest", name);
	json_object_end(&w);
	return json_parse(buf_text(&text), text.len, NULL, &doc, e) < 0
		       ? -1
		       : yaml_write(json_root(doc), out, e);
}

static int put_header(const struct exporting *x, struct buf *out, struct err *e)
{
	const char *name = name_of(x);
	(void)buf_printf(out, "# adit: %zu object%s\n", x->n, x->n == 1 ? "" : "s");
	if (!name && x->made.n > 1)
		(void)buf_str(out, "# They are not all of one manifest: what another one made is "
				   "refused when this is applied.\n");
	for (size_t i = 0; i < x->left_out.n; i++)
		(void)buf_printf(out, "# Left out: %s\n", x->left_out.items[i]);
	return name ? put_name(name, out, e) : 0;
}

int manifest_export(const struct world *w, const struct manifest_scope *scope, struct buf *out,
		    size_t *objects, struct err *e)
{
	AUTO(exporting_t) x = {.w = w, .scope = scope};
	AUTO(json_doc_t) doc = NULL;
	AUTO(buf_t) yaml = {0};
	index_world(&x);
	json_write_init(&x.json, &x.text);
	json_object_begin(&x.json);
	put_tunnels(&x);
	if (!scope->tunnel)
		put_records(&x);
	json_object_end(&x.json);
	if (json_parse(buf_text(&x.text), x.text.len, NULL, &doc, e) < 0 ||
	    put_header(&x, &yaml, e) < 0 || yaml_write(json_root(doc), &yaml, e) < 0)
		return -1;
	(void)buf_add(out, buf_text(&yaml), yaml.len);
	*objects = x.n;
	return 0;
}
