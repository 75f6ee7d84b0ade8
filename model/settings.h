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

struct settings {
	char *owner;
	char *state_dir;
	char *socket;
	struct {
		struct access_rule viewer, operator, admin;
	} access;
	struct {
		char *account_id;
		char *api_token_file;
		char *read_token_file;
		char *base_url;
		char *ca_file; /* further trust anchor, for a base_url of one's own; NULL = system's */
		char *budget;  /* "600/5m"; checked by the table */
		int64_t fleet_size;
	} cloudflare;
	struct {
		struct duration interval;
		char *drift;
	} reconcile;
	struct {
		int64_t max_delete;
		struct strlist protect, allow_services;
	} safety;
	struct {
		char *launcher, *cloudflared, *protocol;
		struct duration grace_period;
		struct {
			struct duration interval, timeout, unready;
			int64_t failures;
		} health;
		char *upgrade;
	} connectors;
	struct {
		char *listen; /* NULL = no TCP door */
		bool metrics; /* serve /metrics on it too */
	} mcp;
	struct {
		char *level;
	} log;
};

const struct field *settings_table(void);
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
/* Several files in order (adit.yaml, conf.d/...): a key given twice is refused with both places. */
struct settings_source {
	const char *file;
	const char *text;
	size_t len;
};
MUST_USE int settings_parse_all(const struct settings_source *sources, size_t n,
				struct settings *out, struct err *e);

#endif
