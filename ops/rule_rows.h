/* Rules of Cloudflare's as answers have them, and what several operations say of parts that they
 * could not read. Text of a rule is from outside, but for words (cloudflare/words.h). */
#ifndef OPS_RULE_ROWS_H
#define OPS_RULE_ROWS_H

#include "cloudflare/rulesets.h"
#include "ops/gather.h"

/* The member is left out for NULL. */
void put_word(struct json_writer *w, const char *key, const char *word);
/* The members of a ruleset, into the object that is open. */
void put_ruleset(struct json_writer *w, const struct cf_ruleset *r);
/* What a rule does besides its action; with details all that is known of it. */
void put_rule(struct json_writer *w, const struct cf_ruleset_rule *r, bool details);

/* Does any of them contain the text? NULL is in everything. */
bool rule_contains(const char *text, const char *const *of, size_t n);

/* One row of "unknown": a part that could not be read, or that is the account's as a whole and so
 * not a narrowed grant's (why NULL). */
void put_unknown(struct json_writer *w, const char *part, const struct err *why);
/* Something was asked, and nothing could be read. */
bool gather_all_failed(const struct gather *g);

/* fields: ["full"] stands for all members and details. True: either was asked for. */
bool list_takes_details(struct list_args *args, bool details);

#endif
