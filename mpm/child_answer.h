/* child_answer.h -- answers that Weir itself gives, each with one reason code: in the body, in the log, on the
 * scoreboard and, with security.reason_header, in X-Weir-Reason. */
#ifndef WEIR_CHILD_ANSWER_H
#define WEIR_CHILD_ANSWER_H

#include "mpm/child_priv.h"

/* Slot's thread: answer the request in hand instead of the application, unless a byte was sent already; what of the
 * application's reply waits is dropped. detail: for the log, NULL: none. 0, or -1: nothing could be sent. */
int child_answer(struct slot *s, enum reason reason, const char *detail);
/* Watcher: the same for a slot that is stuck in the application. Never waits. */
void child_answer_late(struct slot *s, enum reason reason, const char *detail);
/* Count and log without answering (nobody is there, or the application's reply is on its way already). */
void child_answer_note(struct slot *s, enum reason reason, const char *detail);

#endif
