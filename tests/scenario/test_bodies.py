"""Bodies of any size, both ways, in constant memory."""
import hashlib

import pytest

from weirtest import fcgi, proc, until

pytestmark = pytest.mark.event

MIB = 1 << 20
SUM = """
$in = fopen('php://input', 'r'); $h = hash_init('sha256'); $n = 0;
while (!feof($in)) { $piece = fread($in, 65536); $n += strlen($piece); hash_update($h, $piece); }
echo $n, ' ', hash_final($h);
"""
POUR = "ini_set('output_buffering', 0); for ($i = 0; $i < %d; $i++) { echo str_repeat(chr(65 + $i %% 26), 1 << 20); }"


def told(data):
    return "%d %s" % (len(data), hashlib.sha256(data).hexdigest())


@pytest.fixture
def one(weir):
    """A pool of one child: its memory is the memory that counts."""
    www = weir.pool("pm.max_children = 1\n catch_workers_output = yes")
    www.write("sum.php", SUM)
    www.write("hello.php", "echo 'hello';")
    www.write("pour.php", POUR % 64)
    weir.start()
    return www


@pytest.mark.parametrize("size", [0, 1, 8191, 8192, 65535, 65536, 65537, 3 * MIB + 1])
def test_bodies_arrive_whole(one, size):
    data = bytes(i % 251 for i in range(4096)) * (size // 4096 + 1)
    assert one.get("/sum.php", body=data[:size], REQUEST_METHOD="PUT").text == told(data[:size])


def test_64_mib_in(one):
    one.get("/sum.php", body=b"x" * MIB, REQUEST_METHOD="PUT")
    child, = one.children()
    before = proc.private_kib(child)
    block = bytes(range(256)) * 4096
    c = one.connect().send(fcgi.begin(), fcgi.params(one.params(
        "/sum.php", b"", REQUEST_METHOD="PUT", CONTENT_LENGTH=str(64 * MIB))))
    most = 0
    for _ in range(64):
        c.send(fcgi.stdin(block, end=False))
        most = max(most, proc.private_kib(child))
    c.send(fcgi.stdin())
    assert c.reply().text == told(block * 64)
    assert most - before < 8192, "grew from %d to %d KiB" % (before, most)


def test_64_mib_out(one):
    one.get("/hello.php")
    child, = one.children()
    before = proc.private_kib(child)
    c = one.open("/pour.php")
    total, most = 0, 0
    for data in iter(c.read_some, b""):
        total += len(data)
        if total // MIB % 8 == 0:
            most = max(most, proc.private_kib(child))
    assert total - 64 * MIB in range(20, 400)           # the rest is the header
    assert c.ended_by == "eof"
    assert most - before < 8192, "grew from %d to %d KiB" % (before, most)


def test_a_client_that_does_not_read_holds_no_memory(one):
    one.get("/hello.php")
    child, = one.children()
    before = proc.private_kib(child)
    c = one.open("/pour.php")
    c.sock.recv(1)                                      # it pours
    seen = []
    until(lambda: seen.append(proc.private_kib(child)) or (seen[-20:] == seen[-1:] * 20), "the child waits")
    assert seen[-1] - before < 8192
    c.close()
    assert one.get("/hello.php").text == "hello"


@pytest.mark.parametrize("length", [None, ""])
@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH"])
def test_a_body_without_length_reaches_the_script_whole(one, length, method):
    data = b"chunk" * 40000
    reply = one.get("/sum.php", body=data, REQUEST_METHOD=method, CONTENT_LENGTH=length,
                    CONTENT_TYPE="application/octet-stream")
    assert reply.text == told(data)


def test_a_form_without_length_is_parsed(one):
    one.write("form.php", "echo json_encode($_POST);")
    assert one.post("/form.php", b"a=1&b=2", CONTENT_LENGTH=None).text == '{"a":"1","b":"2"}'


def test_a_chunked_body_through_nginx(one, nginx):
    web = nginx(one, extra="fastcgi_request_buffering off;")
    answer = web.ask("PUT", "/sum.php", iter([b"a" * 70000, b"b" * 70000]),
                     {"Transfer-Encoding": "chunked", "Content-Type": "application/octet-stream"})
    assert answer.text == told(b"a" * 70000 + b"b" * 70000)


def test_a_body_that_nobody_reads(one):
    c = one.open("/hello.php", body=b"y" * (4 * MIB), keep=True, CONTENT_TYPE="application/octet-stream",
                 REQUEST_METHOD="PUT")
    assert c.reply().text == "hello"
    c.send(one.request("/sum.php", b"next", REQUEST_METHOD="PUT"))
    assert c.reply().text == told(b"next")


@pytest.mark.not_event("the script begins when the body is whole")
def test_the_answer_may_come_before_the_body(one):
    one.write("early.php", "echo 'early'; ob_end_flush(); flush(); echo strlen(file_get_contents('php://input'));")
    data = one.request("/early.php", b"z" * 100, REQUEST_METHOD="PUT")
    c = one.connect().send(data[:-50])
    assert b"early" in c.read_some()
    c.send(data[-50:])
    assert c.reply().stdout == b"100"
