/* php_backtrace.c -- runs in a child, in the watcher's thread: where a script is, while it goes on running. Nothing
 * stops it, so that none of its system calls is cut short; instead its stack is copied piece by piece with php_peek()
 * until two looks in a row see the same. What is read may be out of date or nonsense: each pointer is looked at before
 * it is followed, each length and each loop is bounded, and nothing of PHP's is called. */
#include "sapi/php/php_priv.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "sapi/php/php_peek.h"
#include "zend_generators.h"

#define TRIES        12                 /* a look takes some ten microseconds */
#define FRAMES_MAX   4096
#define FRAMES_MORE  32                 /* beyond those that are shown: to find who called the last */
#define NAME_MAX_LEN 1024
#define FILE_MAX_LEN (PATH_MAX + 256)   /* of code in eval() it goes on behind the path */

enum kind { KIND_INTERNAL, KIND_USER };

struct frame {
	const zend_execute_data *at;
	enum kind kind;
	bool top;                       /* a script itself, not a function or an include */
	const zend_string *name;        /* NULL: none */
	const zend_string *file;        /* KIND_USER */
	uint32_t line;
};

struct look {
	const struct php_slot *slot;    /* whose PHP it is */
	struct frame *frames;
	size_t count, max;
	char *out;                      /* texts, each with its NUL */
	size_t len, size;
	bool full;                      /* something did not fit */
};

/* -- walking -- */

static uint32_t line_of(const struct look *k, const zend_op_array *code, const zend_op *opline)
{
	const zend_op *end = code->opcodes + code->last;
	uint32_t line;

	/* In the middle of an exception it is an opcode of the executor's own. */
	if (opline < code->opcodes || opline >= end)
		php_peek(&k->slot->executor->opline_before_exception, &opline, sizeof(const zend_op *));
	if (opline >= code->opcodes && opline < end && php_peek(&opline->lineno, &line, sizeof(line)))
		return line;
	return code->line_start;
}

static bool function_read(const struct look *k, const zend_execute_data *data, struct frame *f)
{
	zend_function function;

	memset(&function, 0, sizeof(function));
	if (!php_peek_plausible(data->func) || !php_peek(data->func, &function, sizeof(function.common)))
		return false;
	f->name = function.common.function_name;
	if (f->name && !php_peek_plausible(f->name))
		return false;
	f->kind = ZEND_USER_CODE(function.type) ? KIND_USER : KIND_INTERNAL;
	if (f->kind == KIND_INTERNAL)
		return function.type == ZEND_INTERNAL_FUNCTION;
	if (!php_peek(data->func, &function, sizeof(function.op_array)))
		return false;
	f->file = function.op_array.filename;
	f->line = line_of(k, &function.op_array, data->opline);
	f->top = !f->name && ZEND_CALL_KIND(data) == ZEND_CALL_TOP_CODE;
	return php_peek_plausible(f->file);
}

/* Add the call at this address, if it is one. *data_out: a copy. */
static bool frame_add(struct look *k, const zend_execute_data *at, zend_execute_data *data_out)
{
	struct frame *f = &k->frames[k->count];

	if (!php_peek_plausible(at) || !php_peek(at, data_out, sizeof(*data_out)))
		return false;
	if (!data_out->func)            /* a place holder of the executor's */
		return true;
	*f = (struct frame){ .at = at };
	if (!function_read(k, data_out, f))
		return false;
	k->count++;
	return true;
}

static void reverse(struct frame *from, struct frame *to)
{
	while (from < to) {
		struct frame aside = *from;

		*from++ = *--to;
		*to = aside;
	}
}

/* While a generator delegates (yield from), the innermost runs in its place, and those between the two are found
 * from the outermost inwards. */
static bool generators_add(struct look *k, const zend_generator *at)
{
	size_t first = k->count;
	zend_execute_data data;
	zend_generator g, parent;

	if (!php_peek_plausible(at) || !php_peek(at, &g, sizeof(g)) || g.std.ce != zend_ce_generator)
		return true;            /* holds the place of something else */
	while (k->count < k->max && g.node.parent) {
		if (!php_peek_plausible(g.node.parent) || !php_peek(g.node.parent, &parent, sizeof(parent)))
			return false;
		if (!frame_add(k, g.execute_data, &data))
			return false;
		if (!parent.node.parent)
			break;
		g = parent;
	}
	reverse(&k->frames[first], &k->frames[k->count]);
	return true;
}

/* False when what was read makes no sense. */
static bool walk(struct look *k)
{
	const zend_execute_data *at;
	zend_execute_data data;

	k->count = 0;
	if (!php_peek(&k->slot->executor->current_execute_data, &at, sizeof(const zend_execute_data *)))
		return false;
	for (size_t steps = 0; at && k->count < k->max && steps < k->max; steps++) {
		size_t had = k->count;

		if (!frame_add(k, at, &data))
			return false;
		if (k->count > had && k->frames[had].top)
			return true;
		if (!data.func && Z_TYPE(data.This) == IS_OBJECT &&
		    !generators_add(k, (const zend_generator *)Z_OBJ(data.This)))
			return false;
		at = data.prev_execute_data;
	}
	return true;
}

/* -- saying -- */

static bool say(struct look *k, const char *text, size_t len)
{
	k->full = k->full || len > k->size - k->len;
	if (k->full)
		return false;
	memcpy(k->out + k->len, text, len);
	k->len += len;
	return true;
}

