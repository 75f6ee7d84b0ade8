/*
 * What was written over in a tunnel's configuration, as people are shown it: a PUT of ours that
 * somebody else's write came before, or that took away an edit of a rule of ours which nobody had
 * agreed to lose. Both documents are in the store; here is what tells them apart.
 */
#ifndef RECONCILE_RACE_H
#define RECONCILE_RACE_H

#include "base/json.h"
#include "model/tunnel.h"
#include "store/store.h"

/* So long it is shown; what is kept longer is in the store alone. */
#define RACE_SHOWN_MS (7 * 24 * 3600 * INT64_C(1000))

struct race {
	bool edit;         /* no race: an edit of our own rule was written over */
	int64_t at_ms;     /* wall */
	int64_t version;   /* that our PUT became */
	int64_t made_from; /* the version that was read before; -1 = not known */
	char *read;        /* owned; rules of what was read that are not in what was put, cut */
	char *put;         /* owned; and the other way round */
};
struct race_list {
	struct race *items;
	size_t n;
};
typedef struct race_list race_list_t;
void race_list_t_cleanup(race_list_t *l);

/* The problem of a tunnel that raced. */
void race_say(const char *tunnel, int64_t version, int64_t made_from, struct err *told);
/* Keep both documents; read may be NULL. */
MUST_USE int race_keep(struct store *s, const char *tunnel_id, const struct race *r,
		       const char *read, struct json_span put, struct err *e);
/* Is there one kept of that version? */
bool race_kept(struct store *s, const char *tunnel_id, int64_t version);
/* Of one tunnel, those of the last days, in the order of the store. */
MUST_USE int race_load(struct store *s, const char *tunnel_id, int64_t wall_ms,
		       struct race_list *out, struct err *e);

#endif
