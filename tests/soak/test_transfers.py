"""Big bodies byte for byte, by checksum: a gibibyte from the server; 100 MiB both ways, of several clients at once, and
64 MiB through nginx. By PHP under prefork, by C and Python under worker."""
import threading

import pytest

import soak_pools
from soak_pools import BLOCK, block, crc
from weirtest import fcgi, proc

MIB, GIB = 1 << 20, 1 << 30
MIB_OF_CHILD = 8        # what a child may grow by


@pytest.fixture(params=soak_pools.KINDS)
def one(request, weir):
    pool = request.param(weir, "pm.max_children = 1")
    weir.start()
    return pool


def check(size):
    sum = 0
    for i in range(size // BLOCK):
        sum = crc(block(i), sum)
    return sum


class Growth:
    """How far a child's memory has grown at its peak, in KiB, since the first look at it."""

    def __init__(self, www):
        self.pid = www.children()[0]
        with open("/proc/%d/clear_refs" % self.pid, "w") as f:
            f.write("5")                # the peak is now what it has
        self.first = proc.rss_kib(self.pid)

    def kib(self):
        return int(proc.status(self.pid, "VmHWM").split()[0]) - self.first


def read_big(www, size):
    """(bytes of the body, their checksum)"""
    c, sum, got, head = www.open("/give.php?blocks=%d" % (size // BLOCK)), 0, 0, b""
    for rec in iter(c.record, None):
        if rec.type == fcgi.END:
            return got, sum
        data = rec.content if rec.type == fcgi.STDOUT else b""
        if head is not None:
            head, blank, data = (head + data).partition(b"\r\n\r\n")
            head = None if blank else head
        got += len(data)
        sum = crc(data, sum)
    raise AssertionError("the connection ended after %d bytes" % got)


def send_big(www, size):
    """What the server tells of a body of so many bytes."""
    c = www.connect(timeout=120)        # PHP holds a POST to its post_max_size
    c.send(fcgi.begin(), fcgi.params(www.params("/take.php", b"", REQUEST_METHOD="PUT", CONTENT_LENGTH=str(size))))
    for i in range(size // BLOCK):
        c.send(fcgi.stdin(block(i), end=False))
    return c.send(fcgi.stdin()).reply().text


@pytest.mark.plain
@pytest.mark.seconds(300)
def test_a_gibibyte_down_is_whole(one):
    assert read_big(one, MIB) == (MIB, check(MIB))
    growth = Growth(one)
    assert read_big(one, GIB) == (GIB, check(GIB))
    print("\nthe child grew by at most %d KiB" % growth.kib())
    assert growth.kib() < MIB_OF_CHILD * 1024


@pytest.mark.seconds(600)
def test_100_mebibytes_up_and_down_at_once(one):
    """One client in each slot, half of them sending and half reading; then all the other way round."""
    size, wrong = 100 * MIB, []
    sum = check(size)

    def client(number):
        for turn in range(2):
            if (number + turn) % 2:
                good = read_big(one, size) == (size, sum)
            else:
                good = send_big(one, size) == "%d %08x" % (size, sum)
            if not good:
                wrong.append((number, turn))
    clients = [threading.Thread(target=client, args=(n,)) for n in range(max(one.threads, 2))]
    for t in clients:
        t.start()
    for t in clients:
        t.join()
    assert wrong == []


@pytest.mark.seconds(300)
@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("keepalive", [None, 4])
def test_64_mebibytes_through_nginx(one, nginx, keepalive, buffering):
    size = 64 * MIB
    web = nginx(one, keepalive=keepalive,
                extra="fastcgi_request_buffering %s; fastcgi_buffering %s;" % (buffering, buffering))
    body = b"".join(block(i) for i in range(size // BLOCK))
    up = web.ask("PUT", "/take.php", body)
    assert (up.status, up.text) == (200, "%d %08x" % (size, check(size)))
    down = web.get("/give.php?blocks=%d" % (size // BLOCK))
    assert down.status == 200 and down.body == body
    assert "[error]" not in web.log()
