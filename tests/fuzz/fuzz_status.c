/* fuzz_status.c -- fuzz target: any bytes as the query of a status page, and as what clients sent. The first byte
 * tells where the query ends. Holds: JSON is ASCII whose strings end where they should; markup has the tags of a
 * harmless page and no others; text has its lines. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "mpm/status_page.h"
#include "src/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct status *made_of(const char *text)
{
	struct status *s = xcalloc(1, status_size(1));
	struct status_child *c = &s->children[0];

	s->magic = STATUS_MAGIC;
	s->child_count = 1;
	strncpy(s->pool, text, sizeof(s->pool) - 1);
	strncpy(c->method, text, sizeof(c->method) - 1);
	strncpy(c->uri, text, sizeof(c->uri) - 1);
	strncpy(c->user, text, sizeof(c->user) - 1);
	strncpy(c->script, text, sizeof(c->script) - 1);
	return s;
}

/* Everything that has a meaning in its format, in its order. */
static void skeleton(const struct status *s, enum status_format format, struct buf *out)
{
	static const char *const marks[STATUS_FORMATS] = { "\n", "<>", "<>", "\"", "\n" };
	const struct status_query query = { .format = format, .full = true };
	struct buf page = { 0 };

	status_page(&page, &query, s);
	for (size_t i = 0; i < page.len; i++) {
		BUG_IF(page.data[i] == '\0');
		if (format != STATUS_JSON) {
			if (strchr(marks[format], page.data[i]))
				buf_add(out, &page.data[i], 1);
			continue;
		}
		BUG_IF(page.data[i] < 0x20 || page.data[i] > 0x7F);
		if (page.data[i] == '\\')
			i++;
		else if (page.data[i] == '"')
			buf_add(out, "\"", 1);
	}
	buf_free(&page);
}

static void check_format(const char *text, enum status_format format)
{
	struct status *hostile = made_of(text), *plain = made_of("x");
	struct buf a = { 0 }, b = { 0 };

	skeleton(hostile, format, &a);
	skeleton(plain, format, &b);
	BUG_IF(a.len != b.len || memcmp(a.data, b.data, a.len) != 0);
	buf_free(&a);
	buf_free(&b);
	free(hostile);
	free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut;
	char *query, *text;

	if (size == 0)
		return 0;
	cut = 1 + data[0] % size;
	query = xstrndup((const char *)data + 1, cut - 1);
	text = xstrndup((const char *)data + cut, size - cut);
	BUG_IF(status_query_read(query).format >= STATUS_FORMATS);
	for (int f = 0; f < STATUS_FORMATS; f++)
		check_format(text, (enum status_format)f);
	free(query);
	free(text);
	return 0;
}
