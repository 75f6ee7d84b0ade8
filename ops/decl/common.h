/* Argument and result rows that many operations share; for the tables of this folder only. */
#ifndef OPS_DECL_COMMON_H
#define OPS_DECL_COMMON_H

#include "base/drift_words.h"
#include "base/text.h"
#include "ops/decl/decl.h"

#define FIELD_DELETES(T)                                                                           \
	FIELD(T, deletes, .flags = ARG_SOCKET_ONLY, .min = 1, .max = INT64_MAX,                    \
	      .doc = "How many objects the approved plan deletes; asked for above "                \
		     "safety.max_delete.")

#define WRITE_FIELDS(T)                                                                            \
	FIELD(T, dry_run, .doc = "Only plan: show what would change, change nothing."),            \
		FIELD(T, wait, .fallback = "true",                                                 \
		      .doc = "Wait until the change is true at Cloudflare and in the "             \
			     "connectors."),                                                       \
		FIELD(T, timeout, .fallback = "30s", .min = 1000, .max = 600000,                   \
		      .doc = "How long to wait for that."),                                        \
		FIELD(T, reason, .max = 500, .doc = "Why; kept with the plan and in the ledger."), \
		FIELD(T, if_revision, .min = 1, .max = INT64_MAX,                                  \
		      .doc = "Refuse when the desired state is no longer at this revision."),      \
		FIELD(T, approve, .flags = ARG_SOCKET_ONLY,                                        \
		      .doc = "Approve the plan in the same call, where the caller may."),          \
		FIELD(T, hash, .flags = ARG_SOCKET_ONLY, .min = 12, .max = 64,                     \
		      .doc = "With approve: only when the plan has this hash (12 or more "         \
			     "digits)."),                                                          \
		FIELD_DELETES(T)

/* Beside a table DRIFT_VALUES of the same file. */
#define DRIFT_FIELD(T)                                                                             \
	FIELD(T, drift, .values = drift_values,                                                    \
	      .doc = "What to do when somebody else changes it at Cloudflare: report, repair, "    \
		     "ignore, or setting (as reconcile.drift says); absent = as it was.")

#define DRIFT_VALUES static const char *const drift_values[] = {DRIFT_WORDS, "setting", NULL}

#define OVERWRITE_FIELD(T)                                                                         \
	FIELD(T, overwrite, .max = 20,                                                             \
	      .doc = "Ids of records of that name that adit did not make and may overwrite; "      \
		     "needs "                                                                      \
		     "approval.")

#define WHICH_FIELDS(T)                                                                            \
	FIELD(T, connector, .flags = FIELD_POSITIONAL, .min = 1, .max = 80,                        \
	      .doc = "Name or id, as in web/1."),                                                  \
		FIELD(T, tunnel, .min = 1, .max = 64,                                              \
		      .doc = "Instead of one connector: all of this tunnel on this host.")

#define LIST_FIELDS(T)                                                                             \
	FIELD(T, limit, .fallback = "50", .min = 1, .max = 1000,                                   \
	      .doc = "How many items at the most."),                                               \
		FIELD(T, cursor, .max = 64, .doc = "Where to go on: next_cursor of an answer."),   \
		FIELD(T, fields, .max = 40, .doc = "Only these members of each item.")

/* Whatever is asked of Cloudflare for people. */
#define FRESH_FIELD(T)                                                                             \
	FIELD(T, fresh,                                                                            \
	      .doc = "Ask Cloudflare now; absent = what was read in the last 30 s will do.")

#define ACCOUNT_FIELD(T)                                                                           \
	FIELD(T, account, .min = 1, .max = 160,                                                    \
	      .doc = "Account, by name or id; absent = the configured one.")

#define DETAILS_FIELD(T)                                                                           \
	FIELD(T, details,                                                                          \
	      .doc = "Also what is left out for brevity; fields: [\"full\"] does the same.")

#define UNREADABLE_OUT                                                                             \
	FIELD_OUT("unreadable", FIELD_INT,                                                         \
		  .doc = "Rows of Cloudflare's that could not be read, and are not told.")

#define UNKNOWN_OUT                                                                                \
	FIELD_OUT("unknown", FIELD_ITEMS, .sub = unknown_rows,                                     \
		  .doc = "Parts that could not be read: of them nothing is known, not even that "  \
			 "they are empty.")

#define UNKNOWN_TABLE                                                                              \
	static const struct field unknown_rows[] = {                                               \
		FIELD_OUT("part", FIELD_STRING, .doc = "Which one."),                              \
		FIELD_OUT("message", FIELD_STRING, .doc = "Why it could not be read."),            \
		FIELD_OUT("hint", FIELD_STRING, .doc = "What to do about it."),                    \
		FIELD_OUT("missing_permission", FIELD_STRING, .doc = "What the API token lacks."), \
		FIELDS_END,                                                                        \
	}

