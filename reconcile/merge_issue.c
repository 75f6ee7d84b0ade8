/*
 * What stands in the way of a route, as a sentence with a hint. A foreign rule's text came from
 * outside: it is told by its number, its host name and its service where they look like ones.
 */
#include <stdlib.h>
#include <string.h>

#include "reconcile/merge_private.h"

#define ASK_AGAIN "Set the route again (adit route set %s ...): the plan then asks a person for it."

bool merge_permittable(enum merge_issue_kind k)
{
	return k <= MERGE_DEAD;
}

/* "app.example.com ^/api" as people write a route. */
static char *name_of(const struct wish *x)
{
	return str_format("%s%s%s", x->route->hostname, x->route->path ? " " : "",
			  x->route->path ? x->route->path : "");
}

static void say_foreign(struct err *e, enum merge_issue_kind kind, const char *name,
			const char *words)
{
	if (kind == MERGE_IDENTICAL_FOREIGN)
		(void)err_set(
			e, ERR_CONFLICT,
			"The tunnel's configuration serves %s already, just as wanted, by %s, "
			"which adit did not make",
			name, words);
	else if (kind == MERGE_FOREIGN_KEY)
		(void)err_set(
			e, ERR_CONFLICT,
			"The tunnel's configuration serves %s already, otherwise, by %s, which "
			"adit did not make",
			name, words);
	else if (kind == MERGE_SHADOWS)
		(void)err_set(e, ERR_CONFLICT,
			      "Route %s would take requests from %s of the tunnel's configuration, "
			      "which adit did not make",
			      name, words);
	else
		(void)err_set(e, ERR_CONFLICT,
			      "Route %s is not reached: %s of the tunnel's configuration, which "
			      "adit did not make, stands before it and takes its requests",
			      name, words);
}

static void say_own(struct err *e, enum merge_issue_kind kind, const char *name)
{
	if (kind == MERGE_EDITED) {
		(void)err_set(e, ERR_CONFLICT,
			      "The rule of route %s was changed at Cloudflare, not by adit", name);
		(void)err_hint(e, "Set the route to what is wanted, or undo the change there.");
	} else if (kind == MERGE_REMOVED) {
		(void)err_set(e, ERR_CONFLICT,
			      "The rule of route %s was removed at Cloudflare, not by adit", name);
		(void)err_hint(e, "Delete the route here too, or delete it and set it again.");
	} else if (kind == MERGE_TWICE) {
		(void)err_set(e, ERR_CONFLICT, "There are two routes for %s", name);
		(void)err_hint(e, "Delete one of them.");
	} else {
		(void)err_set(e, ERR_CONFLICT,
			      "There is no place for route %s: our own rules and those that adit "
			      "did not make would have to stand before each other",
			      name);
		(void)err_hint(e, "Move the rules that adit did not make before ours at "
				  "Cloudflare, or put the route on another tunnel.");
	}
}

static void name_rule(struct merge_issue *i, const struct merging *m, const struct rule *foreign)
{
	char words[RULE_WORDS_MAX];
	i->number = (size_t)(foreign - m->remote.items) + 1;
	rule_words(foreign, i->number, words);
	i->words = str_dup(words);
	rule_hash(foreign, i->rule);
}

static bool is_known(const struct merging *m, size_t which, enum merge_issue_kind kind,
		     const struct rule *foreign)
{
	const struct merge_result *r = m->out;
	size_t number = foreign ? (size_t)(foreign - m->remote.items) + 1 : 0;
	for (size_t i = r->n_issues; i-- > 0 && m->issue_wish[i] == which;)
		if (r->issues[i].kind == kind && r->issues[i].number == number)
			return true;
	return false;
}

void issue_add(struct merging *m, size_t which, enum merge_issue_kind kind,
	       const struct rule *foreign)
{
	struct wish *x = &m->wishes[which];
	struct merge_result *r = m->out;
	AUTO(str_t) name = name_of(x);
	x->out = true;
	x->seen = kind == MERGE_EDITED    ? ROUTE_EDITED
		  : kind == MERGE_REMOVED ? ROUTE_REMOVED
					  : ROUTE_BLOCKED;
	if (is_known(m, which, kind, foreign))
		return;
	r->issues = mem_grow(r->issues, r->n_issues + 1, sizeof(*r->issues));
	m->issue_wish = mem_grow(m->issue_wish, r->n_issues + 1, sizeof(*m->issue_wish));
	m->issue_wish[r->n_issues] = which;
	struct merge_issue *i = &r->issues[r->n_issues++];
	memset(i, 0, sizeof(*i));
	i->kind = kind;
	(void)str_copy(i->route_id, sizeof(i->route_id), x->route->id);
	if (foreign)
		name_rule(i, m, foreign);
	if (!merge_permittable(kind)) {
		say_own(&i->err, kind, name);
		return;
	}
	say_foreign(&i->err, kind, name, i->words);
	(void)err_hint(&i->err, ASK_AGAIN, x->route->hostname);
}

void issue_drop(struct merging *m, size_t which)
{
	struct merge_result *r = m->out;
	size_t n = 0;
	for (size_t i = 0; i < r->n_issues; i++) {
		if (m->issue_wish[i] == which) {
			free(r->issues[i].words);
			continue;
		}
		r->issues[n] = r->issues[i];
		m->issue_wish[n++] = m->issue_wish[i];
	}
	r->n_issues = n;
}
