/* fuzz_dispatch.c -- fuzz target: a whole dispatcher between clients and slots that say and take anything in any order.
 * The first bytes choose a configuration and a mode. In wild mode both sides send raw bytes too, and what holds is that
 * nothing breaks. Else both keep to their protocols, and what holds is: a slot is sent turns, one at a time, with the
 * body that the client sent; a client gets each reply once, with its bytes in order; when time goes on and slots serve,
 * every request that came whole is answered; no slot is lost; nothing waits while a slot is idle. */
#include <stdio.h>
#include "tests/fuzz/dispatch_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLIENTS 6
#define SLOTS   5

enum mode { MODE_WILD = 1, MODE_CALM = 2, MODE_EAGER = 4 };  /* CALM: no slot dies once it has printed */

static const uint8_t *input;
static size_t input_len;
static unsigned mode;
static struct world_io *clients[CLIENTS], *slots[SLOTS];

static unsigned byte(void)
{
	if (input_len == 0)
		return 0;
	input_len--;
	return *input++;
}

/* Small or large, from one byte. */
static size_t size_of(unsigned b)
{
	return b < 128 ? b : (size_t)(b - 127) << (b & 7 ? 4 : 10);
}

static void configure(void)
{
	unsigned a = byte(), b = byte(), c = byte();

	mode = a & 7;
	clients_are_wild = mode & MODE_WILD;
	world_init();
	w.conf.event_request_buffering = (enum conf_buffering)((a >> 3) % 3);
	w.conf.queue_abandoned = (enum conf_abandoned)((a >> 5) % 3);
	w.conf.request_on_abort = (enum conf_on_abort)((b & 3) % 3);
	w.conf.event_retry = b & 4 ? CONF_RETRY_ALL : CONF_RETRY_SAFE;
	w.conf.queue_max = b >> 3 & 7;
	w.conf.keepalive_timeout_s = b & 64 ? 7 : 0;
	w.conf.request_max_body = b & 128 ? 3000 : 0;
	w.conf.event_body_memory = size_of(c);
	w.conf.event_response_memory = 64;
	w.conf.event_response_max = 64 + size_of(c);
	w.conf.request_header_timeout_s = w.conf.request_body_timeout_s = w.conf.queue_timeout_s = 5;
	w.conf.request_max_params = 4096;
	w.page_path = "/page";
	world_begin();
}

/* ---- what a client does */

static void add_request(struct model_client *m, unsigned how)
{
	uint16_t id = ++m->last;
	struct model_request *q = &m->requests[id];
	struct buf params = { 0 };
	char number[24];
	int len;

	q->begun = true;
	q->length = size_of(byte());
	q->closes = how & 2;
	len = snprintf(number, sizeof(number), "%zu", q->length);
	fcgi_add_pair(&params, "REQUEST_METHOD", 14, how & 1 ? "POST" : "GET", how & 1 ? 4 : 3);
	fcgi_add_pair(&params, "CONTENT_LENGTH", 14, number, (size_t)len);
	if (how & 4)
		fcgi_add_pair(&params, "SCRIPT_NAME", 11, "/page", 5);
	fcgi_add_begin(&m->says, id, FCGI_RESPONDER, how & 2 ? 0 : FCGI_KEEP_CONN);
	fcgi_add_stream(&m->says, FCGI_PARAMS, id, params.data, params.len);
	fcgi_add_stream_end(&m->says, FCGI_PARAMS, id);
	buf_free(&params);
}

static void add_body(struct model_client *m, uint16_t id, size_t len)
{
	struct model_request *q = &m->requests[id];
	uint8_t *bytes;

	if (!q->begun || q->whole_at)
		return;
	if (len > q->length - q->body)
		len = q->length - q->body;
	bytes = xcalloc(len + 1, 1);
	for (size_t i = 0; i < len; i++)
		bytes[i] = pattern(id, q->body + i);
	fcgi_add_stream(&m->says, FCGI_STDIN, id, bytes, len);
	free(bytes);
	q->body += len;
	if (q->body < q->length)
		return;
	fcgi_add_stream_end(&m->says, FCGI_STDIN, id);
	q->whole_at = m->said + m->says.len;
}

static void client_says(struct world_io *io, size_t len)
{
	struct model_client *m = io->model;
	uint8_t *copy;

	if (!io->conn || m->ended || !dispatch_conn_reads(io->conn))
		return;
	if (len > m->says.len)
		len = m->says.len;
	copy = xcalloc(len + 1, 1);     /* its own piece of memory: sanitizers see the end */
	if (len > 0)
		memcpy(copy, m->says.data, len);
	buf_drop_front(&m->says, len);
	m->said += len;
	dispatch_conn_input(io->conn, copy, len);
	free(copy);
}