/* Who has access, and the rights that he has. Beside a table RIGHT_TABLE of the same file. */
#define RIGHT_TABLE                                                                                \
	static const struct field right_rows[] = {                                                 \
		FIELD_OUT("kind", FIELD_STRING,                                                    \
			  .doc = "role, or policy (a permission group of one)."),                  \
		FIELD_OUT("id", FIELD_STRING, .doc = "Of the role or permission group."),          \
		FIELD_OUT("untrusted_name", FIELD_STRING, .flags = FIELD_UNTRUSTED,                \
			  .doc = "Its name."),                                                     \
		FIELD_OUT("denies", FIELD_BOOL, .doc = "The policy denies it."),                   \
		FIELD_OUT("permissions", FIELD_STRING,                                             \
			  .doc = "What a role tells that it permits."),                            \
		FIELD_OUT("reaches", FIELD_STRING, .doc = "account, zones, or unknown."),          \
		FIELD_OUT("zones_total", FIELD_INT, .doc = "How many, where not all are shown."),  \
		FIELD_OUT("zones", FIELD_STRINGS, .doc = "Names or ids of the zones it is for."),  \
		FIELDS_END,                                                                        \
	}

#define MEMBER_ROWS                                                                                \
	FIELD_OUT("id", FIELD_STRING, .doc = "Of the membership."),                                \
		FIELD_OUT("untrusted_email", FIELD_STRING, .flags = FIELD_UNTRUSTED,               \
			  .doc = "Address."),                                                      \
		FIELD_OUT("untrusted_name", FIELD_STRING, .flags = FIELD_UNTRUSTED,                \
			  .doc = "First and last name, where told."),                              \
		FIELD_OUT("status", FIELD_STRING,                                                  \
			  .doc = "accepted, pending (invited), rejected or unknown."),             \
		FIELD_OUT("two_factor", FIELD_STRING,                                              \
			  .doc = "Second factor: on, off or unknown."),                            \
		FIELD_OUT("super_administrator", FIELD_BOOL, .doc = "Holds all there is."),        \
		FIELD_OUT("can", FIELD_STRINGS,                                                    \
			  .doc = "May change: dns, firewall, members, tokens."),                   \
		FIELD_OUT("untrusted_roles", FIELD_STRINGS, .flags = FIELD_UNTRUSTED,              \
			  .doc = "Names of roles and of what policies allow; \"not\" before what " \
				 "one "                                                            \
				 "denies, \"on\" before the zones that it is for."),               \
		FIELD_OUT("rights", FIELD_ITEMS, .sub = right_rows,                                \
			  .doc = "With details: the same one by one.")

/* Result rows: each table is a constant of the file that asks for it. */
#define CHANGE_ROWS                                                                                \
	FIELD_OUT("sign", FIELD_STRING, .doc = "+ made, ~ changed, - deleted, = left alone."),     \
		FIELD_OUT("object", FIELD_STRING, .doc = "tunnel, route, record or connector."),   \
		FIELD_OUT("name", FIELD_STRING, .doc = "Its name."),                               \
		FIELD_OUT("detail", FIELD_STRING, .doc = "What changes."),                         \
		FIELD_OUT("in", FIELD_STRING, .doc = "The tunnel or zone that it belongs to."),    \
		FIELD_OUT("untrusted_text", FIELD_STRING, .flags = FIELD_UNTRUSTED,                \
			  .doc = "What others wrote there, and would be taken or overwritten.")

/* What whoever decides on a plan wants to know. */
#define OUTLINE_ROWS                                                                               \
	FIELD_OUT("base_revision", FIELD_INT, .doc = "Desired revision that it was made from."),   \
		FIELD_OUT("deletes", FIELD_INT, .doc = "Objects that it deletes."),                \
		FIELD_OUT("api_calls", FIELD_INT,                                                  \
			  .doc = "Calls to Cloudflare that it takes, about.")

#define PROBLEM_ROWS                                                                               \
	FIELD_OUT("kind", FIELD_STRING, .doc = "From the closed list of error kinds."),            \
		FIELD_OUT("message", FIELD_STRING, .doc = "One sentence."),                        \
		FIELD_OUT("hint", FIELD_STRING, .doc = "What to do next."),                        \
		FIELD_OUT("retryable", FIELD_BOOL, .doc = "The same again may help."),             \
		FIELD_OUT("retry_after_s", FIELD_INT, .doc = "Not before that many seconds."),     \
		FIELD_OUT("missing_permission", FIELD_STRING, .doc = "What the API token lacks."), \
		FIELD_OUT("cloudflare", FIELD_OBJECT, .sub = cloudflare_rows,                      \
			  .doc = "What Cloudflare answered."),                                     \
		FIELD_OUT("since", FIELD_STRING, .flags = FIELD_TIME, .doc = "First seen."),       \
		FIELD_OUT("attempts", FIELD_INT, .doc = "Tries that failed in a row."),            \
		FIELD_OUT("next_try_s", FIELD_INT, .doc = "Seconds until it is tried again.")

