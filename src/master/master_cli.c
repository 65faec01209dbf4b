/* master_cli.c -- the command line. Master only, before anything is started; pure.
 * One table makes parser and usage text. */
#include "src/master/master_cli.h"

#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"

struct cli_option {
	char letter;                    /* 0: only the long name */
	const char *name;
	const char *value;              /* what the usage calls its value; NULL: takes none */
	const char *help;               /* NULL: an alias, not shown */
	void (*take)(struct master_cli *cli, const char *value);
};

/* As php-fpm: what stands behind is not even looked at. */
static void take_job(struct master_cli *cli, enum master_job job)
{
	cli->job = job;
	cli->complete = true;
}

static void take_help(struct master_cli *cli, const char *value)
{
	(void)value;
	take_job(cli, MASTER_JOB_HELP);
}

static void take_info(struct master_cli *cli, const char *value)
{
	(void)value;
	cli->job = MASTER_JOB_INFO;
}

static void take_facts(struct master_cli *cli, const char *value)
{
	(void)value;
	cli->job = MASTER_JOB_FACTS;
}

static void take_modules(struct master_cli *cli, const char *value)
{
	(void)value;
	take_job(cli, MASTER_JOB_MODULES);
}

static void take_version(struct master_cli *cli, const char *value)
{
	(void)value;
	take_job(cli, MASTER_JOB_VERSION);
}

static void take_ini_path(struct master_cli *cli, const char *value)
{
	cli->ini_path = value;
}

static void take_no_ini(struct master_cli *cli, const char *value)
{
	(void)value;
	cli->no_ini = true;
}

static void take_define(struct master_cli *cli, const char *value)
{
	cli->defines = xrealloc(cli->defines, (cli->define_count + 1) * sizeof(*cli->defines));
	cli->defines[cli->define_count++] = value;
}

static void take_conf_file(struct master_cli *cli, const char *value)
{
	cli->conf_file = value;
}

static void take_prefix(struct master_cli *cli, const char *value)
{
	cli->prefix = value;
}

static void take_pid(struct master_cli *cli, const char *value)
{
	cli->pid_file = value;
}

static void take_profile_info(struct master_cli *cli, const char *value)
{
	(void)value;
	cli->profile_info = true;
}

static void take_module_dir(struct master_cli *cli, const char *value)
{
	cli->module_dir = value;
}

static void take_ready_fd(struct master_cli *cli, const char *value)
{
	cli->ready_fd = value;
}

static void take_test(struct master_cli *cli, const char *value)
{
	(void)value;
	cli->tests++;
}

static void take_daemonize(struct master_cli *cli, const char *value)
{
	(void)value;
	cli->background = MASTER_BACKGROUND_YES;
}

static void take_nodaemonize(struct master_cli *cli, const char *value)
{
	(void)value;
	cli->background = MASTER_BACKGROUND_NO;
}

static void take_force_stderr(struct master_cli *cli, const char *value)
{
	(void)value;
	cli->force_stderr = true;
}

static void take_allow_root(struct master_cli *cli, const char *value)
{
	(void)value;
	cli->allow_root = true;
}

static const struct cli_option cli_options[] = {
	{ 'y', "fpm-config", "FILE", "read this configuration file", take_conf_file },
	{ 'p', "prefix", "DIR", "folder from which relative paths count", take_prefix },
	{ 'g', "pid", "FILE", "write the pid into this file, unless the configuration names another", take_pid },
	{ 'F', "nodaemonize", NULL, "stay in the foreground, whatever the configuration says", take_nodaemonize },
	{ 'D', "daemonize", NULL, "go into the background, whatever the configuration says", take_daemonize },
	{ 'O', "force-stderr", NULL, "in the foreground: log to stderr though it is no terminal", take_force_stderr },
	{ 'R', "allow-to-run-as-root", NULL, "accept pools whose user is root", take_allow_root },
	{ 't', "test", NULL, "check the configuration and exit; twice: print it as well", take_test },
	{ 'c', "php-ini", "PATH", "php.ini file, or the folder that holds it", take_ini_path },
	{ 'n', "no-php-ini", NULL, "read no php.ini", take_no_ini },
	{ 'd', "define", "NAME[=VALUE]", "set a php.ini entry; may be given again", take_define },
	{ 'e', "profile-info", NULL, "compile scripts with what debuggers and profilers need", take_profile_info },
	{ 0, "module-dir", "DIR", "load plug-ins from this folder", take_module_dir },
	{ 0, "ready-fd", "N", "write a line to this open descriptor when ready, and close it", take_ready_fd },
	{ 'i', "info", NULL, "print what PHP knows about itself", take_info },
	{ 'm', "modules", NULL, "print the modules that PHP has", take_modules },
	{ 'v', "version", NULL, "print the versions", take_version },
	{ 'V', "facts", NULL, "print how Weir was built, its models and SAPIs, and each pool's choice", take_facts },
	{ 'h', "help", NULL, "print this", take_help },
	{ '?', "usage", NULL, NULL, take_help },
};

