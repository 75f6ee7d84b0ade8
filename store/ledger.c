/*
 * The ledger: each row carries the hash of the row before and one over all its own fields, so that
 * no row can be changed, left out or put in between unseen. The head (number and hash of the last
 * row) stands in meta as well, so that a tail that was cut off is missed.
 */
#include "store/private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define META_HEAD   "ledger_head"
#define HASHED      11 /* columns in the order of SQL_LEDGER_ADD, up to the hash itself */
#define FIELD_PREV  10
#define FIELD_HASH  11
#define FIELD_MORE  12 /* those that came later follow */
#define MORE        8
#define PIECE       1000 /* rows that are walked at once */
#define NUMBER_SIZE 24

struct head {
	int64_t seq;
	char hash[SHA256_HEX_SIZE];
};

static const char *const phases[] = {
	[LEDGER_ASKED] = "asked",
	[LEDGER_INTENT] = "intent",
	[LEDGER_RESULT] = "result",
};

const char *ledger_phase_name(enum ledger_phase phase)
{
	return (unsigned)phase < ARRAY_LEN(phases) ? phases[phase] : "unknown";
}

static enum ledger_phase phase_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(phases); i++)
		if (str_equal(phases[i], name))
			return (enum ledger_phase)i;
	return LEDGER_ASKED;
}

void ledger_row_free(struct ledger_row *row)
{
	free(row->principal);
	free(row->operation);
	free(row->object);
	free(row->arguments);
	free(row->plan_hash);
	free(row->outcome);
	free(row->detail);
	free(row->door);
	free(row->peer);
	free(row->client);
	free(row->tool_use);
	free(row->decision);
	free(row->policy);
	free(row->plan);
	free(row->rays);
	*row = (struct ledger_row){0};
}

/* ---- the hash ---- */

/* Rows that say nothing in the columns that came later are hashed as when these were not there: a
 * row of then stays as good as it was, and nothing can be written into it afterwards. */
static size_t count_hashed(const struct sha256_part fields[HASHED + MORE])
{
	for (size_t i = HASHED; i < HASHED + MORE; i++)
		if (fields[i].data)
			return HASHED + MORE;
	return HASHED;
}

/* data NULL is a NULL, which is not the same as "". */
static void hash_fields(const struct sha256_part fields[HASHED + MORE], char out[SHA256_HEX_SIZE])
{
	struct sha256_part parts[HASHED + MORE + 1];
	char present[HASHED + MORE];
	size_t n = count_hashed(fields);

	for (size_t i = 0; i < n; i++) {
		present[i] = fields[i].data ? '1' : '0';
		parts[i + 1] = fields[i];
		if (!fields[i].data)
			parts[i + 1] = (struct sha256_part){"", 0};
	}
	parts[0] = (struct sha256_part){present, n};
	sha256_parts(parts, n + 1, out);
}

static struct sha256_part part_of(const char *s)
{
	return (struct sha256_part){s, s ? strlen(s) : 0};
}

static void hash_row(const struct ledger_row *row, char out[SHA256_HEX_SIZE])
{
	char seq[NUMBER_SIZE], at[NUMBER_SIZE];

	snprintf(seq, sizeof(seq), "%" PRId64, row->seq);
	snprintf(at, sizeof(at), "%" PRId64, row->at_ms);
	hash_fields(
		(const struct sha256_part[HASHED + MORE]){
			part_of(seq), part_of(at), part_of(ledger_phase_name(row->phase)),
			part_of(row->principal), part_of(row->operation), part_of(row->object),
			part_of(row->arguments), part_of(row->plan_hash), part_of(row->outcome),
			part_of(row->detail), part_of(row->prev_hash), part_of(row->door),
			part_of(row->peer), part_of(row->client), part_of(row->tool_use),
			part_of(row->decision), part_of(row->policy), part_of(row->plan),
			part_of(row->rays)},
		out);
}

/* The row as it stands in the file, by its bytes. */
static void hash_stored(struct query *q, char out[SHA256_HEX_SIZE])
{
	struct sha256_part fields[HASHED + MORE];

	for (int i = 0; i < HASHED + MORE; i++) {
		int column = i < HASHED ? i : i + FIELD_MORE - HASHED;
		const char *text = col_text(q, column);

		fields[i].data = text;
		fields[i].len = text ? (size_t)sqlite3_column_bytes(q->st, column) : 0;
	}
	hash_fields(fields, out);
}

