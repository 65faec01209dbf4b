/* conf_doc.c -- the table of keys as the manual's reference chapter and as weir.conf(5). Pure; run when Weir
 * is built. What both say about a key comes from its row and from nowhere else, so that they cannot differ
 * from the program. No date and no version goes in: the same table gives the same bytes. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"
#include "src/conf/conf_doc.h"
#include "src/conf/conf_keys.h"

#define WRAP_COLUMNS 100

static const char intro[] =
	"A configuration file holds lines of the form NAME = VALUE in sections. [global] holds what concerns "
	"the whole server, every other section is a pool and its name is the pool's. Files of php-fpm are "
	"read as they are; keys that Weir knows but this version does not have are refused by name, and so "
	"is every unknown key. One run of weir -t tells all errors of a file; weir -tt shows every key with "
	"the value that holds.";

struct point { const char *head, *text; };

static const struct point syntax[] = {
	{ "Lines", "Each line stands alone and may be of any length. A semicolon outside of quotes starts a "
	"comment. Names of keys and sections may be written in any case, but for include and for arrays such "
	"as env[NAME]. Lines before the first section belong to [global]." },
	{ "Values", "A value with one of = ; | & ^ ~ ! ( ) \" ' in it is put into double quotes; inside, "
		"\\\" and \\\\ stand for \" and \\. Single quotes take everything as it is. Of a key that is "
		"given twice the last value holds; of equal names in an array the first." },
	{ "Words", "A bare yes, on or true is 1; a bare no, off, none, false or null is empty. PHP's "
	"constants E_ALL, E_NOTICE and so on are numbers, and | & ^ ~ ! calculate with them, from left to "
	"right, brackets first." },
	{ "Variables", "${NAME} is replaced by a variable of Weir's environment, outside of quotes and in "
	"double quotes. $pool is replaced by the pool's name in every value of a pool." },
	{ "Include", "include = PATTERN reads all files that match, in the order of their names; a relative "
	"pattern counts from the folder of the option -p, else from /usr. What follows the line belongs to "
	"the last section of the files read." },
	{ "Units", "A time is a number of seconds, or a number with s, m, h or d behind it. A size is a "
	"number of bytes, or a number with K, M or G behind it." },
	{ "Pools", "A section that is named again goes on where it ended. Paths that do not begin with / "
	"count from the pool's prefix, else from the folder of the option -p, else from /usr (pid and "
	"error_log: /var)." },
};

static const char *const example[] = {
	"[global]", "pid = /run/weir.pid", "error_log = /var/log/weir/weir.log", "",
	"[shop]", "user = shop", "listen = /run/weir/$pool.sock", "listen.owner = www-data", "pm = dynamic",
	"pm.max_children = 20", "pm.min_spare_servers = 2", "pm.max_spare_servers = 6", "pm.status_path = /status",
	"access.log = /var/log/weir/$pool.access.log", "request_terminate_timeout = 60s",
	"php_admin_value[memory_limit] = 128M",
};

static const char *const type_names[] = {
	[CONF_STRING] = "text", [CONF_PATH] = "path", [CONF_BOOL] = "yes or no", [CONF_INT] = "number",
	[CONF_LONG] = "number", [CONF_TIME] = "time", [CONF_SIZE] = "size",
	[CONF_CORE] = "number or 'unlimited'",
	[CONF_PRIORITY] = "number", [CONF_LEVEL] = "one of debug, notice, warning, error, alert",
	[CONF_MODE] = "octal number", [CONF_PM] = "one of static, dynamic, ondemand", [CONF_MPM] = "one of prefork, worker, event",
	[CONF_LIST] = "text", [CONF_PAIRS] = "text", [CONF_PAIR_FLAGS] = "yes or no",
};

static const char *const reload_texts[] = {
	[CONF_RELOAD_NOTHING] = "counts at the start only",
	[CONF_RELOAD_MASTER] = "taken by the master",
	[CONF_RELOAD_POOL] = "a change replaces the pool process and its children",
	[CONF_RELOAD_CHILDREN] = "the pool's next generation of children has it",
};

/* How one of both formats writes things. */
struct style {
	void (*text)(struct buf *out, const char *text);        /* escaped */
	void (*title)(struct buf *out, const char *text);
	void (*item)(struct buf *out, const char *name);        /* head of a key or a point */
	const char *fact_start, *fact_end;                      /* around "Default: ..." */
	const char *code_start, *code_end;                      /* around lines that stand as they are */
};

