/* Reading the command line. */
#include "sim/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define LOOPBACK "127.0.0.1:0"

static const struct option table[] = {
	{"api", required_argument, NULL, 'a'},
	{"control", required_argument, NULL, 'c'},
	{"edge", required_argument, NULL, 'e'},
	{"visitors", required_argument, NULL, 'w'},
	{"state", required_argument, NULL, 's'},
	{"ready-fd", required_argument, NULL, 'd'},
	{"ready-file", required_argument, NULL, 'f'},
	{"token", required_argument, NULL, 't'},
	{"account", required_argument, NULL, 'i'},
	{"zone", required_argument, NULL, 'z'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

void options_help(void)
{
	puts("Usage: adit-sim [OPTION]...\n"
	     "A simulated Cloudflare: API, edge and a port to order faults. Nothing leaves this "
	     "machine.\n"
	     "\n"
	     "  --api ADDRESS        where the API listens; all default to 127.0.0.1:0\n"
	     "  --control ADDRESS    where faults are ordered and requests are looked up\n"
	     "  --edge ADDRESS       where connectors come\n"
	     "  --visitors ADDRESS   where visitors come, by their Host header\n"
	     "  --token TOKEN        the API token that may do everything\n"
	     "  --account ID         the account's id, 32 hex digits\n"
	     "  --zone NAME          a zone of that account; may be repeated\n"
	     "                       (default example.com and example.net)\n"
	     "  --state FILE         a JSON seed: accounts, zones, tokens, limits, edits\n"
	     "  --ready-fd N         also write the line of addresses there\n"
	     "  --ready-file FILE    also write the line of addresses there\n"
	     "  --help, --version\n"
	     "\n"
	     "When all sockets listen, one line of JSON on standard output tells their addresses.");
}

static int read_fd(const char *text, int *out, struct err *e)
{
	char *end = NULL;
	long fd = strtol(text, &end, 10);

	if (!text[0] || *end || fd < 0 || fd > 1000000)
		return err_set(e, ERR_INVALID, "not the number of a descriptor");
	*out = (int)fd;
	return 0;
}

static int take(struct options *o, int c, const char *value, struct err *e)
{
	switch (c) {
	case 'a':
		o->api = value;
		return 0;
	case 'c':
		o->control = value;
		return 0;
	case 'e':
		o->edge = value;
		return 0;
	case 'w':
		o->visitors = value;
		return 0;
	case 's':
		o->state = value;
		return 0;
	case 'f':
		o->ready_file = value;
		return 0;
	case 't':
		o->token = value;
		return 0;
	case 'i':
		o->account = value;
		return 0;
	case 'z':
		strlist_add(&o->zones, value);
		return 0;
	case 'd':
		return read_fd(value, &o->ready_fd, e);
	case 'h':
		o->help = true;
		return 0;
	case 'V':
		o->version = true;
		return 0;
	default:
		return err_set(e, ERR_INVALID, "unknown option or missing value");
	}
}

static int check_address(const char *option, const char *address, struct err *e)
{
	const char *colon = strrchr(address, ':');
	AUTO(str_t) host = str_ndup(address, colon ? (size_t)(colon - address) : 0);

	if (colon && host[0] == '[' && str_ends(host, "]")) {
		memmove(host, host + 1, strlen(host));
		host[strlen(host) - 1] = '\0';
	}
	if (colon && address_is_loopback(host))
		return 0;
	return err_set(e, ERR_INVALID, "--%s wants a loopback address and a port, as in %s, not %s",
		       option, LOOPBACK, address);
}

static int check(const struct options *o, struct err *e)
{
	if (check_address("api", o->api, e) < 0 || check_address("control", o->control, e) < 0 ||
	    check_address("edge", o->edge, e) < 0 || check_address("visitors", o->visitors, e) < 0)
		return -1;
	if (strlen(o->account) != 32 || !hex_valid(o->account, 32))
		return err_set(e, ERR_INVALID, "--account wants 32 hex digits");
	if (strlen(o->token) < 16)
		return err_set(e, ERR_INVALID, "--token wants at least 16 characters");
	return 0;
}

int options_parse(int argc, char **argv, struct options *o, struct err *e)
{
	int c;

	*o = (struct options){.api = LOOPBACK,
			      .control = LOOPBACK,
			      .edge = LOOPBACK,
			      .visitors = LOOPBACK,
			      .token = SIM_TOKEN,
			      .account = SIM_ACCOUNT,
			      .ready_fd = -1};
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1)
		if (take(o, c, optarg, e) < 0)
			return err_wrap(e, "%s", argv[optind - 1]);
	if (optind < argc)
		return err_set(e, ERR_INVALID, "%s: adit-sim takes options only", argv[optind]);
	if (o->zones.n == 0) {
		strlist_add(&o->zones, "example.com");
		strlist_add(&o->zones, "example.net");
	}
	return check(o, e);
}

void options_free(struct options *o)
{
	strlist_free(&o->zones);
}
