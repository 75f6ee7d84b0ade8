/* Several files as one: each offers its next older line, and the youngest of those is next. */
#include "supervise/logsearch.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "supervise/launch_folder.h"
#include "supervise/logsearch_file.h"

#define DISORDER_MS   5000        /* lines may stand so far from their order */
#define DROPPED_SIZE  (256 << 10) /* the beginning of a file so large was taken out: a torn line */
#define RESOLUTION_MS 1000        /* of cloudflared's times */

struct source {
	char name[32];
	struct logfile file;
	bool over;
	bool offers; /* head is its next line */
	struct outlog_entry head;
	int64_t head_ms; /* its own time, or that of the line behind it */
	struct log_spot newest, used;
	bool has_newest, has_used;
};

/* A place that was given: the time that sources count from which it does not name. */
struct place {
	bool given;
	int64_t at_ms;
	size_t n;
	struct {
		char name[32];
		struct log_spot spot;
	} spots[LOGSEARCH_FILES];
};

struct logsearch {
	struct logsearch_query q;
	char *text;
	struct place before, after;
	struct source sources[LOGSEARCH_FILES];
	size_t n;
	struct log_hit *hits;
	size_t n_hits;
	size_t used;     /* bytes read */
	int64_t last_ms; /* of the last line that was looked at; 0 = none */
	int64_t began_ms;
	bool gap, early;
};

/* ---- what fits ---- */

enum log_rank log_rank_by_name(const char *name)
{
	static const struct {
		const char *name;
		enum log_rank rank;
	} names[] = {{"trace", RANK_DEBUG}, {"debug", RANK_DEBUG}, {"info", RANK_INFO},
		     {"warn", RANK_WARN},   {"error", RANK_ERROR}, {"fatal", RANK_FATAL},
		     {"panic", RANK_FATAL}};

	for (size_t i = 0; name && i < ARRAY_LEN(names); i++)
		if (str_equal(names[i].name, name))
			return names[i].rank;
	return RANK_ALL;
}

bool logsearch_matches(const struct logsearch_query *q, const struct outlog_entry *x, int64_t at_ms)
{
	enum log_rank rank = log_rank_by_name(x->level);

	if (rank == RANK_ALL)
		rank = RANK_ERROR;
	if (rank < q->level || (q->reason != REASON_NONE && x->reason != q->reason))
		return false;
	if ((q->since_ms && at_ms < q->since_ms) || (q->until_ms && at_ms > q->until_ms))
		return false;
	if (q->text && !strcasestr(x->text, q->text))
		return false;
	return !q->shown || q->shown(x->text, q->owner);
}

/* ---- places: "<ms>;<source>=<offset>.<hash>;..." ---- */

static bool spot_parse(const char *text, size_t len, struct place *p)
{
	AUTO(str_t) one = str_ndup(text, len);
	char *equals = strchr(one, '='), *end = NULL;

	if (!equals || p->n == LOGSEARCH_FILES)
		return false;
	*equals = '\0';
	if (!str_copy(p->spots[p->n].name, sizeof(p->spots[p->n].name), one))
		return false;
	p->spots[p->n].spot.offset = strtoll(equals + 1, &end, 10);
	if (end == equals + 1 || *end != '.' || p->spots[p->n].spot.offset < 0)
		return false;
	const char *hash = end + 1;
	p->spots[p->n].spot.hash = strtoull(hash, &end, 16);
	if (end == hash || *end)
		return false;
	p->n++;
	return true;
}

static int place_parse(const char *name, const char *text, struct place *p, struct err *e)
{
	char *end = NULL;

	if (!text)
		return 0;
	p->given = true;
	p->at_ms = strtoll(text, &end, 10);
	bool good = end != text && p->at_ms >= 0;
	for (const char *at = end; good && *at;) {
		size_t len = strcspn(at + 1, ";");

		good = *at == ';' && spot_parse(at + 1, len, p);
		at += 1 + len;
	}
	if (good)
		return 0;
	return err_set(e, ERR_INVALID,
		       "%s: \"%.40s\" is no place of a log; give back what an "
		       "answer said",
		       name, text);
}

static void spot_write(const char *name, const struct log_spot *spot, struct buf *out)
{
	(void)buf_printf(out, ";%s=%" PRId64 ".%" PRIx64, name, spot->offset, spot->hash);
}

static const struct log_spot *place_spot(const struct place *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_equal(p->spots[i].name, name))
			return &p->spots[i].spot;
	return NULL;
}

void logsearch_place(const struct logsearch *s, struct buf *out)
{
	(void)buf_printf(out, "%" PRId64, s->last_ms ? s->last_ms : s->began_ms);
	for (size_t i = 0; i < s->n; i++) {
		const struct source *x = &s->sources[i];
		const struct log_spot *given = place_spot(&s->before, x->name);

		if (x->has_used || given)
			spot_write(x->name, x->has_used ? &x->used : given, out);
	}
}

void logsearch_newest(const struct logsearch *s, struct buf *out)
{
	(void)buf_printf(out, "%" PRId64, s->began_ms);
	for (size_t i = 0; i < s->n; i++) {
		const struct source *x = &s->sources[i];
		const struct log_spot *given = place_spot(&s->after, x->name);

		if (x->has_newest || given)
			spot_write(x->name, x->has_newest ? &x->newest : given, out);
	}
}

/* ---- files ---- */

int logsearch_open(int state_dirfd, const char *launch_id, struct err *e)
{
	AUTO(fd_t) folder = -1;
	struct stat st;
	int fd;

	if (folder_open(state_dirfd, launch_id, false, &folder, e))
		return -1;
	fd = openat(folder, "log", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e, "cannot read the log of %s", launch_id);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	(void)close(fd);
	return err_set(e, ERR_INVALID, "the log of %s is no regular file", launch_id);
}

