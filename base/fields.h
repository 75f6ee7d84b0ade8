/*
 * Typed field tables: one table says name, type, bounds and words of each field, and from it come
 * the decoder (JSON to struct, with one precise sentence per mistake), the JSON Schema and the
 * documentation. Configuration keys, operation arguments and results are all such tables.
 */
#ifndef BASE_FIELDS_H
#define BASE_FIELDS_H

#include "base/json.h"

/* A duration in milliseconds; "30s", "5m", "1h30m", "100ms" at the doors. */
struct duration {
	int64_t ms;
};

/* Raw JSON text of an object or array, kept as it was sent; NULL = absent. Owned. */
struct raw_json {
	char *text;
};

enum field_type {
	FIELD_STRING,   /* char * (owned) */
	FIELD_INT,      /* int64_t */
	FIELD_BOOL,     /* bool */
	FIELD_DURATION, /* struct duration */
	FIELD_STRINGS,  /* struct strlist */
	FIELD_RAW,      /* struct raw_json: any object or array */
	FIELD_OBJECT,   /* an embedded struct described by .sub */
	FIELD_ITEMS     /* results only: an array of objects described by .sub; not decoded */
};

enum field_flags {
	FIELD_REQUIRED = 1,
	FIELD_POSITIONAL = 2, /* adit takes it without --name, in the order of the table */
	FIELD_SECRET = 4,     /* never shown, logged or written to the ledger */
	FIELD_UNTRUSTED = 8,  /* text from outside; its name begins with untrusted_ */
	FIELD_TIME = 16       /* a string that holds RFC 3339, or relative time such as 48h ago */
};

struct field {
	const char *name; /* NULL ends the table */
	enum field_type type;
	size_t offset;
	const char *doc;
	const char *fallback; /* default as written at the doors; NULL = zero value */
	unsigned flags;
	int64_t min, max; /* of an int, ms of a duration, length of a string, items of a list;
			     max 0 = 4096 for strings, 256 for lists, unbounded for others */
	const char *const *values; /* closed list for strings, NULL-terminated */
	const struct field *sub;   /* FIELD_OBJECT, FIELD_ITEMS */
	/* An extra check on a string (or on each of a list): 0, or -1 with a sentence. */
	int (*check)(const char *value, struct err *e);
};

#define FIELD_TYPE_OF(T, m)                                                                        \
	_Generic(((T *)0)->m, char *                                                               \
		 : FIELD_STRING, int64_t                                                           \
		 : FIELD_INT, bool                                                                 \
		 : FIELD_BOOL, struct duration                                                     \
		 : FIELD_DURATION, struct strlist                                                  \
		 : FIELD_STRINGS, struct raw_json                                                  \
		 : FIELD_RAW)

/* FIELD(struct args, name, .doc = "...", .flags = FIELD_REQUIRED): a wrong member type does not
 * compile. At least one designator must follow. */
#define FIELD(T, m, ...)                                                                           \
	{                                                                                          \
		.name = #m, .type = FIELD_TYPE_OF(T, m), .offset = offsetof(T, m), __VA_ARGS__     \
	}
#define FIELD_SUB(T, m, table, ...)                                                                \
	{                                                                                          \
		.name = #m, .type = FIELD_OBJECT, .offset = offsetof(T, m), .sub = (table),        \
		__VA_ARGS__                                                                        \
	}
/* A result member, which has no struct behind it. */
#define FIELD_OUT(n, t, ...)                                                                       \
	{                                                                                          \
		.name = (n), .type = (t), __VA_ARGS__                                              \
	}
#define FIELDS_END                                                                                 \
	{                                                                                          \
		.name = NULL                                                                       \
	}

#define FIELD_PATH_SIZE 256

/*
 * Fill a zeroed struct: defaults first, then the object's members. Refused with ERR_INVALID:
 * unknown keys (the nearest valid names are named), wrong types, out-of-range values, missing
 * required ones. null is as good as absent; the required members of an object that is absent are
 * not asked for. path (FIELD_PATH_SIZE, may be NULL) gets the place, as "access.viewer.groups[0]";
 * the sentence is "key.path: what is wrong, what is accepted". On failure the struct is freed.
 */
MUST_USE int fields_decode(const struct field *table, const struct json *object, void *out,
			   char *path, struct err *e);
/* Defaults only. */
void fields_default(const struct field *table, void *out);
/* Free all owned members, leaving zeroes. */
void fields_free(const struct field *table, void *data);
/* The struct's members as a JSON object; secrets are written as "***". */
void fields_write(const struct field *table, const void *data, struct json_writer *w);
/* JSON Schema 2020-12 of the object. Of arguments nothing else is accepted; output: schema of an
 * answer, which may get further members some day, so that nobody is to refuse them. */
void fields_schema(const struct field *table, bool output, struct json_writer *w);
/* One value from text, as on a command line, written as JSON: "true", 5, "30s", ["a","b"] (commas
 * separate list items). */
MUST_USE int fields_parse_text(const struct field *f, const char *text, struct json_writer *w,
			       struct err *e);
/* "a duration from 1s to 10m, as in \"30s\"": what the field accepts, for help and sentences. */
void fields_accepts(const struct field *f, struct buf *out);
const struct field *fields_find(const struct field *table, const char *name);
/* The name in a NULL-terminated list that is nearest to word, or NULL if none is near. */
const char *fields_nearest(const char *const *names, const char *word);

#endif
