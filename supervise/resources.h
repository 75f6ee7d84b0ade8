/*
 * What a process takes of memory and descriptors, read from /proc without asking it. The ceilings
 * are no settings: cloudflared takes 36 MB idle and 50 under load, and what leaks passes any bound.
 */
#ifndef SUPERVISE_RESOURCES_H
#define SUPERVISE_RESOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RSS_CEILING         (1024LL << 20)
#define FDS_CEILING_PERCENT 80 /* of its own limit */

struct resources {
	int64_t rss_bytes; /* -1 = not known */
	int64_t open_fds, fds_limit;
};

void resources_read(pid_t pid, struct resources *r);
/* Pure. What is not known is below every ceiling. */
bool resources_over(const struct resources *r);
/* Pure: the resident pages in the text of /proc/PID/statm, the soft limit of /proc/PID/limits; -1 =
 * it does not say. */
int64_t resources_pages(const char *statm);
int64_t resources_limit(const char *limits);

#endif
