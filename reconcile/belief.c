#include "reconcile/belief.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "reconcile/absence.h"

#define KEY_SEEN_BY  "seen_by"
#define KEY_ACCEPTED "absence_accepted"
/* A listing may still show for a while what was deleted. */
#define LATELY_MS  (600 * 1000)
#define NAMES_TOLD 3
#define WENT_MAX   20000

/* ---- small facts in the store ---- */

static int keep(struct belief *b, const char *key, const char *value, struct err *e)
{
	if (store_begin(b->store, e) < 0)
		return -1;
	if (store_set_meta(b->store, key, value, e) == 0 && store_commit(b->store, e) == 0)
		return 0;
	store_rollback(b->store);
	return -1;
}

/* "<number> <scope>" each. */
static char *lines_of(const struct map *m)
{
	AUTO(buf_t) text = {0};
	const struct map_entry *it;
	for (size_t i = 0; (it = map_next(m, &i)) != NULL;)
		(void)buf_printf(&text, "%s%s %s", text.len ? "\n" : "", (const char *)it->value,
				 it->key);
	return text.len ? buf_steal(&text) : NULL;
}

static void note(struct map *m, const char *scope, char *number)
{
	free(map_set(m, scope, number));
}

static void lines_read(const char *text, struct map *m)
{
	while (text && *text) {
		size_t n = strcspn(text, "\n"), digits = strspn(text, "0123456789");
		AUTO(str_t) scope = str_ndup(text + digits + 1, n > digits ? n - digits - 1 : 0);
		if (digits && text[digits] == ' ')
			note(m, scope, str_ndup(text, digits));
		text += n + (text[n] == '\n');
	}
}

static void notes_free(struct map *m)
{
	const struct map_entry *it;
	for (size_t i = 0; (it = map_next(m, &i)) != NULL;)
		free(it->value);
	map_free(m);
}

static void take_out(struct strlist *l, const char *what)
{
	struct strlist rest = {0};
	for (size_t i = 0; i < l->n; i++)
		if (!str_equal(l->items[i], what))
			strlist_add(&rest, l->items[i]);
	strlist_free(l);
	*l = rest;
}

static void keep_accepted(struct belief *b)
{
	struct err e;
	AUTO(str_t) text = lines_of(&b->accepted);
	if (keep(b, KEY_ACCEPTED, text, &e) < 0)
		log_warning("what was accepted is not kept: %s", e.message);
}

static char *offer_key(const char *remote_id)
{
	return str_format("offer:%s", remote_id);
}

/* ---- life ---- */

void belief_init(struct belief *b, struct world *w, struct store *s, struct cf *cf)
{
	*b = (struct belief){.world = w, .store = s, .cf = cf};
	AUTO(str_t) accepted = store_get_meta(s, KEY_ACCEPTED);
	lines_read(accepted, &b->accepted);
	TABLE_EACH (i, struct record, r, &w->records)
		belief_record(b, r->id);
}

void belief_fini(struct belief *b)
{
	notes_free(&b->last);
	notes_free(&b->unseen);
	notes_free(&b->accepted);
	strlist_free(&b->doubts);
	strlist_free(&b->unknown);
	strlist_free(&b->went);
	free(b->went_ms);
	free(b->holds);
}

/* ---- what was ours a moment ago ---- */

static void note_went(struct belief *b, const char *remote_id)
{
	if (b->went.n >= WENT_MAX)
		return;
	strlist_add(&b->went, remote_id);
	b->went_ms = mem_grow(b->went_ms, b->went.n, sizeof(*b->went_ms));
	b->went_ms[b->went.n - 1] = clock_mono_ms();
}

void belief_record(struct belief *b, const char *id)
{
	const struct record *r = world_record(b->world, id);
	const char *now = r && r->remote_id[0] ? r->remote_id : NULL;
	char *was = map_get(&b->last, id);
	if (str_equal(was, now))
		return;
	if (was) {
		note_went(b, was);
		free(map_remove(&b->last, id));
	}
	if (now)
		(void)map_set(&b->last, id, str_dup(now));
}

static void forget_went(struct belief *b)
{
	size_t old = 0;
	while (old < b->went.n && clock_mono_ms() - b->went_ms[old] > LATELY_MS)
		old++;
	if (!old)
		return;
	struct strlist rest = {0};
	for (size_t i = old; i < b->went.n; i++)
		strlist_add(&rest, b->went.items[i]);
	memmove(b->went_ms, b->went_ms + old, rest.n * sizeof(*b->went_ms));
	strlist_free(&b->went);
	b->went = rest;
}

