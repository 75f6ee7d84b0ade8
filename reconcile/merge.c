/*
 * The merge, rule by rule. A rule of the document is ours when its key stood in what we put last,
 * or when it is exactly what we would write, or sent in a PUT whose answer was lost. All others are
 * foreign. A conflict with any route leaves the document as it is: half a merge would be a document
 * that nobody asked for.
 */
#include "reconcile/merge.h"

#include <stdlib.h>
#include <string.h>

#include "reconcile/place.h"

#define CATCH_ALL "{\"service\":\"http_status:404\"}"

/* One desired route and what becomes of it. */
struct wish {
	const struct route *route;
	struct json_doc *origin;  /* owned; NULL = none */
	struct rule key;          /* owned */
	const struct rule *base;  /* put last under this key; NULL = never */
	const struct rule *found; /* the document's rule that is ours; NULL = to be inserted */
	bool rewrite;
};

struct merging {
	const struct merge_input *in;
	struct merge_result *out;
	struct rules remote, base, sent;
	struct wish *wishes;  /* in total order */
	struct place *places; /* of the wishes */
	size_t n;
	bool *taken; /* of the document's rules: ours, or going away */
	const struct rule **foreign;
	size_t n_foreign;
	bool changed;
};

void merge_result_free(struct merge_result *r)
{
	free(r->document);
	free(r->rules);
	free(r->sent);
	free(r->route_id);
	*r = (struct merge_result){0};
}

typedef struct merging merging_t;
static void merging_t_cleanup(merging_t *m)
{
	for (size_t i = 0; i < m->n; i++) {
		rule_free(&m->wishes[i].key);
		json_doc_free(m->wishes[i].origin);
	}
	free(m->wishes);
	free(m->places);
	free(m->taken);
	free(m->foreign);
	rules_free(&m->remote);
	rules_free(&m->base);
	rules_free(&m->sent);
}

static const struct json *origin_of(const struct wish *x)
{
	return x->origin ? json_root(x->origin) : NULL;
}

/* ---- conflicts ---- */

/* Says that the merge stops: false, to end a function with. */
static bool stop(struct merging *m, const struct wish *x, const char *hint)
{
	m->out->outcome = MERGE_CONFLICT;
	m->out->route_id = str_dup(x->route->id);
	(void)err_hint(&m->out->conflict, "%s", hint);
	return false;
}

/* "app.example.com/^/api" as people write a route. */
static char *name_of(const struct wish *x)
{
	return str_format("%s%s%s", x->route->hostname, x->route->path ? " " : "",
			  x->route->path ? x->route->path : "");
}

static bool stop_foreign_key(struct merging *m, const struct wish *x, size_t index)
{
	AUTO(str_t) name = name_of(x);
	(void)err_set(&m->out->conflict, ERR_CONFLICT,
		      "Rule %zu of the tunnel's configuration serves %s already, with another "
		      "service or other options, and adit did not make it",
		      index + 1, name);
	return stop(m, x, "Remove that rule at Cloudflare, or delete the route here.");
}

static bool stop_edited(struct merging *m, const struct wish *x)
{
	AUTO(str_t) name = name_of(x);
	(void)err_set(&m->out->conflict, ERR_CONFLICT,
		      "The rule of route %s was changed at Cloudflare, not by adit", name);
	return stop(m, x, "Set the route to what is wanted, or undo the change at Cloudflare.");
}

static bool stop_removed(struct merging *m, const struct wish *x)
{
	AUTO(str_t) name = name_of(x);
	(void)err_set(&m->out->conflict, ERR_CONFLICT,
		      "The rule of route %s was removed at Cloudflare, not by adit", name);
	return stop(m, x, "Delete the route here too; set it again afterwards if it is wanted.");
}

static bool stop_twice(struct merging *m, const struct wish *x)
{
	AUTO(str_t) name = name_of(x);
	(void)err_set(&m->out->conflict, ERR_CONFLICT, "There are two routes for %s", name);
	return stop(m, x, "Delete one of them.");
}

static bool stop_place(struct merging *m, enum place_fault fault, const struct wish *x,
		       const struct rule *foreign)
{
	AUTO(str_t) name = name_of(x);
	char what[HOSTNAME_MAX + 40];
	rule_describe(foreign, (size_t)(foreign - m->remote.items) + 1, what, sizeof(what));
	if (fault == PLACE_SHADOWS)
		(void)err_set(&m->out->conflict, ERR_CONFLICT,
			      "Route %s would take requests from %s of the tunnel's configuration, "
			      "which adit did not make",
			      name, what);
	else
		(void)err_set(&m->out->conflict, ERR_CONFLICT,
			      "Route %s is not reached: %s of the tunnel's configuration, which "
			      "adit did not make, stands before it and takes its requests",
			      name, what);
	return stop(m, x, "Change that rule at Cloudflare, or put the route on another tunnel.");
}

