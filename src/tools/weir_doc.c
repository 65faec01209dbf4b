/* weir_doc.c -- prints the generated parts of the manual: "weir-doc markdown" the key reference, "weir-doc
 * man" the page weir.conf(5). Runs while Weir is built and is not installed. It writes to stdout only. */
#include <stdio.h>
#include <string.h>
#include "src/base/exits.h"
#include "src/conf/conf_doc.h"

int main(int argc, char **argv)
{
	struct buf out = { 0 };
	size_t written;

	if (argc == 2 && !strcmp(argv[1], "markdown")) {
		conf_doc_markdown(&out);
	} else if (argc == 2 && !strcmp(argv[1], "man")) {
		conf_doc_man(&out);
	} else {
		fprintf(stderr, "Usage: weir-doc markdown|man\n");
		return EXIT_USAGE;
	}
	written = fwrite(out.data, 1, out.len, stdout);
	if (written != out.len || fflush(stdout) != 0) {
		perror("weir-doc: stdout");
		buf_free(&out);
		return EXIT_SOFTWARE;
	}
	buf_free(&out);
	return EXIT_OK;
}
