/* A grant as answers show it. */
#ifndef OPS_GRANT_RENDER_H
#define OPS_GRANT_RENDER_H

#include "ops/grants.h"

/* Its members, into an object that is begun. */
void grant_put(const struct grant *g, struct json_writer *w);

#endif
