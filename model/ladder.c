#include "model/ladder.h"

#include <stdlib.h>
#include <string.h>

const char *rung_name(enum rung_name r)
{
	static const char *const names[RUNGS] = {
		[RUNG_RECORD] = "record",       [RUNG_PROXIED] = "proxied",
		[RUNG_EDGE] = "edge",           [RUNG_TUNNEL] = "tunnel",
		[RUNG_CONNECTOR] = "connector", [RUNG_CONFIG] = "configuration",
		[RUNG_RULE] = "rule",           [RUNG_ORIGIN] = "origin",
	};
	return names[r];
}

const char *rung_state_name(enum rung_state s)
{
	static const char *const names[] = {
		[RUNG_OK] = "ok",
		[RUNG_BROKEN] = "broken",
		[RUNG_UNKNOWN] = "unknown",
		[RUNG_NOT_CHECKED] = "not_checked",
	};
	return names[s];
}

const char *ladder_state_name(enum ladder_state s)
{
	static const char *const names[] = {
		[LADDER_OK] = "ok", [LADDER_DEGRADED] = "degraded", [LADDER_DOWN] = "down"};
	return names[s];
}

/* ---- one rung ---- */

PRINTF(3, 4) static void say(struct rung *r, enum rung_state state, const char *fmt, ...)
{
	va_list ap;

	r->state = state;
	va_start(ap, fmt);
	r->evidence = str_vformat(fmt, ap);
	va_end(ap);
}

PRINTF(3, 4) static void cure(struct rung *r, const char *words, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	r->command = str_vformat(fmt, ap);
	va_end(ap);
	r->cure = str_dup(words);
}

/* In words alone; NULL or "" = nothing. */
static void advise(struct rung *r, const char *words)
{
	if (words && *words)
		r->cure = str_dup(words);
}

static void put_back(struct rung *r, const char *object)
{
	cure(r, "Put it back by a plan, and approve that", "adit plan create --drift --object %s",
	     object);
}

/* ---- the name ---- */

static void record_wrong(const struct ladder_facts *f, struct rung *r)
{
	if (f->record.shown)
		r->detail = str_dup(f->record.shown);
	if (f->record.ours) {
		say(r, RUNG_BROKEN, "The record of %s does not lead to tunnel %s", f->host,
		    f->tunnel);
		put_back(r, f->name);
		return;
	}
	say(r, RUNG_BROKEN, "%s has a record that is not adit's and leads elsewhere", f->host);
	if (f->record.id && f->service)
		cure(r, "Overwrite it by a plan, if it may go", "adit publish %s %s --overwrite %s",
		     f->name, f->service, f->record.id);
}

/* A wildcard answers for no name that has a record of its own. */
static void record_hides(const struct ladder_facts *f, struct rung *r)
{
	if (f->record.shown)
		r->detail = str_dup(f->record.shown);
	say(r, RUNG_BROKEN, "%s has %s, which stands before that of %s and leads %s", f->host,
	    f->record.ours ? "a record of adit's" : "a record that is not adit's", f->record.hides,
	    f->record.found ? "elsewhere" : "nowhere");
	if (f->record.ours && f->record.shown)
		cure(r, "Delete it by a plan, if it may go", "adit dns delete %s %.*s", f->host,
		     (int)strcspn(f->record.shown, " "), f->record.shown);
	else if (f->service && (f->record.id || !f->record.found))
		cure(r, "Publish it by itself, if that record may go", "adit publish %s %s%s%s",
		     f->host, f->service, f->record.id ? " --overwrite " : "",
		     f->record.id ? f->record.id : "");
}

static void record_missing(const struct ladder_facts *f, struct rung *r)
{
	if (f->record.problem)
		say(r, RUNG_BROKEN, "%s", f->record.problem);
	else
		say(r, RUNG_BROKEN, "There is no DNS record for %s", f->host);
	if (f->record.ours)
		put_back(r, f->name);
	else if (f->record.hint)
		advise(r, f->record.hint);
	else if (f->service)
		cure(r, "Publish it", "adit publish %s %s", f->name, f->service);
}

