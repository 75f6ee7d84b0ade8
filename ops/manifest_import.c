#include "ops/manifest_import.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/origin_form.h"
#include "model/route.h"

#define MOST_RULES     2000
#define WARNINGS_SHOWN 20

/* One rule of the file. */
struct rule_file {
	char *hostname, *path, *service;
	struct raw_json originRequest;
};

struct importing {
	const struct world *w;
	const struct import_ask *ask;
	struct plan *p;
	struct err *e;
	struct manifest *m;
	struct buf defaults; /* the file's own originRequest, in the API's form */
	size_t order_warnings;
};

typedef struct importing importing_t;
static void importing_t_cleanup(importing_t *x)
{
	manifest_free(x->m);
	buf_free(&x->defaults);
}

static int check_file_service(const char *value, struct err *e)
{
	struct service s;
	return str_equal(value, "hello-world") ? 0 : service_parse(value, &s, e);
}

static int check_file_path(const char *value, struct err *e)
{
	return *value ? pattern_check(value, e) : 0;
}

static const struct field rule_fields[] = {
	FIELD(struct rule_file, hostname, .max = 253, .doc = "public name"),
	FIELD(struct rule_file, path, .max = 512, .check = check_file_path, .doc = "path pattern"),
	FIELD(struct rule_file, service, .flags = FIELD_REQUIRED, .min = 3, .max = 300,
	      .check = check_file_service, .doc = "origin"),
	FIELD(struct rule_file, originRequest, .doc = "options towards the origin"),
	FIELDS_END,
};

/* ---- what is left alone ---- */

#define CONNECTOR "left alone: an option of the connector; adit's settings have their own"
#define TOKEN     "left alone: adit's connectors have a token of their own"
#define SINGLE    "left alone: a service for every host name is no route; see adit publish"

static const struct {
	const char *key, *why;
} kept[] = {
	{"credentials-file", TOKEN},
	{"credentials-contents", TOKEN},
	{"origincert", TOKEN},
	{"token", TOKEN},
	{"token-file", TOKEN},
	{"warp-routing", "left alone: private networks are none of adit's routes"},
	{"url", SINGLE},
	{"hello-world", SINGLE},
	{"unix-socket", SINGLE},
	{"bastion", SINGLE},
	{"socks5", SINGLE},
	{"autoupdate-freq", CONNECTOR},
	{"edge-bind-address", CONNECTOR},
	{"edge-ip-version", CONNECTOR},
	{"grace-period", CONNECTOR},
	{"ha-connections", CONNECTOR},
	{"log-directory", CONNECTOR},
	{"logfile", CONNECTOR},
	{"loglevel", CONNECTOR},
	{"metrics", CONNECTOR},
	{"metrics-update-freq", CONNECTOR},
	{"no-autoupdate", CONNECTOR},
	{"pidfile", CONNECTOR},
	{"post-quantum", CONNECTOR},
	{"protocol", CONNECTOR},
	{"region", CONNECTOR},
	{"retries", CONNECTOR},
	{"tag", CONNECTOR},
	{"trace-output", CONNECTOR},
	{"transport-loglevel", CONNECTOR},
};

static const char *why_kept(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		if (str_equal(kept[i].key, key))
			return kept[i].why;
	return "left alone: adit does not know it";
}

static bool is_read(const char *key)
{
	return str_equal(key, "tunnel") || str_equal(key, "ingress") ||
	       str_equal(key, "originRequest");
}

static void tell_kept(struct importing *x, const struct json *root)
{
	JSON_EACH (v, root)
		if (!is_read(json_key(v)))
			plan_change(x->p, '=', "setting", json_key(v), "%s", why_kept(json_key(v)));
}

PRINTF(2, 3) static void warn(struct importing *x, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO(str_t) sentence = str_vformat(fmt, ap);
	va_end(ap);
	strlist_add(&x->p->warnings, sentence);
}

/* ---- options ---- */

/* "place.originRequest.option: sentence" */
static int refuse_option(const struct importing *x, const char *place, const char *option)
{
	AUTO(str_t) below = str_format("originRequest%s%s", *option ? "." : "", option);
	AUTO(str_t)
	sentence = str_format("originRequest%s%s", *option ? "." : ": ", x->e->message);
	(void)err_set(x->e, ERR_INVALID, "%s", sentence);
	return manifest_wrap(x->m, place, below, x->e);
}

