/* test_conf_keys.c -- the table of keys is whole: each row says all that the manual needs, no name twice, and no key is
 * both built in and refused. */
#include "tests/unit/conf/conf_help.h"
#include "src/conf/conf_doc.h"

static void rows_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *key = &conf_keys[i];
		size_t len = key->meaning ? strlen(key->meaning) : 0;

		if (!len || key->meaning[len - 1] != '.' || !key->used_by)
			fail_msg("%s: no meaning, or nobody uses it", key->name);
		if (key->limits && key->limits[strlen(key->limits) - 1] != '.')
			fail_msg("%s: the limits are no sentence", key->name);
		assert_ptr_equal(conf_key_find(key->where, key->name), key);
		assert_int_equal(conf_key_index(key), i);
	}
}

static void no_field_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < conf_key_count; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct conf_key *a = &conf_keys[i], *b = &conf_keys[j];

			if (a->where == b->where && a->offset == b->offset && !conf_key_is_array(a))
				fail_msg("%s and %s lie in one field", a->name, b->name);
		}
	}
}

static void refused_keys_are_not_built_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < conf_key_count; i++)
		if (conf_later_find(conf_keys[i].name))
			fail_msg("%s is built in and refused", conf_keys[i].name);
	assert_non_null(conf_later_find("Listen.setfib"));
	assert_non_null(conf_later_find("ready.path"));
	assert_non_null(conf_later_find("listen.tls"));
	assert_null(conf_later_find("listen.setfib2"));
	assert_null(conf_later_find("queue"));
}

/* Both forms of the manual name each key. */
static void manual_names_each_key(void **state)
{
	struct buf markdown = { 0 }, man = { 0 };

	(void)state;
	conf_doc_markdown(&markdown);
	conf_doc_man(&man);
	for (size_t i = 0; i < conf_key_count; i++) {
		const char *array = conf_keys[i].type == CONF_LIST ? "[]" :
				    conf_key_is_array(&conf_keys[i]) ? "[NAME]" : "";
		char *head = xasprintf("\n### %s%s\n\n", conf_keys[i].name, array);
		char *item = xasprintf("\n.TP\n.B %s%s\n", conf_keys[i].name, array);

		if (!strstr(buf_str(&markdown), head) || !strstr(buf_str(&man), item))
			fail_msg("%s is not in the manual", conf_keys[i].name);
		free(head);
		free(item);
	}
	buf_free(&markdown);
	buf_free(&man);
}

/* No line of the man page's text can be taken for a request. */
static void man_page_has_known_requests_only(void **state)
{
	static const char *const known[] = { ".\\\"", ".TH ", ".SH ", ".TP\n", ".B ", ".BR ", ".br\n", ".PP\n",
		".nf\n", ".fi\n" };
	struct buf man = { 0 };

	(void)state;
	conf_doc_man(&man);
	for (const char *line = buf_str(&man); line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		bool fine = *line != '.' && *line != '\'';

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			fine = fine || !strncmp(line, known[i], strlen(known[i]));
		if (!fine)
			fail_msg("'%.40s'", line);
	}
	buf_free(&man);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(no_field_twice),
		cmocka_unit_test(refused_keys_are_not_built_in),
		cmocka_unit_test(manual_names_each_key),
		cmocka_unit_test(man_page_has_known_requests_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