static void client_raw(struct world_io *io)
{
	struct model_client *m = io->model;
	size_t len = byte();

	if (len > input_len)
		len = input_len;
	m->wild = true;
	buf_add(&m->says, input, len);
	input += len;
	input_len -= len;
}

static void client_new(unsigned i)
{
	if (clients[i] && clients[i]->conn)
		return;
	if (w.io_count + SLOTS + 1 >= WORLD_IOS)
		return;
	clients[i] = world_client_from("192.0.2.7");
	clients[i]->model = xcalloc(1, sizeof(struct model_client));
}

static void client_ends(struct world_io *io, bool gone)
{
	struct model_client *m = io->model;

	m->gone |= gone;
	if (!io->conn || (m->ended && !gone))
		return;
	m->ended = true;
	dispatch_conn_end(io->conn, gone);
}

static void client_acts(struct world_io *io, unsigned how)
{
	struct model_client *m = io->model;

	switch (how & 7) {
	case 0:
	case 1:
		if (m->last < MODEL_IDS) {
			add_request(m, how >> 3);
			add_body(m, m->last, size_of(byte()));
		}
		break;
	case 2:
		add_body(m, (uint16_t)(1 + byte() % MODEL_IDS), size_of(byte()));
		break;
	case 3:
		if (m->last > 0 && !m->requests[m->last].whole_at)
			fcgi_add_abort(&m->says, m->last);
		break;
	case 4:
		if (mode & MODE_WILD)
			client_raw(io);
		break;
	case 5:
		client_ends(io, how & 8);
		break;
	case 6:
		io->peek = (enum dispatch_peek)((how >> 3) % 3);
		m->gone |= io->peek == DISPATCH_PEEK_GONE;
		break;
	case 7:
		io->error = how & 8 ? EPIPE : 0;
		m->gone |= how & 8;
		break;
	}
	client_says(io, how & 128 ? size_of(byte()) : SIZE_MAX);
}

/* ---- what a slot does */

static void slot_new(unsigned i)
{
	if (slots[i] && slots[i]->slot)
		return;
	if (w.io_count + 1 >= WORLD_IOS)
		return;
	slots[i] = world_io(true);
	slots[i]->model = xcalloc(1, sizeof(struct model_slot));
	slots[i]->slot = (struct dispatch_slot *)(uintptr_t)1;
	slots[i]->slot = dispatch_slot_new(w.d, slots[i]);
}

static void slot_prints(struct model_slot *s, size_t len)
{
	uint8_t *bytes;

	if (s->at < MODEL_INPUT || s->answered)
		return;
	bytes = xcalloc(len + 1, 1);
	for (size_t i = 0; i < len; i++)
		bytes[i] = pattern(s->id, s->sent + i);
	fcgi_add_stream(&s->says, FCGI_STDOUT, s->id, bytes, len);
	free(bytes);
	s->sent += len;
}

static void slot_answers(struct model_slot *s)
{
	if (s->at < MODEL_INPUT || s->answered)
		return;
	fcgi_add_stream_end(&s->says, FCGI_STDOUT, s->id);
	fcgi_add_end(&s->says, s->id, 0, FCGI_REQUEST_COMPLETE);
	s->answered = true;
}

static void slot_is_done(struct model_slot *s, uint32_t flags)
{
	const struct event_done done = { .flags = flags };
	uint8_t head[FCGI_HEADER_LEN];

	if (!s->answered)
		return;
	fcgi_put_header(head, EVENT_RECORD, 0, sizeof(done), 0);
	buf_add(&s->says, head, sizeof(head));
	buf_add(&s->says, &done, sizeof(done));
	s->at = MODEL_FREE;
	s->answered = false;
	s->sent = 0;
}

static void slot_says(struct world_io *io, size_t len)
{
	struct model_slot *s = io->model;
	uint8_t *copy;

	if (!io->slot || !io->reads)
		return;
	if (len > DISPATCH_READ)
		len = DISPATCH_READ;
	if (len > s->says.len)
		len = s->says.len;
	copy = xcalloc(len + 1, 1);
	if (len > 0)
		memcpy(copy, s->says.data, len);
	buf_drop_front(&s->says, len);
	dispatch_slot_input(io->slot, copy, len);
	free(copy);
}

