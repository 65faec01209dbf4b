/* php_thread.c -- what each thread that runs scripts must have, and how the watcher's thread finds it. Under a PHP that
 * is not thread-safe (NTS) there is one such thread, and one slot. Runs in zygote and child.
 * A thread-safe PHP (ZTS) gives each thread globals of its own: they begin with what PHP was when its start ended, so
 * all that this SAPI does to PHP after that is done again in each. */
#include "sapi/php/php_priv.h"

#include <pthread.h>
#include <string.h>

/* -e: debuggers want to stop at each statement. */
static void options_apply(const struct sapi_ctx *ctx)
{
	for (size_t i = 0; i < ctx->setting_count; i++)
		if (!strcmp(ctx->settings[i].name, "-e"))
			CG(compiler_options) |= ZEND_COMPILE_EXTENDED_INFO;
}

static void settle(struct sapi_ctx *ctx)
{
	php_slot.ctx = ctx;
	php_slot.sapi = (void *)((char *)&SG(request_info) - offsetof(sapi_globals_struct, request_info));
	php_slot.executor = (void *)((char *)&EG(bailout) - offsetof(zend_executor_globals, bailout));
	options_apply(ctx);
	php_module_thread();
	php_reset_hook();
}

void php_thread_settle(struct sapi_ctx *ctx)
{
	settle(ctx);
}

#ifdef ZTS

ZEND_TSRMLS_CACHE_DEFINE()

/* The slots of all threads. Held by the watcher's while it looks at one; by a slot's only while its thread begins or
 * ends, so that a slot is not gone under the watcher's eyes. */
static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;
static struct php_slot *slots;
static _Thread_local bool is_first;     /* the thread that started PHP: it lives as long as the process */

void php_thread_startup(void)
{
	php_tsrm_startup();
	ZEND_TSRMLS_CACHE_UPDATE();
	is_first = true;
}

void php_thread_shutdown(void)
{
	tsrm_shutdown();
}

static void slot_add(void)
{
	pthread_mutex_lock(&slots_lock);
	php_slot.next = slots;
	slots = &php_slot;
	pthread_mutex_unlock(&slots_lock);
}

static void slot_remove(void)
{
	struct php_slot **at = &slots;

	pthread_mutex_lock(&slots_lock);
	while (*at && *at != &php_slot)
		at = &(*at)->next;
	if (*at)
		*at = php_slot.next;
	pthread_mutex_unlock(&slots_lock);
}

void php_thread_child_init(void)
{
	slot_add();
}

int php_thread_init(struct sapi_ctx *ctx, struct err *err)
{
	if (is_first)
		return 0;
	if (!ts_resource(0))
		return err_set(err, "PHP cannot serve in another thread: there is no memory for it");
	ZEND_TSRMLS_CACHE_UPDATE();
	php_ini_apply_again(ctx);
	settle(ctx);
	slot_add();
	return 0;
}

void php_thread_end(struct sapi_ctx *ctx)
{
	(void)ctx;
	if (is_first)
		return;
	slot_remove();
	php_user_ini_forget();
	php_values_forget();
	php_script_forget();
	buf_free(&php_slot.head);
	ts_free_thread();
}

struct php_slot *php_slot_hold(const struct request *req)
{
	struct php_slot *slot;

	pthread_mutex_lock(&slots_lock);
	for (slot = slots; slot; slot = slot->next)
		if (atomic_load_explicit(&slot->served, memory_order_relaxed) == req)
			return slot;
	return NULL;
}

void php_slot_let_go(void)
{
	pthread_mutex_unlock(&slots_lock);
}

#else

void php_thread_startup(void)
{
}

void php_thread_shutdown(void)
{
}

void php_thread_child_init(void)
{
}

int php_thread_init(struct sapi_ctx *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	return 0;
}

void php_thread_end(struct sapi_ctx *ctx)
{
	(void)ctx;
}

struct php_slot *php_slot_hold(const struct request *req)
{
	(void)req;
	return &php_slot;
}

void php_slot_let_go(void)
{
}

#endif
