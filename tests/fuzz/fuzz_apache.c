/* fuzz_apache.c -- fuzz target: any bytes as a configuration of Apache httpd. Holds: it is read with errors that are
 * told,
 * or gives text without control characters that Weir's own reader takes without an error, whichever model and runtime
 * there is. Includes are not followed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "src/apache/apache_import.h"
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool yes(void)
{
	return true;
}

static bool no(void)
{
	return false;
}

static _Noreturn void refused(const char *why)
{
	fprintf(stderr, "%s\n", why);
	abort();
}

static void check_text(struct buf *out)
{
	struct conf_load_options opt = { .file = "made.conf" };
	struct conf_notes notes;
	struct conf *conf;

	for (size_t i = 0; i < out->len; i++)
		BUG_IF((out->data[i] < 0x20 && out->data[i] != '\n' && out->data[i] != '\t') || out->data[i] == 0x7F);
	conf = conf_load_text(&opt, buf_str(out), out->len, &notes);
	for (size_t i = 0; i < notes.count; i++)
		if (notes.at[i].severity == CONF_ERROR)
			refused(notes.at[i].text);
	conf_free(&conf);
	conf_notes_free(&notes);
}

static void check(const uint8_t *data, size_t size, apache_php_threads_fn *threads)
{
	struct apache_conf conf = { 0 };
	struct buf out = { 0 };

	apache_read_text(&conf, "f", (const char *)data, size);
	BUG_IF(conf.errors && !conf.words.len);
	if (!conf.errors) {
		apache_import_write(&out, &conf, threads);
		BUG_IF(!out.len);
	}
	if (!conf.errors)
		check_text(&out);
	buf_free(&out);
	apache_conf_free(&conf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(data, size, yes);
	check(data, size, no);
	return 0;
}
