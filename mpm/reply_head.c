/* reply_head.c -- runs in a child: see reply_head.h. */
#include "mpm/reply_head.h"

#include <string.h>
#include <strings.h>

static void on_line(struct reply_head *h)
{
	static const char name[] = "X-Accel-Buffering:";
	const size_t name_len = sizeof(name) - 1;
	const char *value = h->line + name_len;
	size_t len = h->len;

	if (len > 0 && h->line[len - 1] == '\r')
		len--;
	h->len = 0;
	if (len == 0)
		h->over = true;
	if (len == sizeof(h->line) || len < name_len + 2 || strncasecmp(h->line, name, name_len) != 0)
		return;
	for (len -= name_len; len > 2 && (*value == ' ' || *value == '\t'); len--)
		value++;
	for (; len > 2 && (value[len - 1] == ' ' || value[len - 1] == '\t'); len--)
		continue;
	h->unbuffered = len == 2 && strncasecmp(value, "no", 2) == 0;
}

void reply_head_see(struct reply_head *h, const void *data, size_t len)
{
	const char *at = data;

	for (size_t i = 0; i < len && !h->over; i++) {
		if (at[i] == '\n')
			on_line(h);
		else if (h->len < sizeof(h->line))
			h->line[h->len++] = at[i];
	}
}
