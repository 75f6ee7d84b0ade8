/* What is done about an object that somebody changed at Cloudflare. */
#ifndef MODEL_DRIFT_H
#define MODEL_DRIFT_H

enum drift_policy {
	DRIFT_BY_SETTING, /* reconcile.drift decides */
	DRIFT_REPORT,     /* say it, on the object and in status */
	DRIFT_REPAIR, /* put it back by a plan of adit's own; never a deletion or new exposure */
	DRIFT_IGNORE, /* neither */
	DRIFT_POLICIES
};

/* "report", ...; NULL for DRIFT_BY_SETTING, which has no name. */
const char *drift_policy_name(enum drift_policy p);
/* NULL is DRIFT_BY_SETTING; -1 when unknown. */
int drift_policy_by_name(const char *name);

#endif
