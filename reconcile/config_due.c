#include "reconcile/config_due.h"

#include "reconcile/audit.h"

void config_due_connector(struct world *w, const char *connector_id)
{
	const struct connector *c = world_connector(w, connector_id);
	struct tunnel *t = c ? world_tunnel(w, c->tunnel_id) : NULL;
	if (!t || t->joined || t->observed.config_due || t->config_version <= 0 ||
	    t->observed.put_unknown_ms || t->applied_generation != t->generation ||
	    c->config_version <= t->config_version ||
	    c->config_version <= t->observed.config_version)
		return;
	t->observed.config_due = true;
	world_changed(w, OBJECT_TUNNEL, t->id);
}

void config_due_shown(struct world *w, const char *tunnel_id, int64_t version)
{
	struct tunnel *t = world_tunnel(w, tunnel_id);
	if (!t || t->joined || version == t->observed.config_version)
		return;
	t->observed.config_seen_ms = 0;
	t->observed.config_due = audit_reads(t);
	t->observed.config_came = false;
	world_changed(w, OBJECT_TUNNEL, t->id);
}