/* ---- the head ---- */

static int put_head(struct store *s, const struct head *head, struct err *e)
{
	char text[NUMBER_SIZE + SHA256_HEX_SIZE];

	snprintf(text, sizeof(text), "%" PRId64 " %s", head->seq, head->hash);
	return meta_put(s, META_HEAD, text, e);
}

static int get_head(struct store *s, struct head *head, struct err *e)
{
	AUTO(str_t) text = NULL;
	char *end = NULL;

	if (meta_get(s, META_HEAD, &text, e))
		return -1;
	if (text)
		head->seq = strtoll(text, &end, 10);
	if (!end || *end != ' ' || head->seq < 0 ||
	    !str_copy(head->hash, sizeof(head->hash), end + 1))
		return err_set(e, ERR_CONFLICT,
			       "the head of the ledger is missing or not readable");
	return 0;
}

/* The first row hangs on the install id: another store's ledger does not fit in here. */
static void first_link(const struct store *s, char out[SHA256_HEX_SIZE])
{
	static const char purpose[] = "adit\040ledger"; /* with a blank: no command is meant */

	sha256_parts(
		(const struct sha256_part[]){{purpose, sizeof(purpose) - 1}, part_of(s->install)},
		2, out);
}

static int any_row(struct store *s, bool *any, struct err *e)
{
	AUTO(query_t) q = {0};
	int got;

	if (query_open(&q, s, SQL_LEDGER_WALK, e))
		return -1;
	bind_int(&q, INT64_MIN);
	bind_int(&q, 1);
	got = query_step(&q, e);
	*any = got > 0;
	return got < 0 ? -1 : 0;
}

int ledger_begin(struct store *s, struct err *e)
{
	AUTO(str_t) text = NULL;
	struct head head = {0};
	bool any = false;

	if (meta_get(s, META_HEAD, &text, e) || (!text && any_row(s, &any, e)))
		return -1;
	if (text || any) /* rows without a head: verification is to say so */
		return 0;
	first_link(s, head.hash);
	return put_head(s, &head, e);
}

/* ---- adding ---- */

static int insert(struct store *s, const struct ledger_row *row, struct err *e)
{
	AUTO(query_t) q = {0};

	if (query_open(&q, s, SQL_LEDGER_ADD, e))
		return -1;
	bind_int(&q, row->seq);
	bind_int(&q, row->at_ms);
	bind_text(&q, ledger_phase_name(row->phase));
	bind_text(&q, row->principal);
	bind_text(&q, row->operation);
	bind_text(&q, row->object);
	bind_text(&q, row->arguments);
	bind_text(&q, row->plan_hash);
	bind_text(&q, row->outcome);
	bind_text(&q, row->detail);
	bind_text(&q, row->prev_hash);
	bind_text(&q, row->hash);
	bind_text(&q, row->door);
	bind_text(&q, row->peer);
	bind_text(&q, row->client);
	bind_text(&q, row->tool_use);
	bind_text(&q, row->decision);
	bind_text(&q, row->policy);
	bind_text(&q, row->plan);
	bind_text(&q, row->rays);
	return query_run(&q, e);
}

static int append(struct store *s, const struct ledger_row *given, struct head *head, struct err *e)
{
	struct ledger_row row = *given; /* borrows the texts */

	if (get_head(s, head, e))
		return -1;
	row.seq = head->seq + 1;
	row.at_ms = clock_wall_ms();
	memcpy(row.prev_hash, head->hash, sizeof(row.prev_hash));
	hash_row(&row, row.hash);
	if (insert(s, &row, e)) {
		err_wrap(e, "cannot write row %" PRId64 " of the ledger", row.seq);
		return -1;
	}
	head->seq = row.seq;
	memcpy(head->hash, row.hash, sizeof(head->hash));
	return put_head(s, head, e);
}

int store_add_ledger(struct store *s, const struct ledger_row *row, int64_t *seq, struct err *e)
{
	struct head head = {0};
	bool own;

	if (tx_enter(s, &own, e) || tx_leave(s, own, append(s, row, &head, e), e))
		return -1;
	if (seq)
		*seq = head.seq;
	return 0;
}

/* ---- reading ---- */

