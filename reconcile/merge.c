/*
 * The merge, rule by rule. A rule of the document is ours when its key stood in what we put last,
 * when it was sent in a PUT whose answer was lost, or when a person let a route take it. All others
 * are foreign, even one that is what we would write. Each route is judged by itself: one with an
 * issue is left out, and its rule, if it has one, stays as it stands.
 */
#include "reconcile/merge.h"

#include <stdlib.h>
#include <string.h>

#include "reconcile/merge_private.h"

static void fate_free(struct merge_fate *f)
{
	free(f->service);
	free(f->words);
}

void merge_result_free(struct merge_result *r)
{
	for (size_t i = 0; i < r->n_issues; i++)
		free(r->issues[i].words);
	for (size_t i = 0; i < r->n_fates; i++)
		fate_free(&r->fates[i]);
	strlist_free(&r->dropped);
	strlist_free(&r->dropped_rules);
	free(r->document);
	free(r->rules);
	free(r->sent);
	free(r->issues);
	free(r->fates);
	*r = (struct merge_result){0};
}

typedef struct merging merging_t;
static void merging_t_cleanup(merging_t *m)
{
	for (size_t i = 0; i < m->n; i++) {
		rule_free(&m->wishes[i].key);
		json_doc_free(m->wishes[i].origin);
		strlist_free(&m->wishes[i].takes);
	}
	free(m->wishes);
	free(m->wished.items);
	free(m->places);
	free(m->taken);
	free(m->foreign);
	free(m->issue_wish);
	rule_index_free(&m->remote_keys);
	rule_index_free(&m->base_keys);
	rule_index_free(&m->sent_keys);
	rule_index_free(&m->wish_keys);
	rules_free(&m->remote);
	rules_free(&m->base);
	rules_free(&m->sent);
}

const struct json *wish_origin(const struct wish *x)
{
	return x->origin ? json_root(x->origin) : NULL;
}

bool wish_as(const struct wish *x, const struct rule *r)
{
	return rule_serves(r, x->route->service, wish_origin(x));
}

/* ---- what is given ---- */

static int compare_wishes(const void *a, const void *b)
{
	const struct wish *x = a, *y = b;
	return route_compare(x->route, y->route);
}

/* What cannot be read lets nothing. */
static void read_takes(const struct route *r, struct wish *x)
{
	AUTO(json_doc_t) doc = NULL;
	struct err e;
	if (!x->fresh || !r->takes || json_parse(r->takes, strlen(r->takes), NULL, &doc, &e) < 0)
		return;
	JSON_EACH (v, json_root(doc))
		if (json_get_string(v, "rule"))
			strlist_add(&x->takes, json_get_string(v, "rule"));
}

static int read_wish(const struct route *r, struct wish *x, struct err *e)
{
	struct err why;
	x->route = r;
	x->fresh = r->applied_generation != r->generation;
	x->seen = ROUTE_AS_PUT;
	rule_make(&x->key, r->hostname, r->path);
	if (!x->key.hostname || !r->service)
		return err_set(e, ERR_INTERNAL, "Route %s has no host name or no service", r->id);
	if (r->origin && json_parse(r->origin, strlen(r->origin), NULL, &x->origin, &why) < 0)
		return err_set(e, ERR_INTERNAL, "The options of route %s cannot be read: %s", r->id,
			       why.message);
	if (r->origin && json_type(wish_origin(x)) != JSON_OBJECT && !json_is_null(wish_origin(x)))
		return err_set(e, ERR_INTERNAL, "The options of route %s are no object", r->id);
	read_takes(r, x);
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
	m->wished.items = mem_array(m->n + 1, sizeof(*m->wished.items));
	for (; m->wished.n < m->n; m->wished.n++)
		m->wished.items[m->wished.n] = m->wishes[m->wished.n].key;
	return 0;
}

static int read_all(struct merging *m, struct err *e)
{
	if (rules_read_config(m->in->remote, &m->remote, e) < 0 ||
	    rules_read_array(m->in->base, &m->base, e) < 0 ||
	    rules_read_array(m->in->sent, &m->sent, e) < 0 || read_wishes(m, e) < 0)
		return -1;
	rule_index_init(&m->remote_keys, &m->remote);
	rule_index_init(&m->base_keys, &m->base);
	rule_index_init(&m->sent_keys, &m->sent);
	rule_index_init(&m->wish_keys, &m->wished);
	m->taken = mem_array(m->remote.n + 1, sizeof(*m->taken));
	m->foreign = mem_array(m->remote.n + 1, sizeof(*m->foreign));
	m->places = mem_array(m->n + 1, sizeof(*m->places));
	return 0;
}

/* ---- which rules are ours ---- */

static const struct rule *find_key(const struct rule_index *x, const struct rule *key)
{
	const struct rule *const *first;
	return rule_index_find(x, key, &first) ? *first : NULL;
}