int logsearch_new(const struct logsearch_query *q, struct logsearch **out, struct err *e)
{
	struct logsearch *s = mem_alloc(sizeof(*s));

	s->q = *q;
	s->text = str_dup(q->text);
	s->q.text = s->text;
	s->began_ms = clock_wall_ms();
	if (place_parse("cursor", q->before, &s->before, e) ||
	    place_parse("after", q->after, &s->after, e)) {
		logsearch_free(s);
		return -1;
	}
	s->q.before = s->q.after = NULL;
	s->hits = mem_array((size_t)q->limit, sizeof(*s->hits));
	*out = s;
	return 0;
}

static void source_bound(struct logsearch *s, struct source *x)
{
	const struct log_spot *before = place_spot(&s->before, x->name);
	const struct log_spot *after = place_spot(&s->after, x->name);
	int64_t at;

	if (before) {
		at = logfile_find(&x->file, before);
		s->gap = s->gap || at < 0;
		x->over = at < 0;
		if (at >= 0)
			logfile_before(&x->file, at);
	}
	if (after) {
		at = logfile_find(&x->file, after);
		s->gap = s->gap || at < 0;
		if (at >= 0)
			logfile_after(&x->file, at);
	}
}

bool logsearch_add(struct logsearch *s, const char *source, int fd)
{
	struct source *x = &s->sources[s->n];

	if (s->n == LOGSEARCH_FILES || !str_copy(x->name, sizeof(x->name), source)) {
		(void)close(fd);
		return false;
	}
	s->n++;
	logfile_init(&x->file, fd);
	x->head_ms = x->file.mtime_ms;
	source_bound(s, x);
	return true;
}

/* ---- lines ---- */

/* Is it outside of what this source is asked for? over: so is all that is older. */
static bool head_unwanted(const struct logsearch *s, struct source *x)
{
	const struct place *before = &s->before, *after = &s->after;

	if (after->given && !place_spot(after, x->name) &&
	    x->head_ms < after->at_ms - RESOLUTION_MS)
		x->over = true;
	if (s->q.since_ms && x->head_ms < s->q.since_ms - DISORDER_MS)
		x->over = true;
	return x->over ||
	       (before->given && !place_spot(before, x->name) && x->head_ms > before->at_ms);
}

static void head_take(struct logsearch *s, struct source *x)
{
	outlog_entry_free(&x->head);
	outlog_read(x->file.line, x->file.len, &x->head);
	bool torn = x->file.spot.offset == 0 && !*x->head.level && x->file.size > DROPPED_SIZE;
	if (x->head.time_ms)
		x->head_ms = x->head.time_ms;
	if (!x->has_newest && !s->before.given) {
		x->newest = x->file.spot;
		x->has_newest = true;
	}
	x->offers = !torn && !head_unwanted(s, x);
}

/* false: it needs another turn. */
static bool source_fill(struct logsearch *s, struct source *x, size_t *room)
{
	while (!x->over && !x->offers) {
		size_t had = *room;
		int how = logfile_prev(&x->file, room);

		s->used += had - *room;
		if (how < 0)
			return false;
		if (how == 0)
			x->over = true;
		else
			head_take(s, x);
	}
	s->gap = s->gap || x->file.vanished;
	return true;
}

static void hit_add(struct logsearch *s, struct source *x)
{
	struct log_hit *h = &s->hits[s->n_hits++];

	*h = (struct log_hit){.at_ms = x->head.time_ms, .reason = x->head.reason};
	(void)str_copy(h->source, sizeof(h->source), x->name);
	(void)str_copy(h->level, sizeof(h->level), x->head.level);
	h->text = steal(&x->head.text);
}

static void source_use(struct logsearch *s, struct source *x)
{
	x->used = x->file.spot;
	x->has_used = true;
	x->offers = false;
	s->last_ms = x->head_ms;
	if (logsearch_matches(&s->q, &x->head, x->head_ms))
		hit_add(s, x);
	outlog_entry_free(&x->head);
}

/* *best: the source with the youngest line, NULL = all are over. false: read on first. */
static bool sources_best(struct logsearch *s, size_t *room, struct source **best)
{
	*best = NULL;
	for (size_t i = 0; i < s->n; i++) {
		struct source *x = &s->sources[i];

		if (!source_fill(s, x, room))
			return false;
		if (x->offers && (!*best || x->head_ms > (*best)->head_ms))
			*best = x;
	}
	return true;
}

bool logsearch_step(struct logsearch *s, size_t bytes)
{
	struct source *best;

	while (s->n_hits < (size_t)s->q.limit) {
		if (!sources_best(s, &bytes, &best)) {
			s->early = s->q.budget && s->used >= s->q.budget;
			return !s->early;
		}
		if (!best)
			return false;
		source_use(s, best);
	}
	return false;
}

size_t logsearch_count(const struct logsearch *s)
{
	return s->n_hits;
}

const struct log_hit *logsearch_hit(const struct logsearch *s, size_t i)
{
	return &s->hits[i];
}

bool logsearch_more(const struct logsearch *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->sources[i].over)
			return true;
	return s->early;
}

bool logsearch_gap(const struct logsearch *s)
{
	return s->gap;
}

void logsearch_free(struct logsearch *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		logfile_close(&s->sources[i].file);
		outlog_entry_free(&s->sources[i].head);
	}
	for (size_t i = 0; i < s->n_hits; i++)
		free(s->hits[i].text);
	free(s->hits);
	free(s->text);
	free(s);
}