static void md_text(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("*<\\", *text))
			buf_add_str(out, "\\");
		buf_add(out, text, 1);
	}
}

static void md_title(struct buf *out, const char *text)
{
	buf_printf(out, "\n## %s\n", text);
}

static void md_item(struct buf *out, const char *name)
{
	buf_printf(out, "\n### %s\n\n", name);
}

/* A '.' in front of a word could begin a line, and would then be a request. */
static void man_text(struct buf *out, const char *word)
{
	for (const char *text = word; *text; text++) {
		if (*text == '\\')
			buf_add_str(out, "\\e");
		else if (*text == '.' && text == word)
			buf_add_str(out, "\\&.");
		else if (*text == '-')
			buf_add_str(out, "\\-");
		else if (*text == '\'')
			buf_add_str(out, "\\(aq");
		else if (*text == '^' || *text == '~')
			buf_add_str(out, *text == '^' ? "\\(ha" : "\\(ti");
		else
			buf_add(out, text, 1);
	}
}

static void man_title(struct buf *out, const char *text)
{
	buf_add_str(out, ".SH \"");
	for (; *text; text++)
		buf_printf(out, "%c", toupper((unsigned char)*text));
	buf_add_str(out, "\"\n");
}

static void man_item(struct buf *out, const char *name)
{
	buf_add_str(out, ".TP\n.B ");
	man_text(out, name);
	buf_add_str(out, "\n");
}

static const struct style markdown = { md_text, md_title, md_item, "- ", "\n", "\n```ini\n", "```\n" };
static const struct style man = { man_text, man_title, man_item, ".br\n", "\n", ".nf\n", ".fi\n" };

/* A text in lines of at most WRAP_COLUMNS, broken at blanks. */
static void add_wrapped(const struct style *style, struct buf *out, const char *text, const char *indent)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");
		char *word = xstrndup(text, len);

		if (column && column + 1 + len > WRAP_COLUMNS) {
			buf_printf(out, "\n%s", indent);
			column = 0;
		} else if (column) {
			buf_add_str(out, " ");
		}
		style->text(out, word);
		free(word);
		column += len + 1;
		text += len + (text[len] == ' ');
	}
	buf_add_str(out, "\n");
}

static void add_fact(const struct style *style, struct buf *out, const char *name, const char *text)
{
	char *whole = xasprintf("%s: %s", name, text);
	size_t len = strlen(whole);

	if (whole[len - 1] == '.')
		whole[len - 1] = '\0';
	buf_add_str(out, style->fact_start);
	add_wrapped(style, out, whole, style == &markdown ? "  " : "");
	free(whole);
}

static void add_users(const struct style *style, struct buf *out, unsigned used_by)
{
	static const struct { unsigned bit; const char *name; } users[] = {
		{ CONF_BY_MASTER, "master" }, { CONF_BY_POOL, "pool process" },
		{ CONF_BY_ZYGOTE, "zygote" }, { CONF_BY_CHILD, "child" },
	};
	struct buf text = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(users); i++)
		if (used_by & users[i].bit)
			buf_printf(&text, "%s%s", text.len ? ", " : "", users[i].name);
	add_fact(style, out, "Used by", buf_str(&text));
	buf_free(&text);
}

static void add_default(const struct style *style, struct buf *out, const struct conf_key *key)
{
	if (key->flags & CONF_KEY_NEEDED)
		add_fact(style, out, "Default", "none, a pool needs it");
	else if (key->initial)
		add_fact(style, out, "Default", key->initial);
	else
		add_fact(style, out, "Default", key->otherwise ? key->otherwise : "unset");
}