static int read_options(struct importing *x, const char *place, const struct json *v,
			struct buf *out)
{
	char option[FIELD_PATH_SIZE];
	return origin_form(v, ORIGIN_OF_FILE, out, option, x->e) < 0
		       ? refuse_option(x, place, option)
		       : 0;
}

static void put_unless(struct json_writer *w, const struct json *options, const struct json *over)
{
	JSON_EACH (v, options) {
		if (json_get(over, json_key(v)))
			continue;
		json_write_key(w, json_key(v));
		json_write_value(w, v);
	}
}

/* The rule's options over the file's; cloudflared ignores an access check that is no rule's. */
static int merge_options(const struct importing *x, const struct buf *rule, struct raw_json *out)
{
	static const char no_access[] = "{\"access\":0}";
	AUTO(json_doc_t) over = NULL;
	AUTO(json_doc_t) under = NULL;
	AUTO(json_doc_t) hidden = NULL;
	AUTO(buf_t) visible = {0}, text = {0};
	struct json_writer w, v;
	if ((rule->len && json_parse(rule->data, rule->len, NULL, &over, x->e) < 0) ||
	    (x->defaults.len &&
	     json_parse(x->defaults.data, x->defaults.len, NULL, &under, x->e) < 0) ||
	    json_parse(no_access, sizeof(no_access) - 1, NULL, &hidden, x->e) < 0)
		return -1;
	json_write_init(&v, &visible);
	json_object_begin(&v);
	put_unless(&v, under ? json_root(under) : NULL, json_root(hidden));
	json_object_end(&v);
	AUTO(json_doc_t) base = NULL;
	if (json_parse(buf_text(&visible), visible.len, NULL, &base, x->e) < 0)
		return -1;
	json_write_init(&w, &text);
	json_object_begin(&w);
	put_unless(&w, json_root(base), over ? json_root(over) : NULL);
	put_unless(&w, over ? json_root(over) : NULL, NULL);
	json_object_end(&w);
	str_set(&out->text, text.len > 2 ? buf_text(&text) : NULL);
	return 0;
}

static int read_defaults(struct importing *x, const struct json *root)
{
	const struct json *v = json_get(root, "originRequest");
	if (read_options(x, "", v, &x->defaults) < 0)
		return -1;
	if (json_get(v, "access"))
		warn(x,
		     "cloudflared ignores the file's originRequest.access, since it stands at no "
		     "rule: the routes are made without it.");
	return 0;
}

/* ---- rules ---- */

static bool is_every_host(const struct rule_file *r)
{
	return !r->hostname || !*r->hostname || str_equal(r->hostname, "*");
}

static bool has_path(const struct rule_file *r)
{
	return r->path && *r->path;
}

static int check_catch_all(struct importing *x, const struct rule_file *r, const char *place,
			   bool last)
{
	if (!last) {
		(void)err_set(x->e, ERR_INVALID,
			      "takes every request, so no rule behind it is reached; accepted is "
			      "this as the last rule only");
		return manifest_wrap(x->m, place, "", x->e);
	}
	if (!str_equal(r->service, "http_status:404"))
		plan_change(x->p, '=', "rule", place,
			    "to %s left alone: what no route takes is answered 404 by adit",
			    r->service);
	return 0;
}

static int fill_route(struct importing *x, const struct rule_file *r, const struct json *v,
		      struct manifest_route *d)
{
	AUTO(buf_t) options = {0};
	if (hostname_normalise(r->hostname, &d->hostname, x->e) < 0) {
		(void)err_wrap(x->e, "hostname");
		return manifest_wrap(x->m, d->place, "hostname", x->e);
	}
	d->path = has_path(r) ? str_dup(r->path) : NULL;
	d->service = str_dup(str_equal(r->service, "hello-world") ? "hello_world" : r->service);
	d->dns = x->ask->dns;
	if (read_options(x, d->place, json_get(v, "originRequest"), &options) < 0)
		return -1;
	return merge_options(x, &options, &d->origin);
}

