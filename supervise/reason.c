/* The one table of reasons, and how the end of a process becomes one of them. */
#include "supervise/reason.h"

#include <assert.h>
#include <signal.h>

#include "base/mem.h"

/* An end so soon after the start tells of a mistake in the command line, not of a run. */
#define EARLY_MS 2000

static const struct reason_info infos[REASONS] = {
	[REASON_NONE] = {"none", "", NULL, RETRY_SOON, ERR_NONE},
	[REASON_ASKED] = {"asked", "it was asked for", NULL, RETRY_SOON, ERR_NONE},
	[REASON_NEW] = {"new", "first start", NULL, RETRY_SOON, ERR_NONE},
	[REASON_EXITED] = {"exited", "cloudflared ended by itself",
			   "Look at the last lines of its log.", RETRY_SOON, ERR_INTERNAL},
	[REASON_KILLED] = {"killed", "cloudflared was killed by a signal that was not ours",
			   "Find out who sends signals: out of memory? Another supervisor?",
			   RETRY_SOON, ERR_INTERNAL},
	[REASON_BAD_OPTIONS] = {"bad_options", "cloudflared does not know an option it was given",
				"Install a cloudflared that is recent enough, or point "
				"connectors.cloudflared to one.",
				RETRY_SLOWLY, ERR_INVALID},
	[REASON_BAD_CONFIG] = {"bad_config", "cloudflared refused its configuration",
			       "Look at its last log line; check the settings under connectors.",
			       RETRY_SLOWLY, ERR_INVALID},
	[REASON_BAD_TOKEN] =
		{"bad_token", "the connector's token was refused",
		 "Was the tunnel's secret changed at Cloudflare? Delete the tunnel here "
		 "(adit tunnel delete) and create it again.",
		 RETRY_SLOWLY, ERR_DENIED},
	[REASON_TUNNEL_GONE] = {"tunnel_gone", "Cloudflare does not know the tunnel any more",
				"It was deleted at Cloudflare: delete it here too, then create it "
				"again.",
				RETRY_SLOWLY, ERR_NOT_FOUND},
	[REASON_PORT_BUSY] = {"port_busy", "its metrics port was taken by another process", NULL,
			      RETRY_SOON, ERR_BUSY},
	[REASON_NO_NETWORK] = {"no_network", "cloudflared cannot reach Cloudflare's edge",
			       "Check DNS, and that port 7844 (UDP for quic, TCP for http2) is "
			       "open outwards.",
			       RETRY_SOON, ERR_UPSTREAM},
	[REASON_NO_BINARY] = {"no_binary", "cloudflared cannot be executed",
			      "Install cloudflared, or set connectors.cloudflared to its path.",
			      RETRY_SLOWLY, ERR_NOT_FOUND},
	[REASON_NO_TOKEN] = {"no_token", "there is no connector token yet",
			     "It is fetched as soon as Cloudflare can be asked; adit status says "
			     "why it cannot.",
			     RETRY_SLOWLY, ERR_NOT_FOUND},
	[REASON_NO_START] = {"no_start", "its process could not be made",
			     "Check free disk space, descriptors and processes.", RETRY_SOON,
			     ERR_INTERNAL},
	[REASON_UPDATED] = {"updated", "cloudflared replaced itself", NULL, RETRY_SOON, ERR_NONE},
	[REASON_HUNG] = {"hung", "cloudflared does not answer any more", NULL, RETRY_SOON,
			 ERR_TIMEOUT},
	[REASON_UNREADY] = {"unready", "it has no connection to Cloudflare's edge",
			    "Check the network; look at the last lines of its log.", RETRY_SOON,
			    ERR_UPSTREAM},
	[REASON_OUTPUT_CLOSED] = {"output_closed", "nobody read its log any more", NULL, RETRY_SOON,
				  ERR_INTERNAL},
	[REASON_UNKNOWN] = {"unknown", "it ended, and how is not known", NULL, RETRY_SOON,
			    ERR_INTERNAL},
	[REASON_OPTIONS] = {"options", "its options changed", NULL, RETRY_SOON, ERR_NONE},
	[REASON_NEW_TOKEN] = {"new_token", "its token changed", NULL, RETRY_SOON, ERR_NONE},
	[REASON_UPGRADE] = {"upgrade", "another cloudflared lies on the disk", NULL, RETRY_SOON,
			    ERR_NONE},
	[REASON_NOT_UP] =
		{"not_up",
		 "the process that was to replace it did not come up; the old one goes on",
		 "Look at event_list for its last words; it is tried again.", RETRY_SLOWLY,
		 ERR_TIMEOUT},
	[REASON_HALF_OPEN] =
		{"half_open",
		 "it says that it is connected, and Cloudflare lists no connection of it",
		 "A new process takes its place. Is a firewall dropping its connections silently? "
		 "quic notices that, http2 does not.",
		 RETRY_SOON, ERR_UPSTREAM},
	[REASON_STALE] = {"stale", "it runs an older configuration than Cloudflare gave out",
			  "A new process takes its place, once for each version. If that did not "
			  "help, look at its log for a configuration that it refused.",
			  RETRY_SOON, ERR_UPSTREAM},
	[REASON_RESOURCES] = {"resources", "it takes more memory or open files than it should",
			      "A new process takes its place, at most once an hour. Is another "
			      "cloudflared to be had?",
			      RETRY_SOON, ERR_BUSY},
	[REASON_NO_QUIC] = {"no_quic", "it gets no connection to Cloudflare's edge by quic",
			    "Open port 7844 (UDP) outwards, or set connectors.protocol to http2. "
			    "Meanwhile http2 stands in, and quic is tried again.",
			    RETRY_SOON, ERR_UPSTREAM},
	[REASON_LOSSES] = {"losses", "quic lost too many of its connections within an hour", NULL,
			   RETRY_SOON, ERR_NONE},
	[REASON_QUIC_AGAIN] = {"quic_again", "quic is tried again", NULL, RETRY_SOON, ERR_NONE},
	[REASON_EDGE] = {"edge", "requests through the public edge fail since it is connected",
			 "Look at the last lines of its log; adit why tells what the edge answers.",
			 RETRY_SLOWLY, ERR_UPSTREAM},
	[REASON_REFUSED] = {"refused", "Cloudflare's edge does not register it",
			    "It is tried again, later and later. By http2 its log has Cloudflare's "
			    "words for that, by quic it has none.",
			    RETRY_SOON, ERR_UPSTREAM},
	[REASON_NO_ADDRESSES] =
		{"no_addresses", "cloudflared cannot reach any address of Cloudflare's edge",
		 "It is tried with IPv4 alone. If that does not help either, check DNS (names "
		 "*.argotunnel.com), and that port 7844 (UDP for quic, TCP for http2) is open "
		 "outwards.",
		 RETRY_SOON, ERR_UPSTREAM},
};

