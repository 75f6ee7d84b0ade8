#include "reconcile/deleting.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define DELETING "deleting:"

int deleting_note(struct store *s, const char *record_id, int64_t lost_ms, struct err *e)
{
	AUTO(str_t) key = str_format(DELETING "%s", record_id);
	AUTO(str_t) value = str_format("%lld", (long long)lost_ms);
	return store_set_meta(s, key, value, e);
}

int deleting_drop(struct store *s, const char *record_id, struct err *e)
{
	AUTO(str_t) key = str_format(DELETING "%s", record_id);
	return store_set_meta(s, key, NULL, e);
}

void deleting_became(struct store *s, const char *record_id, int64_t lost_ms)
{
	struct err e;
	if (store_begin(s, &e) == 0) {
		if ((lost_ms ? deleting_note(s, record_id, lost_ms, &e)
			     : deleting_drop(s, record_id, &e)) == 0 &&
		    store_commit(s, &e) == 0)
			return;
		store_rollback(s);
	}
	log_warning("what became of a deletion was not noted: %s", e.message);
}

/* One that was on its way when we ended left at any time before now. */
static int64_t lost_since(struct store *s, const char *key, int64_t now)
{
	AUTO(str_t) value = store_get_meta(s, key);
	int64_t lost = value ? strtoll(value, NULL, 10) : DELETING_ON_ITS_WAY;
	return lost <= DELETING_ON_ITS_WAY || lost > now ? now : lost;
}

void deleting_recall(const struct act_context *x)
{
	AUTO(strlist_t) keys = {0};
	struct err e;
	int64_t now = clock_wall_ms();
	if (store_list_meta(x->store, DELETING, &keys, &e) < 0) {
		log_warning("deletions of an earlier life are not known: %s", e.message);
		return;
	}
	for (size_t i = 0; i < keys.n; i++) {
		const char *id = keys.items[i] + strlen(DELETING);
		struct record *r = world_record(x->world, id);
		int64_t lost = lost_since(x->store, keys.items[i], now);
		if (r && now < lost + SETTLE_MS)
			r->observed.deleting_ms = lost;
		else
			deleting_became(x->store, id, 0);
	}
}