static int read_row(struct query *q, void *out, struct err *e)
{
	struct ledger_row *row = out;

	(void)e;
	*row = (struct ledger_row){
		.seq = col_int(q, 0),
		.at_ms = col_int(q, 1),
		.phase = phase_by_name(col_text(q, 2)),
		.principal = col_dup(q, 3),
		.operation = col_dup(q, 4),
		.object = col_dup(q, 5),
		.arguments = col_dup(q, 6),
		.plan_hash = col_dup(q, 7),
		.outcome = col_dup(q, 8),
		.detail = col_dup(q, 9),
		.door = col_dup(q, FIELD_MORE),
		.peer = col_dup(q, FIELD_MORE + 1),
		.client = col_dup(q, FIELD_MORE + 2),
		.tool_use = col_dup(q, FIELD_MORE + 3),
		.decision = col_dup(q, FIELD_MORE + 4),
		.policy = col_dup(q, FIELD_MORE + 5),
		.plan = col_dup(q, FIELD_MORE + 6),
		.rays = col_dup(q, FIELD_MORE + 7),
	};
	col_copy(q, FIELD_PREV, row->prev_hash, sizeof(row->prev_hash));
	col_copy(q, FIELD_HASH, row->hash, sizeof(row->hash));
	return 0;
}

static void drop_row(void *row)
{
	ledger_row_free(row);
}

int store_list_ledger(struct store *s, int64_t before, int64_t limit, struct ledger_row **rows,
		      size_t *n, struct err *e)
{
	static const struct rows_of kind = {sizeof(**rows), read_row, drop_row};
	AUTO(query_t) q = {0};
	void *found;

	if (query_open_page(&q, s, SQL_LEDGER_LIST, before, limit, e) ||
	    query_rows(&q, &kind, &found, n, e))
		return -1;
	*rows = found;
	return 0;
}

static int64_t clamp_below(int64_t before, int64_t look)
{
	return before > look ? before - look : 1;
}

int store_find_ledger(struct store *s, const struct ledger_filter *f, int64_t *before, int64_t look,
		      int64_t limit, struct ledger_row **rows, size_t *n, struct err *e)
{
	static const struct rows_of kind = {sizeof(**rows), read_row, drop_row};
	AUTO(query_t) q = {0};
	struct head head = {0};
	void *found;
	int64_t below;

	if (get_head(s, &head, e))
		return -1;
	if (!*before || *before > head.seq + 1)
		*before = head.seq + 1;
	below = clamp_below(*before, look);
	if (query_open_page(&q, s, SQL_LEDGER_FIND, *before, limit, e))
		return -1;
	bind_int(&q, below);
	bind_int(&q, f->since_ms);
	bind_int(&q, f->until_ms ? f->until_ms : INT64_MAX);
	bind_text(&q, f->principal);
	bind_text(&q, f->operation);
	bind_text(&q, f->decision);
	bind_text(&q, f->plan);
	if (query_rows(&q, &kind, &found, n, e))
		return -1;
	*rows = found;
	*before = (int64_t)*n == limit && *n ? (*rows)[*n - 1].seq : below;
	return *before <= 1;
}

/* ---- by ray ---- */

#define OPEN_ROWS 20000 /* the newest that are looked at */
#define CALL_ROWS 20000 /* that are looked at behind the first row of a call */

int store_ledger_ray(struct store *s, const char *ray, bool *has, int64_t *seq, char **plan,
		     struct err *e)
{
	AUTO(query_t) q = {0};
	int got;

	if (query_open(&q, s, SQL_LEDGER_RAY, e))
		return -1;
	bind_text(&q, ray);
	got = query_step(&q, e);
	if (got < 0)
		return -1;
	*has = got > 0;
	*seq = got ? col_int(&q, 0) : 0;
	*plan = got ? col_dup(&q, 1) : NULL;
	return 0;
}

int store_ledger_open(struct store *s, const char *object, int64_t from_ms, int64_t to_ms,
		      bool *open, struct err *e)
{
	AUTO(query_t) q = {0};
	int got;

	if (query_open(&q, s, SQL_LEDGER_OPEN, e))
		return -1;
	bind_text(&q, object);
	bind_int(&q, from_ms);
	bind_int(&q, to_ms);
	bind_int(&q, OPEN_ROWS);
	got = query_step(&q, e);
	if (got < 0)
		return -1;
	*open = got > 0;
	return 0;
}

char *ledger_call_mark(const char *call)
{
	return str_format("call %s", call);
}

void ledger_call_free(struct ledger_call *call)
{
	free(call->outcome);
	free(call->detail);
	free(call->plan);
	*call = (struct ledger_call){0};
}

