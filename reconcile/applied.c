#include "reconcile/applied.h"

#include <stdlib.h>
#include <string.h>

#include "reconcile/apply.h"

#define SENT       "sent:"
#define PUTS       "put:"
#define RACE       "race:"
#define AGREED     "agreed:"
#define AGREED_MAX (64 * 1024)

void applied_free(struct applied *a)
{
	free(steal(&a->rules));
	free(steal(&a->sent));
	free(steal(&a->puts));
}

void applied_t_cleanup(applied_t *a)
{
	applied_free(a);
}

int applied_load(struct store *s, const char *tunnel_id, struct applied *out, struct err *e)
{
	AUTO(str_t) key = str_format(SENT "%s", tunnel_id);
	AUTO(str_t) puts = str_format(PUTS "%s", tunnel_id);
	char *rules = NULL;
	if (store_load_rules(s, tunnel_id, &rules, e) < 0)
		return -1;
	*out = (struct applied){
		.rules = rules, .sent = store_get_meta(s, key), .puts = store_get_meta(s, puts)};
	return 0;
}

int applied_save_sent(struct store *s, const char *tunnel_id, const char *sent, struct err *e)
{
	AUTO(str_t) key = str_format(SENT "%s", tunnel_id);
	if (!sent && applied_save_puts(s, tunnel_id, NULL, e) < 0)
		return -1;
	return store_set_meta(s, key, sent, e);
}

int applied_save_puts(struct store *s, const char *tunnel_id, const char *puts, struct err *e)
{
	AUTO(str_t) key = str_format(PUTS "%s", tunnel_id);
	return store_set_meta(s, key, puts, e);
}

/* ---- edits that a person agreed to lose ---- */

int applied_agree(struct store *s, const char *tunnel_id, const char *takes, struct err *e)
{
	AUTO(str_t) key = str_format(AGREED "%s", tunnel_id);
	AUTO(str_t) known = takes ? store_get_meta(s, key) : NULL;
	AUTO(str_t) all = NULL;
	if (known && strlen(known) < AGREED_MAX)
		all = str_format("%s%s", known, takes);
	return store_set_meta(s, key, all ? all : takes, e);
}

bool applied_agreed(struct store *s, const char *tunnel_id, const char *rule)
{
	AUTO(str_t) key = str_format(AGREED "%s", tunnel_id);
	AUTO(str_t) known = store_get_meta(s, key);
	return known && strstr(known, rule);
}

/* ---- races ---- */

static int64_t version_of(const char *key)
{
	const char *colon = strrchr(key, ':');
	return colon ? strtoll(colon + 1, NULL, 10) : 0;
}

static size_t oldest_of(const struct strlist *keys)
{
	size_t oldest = 0;
	for (size_t i = 1; i < keys->n; i++)
		if (version_of(keys->items[i]) < version_of(keys->items[oldest]))
			oldest = i;
	return oldest;
}

/* prefix: of one tunnel */
static int trim_races(struct store *s, const char *prefix, struct err *e)
{
	AUTO(strlist_t) keys = {0};
	if (store_list_meta(s, prefix, &keys, e) < 0)
		return -1;
	while (keys.n > RACES_KEPT) {
		size_t i = oldest_of(&keys);
		if (store_set_meta(s, keys.items[i], NULL, e) < 0)
			return -1;
		free(keys.items[i]);
		keys.items[i] = keys.items[--keys.n];
	}
	return 0;
}

int applied_keep_race(struct store *s, const char *tunnel_id, int64_t version, const char *both,
		      struct err *e)
{
	AUTO(str_t) prefix = str_format(RACE "%s:", tunnel_id);
	AUTO(str_t) key = str_format("%s%lld", prefix, (long long)version);
	if (store_begin(s, e) < 0)
		return -1;
	if (store_set_meta(s, key, both, e) == 0 && trim_races(s, prefix, e) == 0 &&
	    store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

/* ---- tidying ---- */

static int tidy_of(struct store *s, const struct world *w, const char *prefix, struct err *e)
{
	AUTO(strlist_t) keys = {0};
	if (store_list_meta(s, prefix, &keys, e) < 0)
		return -1;
	for (size_t i = 0; i < keys.n; i++)
		if (!world_tunnel(w, keys.items[i] + strlen(prefix)) &&
		    store_set_meta(s, keys.items[i], NULL, e) < 0)
			return -1;
	return 0;
}

static int tidy_races(struct store *s, struct err *e)
{
	AUTO(strlist_t) keys = {0};
	AUTO(str_t) last = NULL;
	if (store_list_meta(s, RACE, &keys, e) < 0)
		return -1;
	for (size_t i = 0; i < keys.n; i++) {
		const char *colon = strrchr(keys.items[i], ':');
		AUTO(str_t) prefix = str_ndup(keys.items[i], (size_t)(colon + 1 - keys.items[i]));
		if (str_equal(prefix, last))
			continue;
		if (trim_races(s, prefix, e) < 0)
			return -1;
		str_set(&last, prefix);
	}
	return 0;
}

int applied_tidy(struct store *s, const struct world *w, struct err *e)
{
	AUTO(str_t) renames = apply_renames_key("");
	AUTO(str_t) rotate = apply_rotate_key("");
	if (store_begin(s, e) < 0)
		return -1;
	if (tidy_of(s, w, SENT, e) == 0 && tidy_of(s, w, PUTS, e) == 0 &&
	    tidy_of(s, w, AGREED, e) == 0 && tidy_of(s, w, renames, e) == 0 &&
	    tidy_of(s, w, rotate, e) == 0 && tidy_races(s, e) == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}
