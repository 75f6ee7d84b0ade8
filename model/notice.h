/* Problems of the whole that no single object has, each under a key of its own ("tunnels",
 * "drift"), so that who put one can replace it and take it away. */
#ifndef MODEL_NOTICE_H
#define MODEL_NOTICE_H

#include "model/problem.h"

struct notice {
	char key[96]; /* short, for people too: the name that status gives the problem */
	struct problem problem;
};

struct notices {
	struct notice *items;
	size_t n;
};

/* Put or replace; e NULL takes it away. True when anything changed. The same key keeps since_ms. */
bool notices_put(struct notices *l, const char *key, const struct err *e, int64_t wall_ms);
const struct notice *notices_find(const struct notices *l, const char *key); /* NULL = none */
void notices_free(struct notices *l);

#endif
