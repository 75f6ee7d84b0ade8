/* A zone of the account, as last listed. */
#ifndef MODEL_ZONE_H
#define MODEL_ZONE_H

#include "model/tunnel.h"

struct zone {
	char id[CF_ID_SIZE];
	char *name; /* normalised */
	char *status;
	char *plan; /* NULL = not told */
	char account_id[CF_ID_SIZE];
	bool paused;
	int64_t records; /* how many it had when it was last listed whole; -1 = not known */
};

/* The id must fit: who takes it from outside checks it first (32 hex digits). */
struct zone *zone_new(const char *id, const char *name);
void zone_free(struct zone *z);

#endif
