#include "api/recent.h"

#include <stdlib.h>
#include <string.h>

void recent_init(struct recent *c, int64_t seq)
{
	c->count = 0;
	c->from = seq;
}

void recent_add(struct recent *c, enum object_type type, const char *id, int64_t seq)
{
	struct moved *slot = &c->kept[c->count % RECENT_KEPT];

	if (c->count >= RECENT_KEPT)
		c->from = slot->seq;
	slot->seq = seq;
	slot->type = type;
	(void)str_copy(slot->id, sizeof(slot->id), id);
	c->count++;
}

bool recent_hold(const struct recent *c, int64_t since)
{
	int64_t last = c->count ? c->kept[(c->count - 1) % RECENT_KEPT].seq : c->from;

	return since >= c->from && since <= last;
}

void recent_replay(const struct recent *c, int64_t since, struct feed *f)
{
	size_t first = c->count > RECENT_KEPT ? c->count - RECENT_KEPT : 0;

	for (size_t i = first; i < c->count; i++) {
		const struct moved *x = &c->kept[i % RECENT_KEPT];

		if (x->seq > since)
			feed_changed(f, x->type, x->id, x->seq);
	}
}

bool event_id_parse(const char *text, char boot[BOOT_SIZE], int64_t *seq)
{
	const char *colon = text ? strchr(text, ':') : NULL;
	char *end = NULL;

	if (!colon || colon - text != BOOT_SIZE - 1)
		return false;
	memcpy(boot, text, BOOT_SIZE - 1);
	boot[BOOT_SIZE - 1] = '\0';
	*seq = strtoll(colon + 1, &end, 10);
	return end != colon + 1 && *end == '\0' && *seq >= 0;
}
