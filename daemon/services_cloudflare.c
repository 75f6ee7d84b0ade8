/*
 * Cloudflare's clients: one that manages, and one that only reads for people, which has a token of
 * its own where the settings name one. What is wrong with that second token touches nothing but
 * what is read with it.
 */
#include "daemon/private.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#define READ_TOKEN_KEY "cloudflare.read_token_file"

/* ---- tokens ---- */

static void access_missing(struct daemon *d, const struct err *e)
{
	d->world->system.access = ACCESS_MISSING;
	problem_set(&d->world->system.access_problem, e, clock_wall_ms());
	str_set(&d->world->system.writes_off, e->message);
	world_changed(d->world, OBJECT_SYSTEM, "");
	log_warning("nothing is written to Cloudflare: %s", e->message);
}

/* The token: a systemd credential, else the file of the settings. */
static int read_token(const struct daemon *d, struct secret *token, struct err *e)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	if (credentials && credentials[0] == '/') {
		AUTO(str_t) path = str_format("%s/cloudflare-token", credentials);
		if (file_exists(AT_FDCWD, path))
			return secret_read_file(AT_FDCWD, path, token, e);
	}
	const char *file = d->settings.cloudflare.api_token_file;
	if (!file) {
		(void)err_set(e, ERR_DENIED, "There is no API token");
		return err_hint(e, "Put one into a file of mode 0600 and name it in "
				   "cloudflare.api_token_file.");
	}
	if (secret_read_file(AT_FDCWD, file, token, e) == 0)
		return 0;
	(void)err_wrap(e, "cloudflare.api_token_file");
	e->kind = ERR_DENIED;
	return e->hint[0] ? -1
			  : err_hint(e, "Put the API token there, mode 0600, and reload (SIGHUP).");
}

static void load_token(struct daemon *d)
{
	AUTO(secret_t) token = {0};
	struct err e;
	if (!d->world->system.account_id[0]) {
		(void)err_set(&e, ERR_DENIED, "There is no account id");
		(void)err_hint(&e,
			       "Set cloudflare.account_id (32 hex digits, shown at Cloudflare's "
			       "dashboard) and restart.");
		access_missing(d, &e);
		return;
	}
	if (read_token(d, &token, &e) < 0) {
		cf_set_token(d->cf, NULL);
		access_missing(d, &e);
		return;
	}
	if (d->world->system.access == ACCESS_MISSING ||
	    d->world->system.access == ACCESS_REFUSED) {
		d->world->system.access = ACCESS_UNCHECKED;
		problem_clear(&d->world->system.access_problem);
		str_set(&d->world->system.writes_off, NULL);
		world_changed(d->world, OBJECT_SYSTEM, "");
	}
	cf_set_token(d->cf, &token);
}

/* Where one is named it is the one that is used, or none: the token that manages may see what this
 * one is kept from. */
static void load_read_token(struct daemon *d)
{
	AUTO(secret_t) token = {0};
	const char *file = d->settings.cloudflare.read_token_file;
	struct err e;
	struct system_facts *s = &d->reading_world->system;
	cf_reads_use(d->security, file ? d->cf_reading : d->cf);
	if (s->access == ACCESS_MISSING) {
		s->access = ACCESS_UNCHECKED;
		problem_clear(&s->access_problem);
	}
	if (file && secret_read_file(AT_FDCWD, file, &token, &e) < 0) {
		(void)err_wrap(&e, READ_TOKEN_KEY);
		e.kind = ERR_DENIED;
		if (!e.hint[0])
			(void)err_hint(&e, "Put the API token for reading there, mode 0600, and "
					   "reload (SIGHUP).");
		s->access = ACCESS_MISSING;
		problem_set(&s->access_problem, &e, clock_wall_ms());
		log_warning("security data cannot be read: %s", e.message);
	}
	cf_set_token(d->cf_reading, token.len ? &token : NULL);
}

/* ---- clients ---- */

void daemon_budget(const struct settings *s, int64_t *calls, int64_t *window_ms)
{
	struct err e;
	if (rate_parse(s->cloudflare.budget, calls, window_ms, &e) < 0) {
		*calls = 600;
		*window_ms = 300 * 1000;
	}
	*calls /= s->cloudflare.fleet_size;
	if (*calls < 1)
		*calls = 1;
}

int daemon_open_cloudflare(struct daemon *d, struct err *e)
{
	struct cf_options o = {
		.base_url = d->settings.cloudflare.base_url,
		.account_id = d->world->system.account_id,
	};
	daemon_budget(&d->settings, &o.budget_calls, &o.budget_window_ms);
	d->http_cloudflare = http_new(
		d->loop, &(struct http_options){.max_connections = 4,
						.max_in_flight = 8,
						.ca_file = d->settings.cloudflare.ca_file});
	d->http_origins = http_new(d->loop, NULL);
	if (cf_new(d->loop, d->http_cloudflare, d->world, &o, &d->cf, e) < 0)
		return err_wrap(e, "cloudflare.base_url");
	/* What its answers say of access and budget is about its token alone. */
	d->reading_world = world_new();
	o.token_key = READ_TOKEN_KEY;
	if (cf_new(d->loop, d->http_cloudflare, d->reading_world, &o, &d->cf_reading, e) < 0)
		return err_wrap(e, "cloudflare.base_url");
	d->security = cf_reads_new(d->cf);
	load_token(d);
	load_read_token(d);
	return 0;
}

void daemon_account_came(struct daemon *d)
{
	cf_set_account(d->cf, d->world->system.account_id);
	cf_set_account(d->cf_reading, d->world->system.account_id);
	load_token(d);
}

void daemon_reload_cloudflare(struct daemon *d)
{
	int64_t calls, window_ms;
	daemon_budget(&d->settings, &calls, &window_ms);
	cf_set_budget(d->cf, calls, window_ms);
	cf_set_budget(d->cf_reading, calls, window_ms);
	load_token(d);
	load_read_token(d);
}

void daemon_close_cloudflare(struct daemon *d)
{
	cf_reads_free(d->security);
	cf_free(d->cf_reading);
	world_free(d->reading_world);
	cf_free(d->cf);
	if (d->http_cloudflare)
		http_free(d->http_cloudflare);
}
