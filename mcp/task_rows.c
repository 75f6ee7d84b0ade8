#include "mcp/task_rows.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX "task "

/* ---- writing ---- */

static int put(struct store *s, const char *id, const char *value, struct err *e)
{
	AUTO(str_t) key = str_format(PREFIX "%s", id);
	return store_set_meta(s, key, value, e);
}

static void write_row(const struct task_row *row, struct buf *out)
{
	struct json_writer w;
	json_write_init(&w, out);
	json_object_begin(&w);
	json_put_string(&w, "principal", row->principal);
	json_put_int(&w, "grant", row->grant);
	json_put_string(&w, "operation", row->op->name);
	json_put_string(&w, "call", row->call);
	json_put_int(&w, "asked", row->asked);
	json_put_int(&w, "created_ms", row->created_ms);
	json_put_bool(&w, "cancelled", row->cancelled);
	json_object_end(&w);
}

int task_row_put(struct store *s, const struct task_row *row, struct err *e)
{
	AUTO(buf_t) value = {0};
	write_row(row, &value);
	if (store_begin(s, e) < 0)
		return -1;
	if (put(s, row->id, buf_text(&value), e) == 0 && store_commit(s, e) == 0)
		return 0;
	store_rollback(s);
	return -1;
}

void task_rows_drop(struct store *s, const struct strlist *ids)
{
	struct err e;
	int rc = ids->n ? store_begin(s, &e) : 0;
	for (size_t i = 0; rc == 0 && i < ids->n; i++)
		rc = put(s, ids->items[i], NULL, &e);
	if (ids->n && (rc < 0 || store_commit(s, &e) < 0)) {
		store_rollback(s);
		log_debug("%zu tasks that ended stay in the store: %s", ids->n, e.message);
	}
}

/* ---- reading ---- */

static bool take(const struct json *v, const char *id, struct task_row *row)
{
	const char *principal = json_get_string(v, "principal"), *call = json_get_string(v, "call");
	const char *op = json_get_string(v, "operation");
	*row = (struct task_row){
		.op = op ? op_find(op) : NULL,
		.grant = json_get_int(v, "grant", 0),
		.asked = json_get_int(v, "asked", 0),
		.created_ms = json_get_int(v, "created_ms", 0),
		.cancelled = json_get_bool(v, "cancelled", false),
	};
	return strlen(id) == TASK_ID_HEX && str_copy(row->id, sizeof(row->id), id) && row->op &&
	       principal && str_copy(row->principal, sizeof(row->principal), principal) && call &&
	       str_copy(row->call, sizeof(row->call), call);
}

static bool read_row(struct store *s, const char *id, struct task_row *row)
{
	AUTO(str_t) key = str_format(PREFIX "%s", id);
	AUTO(str_t) text = store_get_meta(s, key);
	AUTO(json_doc_t) doc = NULL;
	struct err e;
	return text && json_parse(text, strlen(text), NULL, &doc, &e) == 0 &&
	       take(json_root(doc), id, row);
}

size_t task_rows_load(struct store *s, struct task_row **rows, struct strlist *bad)
{
	AUTO(strlist_t) keys = {0};
	size_t n = 0;
	struct err e;
	if (store_list_meta(s, PREFIX, &keys, &e) < 0)
		log_warning("the tasks of before cannot be read: %s", e.message);
	*rows = keys.n ? mem_alloc(keys.n * sizeof(**rows)) : NULL;
	for (size_t i = 0; i < keys.n; i++) {
		const char *id = keys.items[i] + strlen(PREFIX);
		if (read_row(s, id, &(*rows)[n]))
			n++;
		else
			strlist_add(bad, id);
	}
	return n;
}

/* ---- what became of it ---- */

#define ANEW "aditd was started anew while this went on"

static void tell_failed(const struct ledger_call *said, struct err *e)
{
	(void)err_set(e, err_kind_by_name(said->outcome), "%s",
		      said->detail ? said->detail : "It failed");
	if (said->plan)
		(void)err_hint(e, "Its plan is %s: see plan_get.", said->plan);
}

/* Plan and intent are written together: without the one the other has changed nothing. */
static void tell_lost(const struct task_row *row, bool done, struct err *e)
{
	const char *name = row->op->name;
	if (row->op->effects == OP_READS) {
		(void)err_set(e, ERR_CANCELLED, ANEW ", and its answer is lost");
		(void)err_hint(e, "It only reads: call %s again.", name);
	} else if (op_makes_plan(row->op)) {
		(void)err_set(e, ERR_CANCELLED,
			      ANEW ". No plan of it was stored, so it has "
				   "changed nothing");
		(void)err_hint(e, "Call %s again.", name);
	} else if (done) {
		(void)err_set(e, ERR_CANCELLED,
			      "It was done, but aditd was started anew since, "
			      "and its answer is lost");
		(void)err_hint(e, "See status_get and event_list.");
	} else {
		(void)err_set(e, ERR_CANCELLED, ANEW ". Whether it was done is not known");
		(void)err_hint(e, "See status_get and event_list before %s is called again.", name);
	}
}

static bool is_failure(const char *outcome)
{
	return outcome && !str_equal(outcome, "ok") &&
	       !str_equal(outcome, err_kind_name(ERR_CANCELLED));
}

int task_row_became(struct store *s, const struct task_row *row, char **plan, bool *ended,
		    struct err *e)
{
	struct ledger_call said = {0};
	if (row->asked && store_ledger_call(s, row->asked, row->call, &said, e) < 0)
		return -1;
	bool done = str_equal(said.outcome, "ok"), tells = said.plan && !is_failure(said.outcome);
	if (is_failure(said.outcome))
		tell_failed(&said, e);
	else if (!tells)
		tell_lost(row, done, e);
	*ended = done;
	*plan = tells ? steal(&said.plan) : NULL;
	ledger_call_free(&said);
	return tells ? 0 : 1;
}
