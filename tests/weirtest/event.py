"""What the scenarios of mpm = event share: pools, a script that waits for a word of its own, and the pool's figures."""
import json
import os

import pytest

from . import proc
from .wait import until

STATUS = "pm.status_path = /status\n ping.path = /ping\n security.reason_header = yes"

# Waits for the file go-N, and shows by at-N-PID that it does; says its number.
GATE = """
$n = $_GET['n'];
touch(__DIR__ . "/at-$n-" . getmypid());
while (!file_exists(__DIR__ . "/go-$n")) { usleep(1000); clearstatcache(); }
file_put_contents(__DIR__ . '/order', "$n\\n", FILE_APPEND);
echo $n;
"""
# What came of a request's body: its length, its hash, the method.
ECHO = """
$in = fopen('php://input', 'r'); $h = hash_init('md5'); $n = hash_update_stream($h, $in);
echo $n, ' ', hash_final($h), ' ', $_SERVER['REQUEST_METHOD'];
"""
PUT = {"REQUEST_METHOD": "PUT", "CONTENT_TYPE": "application/octet-stream"}     # PHP reads such a body when asked to


def event_pool(weir, children=1, lines="", name="www"):
    """A pool of PHP under event; not started yet."""
    pool = weir.pool("mpm = event\n pm.max_children = %d\n%s\n%s" % (children, STATUS, lines), name=name)
    for file, code in (("gate.php", GATE), ("pid.php", "echo getmypid();"), ("echo.php", ECHO)):
        pool.write(file, code)
    return pool


def started(weir, children=1, lines=""):
    pool = event_pool(weir, children, lines)
    weir.start()
    return pool


def gate(pool, n, keep=False, **more):
    """Begin a request that waits; more: of its parameters."""
    return pool.open("/gate.php?n=%s" % n, keep=keep, **more)


def at(pool, n, tries=1):
    """Wait until it runs, as often as so: the pid of its last child."""
    seen = until(lambda: len(_marks(pool, n)) >= tries and _marks(pool, n), "try %d of request %s runs" % (tries, n))
    return seen[-1]


def _marks(pool, n):
    """Pids of those who have run it, in the order of time."""
    start = "at-%s-" % n
    found = [f for f in os.listdir(pool.root) if f.startswith(start)]
    return [int(f[len(start):]) for f in sorted(found, key=lambda f: os.stat(os.path.join(pool.root, f)).st_mtime_ns)]


def ran(pool, n):
    return bool(_marks(pool, n))


def go(pool, *numbers):
    for n in numbers:
        open("%s/go-%s" % (pool.root, n), "w").close()


def held(pool, count, first=0):
    """So many requests that run, each on a connection of its own."""
    conns = []
    for n in range(first, first + count):
        conns.append(gate(pool, n))
        at(pool, n)
    return conns


def figures(pool):
    """The status page, which the pool process makes."""
    return json.loads(pool.get("/status?json&full").text)


def queued(pool, count):
    until(lambda: figures(pool)["ready connections"] == count, lambda: "%d in the queue: %s" % (count, figures(pool)))


def parked(pool, count):
    until(lambda: figures(pool)["parked connections"] == count, lambda: "%d are parked: %s" % (count, figures(pool)))


def refused(reply):
    return reply.status, reply.header("X-Weir-Reason"), reply.ended


def spool_files(pool, folder):
    """Sizes of the files without a name that the pool process has open in this folder."""
    pid, sizes = pool.weir.one("pool", pool.name), []
    need_root()
    for fd in os.listdir("/proc/%d/fd" % pid):
        path = "/proc/%d/fd/%s" % (pid, fd)
        try:
            if os.readlink(path).startswith(folder) and os.readlink(path).endswith("(deleted)"):
                sizes.append(os.stat(path).st_size)
        except FileNotFoundError:
            pass
    return sizes


def own_folder(weir, name="spool"):
    """A folder in which the pool process may create files."""
    path = weir.path(name)
    os.mkdir(path)
    os.chmod(path, 0o1777)
    return path


def need_root():
    if os.geteuid() != 0:
        pytest.skip("only root sees what descriptors the pool process has")


def inodes(pid):
    """Of its sockets."""
    need_root()
    return {d[8:-1] for d in proc.descriptors(pid) if d.startswith("socket:[")}
