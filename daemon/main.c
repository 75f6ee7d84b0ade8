/* aditd: options, then the daemon. Exit codes: 0 ok, 64 usage, 78 configuration, 1 else. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/log.h"
#include "daemon/config.h"
#include "daemon/memory.h"
#include "daemon/services.h"

enum { EXIT_USAGE = 64, EXIT_CONFIG = 78 };

static const char usage[] =
	"usage: aditd [--config FILE] [--check-config]\n"
	"\n"
	"Keeps Cloudflare Tunnels, their routes and DNS records as declared, and the\n"
	"cloudflared processes alive. adit(1) is its client.\n"
	"\n"
	"  --config FILE    settings (default " CONFIG_DEFAULT ")\n"
	"  --check-config   read the settings, say what is wrong with them, and exit\n"
	"  --version        print the version and exit\n"
	"  --help           print this and exit\n"
	"\n"
	"exit codes: 0 ok, 1 failed, 64 usage, 78 configuration\n";

struct options {
	const char *config;
	bool given, check;
};

/* -1 = go on, else the exit code. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"check-config", no_argument, NULL, 'k'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;
	while ((c = getopt_long(argc, argv, "c:", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			o->given = true;
			break;
		case 'k':
			o->check = true;
			break;
		case 'V':
			(void)printf("aditd %s\n", ADIT_VERSION);
			return 0;
		case 'h':
			(void)fputs(usage, stdout);
			return 0;
		default:
			(void)fputs("aditd --help lists the options.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	(void)fprintf(stderr, "aditd: \"%s\": aditd takes no arguments, only options\n",
		      argv[optind]);
	return EXIT_USAGE;
}

/* A connector takes up to four descriptors, and many a host starts its daemons with 1,024. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* No core file and no other process of our user may read the token from our memory. */
static void protect_memory(void)
{
	struct rlimit none = {0, 0};
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)umask(077);
}

/* A broken file is no reason to leave tunnels down: the last good settings serve instead. */
static int settle_for_kept(struct settings *s, const struct err *wrong)
{
	struct err e;
	if (config_load_kept(s, &e) < 0)
		return -1;
	log_error("the settings of the last good start are used: %s", wrong->message);
	return 0;
}

static int run(const struct options *o)
{
	struct settings s = {0};
	struct daemon d = {.config_path = o->config, .config_required = o->given};
	struct err e;
	bool good = config_load(o->config, o->given, &s, &e) == 0;
	if (o->check && good) {
		settings_free(&s);
		(void)printf("%s: good\n", o->config);
		return 0;
	}
	if (!good && (o->check || settle_for_kept(&s, &e) < 0)) {
		(void)fprintf(stderr, "aditd: %s\n", e.message);
		return EXIT_CONFIG;
	}
	if (!good)
		daemon_tell_config(&d, &e);
	log_set_level((enum log_level)log_level_by_name(s.log.level));
	int rc = daemon_start(&d, &s, &e);
	if (rc == 0)
		daemon_run(&d);
	else
		log_error("cannot start: %s%s%s", e.message, e.hint[0] ? " " : "", e.hint);
	daemon_stop(&d);
	return rc == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct options o = {.config = CONFIG_DEFAULT};
	int rc = parse_options(argc, argv, &o);
	if (rc >= 0)
		return rc;
	memory_begin();
	protect_memory();
	allow_descriptors();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes is an error of a write, no end */
	log_init("aditd", LOG_LEVEL_INFO);
	return run(&o);
}
