/* Settings that rooms take in at their beginning: doors, names, where things lie. */
#include "model/settings.h"

static const struct setting_fixed fixed[] = {
	{"owner", offsetof(struct settings, owner)},
	{"state_dir", offsetof(struct settings, state_dir)},
	{"socket", offsetof(struct settings, socket)},
	{"cloudflare.account_id", offsetof(struct settings, cloudflare.account_id)},
	{"cloudflare.base_url", offsetof(struct settings, cloudflare.base_url)},
	{"cloudflare.edge_url", offsetof(struct settings, cloudflare.edge_url)},
	{"cloudflare.ca_file", offsetof(struct settings, cloudflare.ca_file)},
	{"connectors.launcher", offsetof(struct settings, connectors.launcher)},
};

const struct setting_fixed *settings_fixed(size_t *n)
{
	*n = ARRAY_LEN(fixed);
	return fixed;
}

const char *setting_fixed_get(const struct settings *s, const struct setting_fixed *f)
{
	return *(char *const *)(const void *)((const char *)s + f->offset);
}

void setting_fixed_put(struct settings *s, const struct setting_fixed *f, const char *value)
{
	str_set((char **)(void *)((char *)s + f->offset), value);
}
