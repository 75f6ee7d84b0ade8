/* Server-sent events from bytes as they come. Pure. */
#ifndef CLI_SSE_H
#define CLI_SSE_H

#include "base/buf.h"

#define SSE_MOST ((size_t)256 << 20) /* bytes of one event; what is longer is dropped */

struct sse_event {
	const char *id, *type; /* "" = not said */
	const char *data;
	size_t len;
};
typedef void sse_fn(const struct sse_event *ev, void *owner);

struct sse {
	struct buf line, data;
	char id[64], type[32];
	bool dropped; /* too long: skip to its end */
	bool stop;    /* set inside told(): the rest is not looked at */
	sse_fn *told;
	void *owner;
};
void sse_init(struct sse *s, sse_fn *told, void *owner);
void sse_free(struct sse *s);
/* Another stream begins: what was begun is forgotten. */
void sse_restart(struct sse *s);
void sse_add(struct sse *s, const char *bytes, size_t len);

#endif
