/* php_interrupt.c -- the watcher thread's way into a running script: PHP's VM interrupt, which the executor looks
 * at between opcodes. The watcher only sets flags: it sends no signal, so no system call of the script is cut
 * short. The rest runs in the slot's thread. */
#include "sapi/php/php_priv.h"

static void (*interrupt_next)(zend_execute_data *execute_data);

static void vm_interrupt_set(struct php_slot *slot)
{
#if PHP_VERSION_ID >= 80200
	zend_atomic_bool_store_ex(&slot->executor->vm_interrupt, true);
#else
	slot->executor->vm_interrupt = 1;
#endif
}

/* Slot's thread: connection_status() and connection_aborted() tell the truth from here on; the script goes on
 * until its next output, as PHP documents. */
static void interrupt_seen(zend_execute_data *execute_data)
{
	struct php_slot *slot = &php_slot;

	if (slot->req && !slot->finished && atomic_exchange(&slot->interrupted, false) &&
	    slot->req->ops->gone(slot->req))
		PG(connection_status) |= PHP_CONNECTION_ABORTED;
	if (interrupt_next)
		interrupt_next(execute_data);
}

void php_interrupt_hook(void)
{
	interrupt_next = zend_interrupt_function;
	zend_interrupt_function = interrupt_seen;
}

/* Watcher thread. The flag of our own first: a script that starts between the two finds it. */
void php_interrupt(struct sapi_ctx *ctx, struct request *req)
{
	struct php_slot *slot = php_slot_hold(req);

	(void)ctx;
	if (slot) {
		atomic_store(&slot->interrupted, true);
		vm_interrupt_set(slot);
	}
	php_slot_let_go();
}

void php_interrupt_arm(struct php_slot *slot)
{
	if (atomic_load(&slot->interrupted))
		vm_interrupt_set(slot);
}
