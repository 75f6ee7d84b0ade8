/*
 * Ingress rules as cloudflared matches them: host names case-sensitive, "*.x" for any depth, paths
 * unanchored, the last rule catches all. Path patterns are POSIX extended here, RE2 in real life:
 * near enough for a stub.
 */
#include <stdio.h>

#include "sim/stub/stub.h"

static void rules_free(struct rules *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->items[i].host);
		free(r->items[i].path);
		free(r->items[i].service);
		free(r->items[i].host_header);
		if (r->items[i].has_regex)
			regfree(&r->items[i].regex);
	}
	free(r->items);
	free(r->json);
	*r = (struct rules){.version = -1};
}

static bool host_matches(const char *pattern, const char *host)
{
	size_t p = strlen(pattern), h = strlen(host);

	if (!p || !strcmp(pattern, "*") || !strcmp(pattern, host))
		return true;
	return p > 2 && !strncmp(pattern, "*.", 2) && h >= p - 1 &&
	       !strcmp(host + h - (p - 1), pattern + 1);
}

const struct rule *rules_match(const struct rules *r, const char *host, const char *path,
			       int *index)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct rule *rule = &r->items[i];

		if (!host_matches(rule->host, host))
			continue;
		if (rule->has_regex && regexec(&rule->regex, path, 0, NULL, 0))
			continue;
		*index = (int)i;
		return rule;
	}
	return NULL;
}

static bool catches_all(const struct rule *r)
{
	return (!*r->host || !strcmp(r->host, "*")) && !*r->path;
}

/* What is wrong with the new rules, as the real program says it; false = nothing. */
static bool rules_wrong(const struct rules *r, char *why, size_t size)
{
	if (!r->n || !catches_all(&r->items[r->n - 1])) {
		snprintf(why, size,
			 "The last ingress rule must match all URLs (i.e. it should not have a "
			 "hostname or path filter)");
		return true;
	}
	for (size_t i = 0; i + 1 < r->n; i++) {
		if (catches_all(&r->items[i])) {
			snprintf(why, size,
				 "Rule #%zu is matching the hostname '', but this will match every "
				 "hostname, meaning the rules which follow it will never be "
				 "triggered.",
				 i + 1);
			return true;
		}
	}
	for (size_t i = 0; i < r->n; i++) {
		if (*r->items[i].path && !r->items[i].has_regex) {
			snprintf(why, size, "Rule #%zu has an invalid regex", i + 1);
			return true;
		}
	}
	return false;
}

/* "hostname\tpath\tservice\thost header\n" */
static void rule_add(struct rules *r, char *line)
{
	char *fields[4] = {line, NULL, NULL, NULL};
	struct rule *rule = &r->items[r->n++];

	for (size_t i = 1; i < COUNT(fields); i++) {
		fields[i] = strchr(fields[i - 1], '\t');
		if (fields[i])
			*fields[i]++ = '\0';
		else
			fields[i] = fields[i - 1] + strlen(fields[i - 1]);
	}
	rule->host = must_dup(fields[0]);
	rule->path = must_dup(fields[1]);
	rule->service = must_dup(fields[2]);
	rule->host_header = must_dup(fields[3]);
	if (*rule->path && strlen(rule->path) <= 512)
		rule->has_regex = !regcomp(&rule->regex, rule->path, REG_EXTENDED | REG_NOSUB);
}

static void rules_parse(struct rules *r, char *digest)
{
	char *save = NULL;

	r->items = must_alloc(MAX_RULES * sizeof(*r->items));
	for (char *line = strtok_r(digest, "\n", &save); line && r->n < MAX_RULES;
	     line = strtok_r(NULL, "\n", &save))
		rule_add(r, line);
}

static void rules_apply(struct stub *s, struct rules *next)
{
	struct kv kv[] = {{"config", next->json, 0}, {"version", NULL, next->version}, {0}, {0}};
	char why[256];

	if (rules_wrong(next, why, sizeof(why))) {
		kv[2] = (struct kv){"error", why, 0};
		log_say(&s->log, LEVEL_ERROR, "Failed to deserialize new configuration", kv);
		rules_free(next);
		return;
	}
	rules_free(&s->rules);
	s->rules = *next;
	log_say(&s->log, LEVEL_INFO, "Updated to new configuration", kv);
}

void rules_push(struct stub *s, const char *payload, size_t len)
{
	struct rules next = {0};
	char *text = must_alloc(len + 1), *rest;
	size_t digest;

	memcpy(text, payload, len);
	next.version = strtoll(text, &rest, 10);
	digest = strtoul(rest, &rest, 10);
	if (*rest == '\n' && digest <= len - (size_t)(rest + 1 - text) &&
	    next.version > s->rules.version && !s->mode.stale) {
		next.json = must_dup(rest + 1 + digest);
		rest[1 + digest] = '\0';
		rules_parse(&next, rest + 1);
		rules_apply(s, &next);
	}
	free(text);
	links_running(s);
}
