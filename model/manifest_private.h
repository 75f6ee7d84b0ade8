/* What model/manifest.c and model/manifest_read.c share. */
#ifndef MODEL_MANIFEST_PRIVATE_H
#define MODEL_MANIFEST_PRIVATE_H

#include "model/manifest.h"

/* Free what they hold, leaving zeroes. */
void manifest_tunnel_clear(struct manifest_tunnel *t);
void manifest_route_clear(struct manifest_route *r);
void manifest_record_clear(struct manifest_record *r);
/* As manifest_add_tunnel. Routes come before records. */
MUST_USE int manifest_add_record(struct manifest *m, struct manifest_record *r, struct err *e);

#endif