static int add_route(struct importing *x, const struct rule_file *r, const struct json *v,
		     const char *place)
{
	struct manifest_route d = {.place = str_dup(place)};
	const struct manifest_route *first = NULL;
	int rc = fill_route(x, r, v, &d);
	if (rc == 0)
		first = manifest_route(x->m, d.hostname, d.path);
	if (first)
		plan_change(x->p, '=', "rule", place,
			    "for %s left alone: it is never reached, since %s takes the same",
			    d.hostname, first->place);
	if (rc == 0 && !first)
		return manifest_add_route(x->m, &d, x->e);
	manifest_route_clear(&d);
	return rc;
}

static int take_rule(struct importing *x, const struct rule_file *r, const struct json *v,
		     const char *place, bool last)
{
	if (!is_every_host(r))
		return add_route(x, r, v, place);
	if (!has_path(r))
		return check_catch_all(x, r, place, last);
	plan_change(x->p, '=', "rule", place,
		    "for %s of every host left alone: a route has a host name", r->path);
	return 0;
}

static int read_rule(struct importing *x, const struct json *v, size_t index, bool last)
{
	struct rule_file r = {.hostname = NULL};
	char path[FIELD_PATH_SIZE] = "";
	AUTO(str_t) place = str_format("ingress[%zu]", index);
	if (json_type(v) != JSON_OBJECT) {
		(void)err_set(x->e, ERR_INVALID,
			      "is %s, accepted is a rule with hostname and "
			      "service",
			      json_type_name(json_type(v)));
		return manifest_wrap(x->m, place, "", x->e);
	}
	if (fields_decode(rule_fields, v, &r, path, x->e) < 0)
		return manifest_wrap(x->m, place, path, x->e);
	int rc = take_rule(x, &r, v, place, last);
	fields_free(rule_fields, &r);
	return rc;
}

static int check_list(const struct importing *x, const struct json *rules)
{
	if (!json_is_null(rules) && json_type(rules) != JSON_ARRAY)
		(void)err_set(x->e, ERR_INVALID, "ingress: is %s, accepted is a list of rules",
			      json_type_name(json_type(rules)));
	else if (json_count(rules) > MOST_RULES)
		(void)err_set(x->e, ERR_INVALID, "ingress: has %zu rules, accepted are %d",
			      json_count(rules), MOST_RULES);
	else
		return 0;
	return manifest_wrap(x->m, "", "ingress", x->e);
}

static bool is_catch_all(const struct json *rule)
{
	const char *hostname = json_get_string(rule, "hostname");
	const char *path = json_get_string(rule, "path");
	return (!hostname || !*hostname || str_equal(hostname, "*")) && (!path || !*path);
}

static int read_rules(struct importing *x, const struct json *rules)
{
	const struct json *last = NULL;
	size_t index = 0;
	if (check_list(x, rules) < 0)
		return -1;
	JSON_EACH (v, rules) {
		last = v;
		if (read_rule(x, v, index++, !json_next(v)) < 0)
			return -1;
	}
	if (last && !is_catch_all(last))
		warn(x, "The file's last rule does not take every request, so cloudflared would "
			"refuse the file; adit adds such a rule by itself.");
	return 0;
}

/* ---- order ---- */

/* Up to the first character that means something else than itself; NULL when the pattern may begin
 * anywhere. */
static size_t literal_prefix(const char *path)
{
	return path && *path == '^' ? strcspn(path + 1, "\\^$.|?*+()[]{}") : 0;
}

/* Patterns that begin differently never take the same request. */
static bool paths_meet(const char *a, const char *b)
{
	size_t n = literal_prefix(a), m = literal_prefix(b), least = n < m ? n : m;
	if (!a || !b || strchr(a, '|') || strchr(b, '|'))
		return true;
	return strncmp(a + 1, b + 1, least) == 0 || *a != '^' || *b != '^';
}

static bool hosts_meet(const char *a, const char *b)
{
	return hostname_matches(a, b) || hostname_matches(b, a);
}

