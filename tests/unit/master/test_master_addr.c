/* test_master_addr.c -- the value of listen, and the names under which sockets are kept. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include "src/master/master_addr.h"

static void good(const char *listen, enum master_addr_kind kind, const char *name, unsigned port)
{
	struct master_addr a;
	struct err err;

	assert_int_equal(master_addr_parse(listen, &a, &err), 0);
	assert_int_equal(a.kind, kind);
	assert_string_equal(a.name, name);
	assert_int_equal(a.port, port);
}

static void bad(const char *listen, const char *why)
{
	struct master_addr a;
	struct err err;

	assert_int_equal(master_addr_parse(listen, &a, &err), -1);
	if (!strstr(err.text, why))
		fail_msg("'%s' was refused with '%s'", listen, err.text);
}

static void every_form_is_read(void **state)
{
	(void)state;
	good("/run/www.sock", MASTER_ADDR_PATH, "/run/www.sock", 0);
	good("/run/a:b.sock", MASTER_ADDR_PATH, "/run/a:b.sock", 0);
	good("@weir", MASTER_ADDR_ABSTRACT, "weir", 0);
	good("9000", MASTER_ADDR_PORT, "", 9000);
	good("127.0.0.1:9000", MASTER_ADDR_TCP, "127.0.0.1", 9000);
	good("localhost:65535", MASTER_ADDR_TCP, "localhost", 65535);
	good("[::1]:9000", MASTER_ADDR_TCP, "::1", 9000);
	good("::1:9000", MASTER_ADDR_TCP, "::1", 9000);
}

static void nonsense_is_named(void **state)
{
	char path[200];
	(void)state;

	bad("", "empty");
	bad("@", "must follow the @");
	bad("0", "invalid port value '0'");
	bad("65536", "invalid port value '65536'");
	bad("99999999999999999999", "invalid port value");
	bad("host:", "invalid port value ''");
	bad("host:80x", "invalid port value '80x'");
	bad("host:-1", "invalid port value '-1'");
	bad(":9000", "no host");
	bad("[]:9000", "no host");
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[108] = '\0';
	bad(path, "107");
	path[107] = '\0';
	good(path, MASTER_ADDR_PATH, path, 0);
}

static void keys_are_one_spelling(void **state)
{
	struct sockaddr_storage sa = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&sa;
	char key[256];
	(void)state;

	v4->sin_family = AF_INET;
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v4->sin_port = htons(9000);
	master_addr_key(&sa, sizeof(*v4), key, sizeof(key));
	assert_string_equal(key, "127.0.0.1:9000");
	memset(&sa, 0, sizeof(sa));
	v6->sin6_family = AF_INET6;
	v6->sin6_addr = in6addr_loopback;
	v6->sin6_port = htons(9000);
	master_addr_key(&sa, sizeof(*v6), key, sizeof(key));
	assert_string_equal(key, "[::1]:9000");
}

static void unix_names_become_addresses_and_back(void **state)
{
	static const char *const names[] = { "/run/www.sock", "@weir" };
	(void)state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct sockaddr_storage sa;
		struct master_addr a;
		socklen_t len;
		char key[256];

		assert_int_equal(master_addr_parse(names[i], &a, NULL), 0);
		master_addr_unix(&a, &sa, &len);
		master_addr_key(&sa, len, key, sizeof(key));
		assert_string_equal(key, names[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_read),
		cmocka_unit_test(nonsense_is_named),
		cmocka_unit_test(keys_are_one_spelling),
		cmocka_unit_test(unix_names_become_addresses_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