/* Texts are ended by a NUL: one inside is shown. */
static bool say_visibly(struct look *k, const char *text, size_t len)
{
	for (const char *nul; (nul = memchr(text, '\0', len)) != NULL; len--) {
		size_t part = (size_t)(nul - text);

		if (!say(k, text, part) || !say(k, "\\x00", 4))
			return false;
		len -= part;
		text = nul + 1;
	}
	return say(k, text, len);
}

static bool say_string(struct look *k, const zend_string *string, size_t max)
{
	char text[FILE_MAX_LEN];
	size_t len;

	if (!php_peek(&string->len, &len, sizeof(len)))
		return false;
	if (len > max)
		len = max;
	return php_peek(string->val, text, len) && say_visibly(k, text, len);
}

static bool say_place(struct look *k, const struct frame *f)
{
	char line[16];

	if (!f)
		return say(k, " unknown:0", sizeof(" unknown:0"));
	snprintf(line, sizeof(line), ":%u", (unsigned)f->line);
	return say(k, " ", 1) && say_string(k, f->file, FILE_MAX_LEN) && say(k, line, strlen(line) + 1);
}

static const struct frame *caller_of(const struct look *k, size_t i)
{
	while (++i < k->count)
		if (k->frames[i].kind == KIND_USER)
			return &k->frames[i];
	return NULL;
}

static bool say_frame(struct look *k, const struct frame *f, const char *name, const struct frame *place)
{
	char address[32];

	snprintf(address, sizeof(address), "[0x%016lx] ", (unsigned long)(uintptr_t)f->at);
	if (!say(k, address, strlen(address)))
		return false;
	if (!(name ? say(k, name, strlen(name)) : say_string(k, f->name, NAME_MAX_LEN)))
		return false;
	return say(k, "()", 2) && say_place(k, place);
}

/* The bottom of a fiber's stack is an internal function without a name: no call of the script's. */
static bool is_shown(const struct frame *f)
{
	return f->name || f->kind == KIND_USER;
}

/* php-fpm's layout: each function with the place of its call. Where the script is in no function of PHP's own, that
 * leaves out the line it has come to: told first. */
static bool say_frames(struct look *k, unsigned depth)
{
	unsigned said = 0;

	if (k->count > 0 && k->frames[0].kind == KIND_USER) {
		if (!say_frame(k, &k->frames[0], "[RUNNING]", &k->frames[0]))
			return false;
		said++;
	}
	for (size_t i = 0; i < k->count && said < depth; i++) {
		const struct frame *f = &k->frames[i];

		if (f->top)
			break;
		if (!is_shown(f))
			continue;
		if (!say_frame(k, f, f->name ? NULL : "[INCLUDE_OR_EVAL]", caller_of(k, i)))
			return false;
		said++;
	}
	return true;
}

static void say_script(struct look *k)
{
	char path[PATH_MAX] = "";
	const char *at = NULL;

	if (php_peek(&k->slot->sapi->request_info.path_translated, &at, sizeof(const char *)) && at)
		php_peek_text(at, path, sizeof(path));
	say(k, path, strlen(path) + 1);
}

/* -- looking until two agree -- */

/* What does not fit is left out by whole lines. */
static bool look(struct look *k, unsigned depth)
{
	size_t whole;

	k->len = 0;
	k->full = false;
	say_script(k);
	if (!walk(k))
		return false;
	if (say_frames(k, depth))
		return true;
	for (whole = k->len; whole > 0 && k->out[whole - 1] != '\0'; whole--)
		continue;
	k->len = whole;
	return k->full;
}

/* The outer calls that both looks saw; all of a when there are none. */
static void keep_common(struct look *a, const struct look *b)
{
	size_t head = strlen(a->out) + 1, common = 0, same = 0;

	while (same < a->len - head && same < b->len && a->out[a->len - 1 - same] == b->out[b->len - 1 - same]) {
		same++;
		if (a->out[a->len - 1 - same] == '\0')
			common = same;
	}
	if (common == 0)
		return;
	memmove(a->out + head, a->out + a->len - common, common);
	a->len = head + common;
}

static bool agree(const struct look *a, const struct look *b)
{
	return a->len == b->len && !memcmp(a->out, b->out, a->len);
}

static void swap(struct look *a, struct look *b)
{
	struct look aside = *a;

	*a = *b;
	*b = aside;
}

/* The result is in a. A look that failed leaves the script's name. */
static void look_often(struct look *a, struct look *b, unsigned depth)
{
	bool good = look(a, depth), good_before = false;

	for (int i = 1; i < TRIES && !(good && good_before && agree(a, b)); i++) {
		swap(a, b);
		good_before = good;
		good = look(a, depth);
	}
	if (good && good_before && !agree(a, b))
		keep_common(a, b);
	if (!good && good_before)
		swap(a, b);
	else if (!good)
		a->len = strlen(a->out) + 1;
}

size_t php_backtrace(struct sapi_ctx *ctx, struct request *req, unsigned depth, char *out, size_t size)
{
	size_t max = (depth < FRAMES_MAX ? depth : FRAMES_MAX) + FRAMES_MORE, len = 0;
	struct frame *frames = calloc(max, sizeof(*frames));
	char *other = malloc(size);
	const struct php_slot *slot = php_slot_hold(req);
	struct look a = { .slot = slot, .frames = frames, .max = max, .out = out, .size = size };
	struct look b = { .slot = slot, .frames = frames, .max = max, .out = other, .size = size };

	(void)ctx;
	if (slot && frames && other && size >= SAPI_BACKTRACE_MIN) {
		look_often(&a, &b, depth);
		len = a.len;
		memmove(out, a.out, len);
	}
	php_slot_let_go();
	free(other);
	free(frames);
	return len;
}
