"""sapi = native under mpm = worker: several requests in one process, which share libfcgi and nothing else."""
import os
import random
import threading

import pytest

import modules
from test_native_calls import random_commands
from weirtest import fcgi, until

pytestmark = pytest.mark.threads
CALLS = os.path.join(modules.HERE, "calls.c")
WORKER = "mpm = worker\nmpm.threads_per_child = 4\n"
COUNTED = modules.handler(r"""
	FCGX_FPrintF(r->out, "Content-Type: text/plain\r\n\r\n%d %d", (int)getpid(), begun);
	return 0;
""", r"""
static int begun;
static int init(void) { begun++; return 0; }
static void fini(void)
{
	char name[512];
	FILE *f;
	snprintf(name, sizeof(name), "%s/fini-%d", getenv("MARKS"), (int)getpid());
	f = fopen(name, "a");
	if (f) {
		fputs("once ", f);
		fclose(f);
	}
}
const struct weir_native_info weir_native = { .abi = WEIR_NATIVE_ABI, .thread_safe = 1, .init = init, .fini = fini };
""")


@pytest.fixture
def calls(weir):
    pool = modules.pool(weir, modules.module(weir, CALLS), WORKER)
    weir.start()
    return pool


def hold(pool, count):
    """So many requests that run, whatever child has them."""
    conns = []
    for n in range(count):
        conns.append(pool.open("/", DO="R;w%s;pgoes on" % pool.root))
        pool.busy(n + 1)
    return conns


def some_requests(pool, dice):
    """[(the request's bytes, the reply that it gets when it is alone)]"""
    out = []
    for _ in range(25):
        role = dice.choice([fcgi.RESPONDER, fcgi.FILTER])
        data = dice.randbytes(3000).replace(b"\0", b"\n") if role == fcgi.FILTER else None
        body = dice.randbytes(dice.choice([0, 100, 50000])).replace(b"\0", b"\n")
        ask = modules.ask(pool, random_commands(dice), body=body, role=role, data=data)
        with pool.connect() as c:
            out.append((ask, c.send(ask).reply()))
    return out


def what(reply):
    return bytes(reply.stdout), bytes(reply.stderr), reply.app_status, reply.protocol_status


def test_any_calls_at_once(calls):
    asked, wrong = some_requests(calls, random.Random("at once")), []
    start = threading.Barrier(8)

    def client(number):
        dice = random.Random(number)
        start.wait()
        for ask, alone in dice.sample(asked, len(asked)):
            with calls.connect() as c:
                reply = c.send(ask).reply()
            if what(reply) != what(alone):
                wrong.append((ask, reply, alone))
    clients = [threading.Thread(target=client, args=(n,)) for n in range(8)]
    for t in clients:
        t.start()
    for t in clients:
        t.join()
    assert wrong == []


def test_each_slot_serves_at_the_same_time(calls):
    conns = hold(calls, 8)
    calls.release()
    assert all(c.reply().text.endswith("goes onPutS 7\n") for c in conns)


def test_a_crash_takes_its_process_and_no_other(weir):
    """One of two children holds two requests, the other three: what is lost was on the one that crashed."""
    pool = modules.pool(weir, modules.module(weir, CALLS), WORKER)
    weir.start()
    conns = hold(pool, 5)
    with pool.open("/", DO="K") as c:
        assert c.at_end() == "eof"
    dead = int(weir.wait_log(r"child (\d+) exited on signal 6")[1])
    held = [int(name.split("-")[1]) for name in os.listdir(pool.root) if name.startswith("held-")]
    pool.release()
    replies = [c.reply() for c in conns]
    assert sum(r.ended for r in replies) == len([pid for pid in held if pid != dead]) > 0
    until(lambda: len(pool.children()) == 2, "a new child")
    assert pool.get("/", DO="px").text == "xPutS 1\n"


def test_shutdown_pending_waits_for_the_other_slots(weir):
    pool = modules.pool(weir, modules.module(weir, CALLS), WORKER + "pm.max_children = 1")
    weir.start()
    before = pool.children()
    conns = hold(pool, 2)
    assert pool.get("/", DO="h;px").text == "ShutdownPending\nxPutS 1\n"
    until(lambda: pool.get("/", DO="px").status == 200 and set(pool.children()) - set(before), "another child serves")
    assert before[0] in pool.children()
    pool.release()
    assert all(c.reply().text.endswith("goes onPutS 7\n") for c in conns)
    weir.gone(before[0])


def test_init_and_fini_are_called_once_for_a_child(weir):
    pool = modules.pool(weir, modules.module(weir, COUNTED), WORKER + "env[MARKS] = " + weir.path("www"))
    weir.start()
    children = sorted(pool.children())
    for _ in range(20):
        assert pool.get("/").text.split()[1] == "1"
    assert weir.stop() == 0
    assert [weir.file("www", "fini-%d" % pid) for pid in children] == ["once ", "once "]


@pytest.mark.parametrize("text", ["", "const struct weir_native_info weir_native = { .abi = WEIR_NATIVE_ABI };"])
def test_one_that_does_not_say_that_it_is_safe_is_refused(weir, text):
    modules.pool(weir, modules.module(weir, modules.handler("return 0;") + text), WORKER, name="app")
    done = weir.run("-t")
    assert done.returncode == 78
    line = next(x for x in done.stderr.splitlines() if "[pool app]" in x)
    for part in ("native", "the module is not thread-safe", "set mpm = prefork", "a thread-safe build"):
        assert part in line, line
