#include "cloudflare/firewall.h"

#include <stdlib.h>
#include <string.h>

#include "cloudflare/words.h"

void cf_firewall_rule_t_cleanup(cf_firewall_rule_t *r)
{
	free(r->expression);
	r->expression = NULL;
}

/* ---- the form that they share ---- */

/* What was called so before there were rulesets. */
static const char *action_of(const char *mode)
{
	return str_equal(mode, "whitelist") ? "allow" : mode;
}

const char *cf_access_mode(const char *action)
{
	static const char *const modes[] = {"block", "challenge", "js_challenge",
					    "managed_challenge"};

	if (str_equal(action, "allow") || str_equal(action, "whitelist"))
		return "whitelist";
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (str_equal(modes[i], action))
			return modes[i];
	return NULL;
}

static int read_common(const struct json *v, struct cf_firewall_rule *out)
{
	const struct json *paused = json_get(v, "paused");
	const char *id = cf_word(v, "id");
	int64_t updated = cf_time(v, "modified_on");

	if (!id || (!json_is_null(paused) && json_type(paused) != JSON_BOOL))
		return -1;
	*out = (struct cf_firewall_rule){
		.id = id,
		.action = action_of(cf_word(v, "mode")),
		.description = cf_text(v, "description"),
		.paused = json_bool(paused, false),
		.priority = json_get_int(v, "priority", -1),
		.updated_ms = updated ? updated : cf_time(v, "created_on"),
	};
	return 0;
}

/* ---- for whom ---- */

/* As a string of that language. */
static void add_quoted(struct buf *out, const char *text)
{
	(void)buf_char(out, '"');
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			(void)buf_char(out, '\\');
		(void)buf_char(out, *c);
	}
	(void)buf_char(out, '"');
}

static int add_configuration(struct buf *out, const char *target, const char *value)
{
	if (!target || !value)
		return -1;
	if (str_equal(target, "ip") || str_equal(target, "ip6"))
		(void)buf_printf(out, "ip.src eq %s", value);
	else if (str_equal(target, "ip_range"))
		(void)buf_printf(out, "ip.src in {%s}", value);
	else if (str_equal(target, "asn"))
		(void)buf_printf(out, "ip.src.asnum eq %s",
				 value + (str_starts(value, "AS") ? 2 : 0));
	else if (str_equal(target, "country")) {
		(void)buf_str(out, "ip.src.country eq ");
		add_quoted(out, value);
	} else if (str_equal(target, "ua")) {
		(void)buf_str(out, "http.user_agent eq ");
		add_quoted(out, value);
	} else
		return -1;
	return 0;
}

static int read_configured(const struct json *v, struct cf_firewall_rule *out)
{
	const struct json *one = json_get(v, "configuration");
	AUTO(buf_t) text = {0};
	struct cf_firewall_rule x;

	if (read_common(v, &x) < 0 ||
	    add_configuration(&text, cf_word(one, "target"), cf_text(one, "value")) < 0)
		return -1;
	x.expression = buf_steal(&text);
	*out = x;
	return 0;
}

int cf_access_rule_read(const struct json *v, struct cf_firewall_rule *out)
{
	const struct json *scope = json_get(v, "scope");

	if (read_configured(v, out) < 0)
		return -1;
	out->description = cf_text(v, "notes");
	/* Of some that a zone has, none is told. */
	if (!json_is_null(scope) && !str_equal(json_get_string(scope, "type"), "zone"))
		out->scope = CF_FIREWALL_WIDER;
	return 0;
}

int cf_agent_rule_read(const struct json *v, struct cf_firewall_rule *out)
{
	return read_configured(v, out);
}

/* ---- lockdowns ---- */

static int add_urls(struct buf *out, const struct json *urls)
{
	const char *between = "";

	JSON_EACH (url, urls) {
		const char *text = json_string(url);
		AUTO(str_t) any = str_format("http*://%s", text ? text : "");
		if (!text || !*text)
			return -1;
		(void)buf_printf(out, "%shttp.request.full_uri wildcard ", between);
		add_quoted(out, any);
		between = " or ";
	}
	return *between ? 0 : -1;
}

static int add_addresses(struct buf *out, const struct json *configurations)
{
	const char *between = "";

	JSON_EACH (one, configurations) {
		const char *value = cf_text(one, "value");
		if (!value)
			return -1;
		(void)buf_printf(out, "%s%s", between, value);
		between = " ";
	}
	return 0;
}

/* Whoever does not come from the addresses is turned away from the URLs. */
int cf_lockdown_read(const struct json *v, struct cf_firewall_rule *out)
{
	AUTO(buf_t) urls = {0};
	AUTO(buf_t) addresses = {0};
	struct cf_firewall_rule x;

	if (read_common(v, &x) < 0 || add_urls(&urls, json_get(v, "urls")) < 0 ||
	    add_addresses(&addresses, json_get(v, "configurations")) < 0)
		return -1;
	x.action = "block";
	x.expression = addresses.len ? str_format("(%s) and not ip.src in {%s}", buf_text(&urls),
						  buf_text(&addresses))
				     : buf_steal(&urls);
	*out = x;
	return 0;
}
