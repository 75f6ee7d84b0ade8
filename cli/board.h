/* What a watcher has seen of each object: from events to one line per change. Pure. */
#ifndef CLI_BOARD_H
#define CLI_BOARD_H

#include "base/map.h"
#include "cli/print.h"

struct board {
	struct map rows; /* "route:r0123" -> struct board_row */
	char state[16];  /* of the whole; "" = nothing was seen */
};

/* Lines for people about what is new in the event; style.now_ms is their time. */
void board_take(struct board *b, const struct json *event, const struct style *s, struct buf *out);
void board_free(struct board *b);

#endif
