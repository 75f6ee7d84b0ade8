/*
 * Progress: a client that gave a token hears every few seconds that its call goes on, and of what
 * it waits for. An answer that comes soon is told nothing of, and needs no stream.
 */
#include "mcp/private.h"

#include <stdlib.h>

#define PROGRESS_FIRST_MS 1500
#define PROGRESS_MS       4000

void progress_begin(struct exchange *x)
{
	const struct json *token = json_get(x->msg.meta, "progressToken");
	enum json_type type = json_type(token);
	if (type == JSON_STRING || type == JSON_NUMBER)
		x->progress.token = token;
}

void progress_end(struct exchange *x)
{
	timer_stop(&x->progress.timer);
	buf_free(&x->progress.message);
}

static void progress_due(struct timer *t, void *owner)
{
	struct exchange *x = owner;
	struct progress *p = &x->progress;
	AUTO(buf_t) params = {0};
	struct json_writer w;
	json_write_init(&w, &params);
	json_object_begin(&w);
	json_write_key(&w, "progressToken");
	json_write_value(&w, p->token);
	json_put_int(&w, "progress", ++p->told);
	if (p->message.len)
		json_put_string(&w, "message", buf_text(&p->message));
	json_object_end(&w);
	timer_start(t, PROGRESS_MS);
	exchange_notify(x, "notifications/progress", &params);
}

void exchange_lasts(struct exchange *x)
{
	struct progress *p = &x->progress;
	const struct carrier *carrier = x->parcel->carrier;
	if (!p->token || timer_active(&p->timer) || !carrier->streams(x->parcel))
		return;
	timer_init(&p->timer, x->parcel->mcp->loop, progress_due, x);
	timer_start(&p->timer, PROGRESS_FIRST_MS);
}

void exchange_waits_for(struct exchange *x, const char *message)
{
	buf_reset(&x->progress.message);
	(void)buf_str(&x->progress.message, message);
}
