/*
 * The command line: `cloudflared tunnel [tunnel flags] run [run flags] [UUID]`. The order matters
 * as in real life: an unknown or misplaced flag, or a value that does not parse, prints the usage
 * on stdout and exits 0, which a supervisor must not take for success.
 */
#include <stdarg.h>
#include <stdio.h>

#include "sim/stub/stub.h"

enum { BOTH = BEFORE_RUN | AFTER_RUN };

static const struct flag flags[] = {
	{"config", FLAG_STRING, BEFORE_RUN, NULL},
	{"origincert", FLAG_STRING, BEFORE_RUN, "TUNNEL_ORIGIN_CERT"},
	{"autoupdate-freq", FLAG_DURATION, BEFORE_RUN, NULL},
	{"no-autoupdate", FLAG_BOOL, BEFORE_RUN, "NO_AUTOUPDATE"},
	{"is-autoupdated", FLAG_BOOL, BEFORE_RUN, NULL},
	{"no-prechecks", FLAG_BOOL, BEFORE_RUN, "TUNNEL_NO_PRECHECKS"},
	{"metrics", FLAG_STRING, BEFORE_RUN, "TUNNEL_METRICS"},
	{"metrics-update-freq", FLAG_DURATION, BEFORE_RUN, "TUNNEL_METRICS_UPDATE_FREQ"},
	{"pidfile", FLAG_STRING, BEFORE_RUN, "TUNNEL_PIDFILE"},
	{"loglevel", FLAG_STRING, BEFORE_RUN, "TUNNEL_LOGLEVEL"},
	{"transport-loglevel", FLAG_STRING, BEFORE_RUN, "TUNNEL_TRANSPORT_LOGLEVEL"},
	{"logfile", FLAG_STRING, BEFORE_RUN, "TUNNEL_LOGFILE"},
	{"log-directory", FLAG_STRING, BEFORE_RUN, "TUNNEL_LOGDIRECTORY"},
	{"trace-output", FLAG_STRING, BEFORE_RUN, "TUNNEL_TRACE_OUTPUT"},
	{"output", FLAG_STRING, BEFORE_RUN, "TUNNEL_LOG_OUTPUT"},
	{"region", FLAG_STRING, BEFORE_RUN, "TUNNEL_REGION"},
	{"edge-ip-version", FLAG_STRING, BEFORE_RUN, "TUNNEL_EDGE_IP_VERSION"},
	{"edge-bind-address", FLAG_STRING, BEFORE_RUN, "TUNNEL_EDGE_BIND_ADDRESS"},
	{"edge", FLAG_STRING, BEFORE_RUN, "TUNNEL_EDGE"},
	{"cacert", FLAG_STRING, BEFORE_RUN, "TUNNEL_CACERT"},
	{"ha-connections", FLAG_INT, BEFORE_RUN, NULL},
	{"max-edge-addr-retries", FLAG_INT, BEFORE_RUN, "TUNNEL_MAX_EDGE_ADDR_RETRIES"},
	{"rpc-timeout", FLAG_DURATION, BEFORE_RUN, NULL},
	{"dial-edge-timeout", FLAG_DURATION, BEFORE_RUN, NULL},
	{"write-stream-timeout", FLAG_DURATION, BEFORE_RUN, NULL},
	{"stdin-control", FLAG_BOOL, BEFORE_RUN, NULL},
	{"tag", FLAG_STRING, BEFORE_RUN, "TUNNEL_TAG"},
	{"api-url", FLAG_STRING, BEFORE_RUN, NULL},
	{"management-hostname", FLAG_STRING, BEFORE_RUN, "TUNNEL_MANAGEMENT_HOSTNAME"},
	{"service-op-ip", FLAG_STRING, BEFORE_RUN, "TUNNEL_SERVICE_OP_IP"},
	{"retries", FLAG_INT, BEFORE_RUN, "TUNNEL_RETRIES"},
	{"label", FLAG_STRING, BEFORE_RUN, NULL},
	{"grace-period", FLAG_DURATION, BEFORE_RUN, "TUNNEL_GRACE_PERIOD"},
	{"compression-quality", FLAG_INT, BEFORE_RUN, "TUNNEL_COMPRESSION_LEVEL"},
	{"management-diagnostics", FLAG_BOOL, BEFORE_RUN, "TUNNEL_MANAGEMENT_DIAGNOSTICS"},
	{"name", FLAG_STRING, BEFORE_RUN, "TUNNEL_NAME"},
	{"hostname", FLAG_STRING, BEFORE_RUN, "TUNNEL_HOSTNAME"},
	{"lb-pool", FLAG_STRING, BEFORE_RUN, "TUNNEL_LB_POOL"},
	{"overwrite-dns", FLAG_BOOL, BEFORE_RUN, "TUNNEL_FORCE_PROVISIONING_DNS"},
	{"post-quantum", FLAG_BOOL, BOTH, "TUNNEL_POST_QUANTUM"},
	{"protocol", FLAG_STRING, BOTH, "TUNNEL_TRANSPORT_PROTOCOL"},
	{"pq", FLAG_BOOL, AFTER_RUN, NULL},
	{"credentials-file", FLAG_STRING, AFTER_RUN, "TUNNEL_CRED_FILE"},
	{"credentials-contents", FLAG_STRING, AFTER_RUN, "TUNNEL_CRED_CONTENTS"},
	{"features", FLAG_STRING, AFTER_RUN, "TUNNEL_FEATURES"},
	{"F", FLAG_STRING, AFTER_RUN, NULL},
	{"token", FLAG_STRING, AFTER_RUN, "TUNNEL_TOKEN"},
	{"token-file", FLAG_STRING, AFTER_RUN, "TUNNEL_TOKEN_FILE"},
	{"icmpv4-src", FLAG_STRING, AFTER_RUN, "TUNNEL_ICMPV4_SRC"},
	{"icmpv6-src", FLAG_STRING, AFTER_RUN, "TUNNEL_ICMPV6_SRC"},
	{"max-active-flows", FLAG_INT, AFTER_RUN, "TUNNEL_MAX_ACTIVE_FLOWS"},
	{"dns-resolver-addrs", FLAG_STRING, AFTER_RUN, "TUNNEL_DNS_RESOLVER_ADDRS"},
	{"url", FLAG_STRING, AFTER_RUN, "TUNNEL_URL"},
	{"hello-world", FLAG_BOOL, AFTER_RUN, "TUNNEL_HELLO_WORLD"},
	{"socks5", FLAG_BOOL, AFTER_RUN, "TUNNEL_SOCKS"},
	{"unix-socket", FLAG_STRING, AFTER_RUN, "TUNNEL_UNIX_SOCKET"},
	{"http-host-header", FLAG_STRING, AFTER_RUN, "TUNNEL_HTTP_HOST_HEADER"},
	{"origin-server-name", FLAG_STRING, AFTER_RUN, "TUNNEL_ORIGIN_SERVER_NAME"},
	{"origin-ca-pool", FLAG_STRING, AFTER_RUN, "TUNNEL_ORIGIN_CA_POOL"},
	{"no-tls-verify", FLAG_BOOL, AFTER_RUN, "NO_TLS_VERIFY"},
	{"no-chunked-encoding", FLAG_BOOL, AFTER_RUN, "TUNNEL_NO_CHUNKED_ENCODING"},
	{"http2-origin", FLAG_BOOL, AFTER_RUN, "TUNNEL_ORIGIN_ENABLE_HTTP2"},
	{"bastion", FLAG_BOOL, AFTER_RUN, "TUNNEL_BASTION"},
	{"proxy-connect-timeout", FLAG_DURATION, AFTER_RUN, NULL},
	{"proxy-tls-timeout", FLAG_DURATION, AFTER_RUN, NULL},
	{"proxy-tcp-keepalive", FLAG_DURATION, AFTER_RUN, NULL},
	{"proxy-no-happy-eyeballs", FLAG_BOOL, AFTER_RUN, NULL},
	{"proxy-keepalive-connections", FLAG_INT, AFTER_RUN, NULL},
	{"proxy-keepalive-timeout", FLAG_DURATION, AFTER_RUN, NULL},
	{"proxy-connection-timeout", FLAG_DURATION, AFTER_RUN, NULL},
	{"proxy-expect-continue-timeout", FLAG_DURATION, AFTER_RUN, NULL},
	{"proxy-address", FLAG_STRING, AFTER_RUN, "TUNNEL_PROXY_ADDRESS"},
	{"proxy-port", FLAG_INT, AFTER_RUN, "TUNNEL_PROXY_PORT"},
};
_Static_assert(COUNT(flags) <= MAX_FLAGS, "settings hold a value for each flag");

