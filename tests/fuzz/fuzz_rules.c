/*
 * Any JSON as a ruleset, a rule of one, and a rule of the firewall beside it; any bytes as an
 * expression. What is called a word has the form of one, a refused row leaves nothing behind, and
 * an alternative that always holds is never seen as none.
 */
#include "cloudflare/expression.h"
#include "cloudflare/firewall.h"
#include "cloudflare/rulesets.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_word(const char *word)
{
	require(!word || (strlen(word) <= 64 && !strpbrk(word, " \t\n\"'/<>{}[]()")));
}

static int told_override(const struct cf_override *x, void *owner)
{
	(void)owner;
	require_word(x->target);
	require_word(x->action);
	require_word(x->sensitivity);
	require(cf_override_word(x->of) != NULL);
	require((x->of == CF_OVERRIDE_RULESET) == !x->target);
	return 0;
}

static int told_skip(const struct cf_skip *x, void *owner)
{
	(void)owner;
	require_word(x->target);
	require_word(x->ruleset);
	require(cf_skip_word(x->of) != NULL);
	require((x->of == CF_SKIP_REST) == !x->target);
	return 0;
}

static void read_rule(const struct json *v)
{
	struct cf_ruleset_rule r;
	size_t unreadable = 0;
	if (cf_ruleset_rule_read(v, &r) < 0)
		return;
	require(r.id != NULL);
	require_word(r.id);
	require_word(r.action);
	require_word(cf_rule_executes(&r));
	(void)cf_rule_overrides(&r, told_override, NULL, &unreadable);
	(void)cf_rule_skips(&r, told_skip, NULL, &unreadable);
	AUTO(str_t) rate = cf_rule_rate(&r);
}

static void read_other(int (*read)(const struct json *v, struct cf_firewall_rule *out),
		       const struct json *v)
{
	AUTO(cf_firewall_rule_t) r = {0};
	bool ok = read(v, &r) == 0;
	require(ok == (r.id != NULL) && ok == (r.expression != NULL));
	require_word(r.id);
	require_word(r.action);
}

static void read_row(const struct json *v)
{
	struct cf_ruleset set;
	if (cf_ruleset_read(v, &set) == 0)
		JSON_EACH (rule, set.rules)
			read_rule(rule);
	read_rule(v);
	read_other(cf_access_rule_read, v);
	read_other(cf_lockdown_read, v);
	read_other(cf_agent_rule_read, v);
}

static void read_expression(const uint8_t *data, size_t size)
{
	AUTO(str_t) text = str_ndup((const char *)data, size);
	AUTO(str_t) either = str_format("true or %s", text);
	(void)cf_expression_excludes_zone(text, "shop.example");
	require(!cf_expression_excludes_zone(either, "shop.example"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(json_doc_t) doc = NULL;
	struct err e;
	read_expression(data, size);
	if (json_parse((const char *)data, size, NULL, &doc, &e) < 0)
		return 0;
	read_row(json_root(doc));
	JSON_EACH (row, json_root(doc))
		read_row(row);
	return 0;
}