static void climb_record(const struct ladder_facts *f, struct rung *r)
{
	if (!f->record.zone) {
		say(r, RUNG_BROKEN, "No zone of the account holds %s", f->host);
		cure(r, "Publish it under a name of one of them", "adit zone list");
	} else if (!f->record.known) {
		say(r, RUNG_UNKNOWN, "The records of %s were not seen: %s", f->host,
		    f->unasked ? f->unasked : "Cloudflare was not asked");
	} else if (f->record.hides && !(f->record.found && f->record.leads)) {
		record_hides(f, r);
	} else if (!f->record.found) {
		record_missing(f, r);
	} else if (!f->record.leads) {
		record_wrong(f, r);
	} else {
		say(r, RUNG_OK, "The record of %s leads to tunnel %s%s", f->host, f->tunnel,
		    f->record.ours ? "" : ", but adit did not make it");
		r->weak = !f->record.ours;
	}
}

static void climb_proxied(const struct ladder_facts *f, struct rung *r)
{
	if (!f->record.known || !f->record.found) {
		say(r, RUNG_UNKNOWN, "There is no record to look at");
	} else if (f->record.proxied) {
		say(r, RUNG_OK, "Cloudflare's edge answers for the name");
	} else {
		say(r, RUNG_BROKEN,
		    "The record is not proxied: visitors are led past Cloudflare's "
		    "edge, to a name that answers nobody");
		put_back(r, f->name);
	}
}

/* ---- the tunnel ---- */

static void tunnel_idle(const struct ladder_facts *f, struct rung *r)
{
	if (f->at_cloudflare.replicas == 0) {
		say(r, RUNG_BROKEN,
		    "No connector of tunnel %s is connected, and none is to run here", f->tunnel);
		cure(r, "Run one on this host", "adit tunnel update %s --replicas 1", f->tunnel);
	} else if (f->connectors.serving == 0) {
		say(r, RUNG_UNKNOWN,
		    "Cloudflare sees no connection of tunnel %s, as the connector below explains",
		    f->tunnel);
	} else {
		say(r, RUNG_BROKEN,
		    "Cloudflare sees no connection of tunnel %s, though connector %s says that it "
		    "is connected",
		    f->tunnel, f->connectors.name);
		cure(r, "Connect it anew", "adit connector restart %s", f->connectors.name);
	}
}

static void climb_tunnel(const struct ladder_facts *f, struct rung *r)
{
	int64_t n = f->at_cloudflare.connections;

	if (!f->at_cloudflare.made || f->at_cloudflare.gone) {
		say(r, RUNG_BROKEN,
		    f->at_cloudflare.gone ? "Tunnel %s is gone from Cloudflare"
					  : "Tunnel %s is not made at Cloudflare yet",
		    f->tunnel);
		if (f->at_cloudflare.gone)
			put_back(r, f->tunnel);
		else
			advise(r,
			       f->at_cloudflare.hint ? f->at_cloudflare.hint : "See adit status");
	} else if (n < 0) {
		say(r, RUNG_UNKNOWN, "Cloudflare's list of connections was not read: %s",
		    f->unasked ? f->unasked : "it was not asked");
	} else if (n == 0) {
		tunnel_idle(f, r);
	} else {
		bool missed = f->connectors.serving > 0 && !f->at_cloudflare.lists_ours;
		say(r, RUNG_OK, "Cloudflare sees %lld connection%s of tunnel %s%s", (long long)n,
		    n == 1 ? "" : "s", f->tunnel,
		    missed ? ", but none of this host's connector that says it is connected" : "");
		r->weak = missed;
	}
}

/* To start again what just starts would only take longer. */
static void cure_connector(const struct ladder_facts *f, struct rung *r)
{
	const char *hint = f->connectors.hint, *name = f->connectors.name;
	bool told = hint && *hint;

	if (f->connectors.stopped)
		cure(r, "Start it", "adit connector start %s", name);
	else if (str_equal(f->connectors.state, "starting"))
		cure(r, told ? hint : "See what it says meanwhile", "adit log %s", name);
	else
		cure(r, told ? hint : "Start it anew", "adit connector restart %s", name);
}

static void climb_connector(const struct ladder_facts *f, struct rung *r)
{
	if (f->at_cloudflare.replicas == 0 && f->connectors.total == 0) {
		say(r, RUNG_NOT_CHECKED, "The connectors of tunnel %s run on other hosts",
		    f->tunnel);
	} else if (f->connectors.total == 0) {
		say(r, RUNG_BROKEN, "No connector of tunnel %s was made here yet", f->tunnel);
		advise(r, "See adit status");
	} else if (f->connectors.serving == 0) {
		say(r, RUNG_BROKEN, "Connector %s is %s%s%s", f->connectors.name,
		    f->connectors.state, f->connectors.reason ? ": " : "",
		    f->connectors.reason ? f->connectors.reason : "");
		cure_connector(f, r);
	} else if (f->connectors.serving < f->connectors.total) {
		say(r, RUNG_OK, "%lld of %lld connectors serve; %s is %s",
		    (long long)f->connectors.serving, (long long)f->connectors.total,
		    f->connectors.name, f->connectors.state);
		r->weak = true;
	} else {
		say(r, RUNG_OK, "Connector %s is %s", f->connectors.name, f->connectors.state);
	}
}