const struct flag *flag_at(size_t i)
{
	return i < COUNT(flags) ? &flags[i] : NULL;
}

int flag_find(const char *name)
{
	for (size_t i = 0; i < COUNT(flags); i++)
		if (!strcmp(flags[i].name, name))
			return (int)i;
	return -1;
}

const char *setting(const struct settings *s, const char *name)
{
	int i = flag_find(name);

	return i < 0 ? NULL : s->values[i];
}

void setting_put(struct settings *s, int flag, const char *value, int rank)
{
	if (s->rank[flag] > rank)
		return;
	free(s->values[flag]);
	s->values[flag] = must_dup(value);
	s->rank[flag] = rank;
}

static int64_t unit_ms(const char *p, size_t *len)
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = {{"ns", 0},      {"us", 1},       {"ms", 1000},
		     {"s", 1000000}, {"m", 60000000}, {"h", 3600000000}};

	for (size_t i = 0; i < COUNT(units); i++) {
		*len = strlen(units[i].name);
		if (!strncmp(p, units[i].name, *len))
			return units[i].us;
	}
	return -1;
}

/* As Go's ParseDuration: "1m30s", "1.5h", "0". */
bool duration_read(const char *text, int64_t *ms)
{
	double us = 0;

	if (!strcmp(text, "0")) {
		*ms = 0;
		return true;
	}
	if (!*text)
		return false;
	while (*text) {
		char *end;
		double number;
		size_t len;
		int64_t unit;

		if (*text < '0' || *text > '9')
			return false;
		number = strtod(text, &end);
		unit = unit_ms(end, &len);
		if (end == text || unit < 0)
			return false;
		us += number * (double)unit;
		text = end + len;
	}
	*ms = (int64_t)(us / 1000);
	return true;
}