#define PROBLEM_TABLE                                                                              \
	static const struct field cloudflare_rows[] = {                                            \
		FIELD_OUT("status", FIELD_INT, .doc = "HTTP status."),                             \
		FIELD_OUT("code", FIELD_INT, .doc = "Code of the first error."),                   \
		FIELD_OUT("ray", FIELD_STRING, .doc = "Ray id, for Cloudflare's support."),        \
		FIELD_OUT("untrusted_message", FIELD_STRING, .flags = FIELD_UNTRUSTED,             \
			  .doc = "What Cloudflare says, in its own words."),                       \
		FIELDS_END,                                                                        \
	}

#define LIST_RESULT(items_table)                                                                   \
	FIELD_OUT("items", FIELD_ITEMS, .sub = (items_table), .doc = "The rows."),                 \
		FIELD_OUT("count", FIELD_INT, .doc = "Rows in this answer."),                      \
		FIELD_OUT("total", FIELD_INT, .doc = "Rows in all."),                              \
		FIELD_OUT("next_cursor", FIELD_STRING,                                             \
			  .doc = "Give it back to go on; absent at the end."),                     \
		FIELD_OUT("truncated", FIELD_BOOL, .doc = "There is more."),                       \
		FIELD_OUT("as_of", FIELD_STRING, .flags = FIELD_TIME,                              \
			  .doc = "When this was true."),                                           \
		FIELD_OUT("source", FIELD_STRING,                                                  \
			  .doc = "model (what adit knows) or api (asked now)."),                   \
		FIELD_OUT("rate", FIELD_OBJECT, .sub = rate_rows,                                  \
			  .doc = "Cloudflare's rate limit, where it was asked.")

#define RATE_TABLE                                                                                 \
	static const struct field rate_rows[] = {                                                  \
		FIELD_OUT("limit", FIELD_INT, .doc = "Calls that the token allows in a window."),  \
		FIELD_OUT("remaining", FIELD_INT, .doc = "Calls left in this window."),            \
		FIELD_OUT("reset_s", FIELD_INT, .doc = "Seconds until the window starts anew."),   \
		FIELDS_END,                                                                        \
	}

/* What every write answers. */
#define WRITE_RESULT_TABLES                                                                        \
	RATE_TABLE;                                                                                \
	PROBLEM_TABLE;                                                                             \
	static const struct field change_rows[] = {CHANGE_ROWS, FIELDS_END};                       \
	static const struct field problem_rows[] = {PROBLEM_ROWS, FIELDS_END};                     \
	static const struct field write_result[] = {                                               \
		FIELD_OUT("plan", FIELD_STRING, .doc = "The plan's id; absent when unchanged."),   \
		FIELD_OUT("state", FIELD_STRING,                                                   \
			  .doc = "planned, applied, unchanged, needs_approval, stale, rejected, "  \
				 "expired or failed."),                                            \
		FIELD_OUT("hash", FIELD_STRING, .doc = "What an approval must name."),             \
		FIELD_OUT("principal", FIELD_STRING, .doc = "Who proposed it, while it waits."),   \
		FIELD_OUT("reason", FIELD_STRING, .doc = "Why, where said."),                      \
		FIELD_OUT("expires", FIELD_STRING, .flags = FIELD_TIME,                            \
			  .doc = "When it can no longer be decided."),                             \
		OUTLINE_ROWS,                                                                      \
		FIELD_OUT("revision", FIELD_INT, .doc = "Of the desired state after this."),       \
		FIELD_OUT("changes", FIELD_ITEMS, .sub = change_rows, .doc = "What changes."),     \
		FIELD_OUT("approvals", FIELD_STRINGS, .doc = "Why it needs approval."),            \
		FIELD_OUT("warnings", FIELD_STRINGS, .doc = "What to know."),                      \
		FIELD_OUT("converged", FIELD_BOOL,                                                 \
			  .doc = "True at Cloudflare and in the connectors."),                     \
		FIELD_OUT("waiting_for", FIELD_STRING, .doc = "What is still missing, and why."),  \
		FIELD_OUT("problems", FIELD_ITEMS, .sub = problem_rows,                            \
			  .doc = "Failures on the objects that it touched."),                      \
		FIELD_OUT("rate", FIELD_OBJECT, .sub = rate_rows,                                  \
			  .doc = "Cloudflare's rate limit."),                                      \
		FIELDS_END,                                                                        \
	}

#endif
