/*
 * Which connectors there are to be, and whose turn it is. Watching the world only marks it dirty;
 * the deferred pass makes objects and slots agree with what is wanted, then looks at each slot.
 */
#include "supervise/supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/leaving.h"
#include "supervise/slot.h"

#define FORGET_AGAIN_MS  5000
#define LEAVING_AGAIN_MS 1000
#define LOG_CEILING      ((int64_t)1 << 20)

/* ---- what is wanted ---- */

static void add_object(struct supervisor *s, const char *tunnel_id, int number, enum want want)
{
	struct connector *c = connector_new(tunnel_id, number);

	c->want = want;
	s->muted++;
	world_add_connector(s->world, c);
	s->muted--;
}

static struct slot *slot_at(const struct supervisor *s, const char *id)
{
	return map_get(&s->slots, id);
}

/* Slots follow objects. A new slot first looks whether its process runs already. */
static void make_slot(struct supervisor *s, const struct connector *c)
{
	struct launch_kept recalled;
	struct slot *x = slot_new(s, c, &recalled);

	map_set(&s->slots, x->id, x);
	slot_find(x, &recalled);
}

static void want_slots(struct supervisor *s, const struct tunnel *t)
{
	if (t->want != WANT_PRESENT || !*t->remote_id || t->token_generation == 0)
		return;
	for (int number = 1; number <= t->replicas && number <= TUNNEL_SLOTS_MAX; number++) {
		char id[CONNECTOR_ID_SIZE];

		connector_slot_id(t->id, number, id);
		if (world_connector(s->world, id))
			continue;
		add_object(s, t->id, number, WANT_PRESENT);
		make_slot(s, world_connector(s->world, id));
		slot_save(slot_at(s, id));
	}
}

/* Names that leave the tunnel need what runs until they are elsewhere; that may end by time alone.
 */
static bool stays(struct supervisor *s, const struct tunnel *t)
{
	bool stay = world_connectors_stay(s->world, t, clock_wall_ms());

	if (stay && !timer_active(&s->leaving))
		timer_start(&s->leaving, LEAVING_AGAIN_MS);
	return stay;
}

/* Without its tunnel's row a connector that we never saw it with goes on from its own folder: the
 * store may have been lost. One whose tunnel went away before our eyes has no cause any more. */
static enum want wanted(const struct slot *x, const struct connector *c)
{
	const struct tunnel *t = world_tunnel(x->s->world, x->tunnel_id);

	if (!t)
		return x->tunnel_known ? WANT_ABSENT : c->want;
	if (t->want == WANT_PRESENT && c->slot <= t->replicas)
		return WANT_PRESENT;
	return c->want == WANT_PRESENT && stays(x->s, t) ? WANT_PRESENT : WANT_ABSENT;
}

static void judge_want(struct slot *x)
{
	const struct tunnel *t = world_tunnel(x->s->world, x->tunnel_id);
	struct connector *c = slot_connector(x);
	enum want w;

	/* Somebody dropped the object: its process must still be stopped before it is forgotten. */
	if (!c) {
		add_object(x->s, x->tunnel_id, x->number, WANT_ABSENT);
		return;
	}
	w = wanted(x, c);
	x->tunnel_known |= t != NULL;
	if (w == c->want && !(t && map_remove(&x->s->rowless, x->id)))
		return;
	c->want = w;
	slot_save(x);
	slot_changed(x);
}

static void judge_outdated(struct slot *x)
{
	process_judge_outdated(x->own);
	process_judge_outdated(x->other);
}

/* A new token or another tunnel behind the name: what was in vain may work now. */
static void notice_changes(struct slot *x)
{
	const struct tunnel *t = world_tunnel(x->s->world, x->tunnel_id);
	struct uuid remote;

	/* While another token is to be read, a new process would have no use of the old one. */
	if (!t || t->token_stale)
		return;
	remote = uuid_read(t->remote_id);
	if (x->token_seen != t->token_generation || !uuid_same(&x->remote_seen, &remote)) {
		x->token_seen = t->token_generation;
		x->remote_seen = remote;
		budget_forgive(&x->budget);
		slot_turn_again(x);
		judge_outdated(x);
	}
	slot_want_version(x);
}

/* ---- the pass ---- */

/* f may drop its own slot, and makes none. */
static void each_slot(struct supervisor *s, void (*f)(struct slot *x))
{
	const struct map_entry *entry;

	for (size_t i = 0; (entry = map_next(&s->slots, &i)) != NULL;)
		f(entry->value);
}

static void forget(struct slot *x)
{
	struct supervisor *s = x->s;

	if (!x->forget)
		return;
	x->forget = false;
	if (!slot_forget(x)) {
		timer_start(&x->wake, FORGET_AGAIN_MS);
		return;
	}
	map_remove(&s->slots, x->id);
	notes_drop(&s->notes, x->id);
	world_drop(s->world, OBJECT_CONNECTOR, x->id);
	slot_free(x);
}

