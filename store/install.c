/*
 * What must survive the store: install id, owner, account and machine in a small file beside it.
 * The marks on DNS records carry owner and install, so with this file they are known as ours again
 * when the store is gone.
 */
#include "store/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

#define INSTALL_FILE "install"
#define INSTALL_MAX  4096

void install_forget(struct kept *k)
{
	free(k->install);
	free(k->owner);
	free(k->account);
	free(k->machine);
	*k = (struct kept){0};
}

static bool is_install(const char *id)
{
	return id && strlen(id) == sizeof(((struct store *)0)->install) - 1 &&
	       hex_valid(id, strlen(id));
}

static char *dup_filled(const char *text)
{
	return text && *text ? str_dup(text) : NULL;
}

static int read_file(const struct store *s, struct kept *k, struct err *e)
{
	AUTO(buf_t) text = {0};
	AUTO(json_doc_t) doc = NULL;
	const struct json *root;

	if (file_read(s->dirfd, INSTALL_FILE, INSTALL_MAX, &text, e) ||
	    json_parse(buf_text(&text), text.len, NULL, &doc, e))
		return -1;
	root = json_root(doc);
	if (!is_install(json_get_string(root, "install")))
		return err_set(e, ERR_INVALID, "it holds no install id");
	k->install = str_dup(json_get_string(root, "install"));
	k->owner = dup_filled(json_get_string(root, "owner"));
	k->account = dup_filled(json_get_string(root, "account"));
	k->machine = dup_filled(json_get_string(root, "machine"));
	return 0;
}

/* ---- what a damaged store still says of itself ---- */

static char *ask(sqlite3 *db, const char *key)
{
	sqlite3_stmt *st = NULL;
	char *value = NULL;

	if (sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE key = ?1", -1, &st, NULL) ==
		    SQLITE_OK &&
	    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		value = dup_filled((const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	return value;
}

/* The file is evidence: it is read as it lies there, and not one byte of it is written. */
static bool open_damaged(const struct store *s, const char *name, sqlite3 **db)
{
	AUTO(str_t) uri = str_format("file:%s/%s?immutable=1", s->dir, name);
	const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOFOLLOW |
			  SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;

	if (strpbrk(s->dir, "%?#")) /* would have to be escaped */
		return false;
	if (sqlite3_open_v2(uri, db, flags, NULL) != SQLITE_OK)
		return false;
	limit_db(*db, 0);
	sqlite3_exec(*db, "PRAGMA trusted_schema = OFF", NULL, NULL, NULL);
	sqlite3_exec(*db, "PRAGMA cell_size_check = ON", NULL, NULL, NULL);
	return true;
}

static void ask_damaged(const struct store *s, struct kept *k)
{
	AUTO(str_t) install = NULL;
	sqlite3 *db = NULL;

	if (open_damaged(s, s->damaged, &db)) {
		install = ask(db, "install");
		if (!is_install(install))
			log_info("%s does not say what it belonged to: %s", s->damaged,
				 sqlite3_errmsg(db));
		if (is_install(install)) {
			k->install = steal(&install);
			k->owner = ask(db, "owner");
			k->account = ask(db, "account");
			k->machine = ask(db, "machine");
		}
	}
	sqlite3_close(db);
}

struct world *store_salvage(const struct store *s, const char *name)
{
	struct store there = {.dirfd = s->dirfd, .lock = -1, .corrupt = true};
	struct world *w = NULL;

	there.dir = s->dir;
	there.path = s->path;
	if (open_damaged(s, name, &there.db)) {
		w = world_new();
		desired_salvage(&there, w);
	}
	close_db(&there);
	return w;
}

void install_recall(struct store *s)
{
	struct err e = {0};

	install_forget(&s->kept);
	if (read_file(s, &s->kept, &e) == 0) {
		s->kept.there = true;
		return;
	}
	s->kept.there = e.kind != ERR_NOT_FOUND;
	if (s->kept.there)
		log_warning("%s/%s cannot be used: %s", s->dir, INSTALL_FILE, e.message);
	if (s->damaged)
		ask_damaged(s, &s->kept);
}

/* ---- writing ---- */

static bool says_the_same(const struct store *s)
{
	const struct kept *k = &s->kept;

	return str_equal(k->install, s->install) && str_equal(k->owner, s->owner) &&
	       str_equal(k->account ? k->account : "", s->account ? s->account : "") &&
	       str_equal(k->machine, s->machine);
}

/* That it could not be written is no reason to do without a store. */
void install_keep(const struct store *s)
{
	AUTO(buf_t) text = {0};
	struct json_writer w;
	struct err e;

	if (s->moved || (s->kept.there && says_the_same(s)))
		return;
	json_write_init(&w, &text);
	json_object_begin(&w);
	json_put_string(&w, "install", s->install);
	json_put_string(&w, "owner", s->owner);
	json_put_string(&w, "account", s->account);
	json_put_string(&w, "machine", s->machine);
	json_object_end(&w);
	(void)buf_char(&text, '\n');
	if (file_write(s->dirfd, INSTALL_FILE, buf_text(&text), text.len, 0600, &e))
		log_warning("what belongs to this store is not kept beside it: %s", e.message);
}
