/* Counts comparisons of strings, which is what a search through a table consists of: each goes
 * through here (see cmake/Tests.cmake). No time is measured, so a busy machine changes nothing. */
#ifndef TESTS_UNIT_STEPS_H
#define TESTS_UNIT_STEPS_H

#include <stddef.h>

static size_t steps_done;

int __real_strcmp(const char *a, const char *b);
int __real_strcasecmp(const char *a, const char *b);
int __wrap_strcmp(const char *a, const char *b);
int __wrap_strcasecmp(const char *a, const char *b);

int __wrap_strcmp(const char *a, const char *b)
{
	steps_done++;
	return __real_strcmp(a, b);
}

int __wrap_strcasecmp(const char *a, const char *b)
{
	steps_done++;
	return __real_strcasecmp(a, b);
}

#endif
