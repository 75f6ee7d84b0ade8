#include "supervise/folders.h"

#include <unistd.h>

#include "supervise/launch_folder.h"

void folders_init(struct folders *f, int state_dirfd)
{
	*f = (struct folders){.state_dirfd = state_dirfd, .all = -1, .one = -1};
}

static int one_open(struct folders *f, const char *id, bool create, int *fd, struct err *e)
{
	if (f->all < 0 && folder_open_all(f->state_dirfd, create, &f->all, e))
		return -1;
	return folder_open_in(f->all, id, create, fd, e);
}

int folders_get(struct folders *f, const char *id, bool create, int *fd, struct err *e)
{
	AUTO(fd_t) opened = -1;

	if (f->one >= 0 && *id && str_equal(f->id, id)) {
		*fd = f->one;
		return 0;
	}
	if (one_open(f, id, create, &opened, e))
		return -1;
	fd_t_cleanup(&f->one);
	f->one = opened;
	opened = -1;
	(void)str_copy(f->id, sizeof(f->id), id); /* a longer one is opened each time */
	*fd = f->one;
	return 0;
}

void folders_close(struct folders *f)
{
	fd_t_cleanup(&f->one);
	fd_t_cleanup(&f->all);
}
