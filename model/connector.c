/* Connectors and the one table of their states, from which status and the docs take their words. */
#include "model/connector.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name, *doc;
} states[CONNECTOR_STATES] = {
	[CONNECTOR_STOPPED] = {"stopped", "no process runs, and none is wanted"},
	[CONNECTOR_STARTING] = {"starting", "the process runs and was not connected yet"},
	[CONNECTOR_READY] = {"ready", "all edge connections stand"},
	[CONNECTOR_DEGRADED] = {"degraded", "it serves, with fewer edge connections than wanted"},
	[CONNECTOR_UNREADY] = {"unready", "the process answers, but has no edge connection"},
	[CONNECTOR_RESTARTING] = {"restarting", "it ended and waits for its next start"},
	[CONNECTOR_BLOCKED] = {"blocked",
			       "it cannot run until its configuration or its credentials "
			       "are put right; it is tried again slowly"},
	[CONNECTOR_DRAINING] = {"draining", "it was asked to stop and finishes its requests"},
};

/* By hand: connectors are looked for with each answer that tells of their tunnel. */
void connector_slot_id(const char *tunnel_id, int slot, char out[CONNECTOR_ID_SIZE])
{
	size_t len = strnlen(tunnel_id, ID_SIZE - 1);

	memcpy(out, tunnel_id, len);
	out[len++] = '-';
	if (slot > 9)
		out[len++] = (char)('0' + slot / 10 % 10);
	out[len++] = (char)('0' + slot % 10);
	out[len] = '\0';
}

struct connector *connector_new(const char *tunnel_id, int slot)
{
	struct connector *c = mem_alloc(sizeof(*c));
	bool fits = str_copy(c->tunnel_id, sizeof(c->tunnel_id), tunnel_id);

	assert(fits && slot >= 1 && slot <= TUNNEL_SLOTS_MAX);
	(void)fits;
	connector_slot_id(tunnel_id, slot, c->id);
	c->slot = slot;
	c->edge_connections = -1;
	c->config_version = -1;
	c->edge_listed = c->open_fds = -1;
	c->rss_bytes = -1;
	return c;
}

void connector_past_free(struct connector_past *p)
{
	if (!p)
		return;
	free(p->stopped_by);
	free(p->stopped_why);
	free(p->replacing_why);
	free(p->protocol_why);
	free(p->disk_version);
	free(p->last_exit);
	free(p);
}

void connector_free(struct connector *c)
{
	if (!c)
		return;
	free(c->reason);
	free(c->version);
	free(c->last_line);
	problem_clear(&c->problem);
	connector_past_free(c->past);
	free(c);
}

const struct connector_past *connector_past(const struct connector *c)
{
	static const struct connector_past none;

	return c->past ? c->past : &none;
}

struct connector_past *connector_past_make(struct connector *c)
{
	if (!c->past)
		c->past = mem_alloc(sizeof(*c->past));
	return c->past;
}

const char *connector_state_name(enum connector_state s)
{
	return (unsigned)s < CONNECTOR_STATES ? states[s].name : "unknown";
}

const char *connector_state_doc(enum connector_state s)
{
	return (unsigned)s < CONNECTOR_STATES ? states[s].doc : "";
}

void connector_set_stopped(struct connector *c, const struct connector_stop *stop)
{
	c->stopped_by_user = stop != NULL;
	c->stopped_until_ms = stop ? stop->until_ms : 0;
	if (!c->past && !stop)
		return;
	str_set(&connector_past_make(c)->stopped_by, stop ? stop->by : NULL);
	str_set(&c->past->stopped_why, stop ? stop->why : NULL);
}

bool connector_is_client(const struct connector *c, const char *client_id)
{
	struct uuid id = uuid_read(client_id);

	return uuid_known(&id) && (uuid_same(&c->connector_id, &id) ||
				   strcasecmp(connector_past(c)->other_id, client_id) == 0);
}

bool connector_serving(const struct connector *c)
{
	return c->state == CONNECTOR_READY || c->state == CONNECTOR_DEGRADED;
}