static _Noreturn void usage(int where, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static _Noreturn void usage(int where, const char *fmt, ...)
{
	va_list ap;

	if (fmt) {
		va_start(ap, fmt);
		fputs("Incorrect Usage: ", stdout);
		vfprintf(stdout, fmt, ap);
		fputs("\n\n", stdout);
		va_end(ap);
	}
	printf("NAME:\n   cloudflared tunnel%s\n\nUSAGE:\n   cloudflared tunnel "
	       "[tunnel command options] run [subcommand options] [TUNNEL]\n\nOPTIONS:\n",
	       where == AFTER_RUN ? " run" : "");
	for (size_t i = 0; i < COUNT(flags); i++)
		if (flags[i].where & where)
			printf("   --%s%s\n", flags[i].name,
			       flags[i].type == FLAG_BOOL ? "" : " value");
	fflush(stdout);
	_Exit(0);
}

static void check_value(const struct flag *f, const char *value, int where)
{
	int64_t ms;
	char *end;

	if (f->type == FLAG_INT) {
		strtoll(value, &end, 10);
		if (!*value || *end)
			usage(where, "invalid value \"%s\" for flag -%s: parse error", value,
			      f->name);
	}
	if (f->type == FLAG_DURATION && !duration_read(value, &ms))
		usage(where, "invalid value \"%s\" for flag -%s: parse error", value, f->name);
	if (f->type == FLAG_BOOL && strcmp(value, "true") && strcmp(value, "false"))
		usage(where, "invalid boolean value \"%s\" for -%s: parse error", value, f->name);
}

/* One flag at argv[at]; the next place. */
static int read_flag(struct settings *s, int argc, char **argv, int at, int where)
{
	char name[64];
	const char *text = argv[at] + (argv[at][1] == '-' ? 2 : 1);
	const char *value = strchr(text, '=');
	size_t len = value ? (size_t)(value - text) : strlen(text);
	int flag;

	snprintf(name, sizeof(name), "%.*s", at_most(len, 63), text);
	if (!strcmp(name, "help") || !strcmp(name, "h"))
		usage(where, NULL);
	flag = flag_find(name);
	if (flag < 0 || !(flags[flag].where & where))
		usage(where, "flag provided but not defined: -%s", name);
	if (value)
		value++;
	else if (flags[flag].type == FLAG_BOOL)
		value = "true";
	else if (++at < argc)
		value = argv[at];
	else
		usage(where, "flag needs an argument: -%s", name);
	check_value(&flags[flag], value, where);
	setting_put(s, flag, value, 3);
	return at + 1;
}

static int read_flags(struct settings *s, int argc, char **argv, int at, int where)
{
	while (at < argc && argv[at][0] == '-' && argv[at][1]) {
		if (!strcmp(argv[at], "--"))
			return at + 1;
		at = read_flag(s, argc, argv, at, where);
	}
	return at;
}

static void read_environment(struct settings *s)
{
	for (size_t i = 0; i < COUNT(flags); i++) {
		const char *value = flags[i].env ? getenv(flags[i].env) : NULL;

		if (value && *value)
			setting_put(s, (int)i, value, 2);
	}
}

void args_read(struct settings *s, int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "";
	int at;

	if (!strcmp(first, "--version") || !strcmp(first, "version") || !strcmp(first, "-v")) {
		printf("cloudflared version " STUB_VERSION " (built 2026-08-20-0000 UTC)\n");
		fflush(stdout);
		_Exit(0);
	}
	if (strcmp(first, "tunnel"))
		usage(BEFORE_RUN, NULL);
	read_environment(s);
	at = read_flags(s, argc, argv, 2, BEFORE_RUN);
	if (at >= argc || strcmp(argv[at], "run"))
		usage(BEFORE_RUN, NULL);
	at = read_flags(s, argc, argv, at + 1, AFTER_RUN);
	if (at + 1 < argc)
		die(255,
		    "\"cloudflared tunnel run\" accepts only one argument, the ID or name of the "
		    "tunnel to run.\nSee 'cloudflared tunnel run --help'.");
	if (at < argc)
		s->tunnel_id = argv[at];
}
