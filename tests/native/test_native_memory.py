"""Threads of a child that have nothing to do give back what their requests took, and serve on."""
import glob
import os

import pytest

import modules
from weirtest import proc, until

THREADS = 16
TEXT_KIB = 60           # of parameters that each request has

# Fills what a slot has for a request: a reply that stays in its stream, a deep stack, and memory that is freed.
BODY = """
	char stack[128 * 1024], name[300], *heap = malloc(100 * 1024);
	memset(stack, r->requestId, sizeof(stack));
	memset(heap, r->requestId, 100 * 1024);
	FCGX_PutS("Content-Type: text/plain\\r\\n\\r\\n", r->out);
	FCGX_FPrintF(r->out, "%d %d %d", (int)strlen(FCGX_GetParam("LONG", r->envp)), stack[99], heap[99]);
	FCGX_PutS("complaint", r->err);
	if (FCGX_GetParam("HELD", r->envp)) {
		snprintf(name, sizeof(name), "%s/held-%ld", FCGX_GetParam("HELD", r->envp), (long)gettid());
		fclose(fopen(name, "w"));
		while (access(name, F_OK) == 0)
			usleep(1000);
	}
	free(heap);
	return 0;
"""


@pytest.fixture(params=["worker", "event"])
def pool(plain_weir, request):
    weir = plain_weir
    path = modules.module(weir, modules.handler(
        BODY, "const struct weir_native_info weir_native = { .abi = WEIR_NATIVE_ABI, .thread_safe = 1 };"), "-D_GNU_SOURCE")
    pool = modules.pool(weir, path, "mpm = %s\nmpm.threads_per_child = %d\npm = static\npm.max_children = 1" % (
        request.param, THREADS))
    weir.start()
    return pool


def burst(pool):
    """A request on each thread, all at once, then their end. KiB that the child had of its own meanwhile."""
    child = pool.children()[0]
    conns = []
    for i in range(THREADS):
        conns.append(pool.open("/x", HELD=pool.root, LONG="y" * TEXT_KIB * 1024))
        until(lambda: len(glob.glob(pool.root + "/held-*")) > i, "it runs")
    kib = proc.private_kib(child)
    for mark in glob.glob(pool.root + "/held-*"):
        os.remove(mark)
    for c in conns:
        reply = c.reply()
        assert reply.ended and reply.stdout.endswith(b"%d 1 1" % (TEXT_KIB * 1024)) and reply.stderr == b"complaint"
    return kib


def test_what_a_burst_took_is_given_back(pool):
    child = pool.children()[0]
    before = proc.private_kib(child)
    at_work = burst(pool)
    assert at_work - before > THREADS * (TEXT_KIB + 128 + 100)
    # A thread keeps two pages of its stack, and a few hundred bytes.
    until(lambda: proc.private_kib(child) - before < THREADS * 16, lambda: "%d KiB before, %d at work, %d now" % (
        before, at_work, proc.private_kib(child)))


def test_a_thread_that_has_rested_serves_as_before(pool):
    child = pool.children()[0]
    for _ in range(3):
        at_work = burst(pool)
        until(lambda: proc.private_kib(child) < at_work / 2, "they rest")
