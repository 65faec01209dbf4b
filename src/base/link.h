/* link.h -- sending over an ipc socket from a process that may wait: zygote and child. The receiver always reads, so
 * a wait is short; a receiver that has gone ends it, and is noticed elsewhere. Any thread. */
#ifndef WEIR_LINK_H
#define WEIR_LINK_H

#include "src/base/ipc.h"
#include "src/base/log.h"

/* A log line travels in pieces: this and text behind it. */
struct link_log_piece {
	uint32_t level;                 /* enum log_level */
	uint32_t more;                  /* the line goes on in the sender's next piece */
};
#define LINK_LOG_PIECE_MAX 8192         /* bytes, struct link_log_piece included */

/* Send, waiting for room. Nothing is sent, and nothing fails, when the peer has gone. */
void link_send(int fd, const struct ipc_msg *msg);
void link_send_text(int fd, uint32_t type, const char *text);
/* Send one line of any length; no line of another thread comes between its pieces. */
void link_send_log(int fd, uint32_t type, enum log_level level, const char *text, size_t len);

#endif
