/* apache_conf.h -- an Apache httpd configuration as data: its directives in the order in which Apache reads them, each
 * with the section it stands in, and what was wrong with the files. */
#ifndef WEIR_APACHE_CONF_H
#define WEIR_APACHE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include "src/apache/apache_vars.h"
#include "src/apache/apache_words.h"

enum apache_mpm { APACHE_MPM_ANY, APACHE_MPM_PREFORK, APACHE_MPM_WORKER, APACHE_MPM_EVENT };

/* <VirtualHost>, <Directory> and so on; the server itself has none. Conditions (<IfModule>) are no sections. */
struct apache_section {
	const struct apache_section *up;        /* NULL: it stands in the server itself */
	char *kind;                             /* in small letters, as "virtualhost" */
	struct apache_words args;
};

struct apache_directive {
	const struct apache_section *in;        /* NULL: the server itself */
	enum apache_mpm mpm;                    /* it counts under that one only */
	const char *file;
	size_t line;
	char *name;                             /* as written */
	char *text;                             /* all behind it, variables replaced */
	struct apache_words args;
	bool told;                              /* the output has a line about it */
};

struct apache_conf {
	struct apache_directive *at;
	size_t count;
	struct apache_section **sections;
	size_t section_count;
	char **files;                           /* the names that directives borrow */
	size_t file_count;
	char **modules;                         /* of LoadModule: "mpm_event_module" */
	size_t module_count;
	char *server_root;                      /* of ServerRoot, or NULL */
	struct apache_vars vars;
	struct buf words;                       /* problems, a line each: "FILE:LINE: error: ..." */
	size_t errors;
};

/* Files are read as a start of Apache would read them, with all that they include; conf starts zeroed but for vars.
 * What is wrong stands in conf->words; conf->errors counts what makes the result worthless. */
void apache_read_file(struct apache_conf *conf, const char *path);
/* The same of a text that includes nothing: Include is an error. */
void apache_read_text(struct apache_conf *conf, const char *name, const char *text, size_t len);
void apache_conf_free(struct apache_conf *conf);

void apache_problem(struct apache_conf *conf, const char *file, size_t line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void apache_warning(struct apache_conf *conf, const char *file, size_t line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

bool apache_is(const struct apache_directive *d, const char *name);
/* Argument i, "" where there is none. */
const char *apache_arg(const struct apache_directive *d, size_t i);
/* The <VirtualHost> around it; NULL: none. */
const struct apache_section *apache_host(const struct apache_section *in);
/* Of LoadModule: the model that the server runs; ANY: no such line was seen. */
enum apache_mpm apache_loaded_mpm(const struct apache_conf *conf);
/* "mpm_prefork_module", "prefork.c", "mpm_prefork.c", "mpm_prefork.conf"; ANY: it names no model. */
enum apache_mpm apache_mpm_in(const char *name);
bool apache_has_module(const struct apache_conf *conf, const char *name);

#endif