/* In fresh memory. */
static char *type_text(const struct conf_key *key)
{
	struct buf text = { 0 };
	char *whole;

	if (key->type != CONF_CHOICE)
		buf_add_str(&text, type_names[key->type]);
	for (int i = 0; key->type == CONF_CHOICE && key->choices[i]; i++)
		if (*key->choices[i])
			buf_printf(&text, "%s%s", text.len ? ", " : "one of ", key->choices[i]);
	if (key->unit)
		buf_printf(&text, " (%s)", key->unit);
	whole = xstrdup(buf_str(&text));
	buf_free(&text);
	return whole;
}

static void add_key(const struct style *style, struct buf *out, const struct conf_key *key)
{
	char *type = type_text(key);
	const char *brackets = !conf_key_is_array(key) ? "" : key->type == CONF_LIST ? "[]" : "[NAME]";
	char *name = xasprintf("%s%s", key->name, brackets);

	style->item(out, name);
	add_wrapped(style, out, key->meaning, "");
	buf_add_str(out, style == &markdown ? "\n" : "");
	add_fact(style, out, "Type", type);
	if (!conf_key_is_array(key))
		add_default(style, out, key);
	if (key->limits)
		add_fact(style, out, "Limits", key->limits);
	add_users(style, out, key->used_by);
	add_fact(style, out, "Reload", reload_texts[key->reload]);
	if (key->flags & CONF_KEY_OURS)
		add_fact(style, out, "Note", "php-fpm has no such key");
	free(type);
	free(name);
}

static void add_section(const struct style *style, struct buf *out, enum conf_where where, const char *title)
{
	style->title(out, title);
	for (size_t i = 0; i < conf_key_count; i++)
		if (conf_keys[i].where == where)
			add_key(style, out, &conf_keys[i]);
}

static void add_later(const struct style *style, struct buf *out)
{
	struct buf names = { 0 };

	style->title(out, "Keys that are refused");
	buf_add_str(out, style == &markdown ? "\n" : "");
	for (size_t i = 0; i < conf_later_count; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", conf_later_keys[i].name);
	add_wrapped(style, out, "These keys are known by name, and this version of Weir does not have what "
		    "they ask for. A file that uses one is refused with the name of the key; nothing is "
		    "ignored in silence.", "");
	buf_add_str(out, style == &markdown ? "\n" : ".PP\n");
	add_wrapped(style, out, buf_str(&names), "");
	buf_free(&names);
}

static void add_example(const struct style *style, struct buf *out)
{
	style->title(out, "Example");
	buf_add_str(out, style->code_start);
	for (size_t i = 0; i < ARRAY_LEN(example); i++) {
		if (style == &markdown)
			buf_add_str(out, example[i]);
		else
			style->text(out, example[i]);
		buf_add_str(out, "\n");
	}
	buf_add_str(out, style->code_end);
}

static void add_all(const struct style *style, struct buf *out)
{
	add_wrapped(style, out, intro, "");
	style->title(out, "File format");
	for (size_t i = 0; i < ARRAY_LEN(syntax); i++) {
		style->item(out, syntax[i].head);
		add_wrapped(style, out, syntax[i].text, "");
	}
	add_section(style, out, CONF_IN_GLOBAL, "Keys of [global]");
	add_section(style, out, CONF_IN_POOL, "Keys of a pool");
	add_later(style, out);
	add_example(style, out);
}

void conf_doc_markdown(struct buf *out)
{
	buf_add_str(out, "<!-- Made by weir-doc from the table of keys, src/conf/conf_keys.c: change that, "
		    "not this. -->\n\n"
		    "# Configuration reference\n\n");
	add_all(&markdown, out);
}

void conf_doc_man(struct buf *out)
{
	buf_add_str(out, ".\\\" Made by weir-doc from the table of keys, src/conf/conf_keys.c: change that, "
		    "not this.\n"
		    ".TH WEIR.CONF 5 \"\" \"Weir\" \"File formats\"\n"
		    ".SH NAME\nweir.conf \\- configuration of the Weir application server\n.SH "
		    "DESCRIPTION\n");
	add_all(&man, out);
	buf_add_str(out, ".SH \"SEE ALSO\"\n.BR weir (8),\n.BR weirbench (1),\n.BR php\\-fpm8.2 (8)\n");
}
