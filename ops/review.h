/*
 * A review of who has access: each member judged, summed up, put into order, and told as rows or as
 * one text for people.
 */
#ifndef OPS_REVIEW_H
#define OPS_REVIEW_H

#include "ops/invitations.h"

enum review_flag {
	REVIEW_SUPER = 1,
	REVIEW_NO_SECOND_FACTOR = 2,
	REVIEW_INVITED = 4,
	REVIEW_INVITATION_OLD = 8,
	REVIEW_UNDATED = 16,
	REVIEW_DENIED = 32,
	REVIEW_POLICIES = 64, /* shown in the sum alone */
	REVIEW_FACTOR_UNKNOWN = 128
};

struct judged {
	unsigned flags;
	struct powers powers;
	int64_t invited_ms; /* 0 = not known, or not invited */
};
void review_judge(const struct members *m, const struct invitations *inv, const struct cf_member *x,
		  int64_t now_ms, struct judged *out);
/* The more, the sooner somebody ought to look. */
int review_risk(const struct cf_member *x, const struct judged *j);

struct review_sum {
	int64_t members, status[CF_MEMBER_STATUSES], super, super_no_factor, no_factor,
		factor_unknown, old, undated, can[CF_POWERS], policies;
	bool dated; /* it was asked when invitations were made */
};
void review_add(struct review_sum *s, const struct cf_member *x, const struct judged *j);
/* "summary" and "findings" */
void review_put_sum(struct json_writer *w, const struct review_sum *s);
/* Sentences, one a line, each begun by mark. */
void review_findings(const struct review_sum *s, const char *mark, struct buf *out);
/* "flags" and "invited" */
void review_put_flags(struct json_writer *w, const struct judged *j);

/* As Markdown: how it begins, and a line of the table for a member. Texts from outside in it are
 * printable, short, and no markup. */
void review_text_begin(const struct review_sum *s, const char *account, const char *can,
		       int64_t as_of_ms, struct buf *out);
void review_text_row(const struct members *m, const struct cf_member *x, const struct judged *j,
		     struct buf *out);

#endif
