/* A filled cloud and one-line calls for the simulator's tests. */
#ifndef TESTS_SIM_CLOUD_FIXTURE_H
#define TESTS_SIM_CLOUD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/cloud.h"

#define ACCOUNT "023e105f4ecef8ad9ca31a8372d0c353"
#define OTHER   "11111111111111111111111111111111"
#define ZONE    "a379a6f6eeafb9a55e378c118034e275"
#define FOREIGN "c379a6f6eeafb9a55e378c118034e275"
#define ALL     "all-powerful-token-0001"

struct fixture {
	struct cloud *c;
	struct cloud_response r;
	struct json_doc *doc;
	const char *token; /* of the next calls */
	int64_t now_ms;
};

static inline void fixture_load(struct fixture *f, const char *seed)
{
	AUTO(json_doc_t) doc = NULL;
	struct err e = {0};

	assert_int_equal(json_parse(seed, strlen(seed), NULL, &doc, &e), 0);
	if (cloud_load(f->c, json_root(doc), &e) < 0)
		fail_msg("%s", e.message);
}

static inline int fixture_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	f->c = cloud_new();
	f->token = ALL;
	f->now_ms = 1000000000000;
	fixture_load(f,
		     "{\"accounts\":[{\"id\":\"" ACCOUNT "\",\"name\":\"Mine\"},"
		     "{\"id\":\"" OTHER "\",\"name\":\"Theirs\"}],"
		     "\"zones\":[{\"name\":\"example.com\",\"id\":\"" ZONE "\"},"
		     "{\"name\":\"example.org\",\"id\":\"" FOREIGN "\",\"account\":\"" OTHER "\"}],"
		     "\"tokens\":[{\"value\":\"" ALL "\",\"id\":\"all\"},"
		     "{\"value\":\"cfat_owned-token-0001\",\"account\":\"" ACCOUNT "\"},"
		     "{\"value\":\"reads-dns-only-000001\",\"scopes\":[\"dns:read\","
		     "\"zone:read\"],\"zones\":[\"example.com\"]},"
		     "{\"value\":\"second-token-00000001\",\"id\":\"second\"},"
		     "{\"value\":\"expired-token-0000001\",\"status\":\"expired\"}]}");
	*state = f;
	return 0;
}

static inline void fixture_forget(struct fixture *f)
{
	cloud_response_free(&f->r);
	json_doc_free(f->doc);
	f->r = (struct cloud_response){0};
	f->doc = NULL;
}

static inline int fixture_down(void **state)
{
	struct fixture *f = *state;

	fixture_forget(f);
	cloud_free(f->c);
	free(f);
	return 0;
}

/* The status; the answer, if any, is parsed into f->doc. target may have a query: "?a=b&c=d". */
static inline int ask(struct fixture *f, const char *method, const char *target, const char *body)
{
	struct cloud_arg args[8];
	size_t n = 0;
	struct err e = {0};
	AUTO(str_t) path = str_format(CLOUD_BASE_PATH "%s", target);
	AUTO(str_t) bearer = f->token ? str_format("Bearer %s", f->token) : NULL;
	char *query = strchr(path, '?'), *save = NULL;

	if (query)
		*query++ = '\0';
	for (char *a = query ? strtok_r(query, "&", &save) : NULL; a && n < 8;
	     a = strtok_r(NULL, "&", &save)) {
		char *value = strchr(a, '=');
		if (value)
			*value++ = '\0';
		args[n++] = (struct cloud_arg){a, value};
	}
	struct cloud_request q = {.method = method,
				  .path = path,
				  .query = args,
				  .n_query = n,
				  .authorization = bearer,
				  .content_type = body ? "application/json" : NULL,
				  .body = body,
				  .body_len = body ? strlen(body) : 0,
				  .now_ms = f->now_ms};
	fixture_forget(f);
	cloud_answer(f->c, &q, &f->r);
	if (f->r.body.len && json_parse(buf_text(&f->r.body), f->r.body.len, NULL, &f->doc, &e) < 0)
		fail_msg("%s %s: %s: %s", method, target, e.message, buf_text(&f->r.body));
	return f->r.status;
}

static inline const struct json *result(const struct fixture *f)
{
	return json_get(json_root(f->doc), "result");
}

static inline int64_t code(const struct fixture *f)
{
	return json_get_int(json_first(json_get(json_root(f->doc), "errors")), "code", 0);
}

/* The id of what was just made; the caller frees it. */
static inline char *make(struct fixture *f, const char *target, const char *body)
{
	int status = ask(f, "POST", target, body);

	if (status != 200)
		fail_msg("POST %s %s: %d %s", target, body, status, buf_text(&f->r.body));
	return str_dup(json_get_string(result(f), "id"));
}

static inline const char *answer_header(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->r.headers.n; i++)
		if (str_starts(f->r.headers.items[i], name))
			return f->r.headers.items[i] + strlen(name) + 2;
	return NULL;
}

#endif
