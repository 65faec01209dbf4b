/* access_line.c -- composes lines of access logs: php-fpm's codes, or JSON. Runs in children and pool processes. Keeps
 * nothing and asks nobody; what is not known is "-" where php-fpm has it so, else nothing. */
#include "mpm/access_line.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include "mpm/board.h"
#include "src/base/json.h"
#include "src/base/log.h"
#include "src/conf/conf.h"

#define TIME_MOST 512                   /* bytes of a time in whatever form */

static void put_shown(struct buf *out, const char *text, size_t len)
{
	char *end;

	buf_reserve(out, len * LOG_ESCAPED);
	end = log_escape((char *)out->data + out->len, text, len, false);
	out->len = (size_t)(end - (char *)out->data);
}

static void put_text(struct buf *out, const char *text)
{
	put_shown(out, text, strlen(text));
}

static void put_or_dash(struct buf *out, const char *text)
{
	put_text(out, *text ? text : "-");
}

static void put_number(struct buf *out, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	buf_add(out, digits + at, sizeof(digits) - at);
}

static void put_time(struct buf *out, const char *format, uint64_t wall_us)
{
	time_t when = (time_t)(wall_us / 1000000);
	struct tm tm;

	if (!localtime_r(&when, &tm))
		return;
	buf_reserve(out, TIME_MOST);
	out->len += strftime((char *)out->data + out->len, TIME_MOST, format, &tm);
}

static void put_cpu(struct buf *out, enum conf_access_unit unit, const struct access_facts *f)
{
	uint64_t us = (unit == CONF_ACCESS_SYSTEM ? 0 : f->cpu_user_us)
		    + (unit == CONF_ACCESS_USERLAND ? 0 : f->cpu_system_us);

	buf_printf(out, "%.2f", f->duration_us > 0 ? 100.0 * (double)us / (double)f->duration_us : 0.0);
}

static void put_duration(struct buf *out, enum conf_access_unit unit, uint64_t us)
{
	if (unit == CONF_ACCESS_MICRO)
		put_number(out, us);
	else
		buf_printf(out, "%.3f", (double)us / (unit == CONF_ACCESS_SECONDS ? 1e6 : 1e3));
}

static void put_memory(struct buf *out, enum conf_access_unit unit, uint64_t bytes)
{
	put_number(out, bytes / (unit == CONF_ACCESS_MEGA ? 1048576 : unit == CONF_ACCESS_KILO ? 1024 : 1));
}

const char *access_header(const char *head, size_t head_len, const char *name, size_t *len_out)
{
	size_t name_len = strlen(name);
	const char *end = head + head_len, *next;

	for (; head < end; head = next) {
		const char *newline = memchr(head, '\n', (size_t)(end - head));
		size_t len = (size_t)((newline ? newline : end) - head);

		next = newline ? newline + 1 : end;
		if (len > 0 && head[len - 1] == '\r')
			len--;
		if (len <= name_len + 1 || memcmp(head, name, name_len) != 0 || head[name_len] != ':')
			continue;
		name_len += 1 + (head[name_len + 1] == ' ');
		*len_out = len - name_len;
		return head + name_len;
	}
	return NULL;
}

bool access_suppressed(const struct conf_pool *conf, const struct access_facts *f)
{
	return conf->access_suppress_path.count > 0 && f->status / 100 == 2 && f->length == 0 && !*f->query &&
	       (!strcmp(f->method, "GET") || !strcmp(f->method, "HEAD")) && conf_access_suppressed(conf, f->uri);
}

const char *access_remote(const char *peer)
{
	static const char mapped[] = "::ffff:";
	size_t len = sizeof(mapped) - 1;

	return !strncmp(peer, mapped, len) && strchr(peer + len, '.') ? peer + len : peer;
}

bool access_id_fits(const char *sent)
{
	size_t len = 0;

	while (len < BOARD_ID_SIZE && sent[len] != '\0' &&
	       (isalnum((unsigned char)sent[len]) || strchr("-_.:/+=@", sent[len])))
		len++;
	return len > 0 && len < BOARD_ID_SIZE && sent[len] == '\0';
}

int access_own_status(enum reason reason)
{
	const char *status = reason_status(reason);

	return status ? (int)strtol(status, NULL, 10) : 0;
}

/* PHP says "Status: 404 Not Found", with cgi.rfc2616_headers "HTTP/1.1 404 Not Found"; others write it as they like. */
int access_status(const char *head, size_t head_len)
{
	const char *end = head + head_len, *line = head, *next;

	for (; line < end; line = next) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((newline ? newline : end) - line);
		const char *number = NULL;

		next = newline ? newline + 1 : end;
		if (len > 9 && line == head && !strncasecmp(line, "HTTP/", 5))
			number = memchr(line, ' ', len);
		else if (len > 7 && !strncasecmp(line, "Status:", 7))
			number = line + 7;
		if (number) {
			char digits[8] = "";
			size_t left = len - (size_t)(number - line);

			memcpy(digits, number, left < sizeof(digits) ? left : sizeof(digits) - 1);
			return (int)strtol(digits, NULL, 10);
		}
	}
	return 200;
}

static void put_header(struct buf *out, const struct access_facts *f, const char *name)
{
	size_t len = 0;
	const char *value = access_header(f->head, f->head_len, name, &len);

	if (value && len > 0)
		put_shown(out, value, len);
	else
		buf_add_str(out, "-");
}

static void put_param(struct buf *out, const struct access_facts *f, const char *name)
{
	const char *value = f->param ? f->param(f->arg, name) : NULL;

	put_text(out, value ? value : "-");
}