/* ---- absence ---- */

void belief_begin(struct belief *b)
{
	char mark[SHA256_HEX_SIZE];
	AUTO(str_t) seen_by = store_get_meta(b->store, KEY_SEEN_BY);
	cf_token_mark(b->cf, b->world->system.install, mark);
	b->same_access = !seen_by || str_equal(seen_by, mark);
	b->doubted = false;
	strlist_free(&b->unknown);
	forget_went(b);
}

static void doubt(struct belief *b, const char *scope, const struct err *e)
{
	b->doubted = true;
	if (!strlist_has(&b->doubts, scope)) {
		strlist_add(&b->doubts, scope);
		log_warning("%s", e->message);
	}
	world_notice(b->world, scope, e, clock_wall_ms());
}

void belief_settled(struct belief *b, const char *scope)
{
	if (!strlist_has(&b->doubts, scope))
		return;
	take_out(&b->doubts, scope);
	world_notice(b->world, scope, NULL, 0);
}

static void tell_missing(struct belief *b, const char *scope, const char *what,
			 const struct seen_listing *l)
{
	struct err e;
	if (l->missing.n < l->known)
		(void)err_set(&e, ERR_CONFLICT,
			      "Cloudflare shows only %zu of the %zu %s that adit keeps: nothing is "
			      "concluded, and nothing is written to the others",
			      l->known - l->missing.n, l->known, what);
	else
		(void)err_set(&e, ERR_CONFLICT,
			      "Cloudflare shows none of the %zu %s that adit keeps%s: nothing is "
			      "concluded, and nothing is written to them",
			      l->known, what,
			      b->same_access ? "" : ", to another API token than before");
	(void)err_hint(&e, "See what the API token may read; if they are really gone: adit writes "
			   "resume.");
	doubt(b, scope, &e);
}

/* Did a person take so many for true? */
static bool is_accepted(const struct belief *b, const char *scope, size_t n)
{
	const char *most = map_get(&b->accepted, scope);
	return most && n <= strtoull(most, NULL, 10);
}

/* It was about what is not shown: it holds until the listing shows enough again. */
static bool still_accepted(struct belief *b, const char *scope, const struct seen_listing *l)
{
	const struct absence_facts all = {.known = l->known + l->gone,
					  .missing = l->missing.n + l->gone,
					  .same_access = b->same_access};
	bool enough = absence_judge(&all) != ABSENCE_DOUBTED;
	if (!map_get(&b->accepted, scope))
		return false;
	if (is_accepted(b, scope, all.missing) && !enough)
		return true;
	free(map_remove(&b->accepted, scope));
	keep_accepted(b);
	return false;
}

bool belief_listed(struct belief *b, const char *scope, const char *what,
		   const struct seen_listing *l)
{
	struct absence_facts f = {.known = l->known,
				  .missing = l->missing.n,
				  .same_access = b->same_access,
				  .accepted = still_accepted(b, scope, l)};
	enum absence a = absence_judge(&f);
	note(&b->unseen, scope, str_format("%zu", l->missing.n + l->gone));
	if (a == ABSENCE_DOUBTED)
		tell_missing(b, scope, what, l);
	else
		belief_settled(b, scope);
	return a == ABSENCE_LOOK;
}

bool belief_zone_lost(struct belief *b, const char *scope, const char *name, size_t n)
{
	struct err e;
	if (is_accepted(b, scope, n)) {
		belief_settled(b, scope);
		return true;
	}
	note(&b->unseen, scope, str_format("%zu", n));
	(void)err_set(
		&e, ERR_CONFLICT,
		"Cloudflare does not show the zone of %s any more, with %zu records that adit "
		"keeps: nothing is concluded, and nothing is written to them",
		name, n);
	(void)err_hint(&e, "See which zones the API token may read; if it is really gone: adit "
			   "writes resume.");
	doubt(b, scope, &e);
	return false;
}

/* ---- records with our mark that are not known ---- */

/* A create whose answer has not come, or was lost. */
static bool is_being_made(const struct world *w, const char *name)
{
	TABLE_EACH (i, struct record, r, &w->records)
		if (r->create_sent_ms && str_equal(r->name, name))
			return true;
	return false;
}

static bool is_explained(struct belief *b, const char *row)
{
	AUTO(str_t) id = str_ndup(row, strcspn(row, " "));
	AUTO(str_t) key = offer_key(id);
	AUTO(str_t) offer = store_get_meta(b->store, key);
	const char *name = row + strlen(id) + 1;
	return offer || strlist_has(&b->went, id) || is_being_made(b->world, name);
}

