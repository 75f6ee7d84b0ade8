/* What model/manifest.c and model/manifest_read.c share. */
#ifndef MODEL_MANIFEST_PRIVATE_H
#define MODEL_MANIFEST_PRIVATE_H

#include "model/manifest.h"

/* Free what it holds, leaving zeroes. */
void manifest_record_clear(struct manifest_record *r);
/* As manifest_add_tunnel. Routes come before records. */
MUST_USE int manifest_add_record(struct manifest *m, struct manifest_record *r, struct err *e);

#endif
