/* apache_read_priv.h -- what the reader's files share: where it stands, and how it asks a condition. */
#ifndef WEIR_APACHE_READ_PRIV_H
#define WEIR_APACHE_READ_PRIV_H

#include <sys/types.h>
#include "src/apache/apache_conf.h"

#define APACHE_DEPTH_MAX 64             /* files, and sections, inside each other */

struct apache_open_file {
	dev_t dev;
	ino_t ino;
};

/* A section or a condition that is not closed yet. */
struct apache_frame {
	char *kind;                     /* in small letters */
	const struct apache_section *in;
	enum apache_mpm mpm;
	bool active;                    /* what stands in it counts */
	size_t line;
};

struct apache_reader {
	struct apache_conf *conf;
	const char *file;               /* NULL: no file is open */
	size_t line;
	char *folder;                   /* of the file that was named on the command line; NULL: nothing is included */
	struct apache_frame frames[APACHE_DEPTH_MAX];
	size_t frame_count;
	struct apache_open_file open[APACHE_DEPTH_MAX];
	size_t open_count;
	size_t files_read;
};

#define apache_read_problem(r, ...) apache_problem((r)->conf, (r)->file, (r)->line, __VA_ARGS__)
#define apache_read_warning(r, ...) apache_warning((r)->conf, (r)->file, (r)->line, __VA_ARGS__)

void apache_read_lines(struct apache_reader *r, const char *text, size_t len);
/* Include, IncludeOptional. */
void apache_read_include(struct apache_reader *r, const char *pattern, bool optional);

/* Is kind a condition ("ifmodule"), which is asked while the file is read? */
bool apache_cond_is(const char *kind);
/* Does it hold? *mpm_out: what it says of the model, if it is about that and nobody knows which runs. */
bool apache_cond_ask(struct apache_reader *r, const char *kind, const struct apache_words *args,
		     enum apache_mpm *mpm_out);

#endif
