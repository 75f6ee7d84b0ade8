#include "daemon/config.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#define CONFIG_MAX  (1024 * 1024)
#define CONFIG_KEPT "settings.last-good.yaml"
#define FILES_MAX   64

/* Texts of all files, in order. */
struct texts {
	struct settings_source sources[FILES_MAX];
	size_t n;
};

static void texts_t_cleanup(struct texts *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free((void *)(uintptr_t)t->sources[i].file);
		free((void *)(uintptr_t)t->sources[i].text);
	}
}
typedef struct texts texts_t;

static int texts_add(struct texts *t, const char *path, struct err *e)
{
	AUTO(buf_t) text = {0};
	if (t->n == FILES_MAX)
		return err_set(e, ERR_INVALID, "%s: more than %d configuration files", path,
			       FILES_MAX);
	if (file_read(AT_FDCWD, path, CONFIG_MAX, &text, e) < 0)
		return -1;
	t->sources[t->n].len = text.len;
	t->sources[t->n].text = buf_steal(&text);
	t->sources[t->n].file = str_dup(path);
	t->n++;
	return 0;
}

static int is_fragment(const struct dirent *d)
{
	return d->d_name[0] != '.' && str_ends(d->d_name, ".yaml");
}

/* conf.d beside the file, in the order of names. */
static int texts_add_folder(struct texts *t, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	AUTO(str_t)
	folder = slash ? str_format("%.*s/conf.d", (int)(slash - path), path) : str_dup("conf.d");
	struct dirent **names = NULL;
	int n = scandir(folder, &names, is_fragment, alphasort), rc = 0;
	for (int i = 0; i < n; i++) {
		AUTO(str_t) file = str_format("%s/%s", folder, names[i]->d_name);
		if (rc == 0)
			rc = texts_add(t, file, e);
		free(names[i]);
	}
	free(names);
	return rc;
}

/* Simple keys that the environment may set: above the files, below flags. */
static const struct {
	const char *name;
	size_t offset;
} environment[] = {
	{"ADIT_SOCKET", offsetof(struct settings, socket)},
	{"ADIT_STATE_DIR", offsetof(struct settings, state_dir)},
	{"ADIT_OWNER", offsetof(struct settings, owner)},
	{"ADIT_ACCOUNT_ID", offsetof(struct settings, cloudflare.account_id)},
	{"ADIT_BASE_URL", offsetof(struct settings, cloudflare.base_url)},
	{"ADIT_LOG_LEVEL", offsetof(struct settings, log.level)},
};

static int check_again(const struct settings *s, struct err *e)
{
	AUTO(buf_t) text = {0};
	AUTO(settings_t) checked = {0};
	struct json_writer w;
	json_write_init(&w, &text);
	fields_write(settings_table(), s, &w);
	if (settings_parse("environment", buf_text(&text), text.len, &checked, e) < 0)
		return err_wrap(e, "ADIT_* in the environment");
	return 0;
}

/* The first of StateDirectory=; NULL without systemd. */
static char *systemd_state_dir(void)
{
	const char *state = getenv("STATE_DIRECTORY");
	return state && state[0] == '/' ? str_ndup(state, strcspn(state, ":")) : NULL;
}

static int config_environment(struct settings *s, struct err *e)
{
	bool changed = false;
	for (size_t i = 0; i < ARRAY_LEN(environment); i++) {
		const char *value = getenv(environment[i].name);
		if (!value || !value[0])
			continue;
		str_set((char **)(void *)((char *)s + environment[i].offset), value);
		changed = true;
	}
	AUTO(str_t) state = systemd_state_dir();
	if (state && !getenv("ADIT_STATE_DIR"))
		str_set(&s->state_dir, state);
	return changed ? check_again(s, e) : 0;
}

static int config_finish(struct settings *s, struct err *e)
{
	char host[HOSTNAME_MAX + 1] = "";
	if (config_environment(s, e) < 0)
		return -1;
	if (s->owner)
		return 0;
	if (gethostname(host, sizeof(host) - 1) < 0 || !host[0])
		return err_set(e, ERR_INVALID, "owner: not given, and this host has no name");
	host[strcspn(host, ".")] = '\0';
	str_set(&s->owner, host);
	return 0;
}

int config_load(const char *path, bool required, struct settings *out, struct err *e)
{
	AUTO(texts_t) texts = {.n = 0};
	AUTO(settings_t) s = {0};
	if (required || file_exists(AT_FDCWD, path)) {
		if (texts_add(&texts, path, e) < 0 || texts_add_folder(&texts, path, e) < 0)
			return -1;
	}
	if (settings_parse_all(texts.sources, texts.n, &s, e) < 0 || config_finish(&s, e) < 0)
		return -1;
	*out = s;
	memset(&s, 0, sizeof(s));
	return 0;
}

void config_keep(int state_dirfd, const struct settings *s)
{
	AUTO(buf_t) text = {0};
	struct json_writer w;
	struct err e;
	json_write_init(&w, &text);
	fields_write(settings_table(), s, &w);
	if (file_write(state_dirfd, CONFIG_KEPT, text.data, text.len, 0600, &e) < 0)
		log_warning("the last good settings were not kept: %s", e.message);
}

int config_load_kept(struct settings *out, struct err *e)
{
	AUTO(texts_t) texts = {.n = 0};
	AUTO(settings_t) s = {0};
	AUTO(settings_t) usual = {0};
	AUTO(str_t) systemd = systemd_state_dir();
	const char *named = getenv("ADIT_STATE_DIR");
	settings_default(&usual);
	AUTO(str_t)
	path = str_format("%s/" CONFIG_KEPT, named && named[0] ? named
					     : systemd         ? systemd
							       : usual.state_dir);
	if (texts_add(&texts, path, e) < 0 ||
	    settings_parse_all(texts.sources, texts.n, &s, e) < 0 || config_finish(&s, e) < 0)
		return -1;
	*out = s;
	memset(&s, 0, sizeof(s));
	return 0;
}
