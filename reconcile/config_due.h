/*
 * Signs that a tunnel's configuration is another than the one that was last put or read: it is read
 * again before anything is written to it.
 */
#ifndef RECONCILE_CONFIG_DUE_H
#define RECONCILE_CONFIG_DUE_H

#include "model/world.h"

/* A connector told which one it runs. */
void config_due_connector(struct world *w, const char *connector_id);
/* A person was shown that version. */
void config_due_shown(struct world *w, const char *tunnel_id, int64_t version);

#endif
