#include "supervise/resources.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define TEXT_SIZE 4096
#define FDS_MOST  (1 << 20)

int64_t resources_pages(const char *statm)
{
	long long size, resident;

	return sscanf(statm, "%lld %lld", &size, &resident) == 2 && resident >= 0 ? resident : -1;
}

int64_t resources_limit(const char *limits)
{
	static const char name[] = "Max open files";
	const char *line = strstr(limits, name);
	long long soft;

	/* "unlimited" is none that it could come near. */
	return line && sscanf(line + sizeof(name) - 1, "%lld", &soft) == 1 && soft > 0 ? soft : -1;
}

static bool read_text(int proc, const char *name, char text[TEXT_SIZE])
{
	AUTO(fd_t) fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, TEXT_SIZE - 1) : -1;

	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static int64_t count_fds(int proc)
{
	int fd = openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	int64_t n = 0;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (n < FDS_MOST && (entry = readdir(d)))
		n += *entry->d_name != '.';
	closedir(d);
	return n;
}

void resources_read(pid_t pid, struct resources *r)
{
	char path[32], text[TEXT_SIZE];
	AUTO(fd_t) proc = -1;

	*r = (struct resources){-1, -1, -1};
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return;
	if (read_text(proc, "statm", text))
		r->rss_bytes = resources_pages(text);
	if (r->rss_bytes > 0)
		r->rss_bytes *= sysconf(_SC_PAGESIZE);
	if (read_text(proc, "limits", text))
		r->fds_limit = resources_limit(text);
	r->open_fds = count_fds(proc);
}

bool resources_over(const struct resources *r)
{
	return r->rss_bytes > RSS_CEILING ||
	       (r->fds_limit > 0 &&
		r->open_fds > r->fds_limit / 100 * FDS_CEILING_PERCENT +
				      r->fds_limit % 100 * FDS_CEILING_PERCENT / 100);
}