static void put_item(struct buf *out, const struct conf_access_item *item, const struct access_facts *f)
{
	switch (item->code) {
	case CONF_ACCESS_TEXT:
		buf_add_str(out, item->text);
		return;
	case CONF_ACCESS_CPU:
		put_cpu(out, item->unit, f);
		return;
	case CONF_ACCESS_DURATION:
		put_duration(out, item->unit, f->duration_us);
		return;
	case CONF_ACCESS_QUEUED:
		put_duration(out, item->unit, f->queued_us);
		return;
	case CONF_ACCESS_PARAM:
		put_param(out, f, item->text);
		return;
	case CONF_ACCESS_SCRIPT:
		put_or_dash(out, f->script);
		return;
	case CONF_ACCESS_ID:
		put_or_dash(out, f->id);
		return;
	case CONF_ACCESS_LENGTH:
		put_number(out, f->length);
		return;
	case CONF_ACCESS_METHOD:
		put_or_dash(out, f->method);
		return;
	case CONF_ACCESS_MEMORY:
		put_memory(out, item->unit, f->memory);
		return;
	case CONF_ACCESS_POOL:
		put_text(out, f->pool);
		return;
	case CONF_ACCESS_HEADER:
		put_header(out, f, item->text);
		return;
	case CONF_ACCESS_PID:
		put_number(out, (uint64_t)f->pid);
		return;
	case CONF_ACCESS_PARENT:
		put_number(out, (uint64_t)f->parent);
		return;
	case CONF_ACCESS_QUERY:
		put_text(out, f->query);
		return;
	case CONF_ACCESS_QUERY_MARK:
		buf_add_str(out, *f->query ? "?" : "");
		return;
	case CONF_ACCESS_URI:
		put_text(out, f->uri);
		return;
	case CONF_ACCESS_REMOTE:
		put_or_dash(out, f->remote);
		return;
	case CONF_ACCESS_STATUS:
		put_number(out, (uint64_t)f->status);
		return;
	case CONF_ACCESS_BEGUN:
		put_time(out, item->text, f->begun_us);
		return;
	case CONF_ACCESS_ENDED:
		put_time(out, item->text, f->ended_us);
		return;
	case CONF_ACCESS_USER:
		put_text(out, f->user);
		return;
	case CONF_ACCESS_REASON:
		buf_add_str(out, f->reason == REASON_NONE ? "-" : reason_name(f->reason));
		return;
	}
}

static void json_name(struct buf *out, const char *name)
{
	buf_add(out, out->data[out->len - 1] == '{' ? "\"" : ",\"", out->data[out->len - 1] == '{' ? 1 : 2);
	buf_add_str(out, name);
	buf_add(out, "\":", 2);
}

/* null where nothing is known. */
static void json_text(struct buf *out, const char *name, const char *text)
{
	size_t len = strlen(text);
	char *end;

	json_name(out, name);
	if (len == 0) {
		buf_add_str(out, "null");
		return;
	}
	buf_reserve(out, len * JSON_MOST + 2);
	end = (char *)out->data + out->len;
	*end++ = '"';
	end = json_put(end, text, len);
	*end++ = '"';
	out->len = (size_t)(end - (char *)out->data);
}

static void json_number(struct buf *out, const char *name, uint64_t number)
{
	json_name(out, name);
	put_number(out, number);
}

static void json_time(struct buf *out, const char *name, uint64_t wall_us)
{
	char zone[8];
	time_t when = (time_t)(wall_us / 1000000);
	struct tm tm;

	json_name(out, name);
	put_time(out, "\"%Y-%m-%dT%H:%M:%S", wall_us);
	if (!localtime_r(&when, &tm) || strftime(zone, sizeof(zone), "%z", &tm) != 5)
		memcpy(zone, "+0000", 6);
	buf_printf(out, ".%06u%.3s:%.2s\"", (unsigned)(wall_us % 1000000), zone, zone + 3);
}

static void put_json(struct buf *out, const struct access_facts *f)
{
	const char *request_uri = f->param ? f->param(f->arg, "REQUEST_URI") : NULL;

	buf_add(out, "{", 1);
	json_time(out, "time", f->begun_us);
	json_text(out, "pool", f->pool);
	json_number(out, "pid", (uint64_t)f->pid);
	json_text(out, "id", f->id);
	json_text(out, "remote", f->remote);
	json_text(out, "user", f->user);
	json_text(out, "method", f->method);
	json_text(out, "uri", f->uri);
	json_text(out, "query", f->query);
	json_number(out, "status", (uint64_t)f->status);
	json_text(out, "request_uri", request_uri ? request_uri : "");
	json_text(out, "script", f->script);
	json_number(out, "length", f->length);
	json_number(out, "duration_us", f->duration_us);
	json_name(out, "queue_ms");
	put_duration(out, CONF_ACCESS_MILLI, f->queued_us);
	json_number(out, "cpu_user_us", f->cpu_user_us);
	json_number(out, "cpu_system_us", f->cpu_system_us);
	json_number(out, "peak_memory", f->memory);
	json_text(out, "reason", f->reason == REASON_NONE ? "" : reason_name(f->reason));
	buf_add(out, "}", 1);
}

void access_line_put(const struct conf_access *access, const struct access_facts *facts, struct buf *out)
{
	if (access->json) {
		put_json(out, facts);
		return;
	}
	for (size_t i = 0; i < access->count; i++)
		put_item(out, &access->items[i], facts);
}
