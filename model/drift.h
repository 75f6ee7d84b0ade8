/* What is done about an object that somebody changed at Cloudflare. */
#ifndef MODEL_DRIFT_H
#define MODEL_DRIFT_H

#include <stdbool.h>
#include <stdint.h>

enum drift_policy {
	DRIFT_BY_SETTING, /* reconcile.drift decides */
	DRIFT_REPORT,     /* say it, on the object and in status */
	DRIFT_REPAIR, /* put it back by a plan of adit's own; never a deletion or new exposure */
	DRIFT_IGNORE, /* neither */
	DRIFT_POLICIES
};

/* An object that is put back this often within DRIFT_FIGHT_MS and changed again is fought over. */
#define DRIFT_REPAIRS_MAX 3
#define DRIFT_FIGHT_MS    (3600 * 1000LL)

/* Who changed an object last, as the audit log said it; from outside. */
struct drift_actor {
	char *text;    /* NULL = not known */
	int64_t at_ms; /* wall, by Cloudflare's clock */
};

/* What is known of an object's drift while this daemon runs. */
struct drift_facts {
	int64_t since_ms;                       /* wall: first seen to differ; 0 = it does not */
	int64_t repaired_ms[DRIFT_REPAIRS_MAX]; /* wall: of the last repairs unasked */
	bool fought;                            /* no more of them until a person looked */
	bool held;                              /* none while a plan of it waits for a decision */
	struct drift_actor actor;               /* of the last change by somebody else */
};

/* "report", ...; NULL for DRIFT_BY_SETTING, which has no name. */
const char *drift_policy_name(enum drift_policy p);
/* NULL is DRIFT_BY_SETTING; -1 when unknown. */
int drift_policy_by_name(const char *name);

#endif
