/* Handlers: manifests applied, written and made from a cloudflared configuration file. */
#include <string.h>

#include "ops/find.h"
#include "ops/manifest_export.h"
#include "ops/manifest_import.h"
#include "ops/manifest_plan.h"
#include "ops/sight.h"
#include "ops/write.h"

static void fail_with(struct call *c, const struct err *e)
{
	c->task.err = *e;
	call_fail(c);
}

/* ---- manifest_apply ---- */

/* The name may stand in the document, in the argument, or in both alike. */
static int name_of(const struct manifest *m, const char *asked, const char **name, struct err *e)
{
	if (asked && manifest_name_check(asked, e) < 0)
		return err_wrap(e, "name");
	if (asked && m->name && !str_equal(asked, m->name)) {
		(void)err_set(e, ERR_INVALID, "manifest: is %s, asked for was %s", m->name, asked);
		(void)err_hint(e, "Leave one of the two out, or let them be the same.");
		return manifest_wrap(m, "", "manifest", e);
	}
	*name = asked ? asked : m->name;
	if (*name)
		return 0;
	(void)err_set(e, ERR_INVALID, "manifest: is missing: the name of this manifest");
	(void)err_hint(e, "Write manifest: NAME into the document, or give the name "
			  "(adit apply -f FILE --name NAME).");
	return manifest_wrap(m, "", "manifest", e);
}

void run_manifest_apply(struct call *c)
{
	const struct manifest_apply_args *a = c->args;
	AUTO(manifest_t) m = NULL;
	AUTO(plan_t) p = plan_new(c->op->name, c->who.name, a->reason);
	struct manifest_ask ask = {.prune = a->prune, .overwrite = &a->overwrite};
	struct err e;
	if (manifest_parse(a->file, a->text, strlen(a->text), &m, &e) < 0 ||
	    name_of(m, a->name, &ask.name, &e) < 0) {
		fail_with(c, &e);
		return;
	}
	ask.m = m;
	if (manifest_plan(call_world(c), &ask, p, &e) < 0) {
		fail_with(c, &e);
		return;
	}
	write_run(c, (const struct write_args *)a, steal(&p));
}

/* ---- manifest_export ---- */

void run_manifest_export(struct call *c)
{
	const struct manifest_export_args *a = c->args;
	struct manifest_scope scope = {.name = a->name};
	AUTO(buf_t) text = {0};
	struct json_writer w;
	size_t objects;
	struct err e;
	if (a->tunnel && !(scope.tunnel = find_tunnel(c, a->tunnel)))
		return;
	if ((a->name && manifest_name_check(a->name, &e) < 0) ||
	    manifest_export(call_world(c), &scope, &text, &objects, &e) < 0) {
		fail_with(c, &e);
		return;
	}
	call_object(c, &w);
	json_put_string(&w, "text", buf_text(&text));
	json_put_int(&w, "objects", (int64_t)objects);
	json_object_end(&w);
	call_answer(c);
}

/* ---- manifest_import ---- */

static int plan_import(struct call *c, const struct import_ask *ask, struct plan *p, struct err *e)
{
	const struct manifest_import_args *a = c->args;
	AUTO(manifest_t) m = NULL;
	struct manifest_ask wish = {.name = a->name, .overwrite = &a->overwrite};
	if ((a->name && manifest_name_check(a->name, e) < 0) ||
	    manifest_import(call_world(c), ask, p, &m, e) < 0)
		return -1;
	/* A tunnel is not made for nothing. */
	if (!m->n_routes)
		return 0;
	wish.m = m;
	return manifest_plan(call_world(c), &wish, p, e);
}

void run_manifest_import(struct call *c)
{
	const struct manifest_import_args *a = c->args;
	struct import_ask ask = {
		.file = a->file,
		.text = a->text,
		.own = c->ops->settings->owner,
		.dns = a->dns,
	};
	struct err e;
	if (a->tunnel && !(ask.tunnel = find_tunnel(c, a->tunnel)))
		return;
	AUTO(plan_t) p = plan_new(c->op->name, c->who.name, a->reason);
	if (plan_import(c, &ask, p, &e) < 0) {
		fail_with(c, &e);
		return;
	}
	write_run(c, (const struct write_args *)a, steal(&p));
}
