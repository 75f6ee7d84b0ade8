/*
 * The simulated accounts' audit log: what every write did, and what a seed says was done, by time.
 * One table tells each field's place in an entry and the filter that asks for it: entries are read
 * out of seeds, written and filtered by it.
 */
#ifndef SIM_AUDIT_H
#define SIM_AUDIT_H

#include "base/json.h"

#define SIM_AUDIT_MAX 100000

enum audit_field {
	AUDIT_ID,
	AUDIT_ACCOUNT_ID,
	AUDIT_ACCOUNT_NAME,
	AUDIT_ACTION_DESCRIPTION,
	AUDIT_ACTION_RESULT,
	AUDIT_ACTION_TYPE,
	AUDIT_ACTOR_ID,
	AUDIT_ACTOR_TYPE,
	AUDIT_ACTOR_EMAIL,
	AUDIT_ACTOR_IP,
	AUDIT_ACTOR_CONTEXT,
	AUDIT_ACTOR_TOKEN_ID,
	AUDIT_ACTOR_TOKEN_NAME,
	AUDIT_RAW_RAY,
	AUDIT_RAW_METHOD,
	AUDIT_RAW_STATUS,
	AUDIT_RAW_URI,
	AUDIT_RAW_AGENT,
	AUDIT_RESOURCE_ID,
	AUDIT_RESOURCE_PRODUCT,
	AUDIT_RESOURCE_TYPE,
	AUDIT_RESOURCE_SCOPE,
	AUDIT_RESOURCE_REQUEST,
	AUDIT_RESOURCE_RESPONSE,
	AUDIT_ZONE_ID,
	AUDIT_ZONE_NAME,
	AUDIT_CATEGORY, /* is asked for, and stands in no entry */
	AUDIT_FIELDS
};

enum audit_form { AUDIT_TEXT, AUDIT_NUMBER, AUDIT_JSON };

struct audit_place {
	const char *group, *key;  /* group NULL = the entry itself; key NULL = nowhere */
	const char *filter;       /* of the API; NULL = none */
	const char *const *words; /* that the filter knows; NULL = any */
	enum audit_form form;
};
const struct audit_place *audit_place(enum audit_field f);

struct sim_audit_row;

struct sim_audit {
	struct sim_audit_row **rows;
	size_t n, cap;
	int64_t made; /* so far: entries of one moment stand in the order of their numbers */
	bool unsorted;
};

struct audit_draft {
	int64_t at_ms;
	const char *fields[AUDIT_FIELDS]; /* NULL = not said */
};

void audit_add(struct sim_audit *a, const struct audit_draft *d);
void sim_audit_clear(struct sim_audit *a);

/* By time, the oldest first: the ith of n. */
struct sim_audit_row *audit_row(struct sim_audit *a, size_t i);
const char *audit_text(const struct sim_audit_row *x, enum audit_field f); /* "" = not said */
int64_t audit_time(const struct sim_audit_row *x);
int64_t audit_number(const struct sim_audit_row *x);

#endif