static bool rule_is_rule(const struct rule *a, const struct rule *b)
{
	return rule_serves(a, json_get_string(b->value, "service"),
			   json_get(b->value, "originRequest"));
}

/* It may have come with a PUT of ours whose answer was lost. */
bool wish_sent(const struct merging *m, const struct rule *r)
{
	const struct rule *const *first;
	size_t n = rule_index_find(&m->sent_keys, r, &first);
	for (size_t i = 0; i < n; i++)
		if (rule_is_rule(r, first[i]))
			return true;
	return false;
}

static bool may_take(const struct wish *x, const struct rule *r)
{
	char hash[SHA256_HEX_SIZE];
	if (!x || !x->takes.n)
		return false;
	rule_hash(r, hash);
	return strlist_has(&x->takes, hash);
}

/* Of several rules with one key: the surer that it is ours, the higher. 0 = it is not. */
enum { NOT_OURS, PUT_EDITED, PUT_AS_WANTED, LET, LET_AS_WANTED, SENT, PUT, SENT_AS_WANTED };

static int how_ours(const struct merging *m, const struct wish *x, const struct rule *base,
		    const struct rule *r)
{
	bool wanted = x && wish_as(x, r), sent = wish_sent(m, r);
	if (sent && wanted)
		return SENT_AS_WANTED;
	if (base && rule_is_rule(r, base))
		return PUT;
	if (sent)
		return SENT;
	if (may_take(x, r))
		return wanted ? LET_AS_WANTED : LET;
	return !base ? NOT_OURS : wanted ? PUT_AS_WANTED : PUT_EDITED;
}

/* x (what is wished under the key) and base (what was put) may each be NULL. *any is the first that
 * has the key and is nobody's yet. */
static const struct rule *find_ours(const struct merging *m, const struct rule *key,
				    const struct wish *x, const struct rule *base, int *how,
				    const struct rule **any)
{
	const struct rule *const *first, *ours = NULL;
	size_t n = rule_index_find(&m->remote_keys, key, &first);
	*any = NULL;
	*how = NOT_OURS;
	for (size_t i = 0; i < n; i++) {
		if (m->taken[first[i] - m->remote.items])
			continue;
		int rank = how_ours(m, x, base, first[i]);
		if (rank > *how) {
			*how = rank;
			ours = first[i];
		}
		if (!*any)
			*any = first[i];
	}
	return ours;
}

static void take(struct merging *m, const struct rule *r)
{
	m->taken[r - m->remote.items] = true;
}

/* Nothing of it stands there. While it is not known which document of ours that is, it may be one
 * without it. */
static void match_missing(struct merging *m, size_t which, const struct rule *any)
{
	struct wish *x = &m->wishes[which];
	if (any)
		issue_add(m, which, wish_as(x, any) ? MERGE_IDENTICAL_FOREIGN : MERGE_FOREIGN_KEY,
			  any);
	else if (!x->fresh && (!m->in->sent || !x->base))
		issue_add(m, which, MERGE_REMOVED, NULL);
}

static void match_wish(struct merging *m, size_t which)
{
	struct wish *x = &m->wishes[which];
	const struct rule *any;
	int how;
	x->base = find_key(&m->base_keys, &x->key);
	x->found = find_ours(m, &x->key, x, x->base, &how, &any);
	if (!x->found) {
		match_missing(m, which, any);
		return;
	}
	take(m, x->found);
	x->adopted = !x->base && (how == LET || how == LET_AS_WANTED);
	if (wish_as(x, x->found))
		return;
	if (!x->fresh && how == PUT_EDITED)
		issue_add(m, which, MERGE_EDITED, NULL);
	else
		x->rewrite = true;
	x->edited = x->rewrite && how == PUT_EDITED;
}

static void match_wishes(struct merging *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (i && rule_same_key(&m->wishes[i - 1].key, &m->wishes[i].key))
			issue_add(m, i, MERGE_TWICE, NULL);
		else
			match_wish(m, i);
	}
}

static void drop(struct merging *m, const struct rule *key, const struct rule *base)
{
	const struct rule *any, *r;
	int how;
	if (!key->hostname || find_key(&m->wish_keys, key))
		return;
	r = find_ours(m, key, NULL, base, &how, &any);
	if (!r)
		return;
	take(m, r);
	m->changed = true;
	if (how == PUT_EDITED) {
		char words[RULE_WORDS_MAX], hash[SHA256_HEX_SIZE];
		rule_words(r, (size_t)(r - m->remote.items) + 1, words);
		rule_hash(r, hash);
		strlist_add(&m->out->dropped, words);
		strlist_add(&m->out->dropped_rules, hash);
	}
}

static void take_dropped(struct merging *m)
{
	for (size_t i = 0; i < m->base.n; i++)
		drop(m, &m->base.items[i], &m->base.items[i]);
	for (size_t i = 0; i < m->sent.n; i++)
		if (!find_key(&m->base_keys, &m->sent.items[i]))
			drop(m, &m->sent.items[i], NULL);
}

