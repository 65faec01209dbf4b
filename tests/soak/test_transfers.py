"""Big replies byte for byte, by hash: a gibibyte from the server, and 64 MiB both ways through nginx."""
import hashlib

import pytest

from weirtest import fcgi, proc

GIB, BLOCK = 1 << 30, 1 << 16
MIB_OF_CHILD = 8        # what a child may grow by
REST = bytes(range(256)) * (BLOCK // 256)

TAKE = """
$hash = hash_init('sha256');
for ($in = fopen('php://input', 'rb'), $size = 0; ($data = fread($in, 65536)) !== '' && $data !== false;) {
	hash_update($hash, $data);
	$size += strlen($data);
}
echo $size, ' ', hash_final($hash);
"""
GIVE = """
$rest = substr(str_repeat(implode('', array_map('chr', range(0, 255))), 256), 8);
for ($i = 0; $i < $_GET['blocks']; $i++) { echo sprintf('%08x', $i), $rest; }
"""


@pytest.fixture
def one(weir):
    www = weir.pool("pm.max_children = 1")
    www.write("take.php", TAKE)
    www.write("give.php", GIVE)
    weir.start()
    return www


def block(i):
    return b"%08x" % i + REST[8:]


def digest(size):
    h = hashlib.sha256()
    for i in range(size // BLOCK):
        h.update(block(i))
    return h.hexdigest()


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
    """(bytes of the body, their hash)"""
    c, h, got, head = www.open("/give.php?blocks=%d" % (size // BLOCK)), hashlib.sha256(), 0, b""
    for rec in iter(c.record, None):
        if rec.type == fcgi.END:
            return got, h.hexdigest()
        data = rec.content if rec.type == fcgi.STDOUT else b""
        if head is not None:
            head, blank, data = (head + data).partition(b"\r\n\r\n")
            head = None if blank else head
        got += len(data)
        h.update(data)
    raise AssertionError("the connection ended after %d bytes" % got)


@pytest.mark.seconds(300)
def test_a_gibibyte_down_is_whole(one):
    assert read_big(one, 1 << 20) == (1 << 20, digest(1 << 20))
    growth = Growth(one)
    assert read_big(one, GIB) == (GIB, digest(GIB))
    print("\nthe child grew by at most %d KiB" % growth.kib())
    assert growth.kib() < MIB_OF_CHILD * 1024


@pytest.mark.parametrize("buffering", ["on", "off"])
@pytest.mark.parametrize("keepalive", [None, 4])
def test_64_mebibytes_through_nginx(one, nginx, keepalive, buffering):
    size = 64 << 20
    web = nginx(one, keepalive=keepalive,
                extra="fastcgi_request_buffering %s; fastcgi_buffering %s;" % (buffering, buffering))
    body = b"".join(block(i) for i in range(size // BLOCK))
    up = web.ask("PUT", "/take.php", body)       # PHP holds a POST to its post_max_size
    assert (up.status, up.text) == (200, "%d %s" % (size, digest(size)))
    down = web.get("/give.php?blocks=%d" % (size // BLOCK))
    assert down.status == 200 and down.body == body
    assert "[error]" not in web.log()
