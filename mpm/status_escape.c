/* status_escape.c -- the escaping of status pages. Any process. Each text is read as UTF-8, one character at a time;
 * what is none has no character, and each format says what becomes of it. */
#include "mpm/status_escape.h"

#include <stdbool.h>
#include <string.h>

#define BAD UINT32_MAX                  /* a byte that begins no character */
#define REPLACEMENT "\xEF\xBF\xBD"      /* U+FFFD */

/* One character at *at, which is advanced: by its length, or by one byte that is BAD. Never past the NUL. */
static uint32_t next_char(const char **at)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)*at;
	unsigned len = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
	uint32_t c = len <= 1 ? p[0] : p[0] & (0x7Fu >> len);

	*at += 1;
	for (unsigned i = 1; i < len; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return BAD;
		c = c << 6 | (p[i] & 0x3F);
	}
	if (len == 0 || c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return BAD;
	*at += len - 1;
	return c;
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029;
}

void status_escape_text(struct buf *out, const char *text)
{
	while (*text) {
		const char *from = text;
		uint32_t c = next_char(&text);

		if (c != BAD && !is_control(c)) {
			buf_add(out, from, (size_t)(text - from));
			continue;
		}
		for (; from < text; from++)
			buf_printf(out, "\\x%02x", (unsigned char)*from);
	}
}

static const char *entity(uint32_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	default:
		return NULL;
	}
}

void status_escape_markup(struct buf *out, const char *text)
{
	while (*text) {
		const char *from = text;
		uint32_t c = next_char(&text);

		if (entity(c))
			buf_add_str(out, entity(c));
		else if (c == BAD || (c < 0x20 && !strchr("\t\n\r", (int)c)) || c == 0xFFFE || c == 0xFFFF)
			buf_add_str(out, REPLACEMENT);
		else
			buf_add(out, from, (size_t)(text - from));
	}
}

static char json_letter(uint32_t c)
{
	static const char plain[] = "\"\\/\b\f\n\r\t", letters[] = "\"\\/bfnrt";
	const char *at = c < 0x80 && c ? strchr(plain, (int)c) : NULL;

	return at ? letters[at - plain] : '\0';
}

void status_escape_json(struct buf *out, const char *text)
{
	while (*text) {
		uint32_t c = next_char(&text);

		if (c == BAD)
			continue;
		if (json_letter(c))
			buf_printf(out, "\\%c", json_letter(c));
		else if (c >= 0x20 && c < 0x80)
			buf_printf(out, "%c", (int)c);
		else if (c < 0x10000)
			buf_printf(out, "\\u%04x", c);
		else
			buf_printf(out, "\\u%04x\\u%04x", 0xD800 | (c - 0x10000) >> 10, 0xDC00 | (c & 0x3FF));
	}
}

void status_escape_openmetrics(struct buf *out, const char *text)
{
	while (*text) {
		const char *from = text;
		uint32_t c = next_char(&text);

		if (c == '\n')
			buf_add_str(out, "\\n");
		else if (c == '\\' || c == '"')
			buf_printf(out, "\\%c", (int)c);
		else if (c == BAD || is_control(c))
			buf_add_str(out, REPLACEMENT);
		else
			buf_add(out, from, (size_t)(text - from));
	}
}
