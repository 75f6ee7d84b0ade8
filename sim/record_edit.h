/* One change of a zone's records, as single calls and the batch make it; and a record's JSON. */
#ifndef SIM_RECORD_EDIT_H
#define SIM_RECORD_EDIT_H

#include "sim/record_rules.h"

/* 0 and the record as it is now (borrowed), or -1 and the refusal; then nothing has changed. */
MUST_USE int record_create(struct call *k, const struct json *body, struct sim_record **out,
			   struct refusal *f);
MUST_USE int record_change(struct call *k, const char *id, const struct json *body,
			   enum record_write how, struct sim_record **out, struct refusal *f);
/* Takes it out of the zone: the caller frees *out. */
MUST_USE int record_take(struct call *k, const char *id, struct sim_record **out,
			 struct refusal *f);
void write_record(struct call *k, const void *item);

#endif
