/*
 * Small facts by key, and the pins among them: what a store belongs to is fixed at its first start
 * (install, owner, account, machine), because marks on records and all ids depend on it.
 */
#include "store/private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"

#define MACHINE_ID_LEN 32
#define MACHINE_ID_MAX 4096

/* ---- keys and values ---- */

int meta_put(struct store *s, const char *key, const char *value, struct err *e)
{
	AUTO(query_t) q = {0};

	if (query_open(&q, s, value ? SQL_META_PUT : SQL_META_DROP, e))
		return -1;
	bind_text(&q, key);
	if (value)
		bind_text(&q, value);
	return query_run(&q, e);
}

int meta_get(struct store *s, const char *key, char **value, struct err *e)
{
	AUTO(query_t) q = {0};
	int got;

	if (query_open(&q, s, SQL_META_GET, e))
		return -1;
	bind_text(&q, key);
	got = query_step(&q, e);
	if (got < 0)
		return -1;
	*value = got ? col_dup(&q, 0) : NULL;
	return 0;
}

static bool is_own_key(const char *key)
{
	static const char *const own[] = {"install", "owner",    "account",
					  "machine", META_CLEAN, "ledger_head"};

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (!strcmp(key, own[i]))
			return true;
	return false;
}

int store_set_meta(struct store *s, const char *key, const char *value, struct err *e)
{
	if (is_own_key(key))
		return err_set(e, ERR_INTERNAL, "\"%s\" is a key of the store itself", key);
	return meta_put(s, key, value, e);
}

char *store_get_meta(struct store *s, const char *key)
{
	char *value = NULL;

	return meta_get(s, key, &value, NULL) ? NULL : value;
}

int store_list_meta(struct store *s, const char *prefix, struct strlist *keys, struct err *e)
{
	AUTO(query_t) q = {0};
	int got;

	if (query_open(&q, s, SQL_META_LIST, e))
		return -1;
	bind_text(&q, prefix);
	while ((got = query_step(&q, e)) > 0)
		strlist_add(keys, col_text(&q, 0));
	return got;
}

/* ---- pins ---- */

/* A store that was just made where one was belongs to what that one belonged to. */
static int pin_kept(struct store *s, struct err *e)
{
	AUTO(str_t) install = NULL;
	const struct kept *k = &s->kept;
	const char *const pins[][2] = {{"install", k->install},
				       {"owner", k->owner},
				       {"account", k->account},
				       {"machine", k->machine}};

	if (meta_get(s, "install", &install, e))
		return -1;
	if (install || (!k->there && !s->damaged))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(pins); i++)
		if (pins[i][1] && meta_put(s, pins[i][0], pins[i][1], e))
			return -1;
	return meta_put(s, STORE_REBUILD, s->damaged ? s->damaged : "lost", e);
}

static int pin_install(struct store *s, struct err *e)
{
	AUTO(str_t) install = NULL;

	if (meta_get(s, "install", &install, e))
		return -1;
	if (install && str_copy(s->install, sizeof(s->install), install))
		return 0;
	if (install)
		return err_set(e, ERR_INTERNAL, "the store %s has no valid install id", s->path);
	random_hex(s->install, sizeof(s->install) - 1);
	return meta_put(s, "install", s->install, e);
}

static int pin_owner(struct store *s, const char *owner, struct err *e)
{
	AUTO(str_t) pinned = NULL;

	if (meta_get(s, "owner", &pinned, e))
		return -1;
	if (pinned && strcmp(pinned, owner)) {
		err_set(e, ERR_CONFLICT, "the store in %s belongs to owner \"%s\", not to \"%s\"",
			s->dir, pinned, owner);
		return err_hint(e,
				"Set owner to \"%s\" again, or give the new owner a state_dir of "
				"its own: the marks on DNS records carry the owner.",
				pinned);
	}
	if (!pinned && meta_put(s, "owner", owner, e))
		return -1;
	str_set(&s->owner, owner);
	return 0;
}

static int pin_account(struct store *s, const char *account, struct err *e)
{
	AUTO(str_t) pinned = NULL;

	if (meta_get(s, "account", &pinned, e))
		return -1;
	if (pinned && *account && strcmp(pinned, account)) {
		err_set(e, ERR_CONFLICT, "the store in %s belongs to account %s, not to %s", s->dir,
			pinned, account);
		return err_hint(e,
				"Set cloudflare.account_id to %s again, or give the other "
				"account a state_dir of its own.",
				pinned);
	}
	if (!pinned && *account && meta_put(s, "account", account, e))
		return -1;
	str_set(&s->account, pinned ? pinned : account);
	return 0;
}

/* ---- the machine ---- */

/* A hash, because a machine id is not to be spread. NULL when the machine has none. */
static char *machine_hash(const char *path)
{
	static const char purpose[] = "adit machine";
	AUTO(buf_t) text = {0};
	char hash[SHA256_HEX_SIZE];
	struct err ignored;

	if (file_read(AT_FDCWD, path ? path : "/etc/machine-id", MACHINE_ID_MAX, &text, &ignored))
		return NULL;
	while (text.len && strchr("\n\r\t ", text.data[text.len - 1]))
		text.data[--text.len] = '\0';
	if (text.len != MACHINE_ID_LEN || !hex_valid(text.data, text.len))
		return NULL;
	sha256_parts(
		(const struct sha256_part[]){{purpose, sizeof(purpose) - 1}, {text.data, text.len}},
		2, hash);
	return str_dup(hash);
}

static int pin_machine(struct store *s, const char *path, struct err *e)
{
	AUTO(str_t) now = machine_hash(path);
	AUTO(str_t) pinned = NULL;

	if (meta_get(s, "machine", &pinned, e))
		return -1;
	str_set(&s->machine, now);
	s->moved = now && pinned && strcmp(now, pinned) != 0;
	return now && !pinned ? meta_put(s, "machine", now, e) : 0;
}

bool store_moved(const struct store *s)
{
	return s->moved;
}

int store_accept_machine(struct store *s, struct err *e)
{
	if (s->machine && meta_put(s, "machine", s->machine, e))
		return -1;
	s->moved = false;
	return 0;
}

static int pin_all(struct store *s, const struct store_options *o, struct err *e)
{
	if (pin_kept(s, e) || pin_install(s, e) || pin_owner(s, o->owner, e))
		return -1;
	if (pin_account(s, o->account_id ? o->account_id : "", e))
		return -1;
	if (pin_machine(s, o->machine_id_file, e))
		return -1;
	return ledger_begin(s, e);
}

int meta_pin(struct store *s, const struct store_options *o, struct err *e)
{
	bool own;

	if (tx_enter(s, &own, e))
		return -1;
	return tx_leave(s, own, pin_all(s, o, e), e);
}