static void config_behind(const struct ladder_facts *f, struct rung *r)
{
	enum rung_state state = f->config.one_runs ? RUNG_OK : RUNG_BROKEN;

	if (f->config.running > 0)
		say(r, state, "Connector %s runs configuration %lld, and Cloudflare has %lld",
		    f->config.behind, (long long)f->config.running, (long long)f->config.version);
	else
		say(r, state, "Connector %s got no configuration yet, and Cloudflare has %lld",
		    f->config.behind, (long long)f->config.version);
	r->weak = f->config.one_runs;
	cure(r, "Let it read it anew", "adit connector restart %s", f->config.behind);
}

static void climb_config(const struct ladder_facts *f, struct rung *r)
{
	if (f->config.local) {
		say(r, RUNG_BROKEN, "Tunnel %s is configured by a file on its host, not by adit",
		    f->tunnel);
		cure(r, "Convert it, for good", "adit tunnel adopt %s --convert", f->tunnel);
	} else if (f->config.pending) {
		say(r, RUNG_BROKEN, "What is wanted of tunnel %s is not put to Cloudflare yet%s%s",
		    f->tunnel, f->at_cloudflare.problem ? ": " : "",
		    f->at_cloudflare.problem ? f->at_cloudflare.problem : "");
		advise(r, f->at_cloudflare.hint ? f->at_cloudflare.hint : "See adit status");
	} else if (f->config.version < 0) {
		say(r, RUNG_UNKNOWN, "The version at Cloudflare was not read: %s",
		    f->unasked ? f->unasked : "it was not asked");
	} else if (f->connectors.serving == 0) {
		if (f->at_cloudflare.replicas == 0)
			say(r, RUNG_NOT_CHECKED,
			    "Cloudflare has version %lld; the connectors run on "
			    "other hosts",
			    (long long)f->config.version);
		else
			say(r, RUNG_UNKNOWN, "No connector of this host serves");
	} else if (f->config.running < f->config.version) {
		config_behind(f, r);
	} else {
		say(r, RUNG_OK, "The connectors run configuration %lld, as Cloudflare has it",
		    (long long)f->config.version);
	}
}

/* ---- the request ---- */

static void rule_wrong(const struct ladder_facts *f, struct rung *r)
{
	say(r, RUNG_BROKEN, "%s", f->rule.differs ? f->rule.differs : f->rule.words);
	if (f->rule.drifted)
		put_back(r, f->name);
	else
		cure(r, "See which rule takes it, and why", "adit route test https://%s/", f->host);
}

static void climb_rule(const struct ladder_facts *f, struct rung *r)
{
	if (f->rule.refused) {
		say(r, RUNG_BROKEN, "%s", f->rule.refused);
		advise(r, "Mend it at Cloudflare's dashboard");
	} else if (!f->rule.words) {
		say(r, RUNG_UNKNOWN, "The configuration is not known");
	} else if (!f->rule.as_wanted) {
		rule_wrong(f, r);
	} else if (!f->rule.certain) {
		say(r, RUNG_UNKNOWN, "%s", f->rule.words);
	} else if (!f->rule.number || f->rule.last_resort) {
		say(r, RUNG_BROKEN, "%s", f->rule.words);
		cure(r, "See the rules", "adit route test https://%s/ --tunnel %s", f->host,
		     f->tunnel);
	} else {
		say(r, RUNG_OK, "%s", f->rule.words);
	}
}

/* A server that does not know HEAD may say 501. */
static void origin_up(const struct ladder_facts *f, struct rung *r)
{
	int status = f->origin.status;

	if (!status) {
		say(r, RUNG_OK, "Something takes connections at %s", f->service);
		return;
	}
	say(r, RUNG_OK, "%s answers, with HTTP status %d", f->service, status);
	r->weak = status >= 500 && status != 501;
	if (r->weak)
		advise(r, "Look at the service's own log");
}