static char *hold_sentence(const struct strlist *unknown)
{
	AUTO(buf_t) names = {0};
	for (size_t i = 0; i < unknown->n && i < NAMES_TOLD; i++)
		(void)buf_printf(&names, "%s%.120s", i ? ", " : "",
				 strchr(unknown->items[i], ' ') + 1);
	return str_format("Cloudflare has %zu record%s with this host's mark that adit does not "
			  "know (%s%s): its store may be older than they are, so nothing is "
			  "written to Cloudflare",
			  unknown->n, unknown->n == 1 ? "" : "s", buf_text(&names),
			  unknown->n > NAMES_TOLD ? ", ..." : "");
}

/* Who else holds writes keeps them held, with his own words. */
static void hold(struct belief *b, const char *sentence)
{
	struct system_facts *s = &b->world->system;
	bool ours = b->holds && str_equal(s->writes_held, b->holds);
	if (str_equal(sentence, b->holds) && ours)
		return;
	if (s->writes_held && !ours)
		return;
	if (!sentence && !ours)
		return;
	if (sentence)
		log_warning("%s until adit writes resume", sentence);
	else
		log_info("the records with this host's mark are explained: writes go on");
	str_set(&s->writes_held, sentence);
	str_set(&b->holds, sentence);
	world_changed(b->world, OBJECT_SYSTEM, "");
}

static void judge_unknown(struct belief *b)
{
	struct strlist rest = {0};
	for (size_t i = 0; i < b->unknown.n; i++)
		if (!is_explained(b, b->unknown.items[i]))
			strlist_add(&rest, b->unknown.items[i]);
	strlist_free(&b->unknown);
	b->unknown = rest;
	AUTO(str_t) sentence = b->unknown.n ? hold_sentence(&b->unknown) : NULL;
	hold(b, sentence);
}

void belief_end(struct belief *b)
{
	char mark[SHA256_HEX_SIZE];
	struct err e;
	judge_unknown(b);
	if (b->doubted)
		return;
	AUTO(str_t) seen_by = store_get_meta(b->store, KEY_SEEN_BY);
	cf_token_mark(b->cf, b->world->system.install, mark);
	if (!str_equal(seen_by, mark) && keep(b, KEY_SEEN_BY, mark, &e) < 0)
		log_warning("the token's mark is not kept: %s", e.message);
}

/* ---- a person lets it go on ---- */

static int keep_offers(struct belief *b, struct err *e)
{
	for (size_t i = 0; i < b->unknown.n; i++) {
		const char *row = b->unknown.items[i];
		AUTO(str_t) id = str_ndup(row, strcspn(row, " "));
		AUTO(str_t) key = offer_key(id);
		if (store_set_meta(b->store, key, row + strlen(id) + 1, e) < 0)
			return -1;
	}
	return 0;
}

static int keep_all(struct belief *b, const struct map *accepted, struct err *e)
{
	AUTO(str_t) text = lines_of(accepted);
	if (store_begin(b->store, e) < 0)
		return -1;
	if (keep_offers(b, e) == 0 && store_set_meta(b->store, KEY_ACCEPTED, text, e) == 0 &&
	    store_commit(b->store, e) == 0)
		return 0;
	store_rollback(b->store);
	return -1;
}

/* What is accepted by then, with what is doubted now. */
static void accept_doubts(const struct belief *b, struct map *out)
{
	const struct map_entry *it;
	for (size_t i = 0; (it = map_next(&b->accepted, &i)) != NULL;)
		note(out, it->key, str_dup(it->value));
	for (size_t i = 0; i < b->doubts.n; i++)
		note(out, b->doubts.items[i], str_dup(map_get(&b->unseen, b->doubts.items[i])));
}

int belief_accept(struct belief *b, size_t *n, struct err *e)
{
	struct map accepted = {.entries = NULL};
	accept_doubts(b, &accepted);
	if (keep_all(b, &accepted, e) < 0) {
		notes_free(&accepted);
		return -1;
	}
	notes_free(&b->accepted);
	b->accepted = accepted;
	*n = b->doubts.n + b->unknown.n;
	for (size_t i = 0; i < b->doubts.n; i++)
		world_notice(b->world, b->doubts.items[i], NULL, 0);
	strlist_free(&b->doubts);
	strlist_free(&b->unknown);
	hold(b, NULL);
	return 0;
}
