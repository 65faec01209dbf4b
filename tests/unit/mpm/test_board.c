/* test_board.c -- the scoreboard: what writers say is what readers see, and neither can hurt the other.
 * The writers here are threads of the test and plain stores into the map; no process is forked. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "mpm/board_priv.h"
#include "src/base/fd.h"

#define SLOTS 5

struct fixture {
	struct board *board;
	int fd;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->board = board_create(SLOTS, &f->fd);
	assert_non_null(f->board);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	board_unmap(&f->board);
	assert_null(f->board);
	board_unmap(&f->board);
	fd_close(&f->fd);
	free(f);
	return 0;
}

static void new_board_is_empty(void **state)
{
	struct fixture *f = *state;
	struct board_view view = { 0 };

	assert_int_equal(board_slots(f->board), SLOTS);
	for (uint32_t i = 0; i < SLOTS; i++) {
		board_read(f->board, i, &view);
		assert_int_equal(view.brief.state, BOARD_EMPTY);
		assert_int_equal(view.brief.served, 0);
		assert_false(view.request_old);
		assert_string_equal(view.uri, "");
	}
}

static void size_is_sealed(void **state)
{
	struct fixture *f = *state;
	off_t size = SLOTS * sizeof(struct board_slot);

	assert_int_equal(ftruncate(f->fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(f->fd, size * 2), -1);
	assert_int_equal(fcntl(f->fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(lseek(f->fd, 0, SEEK_END), size);
	assert_true(fcntl(f->fd, F_GETFD) & FD_CLOEXEC);
}

static void foreign_map_is_checked(void **state)
{
	struct fixture *f = *state;

	assert_null(board_map(f->fd, SLOTS + 1, false));
	assert_int_equal(errno, EINVAL);
	assert_null(board_map(f->fd, 0, false));
	assert_null(board_map(f->fd, UINT32_MAX, false));
	assert_null(board_map(-1, SLOTS, false));
	assert_int_equal(errno, EBADF);

	int loose = memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(loose, SLOTS * sizeof(struct board_slot)), 0);
	assert_null(board_map(loose, SLOTS, false));
	assert_int_equal(errno, EPERM);
	assert_int_equal(fcntl(loose, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SEAL), 0);
	assert_null(board_map(loose, SLOTS, false));
	assert_int_equal(errno, EPERM);
	fd_close(&loose);
}

static void sizes_of_boards(void **state)
{
	int fd = 0;
	(void)state;

	assert_null(board_create(0, &fd));
	assert_int_equal(fd, -1);
	assert_null(board_create(BOARD_MAX_SLOTS + 1, &fd));
	assert_int_equal(errno, EINVAL);
	struct board *most = board_create(BOARD_MAX_SLOTS, &fd);
	assert_non_null(most);
	board_slot_state(board_slot(most, BOARD_MAX_SLOTS - 1), BOARD_IDLE, 7);
	board_unmap(&most);
	fd_close(&fd);
}

static void two_maps_are_one_board(void **state)
{
	struct fixture *f = *state;
	struct board *reader = board_map(f->fd, SLOTS, false);
	struct board_slot *slot = board_slot(f->board, 3);
	struct board_view view = { 0 };

	assert_non_null(reader);
	board_slot_reset(slot, BOARD_STARTING, 100);
	board_slot_accepted(slot);
	board_slot_owns(slot, true);
	board_slot_request(slot, &(struct board_request){ 120, "id-1", "POST", "/a?b=c", "/srv/index.php", NULL, 0 });
	board_slot_state(slot, BOARD_RUNNING, 123);
	board_slot_reason(slot, REASON_CLIENT_GONE);
	board_slot_reason(slot, REASON_CLIENT_GONE);
	board_read(reader, 3, &view);
	assert_int_equal(view.brief.state, BOARD_RUNNING);
	assert_int_equal(view.brief.since_ms, 123);
	assert_int_equal(view.brief.request_start_ms, 120);
	assert_int_equal(view.brief.accepted, 1);
	assert_int_equal(view.brief.served, 0);
	assert_true(view.brief.owns_connection);
	assert_int_equal(view.reasons[REASON_CLIENT_GONE], 2);
	assert_int_equal(view.reasons[REASON_DENIED], 0);
	assert_string_equal(view.id, "id-1");
	assert_string_equal(view.method, "POST");
	assert_string_equal(view.uri, "/a?b=c");
	assert_string_equal(view.script, "/srv/index.php");
	board_read(reader, 2, &view);
	assert_int_equal(view.brief.state, BOARD_EMPTY);
	board_unmap(&reader);
}

static void peek_says_the_same(void **state)
{
	struct fixture *f = *state;
	struct board_slot *slot = board_slot(f->board, 0);
	struct board_brief brief;

	board_slot_request(slot, &(struct board_request){ .start_ms = 8 });
	board_slot_untimed(slot);
	board_slot_slow(slot);
	board_peek(f->board, 0, &brief);
	assert_true(brief.untimed);
	assert_int_equal(brief.slow, 1);
	board_slot_request(slot, &(struct board_request){ .start_ms = 9 });
	board_slot_served(slot);
	board_slot_state(slot, BOARD_IDLE, UINT64_MAX);
	board_peek(f->board, 0, &brief);
	assert_int_equal(brief.state, BOARD_IDLE);
	assert_int_equal(brief.since_ms, UINT64_MAX >> 8);
	assert_int_equal(brief.request_start_ms, 9);
	assert_int_equal(brief.served, 1);
	assert_false(brief.untimed);
	assert_int_equal(brief.slow, 1);
	assert_false(brief.owns_connection);
	assert_int_equal(board_age_ms(10, 4), 6);
	assert_int_equal(board_age_ms(10, brief.since_ms), 0);
}

static void reset_forgets_the_dead(void **state)
{
	struct fixture *f = *state;
	struct board_slot *slot = board_slot(f->board, 1);
	struct board_view view = { 0 };

	board_slot_request(slot, &(struct board_request){ 5, "i", "GET", "/secret", "/s.php", NULL, 0 });
	board_slot_served(slot);
	board_slot_owns(slot, true);
	board_slot_slow(slot);
	board_slot_untimed(slot);
	board_slot_reason(slot, REASON_DENIED);
	board_read(f->board, 1, &view);
	board_slot_reset(slot, BOARD_EMPTY, 50);
	board_read(f->board, 1, &view);
	assert_int_equal(view.brief.state, BOARD_EMPTY);
	assert_int_equal(view.brief.since_ms, 50);
	assert_int_equal(view.brief.served, 0);
	assert_int_equal(view.reasons[REASON_DENIED], 0);
	assert_false(view.brief.owns_connection);
	assert_false(view.brief.untimed);
	assert_int_equal(view.brief.slow, 0);
	assert_string_equal(view.id, "");
	assert_string_equal(view.uri, "");
}

/* Every length around a word's and an array's end. */
static void who_leaves_is_marked_until_the_next_life(void **state)
{
	int fd;
	struct board *b = board_create(2, &fd);
	(void)state;

	board_slot_leaves(board_slot(b, 1));
	assert_false(board_leaves(b, 0));
	assert_true(board_leaves(b, 1));
	board_slot_state(board_slot(b, 1), BOARD_RUNNING, 1);
	assert_true(board_leaves(b, 1));
	board_slot_reset(board_slot(b, 1), BOARD_EMPTY, 2);
	assert_false(board_leaves(b, 1));
	board_unmap(&b);
	close(fd);
}

