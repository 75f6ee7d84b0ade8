/* A review as Markdown. */
#include "ops/review.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"

#define CELL_MAX  80
#define ROLES_MAX 240

/* Others' words in a cell of a table: on one line, and no markup. */
static void add_cell(struct buf *out, const char *text, size_t max)
{
	size_t len = strlen(text);
	AUTO(str_t) shown = str_ndup(text, len > max ? utf8_whole(text, max) : len);

	text_printable(shown);
	for (const char *at = shown; *at; at++) {
		if (strchr("\\`*_[]<>|~#!&:", *at))
			(void)buf_char(out, '\\');
		(void)buf_char(out, *at);
	}
	if (len > max)
		(void)buf_str(out, "…");
}

void review_text_begin(const struct review_sum *s, const char *account, const char *can,
		       int64_t as_of_ms, struct buf *out)
{
	char as_of[TEXT_TIME_SIZE];

	time_format(as_of_ms, as_of);
	(void)buf_printf(out, "# Access to Cloudflare account %s\n\n", account);
	(void)buf_printf(out,
			 "As of %s: %" PRId64 " member%s; %" PRId64 " accepted, %" PRId64
			 " invited.\n\n## What stands out\n\n",
			 as_of, s->members, s->members == 1 ? "" : "s",
			 s->status[CF_MEMBER_ACCEPTED], s->status[CF_MEMBER_PENDING]);
	review_findings(s, "- ", out);
	for (int p = 0; p < CF_POWERS; p++)
		(void)buf_printf(out, "- %" PRId64 " may change %s.\n", s->can[p],
				 cf_power_name((enum cf_power)p));
	(void)buf_printf(out, "\n## %s%s\n\n", can ? "Members who may change " : "Members",
			 can ? can : "");
	(void)buf_str(out, "| member | status | second factor | may change | roles |\n"
			   "|---|---|---|---|---|\n");
}

static void add_powers(struct buf *out, const struct powers *p)
{
	bool any = false;

	for (int i = 0; i < CF_POWERS && !p->super; i++) {
		if (!p->gives[i])
			continue;
		(void)buf_printf(out, "%s%s", any ? ", " : "", cf_power_name((enum cf_power)i));
		any = true;
	}
	if (!any)
		(void)buf_str(out, p->super ? "everything" : "–");
}

void review_text_row(const struct members *m, const struct cf_member *x, const struct judged *j,
		     struct buf *out)
{
	AUTO(strlist_t) roles = {0};
	AUTO(buf_t) names = {0};
	char invited[TEXT_TIME_SIZE];

	(void)buf_str(out, "| ");
	add_cell(out, x->email ? x->email : x->id, CELL_MAX);
	(void)buf_printf(out, " | %s", cf_member_status_name(x->status));
	if (j->invited_ms) {
		time_format(j->invited_ms, invited);
		(void)buf_printf(out, " since %.10s", invited);
	}
	(void)buf_printf(out, " | %s | ",
			 j->flags & REVIEW_INVITED ? "–" : second_factor_word(x->two_factor));
	add_powers(out, &j->powers);
	(void)buf_str(out, " | ");
	members_words(m, x, &roles);
	for (size_t i = 0; i < roles.n; i++)
		(void)buf_printf(&names, "%s%s", i ? ", " : "", roles.items[i]);
	add_cell(out, buf_text(&names), ROLES_MAX);
	(void)buf_str(out, " |\n");
}
