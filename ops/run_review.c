/*
 * Handler: who has access, and what stands out. All members are judged and put into order; what a
 * row says is made for the rows of this answer alone, and as many as it has room for.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ops/review.h"
#include "ops/rule_rows.h"

#define ANSWER_BYTES 30000 /* of rows, or of the text */

struct place {
	size_t at; /* in the listing */
	int risk;
	char *row; /* JSON, owned; NULL = not of this answer */
};

struct review {
	struct members members; /* first */
	struct invitations invitations;
	struct review_sum sum;
	struct place *places; /* by risk */
	size_t n, at;
	size_t *order; /* of the listing's rows: place + 1; 0 = none */
	int64_t unreadable, now_ms;
	struct list_args args;
	struct list_answer l;
	struct buf text; /* Markdown */
	bool details, markdown;
	const char *can, *account;
};

static void review_drop(void *own)
{
	struct review *x = own;

	for (size_t i = 0; i < x->n; i++)
		free(x->places[i].row);
	free(x->places);
	free(x->order);
	buf_free(&x->text);
	invitations_free(&x->invitations);
	members_free(&x->members);
	free(x);
}

/* ---- all of them ---- */

static bool is_wanted(const struct review *x, const struct judged *j)
{
	for (int p = 0; x->can && p < CF_POWERS; p++)
		if (str_equal(x->can, cf_power_name((enum cf_power)p)))
			return j->powers.gives[p];
	return true;
}

static int member_judged(const struct json *row, void *owner)
{
	struct review *x = owner;
	struct cf_member m;
	struct judged j;
	struct err e;
	size_t at = x->at++;

	if (cf_member_read(row, &m, &e) < 0) {
		x->unreadable++;
		return 0;
	}
	review_judge(&x->members, &x->invitations, &m, x->now_ms, &j);
	review_add(&x->sum, &m, &j);
	if (is_wanted(x, &j))
		x->places[x->n++] = (struct place){.at = at, .risk = review_risk(&m, &j)};
	return 0;
}

static int by_risk(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->risk != y->risk)
		return x->risk > y->risk ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* ---- those of this answer ---- */

static void place_tell(struct review *x, struct place *p, const struct cf_member *m)
{
	AUTO(buf_t) text = {0};
	struct json_writer w;
	struct judged j;

	review_judge(&x->members, &x->invitations, m, x->now_ms, &j);
	if (x->markdown) {
		review_text_row(&x->members, m, &j, &text);
		p->row = buf_steal(&text);
		return;
	}
	json_write_init(&w, &text);
	json_object_begin(&w);
	review_put_flags(&w, &j);
	put_member(&x->members, m, &w);
	if (x->details)
		put_rights(&x->members, m, &w);
	json_object_end(&w);
	p->row = buf_steal(&text);
}

static int member_told(const struct json *row, void *owner)
{
	struct review *x = owner;
	size_t place = x->order[x->at++];
	struct cf_member m;
	struct err e;

	if (place && cf_member_read(row, &m, &e) == 0)
		place_tell(x, &x->places[place - 1], &m);
	return 0;
}

/* Which of the listing's rows are to be told. */
static void rows_choose(struct review *x, int64_t start)
{
	x->order = mem_array(x->at + 1, sizeof(*x->order));
	for (size_t i = (size_t)start; i < x->n && i < (size_t)(start + x->args.limit); i++)
		x->order[x->places[i].at] = i + 1;
	x->at = 0;
}

/* Those from start on that there is room for. */
static void rows_fit(struct review *x, int64_t start)
{
	size_t used = x->text.len, end = (size_t)start;

	for (; end < x->n && x->places[end].row; end++) {
		used += strlen(x->places[end].row);
		if (used > ANSWER_BYTES && end > (size_t)start)
			break;
		if (x->markdown)
			(void)buf_str(&x->text, x->places[end].row);
	}
	x->args.limit = end > (size_t)start ? (int64_t)end - start : 1;
}

/* ---- the answer ---- */

static void row_reviewed(const void *row, struct json_writer *w, const void *owner)
{
	const struct place *p = row;
	const struct review *x = owner;

	if (p->row && !x->markdown)
		json_write_raw(w, p->row, strlen(p->row));
}

static void put_unknowns(struct json_writer *w, const struct review *x)
{
	if (!x->members.groups_error && !x->invitations.error)
		return;
	json_write_key(w, "unknown");
	json_array_begin(w);
	if (x->members.groups_error)
		put_unknown(w, "names of permission groups, and what they give",
			    x->members.groups_error);
	if (x->invitations.error)
		put_unknown(w, "age of invitations", x->invitations.error);
	json_array_end(w);
}

static int64_t start_of(const struct review *x)
{
	return x->l.start < (int64_t)x->n ? x->l.start : (int64_t)x->n;
}

static void rows_told(struct call *c, struct gather *g)
{
	struct review *x = gather_own(g);

	(void)c;
	rows_fit(x, start_of(x));
	for (size_t i = 0; i < x->n; i++)
		list_row(&x->l, row_reviewed, &x->places[i], x);
	list_rows_end(&x->l);
	review_put_sum(&x->l.w, &x->sum);
	if (x->markdown)
		json_put_string(&x->l.w, "untrusted_markdown", buf_text(&x->text));
	if (x->unreadable)
		json_put_int(&x->l.w, "unreadable", x->unreadable);
	put_unknowns(&x->l.w, x);
	gather_list_end(g, &x->l);
}

static void all_judged(struct call *c, struct gather *g)
{
	struct review *x = gather_own(g);

	qsort(x->places, x->n, sizeof(*x->places), by_risk);
	if (x->markdown)
		review_text_begin(&x->sum,
				  x->account ? x->account : c->ops->world->system.account_id,
				  x->can, gather_as_of(g), &x->text);
	rows_choose(x, start_of(x));
	members_each(g, &x->members, member_told, x, rows_told);
}

static void review_answer(struct call *c, struct gather *g, struct review *x)
{
	if (list_begin(c, &x->args, &x->l) < 0) {
		call_fail(c);
		return;
	}
	x->now_ms = clock_wall_ms();
	x->sum.dated = x->invitations.asked;
	x->places = mem_array(members_count(g, &x->members) + 1, sizeof(*x->places));
	members_each(g, &x->members, member_judged, x, all_judged);
}

static void review_came(struct call *c, struct gather *g)
{
	const struct access_review_args *a = c->args;
	struct review *x = gather_own(g);

	if (!gather_account(c, g, a->account, &x->account) ||
	    !members_gather(c, g, &x->members, x->account, NULL))
		return;
	/* Who may change something is asked; when he was invited is not. */
	if (!a->can && !invitations_gather(g, &x->invitations, &x->members, x->account))
		return;
	x->details = list_takes_details(c->args, a->details) || strlist_has(&a->fields, "rights");
	x->markdown = str_equal(a->format, "markdown");
	x->can = a->can;
	x->args = *(const struct list_args *)a;
	review_answer(c, g, x);
}

void run_access_review(struct call *c)
{
	const struct access_review_args *a = c->args;

	if (!gather_whole_account(c))
		return;
	struct gather *g = gather_begin(c, a->fresh, review_came);
	gather_set_own(g, mem_alloc(sizeof(struct review)), review_drop);
	review_came(c, g);
}
