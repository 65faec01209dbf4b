/* fuzz_conf.c -- fuzz target: any bytes as a configuration file, and as the text of one section. Holds: a file gives a
 * configuration or at least one error, never both or neither; what it gives can be dumped, and each section comes back
 * from its text as it was; any text of a section is taken or refused with a reason. Includes are not followed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/conf_scan.h"
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(const char *line, size_t len)
{
	struct conf_scan_token t;

	conf_scan_line(line, len, NULL, NULL, &t);
	BUG_IF(t.kind == CONF_SCAN_ERROR && !t.why.text[0]);
	BUG_IF(t.kind == CONF_SCAN_ASSIGN && (!t.name || !*t.name || !t.value));
	BUG_IF(t.kind == CONF_SCAN_SECTION && (!t.name || !*t.name));
	conf_scan_token_free(&t);
}

static void check_section(const struct conf_global *global, const struct conf_pool *pool)
{
	struct buf text = { 0 }, again = { 0 };
	struct conf_global global_read;
	struct conf_pool *read;
	struct err err;

	conf_pool_write(global, pool, &text);
	read = conf_pool_read((const char *)text.data, text.len, &global_read, &err);
	BUG_IF(!read);
	conf_pool_write(&global_read, read, &again);
	BUG_IF(text.len != again.len || memcmp(text.data, again.data, text.len) != 0);
	conf_pool_free(&read);
	conf_global_free(&global_read);
	buf_free(&text);
	buf_free(&again);
}

static void check_file(const char *text, size_t len, const struct conf_load_options *opt)
{
	struct conf_notes notes;
	struct conf *conf = conf_load_text(opt, text, len, &notes);
	struct buf dump = { 0 };

	BUG_IF((conf == NULL) != (notes.errors > 0));
	if (conf)
		conf_dump(conf, &dump);
	for (size_t i = 0; conf && i < conf->pool_count; i++)
		check_section(&conf->global, conf->pools[i]);
	for (size_t i = 0; i < notes.count; i++)
		BUG_IF(!notes.at[i].text[0]);
	buf_free(&dump);
	conf_free(&conf);
	conf_notes_free(&notes);
}

static void check_section_text(const char *text, size_t len)
{
	struct conf_global global;
	struct err err = { "" };
	struct conf_pool *pool = conf_pool_read(text, len, &global, &err);

	BUG_IF(!pool && !err.text[0]);
	if (pool) {
		check_section(&global, pool);
		conf_global_free(&global);
	}
	conf_pool_free(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_load_options opt = { .file = "fuzz.conf", .prefix = "/tmp" };
	const char *text = (const char *)data;
	size_t line = size;

	if (!size)
		return 0;
	if (memchr(data, '\n', size))
		line = (size_t)((const char *)memchr(data, '\n', size) - text);
	check_line(text, line);
	check_file(text, size, &opt);
	check_section_text(text, size);
	return 0;
}