static bool stop_knot(struct merging *m, const struct wish *x)
{
	AUTO(str_t) name = name_of(x);
	(void)err_set(&m->out->conflict, ERR_CONFLICT,
		      "There is no place for route %s: our own rules and those that adit did not "
		      "make would have to stand before each other",
		      name);
	return stop(m, x,
		    "Move the rules that adit did not make before ours at Cloudflare, or put the "
		    "route on another tunnel.");
}

/* ---- what is given ---- */

static int compare_wishes(const void *a, const void *b)
{
	const struct wish *x = a, *y = b;
	return route_compare(x->route, y->route);
}

static int read_wish(const struct route *r, struct wish *x, struct err *e)
{
	struct err why;
	x->route = r;
	rule_make(&x->key, r->hostname, r->path);
	if (!x->key.hostname || !r->service)
		return err_set(e, ERR_INTERNAL, "Route %s has no host name or no service", r->id);
	if (r->origin && json_parse(r->origin, strlen(r->origin), NULL, &x->origin, &why) < 0)
		return err_set(e, ERR_INTERNAL, "The options of route %s cannot be read: %s", r->id,
			       why.message);
	if (r->origin && json_type(origin_of(x)) != JSON_OBJECT && !json_is_null(origin_of(x)))
		return err_set(e, ERR_INTERNAL, "The options of route %s are no object", r->id);
	return 0;
}

static int read_wishes(struct merging *m, struct err *e)
{
	m->wishes = mem_array(m->in->n_routes + 1, sizeof(*m->wishes));
	for (; m->n < m->in->n_routes; m->n++)
		if (read_wish(m->in->routes[m->n], &m->wishes[m->n], e) < 0) {
			m->n++; /* what was read of it is freed too */
			return -1;
		}
	qsort(m->wishes, m->n, sizeof(*m->wishes), compare_wishes);
	return 0;
}

static int read_all(struct merging *m, struct err *e)
{
	if (rules_read_config(m->in->remote, &m->remote, e) < 0 ||
	    rules_read_array(m->in->base, &m->base, e) < 0 ||
	    rules_read_array(m->in->sent, &m->sent, e) < 0 || read_wishes(m, e) < 0)
		return -1;
	m->taken = mem_array(m->remote.n + 1, sizeof(*m->taken));
	m->foreign = mem_array(m->remote.n + 1, sizeof(*m->foreign));
	m->places = mem_array(m->n + 1, sizeof(*m->places));
	return 0;
}

/* ---- which rules are ours ---- */

static const struct rule *find_key(const struct rules *r, const struct rule *key)
{
	for (size_t i = 0; i < r->n; i++)
		if (rule_same_key(&r->items[i], key))
			return &r->items[i];
	return NULL;
}

static bool rule_is_rule(const struct rule *a, const struct rule *b)
{
	return rule_serves(a, json_get_string(b->value, "service"),
			   json_get(b->value, "originRequest"));
}

/* It may have come with a PUT of ours whose answer was lost. */
static bool was_sent(const struct merging *m, const struct rule *r)
{
	for (size_t i = 0; i < m->sent.n; i++)
		if (rule_same_key(&m->sent.items[i], r) && rule_is_rule(r, &m->sent.items[i]))
			return true;
	return false;
}

/* Of several rules with one key, those that are as wanted or as put last go first: wish and base
 * may each be NULL. *any is the first with the key at all. */
static const struct rule *find_ours(const struct merging *m, const struct rule *key,
				    const struct wish *x, const struct rule *base,
				    const struct rule **any)
{
	const struct rule *as_base = NULL;
	*any = NULL;
	for (size_t i = 0; i < m->remote.n; i++) {
		const struct rule *r = &m->remote.items[i];
		if (m->taken[i] || !rule_same_key(r, key))
			continue;
		if (x && rule_serves(r, x->route->service, origin_of(x)))
			return r;
		if (!as_base && ((base && rule_is_rule(r, base)) || was_sent(m, r)))
			as_base = r;
		if (!*any)
			*any = r;
	}
	return as_base ? as_base : base ? *any : NULL;
}

static void take(struct merging *m, const struct rule *r)
{
	m->taken[r - m->remote.items] = true;
}

/* What we wish under this key is what we wished last. */
static bool is_unchanged(const struct wish *x)
{
	return x->base && rule_serves(x->base, x->route->service, origin_of(x));
}

