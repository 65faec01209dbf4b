/* test_conf_check_mpm.c -- the keys of the multi-processing model: what is refused, rounded and filled in. */
#include "mpm/board.h"
#include "tests/unit/conf/conf_help.h"

#define STATIC_POOL "[www]\nlisten = /run/x.sock\npm = static\npm.max_children = 4\n"
#define WORKER STATIC_POOL "mpm = worker\n"
#define DYNAMIC "[www]\nlisten = /run/x.sock\npm = dynamic\npm.max_children = 4\nmpm = worker\nmpm.threads_per_child = 10\n"

static void one_thread_under_prefork(void **state)
{
	struct loaded l = load(STATIC_POOL);
	(void)state;

	assert_good(&l);
	assert_int_equal(l.conf->pools[0]->threads_per_child, 1);
	assert_int_equal(conf_pool_slots(l.conf->pools[0]), 4);
	unload(&l);
	l = load(STATIC_POOL "mpm.threads_per_child = 2\n");
	assert_note(&l, CONF_ERROR, "[f:5] [pool www] mpm.threads_per_child = 2: under mpm = prefork a child has one thread; "
		    "set mpm = worker or event, or remove the line");
	unload(&l);
	l = load(STATIC_POOL "mpm.min_spare_threads = 2\n");
	assert_note(&l, CONF_ERROR, "[f:5] [pool www] mpm.min_spare_threads and mpm.max_spare_threads are for mpm = worker and "
		    "event: under prefork use pm.min_spare_servers and pm.max_spare_servers");
	unload(&l);
}

static void defaults_under_worker(void **state)
{
	struct loaded l = load(WORKER);
	(void)state;

	assert_good(&l);
	assert_int_equal(l.conf->pools[0]->threads_per_child, 25);
	assert_int_equal(conf_pool_slots(l.conf->pools[0]), 100);
	unload(&l);
	l = load(WORKER "pm.max_children = 4001\n");
	assert_note(&l, CONF_ERROR, "[f:6] [pool www] pm.max_children(4001) times mpm.threads_per_child(25) cannot be greater "
		    "than 100000: lower one of those");
	unload(&l);
	l = load(WORKER "pm.max_children = 4000\n");
	assert_good(&l);
	assert_true(conf_pool_places(l.conf->pools[0]) * 25 <= BOARD_MAX_SLOTS);
	unload(&l);
	l = load(WORKER "mpm.threads_per_child = 0\n");
	assert_note(&l, CONF_ERROR, "[f:6] [pool www] mpm.threads_per_child must be a positive value");
	unload(&l);
}

/* One thread unless more are asked for, and then all that worker has. */
static void threads_under_event(void **state)
{
	struct loaded l = load(STATIC_POOL "mpm = event\n");
	(void)state;

	assert_good(&l);
	assert_int_equal(l.conf->pools[0]->threads_per_child, 1);
	assert_int_equal(conf_pool_places(l.conf->pools[0]), 4);
	unload(&l);
	l = load(STATIC_POOL "mpm = event\nmpm.threads_per_child = 10\nmpm.max_request_workers = 20\n");
	assert_good(&l);
	assert_int_equal(conf_pool_slots(l.conf->pools[0]), 20);
	assert_int_equal(conf_pool_places(l.conf->pools[0]), 8);
	unload(&l);
	l = load("[www]\nlisten = /run/x.sock\npm = dynamic\npm.max_children = 4\nmpm = event\n"
		 "mpm.min_spare_threads = 1\nmpm.max_spare_threads = 2\n");
	assert_good(&l);
	assert_int_equal(l.conf->pools[0]->start_servers, 1);
	unload(&l);
}

/* Those that leave slowly have places of their own. */
static void places(void **state)
{
	struct loaded l = load(WORKER);
	(void)state;

	assert_int_equal(conf_pool_places(l.conf->pools[0]), 12);
	unload(&l);
	l = load(WORKER "mpm.threads_per_child = 1\n");
	assert_int_equal(conf_pool_places(l.conf->pools[0]), 4);
	unload(&l);
}

static void request_workers_are_whole_children(void **state)
{
	struct loaded l = load(WORKER "mpm.max_request_workers = 60\n");
	(void)state;

	assert_note(&l, CONF_WARNING, "[f:6] [pool www] mpm.max_request_workers(60) is no multiple of "
		    "mpm.threads_per_child(25): it's been set to 50, for 2 whole children");
	assert_int_equal(l.conf->pools[0]->max_children, 2);
	assert_int_equal(l.conf->pools[0]->max_request_workers, 50);
	unload(&l);
	l = load(WORKER "mpm.max_request_workers = 101\n");
	assert_note(&l, CONF_ERROR, "[f:6] [pool www] mpm.max_request_workers(101) cannot be greater than pm.max_children(4) "
		    "times mpm.threads_per_child(25): raise one of those");
	unload(&l);
	l = load(WORKER "mpm.max_request_workers = 24\n");
	assert_note(&l, CONF_ERROR, "[f:6] [pool www] mpm.max_request_workers(24) is not even one child of "
		    "mpm.threads_per_child(25)");
	unload(&l);
}

static void spare_limits_in_threads(void **state)
{
	struct loaded l = load(DYNAMIC "mpm.min_spare_threads = 5\nmpm.max_spare_threads = 20\n");
	(void)state;

	assert_good(&l);
	assert_int_equal(l.conf->pools[0]->start_servers, 1);
	assert_int_equal(l.conf->pools[0]->max_spare_threads, 20);
	unload(&l);
	l = load(DYNAMIC "mpm.min_spare_threads = 5\nmpm.max_spare_threads = 9\n");
	assert_note(&l, CONF_WARNING, "[f:8] [pool www] mpm.max_spare_threads(9) must be at least mpm.min_spare_threads(5) "
		    "plus mpm.threads_per_child(10): it's been set to 15");
	assert_int_equal(l.conf->pools[0]->max_spare_threads, 15);
	unload(&l);
	l = load(DYNAMIC "mpm.min_spare_threads = 5\npm.max_spare_servers = 2\n");
	assert_note(&l, CONF_ERROR, "[f:7] [pool www] give either mpm.min_spare_threads and mpm.max_spare_threads, or "
		    "pm.min_spare_servers and pm.max_spare_servers: one counts threads, the other children");
	unload(&l);
	l = load(DYNAMIC "mpm.max_spare_threads = 20\n");
	assert_note(&l, CONF_ERROR, "[f:1] [pool www] mpm.min_spare_threads(0) must be a positive value");
	unload(&l);
}

static void spare_limits_in_children(void **state)
{
	struct loaded l = load(DYNAMIC "pm.min_spare_servers = 1\npm.max_spare_servers = 3\n");
	(void)state;

	assert_good(&l);
	assert_int_equal(l.conf->pools[0]->min_spare_threads, 0);
	assert_int_equal(l.conf->pools[0]->start_servers, 2);
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thread_under_prefork),
		cmocka_unit_test(defaults_under_worker),
		cmocka_unit_test(threads_under_event),
		cmocka_unit_test(places),
		cmocka_unit_test(request_workers_are_whole_children),
		cmocka_unit_test(spare_limits_in_threads),
		cmocka_unit_test(spare_limits_in_children),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
