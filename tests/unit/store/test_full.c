/* A disk that is full or refuses: the sentence says so, the transaction is undone, readers go on,
 * and when there is room again so do writers. */
#include "store/private.h"
#include "tests/unit/store/small_disk.h"

#include <signal.h>
#include <sys/resource.h>

#define PAGE 4096

static off_t wal_size(struct fixture *f)
{
	struct stat st;

	assert_int_equal(fstatat(f->dirfd, "adit.db-wal", &st, 0), 0);
	return st.st_size;
}

static struct tunnel *tunnel_of_size(size_t size)
{
	struct tunnel *t = tunnel_new("web");

	free(t->name);
	t->name = mem_alloc(size + 1);
	memset(t->name, 'x', size);
	return t;
}

/* Writes until it is refused; the error must be the one about a full disk. */
static int fill_up(struct store *s, struct err *e)
{
	for (int n = 2; n < 10000; n++) {
		struct tunnel *t = tunnel_of_size(8000);
		int result = store_begin(s, e);

		if (!result)
			result = store_save_tunnel(s, t, e);
		tunnel_free(t);
		if (!result)
			result = store_commit(s, e);
		store_rollback(s);
		if (result)
			return n;
	}
	return 0;
}

static void still_works_for_readers(struct fixture *f)
{
	struct world *w = world_new();
	int64_t count;

	OK(f, store_load(f->s, w, &f->e));
	OK(f, store_verify_ledger(f->s, &count, &f->e));
	assert_int_equal(count, 1);
	assert_int_equal(stored(f), 1);
	world_free(w);
}

static void no_more_pages_is_a_full_disk(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	OK(f, change(f->s, 1, &f->e));
	assert_int_equal(raw_run(f->s->db, "PRAGMA max_page_count = 80"), SQLITE_OK);
	assert_true(fill_up(f->s, &f->e) > 2);
	assert_int_equal(f->e.kind, ERR_INTERNAL);
	SAYS(f, "is full");
	SAYS(f, f->dir);
	SAYS(f, "Free some space");
	still_works_for_readers(f);
	assert_int_equal(raw_run(f->s->db, "PRAGMA max_page_count = 100000"), SQLITE_OK);
	OK(f, change(f->s, 2, &f->e));
}

static void a_file_size_limit_is_an_error_and_passes(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, tight;

	open_store(f);
	OK(f, change(f->s, 1, &f->e));
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	tight = before;
	tight.rlim_cur = (rlim_t)wal_size(f) + 10 * PAGE;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_true(fill_up(f->s, &f->e) > 2);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(f->e.kind, ERR_INTERNAL);
	SAYS(f, "cannot write to the store");
	SAYS(f, "Look at the disk");
	still_works_for_readers(f);
	OK(f, change(f->s, 2, &f->e));
	reopen_store(f);
	assert_int_equal(stored(f), 2);
}

static void a_store_that_cannot_be_written_says_so(void **state)
{
	struct fixture *f = *state;

	open_store(f);
	OK(f, change(f->s, 1, &f->e));
	assert_int_equal(raw_run(f->s->db, "PRAGMA query_only = ON"), SQLITE_OK);
	REFUSED(f, ERR_INTERNAL, change(f->s, 2, &f->e));
	SAYS(f, "cannot write to the store");
	SAYS(f, f->dir);
	still_works_for_readers(f);
	assert_int_equal(raw_run(f->s->db, "PRAGMA query_only = OFF"), SQLITE_OK);
	OK(f, change(f->s, 2, &f->e));
}

static int on_small_disk(struct fixture *f)
{
	struct world *w = world_new();
	struct store *s;
	struct err e;
	int64_t count;

	if (!mount_small_disk(f, "size=600k"))
		return DISK_SKIPPED;
	if (store_open(&f->options, &s, &e) || change(s, 1, &e))
		return 1;
	if (fill_up(s, &e) < 2 || e.kind != ERR_INTERNAL || !strstr(e.message, "is full"))
		return 2;
	if (store_load(s, w, &e) || !w->tunnels.n)
		return 3;
	if (store_verify_ledger(s, &count, &e) || count != 1)
		return 4;
	store_close(s);
	if (store_open(&f->options, &s, &e) || store_was_damaged(s))
		return 5;
	if (store_verify_ledger(s, &count, &e) || count != 1)
		return 6;
	world_free(w);
	store_close(s);
	return DISK_OK;
}

static void a_full_disk_is_told_and_survived(void **state)
{
	run_in_child(*state, on_small_disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_more_pages_is_a_full_disk),
		TEST(a_file_size_limit_is_an_error_and_passes),
		TEST(a_store_that_cannot_be_written_says_so),
		TEST(a_full_disk_is_told_and_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