static void texts_are_cut_never_overrun(void **state)
{
	struct fixture *f = *state;
	struct board_slot *slot = board_slot(f->board, 2);
	char text[BOARD_URI_SIZE * 2];
	struct board_view view = { 0 };

	for (size_t len = 0; len < sizeof(text); len++) {
		memset(text, 'a' + (int)(len % 26), len);
		text[len] = '\0';
		board_slot_request(slot, &(struct board_request){ len, text, text, text, NULL, NULL, 0 });
		board_slot_script(slot, text);
		board_read(f->board, 2, &view);
		assert_int_equal(strlen(view.id), len < BOARD_ID_SIZE ? len : BOARD_ID_SIZE - 1);
		assert_int_equal(strlen(view.method), len < BOARD_METHOD_SIZE ? len : BOARD_METHOD_SIZE - 1);
		assert_int_equal(strlen(view.uri), len < BOARD_URI_SIZE ? len : BOARD_URI_SIZE - 1);
		assert_int_equal(strlen(view.script), len < BOARD_SCRIPT_SIZE ? len : BOARD_SCRIPT_SIZE - 1);
		assert_memory_equal(view.uri, text, strlen(view.uri));
	}
	board_slot_script(slot, NULL);
	board_read(f->board, 2, &view);
	assert_string_equal(view.script, "");
}