/* ---- where they stand ---- */

static void list_foreign(struct merging *m)
{
	m->n_foreign = 0;
	for (size_t i = 0; i + 1 < m->remote.n; i++)
		if (!m->taken[i])
			m->foreign[m->n_foreign++] = &m->remote.items[i];
}

static void fill_place(const struct merging *m, const struct wish *x, struct place *p)
{
	*p = (struct place){.key = &x->key, .out = x->out};
	if (!x->found)
		return;
	p->standing = true;
	p->at = (size_t)(x->found - m->remote.items);
	while (p->slot < m->n_foreign && m->foreign[p->slot] < x->found)
		p->slot++;
}

static bool fault_met(void *owner, size_t which, enum place_fault fault, size_t foreign)
{
	struct merging *m = owner;
	const struct rule *r = fault == PLACE_KNOT ? NULL : m->foreign[foreign];
	if (r && may_take(&m->wishes[which], r))
		return true;
	issue_add(m, which,
		  fault == PLACE_SHADOWS ? MERGE_SHADOWS
		  : fault == PLACE_DEAD  ? MERGE_DEAD
					 : MERGE_KNOT,
		  r);
	return false;
}

/* A foreign rule that was to be taken by a route that has no place is foreign after all. */
static bool give_back(struct merging *m)
{
	bool any = false;
	for (size_t i = 0; i < m->n; i++) {
		struct wish *x = &m->wishes[i];
		if (!x->out || !x->adopted)
			continue;
		m->taken[x->found - m->remote.items] = false;
		x->found = NULL;
		x->adopted = x->rewrite = false;
		x->returned = any = true;
	}
	return any;
}

/* Placing is done anew then, and what it said of the others with it. */
static void forget_faults(struct merging *m, const bool *judged)
{
	for (size_t i = 0; i < m->n; i++) {
		struct wish *x = &m->wishes[i];
		if (judged[i] || !x->out || x->returned)
			continue;
		issue_drop(m, i);
		x->out = false;
		x->seen = ROUTE_AS_PUT;
	}
}

static void place_once(struct merging *m)
{
	list_foreign(m);
	for (size_t i = 0; i < m->n; i++)
		fill_place(m, &m->wishes[i], &m->places[i]);
	place_rules(m->places, m->n, m->foreign, m->n_foreign, fault_met, m);
}

static void place_wishes(struct merging *m)
{
	bool *judged = mem_array(m->n + 1, sizeof(*judged));
	for (size_t i = 0; i < m->n; i++)
		judged[i] = m->wishes[i].out;
	for (place_once(m); give_back(m); place_once(m))
		forget_faults(m, judged);
	free(judged);
	for (size_t i = 0; i < m->n; i++) {
		const struct wish *x = &m->wishes[i];
		if (!x->out && (x->rewrite || !x->found || m->places[i].moving))
			m->changed = true;
	}
}

/* ---- the result ---- */

static void name_overwritten(const struct merging *m, const struct wish *x, struct merge_fate *f)
{
	char words[RULE_WORDS_MAX];
	rule_words(x->found, (size_t)(x->found - m->remote.items) + 1, words);
	f->words = str_dup(words);
	rule_hash(x->found, f->rule);
}

static void tell_fates(const struct merging *m, struct merge_result *r)
{
	r->fates = mem_array(m->n + 1, sizeof(*r->fates));
	for (r->n_fates = 0; r->n_fates < m->n; r->n_fates++) {
		const struct wish *x = &m->wishes[r->n_fates];
		struct merge_fate *f = &r->fates[r->n_fates];
		(void)str_copy(f->route_id, sizeof(f->route_id), x->route->id);
		f->generation = x->route->generation;
		f->seen = x->seen;
		if (x->seen == ROUTE_EDITED)
			f->service = str_dup(json_get_string(x->found->value, "service"));
		if (x->edited && !x->out)
			name_overwritten(m, x, f);
		r->n_kept += x->found && (x->out || !x->rewrite);
	}
	r->n_kept += m->n_foreign;
	r->n_foreign = m->n_foreign;
}

int merge(const struct merge_input *in, struct merge_result *out, struct err *e)
{
	struct merge_result result = {0};
	AUTO(merging_t) m = {.in = in, .out = &result};
	if (read_all(&m, e) < 0)
		return -1;
	match_wishes(&m);
	take_dropped(&m);
	place_wishes(&m);
	result.outcome = m.changed ? MERGE_CHANGED : MERGE_SAME;
	result.document = m.changed || in->always ? merge_write_document(&m) : NULL;
	result.rules = merge_write_rules(&m);
	result.sent = merge_write_sent(&m);
	tell_fates(&m, &result);
	*out = result;
	return 0;
}
