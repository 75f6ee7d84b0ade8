/*
 * The settings of design 3.1: one typed table, its defaults, and the struct it fills. Parsing is
 * pure; daemon/config reads the files, config_check checks bytes that a client sent.
 */
#ifndef MODEL_SETTINGS_H
#define MODEL_SETTINGS_H

#include "base/fields.h"
#include "base/yaml.h"

struct access_rule {
	struct strlist groups, users;
};

struct settings_access {
	struct access_rule viewer, operator, admin;
};

struct settings_cloudflare {
	char *account_id;      /* NULL = not configured: nothing is written to Cloudflare */
	char *api_token_file;  /* the systemd credential `cloudflare-token` goes before it */
	char *read_token_file; /* NULL = the one token does all */
	char *base_url;        /* without a slash at its end */
	char *edge_url; /* where published names are asked for; NULL = where DNS leads, by https */
	char *ca_file;  /* further trust anchor, for a base_url of one's own; NULL = system's */
	char *budget;   /* "600/5m"; checked by the table */
	int64_t fleet_size;
};

struct settings_reconcile {
	struct duration interval;
	char *drift;
};

struct settings_safety {
	int64_t max_delete;
	struct strlist protect; /* normalised host names, "*." allowed */
	struct strlist allow_services;
};

struct settings_health {
	struct duration interval, timeout, unready;
	int64_t failures;
};

struct settings_connectors {
	char *launcher, *cloudflared, *protocol;
	struct duration grace_period;
	struct settings_health health;
	char *upgrade;
};

struct settings_mcp {
	char *listen;  /* NULL = no TCP door */
	bool metrics;  /* serve /metrics on it too */
	char *aliases; /* none, or whose names tools answer to besides their own */
};

struct settings_log {
	char *level;
};

struct settings {
	char *owner;
	char *state_dir;
	char *socket;
	struct settings_access access;
	struct settings_cloudflare cloudflare;
	struct settings_reconcile reconcile;
	struct settings_safety safety;
	struct settings_connectors connectors;
	struct settings_mcp mcp;
	struct settings_log log;
};

const struct field *settings_table(void);
/* The texts that only a restart changes. */
struct setting_fixed {
	const char *name;
	size_t offset;
};
const struct setting_fixed *settings_fixed(size_t *n);
const char *setting_fixed_get(const struct settings *s, const struct setting_fixed *f);
void setting_fixed_put(struct settings *s, const struct setting_fixed *f, const char *value);
void settings_free(struct settings *s);
typedef struct settings settings_t;
void settings_t_cleanup(settings_t *s);
/* Defaults alone (owner stays NULL: the caller puts the host name). */
void settings_default(struct settings *s);
/* Parse one YAML text on top of nothing. "file:line:column: key.path: what is wrong, what is
 * accepted". What one key alone cannot say is checked too (http:// only to loopback, budget form,
 * account id form, protect patterns, absolute paths). */
MUST_USE int settings_parse(const char *file, const char *text, size_t len, struct settings *out,
			    struct err *e);
/* Several files (adit.yaml, conf.d/...): sections are joined; a key given twice is refused with
 * both places. */
struct settings_source {
	const char *file;
	const char *text;
	size_t len;
};
MUST_USE int settings_parse_all(const struct settings_source *sources, size_t n,
				struct settings *out, struct err *e);

#endif