const struct reason_info *reason_info(enum reason r)
{
	assert((unsigned)r < REASONS);
	return &infos[r];
}

enum reason reason_by_name(const char *name)
{
	for (int r = 0; name && r < REASONS; r++)
		if (str_equal(infos[r].name, name))
			return (enum reason)r;
	return REASON_NONE;
}

static enum reason reason_of_signal(int signo)
{
	return signo == SIGPIPE ? REASON_OUTPUT_CLOSED : REASON_KILLED;
}

/* Exit 1 is all kinds of failing: only its words tell them apart. */
static enum reason reason_of_words(const struct exit_facts *x)
{
	return x->log_class == REASON_NONE ? REASON_EXITED : x->log_class;
}

enum reason reason_of_exit(const struct exit_facts *x)
{
	if (x->asked)
		return REASON_ASKED;
	if (x->signal)
		return reason_of_signal(x->signal);
	switch (x->code) {
	case -1:
		return REASON_UNKNOWN;
	case 0:
		/* A bad flag prints the usage and exits 0; later it is a stop that others asked. */
		return x->ran_ms < EARLY_MS ? REASON_BAD_OPTIONS : REASON_EXITED;
	case 1:
		return reason_of_words(x);
	case 11:
		return REASON_UPDATED;
	case 255:
		return REASON_BAD_TOKEN;
	default:
		return REASON_EXITED;
	}
}
