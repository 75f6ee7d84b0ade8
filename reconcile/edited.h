/*
 * Pure: what adit last put into a record of ours and what it sent there since, kept in the record's
 * row, and whether what stands there now is another's edit that a write of ours would lose. What is
 * not known is no edit: nobody is told of what adit may have written itself.
 */
#ifndef RECONCILE_EDITED_H
#define RECONCILE_EDITED_H

#include "model/world.h"

/* The fields of a record that somebody can edit. Strings are borrowed. */
struct edited_face {
	const char *type, *content;
	const char *comment; /* NULL = it has none; of what is to be written: it stays as it is */
	bool proxied;
	int64_t ttl, priority;
};

enum edited_field {
	EDITED_TYPE = 1,
	EDITED_CONTENT = 2,
	EDITED_COMMENT = 4,
	EDITED_PROXIED = 8,
	EDITED_TTL = 16,
	EDITED_PRIORITY = 32,
};
#define EDITED_FIELDS 6
const char *edited_field_name(unsigned field);
/* "content, ttl"; the caller frees it. */
char *edited_field_names(unsigned fields);
/* As people read it: "false", "300"; the caller frees it. */
char *edited_field_text(const struct edited_face *f, unsigned field);

struct edited_face edited_seen(const struct record *r); /* borrowed from what was observed */

/* What somebody wrote behind the mark of a record that leads to a tunnel stays as it is, where no
 * other text is wanted. */
bool edited_comment_stays(const struct record *r);

/* What a row keeps once that stands there; nothing that was sent is in doubt any more. */
char *edited_was(const char *remote_id, const struct edited_face *f);
/* The same row, when that is about to be sent. */
char *edited_sent(const char *applied, const struct edited_face *f);
/* Fields of what stands there that are neither as adit put or sent them nor as they are to become;
 * next NULL = the record goes. */
unsigned edited_lost(const char *applied, const char *remote_id, const struct edited_face *seen,
		     const struct edited_face *next);

/* The same of a record as it was last seen; 0 where a plan named what stands there. */
unsigned edited_since(const struct record *r, const struct edited_face *next);

/* A record was just seen. What its row is to keep; NULL = what it keeps is right, or nothing can be
 * told from this. */
char *edited_settled(const struct world *w, const struct record *r);
/* Would edited_settled only say what is known? Cheap, for whole zones. */
bool edited_is_settled(const struct record *r);

/* Did a person agree to lose what stands there now? */
bool edited_agreed(const struct record *r);
/* What the row is to say of the plan that asks for its change; NULL = none. seen: what the plan
 * names, NULL = nothing. */
char *edited_asked(const struct record *r, int64_t plan, const char *seen);
/* Of that text: "p4"; NULL when there is none. The caller frees it. */
char *edited_asker(const struct record *r);

#endif
