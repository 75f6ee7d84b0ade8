/*
 * The log: one line is one event. To the journal with fields when stderr is the journal, as text
 * to a terminal, else as JSON lines. info = something changed, warning = somebody must look.
 * Debug lines go to a ring in memory (the flight recorder) that log_dump writes out on trouble.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/mem.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log_field {
	const char *key; /* lower case; journal fields are ADIT_<KEY> */
	const char *value;
};

/* log_init chooses the format by looking at stderr and JOURNAL_STREAM. */
void log_init(const char *program, enum log_level level);
void log_set_level(enum log_level level);
int log_level_by_name(const char *name); /* -1 when unknown */

/* fields ends with {NULL, NULL}; may be NULL. */
void log_write(enum log_level level, const struct log_field *fields, const char *fmt, ...)
	PRINTF(3, 4);
/* Write the flight recorder to stderr (or the journal), oldest line first, and empty it. */
void log_dump(void);

#define LOG_FIELDS(...)  ((const struct log_field[]){__VA_ARGS__, {NULL, NULL}})
#define log_error(...)   log_write(LOG_LEVEL_ERROR, NULL, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, NULL, __VA_ARGS__)
#define log_info(...)    log_write(LOG_LEVEL_INFO, NULL, __VA_ARGS__)
#define log_debug(...)   log_write(LOG_LEVEL_DEBUG, NULL, __VA_ARGS__)

#endif
