/* The last changes by place, for watchers that come back: which ids, never what. Pure. */
#ifndef API_RECENT_H
#define API_RECENT_H

#include "api/feed.h"

#define RECENT_KEPT 1024

struct moved {
	int64_t seq;
	enum object_type type;
	char id[FEED_ID_SIZE];
};

struct recent {
	struct moved kept[RECENT_KEPT]; /* a ring */
	size_t count;                   /* ever added */
	int64_t from;                   /* what came behind this place is all here */
};

/* seq: the place at which it begins to listen. */
void recent_init(struct recent *c, int64_t seq);
void recent_add(struct recent *c, enum object_type type, const char *id, int64_t seq);
/* Is all that changed behind this place known? */
bool recent_hold(const struct recent *c, int64_t since);
/* Tell the feed of all that changed behind it, in order. */
void recent_replay(const struct recent *c, int64_t since, struct feed *f);
/* "boot:seq" to its two parts; false when it is none. */
bool event_id_parse(const char *text, char boot[BOOT_SIZE], int64_t *seq);

#endif
