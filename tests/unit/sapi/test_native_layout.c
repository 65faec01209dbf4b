/* test_native_layout.c -- a libfcgi other than the one that Weir knows is refused: FCGX_CreateWriter is ours here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fastcgi.h>
#include <stdlib.h>
#include <string.h>
#include "sapi/native/native_priv.h"

static void (*change)(struct native_block *b);  /* what this libfcgi does otherwise; NULL: nothing */
static size_t block_bytes;
static int freed;
static FCGX_Stream *made;                /* the last one, and what it holds */
static unsigned char *buffer;
static FCGX_Request *request;

FCGX_Stream *FCGX_CreateWriter(int socket, int id, int size, int type)
{
	struct native_block *b = calloc(1, block_bytes), whole = { .size = size, .type = type };

	made = calloc(1, sizeof(*made));
	assert_non_null(made);
	assert_non_null(b);
	whole.start = whole.allocated = buffer = calloc(1, (size_t)size);
	whole.end = whole.start + size;
	whole.request = request = calloc(1, sizeof(*request));
	*request = (FCGX_Request){ .ipcFd = socket, .requestId = id, .nWriters = 2 };
	made->data = b;
	made->wrNext = whole.start + FCGI_HEADER_LEN;
	made->stop = whole.end;
	if (change)
		change(&whole);
	memcpy(b, &whole, block_bytes < sizeof(whole) ? block_bytes : sizeof(whole));
	return made;
}

void FCGX_FreeStream(FCGX_Stream **stream)
{
	struct native_block *b = (*stream)->data;

	assert_null(b->request);
	free(b->allocated);
	free(b);
	free(*stream);
	freed++;
}

static int check_with(void (*how)(struct native_block *b), size_t bytes)
{
	struct err err = { 0 };
	int rc;

	change = how;
	block_bytes = bytes;
	rc = native_layout_check(&err);
	if (rc == 0)
		return 0;
	assert_non_null(strstr(err.text, "libfcgi"));
	free(request);                  /* the check frees nothing that it does not know */
	free(buffer);
	free(made->data);
	free(made);
	return rc;
}

static void another_type(struct native_block *b)
{
	b->type = FCGI_STDOUT;
}

static void another_end(struct native_block *b)
{
	b->end++;
}

static void another_start(struct native_block *b)
{
	b->start += FCGI_HEADER_LEN;
}

static void another_buffer(struct native_block *b)
{
	b->allocated += FCGI_HEADER_LEN;
}

static void another_request(struct native_block *b)
{
	b->request->requestId++;
}

static void another_state(struct native_block *b)
{
	b->raw = 1;
}

static void the_known_one_is_taken(void **state)
{
	(void)state;
	freed = 0;
	assert_int_equal(check_with(NULL, sizeof(struct native_block)), 0);
	assert_int_equal(freed, 1);
}

static void others_are_refused(void **state)
{
	void (*const changes[])(struct native_block *b) = {
		another_type, another_end, another_start, another_buffer, another_request, another_state,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		assert_int_equal(check_with(changes[i], sizeof(struct native_block)), -1);
	assert_int_equal(check_with(NULL, 16), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_known_one_is_taken),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
