/*
 * Text that others wrote, on its way to a reader who might take it for an order. It leaves in
 * members named untrusted_* alone, without what a reader cannot see, and not longer than it is
 * worth. Sentences of ours repeat of it only what has the form of a name.
 */
#ifndef BASE_UNTRUSTED_H
#define BASE_UNTRUSTED_H

#include "base/json.h"

#define UNTRUSTED_MAX      2048  /* bytes of a text */
#define UNTRUSTED_DOCUMENT 16384 /* of a document that is kept whole elsewhere */

/* The member is left out for no text. key begins with untrusted_. */
void json_put_untrusted(struct json_writer *w, const char *key, const char *text);
void json_put_untrusted_document(struct json_writer *w, const char *key, const char *text);
/* Lines of a log, which stay lines. */
void json_put_untrusted_lines(struct json_writer *w, const char *key, const char *text);
/* A host name, an address, a service, a pattern: ASCII in one word, no quotes, no markup, no
 * longer than a host name may be. Prose is none. */
bool text_is_plain(const char *text);

#endif