static void slot_dies(struct world_io *io, unsigned how)
{
	const struct model_slot *s = io->model;

	if ((mode & MODE_CALM) && (s->sent > 0 || s->answered || s->says.len > 0) && !io->ended)
		return;
	io->death = (struct dispatch_death){ .started = how & 1, .ended_by_us = how & 2 };
	dispatch_slot_end(io->slot);
}

static void slot_raw(struct world_io *io)
{
	struct model_slot *s = io->model;
	size_t len = byte();

	if (len > input_len)
		len = input_len;
	s->wild = true;
	buf_add(&s->says, input, len);
	input += len;
	input_len -= len;
}

static void slot_acts(struct world_io *io, unsigned how)
{
	struct model_slot *s = io->model;

	switch (how & 7) {
	case 0:
	case 1:
		slot_prints(s, size_of(byte()));
		break;
	case 2:
		slot_answers(s);
		break;
	case 3:
		slot_answers(s);
		slot_is_done(s, how & 8 ? EVENT_DONE_LEAVING : 0);
		break;
	case 4:
		if (mode & MODE_WILD)
			slot_raw(io);
		break;
	case 5:
		slot_dies(io, how >> 3);
		return;
	case 6:
		dispatch_slot_retire(io->slot);
		dispatch_tick(w.d);     /* it settles nothing by itself */
		return;
	case 7:
		slot_is_done(s, 0);
		break;
	}
	slot_says(io, how & 128 ? size_of(byte()) : SIZE_MAX);
}

/* ---- what always holds */

static void check_conn(const struct world_io *io)
{
	const struct dispatch_conn *c = io->conn;
	const struct dispatch_request *r;
	unsigned answered = 0;

	BUG_IF(out_waits(c) != io->writes);
	BUG_IF(c->out.len == 0 && c->out.data); /* a connection at rest has no memory of what was */
	BUG_IF(io->reads && !dispatch_conn_reads(c));
	BUG_IF(dispatch_conn_reads(c) && !io->reads && c->due.kind != DUE_UNWATCHED && c->due.kind != DUE_FIRST);
	BUG_IF(c->closing && TAILQ_EMPTY(&c->requests) && c->out.len == 0);
	TAILQ_FOREACH(r, &c->requests, of_conn) {
		answered += r->state == REQUEST_ANSWERED;
		BUG_IF(r->state == REQUEST_ANSWERED && !request_reply_waits(r));
		BUG_IF(r->state < REQUEST_QUEUED && r->due.kind != DUE_HEAD && r->due.kind != DUE_BODY);
		BUG_IF((r->state == REQUEST_RUNNING) != (r->slot != NULL));
		BUG_IF(r->slot && r->slot->req != r);
	}
	BUG_IF(answered != c->answered);
}

static void check_slot(const struct world_io *io)
{
	const struct dispatch_slot *s = io->slot;

	BUG_IF(s->stopped == io->reads);
	BUG_IF(s->stopped && !(s->req && s->req->conn && request_reply_waits(s->req)));
	BUG_IF((s->out.len > 0) != io->writes || (s->out.len == 0 && s->out.data));
	BUG_IF(s->req && s->use != SLOT_BUSY);
	BUG_IF(io->ended && (s->use != SLOT_IDLE || !s->leaving));
}

static unsigned count_slots(const struct slot_list *list)
{
	const struct dispatch_slot *s;
	unsigned n = 0;

	TAILQ_FOREACH(s, list, next)
		n++;
	return n;
}

static void check_all(void)
{
	const struct dispatch *d = w.d;
	struct dispatch_figures f;
	unsigned conns = 0, there = 0;

	for (unsigned i = 0; i < w.io_count; i++) {
		if (w.ios[i].conn)
			check_conn(&w.ios[i]);
		if (w.ios[i].slot)
			check_slot(&w.ios[i]);
		conns += w.ios[i].conn != NULL;
		there += w.ios[i].slot != NULL;
	}
	dispatch_figures(d, &f);
	BUG_IF(conns != f.conns || conns != d->conn_count);
	BUG_IF(conns + there != w.made - w.closed);
	BUG_IF(there != count_slots(&d->idle) + count_slots(&d->slots));
	BUG_IF(f.running + f.finished > there);
	BUG_IF(f.queued > 0 && !TAILQ_EMPTY(&d->idle));
	BUG_IF((f.queued > 0) != !TAILQ_EMPTY(&d->due[DUE_QUEUE]));
	BUG_IF(f.parked > conns || f.answered > f.requests);
	BUG_IF(f.queue.count < f.service.count);
}

