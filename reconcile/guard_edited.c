/* What somebody changed of a record of ours, as far as it is known when a plan is made that is
 * about something else: the plan says beforehand that its write loses it. */
#include "reconcile/apply.h"
#include "reconcile/edited.h"
#include "reconcile/guard_private.h"

/* A change of what is kept here alone writes nothing. */
static bool is_written(const struct record *r, const struct record *row)
{
	return row->want == WANT_PRESENT && row->generation != row->applied_generation &&
	       r->observed.marked && !r->observed.renamed && !r->observed.gone;
}

static unsigned lost_by_put(const struct world *w, const struct record *r, const struct edit *d)
{
	struct record row;
	apply_record_row(r, d, &row);
	AUTO(str_t) content = record_content(w, &row);
	AUTO(str_t) comment = NULL;
	const struct system_facts *s = &w->system;
	struct err ignored;
	if (!is_written(r, &row) ||
	    (!edited_comment_stays(&row) &&
	     mark_write(s->owner, s->install, row.comment, &comment, &ignored) < 0))
		return 0;
	const struct edited_face next = {.type = row.type,
					 .content = content,
					 .comment = comment,
					 .proxied = row.proxied,
					 .ttl = row.ttl,
					 .priority = row.priority};
	return edited_since(r, &next);
}

static char *words_of(const struct record *r, unsigned fields, const char *fate)
{
	AUTO(str_t) names = edited_field_names(fields);
	if (!fields)
		return NULL;
	return str_format("The %s record %s was changed by somebody since adit last wrote it (%s): "
			  "%s. See adit drift list.",
			  r->type, r->name, names, fate);
}

/* What is lost by this edit of the plan; NULL = nothing. A plan that puts drift back says so
 * itself.
 */
static char *loss_of(const struct world *w, const struct edit *d)
{
	const struct record *r = world_record(w, d->id);
	if (!r || d->seen)
		return NULL;
	if (d->kind == EDIT_RECORD_PUT && !d->anew && !d->remote_id)
		return words_of(r, lost_by_put(w, r, d), "this plan writes over that");
	if (d->kind == EDIT_RECORD_DROP && r->observed.marked && !r->observed.renamed)
		return words_of(r, edited_since(r, NULL), "this plan deletes it all the same");
	return NULL;
}

void guard_edited(struct guarding *x, const struct edit *d)
{
	const struct record *r = world_record(x->w, d->id);
	AUTO(str_t) words = loss_of(x->w, d);
	if (r && d->kind == EDIT_RECORD_RELEASE)
		words = words_of(r, edited_since(r, NULL), "that stays as it is");
	if (words)
		guard_warn(x, "%s", words);
}

char *guard_edited_unsaid(const struct world *w, const struct plan *p)
{
	for (size_t i = 0; i < p->n_edits; i++) {
		AUTO(str_t) words = loss_of(w, &p->edits[i]);
		if (words && !strlist_has(&p->warnings, words))
			return steal(&words);
	}
	return NULL;
}
