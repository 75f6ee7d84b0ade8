/* How many descriptors this process has open: what was not closed shows as a difference. */
#ifndef TESTS_UNIT_LOOP_DESCRIPTORS_H
#define TESTS_UNIT_LOOP_DESCRIPTORS_H

#include <dirent.h>

static int open_count(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

#endif
