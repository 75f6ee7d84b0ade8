#include "api/watch.h"

#include <stdlib.h>
#include <string.h>

#include "api/recent.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "ops/sight.h"
#include "ops/status.h"

#define PAUSE_SHARE 20 /* telling takes at most one part in so many of our time */

struct watch {
	struct ops *ops;
	watch_judge_fn *judge;
	void *judge_owner;
	struct watcher watcher;
	struct list streams;
	int count;
	char boot[BOOT_SIZE];
	struct recent recent;
	struct page *page; /* the newest; NULL while nobody watches */
	int64_t page_seq;  /* the world's, when it was made */
	struct timer tell, beat;
	int64_t rest_until_ms; /* monotonic */
};

struct watch_stream {
	struct list node;
	struct watch *watch;
	struct server_req *req;
	struct principal who;
	struct feed feed;
	bool busy;  /* what it was given is still on its way */
	bool ended; /* its last event was given */
};

/* ---- the page ---- */

static void page_make(struct watch *x)
{
	AUTO(buf_t) text = {0};

	x->page_seq = x->ops->world->sequence;
	status_write(x->ops, NULL, &text);
	page_drop(x->page);
	x->page = page_new(&text);
}

static void page_refresh(struct watch *x)
{
	if (!x->page || x->page_seq != x->ops->world->sequence)
		page_make(x);
}

/* ---- one stream ---- */

static void stream_drained(struct server_req *r, void *owner);

static void stream_give(struct watch_stream *s, const struct buf *text)
{
	s->busy = true;
	if (server_stream_push(s->req, buf_text(text), text->len) < 0) {
		log_warning("a watcher of %s is let go: its stream takes no more", s->who.name);
		s->ended = true;
		server_stream_end(s->req);
	}
}

static void stream_pump(struct watch_stream *s)
{
	AUTO(buf_t) text = {0};

	if (s->busy || s->ended)
		return;
	feed_fill(&s->feed, WATCH_IN_HAND, &text);
	if (text.len)
		stream_give(s, &text);
}

static void stream_drained(struct server_req *r, void *owner)
{
	struct watch_stream *s = owner;

	(void)r;
	s->busy = false;
	stream_pump(s);
}

/* An event that was begun stays cut: its reader sees that by the missing empty line. */
static void stream_stop(struct watch_stream *s, const char *why)
{
	AUTO(buf_t) text = {0};

	if (s->ended)
		return;
	s->ended = true;
	if (s->feed.phase == FEED_BEGIN || s->feed.phase == FEED_LIVE)
		feed_end(&s->feed, why, &text);
	if (text.len && server_stream_push(s->req, buf_text(&text), text.len) < 0)
		log_debug("a watcher of %s does not hear why it ends", s->who.name);
	server_stream_end(s->req);
}

static void sight_of(const struct principal *p, bool sees[OBJECT_TYPES])
{
	for (int t = 0; t < OBJECT_TYPES; t++)
		sees[t] = principal_sees(p, (enum object_type)t);
}

static void stream_judge(struct watch_stream *s)
{
	struct watch *x = s->watch;
	bool sees[OBJECT_TYPES];
	struct principal who;
	struct err e;

	if (x->judge(s->req, &who, x->judge_owner, &e) < 0) {
		log_info("a watcher of %s is sent away: %s", s->who.name, e.message);
		stream_stop(s, e.message);
		return;
	}
	s->who = who;
	sight_of(&who, sees);
	if (memcmp(sees, s->feed.sees, sizeof(sees)) == 0)
		return;
	memcpy(s->feed.sees, sees, sizeof(sees));
	feed_renew(&s->feed);
}

static void stream_beat(struct watch_stream *s)
{
	static const char comment[] = ": beat\n\n";
	AUTO(buf_t) text = {0};

	stream_judge(s);
	stream_pump(s);
	if (s->busy || s->ended || s->feed.phase != FEED_LIVE)
		return;
	(void)buf_str(&text, comment);
	stream_give(s, &text);
}

/* ---- all of them ---- */

static void all_pump(struct watch *x)
{
	LIST_EACH (node, &x->streams)
		stream_pump(LIST_OF(node, struct watch_stream, node));
}

/* Large worlds are told of more seldom: a page of theirs takes its time. */
static void told(struct timer *t, void *owner)
{
	struct watch *x = owner;
	int64_t began = clock_mono_ms();

	(void)t;
	page_refresh(x);
	all_pump(x);
	int64_t now = clock_mono_ms();
	x->rest_until_ms = now + (now - began) * PAUSE_SHARE;
}

