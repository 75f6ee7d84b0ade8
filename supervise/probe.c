/* Polling, no oftener than there is cause: fast while something is expected to change. */
#include "supervise/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

#define EAGER_FOR_MS     (10 * 1000)
#define EAGER_MS         100
#define UNSETTLED_MS     1000        /* at most, while connections are missing */
#define CONFIG_EVERY_MS  (60 * 1000) /* to see a configuration changed by others */
#define READY_MAX        ((size_t)16 << 10)
#define CONFIG_MAX       ((size_t)8 << 20)
#define CONNECTIONS_MOST 1000

/* ---- answers ---- */

bool probe_read_ready(int status, const char *body, size_t len, int *edge, char id[UUID_SIZE])
{
	AUTO(json_doc_t) doc = NULL;
	const struct json *root;
	struct err ignored;
	int64_t connections;
	const char *connector;

	if ((status != 200 && status != 503) || json_parse(body, len, NULL, &doc, &ignored))
		return false;
	root = json_root(doc);
	connector = json_get_string(root, "connectorId");
	if (!json_int(json_get(root, "readyConnections"), &connections) || connections < 0 ||
	    connections > CONNECTIONS_MOST)
		return false;
	/* While it drains it answers 503, whatever it counts. */
	*edge = status == 200 ? (int)connections : 0;
	if (!connector || !uuid_valid(connector) || !str_copy(id, UUID_SIZE, connector))
		id[0] = '\0';
	return true;
}

bool probe_read_config(int status, const char *body, size_t len, int64_t *version)
{
	AUTO(json_doc_t) doc = NULL;
	struct err ignored;

	if (status != 200 || json_parse(body, len, NULL, &doc, &ignored))
		return false;
	return json_int(json_get(json_root(doc), "version"), version);
}

/* ---- pace ---- */

static bool config_behind(const struct probe *p)
{
	return p->version_wanted > 0 && p->config_version < p->version_wanted;
}

static bool settled(const struct probe *p)
{
	return p->edge >= p->terms->edge_wanted && p->failures == 0 && !config_behind(p);
}

static int64_t pace(const struct probe *p)
{
	int64_t interval = p->terms->interval_ms;

	if (settled(p))
		return interval;
	if (clock_mono_ms() < p->eager_until_ms && interval > EAGER_MS)
		return EAGER_MS;
	return interval < UNSETTLED_MS ? interval : UNSETTLED_MS;
}

static bool config_due(const struct probe *p)
{
	return p->edge > 0 &&
	       (config_behind(p) || clock_mono_ms() - p->config_asked_ms >= CONFIG_EVERY_MS);
}

/* ---- asking ---- */

static void question_end(struct probe *p)
{
	if (!p->question)
		return;
	ask_cancel(p->question);
	ask_reset(p->question);
	free(p->question);
	p->question = NULL;
}

static void put(struct probe *p, const char *path, size_t max_body, ask_done_fn *done)
{
	p->question = mem_alloc(sizeof(*p->question));
	p->question->path = path;
	p->question->timeout_ms = p->terms->timeout_ms;
	p->question->max_body = max_body;
	ask_start(p->terms->asker, &p->peer, p->port, p->question, done, p);
}

/* From question to question: what hangs is not asked seldomer than what answers. */
static void again(struct probe *p)
{
	int64_t left = p->asked_ms + pace(p) - clock_mono_ms();

	timer_start(&p->timer, left > 0 ? left : 0);
}

static void config_answered(struct ask *a, void *owner)
{
	struct probe *p = owner;
	int64_t version;

	p->config_asked_ms = clock_mono_ms();
	again(p);
	if (a->failed == ERR_NONE &&
	    probe_read_config(a->status, buf_text(&a->answer), a->answer.len, &version))
		p->config_version = version;
	question_end(p);
	p->terms->told(p, p->owner);
}

static void take_ready(struct probe *p, int edge, const char *id)
{
	int64_t now = clock_mono_ms();

	p->failures = 0;
	p->last_answer_ms = now;
	if (edge == 0 && p->zero_since_ms == 0)
		p->zero_since_ms = now;
	if (edge > 0) {
		p->zero_since_ms = 0;
		p->ever_ready = true;
	}
	p->edge = (int16_t)edge;
	p->connector_id = uuid_read(id);
}

static bool is_strangers(const struct probe *p, const char *id)
{
	const char *expected = p->terms->expected(p->owner);

	return *expected && *id && strcmp(id, expected) != 0;
}

static void ready_answered(struct ask *a, void *owner)
{
	struct probe *p = owner;
	char id[UUID_SIZE] = "";
	int edge = 0;
	bool ours = a->failed == ERR_INTERNAL; /* nobody was asked */
	bool read = a->failed == ERR_NONE &&
		    probe_read_ready(a->status, buf_text(&a->answer), a->answer.len, &edge, id);

	question_end(p);
	if (read && is_strangers(p, id))
		read = false;
	if (read)
		take_ready(p, edge, id);
	else if (!ours)
		p->failures++;
	if (read && config_due(p))
		put(p, "/config", CONFIG_MAX, config_answered);
	else
		again(p);
	p->terms->told(p, p->owner);
}

static void probe_due(struct timer *t, void *owner)
{
	struct probe *p = owner;

	(void)t;
	p->asked_ms = clock_mono_ms();
	put(p, "/ready", READY_MAX, ready_answered);
}

/* ---- the owner's side ---- */

void probe_init(struct probe *p, const struct probe_terms *terms, void *owner)
{
	*p = (struct probe){.terms = terms, .owner = owner, .edge = -1, .config_version = -1};
	timer_init(&p->timer, terms->loop, probe_due, p);
}

void probe_start(struct probe *p, int port)
{
	probe_stop(p);
	p->port = (uint16_t)port;
	p->last_answer_ms = 0;
	p->failures = 0;
	p->edge = -1;
	p->zero_since_ms = 0;
	p->ever_ready = false;
	p->connector_id = (struct uuid){0};
	p->config_version = -1;
	p->config_asked_ms = 0;
	p->eager_until_ms = clock_mono_ms() + EAGER_FOR_MS;
	timer_start(&p->timer, EAGER_MS / 2);
}

void probe_stop(struct probe *p)
{
	timer_stop(&p->timer);
	question_end(p);
	ask_peer_close(&p->peer);
}

void probe_hurry(struct probe *p)
{
	p->eager_until_ms = clock_mono_ms() + EAGER_FOR_MS;
	if (timer_active(&p->timer))
		timer_start(&p->timer, 0);
}