static void make_slots(struct supervisor *s)
{
	TABLE_EACH (i, struct connector, c, &s->world->connectors)
		if (!slot_at(s, c->id))
			make_slot(s, c);
}

static void pass(struct deferred *d, void *owner)
{
	struct supervisor *s = owner;

	(void)d;
	TABLE_EACH (i, struct tunnel, t, &s->world->tunnels)
		want_slots(s, t);
	make_slots(s);
	each_slot(s, judge_want);
	each_slot(s, notice_changes);
	each_slot(s, slot_look);
	each_slot(s, slot_turn);
	each_slot(s, forget);
}

static void leaving_due(struct timer *t, void *owner)
{
	struct supervisor *s = owner;

	(void)t;
	deferred_start(&s->pass);
}

static void world_moved(struct watcher *w, enum object_type type, const char *id, void *owner)
{
	struct supervisor *s = owner;

	(void)w, (void)id;
	if (!s->muted && (type == OBJECT_TUNNEL || type == OBJECT_CONNECTOR))
		deferred_start(&s->pass);
}

/* ---- options ---- */

static void options_free(struct supervisor_options *o)
{
	const char *const strings[] = {o->state_dir, o->cloudflared, o->protocol, o->label};

	for (size_t i = 0; i < ARRAY_LEN(strings); i++) {
		union {
			const char *given;
			char *owned;
		} s = {strings[i]};

		free(s.owned);
	}
}

static void options_copy(struct supervisor_options *to, const struct supervisor_options *from)
{
	*to = *from;
	to->state_dir = str_dup(from->state_dir);
	to->cloudflared = str_dup(from->cloudflared);
	to->protocol = str_dup(from->protocol);
	to->label = str_dup(from->label);
}

static void take_terms(struct supervisor *s)
{
	s->terms = (struct probe_terms){
		.loop = s->loop,
		.asker = s->asker,
		.interval_ms = s->options.probe_interval_ms,
		.timeout_ms = s->options.probe_timeout_ms,
		.edge_wanted = EDGE_WANTED,
		.told = process_probed,
		.expected = process_expected,
	};
}

static void hurry(struct process *p)
{
	if (p)
		probe_hurry(&p->probe);
}

static void take_options(struct slot *x)
{
	hurry(x->own);
	hurry(x->other);
	budget_forgive(&x->budget);
	slot_turn_again(x);
	judge_outdated(x);
}

void supervisor_configure(struct supervisor *s, const struct supervisor_options *o)
{
	struct supervisor_options old = s->options;

	options_copy(&s->options, o);
	/* The folders stay where they are: these change only with a restart. */
	s->options.state_dirfd = old.state_dirfd;
	options_free(&old);
	take_terms(s);
	disk_watch(&s->disk, s->options.cloudflared, s->options.probe_interval_ms);
	s->rolling[0] = '\0';
	each_slot(s, take_options);
	deferred_start(&s->pass);
}

/* ---- another cloudflared on the disk ---- */

static void upgrade_again(struct slot *x)
{
	if (slot_outruns(x) && !x->other)
		slot_turn_again(x);
}

static void disk_moved(struct disk *d, bool another, void *owner)
{
	struct supervisor *s = owner;

	(void)d;
	if (another)
		each_slot(s, upgrade_again);
	deferred_start(&s->pass);
}

/* ---- start and end ---- */

static void connector_ended(const char *id, int code, int signo, void *owner)
{
	char connector[ID_SIZE + 4];
	struct slot *x = process_connector_id(id, connector) ? slot_at(owner, connector) : NULL;
	struct process *p = !x ? NULL : str_equal(x->own->id, id) ? x->own : x->other;

	if (p)
		slot_ended(x, p, code, signo);
}

struct supervisor *supervisor_new(struct loop *l, struct world *w, struct store *st,
				  const struct supervisor_options *o)
{
	struct supervisor *s = mem_alloc(sizeof(*s));

	s->loop = l;
	s->world = w;
	s->store = st;
	s->asker = asker_new(l);
	s->slots.borrows = true;
	options_copy(&s->options, o);
	take_terms(s);
	s->logs = (struct tail_terms){.loop = l, .line = process_said, .ceiling = LOG_CEILING};
	notes_init(&s->notes, l, w, st);
	s->launcher =
		launch_child_new(l, o->state_dirfd, o->state_dir,
				 &(struct launcher_events){.ended = connector_ended, .owner = s});
	deferred_init(&s->pass, l, pass, s);
	timer_init(&s->leaving, l, leaving_due, s);
	disk_init(&s->disk, l, s->options.state_dirfd, disk_moved, s);
	disk_watch(&s->disk, s->options.cloudflared, s->options.probe_interval_ms);
	return s;
}