static void climb_origin(const struct ladder_facts *f, struct rung *r)
{
	switch (f->origin.state) {
	case REACH_UP:
		origin_up(f, r);
		break;
	case REACH_REFUSED:
	case REACH_TIMEOUT:
		say(r, RUNG_BROKEN, "%s", f->origin.problem);
		advise(r, f->origin.hint);
		break;
	case REACH_UNKNOWN:
		say(r, RUNG_NOT_CHECKED, "%s",
		    f->origin.unasked ? f->origin.unasked : "It was not asked about");
		break;
	}
}

/* ---- through the edge ---- */

/* The first rung that a request which comes by the edge depends on, and that is broken by what is
 * known of it; RUNGS = none. */
static enum rung_name behind_the_edge(const struct ladder *l)
{
	for (int i = RUNG_TUNNEL; i < RUNG_ORIGIN; i++)
		if (l->rungs[i].state == RUNG_BROKEN)
			return (enum rung_name)i;
	return RUNGS;
}

static void edge_passed(const struct ladder_facts *f, struct rung *r)
{
	say(r, RUNG_OK,
	    "A request with a nonce of its own came from https://%s to connector %s and back in "
	    "%lld ms",
	    f->host, f->edge.via, (long long)f->edge.took_ms);
	if (f->edge.missed < 2)
		return;
	free(r->evidence);
	say(r, RUNG_OK, "%d of the last %d requests through the public edge did not arrive here",
	    f->edge.missed, EDGE_LAST);
	r->weak = true;
}

/* As the last rung: what explains it is named instead. */
static void climb_edge(const struct ladder_facts *f, const struct ladder *l, struct rung *r)
{
	enum rung_name cause = behind_the_edge(l);

	if (f->edge.seen == EDGE_UNASKED || f->edge.seen == EDGE_STOPPED) {
		say(r, f->edge.waits ? RUNG_UNKNOWN : RUNG_NOT_CHECKED, "%s",
		    f->edge.unasked ? f->edge.unasked
				    : "No request was sent through the public edge");
	} else if (f->edge.seen == EDGE_PASSED) {
		edge_passed(f, r);
	} else if (cause != RUNGS) {
		say(r, RUNG_UNKNOWN, "%s, as the %s below explains", f->edge.problem,
		    rung_name(cause));
	} else {
		say(r, RUNG_BROKEN, "%s", f->edge.problem);
		advise(r, f->edge.hint);
	}
}

/* ---- the ladder ---- */

/* Nothing is healthy above what is broken. What was seen is told all the same. */
static void doubt_above(struct ladder *l)
{
	for (int i = (int)l->broken + 1; i < RUNGS; i++) {
		struct rung *r = &l->rungs[i];
		if (r->state != RUNG_OK)
			continue;
		char *seen = r->evidence;
		r->state = RUNG_UNKNOWN;
		r->evidence = str_format("Not to be told while the %s is broken; by itself: %s",
					 rung_name(l->broken), seen);
		free(seen);
	}
}

static void sum_up(struct ladder *l)
{
	l->broken = RUNGS;
	for (int i = RUNGS - 1; i >= 0; i--)
		if (l->rungs[i].state == RUNG_BROKEN)
			l->broken = (enum rung_name)i;
	if (l->broken != RUNGS) {
		l->state = LADDER_DOWN;
		doubt_above(l);
		return;
	}
	l->state = LADDER_OK;
	for (int i = 0; i < RUNGS; i++)
		if (l->rungs[i].weak || l->rungs[i].state == RUNG_UNKNOWN)
			l->state = LADDER_DEGRADED;
}

void ladder_climb(const struct ladder_facts *f, struct ladder *out)
{
	struct ladder l = {.broken = RUNGS};

	climb_record(f, &l.rungs[RUNG_RECORD]);
	climb_proxied(f, &l.rungs[RUNG_PROXIED]);
	climb_tunnel(f, &l.rungs[RUNG_TUNNEL]);
	climb_connector(f, &l.rungs[RUNG_CONNECTOR]);
	climb_config(f, &l.rungs[RUNG_CONFIG]);
	climb_rule(f, &l.rungs[RUNG_RULE]);
	climb_origin(f, &l.rungs[RUNG_ORIGIN]);
	climb_edge(f, &l, &l.rungs[RUNG_EDGE]);
	sum_up(&l);
	*out = l;
}

void ladder_free(struct ladder *l)
{
	for (int i = 0; i < RUNGS; i++) {
		free(l->rungs[i].evidence);
		free(l->rungs[i].cure);
		free(l->rungs[i].command);
		free(l->rungs[i].detail);
	}
}
