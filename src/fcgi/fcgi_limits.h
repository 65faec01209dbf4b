/* fcgi_limits.h -- what the application serves, as far as the protocol asks. */
#ifndef WEIR_FCGI_LIMITS_H
#define WEIR_FCGI_LIMITS_H

#include <stddef.h>
#include <stdint.h>

struct fcgi_limits {
	size_t max_params;              /* bytes of a request's PARAMS stream (a struct fcgi_mux does not count them) */
	uint32_t roles;                 /* bit (1 << FCGI_RESPONDER) ...: what the application serves */
	uint32_t max_conns, max_reqs;   /* what GET_VALUES answers */
};

#endif
