/* json.c -- escaping for JSON strings. Any process. Refuses no byte, and loses none: see json.h. Controls, DEL and
 * U+0080 to U+009F are escaped, so that a terminal that shows a line is not steered by it. */
#include "src/base/json.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>

static const char hex[] = "0123456789ABCDEF";

/* Length of the UTF-8 sequence at p, or 0: overlong forms, surrogates and what lies above U+10FFFF are none. */
static size_t utf8_len(const uint8_t *p, const uint8_t *end)
{
	static const struct form { uint8_t first, last, low, high, len; } forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const struct form *f = &forms[i];
		size_t at = 2;

		if (*p < f->first || *p > f->last)
			continue;
		if (end - p < f->len || p[1] < f->low || p[1] > f->high)
			return 0;
		while (at < f->len && (p[at] & 0xc0) == 0x80)
			at++;
		return at == f->len ? at : 0;
	}
	return 0;
}

static char *put_u00(char *out, uint8_t byte)
{
	*out++ = '\\';
	*out++ = 'u';
	*out++ = '0';
	*out++ = '0';
	*out++ = hex[byte >> 4];
	*out++ = hex[byte & 15];
	return out;
}

/* The four characters \xNN. */
static char *put_byte(char *out, uint8_t byte)
{
	*out++ = '\\';
	*out++ = '\\';
	*out++ = 'x';
	*out++ = hex[byte >> 4];
	*out++ = hex[byte & 15];
	return out;
}

static bool looks_escaped(const uint8_t *p, const uint8_t *end)
{
	return end - p >= 4 && p[1] == 'x' && isxdigit(p[2]) && isxdigit(p[3]);
}

static char *put_ascii(char *out, const uint8_t *p, const uint8_t *end)
{
	if (*p < 0x20 || *p == 0x7f)
		return put_u00(out, *p);
	if (*p == '\\' && looks_escaped(p, end))
		return put_byte(out, *p);
	if (*p == '\\' || *p == '"')
		*out++ = '\\';
	*out++ = (char)*p;
	return out;
}

char *json_put(char *out, const char *text, size_t len)
{
	const uint8_t *p = (const uint8_t *)text, *end = p + len;

	while (p < end) {
		size_t take = *p < 0x80 ? 0 : utf8_len(p, end);

		if (*p < 0x80) {
			out = put_ascii(out, p++, end);
		} else if (take == 0) {
			out = put_byte(out, *p++);
		} else if (take == 2 && *p == 0xc2 && p[1] < 0xa0) {
			out = put_u00(out, p[1]);
			p += 2;
		} else {
			for (; take > 0; take--)
				*out++ = (char)*p++;
		}
	}
	return out;
}
