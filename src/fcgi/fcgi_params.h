/* fcgi_params.h -- name-value pairs (section 3.4), split anywhere, into one arena that is kept from
 * request to request. Memory grows only with bytes that have arrived, never with a length that a peer
 * claims: the arena holds no more than the stream did, the index 16 bytes a pair. */
#ifndef WEIR_FCGI_PARAMS_H
#define WEIR_FCGI_PARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "src/base/buf.h"

/* Both are NUL-terminated in the arena, and both may hold NULs: use the length. */
struct fcgi_param {
	uint32_t name;                  /* offset into the arena */
	uint32_t name_len;
	uint32_t value;
	uint32_t value_len;
};

struct fcgi_params {
	struct buf arena;               /* names and values */
	struct buf index;               /* struct fcgi_param each */
	/* private: the pair in the making */
	uint8_t lens[8];
	uint8_t lens_len, lens_want;    /* bytes of its two lengths: here, and known to be needed */
	uint8_t state;
	uint32_t name_len, value_len, left;
	size_t taken;                   /* bytes of the stream so far, for the limit */
};

enum fcgi_params_end { FCGI_PARAMS_OK, FCGI_PARAMS_TOO_LARGE, FCGI_PARAMS_LYING };

/* For the next request; memory is kept (up to 64 KiB of arena and index each). */
void fcgi_params_reset(struct fcgi_params *p);
void fcgi_params_free(struct fcgi_params *p);
/* Feed bytes of the PARAMS stream. max: limit of the whole stream in bytes (never more than 1 GiB, so that
 * offsets fit). TOO_LARGE also at once when a claimed length would pass max; nothing but reset or free may
 * follow it. */
enum fcgi_params_end fcgi_params_feed(struct fcgi_params *p, const uint8_t *in, size_t len, size_t max);
/* The stream has ended: LYING when it ends inside a pair. */
enum fcgi_params_end fcgi_params_finish(struct fcgi_params *p);
size_t fcgi_params_count(const struct fcgi_params *p);
const struct fcgi_param *fcgi_params_at(const struct fcgi_params *p, size_t i);
const char *fcgi_params_name(const struct fcgi_params *p, const struct fcgi_param *q);
const char *fcgi_params_value(const struct fcgi_params *p, const struct fcgi_param *q);
/* The last value of that exact name, or NULL; *len_out (may be NULL) its length. */
const char *fcgi_params_get(const struct fcgi_params *p, const char *name, size_t *len_out);

/* The pair that begins at *at, in place: true, and *at is advanced past it; false when it is not there
 * whole. */
struct fcgi_pair {
	const uint8_t *name;            /* into the caller's bytes, no NUL behind it */
	const uint8_t *value;
	uint32_t name_len;
	uint32_t value_len;
};
bool fcgi_pair_next(const uint8_t **at, const uint8_t *end, struct fcgi_pair *pair_out);

#endif
