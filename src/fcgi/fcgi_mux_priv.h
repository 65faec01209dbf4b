/* fcgi_mux_priv.h -- the active streams of a struct fcgi_mux, found by their ids. Ids are a peer's and may climb
 * for ever: they are hashed, never an index. A place is good until the next add or remove. */
#ifndef WEIR_FCGI_MUX_PRIV_H
#define WEIR_FCGI_MUX_PRIV_H

#include "src/fcgi/fcgi_mux.h"

/* The active stream with that id (not 0), or NULL. */
struct fcgi_mux_stream *mux_stream_find(struct fcgi_mux *m, uint16_t id);
/* A place for an id (not 0) that is not active; all of it but the id is zero. */
struct fcgi_mux_stream *mux_stream_add(struct fcgi_mux *m, uint16_t id);
/* s is a place that find or add gave. Memory shrinks with what is active, to none with the last. */
void mux_stream_remove(struct fcgi_mux *m, struct fcgi_mux_stream *s);

#endif