struct cli_words {                      /* where the parser stands */
	int argc;
	char **argv;
	int at;                         /* the word in hand */
};

static const struct cli_option *cli_by_letter(char letter)
{
	for (size_t i = 0; i < ARRAY_LEN(cli_options); i++)
		if (cli_options[i].letter && cli_options[i].letter == letter)
			return &cli_options[i];
	return NULL;
}

static const struct cli_option *cli_by_name(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(cli_options); i++)
		if (strlen(cli_options[i].name) == len && memcmp(cli_options[i].name, name, len) == 0)
			return &cli_options[i];
	return NULL;
}

/* attached: the value that stood in the same word, or NULL: the next word is it. */
static int cli_take(struct cli_words *w, const struct cli_option *o, const char *attached, struct master_cli *cli,
		    struct err *err)
{
	const char *value = attached;

	if (o->value && !value) {
		if (w->at + 1 >= w->argc)
			return err_set(err, "option --%s needs a value: %s", o->name, o->value);
		value = w->argv[++w->at];
	}
	o->take(cli, value);
	return 0;
}

static int cli_long(struct cli_words *w, struct master_cli *cli, struct err *err)
{
	const char *name = w->argv[w->at] + 2;
	const char *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct cli_option *o = cli_by_name(name, len);

	if (!o)
		return err_set(err, "unknown option --%.*s", (int)len, name);
	if (o->value && equals && !equals[1])
		return err_set(err, "option --%s needs a value: %s", o->name, o->value);
	return cli_take(w, o, equals ? equals + 1 : NULL, cli, err);    /* as in php-fpm, a flag does not mind one */
}

static int cli_cluster(struct cli_words *w, struct master_cli *cli, struct err *err)
{
	for (const char *p = w->argv[w->at] + 1; *p; p++) {
		const struct cli_option *o = cli_by_letter(*p);
		const char *rest = p[1] == '=' ? p + 2 : p + 1;

		if (!o)
			return err_set(err, "unknown option -%c", *p);
		if (o->value)
			return cli_take(w, o, p[1] ? rest : NULL, cli, err);
		if (cli_take(w, o, NULL, cli, err) < 0)
			return -1;
		if (cli->complete)
			return 0;
	}
	return 0;
}

/* The end of the options; -i does not care, as in php-fpm. */
static int cli_no_option(const char *word, struct master_cli *cli, struct err *err)
{
	cli->complete = cli->job == MASTER_JOB_INFO;
	if (cli->complete)
		return 0;
	return err_set(err, "'%s' is no option, and no other argument is expected", word);
}

static int cli_word(struct cli_words *w, struct master_cli *cli, struct err *err)
{
	const char *word = w->argv[w->at];

	if (word[0] != '-' || !word[1])
		return cli_no_option(word, cli, err);
	if (strcmp(word, "--") == 0)
		return w->at + 1 < w->argc ? cli_no_option(w->argv[w->at + 1], cli, err) : 0;
	return word[1] == '-' ? cli_long(w, cli, err) : cli_cluster(w, cli, err);
}

int master_cli_parse(int argc, char **argv, struct master_cli *cli_out, struct err *err)
{
	struct cli_words w = { .argc = argc, .argv = argv, .at = 1 };
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;

	*cli_out = (struct master_cli){ .program = slash ? slash + 1 : argc > 0 ? argv[0] : "weir" };
	if (strncmp(cli_out->program, "php-fpm", 7) == 0)
		cli_out->names = SPAWN_NAMES_PHP_FPM;
	for (; w.at < argc && !cli_out->complete; w.at++)
		if (cli_word(&w, cli_out, err) < 0)
			return -1;
	return 0;
}

void master_cli_free(struct master_cli *cli)
{
	free(cli->defines);
	*cli = (struct master_cli){ 0 };
}

void master_cli_usage(const char *program, struct buf *out)
{
	buf_printf(out, "Usage: %s [-y FILE] [-p DIR] [-g FILE] [-F [-O] | -D] [-R] [-t[t]] [-c PATH] [-n] "
		   "[-d NAME[=VALUE]] [-e] [-i|-m|-v|-V|-h]\n"
		   "       %s import-apache [-D NAME[=VALUE]] FILE...\n", program, program);
	for (size_t i = 0; i < ARRAY_LEN(cli_options); i++) {
		const struct cli_option *o = &cli_options[i];

		if (!o->help)
			continue;
		if (o->letter)
			buf_printf(out, "  -%c, --%s", o->letter, o->name);
		else
			buf_printf(out, "      --%s", o->name);
		buf_printf(out, "%s%s\n                   %s\n", o->value ? " " : "", o->value ? o->value : "",
			   o->help);
	}
}
