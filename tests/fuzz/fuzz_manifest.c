/*
 * Any bytes as a manifest and as a cloudflared file, against an empty world. What is refused has a
 * place; what is accepted is planned, applied, written out, and then changes nothing.
 */
#include "model/manifest.h"
#include "ops/manifest_export.h"
#include "ops/manifest_import.h"
#include "ops/manifest_plan.h"
#include "reconcile/apply.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static struct plan *plan_text(const struct world *w, const char *text, const char *name,
			      struct err *e)
{
	AUTO(manifest_t) m = NULL;
	AUTO(plan_t) p = plan_new("manifest_apply", "fuzz", NULL);
	if (manifest_parse("f", text, strlen(text), &m, e) < 0)
		return NULL;
	const struct manifest_ask ask = {.m = m, .name = name, .prune = true};
	return manifest_plan(w, &ask, p, e) < 0 ? NULL : steal(&p);
}

static void again(const struct world *w)
{
	const struct manifest_scope scope = {.name = "site"};
	AUTO(buf_t) text = {0};
	struct err e = {0};
	size_t n;
	require(manifest_export(w, &scope, &text, &n, &e) == 0);
	AUTO(plan_t) p = plan_text(w, buf_text(&text), "site", &e);
	require(p && p->n_edits == 0);
}

static void import_text(const struct world *w, const char *text)
{
	const struct import_ask ask = {.file = "f", .text = text, .own = "edge1", .dns = true};
	AUTO(plan_t) p = plan_new("manifest_import", "fuzz", NULL);
	AUTO(manifest_t) m = NULL;
	struct err e = {0};
	if (manifest_import(w, &ask, p, &m, &e) < 0)
		require(str_starts(e.message, "f:"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(str_t) text = str_ndup((const char *)data, size);
	struct world *w = world_new();
	struct err e = {0};
	str_set(&w->system.owner, "edge1");
	(void)str_copy(w->system.install, sizeof(w->system.install), "a1b2c3d4");
	import_text(w, text);
	AUTO(plan_t) p = plan_text(w, text, "site", &e);
	if (p) {
		p->revision = 1;
		apply_world(w, p);
		again(w);
	} else {
		require(str_starts(e.message, "f:"));
	}
	world_free(w);
	return 0;
}
