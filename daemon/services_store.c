/*
 * The store as the daemon has it. It may be missing for as long as its disk is full or read-only or
 * another program holds it: connectors run on from their folders then, and the store is tried again
 * until it opens. It is attached in one place, whether at the start or later.
 */
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "daemon/private.h"

#define LOOK_MS (30 * 1000) /* at a store that is fine */

static const struct backoff again = {1000, LOOK_MS, 10};

/* All of it, or nothing: half a world would stop the connectors of the other half. */
static int load(struct daemon *d, bool impatient, struct err *e)
{
	const char *account = d->settings.cloudflare.account_id;
	const struct store_options o = {
		.dirfd = d->state_dirfd,
		.owner = d->settings.owner,
		.account_id = account ? account : "",
		.impatient = impatient,
	};
	struct world *loaded = world_new();
	struct store *s = NULL;
	if (store_open(&o, &s, e) < 0 || store_load(s, loaded, e) < 0) {
		store_close(s);
		world_free(loaded);
		return -1;
	}
	d->store = s;
	world_take(d->world, loaded);
	world_free(loaded);
	return 0;
}

static void tell_trouble(struct daemon *d, const struct err *e)
{
	if (str_equal(d->store_trouble, e->message))
		return;
	str_set(&d->store_trouble, e->message);
	str_set(&d->store_cure, e->hint);
	log_error("the store cannot be used; connectors go on, nothing is changed: %s", e->message);
	world_changed(d->world, OBJECT_SYSTEM, "");
}

static int attach(struct daemon *d, bool impatient, struct err *e)
{
	struct system_facts *s = &d->world->system;
	if (load(d, impatient, e) < 0) {
		tell_trouble(d, e);
		return -1;
	}
	str_set(&d->store_trouble, NULL);
	str_set(&d->store_cure, NULL);
	if (store_was_damaged(d->store))
		log_warning("the store was damaged and was moved aside; a new one was begun");
	if (store_moved(d->store)) {
		str_set(&s->writes_held, "The store comes from another machine, so nothing is "
					 "written to Cloudflare");
		log_warning("%s until adit writes resume", s->writes_held);
	}
	(void)str_copy(s->install, sizeof(s->install), store_install(d->store));
	return 0;
}

int daemon_open_store(struct daemon *d, struct err *e)
{
	return attach(d, false, e) < 0 && e->kind == ERR_BUSY ? -1 : 0;
}

/* ---- later ---- */

static void look_later(struct daemon *d, bool fine)
{
	d->store_tries = fine ? 0 : d->store_tries + 1;
	timer_start(&d->store_timer,
		    fine ? LOOK_MS : backoff_delay(&again, d->store_tries, random_u64()));
}

static void try_open(struct daemon *d)
{
	struct err e;
	if (attach(d, true, &e) < 0)
		return;
	log_info("the store can be used again");
	daemon_store_came(d);
}

static void look(struct timer *t, void *owner)
{
	struct daemon *d = owner;
	(void)t;
	if (!d->store)
		try_open(d);
	else
		ops_store_look(&d->ops);
	look_later(d, d->store && store_disk(d->store) == STORE_DISK_FINE);
}

void daemon_watch_store(struct daemon *d)
{
	timer_init(&d->store_timer, d->loop, look, d);
	look_later(d, d->store != NULL);
}

void daemon_unwatch_store(struct daemon *d)
{
	timer_stop(&d->store_timer);
}

void daemon_hurry_store(struct daemon *d)
{
	d->store_tries = 0;
	timer_start(&d->store_timer, 0);
}
