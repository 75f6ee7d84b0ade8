/* The configuration of a tunnel. What is read here decides what is written back over it, so an
 * answer that is not exactly as expected is refused rather than taken for an empty document. */
#include "cloudflare/configs.h"

#include <string.h>

#include "cloudflare/paths.h"

static void config_get(struct cf *cf, struct cf_call *c, enum cf_share share, const char *tunnel_id,
		       task_done_fn *done, void *owner)
{
	AUTO(str_t) path = NULL;
	struct err e;

	if (path_tunnel(cf, tunnel_id, "/configurations", &path, &e) < 0)
		cf_call_refuse(cf, c, &e, done, owner);
	else
		cf_call_start(cf, c, share, "GET", path, NULL, tunnel_id, PERMISSION_TUNNEL_READ,
			      done, owner);
}

void cf_config_get(struct cf *cf, struct cf_call *c, const char *tunnel_id, task_done_fn *done,
		   void *owner)
{
	config_get(cf, c, CF_SHARE_RECONCILE, tunnel_id, done, owner);
}

void cf_config_ask(struct cf *cf, struct cf_call *c, const char *tunnel_id, task_done_fn *done,
		   void *owner)
{
	config_get(cf, c, CF_SHARE_PEOPLE, tunnel_id, done, owner);
}

static int document_check(const char *document, struct err *e)
{
	size_t len = strlen(document);

	if (json_check(document, len, NULL, e) < 0)
		return err_wrap(e, "the configuration to be sent");
	if (*json_span_of(document, len).p != '{')
		return err_set(e, ERR_INVALID, "the configuration to be sent is no object");
	return 0;
}

void cf_config_put(struct cf *cf, struct cf_call *c, const char *tunnel_id, const char *document,
		   task_done_fn *done, void *owner)
{
	AUTO(str_t) path = NULL;
	struct err e;

	if (document_check(document, &e) < 0 ||
	    path_tunnel(cf, tunnel_id, "/configurations", &path, &e) < 0) {
		cf_call_refuse(cf, c, &e, done, owner);
		return;
	}
	AUTO(str_t) body = str_format("{\"config\":%s}", document);
	cf_call_start(cf, c, CF_SHARE_RECONCILE, "PUT", path, body, tunnel_id,
		      PERMISSION_TUNNEL_EDIT, done, owner);
}

static int config_refuse(const char *what, struct err *e)
{
	return err_set(e, ERR_UPSTREAM, "Cloudflare's answer is no tunnel configuration: %s", what);
}

/* The answer is about the tunnel that was asked for, where it says so. */
static bool same_tunnel(const struct cf_call *c)
{
	const struct json *id = json_get(c->result, "tunnel_id");
	const char *text = json_string(id);

	if (json_is_null(id) || !c->path)
		return true;
	return text && uuid_valid(text) && strcasestr(c->path, text);
}

int cf_config_read(const struct cf_call *c, struct cf_config *out, struct err *e)
{
	const struct json *config = json_get(c->result, "config");
	struct cf_config found = {0};

	if (json_type(c->result) != JSON_OBJECT)
		return config_refuse(json_type_name(json_type(c->result)), e);
	if (!json_int(json_get(c->result, "version"), &found.version) || found.version < 0)
		return config_refuse("its version is missing or malformed", e);
	if (!json_is_null(config) && json_type(config) != JSON_OBJECT)
		return config_refuse("the document is no object", e);
	if (!same_tunnel(c))
		return config_refuse("it is about another tunnel", e);
	found.local = str_equal(json_get_string(c->result, "source"), "local");
	if (json_type(config) == JSON_OBJECT)
		found.config = json_raw(config);
	*out = found;
	return 0;
}