static bool match_wish(struct merging *m, struct wish *x)
{
	const struct rule *any;
	x->base = find_key(&m->base, &x->key);
	x->found = find_ours(m, &x->key, x, x->base, &any);
	if (!x->found && any)
		return stop_foreign_key(m, x, (size_t)(any - m->remote.items));
	/* While it is not known which document of ours stands there, it may be one without it. */
	if (!x->found && is_unchanged(x) && !m->in->repair && !m->in->sent)
		return stop_removed(m, x);
	if (!x->found) {
		m->changed = true;
		return true;
	}
	take(m, x->found);
	if (rule_serves(x->found, x->route->service, origin_of(x)))
		return true;
	if (is_unchanged(x) && !m->in->repair && !was_sent(m, x->found))
		return stop_edited(m, x);
	x->rewrite = m->changed = true;
	return true;
}

static bool match_wishes(struct merging *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (i && rule_same_key(&m->wishes[i - 1].key, &m->wishes[i].key))
			return stop_twice(m, &m->wishes[i]);
		if (!match_wish(m, &m->wishes[i]))
			return false;
	}
	return true;
}

static bool is_wished(const struct merging *m, const struct rule *key)
{
	for (size_t i = 0; i < m->n; i++)
		if (rule_same_key(&m->wishes[i].key, key))
			return true;
	return false;
}

static void drop(struct merging *m, const struct rule *key, const struct rule *base)
{
	const struct rule *any, *r;
	if (!key->hostname || is_wished(m, key))
		return;
	r = find_ours(m, key, NULL, base, &any);
	if (!r)
		return;
	take(m, r);
	m->changed = true;
}

static void take_dropped(struct merging *m)
{
	for (size_t i = 0; i < m->base.n; i++)
		drop(m, &m->base.items[i], &m->base.items[i]);
	for (size_t i = 0; i < m->sent.n; i++)
		if (!find_key(&m->base, &m->sent.items[i]))
			drop(m, &m->sent.items[i], NULL);
}

/* ---- where they stand ---- */

static void list_foreign(struct merging *m)
{
	for (size_t i = 0; i + 1 < m->remote.n; i++)
		if (!m->taken[i])
			m->foreign[m->n_foreign++] = &m->remote.items[i];
}

static void fill_place(const struct merging *m, const struct wish *x, struct place *p)
{
	p->key = &x->key;
	if (!x->found)
		return;
	p->standing = true;
	p->at = (size_t)(x->found - m->remote.items);
	while (p->slot < m->n_foreign && m->foreign[p->slot] < x->found)
		p->slot++;
}

static bool place_wishes(struct merging *m)
{
	size_t which = 0, index = 0;
	list_foreign(m);
	for (size_t i = 0; i < m->n; i++)
		fill_place(m, &m->wishes[i], &m->places[i]);
	enum place_fault fault =
		place_rules(m->places, m->n, m->foreign, m->n_foreign, &which, &index);
	if (fault == PLACE_KNOT)
		return stop_knot(m, &m->wishes[which]);
	if (fault != PLACE_OK)
		return stop_place(m, fault, &m->wishes[which], m->foreign[index]);
	m->changed = m->changed || place_inverted(m->places, m->n);
	return true;
}

/* ---- writing ---- */

static void write_span(struct json_writer *w, struct json_span s)
{
	json_write_raw(w, s.p, s.len);
}

static bool has_origin(const struct wish *x)
{
	return !json_is_null(origin_of(x));
}

static void write_origin(struct json_writer *w, const struct wish *x)
{
	write_span(w, json_raw(origin_of(x)));
}

/* hostname, path?, service, originRequest? */
static void write_fresh(struct json_writer *w, const struct wish *x)
{
	json_object_begin(w);
	json_put_string(w, "hostname", x->route->hostname);
	if (x->key.path)
		json_put_string(w, "path", x->key.path);
	json_put_string(w, "service", x->route->service);
	if (has_origin(x)) {
		json_write_key(w, "originRequest");
		write_origin(w, x);
	}
	json_object_end(w);
}

/* Our two members in their places, all others as they came, key and colon included; an
 * originRequest that is no longer wanted goes. */
static void write_member(struct json_writer *w, const struct wish *x, struct json_span key,
			 struct json_span value)
{
	AUTO(str_t) name = json_span_string(key);
	if (str_equal(name, "service")) {
		json_put_string(w, name, x->route->service);
	} else if (!str_equal(name, "originRequest")) {
		json_write_raw(w, key.p, (size_t)(value.p + value.len - key.p));
	} else if (has_origin(x)) {
		json_write_key(w, name);
		write_origin(w, x);
	}
}