static void take_call_row(struct query *q, struct ledger_call *out)
{
	if (col_text(q, 3))
		str_set(&out->plan, col_text(q, 3));
	if (phase_by_name(col_text(q, 0)) != LEDGER_RESULT)
		return;
	str_set(&out->outcome, col_text(q, 1));
	str_set(&out->detail, col_text(q, 2));
}

int store_ledger_call(struct store *s, int64_t asked, const char *call, struct ledger_call *out,
		      struct err *e)
{
	AUTO(query_t) q = {0};
	AUTO(str_t) intent = ledger_call_mark(call);
	struct ledger_call found = {0};
	int got;

	if (query_open(&q, s, SQL_LEDGER_CALL, e))
		return -1;
	bind_int(&q, asked);
	bind_text(&q, call);
	bind_text(&q, intent);
	bind_int(&q, CALL_ROWS);
	while ((got = query_step(&q, e)) > 0)
		take_call_row(&q, &found);
	if (got < 0) {
		ledger_call_free(&found);
		return -1;
	}
	*out = found;
	return 0;
}

int store_ledger_began(struct store *s, int64_t *at_ms, struct err *e)
{
	AUTO(query_t) q = {0};
	int got;

	if (query_open(&q, s, SQL_LEDGER_FIRST, e))
		return -1;
	got = query_step(&q, e);
	if (got < 0)
		return -1;
	*at_ms = got ? col_int(&q, 0) : 0;
	return 0;
}

/* ---- verifying ---- */

static int bad_row(struct ledger_walk *walk, int64_t seq, const char *why, struct err *e)
{
	walk->bad = seq;
	err_set(e, ERR_CONFLICT, "row %" PRId64 " of the ledger %s", seq, why);
	return err_hint(e,
			"Somebody wrote to the store beside adit, or its disk is failing: keep a "
			"copy of the file and compare it with the journal.");
}

/* One row against the link that the one before has left; the link moves on. */
static int check_row(struct query *q, struct ledger_walk *walk, struct err *e)
{
	char hash[SHA256_HEX_SIZE];
	int64_t seq = col_int(q, 0);

	if (seq != walk->rows + 1)
		return bad_row(walk, walk->rows + 1, "is missing", e);
	hash_stored(q, hash);
	if (!str_equal(hash, col_text(q, FIELD_HASH)))
		return bad_row(walk, seq, "was changed", e);
	if (!str_equal(walk->link, col_text(q, FIELD_PREV)))
		return bad_row(walk, seq, "does not follow the row before it", e);
	walk->rows = seq;
	memcpy(walk->link, hash, sizeof(walk->link));
	return 0;
}

/* 1 = there may be more. */
static int walk_piece(struct store *s, struct ledger_walk *walk, int64_t rows, struct err *e)
{
	AUTO(query_t) q = {0};
	int64_t n = 0;
	int got;

	if (query_open(&q, s, SQL_LEDGER_WALK, e))
		return -1;
	bind_int(&q, walk->rows ? walk->rows : INT64_MIN);
	bind_int(&q, rows);
	for (; (got = query_step(&q, e)) > 0; n++)
		if (check_row(&q, walk, e))
			return -1;
	return got < 0 ? -1 : n == rows;
}

static int check_end(struct store *s, struct ledger_walk *walk, struct err *e)
{
	struct head head = {0};

	if (get_head(s, &head, e)) {
		walk->bad = walk->rows;
		return -1;
	}
	if (head.seq > walk->rows)
		return bad_row(walk, walk->rows + 1, "is missing: the end was cut off", e);
	if (head.seq < walk->rows)
		return bad_row(walk, head.seq + 1, "was added beside adit", e);
	if (!str_equal(head.hash, walk->link))
		return bad_row(walk, head.seq, "is not the one that was last written", e);
	walk->done = true;
	return 0;
}

int store_walk_ledger(struct store *s, struct ledger_walk *walk, int64_t rows, struct err *e)
{
	int more;

	if (!walk->link[0])
		first_link(s, walk->link);
	more = walk_piece(s, walk, rows, e);
	if (more)
		return more < 0 ? -1 : 0;
	return check_end(s, walk, e);
}

int store_verify_ledger(struct store *s, int64_t *count, struct err *e)
{
	struct ledger_walk walk = {0};

	while (!walk.done)
		if (store_walk_ledger(s, &walk, PIECE, e))
			return -1;
	*count = walk.rows;
	return 0;
}