static void torn_writer_leaves_the_last_good_copy(void **state)
{
	struct fixture *f = *state;
	struct board_slot *slot = board_slot(f->board, 4);
	struct board_view view = { 0 };

	board_slot_reset(slot, BOARD_IDLE, 1);
	board_slot_request(slot, &(struct board_request){ 10, "good", "GET", "/good", "/good.php", NULL, 0 });
	board_read(f->board, 4, &view);
	slot->seq++;                            /* killed after the first words of the next request */
	slot->texts.start_ms = 20;
	memcpy(slot->texts.uri, "/torn\0\0", 8);
	board_slot_state(slot, BOARD_RUNNING, 21);
	board_read(f->board, 4, &view);
	assert_true(view.request_old);
	assert_int_equal(view.brief.state, BOARD_RUNNING);
	assert_int_equal(view.brief.request_start_ms, 10);
	assert_string_equal(view.uri, "/good");

	board_slot_reset(slot, BOARD_STARTING, 30);
	board_read(f->board, 4, &view);
	assert_false(view.request_old);
	assert_string_equal(view.uri, "");
	board_slot_request(slot, &(struct board_request){ 40, "new", "GET", "/new", "/new.php", NULL, 0 });
	board_read(f->board, 4, &view);
	assert_false(view.request_old);
	assert_string_equal(view.uri, "/new");
}

static void assert_view_is_bounded(const struct board_view *view)
{
	assert_true((unsigned)view->brief.state < BOARD_STATE_COUNT);
	assert_non_null(memchr(view->id, '\0', sizeof(view->id)));
	assert_non_null(memchr(view->method, '\0', sizeof(view->method)));
	assert_non_null(memchr(view->uri, '\0', sizeof(view->uri)));
	assert_non_null(memchr(view->script, '\0', sizeof(view->script)));
	assert_non_null(board_state_name(view->brief.state));
}

static void scribble(void *at, size_t size, uint64_t *seed)
{
	for (size_t i = 0; i < size / 8; i++) {
		*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
		((uint64_t *)at)[i] = *seed ^ *seed >> 29;
	}
}

static void hostile_bytes_read_as_bounded_views(void **state)
{
	struct fixture *f = *state;
	size_t size = SLOTS * sizeof(struct board_slot);
	char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	struct board_view view = { 0 };
	uint64_t seed = 42;

	assert_ptr_not_equal(bytes, MAP_FAILED);
	memset(bytes, 0xff, size);
	board_read(f->board, 0, &view);
	assert_int_equal(view.brief.state, BOARD_EMPTY);
	assert_view_is_bounded(&view);
	int taken = 0;
	for (int round = 0; round < 2000; round++) {
		scribble(bytes, size, &seed);
		for (uint32_t i = 0; i < SLOTS; i++) {
			board_read(f->board, i, &view);
			assert_view_is_bounded(&view);
			taken += !view.request_old;
		}
	}
	assert_true(taken > 1000);              /* even sequences: the nonsense itself was copied */
	memset(bytes, 'x', size);               /* 'x' is even: texts without any end */
	board_read(f->board, 0, &view);
	assert_int_equal(strlen(view.uri), BOARD_URI_SIZE - 1);
	munmap(bytes, size);
}

