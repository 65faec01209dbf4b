"""Bytes that are no FastCGI, or lie: the connection ends, the child lives, nobody else notices."""
import os
import random

import pytest

from weirtest import fcgi

pytestmark = pytest.mark.event

LIES = {
    "id 0 on BEGIN": fcgi.begin(0),
    "id 0 on PARAMS": fcgi.begin(1) + fcgi.params({"A": "B"}, 0),
    "a version of 0": fcgi.record(fcgi.BEGIN, 1, bytes(8), version=0),
    "a version of 2": fcgi.record(fcgi.BEGIN, 1, bytes(8), version=2),
    "HTTP": b"GET / HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "TLS": bytes.fromhex("1603010200010001fc0303") + bytes(500),
    "BEGIN too short": fcgi.record(fcgi.BEGIN, 1, b"\0\1"),
    "a name longer than the stream": fcgi.begin() + fcgi.params(b"\x7f\x01NAME"),
    "a value longer than the stream": fcgi.begin() + fcgi.params(b"\x01\x05Nab"),
    "a pair that ends in its lengths": fcgi.begin() + fcgi.params(b"\x01"),
    "a long length cut short": fcgi.begin() + fcgi.params(b"\x80\x00"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_ends_the_connection_and_nothing_else(www, name):
    www.write("ok.php", "echo 'ok';")
    before = www.children()
    c = www.connect().send(LIES[name])
    reply = c.reply()
    assert not reply.stdout or reply.status >= 400, "served: %r" % reply
    assert c.at_end()
    assert www.get("/ok.php").text == "ok"
    assert www.children() == before


@pytest.mark.not_event("what is announced is not looked at before the head is whole")
def test_lengths_of_two_gigabytes_cost_no_memory(weir):
    www = weir.pool("request.max_params = 100000\n pm.max_children = 1\n security.reason_header = yes")
    weir.start()
    c = www.connect().send(fcgi.begin(), fcgi.params(b"\xff\xff\xff\xff\xff\xff\xff\xffN", end=False))
    reply = c.reply()
    assert reply.status == 431 and c.at_end()
    assert len(www.children()) == 1


def test_claimed_lengths_are_not_believed_where_memory_is_short(plain_weir):
    weir = plain_weir                                   # a sanitizer needs terabytes of addresses
    www = weir.pool("request.max_params = 1073741824\n pm.max_children = 1\n request.header_timeout = 1s")
    www.write("ok.php", "echo 'ok';")
    command = weir.command
    weir.command = lambda *args: ["prlimit", "--as=%d" % (768 << 20)] + command(*args)
    weir.start()
    before = www.children()
    for claim in (b"\xbb\x9a\xca\0\x01", b"\x01\xbb\x9a\xca\0", b"\x9d\xcd\x65\0\x9d\xcd\x65\0"):
        www.connect().send(fcgi.begin(), fcgi.params(claim + b"N" * 100, end=False)).reply()
    assert www.get("/ok.php").text == "ok" and www.children() == before


def test_a_pair_whose_lengths_add_up_past_32_bits(www):
    c = www.connect().send(fcgi.begin(), fcgi.params(b"\xff\xff\xff\xff\x80\x00\x00\x03ABC"))
    assert c.reply().status in (400, 431, None) and c.at_end()


def test_id_0_on_a_body_that_the_script_reads(www):
    www.write("len.php", "echo strlen(file_get_contents('php://input'));")
    p = www.params("/len.php", b"body", REQUEST_METHOD="PUT")
    c = www.connect().send(fcgi.begin(keep=True), fcgi.params(p), fcgi.record(fcgi.STDIN, 0, b"body"), fcgi.stdin())
    assert c.reply().status in (400, None) and c.at_end()


def test_garbage_of_every_kind_harms_nobody(www):
    www.write("ok.php", "echo 'ok';")
    good = www.request("/ok.php")
    dice = random.Random(4711)
    before = www.children()
    for _ in range(150):
        data = bytearray(good)
        for _ in range(dice.randint(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        with www.connect() as c:
            c.send(bytes(data[:dice.randint(1, len(data))]))
    assert www.get("/ok.php").text == "ok"
    assert www.children() == before


def test_a_connection_that_says_nothing_and_goes_is_not_worth_a_word(www):
    www.write("ok.php", "echo 'ok';")
    said = len(www.weir.log().splitlines())
    for _ in range(20):
        www.connect().close()
    assert www.get("/ok.php").text == "ok"
    assert len(www.weir.log().splitlines()) == said


def test_descriptors_do_not_grow(www):
    www.write("ok.php", "echo 'ok';")

    def count():
        return [len(os.listdir("/proc/%d/fd" % p)) for p in www.children()]
    for _ in range(10):
        www.get("/ok.php")
    before = count()
    for name in LIES:
        www.connect().send(LIES[name]).reply()
    for _ in range(10):
        www.get("/ok.php")
    assert count() == before
