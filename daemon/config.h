/*
 * Where settings come from: the file, the files of conf.d beside it, the environment (ADIT_*), in
 * rising precedence; reading and writing of files only, the meaning is model/settings. A copy of
 * the last good settings is kept in state_dir, for a boot with a broken file.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "model/settings.h"

#define CONFIG_DEFAULT "/etc/adit/adit.yaml"

/* required: a missing file is an error; else it gives the defaults. */
MUST_USE int config_load(const char *path, bool required, struct settings *out, struct err *e);
/* Keep what was good; failing to is only logged. */
void config_keep(int state_dirfd, const char *path);
/* The settings of the last good start. ERR_NOT_FOUND when there is no copy. */
MUST_USE int config_load_kept(const char *state_dir, struct settings *out, struct err *e);

#endif
