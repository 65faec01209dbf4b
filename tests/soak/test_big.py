"""Transfers of a gibibyte, both ways, in constant memory."""
import hashlib
import http.client

import pytest

from weirtest import fcgi, proc

MIB, COUNT = 1 << 20, 1024
SUM = """
$in = fopen('php://input', 'r'); $h = hash_init('md5'); $n = 0;
while (!feof($in)) { $piece = fread($in, 65536); $n += strlen($piece); hash_update($h, $piece); }
echo $n, ' ', hash_final($h);
"""
pytestmark = pytest.mark.seconds(600)


@pytest.fixture
def one(weir):
    www = weir.pool("pm.max_children = 1")
    www.write("sum.php", SUM)
    www.write("pour.php", "ini_set('output_buffering', 0); $s = str_repeat('0123456789abcdef', 65536);"
              "for ($i = 0; $i < %d; $i++) { echo $s; }" % COUNT)
    www.write("hello.php", "echo 'hello';")
    weir.start()
    www.get("/hello.php")
    return www


def grown(weir, before):
    return max(proc.private_kib(p) - before.get(p, 0) for p in weir.tree())


def test_a_gibibyte_in(one):
    before = {p: proc.private_kib(p) for p in one.weir.tree()}
    block, told = bytes(range(256)) * 4096, hashlib.md5()
    c = one.connect(timeout=120).send(fcgi.begin(), fcgi.params(one.params(
        "/sum.php", b"", REQUEST_METHOD="PUT", CONTENT_LENGTH=str(COUNT * MIB))))
    most, data = 0, fcgi.stdin(block, end=False)
    for i in range(COUNT):
        c.send(data)
        told.update(block)
        most = max(most, grown(one.weir, before)) if i % 64 == 63 else most
    assert c.send(fcgi.stdin()).reply().text == "%d %s" % (COUNT * MIB, told.hexdigest())
    assert most < 8192


def test_a_gibibyte_out(one):
    before = {p: proc.private_kib(p) for p in one.weir.tree()}
    c = one.open("/pour.php")
    total, most, next_look = 0, 0, 64 * MIB
    for data in iter(c.read_some, b""):
        total += len(data)
        if total > next_look:
            most, next_look = max(most, grown(one.weir, before)), next_look + 64 * MIB
    assert total - COUNT * MIB in range(20, 400) and c.ended_by == "eof"
    assert most < 8192


def test_a_gibibyte_through_nginx(one, nginx):
    web = nginx(one, keepalive=1, extra="fastcgi_buffering off; fastcgi_request_buffering off;")
    c = http.client.HTTPConnection("127.0.0.1", web.port, timeout=120)
    c.request("GET", "/pour.php")
    answer, total = c.getresponse(), 0
    while data := answer.read(MIB):
        total += len(data)
    c.close()
    assert total == COUNT * MIB
