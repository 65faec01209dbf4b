/* wsgi_priv.h -- the SAPI wsgi from the inside: an application of Python's, called as PEP 3333 says. Only sapi/wsgi
 * includes it, and before anything else, as Python.h asks. Who calls a function holds the GIL unless it says otherwise;
 * -1 or NULL mean an exception of Python's is set, unless there is a struct err. */
#ifndef WEIR_WSGI_PRIV_H
#define WEIR_WSGI_PRIV_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "sapi/sapi.h"
#include "sapi/wsgi/wsgi_path.h"
#include "src/base/buf.h"

/* ---- wsgi_sapi.c: what the pool's section says */
struct wsgi_settings {
	const char *application, *pythonpath, *virtualenv, *chroot, *chdir;
	struct wsgi_text mount;
	bool mount_given, preload, multithread, multiprocess, run_once;
	int optimize;
};
extern struct wsgi_settings wsgi_settings;

/* ---- wsgi_python.c: the interpreter */
extern PyInterpreterState *wsgi_interpreter;
/* Start it. The caller's thread has the GIL then. 0 or -1 with err. */
int wsgi_python_start(struct err *err);
/* Inside the jail: the folders of the section, the environment as it is now. 0 or -1 with err. */
int wsgi_python_settle(struct err *err);

/* ---- wsgi_app.c: the application */
extern PyObject *wsgi_app;
/* Import it. 0, or -1: its traceback is in the log, err names it. */
int wsgi_app_import(const struct sapi_ctx *ctx, struct err *err);
/* Import it in a child that is thrown away: how many threads that has then (at least 1), or -1 with err. */
int wsgi_app_try(const struct sapi_ctx *ctx, struct err *err);

/* ---- wsgi_log.c */
/* One record: who, then the traceback of the exception that is set, which is cleared. last_out (NULL: not wanted):
 * its last line, without the traceback. */
void wsgi_log_exception(const struct sapi_host *host, const char *who, char *last_out, size_t size);
/* wsgi.errors: one object for all, which knows by the thread whose it is. */
PyObject *wsgi_errors_new(void);

/* ---- wsgi_slot.c: a thread that serves, and the request in its hand */
struct wsgi_turn;
struct wsgi_slot {
	PyThreadState *thread;
	struct wsgi_slot *next;         /* all of this process: never freed, for the watcher's thread reads them */
	bool is_main;                   /* the child's main thread */
	unsigned long id;               /* the thread, as Python tells it */
	_Atomic(const struct request *) serving;
	const struct sapi_host *host;
	struct wsgi_turn *turn;         /* NULL: no request */
	struct buf head;                /* header block of its reply */
	struct buf errors;              /* what was written to wsgi.errors since its last flush */
	char *path;                     /* of wsgi_path_out */
	size_t path_room;
};
extern _Atomic(struct wsgi_slot *) wsgi_slots;
/* This thread's; NULL: it serves no requests. */
struct wsgi_slot *wsgi_slot(void);
/* Make this thread one that serves; it has no GIL before and after. */
struct wsgi_slot *wsgi_slot_begin(const struct sapi_host *host, PyThreadState *thread);
/* Its end; likewise. */
void wsgi_slot_end(void);
/* Hand over what wsgi.errors holds. */
void wsgi_slot_flush_errors(struct wsgi_slot *slot);

/* ---- wsgi_turn.c: one request, which is its start_response too */
struct wsgi_turn {
	PyObject_HEAD
	struct wsgi_slot *slot;
	struct request *req;            /* NULL: it is over, whoever still holds this */
	bool busy;                      /* a thread reads or writes, without the GIL */
	bool started;                   /* start_response() was called: slot->head is filled */
	bool sent;                      /* slot->head was handed over */
	bool gone;                      /* nobody reads the reply */
	bool read_failed;
	bool no_body;                   /* of HEAD, 204 and 304: a length says nothing of what follows */
	bool is_head;
	int64_t length;                 /* Content-Length, or -1 */
	int64_t written;                /* of the body */
	size_t pending;                 /* bytes that went out since the last flush */
};
struct wsgi_turn *wsgi_turn_new(struct wsgi_slot *slot, struct request *req);
/* From now on no object of the application's reaches the request. Waits for a thread that is just in it. */
void wsgi_turn_over(struct wsgi_turn *turn);
/* Of a read or write: between these two the thread has no GIL, and is alone. -1: somebody else is there, or it is
 * over. */
int wsgi_turn_enter(struct wsgi_turn *turn, PyThreadState **saved_out);
void wsgi_turn_leave(struct wsgi_turn *turn, PyThreadState *saved);
/* The header block, if it has not gone yet, and a piece of the body, cut to Content-Length; where the reply has none,
 * as to HEAD, the application's is dropped (HAProxy takes a reply with one for a broken one). */
int wsgi_turn_write(struct wsgi_turn *turn, const char *data, size_t len);
int wsgi_turn_flush(struct wsgi_turn *turn);
/* Have as many bytes been written as Content-Length says? Where the reply has no body, the first is enough. */
static inline bool wsgi_turn_is_full(const struct wsgi_turn *turn)
{
	return turn->no_body ? turn->sent : turn->length >= 0 && turn->written >= turn->length;
}

/* ---- wsgi_headers.c: compose slot->head of what start_response() was given */
int wsgi_headers_compose(struct wsgi_turn *turn, PyObject *status, PyObject *headers);

/* ---- wsgi_input.c, wsgi_file.c: wsgi.input, wsgi.file_wrapper */
PyObject *wsgi_input_new(struct wsgi_turn *turn);
bool wsgi_file_is(PyObject *object);
/* All of the file from where it stands. 0; 1: it has no descriptor, it is to be iterated over; -1. */
int wsgi_file_send(struct wsgi_turn *turn, PyObject *object);
extern PyTypeObject *wsgi_file_type;

/* The types; once for a process. */
int wsgi_types_init(void);
int wsgi_turn_type_init(void);
int wsgi_input_type_init(void);
int wsgi_file_type_init(void);
int wsgi_errors_type_init(void);

/* ---- wsgi_environ.c */
int wsgi_environ_init(void);
PyObject *wsgi_environ_new(struct wsgi_turn *turn);

/* ---- wsgi_serve.c */
void wsgi_serve(struct wsgi_slot *slot, struct request *req);

/* ---- wsgi_backtrace.c: in the watcher's thread, which never has the GIL */
size_t wsgi_backtrace(struct sapi_ctx *ctx, struct request *req, unsigned depth, char *out, size_t size);

#endif