static void warn_order(struct importing *x, const struct manifest_route *first,
		       const struct manifest_route *later)
{
	bool hides = hostname_matches(first->hostname, later->hostname) && !first->path;
	if (x->order_warnings++ >= WARNINGS_SHOWN)
		return;
	if (hides)
		warn(x,
		     "%s (%s%s%s) is never reached in the file, since %s (%s) stands before it; as "
		     "a route it is.",
		     later->place, later->hostname, later->path ? " " : "",
		     later->path ? later->path : "", first->place, first->hostname);
	else
		warn(x,
		     "A request that fits both %s (%s%s%s) and %s (%s%s%s) is answered by the "
		     "first "
		     "of them in the file, by the second as routes.",
		     first->place, first->hostname, first->path ? " " : "",
		     first->path ? first->path : "", later->place, later->hostname,
		     later->path ? " " : "", later->path ? later->path : "");
}

/* Does adit try the later one first, and can it matter? */
static bool turns_round(const struct manifest_route *first, const struct manifest_route *later)
{
	const struct route a = {.hostname = first->hostname, .path = first->path};
	const struct route b = {.hostname = later->hostname, .path = later->path};
	return hosts_meet(first->hostname, later->hostname) &&
	       paths_meet(first->path, later->path) && route_compare(&a, &b) > 0;
}

static void check_order(struct importing *x)
{
	const struct manifest *m = x->m;
	for (size_t i = 0; i < m->n_routes; i++)
		for (size_t k = i + 1; k < m->n_routes; k++)
			if (turns_round(&m->routes[i], &m->routes[k]))
				warn_order(x, &m->routes[i], &m->routes[k]);
	if (x->order_warnings > WARNINGS_SHOWN)
		warn(x, "%zu more pairs of rules change their order.",
		     x->order_warnings - WARNINGS_SHOWN);
}

/* ---- the file ---- */

/* Through which tunnel: the one asked for, the file's, or this host's own. */
static int choose_tunnel(struct importing *x, const struct json *root)
{
	const struct json *v = json_get(root, "tunnel");
	const char *said = json_string(v);
	const struct tunnel *t = x->ask->tunnel;
	struct manifest_tunnel d = {.replicas = 1, .place = str_dup("tunnel")};
	if (!json_is_null(v) && !said) {
		manifest_tunnel_clear(&d);
		(void)err_set(x->e, ERR_INVALID, "tunnel: is %s, accepted is a name or an id",
			      json_type_name(json_type(v)));
		return manifest_wrap(x->m, "", "tunnel", x->e);
	}
	if (!t && said)
		t = world_find_tunnel(x->w, said);
	d.name = str_dup(t ? t->name : x->ask->own);
	d.routes.text = str_dup("[]");
	if (said && t != world_find_tunnel(x->w, said))
		plan_change(x->p, '=', "setting", "tunnel",
			    "left alone: the routes go through %s, not through %s", d.name, said);
	else if (said && !t)
		plan_change(x->p, '=', "setting", "tunnel",
			    "left alone: %s is no tunnel of adit's; the routes go through %s", said,
			    d.name);
	return manifest_add_tunnel(x->m, &d, x->e);
}

static int read_file(struct importing *x, const struct json *root)
{
	if (json_type(root) != JSON_OBJECT) {
		(void)err_set(x->e, ERR_INVALID, "is %s, accepted are lines of the form key: value",
			      json_type_name(json_type(root)));
		return manifest_wrap(x->m, "", "", x->e);
	}
	if (choose_tunnel(x, root) < 0 || read_defaults(x, root) < 0 ||
	    read_rules(x, json_get(root, "ingress")) < 0)
		return -1;
	tell_kept(x, root);
	check_order(x);
	return 0;
}

int manifest_import(const struct world *w, const struct import_ask *ask, struct plan *p,
		    struct manifest **out, struct err *e)
{
	AUTO(importing_t) x = {.w = w, .ask = ask, .p = p, .e = e};
	x.m = mem_alloc(sizeof(*x.m));
	x.m->partial = true;
	if (yaml_parse(ask->file, ask->text, strlen(ask->text), &x.m->doc, e) < 0 ||
	    read_file(&x, yaml_root(x.m->doc)) < 0)
		return -1;
	*out = steal(&x.m);
	return 0;
}