/* "<tunnel id>-<slot>", as connector_new makes it; false for any other name of a folder. */
static bool read_id(const char *id, char tunnel_id[ID_SIZE], int *number)
{
	const char *dash = strrchr(id, '-');
	char *end;
	long n = dash ? strtol(dash + 1, &end, 10) : 0;
	AUTO(str_t) tunnel = dash ? str_ndup(id, (size_t)(dash - id)) : NULL;

	if (n < 1 || n > TUNNEL_SLOTS_MAX || *end || dash[1] == '0' || dash[1] == '+')
		return false;
	*number = (int)n;
	return *tunnel && str_copy(tunnel_id, ID_SIZE, tunnel);
}

/* Folders without an object: no store, or another one than they were made with. They ran last, so
 * they run now. */
static int take_folders(struct supervisor *s, struct err *e)
{
	AUTO(strlist_t) ids = {0};
	char tunnel_id[ID_SIZE], id[ID_SIZE + 4];
	int number;

	if (s->launcher->ops->list(s->launcher, &ids, e))
		return -1;
	for (size_t i = 0; i < ids.n; i++) {
		if (!process_connector_id(ids.items[i], id) || world_connector(s->world, id) ||
		    !read_id(id, tunnel_id, &number))
			continue;
		add_object(s, tunnel_id, number, WANT_PRESENT);
		map_set(&s->rowless, id, s);
		log_warning("connector %s is in no store; it goes on from its own folder", id);
	}
	return 0;
}

int supervisor_start(struct supervisor *s, struct err *e)
{
	if (take_folders(s, e))
		return -1;
	make_slots(s);
	world_watch(s->world, &s->watcher, world_moved, s);
	deferred_start(&s->pass);
	return 0;
}

void supervisor_attach(struct supervisor *s, struct store *store)
{
	s->store = store;
	notes_attach(&s->notes, store);
	deferred_start(&s->pass);
}

static void free_slot(struct slot *x)
{
	map_remove(&x->s->slots, x->id);
	slot_free(x);
}

void supervisor_free(struct supervisor *s)
{
	if (!s)
		return;
	notes_end(&s->notes);
	world_unwatch(&s->watcher);
	deferred_stop(&s->pass);
	timer_stop(&s->leaving);
	disk_stop(&s->disk);
	each_slot(s, free_slot);
	map_free(&s->slots);
	map_free(&s->rowless);
	asker_free(s->asker);
	ports_free(&s->ports);
	s->launcher->ops->free(s->launcher);
	options_free(&s->options);
	free(s);
}

/* ---- requests through the edge ---- */

static bool runs_as(const struct process *p, pid_t pid)
{
	return p && p->running && p->pid == pid;
}

bool supervisor_runs(const struct supervisor *s, const char *tunnel_id, pid_t pid,
		     char id[ID_SIZE + 4])
{
	const struct map_entry *entry;

	for (size_t i = 0; (entry = map_next(&s->slots, &i)) != NULL;) {
		const struct slot *x = entry->value;

		if (str_equal(x->tunnel_id, tunnel_id) &&
		    (runs_as(x->own, pid) || runs_as(x->other, pid)))
			return str_copy(id, ID_SIZE + 4, x->id);
	}
	return false;
}

void supervisor_set_edges(struct supervisor *s, struct edge_probes *edges)
{
	s->edges = edges;
}

/* ---- wishes ---- */

/* It stands in the folder before it is answered: a wish outlasts us. */
static void ask(struct supervisor *s, struct connector *c, int *asked)
{
	struct slot *x = slot_at(s, c->id);

	++*asked;
	if (x) {
		x->keep_due = true;
		slot_keep(x, true);
		slot_turn_again(x);
	}
	world_changed(s->world, OBJECT_CONNECTOR, c->id);
	deferred_start(&s->pass);
}

bool supervisor_restart(struct supervisor *s, const char *connector_id)
{
	struct connector *c = world_connector(s->world, connector_id);

	if (!c)
		return false;
	ask(s, c, &c->restart_asked);
	return true;
}

bool supervisor_upgrade(struct supervisor *s, const char *connector_id)
{
	struct connector *c = world_connector(s->world, connector_id);
	struct slot *x = slot_at(s, connector_id);

	if (!c)
		return false;
	disk_look_now(&s->disk);
	/* What is not there today is not asked for: it may come one day, and not be wanted. */
	if (!x || !slot_outruns(x))
		return true;
	/* Whoever asks looks at the object next. */
	slot_show(x, c);
	ask(s, c, &c->upgrade_asked);
	return true;
}
