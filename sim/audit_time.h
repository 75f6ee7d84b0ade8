/* How both audit logs read a time that is asked for. */
#ifndef SIM_AUDIT_TIME_H
#define SIM_AUDIT_TIME_H

#include "sim/call.h"

/* An argument that is a date, or a time as in RFC 3339; left as it is when absent. */
MUST_USE int audit_read_time(struct call *k, const char *name, int64_t *out);

#endif
