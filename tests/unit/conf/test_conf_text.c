/* test_conf_text.c -- one section as text and back: every key, every byte. */
#include "tests/unit/conf/conf_help.h"
#include "src/conf/conf_value.h"
#include <arpa/inet.h>
#include <sys/socket.h>

/* All bytes but NUL. */
static char *all_bytes(void)
{
	char *text = xcalloc(256, 1);

	for (int i = 1; i < 256; i++)
		text[i - 1] = (char)i;
	return text;
}

/* A value that is not the default, for each key. */
static const char *other_value(const struct conf_key *key)
{
	switch (key->type) {
	case CONF_BOOL:
		return key->initial && !strcmp(key->initial, "yes") ? "no" : "yes";
	case CONF_INT:
	case CONF_LONG:
	case CONF_CORE:
		return key->max > 0 && key->max < 777 ? "2" : "777";
	case CONF_PRIORITY:
		return "-7";
	case CONF_TIME:
		return "2h";
	case CONF_SIZE:
		return "3M";
	case CONF_LEVEL:
		return "alert";
	case CONF_MODE:
		return "0604";
	case CONF_PM:
		return "dynamic";
	case CONF_MPM:
		return "event";
	case CONF_CHOICE:
		return key->choices[1];
	default:
		return NULL;
	}
}

static void fill(enum conf_where where, void *base, const char *text)
{
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *key = &conf_keys[i];
		const char *value = other_value(key);
		struct err why;

		if (key->where != where)
			continue;
		if (conf_key_is_array(key))
			conf_pairs_add((struct conf_pairs *)((char *)base + key->offset), key, text, text);
		else if (!strcmp(key->name, "listen.allowed_clients"))
			assert_int_equal(conf_value_set(key, base, "10.0.0.0/8", &why), 0);
		else
			assert_int_equal(conf_value_set(key, base, value ? value : text, &why), 0);
	}
}

static void assert_same(enum conf_where where, const void *a, const void *b)
{
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *key = &conf_keys[i];
		struct buf shown_a = { 0 }, shown_b = { 0 };

		if (key->where != where || conf_key_is_array(key))
			continue;
		assert_int_equal(conf_value_show(key, a, &shown_a), conf_value_show(key, b, &shown_b));
		if (strcmp(buf_str(&shown_a), buf_str(&shown_b)))
			fail_msg("%s: '%s' came back as '%s'", key->name, buf_str(&shown_a), buf_str(&shown_b));
		buf_free(&shown_a);
		buf_free(&shown_b);
	}
}

static void assert_same_pairs(const struct conf_pairs *a, const struct conf_pairs *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		assert_ptr_equal(a->at[i].key, b->at[i].key);
		assert_string_equal(a->at[i].sub, b->at[i].sub);
		assert_string_equal(a->at[i].value, b->at[i].value);
	}
}

static struct conf_pool *there_and_back(const struct conf_global *global, const struct conf_pool *pool,
					struct conf_global *global_out)
{
	struct buf text = { 0 }, again = { 0 };
	struct conf_pool *read;
	struct err err;

	conf_pool_write(global, pool, &text);
	read = conf_pool_read((const char *)text.data, text.len, global_out, &err);
	if (!read)
		fail_msg("%s", err.text);
	conf_pool_write(global_out, read, &again);
	assert_string_equal(buf_str(&text), buf_str(&again));
	buf_free(&text);
	buf_free(&again);
	return read;
}

