/* The command line of adit-sim. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include "base/err.h"

#define SIM_TOKEN   "sim-token-0000000000000000000000000000000"
#define SIM_ACCOUNT "023e105f4ecef8ad9ca31a8372d0c353"
#define SIM_OTHER   "11111111111111111111111111111111"

struct options {
	const char *api, *control, *edge, *visitors; /* addresses */
	const char *state;                           /* seed file, NULL = none */
	const char *ready_file;
	const char *token, *account;
	struct strlist zones;
	int ready_fd; /* -1 = none */
	bool help, version;
};

/* ERR_INVALID says what is wrong; strings are argv's own. */
MUST_USE int options_parse(int argc, char **argv, struct options *o, struct err *e);
void options_free(struct options *o);
void options_help(void);

#endif