struct writer {
	struct board_slot *slot;
	atomic_bool stop;
};

/* Every text tells the same number, in another length each time. */
static void *write_on(void *arg)
{
	struct writer *w = arg;
	char id[BOARD_ID_SIZE], uri[BOARD_URI_SIZE], script[BOARD_SCRIPT_SIZE];

	for (uint64_t n = 0; !atomic_load(&w->stop); n++) {
		snprintf(id, sizeof(id), "%lu", (unsigned long)n);
		snprintf(uri, sizeof(uri), "/%0*lu", (int)(n % 500) + 1, (unsigned long)n);
		snprintf(script, sizeof(script), "%0*lu.php", (int)(n % 200) + 1, (unsigned long)n);
		board_slot_request(w->slot, &(struct board_request){ n, id, "GET", uri, script, NULL, 0 });
		board_slot_served(w->slot);
		board_slot_state(w->slot, n % 2 ? BOARD_RUNNING : BOARD_IDLE, n % 2 ? 1001 : 1000);
	}
	return NULL;
}

static void assert_one_request(const struct board_view *view)
{
	uint64_t n = view->brief.request_start_ms;

	assert_int_equal(strtoull(view->id, NULL, 10), n);
	assert_int_equal(strtoull(view->uri + 1, NULL, 10), n);
	assert_int_equal(strtoull(view->script, NULL, 10), n);
	assert_string_equal(strchr(view->script, '.'), ".php");
}

static void reader_beside_a_writer_sees_whole_requests(void **state)
{
	struct fixture *f = *state;
	struct writer w = { .slot = board_slot(f->board, 0) };
	struct board_view view = { 0 };
	pthread_t thread;
	uint64_t last = 0;
	int good = 0;

	board_slot_request(w.slot, &(struct board_request){ 0, "0", "GET", "/0", "0.php", NULL, 0 });
	board_slot_state(w.slot, BOARD_IDLE, 1000);
	board_read(f->board, 0, &view);         /* the first of all may meet the writer at work */
	assert_int_equal(pthread_create(&thread, NULL, write_on, &w), 0);
	for (int i = 0; i < 2000000 && good < 20000; i++) {
		board_read(f->board, 0, &view);
		good += !view.request_old && view.brief.request_start_ms > 0;
		assert_one_request(&view);
		assert_true(view.brief.request_start_ms >= last);
		assert_int_equal(view.brief.since_ms, view.brief.state == BOARD_RUNNING ? 1001 : 1000);
		last = view.brief.request_start_ms;
	}
	atomic_store(&w.stop, true);
	pthread_join(thread, NULL);
	board_read(f->board, 0, &view);
	assert_false(view.request_old);
	assert_one_request(&view);
	assert_true(good > 0);
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(board_state_name(BOARD_EMPTY), "empty");
	assert_string_equal(board_state_name(BOARD_LEAVING), "leaving");
	assert_string_equal(board_state_name(BOARD_STATE_COUNT), "empty");
	assert_string_equal(board_state_name((enum board_state)-1), "empty");
}

#define BOARD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOARD_TEST(new_board_is_empty),
		BOARD_TEST(size_is_sealed),
		BOARD_TEST(foreign_map_is_checked),
		cmocka_unit_test(sizes_of_boards),
		BOARD_TEST(two_maps_are_one_board),
		BOARD_TEST(peek_says_the_same),
		BOARD_TEST(reset_forgets_the_dead),
		BOARD_TEST(who_leaves_is_marked_until_the_next_life),
		BOARD_TEST(texts_are_cut_never_overrun),
		BOARD_TEST(torn_writer_leaves_the_last_good_copy),
		BOARD_TEST(hostile_bytes_read_as_bounded_views),
		BOARD_TEST(reader_beside_a_writer_sees_whole_requests),
		cmocka_unit_test(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