static void tell_soon(struct watch *x)
{
	int64_t rest = x->rest_until_ms - clock_mono_ms();

	if (x->count && !timer_active(&x->tell))
		timer_start(&x->tell, rest > WATCH_SOON_MS ? rest : WATCH_SOON_MS);
}

/* Some of a status comes with time alone, such as what takes too long by now. */
static void beaten(struct timer *t, void *owner)
{
	struct watch *x = owner;

	page_make(x);
	LIST_EACH (node, &x->streams)
		stream_beat(LIST_OF(node, struct watch_stream, node));
	timer_start(t, WATCH_BEAT_MS);
}

static void world_moved(struct watcher *w, enum object_type type, const char *id, void *owner)
{
	struct watch *x = owner;
	int64_t seq = x->ops->world->sequence;

	(void)w;
	recent_add(&x->recent, type, id, seq);
	LIST_EACH (node, &x->streams)
		feed_changed(&LIST_OF(node, struct watch_stream, node)->feed, type, id, seq);
	tell_soon(x);
}

/* ---- coming and going ---- */

static int room_for(const struct watch *x, const struct principal *who, struct err *e)
{
	int own = 0;

	LIST_EACH (node, &x->streams)
		own += LIST_OF(node, struct watch_stream, node)->who.uid == who->uid;
	if (own >= WATCH_OF_ONE)
		return err_set(e, ERR_BUSY, "%s watches %d times already, the most for one user",
			       who->name, own);
	if (x->count >= WATCH_MOST)
		return err_set(e, ERR_BUSY, "%d watchers are there already, the most at once",
			       x->count);
	return 0;
}

/* Everything behind the place that it names can be told; a snapshot is not needed. */
static bool place_known(const struct watch *x, const char *since, int64_t *seq)
{
	char boot[BOOT_SIZE];

	return event_id_parse(since, boot, seq) && str_equal(boot, x->boot) &&
	       recent_hold(&x->recent, *seq);
}

static void stream_begin(struct watch_stream *s, const struct watch_args *a)
{
	static const char *const headers[] = {"Cache-Control: no-store", NULL};
	const char *header = server_req_header(s->req, "last-event-id");
	const char *since = a->since ? a->since : header;
	struct watch *x = s->watch;
	bool sees[OBJECT_TYPES];
	int64_t seq;

	sight_of(&s->who, sees);
	feed_init(&s->feed, x->ops->world, x->boot, &x->page, sees, str_equal(a->view, "status"));
	if (place_known(x, since, &seq)) {
		feed_resume(&s->feed);
		recent_replay(&x->recent, seq, &s->feed);
	}
	server_stream_begin(s->req, 200, "text/event-stream", headers, stream_drained, s);
	stream_pump(s);
}

struct watch_stream *watch_open(struct watch *x, struct server_req *r, const struct principal *who,
				const struct watch_args *a, struct err *e)
{
	struct watch_stream *s;

	if (room_for(x, who, e) < 0)
		return NULL;
	page_refresh(x);
	s = mem_alloc(sizeof(*s));
	s->watch = x;
	s->req = r;
	s->who = *who;
	list_append(&x->streams, &s->node);
	if (x->count++ == 0)
		timer_start(&x->beat, WATCH_BEAT_MS);
	stream_begin(s, a);
	return s;
}

void watch_close(struct watch_stream *s)
{
	struct watch *x = s->watch;

	list_remove(&s->node);
	feed_free(&s->feed);
	free(s);
	if (--x->count)
		return;
	timer_stop(&x->beat);
	timer_stop(&x->tell);
	page_drop(steal(&x->page));
}

void watch_end(struct watch *x, const char *why)
{
	LIST_EACH (node, &x->streams)
		stream_stop(LIST_OF(node, struct watch_stream, node), why);
}

int watch_count(const struct watch *x)
{
	return x->count;
}

struct watch *watch_new(struct ops *o, watch_judge_fn *judge, void *owner)
{
	struct watch *x = mem_alloc(sizeof(*x));

	x->ops = o;
	x->judge = judge;
	x->judge_owner = owner;
	random_hex(x->boot, BOOT_SIZE - 1);
	list_init(&x->streams);
	recent_init(&x->recent, o->world->sequence);
	timer_init(&x->tell, o->loop, told, x);
	timer_init(&x->beat, o->loop, beaten, x);
	world_watch(o->world, &x->watcher, world_moved, x);
	return x;
}

void watch_free(struct watch *x)
{
	world_unwatch(&x->watcher);
	timer_stop(&x->tell);
	timer_stop(&x->beat);
	page_drop(x->page);
	free(x);
}
