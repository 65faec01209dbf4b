/* test_conf_check_event.c -- the keys of mpm = event: what is refused, filled in, and said under another model. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/unit/conf/conf_help.h"

#define EVENT GOOD_POOL "mpm = event\n"

static void defaults(void **state)
{
	struct loaded l = load(EVENT);
	const struct conf_pool *p;
	(void)state;

	assert_good(&l);
	p = l.conf->pools[0];
	assert_int_equal(p->mpm, CONF_MPM_EVENT);
	assert_int_equal(p->threads_per_child, 1);
	assert_int_equal(conf_pool_places(p), p->max_children);
	assert_int_equal(p->request_max_body, 1 << 30);
	assert_int_equal(p->event_max_connections, 16384);
	assert_int_equal(p->event_body_memory, 64 * 1024);
	assert_string_equal(p->event_body_dir, "/var/tmp");
	assert_int_equal(p->event_request_buffering, CONF_BUFFERING_AUTO);
	assert_int_equal(p->event_response_memory, 256 * 1024);
	assert_int_equal(p->event_response_max, 1 << 30);
	assert_int_equal(p->event_retry, CONF_RETRY_SAFE);
	assert_int_equal(p->event_retry_max, 2);
	assert_int_equal(p->queue_max, 1000);
	assert_int_equal(p->queue_timeout_s, 30);
	assert_int_equal(p->queue_retry_after_s, 1);
	assert_int_equal(p->queue_abandoned, CONF_ABANDONED_DROP_SAFE);
	assert_int_equal(p->request_on_abort, CONF_ON_ABORT_CONTINUE);
	assert_int_equal(p->keepalive_timeout_s, 0);
	unload(&l);
}

static void bodies_are_limited_under_event_alone(void **state)
{
	static const struct { const char *lines; uint64_t limit; } cases[] = {
		{ "", 0 }, { "mpm = worker\n", 0 }, { "request.max_body = 5K\n", 5120 }, { "mpm = event\n", 1 << 30 },
		{ "mpm = event\nrequest.max_body = 0\n", 0 }, { "request.max_body = 2G\nmpm = event\n", 2ULL << 30 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = xasprintf("%s%s", GOOD_POOL, cases[i].lines);
		struct loaded l = load(text);

		assert_good(&l);
		assert_int_equal(l.conf->pools[0]->request_max_body, cases[i].limit);
		unload(&l);
		free(text);
	}
}

/* A file's bare yes and no are words of some keys. */
static void words(void **state)
{
	static const struct { const char *word; enum conf_buffering means; } cases[] = {
		{ "auto", CONF_BUFFERING_AUTO }, { "yes", CONF_BUFFERING_YES }, { "\"Yes\"", CONF_BUFFERING_YES },
		{ "on", CONF_BUFFERING_YES }, { "no", CONF_BUFFERING_NO }, { "'no'", CONF_BUFFERING_NO },
		{ "off", CONF_BUFFERING_NO },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = xasprintf("%sevent.request_buffering = %s\n", EVENT, cases[i].word);
		struct loaded l = load(text);

		assert_good(&l);
		assert_int_equal(l.conf->pools[0]->event_request_buffering, cases[i].means);
		unload(&l);
		free(text);
	}
}

static void without_effect_elsewhere(void **state)
{
	struct loaded l = load(GOOD_POOL "queue.max = 7\nevent.body_dir = /none\nrequest.on_abort = kill\n"
			       "keepalive_timeout = 5\n");
	(void)state;

	assert_good(&l);
	assert_note(&l, CONF_NOTICE, "[pool www] without effect unless mpm = event: request.on_abort, event.body_dir, "
		    "queue.max");
	unload(&l);
	l = load(EVENT "queue.max = 7\n");
	assert_good(&l);
	assert_int_equal(l.notes.count, 0);
	unload(&l);
}

static void refused(void **state)
{
	(void)state;
	assert_only_error("mpm = event\nevent.response_max = 100K", "[f:6] [pool www] event.response_max(102400) must not be "
			  "less than event.response_memory(262144)");
	assert_only_error("mpm = event\nevent.body_dir = /none", "[f:6] [pool www] event.body_dir = /none does not exist or "
			  "is not a directory: create it, or name another");
	assert_only_error("mpm = event\nevent.body_dir = /dev/null", "[f:6] [pool www] event.body_dir = /dev/null does not "
			  "exist or is not a directory: create it, or name another");
}

/* As root it is the pool process that writes there; else it is we. */
static void body_dir_has_to_be_writable(void **state)
{
	char dir[] = "/tmp/weir-conf-XXXXXX", inner[64], text[256], wanted[256];
	bool root = geteuid() == 0;
	struct loaded l;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(inner, sizeof(inner), "%s/bodies", dir);
	assert_int_equal(mkdir(inner, 0777) | chmod(inner, 0777) | chmod(dir, 0755), 0);
	snprintf(text, sizeof(text), "pool_process_user = nobody\n" EVENT "user = daemon\nevent.body_dir = %s\n", inner);
	snprintf(wanted, sizeof(wanted), "[f:8] [pool www] event.body_dir = %s: %s may not create files there: let it, or "
		 "name another folder", inner, root ? "nobody" : "the user that Weir runs as");
	l = load_with((struct conf_load_options){ .as_root = root }, text);
	assert_good(&l);
	unload(&l);
	assert_int_equal(chmod(inner, 0555), 0);
	l = load_with((struct conf_load_options){ .as_root = root }, text);
	assert_note(&l, CONF_ERROR, wanted);
	unload(&l);
	assert_int_equal(chmod(inner, 0777) | chmod(dir, 0600), 0);
	if (root) {                     /* others do not even see it */
		l = load_with((struct conf_load_options){ .as_root = true }, text);
		assert_note(&l, CONF_ERROR, wanted);
		unload(&l);
	}
	assert_int_equal(chmod(dir, 0755), 0);
	rmdir(inner);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(bodies_are_limited_under_event_alone),
		cmocka_unit_test(words),
		cmocka_unit_test(without_effect_elsewhere),
		cmocka_unit_test(refused),
		cmocka_unit_test(body_dir_has_to_be_writable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
