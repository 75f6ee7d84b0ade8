/*
 * Where settings come from: the file, the files of conf.d beside it, the environment (ADIT_*), in
 * rising precedence; reading and writing of files only, the meaning is model/settings. A copy of
 * the settings in force is kept in state_dir, for a boot with a broken file.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "model/settings.h"

#define CONFIG_DEFAULT "/etc/adit/adit.yaml"

/* required: a missing file is an error; else it gives the defaults. */
MUST_USE int config_load(const char *path, bool required, struct settings *out, struct err *e);
/* Keep what is in force, of whichever files it came; failing to is only logged. */
void config_keep(int state_dirfd, const struct settings *s);
/* What was kept in the state_dir of the environment, else in the usual one: where it lies otherwise
 * only the broken file could tell. */
MUST_USE int config_load_kept(struct settings *out, struct err *e);

#endif
