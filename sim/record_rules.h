/*
 * DNS records' rules, free of the API: decode a body into a record, check it against its zone.
 * All return 0, or -1 with the refusal.
 */
#ifndef SIM_RECORD_RULES_H
#define SIM_RECORD_RULES_H

#include "sim/call.h"

enum record_write { RECORD_POST, RECORD_PUT, RECORD_PATCH };

/* into is a fresh record (POST), or a copy of the one to change. */
MUST_USE int record_decode(const struct sim_zone *z, const struct json *body, enum record_write how,
			   int64_t now_ms, struct sim_record *into, struct refusal *f);
/* Its own form, and what else bears that name. A record of the same id is not in its own way. */
MUST_USE int record_check(const struct sim_zone *z, const struct sim_record *r, struct refusal *f);
bool record_type_known(const char *type);
bool record_type_proxiable(const char *type);

#endif
