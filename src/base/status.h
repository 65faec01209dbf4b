/* status.h -- what a pool does at one moment, as plain data: made by the pool process, which alone knows all of it,
 * and read by whoever shows it (status pages, a SAPI's own function). It travels in a sealed memfd; one build on
 * both ends. Texts are whatever clients sent, ended by a NUL: whoever shows them escapes them. */
#ifndef WEIR_STATUS_H
#define WEIR_STATUS_H

#include <stddef.h>
#include <stdint.h>
#include "src/base/reason.h"

enum status_state {
	STATUS_IDLE,
	STATUS_READING,                 /* head or body of a request */
	STATUS_RUNNING,
	STATUS_FINISHING,               /* the client has its answer, the application works on */
	STATUS_ENDING,                  /* will serve no more */
	STATUS_STATES
};

struct status_child {
	int32_t pid;
	uint32_t state;                 /* enum status_state */
	uint64_t start_time;            /* seconds since 1970 */
	uint64_t requests;              /* begun since then */
	uint64_t duration_us;           /* of the request in hand so far, else of the last one */
	uint64_t content_length;
	uint64_t last_memory;           /* bytes at most; 0 while a request runs */
	double last_cpu;                /* percent of the last request's duration; 0 likewise */
	char method[16];
	char uri[512];                  /* with the query */
	char user[64];
	char script[256];
};

/* How long something took, as a histogram: each count is of its bucket alone. */
#define STATUS_BUCKETS 26

struct status_times {
	uint64_t counts[STATUS_BUCKETS];
	uint64_t sum_us, count;
};

/* mpm = event: what the pool process itself has in hand. */
struct status_dispatch {
	uint64_t conns;                 /* open connections, parked ones too */
	uint64_t reading, queued, running, writing, finishing;  /* requests */
	uint64_t queued_max;
	uint64_t oldest_us;             /* how long the first in the queue has waited */
	uint64_t accepted;              /* connections */
	uint64_t retried, abandoned;    /* requests */
	uint64_t bucket_us[STATUS_BUCKETS];     /* upper bounds; the last has none */
	struct status_times queue, service, total;
};

struct status {
	uint32_t magic;
	uint32_t child_count;
	char pool[256];
	char pm[16];                    /* static, dynamic, ondemand */
	uint64_t now;                   /* when this was made, seconds since 1970 */
	uint64_t start_time;            /* of the pool process, likewise */
	uint64_t accepted;              /* requests begun, those without a child (mpm = event) included */
	uint64_t queue, queue_max, queue_limit; /* connections that wait to be accepted; most seen; most possible */
	uint64_t idle, active, active_max;      /* children */
	uint64_t max_reached;           /* how often more children were needed than may be */
	uint64_t slow;                  /* requests that took longer than request_slowlog_timeout */
	uint64_t max_children;
	uint64_t starting;              /* of the idle: not initialised yet */
	uint64_t parked, ready;         /* kept connections: without a request; with one that waits for a child */
	uint64_t served;                /* requests that are over */
	uint64_t reasons[REASON_COUNT];
	uint64_t has_dispatch;          /* 0: the next is empty */
	struct status_dispatch dispatch;
	struct status_child children[];
};

#define STATUS_MAGIC 0x73746174u

/* As php-fpm calls it: "Idle", "Reading headers" ... What is none reads as "Idle". */
const char *status_state_name(uint32_t state);
size_t status_size(size_t child_count);
/* A sealed memfd that holds it. -1 with errno. */
int status_write(const struct status *status);
/* Map what status_write() made; NULL with errno when it is something else. fd is borrowed. */
const struct status *status_map(int fd, size_t *size_out);
void status_unmap(const struct status **status, size_t size);

#endif