/* What the world does by itself: read what was sent, and end what it was told to end. */
static void turn_the_world(void)
{
	for (unsigned i = 0; i < w.io_count; i++) {
		struct world_io *io = &w.ios[i];

		if (io->is_slot) {
			model_slot_reads(io);
			if (io->slot && (io->kills || io->mad)) {
				mode &= ~(unsigned)MODE_CALM;
				slot_dies(io, 3);
			}
		} else if (mode & MODE_WILD) {
			buf_clear(&io->got);
		} else {
			model_client_reads(io);
		}
	}
	check_all();
}

static void takes(struct world_io *io, size_t room)
{
	io->room = room;
	if (io->writes && io->is_slot)
		dispatch_slot_writable(io->slot);
	else if (io->writes)
		dispatch_conn_writable(io->conn);
}

static void whole_acts(unsigned how)
{
	switch (how & 3) {
	case 0:
		dispatch_drop_parked(w.d);
		break;
	case 1:
		dispatch_close_parked(w.d);
		break;
	case 2:
		dispatch_refuse_queued(w.d, REASON_SPAWN_FAILED);
		break;
	case 3:
		if (how & 4)
			dispatch_closing(w.d);
		break;
	}
}

static void act(void)
{
	unsigned what = byte(), how = byte();
	struct world_io *c = clients[(what >> 3) % CLIENTS], *s = slots[(what >> 3) % SLOTS];

	switch (what & 7) {
	case 0:
		client_new((what >> 3) % CLIENTS);
		slot_new((what >> 3) % SLOTS);
		break;
	case 1:
	case 2:
		if (c && c->conn)
			client_acts(c, how);
		break;
	case 3:
	case 4:
		if (s && s->slot)
			slot_acts(s, how);
		break;
	case 5:
		if (c)
			takes(c, how == 255 ? WORLD_ROOM : size_of(how));
		break;
	case 6:
		if (s)
			takes(s, how == 255 ? WORLD_ROOM : size_of(how));
		break;
	case 7:
		if (what & 128)
			whole_acts(how);
		else
			world_wait((uint64_t)how * how * 100);
		break;
	}
	turn_the_world();
}

/* ---- then time goes on, clients take what is theirs and slots serve */

static void serve(struct world_io *io)
{
	struct model_slot *s = io->model;

	takes(io, WORLD_ROOM);
	model_slot_reads(io);
	if (s->wild || io->ended) {
		dispatch_slot_end(io->slot);
		return;
	}
	if (s->at == MODEL_WHOLE || s->aborted || (mode & MODE_EAGER)) {
		slot_prints(s, 10);
		slot_answers(s);
	}
	slot_is_done(s, 0);
	slot_says(io, SIZE_MAX);
}

static void go_on(void)
{
	for (unsigned i = 0; i < w.io_count; i++) {
		struct world_io *io = &w.ios[i];

		if (io->slot)
			serve(io);
		if (!io->conn)
			continue;
		client_says(io, SIZE_MAX);
		if (io->conn)
			takes(io, WORLD_ROOM);
	}
	turn_the_world();
	world_wait(SECOND_US);
	turn_the_world();
}

static void check_client(const struct world_io *io)
{
	const struct model_client *m = io->model;

	for (unsigned id = 1; id <= m->last && !m->gone && !m->wild; id++) {
		const struct model_request *q = &m->requests[id];

		if (io->conn || (mode & MODE_CALM))
			BUG_IF(q->whole_at && m->said >= q->whole_at && !q->answered);
		if (!io->conn && (q->page || q->closes || w.d->closing))
			return;         /* after that, what was said later may not have been heard */
	}
}

static void finish(void)
{
	slot_new(0);
	for (int i = 0; i < 60; i++)
		go_on();
	BUG_IF(dispatch_in_hand(w.d) != 0 || dispatch_queued(w.d) != 0);
	for (unsigned i = 0; i < w.io_count; i++)
		if (!w.ios[i].is_slot && !(mode & MODE_WILD))
			check_client(&w.ios[i]);
}

static void free_models(void)
{
	for (unsigned i = 0; i < w.io_count; i++) {
		struct world_io *io = &w.ios[i];

		if (io->is_slot)
			buf_free(&((struct model_slot *)io->model)->says);
		else
			buf_free(&((struct model_client *)io->model)->says);
		free(io->model);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = data;
	input_len = size;
	memset(clients, 0, sizeof(clients));
	memset(slots, 0, sizeof(slots));
	configure();
	client_new(0);
	slot_new(0);
	for (int i = 0; i < 400 && input_len > 0; i++)
		act();
	finish();
	free_models();
	world_end();
	return 0;
}
