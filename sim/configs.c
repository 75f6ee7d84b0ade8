/*
 * A tunnel's remote configuration. What was sent is kept as text, so that a reader gets foreign
 * members back byte for byte; the checks look at a parsed copy.
 */
#include <string.h>

#include "sim/routes.h"
#include "sim/tunnel_json.h"

#define CODE_BAD_CONFIG 1056

static int bad_config(struct refusal *f, const char *what)
{
	return refuse(f, 400, CODE_BAD_CONFIG, "Bad Configuration: Validation failed: %s", what);
}

/* ---- originRequest ---- */

static const struct {
	const char *key;
	enum json_type type; /* JSON_NUMBER = whole seconds or a count */
} origin_members[] = {
	{"connectTimeout", JSON_NUMBER},
	{"tlsTimeout", JSON_NUMBER},
	{"tcpKeepAlive", JSON_NUMBER},
	{"keepAliveTimeout", JSON_NUMBER},
	{"keepAliveConnections", JSON_NUMBER},
	{"disableChunkedEncoding", JSON_BOOL},
	{"http2Origin", JSON_BOOL},
	{"matchSNItoHost", JSON_BOOL},
	{"noHappyEyeballs", JSON_BOOL},
	{"noTLSVerify", JSON_BOOL},
	{"caPool", JSON_STRING},
	{"httpHostHeader", JSON_STRING},
	{"originServerName", JSON_STRING},
	{"proxyType", JSON_STRING},
	{"access", JSON_OBJECT},
};

static int check_access(const struct json *access, struct refusal *f)
{
	const struct json *tags = json_get(access, "audTag");

	if (!access)
		return 0;
	if (!json_get_string(access, "teamName"))
		return bad_config(f, "access needs a teamName");
	if (json_type(tags) != JSON_ARRAY)
		return bad_config(f, "access needs an audTag list");
	JSON_EACH (tag, tags) {
		if (!json_string(tag))
			return bad_config(f, "audTag holds strings");
	}
	return 0;
}

static int check_origin(const struct json *o, struct refusal *f)
{
	int64_t number;

	if (!o)
		return 0;
	if (json_type(o) != JSON_OBJECT)
		return bad_config(f, "originRequest must be an object");
	for (size_t i = 0; i < ARRAY_LEN(origin_members); i++) {
		const struct json *v = json_get(o, origin_members[i].key);
		if (!v)
			continue;
		bool right = json_type(v) == origin_members[i].type;
		if (right && origin_members[i].type == JSON_NUMBER)
			right = json_int(v, &number);
		if (right)
			continue;
		AUTO(str_t)
		what = str_format("originRequest.%s is of the wrong type", origin_members[i].key);
		return bad_config(f, what);
	}
	return check_access(json_get(o, "access"), f);
}

/* ---- ingress ---- */

static int check_hostname(const char *hostname, struct refusal *f)
{
	const char *star = strchr(hostname, '*');

	if (strchr(hostname, ':'))
		return bad_config(f, "Hostname cannot contain a port");
	if (star && (star != hostname || strchr(star + 1, '*') || (star[1] && star[1] != '.')))
		return bad_config(f, "Hostname patterns can have at most one wildcard character "
				     "(\"*\") and it can only be used for subdomains");
	return 0;
}

static int check_service(const char *service, struct refusal *f)
{
	struct service parsed;
	struct err e = {0};

	if (!service)
		return bad_config(f, "every rule needs a service");
	if (service_parse(service, &parsed, &e) == 0)
		return 0;
	AUTO(str_t) what = str_format("service \"%.100s\" is not valid", service);
	return bad_config(f, what);
}

static int check_types(const struct json *rule, struct refusal *f)
{
	static const char *const texts[] = {"hostname", "path", "service"};

	if (json_type(rule) != JSON_OBJECT)
		return bad_config(f, "a rule must be an object");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct json *v = json_get(rule, texts[i]);
		if (!v || json_string(v))
			continue;
		AUTO(str_t) what = str_format("%s must be a string", texts[i]);
		return bad_config(f, what);
	}
	return 0;
}

static int check_rule(const struct json *rule, struct refusal *f)
{
	if (check_types(rule, f) < 0)
		return -1;
	const char *hostname = json_get_string(rule, "hostname");
	const char *path = json_get_string(rule, "path");
	bool all = (!hostname || !hostname[0] || str_equal(hostname, "*")) && (!path || !path[0]);
	if (!json_next(rule) && !all)
		return bad_config(f,
				  "The last ingress rule must match all URLs (i.e. it should not "
				  "have a hostname or path filter)");
	if (json_next(rule) && all)
		return bad_config(f, "A rule that matches every URL must be the last one");
	if (hostname && check_hostname(hostname, f) < 0)
		return -1;
	if (check_service(json_get_string(rule, "service"), f) < 0)
		return -1;
	return check_origin(json_get(rule, "originRequest"), f);
}

static int check_config(const struct json *config, struct refusal *f)
{
	const struct json *ingress = json_get(config, "ingress");

	if (json_type(config) != JSON_OBJECT)
		return bad_config(f, "config must be an object");
	if (check_origin(json_get(config, "originRequest"), f) < 0)
		return -1;
	if (!ingress)
		return 0;
	if (json_type(ingress) != JSON_ARRAY || json_count(ingress) == 0)
		return bad_config(f, "ingress must be a list of at least one rule");
	JSON_EACH (rule, ingress) {
		if (check_rule(rule, f) < 0)
			return -1;
	}
	return 0;
}

/* ---- the two calls ---- */

static void answer_config(struct call *k)
{
	const struct sim_tunnel *t = k->tunnel;

	call_ok_begin(k);
	json_object_begin(&k->w);
	json_put_string(&k->w, "tunnel_id", t->id);
	json_put_int(&k->w, "version", t->version);
	json_write_key(&k->w, "config");
	if (t->config)
		json_write_raw(&k->w, t->config, strlen(t->config));
	else
		json_write_null(&k->w);
	json_put_string(&k->w, "source", t->remote ? "cloudflare" : "local");
	json_put_time(&k->w, "created_at", t->config_ms ? t->config_ms : t->created_ms);
	json_put_string(&k->w, "account_id", t->account);
	json_object_end(&k->w);
	call_ok_end(k);
}

void answer_config_get(struct call *k)
{
	if (call_tunnel_lives(k) == 0)
		answer_config(k);
}

void answer_config_put(struct call *k)
{
	struct sim_tunnel *t = k->tunnel;
	struct refusal f;

	if (call_tunnel_lives(k) < 0 || call_body(k) < 0)
		return;
	if (check_config(json_get(k->body, "config"), &f) < 0) {
		call_fail_at(k, &f, NULL);
		return;
	}
	struct json_span whole = json_span_of(k->q->body, k->q->body_len);
	struct json_span config = json_span_member(whole, "config");
	AUTO(str_t) text = str_ndup(config.p, config.len);
	call_touch(k, t->id, t->maker);
	t->version = t->config ? t->version + 1 : k->c->limits.first_version;
	str_set(&t->config, text);
	t->config_ms = k->q->now_ms;
	/* a locally managed tunnel becomes a remotely managed one by its first configuration */
	t->remote = true;
	answer_config(k);
	if (k->c->edge.config_changed)
		k->c->edge.config_changed(t->id, k->c->edge.owner);
}