static void every_key(void **state)
{
	struct conf_global global = { 0 }, global_read;
	struct conf_pool *pool = xcalloc(1, sizeof(*pool)), *read;
	char *text = all_bytes();
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a010203) };

	(void)state;
	conf_value_defaults(CONF_IN_GLOBAL, &global);
	conf_value_defaults(CONF_IN_POOL, pool);
	fill(CONF_IN_GLOBAL, &global, text);
	fill(CONF_IN_POOL, pool, text);
	pool->name = xstrdup(text);
	pool->file = xstrdup(text);
	pool->home = xstrdup(text);
	pool->user_name = xstrdup(text);
	pool->line = 77;
	pool->owner = (struct conf_owner){ 1, 4294967294u, xcalloc(2, sizeof(gid_t)), 2 };
	pool->owner.groups[0] = 5;
	pool->owner.groups[1] = 6;
	pool->listen_uid = 8;
	pool->listen_gid = (gid_t)-1;
	read = there_and_back(&global, pool, &global_read);
	assert_same(CONF_IN_GLOBAL, &global, &global_read);
	assert_same(CONF_IN_POOL, pool, read);
	assert_same_pairs(&pool->env, &read->env);
	assert_same_pairs(&pool->sapi_values, &read->sapi_values);
	assert_string_equal(read->name, text);
	assert_string_equal(read->file, text);
	assert_string_equal(read->home, text);
	assert_string_equal(read->user_name, text);
	assert_int_equal(read->line, 77);
	assert_int_equal(read->owner.uid, 1);
	assert_int_equal(read->owner.gid, 4294967294u);
	assert_int_equal(read->owner.group_count, 2);
	assert_int_equal(read->owner.groups[1], 6);
	assert_int_equal(read->listen_uid, 8);
	assert_int_equal(read->listen_gid, (gid_t)-1);
	assert_true(conf_client_allowed(read, (struct sockaddr *)&in));
	in.sin_addr.s_addr = 0;
	assert_false(conf_client_allowed(read, (struct sockaddr *)&in));
	conf_pool_free(&pool);
	conf_pool_free(&read);
	conf_global_free(&global);
	conf_global_free(&global_read);
	free(text);
}

static void defaults(void **state)
{
	struct loaded l = load(GOOD_POOL);
	struct conf_global global;
	struct conf_pool *read;

	(void)state;
	assert_good(&l);
	read = there_and_back(&l.conf->global, l.conf->pools[0], &global);
	assert_same(CONF_IN_GLOBAL, &l.conf->global, &global);
	assert_same(CONF_IN_POOL, l.conf->pools[0], read);
	assert_int_equal(global.process_control_timeout_s, -1);
	assert_null(read->user);
	conf_pool_free(&read);
	conf_global_free(&global);
	unload(&l);
}

/* What $VAR gave goes along, and a value is not expanded a second time. */
static void nothing_is_expanded_again(void **state)
{
	struct conf_global global;
	struct conf_pool *read;
	struct loaded l;

	(void)state;
	setenv("CONF_TEST", "${HOME} $pool %41 yes", 1);
	l = load(GOOD_POOL "env[A] = $CONF_TEST\nenv[B] = 'yes'\nphp_value[x] = \"E_ALL\"\n");
	assert_good(&l);
	read = there_and_back(&l.conf->global, l.conf->pools[0], &global);
	assert_string_equal(read->env.at[0].value, "yes");
	assert_string_equal(read->env.at[1].value, "${HOME} $pool %41 yes");
	assert_string_equal(read->sapi_values.at[0].value, "E_ALL");
	conf_pool_free(&read);
	conf_global_free(&global);
	unload(&l);
}

static void bad_texts(void **state)
{
	static const struct { const char *text, *why; } cases[] = {
		{ "", "section text without a pool" }, { "[global]\n", "section text without a pool" },
		{ "[www]\nfoo = \"1\"", "section text, line 2: 'foo' is unknown" },
		{ "[www]\n[two]\n", "section text, line 2: more than one pool" },
		{ "[www]\nuser = \"%4\"\n", "section text, line 2: the value of 'user' is garbled" },
		{ "[www]\nuser = \"%00\"\n", "section text, line 2: the value of 'user' is garbled" },
		{ "[www]\nuser = \"%zz\"\n", "section text, line 2: the value of 'user' is garbled" },
		{ "[www]\nenv = \"1\"\n", "section text, line 2: 'env' needs a name in []" },
		{ "[www]\npm = \"x\"\n", "section text, line 2: invalid process manager (static, dynamic or ondemand)" },
		{ "[www]\ninternal.uid = \"x\"\n", "section text, line 2: 'x' is not a number of 32 bits" },
		{ "[www]\ninternal.uid = \"4294967296\"\n", "section text, line 2: '4294967296' is not a number of 32 bits" },
		{ "[www]\ninternal.x = \"1\"\n", "section text, line 2: 'internal.x' is unknown" },
		{ "internal.uid = \"1\"\n", "section text, line 1: 'internal.uid' is unknown" },
		{ "[www]\nfoo\n", "section text, line 2: 'foo' has no value: write foo = VALUE" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conf_global global;
		struct err err = { "" };

		assert_null(conf_pool_read(cases[i].text, strlen(cases[i].text), &global, &err));
		assert_string_equal(err.text, cases[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key),
		cmocka_unit_test(defaults),
		cmocka_unit_test(nothing_is_expanded_again),
		cmocka_unit_test(bad_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