static void write_rewritten(struct json_writer *w, const struct wish *x)
{
	struct json_span raw = json_raw(x->found->value), key, value;
	struct json_cursor c;
	json_object_begin(w);
	(void)json_cursor_init(&c, raw);
	while (json_cursor_next(&c, &key, &value))
		write_member(w, x, key, value);
	if (!json_get(x->found->value, "service"))
		json_put_string(w, "service", x->route->service);
	if (has_origin(x) && !json_get(x->found->value, "originRequest")) {
		json_write_key(w, "originRequest");
		write_origin(w, x);
	}
	json_object_end(w);
}

static void write_wish(struct json_writer *w, const struct wish *x)
{
	if (x->rewrite)
		write_rewritten(w, x);
	else if (x->found)
		write_span(w, json_raw(x->found->value));
	else
		write_fresh(w, x);
}

static void write_ingress(const struct merging *m, struct json_writer *w)
{
	json_array_begin(w);
	for (size_t slot = 0; slot <= m->n_foreign; slot++) {
		for (size_t i = 0; i < m->n; i++)
			if (m->places[i].slot == slot)
				write_wish(w, &m->wishes[i]);
		if (slot < m->n_foreign)
			write_span(w, json_raw(m->foreign[slot]->value));
	}
	if (m->remote.n)
		write_span(w, json_raw(m->remote.items[m->remote.n - 1].value));
	else
		json_write_raw(w, CATCH_ALL, strlen(CATCH_ALL));
	json_array_end(w);
}

/* The document around the rules stays as it came, white space and all. */
static char *write_document(const struct merging *m)
{
	static const char empty[] = "{}", member[] = "\"ingress\":";
	struct json_span root = m->remote.root ? json_raw(m->remote.root)
					       : (struct json_span){.p = empty, .len = 2};
	struct json_span old = json_span_member(root, "ingress");
	AUTO(buf_t) text = {0};
	struct json_writer w;
	const char *rest = old.len ? old.p + old.len : root.p + 1;
	(void)buf_add(&text, root.p, old.len ? (size_t)(old.p - root.p) : 1);
	if (!old.len)
		(void)buf_str(&text, member);
	json_write_init(&w, &text);
	write_ingress(m, &w);
	if (!old.len && m->remote.root && json_count(m->remote.root))
		(void)buf_char(&text, ',');
	(void)buf_add(&text, rest, (size_t)(root.p + root.len - rest));
	return buf_steal(&text);
}

/* In the order of the document. */
static char *write_rules(const struct merging *m)
{
	AUTO(buf_t) text = {0};
	struct json_writer w;
	json_write_init(&w, &text);
	json_array_begin(&w);
	for (size_t slot = 0; slot <= m->n_foreign; slot++)
		for (size_t i = 0; i < m->n; i++)
			if (m->places[i].slot == slot)
				write_fresh(&w, &m->wishes[i]);
	json_array_end(&w);
	return buf_steal(&text);
}

static bool is_sent(const struct merging *m, const struct wish *x)
{
	for (size_t i = 0; i < m->sent.n; i++)
		if (rule_same_key(&m->sent.items[i], &x->key) &&
		    rule_serves(&m->sent.items[i], x->route->service, origin_of(x)))
			return true;
	return false;
}

/* What was sent before, and this once more: each rule once, so that failures do not add up. */
static char *write_sent(const struct merging *m)
{
	AUTO(buf_t) text = {0};
	struct json_writer w;
	json_write_init(&w, &text);
	json_array_begin(&w);
	for (size_t i = 0; i < m->sent.n; i++)
		write_span(&w, json_raw(m->sent.items[i].value));
	for (size_t i = 0; i < m->n; i++)
		if (!is_sent(m, &m->wishes[i]))
			write_fresh(&w, &m->wishes[i]);
	json_array_end(&w);
	return buf_steal(&text);
}

int merge(const struct merge_input *in, struct merge_result *out, struct err *e)
{
	struct merge_result result = {0};
	AUTO(merging_t) m = {.in = in, .out = &result};
	if (read_all(&m, e) < 0)
		return -1;
	if (match_wishes(&m)) {
		take_dropped(&m);
		if (place_wishes(&m)) {
			result.outcome = m.changed ? MERGE_CHANGED : MERGE_SAME;
			result.document = m.changed ? write_document(&m) : NULL;
			result.rules = write_rules(&m);
			result.sent = write_sent(&m);
		}
	}
	*out = result;
	return 0;
}
