"""The engine against libfcgi: the same bytes to both, the same answers back. Differences are allowed only as listed
in ALLOWED, each with the section of the FastCGI 1.0 specification that it rests on."""
import os
import socket
import subprocess

import pytest

import streams
from weirtest import Weir, fcgi, proc, until

HERE = os.path.dirname(os.path.abspath(__file__))

# What may differ: name -> (section, what libfcgi does, what Weir does).
ALLOWED = {
    "unknown role": ("5.5", "closes without an answer", "END_REQUEST with FCGI_UNKNOWN_ROLE"),
    "filter": ("6.4", "serves a Filter as a Responder", "UNKNOWN_ROLE: the application declares which roles it has"),
    "abort": ("5.4", "closes", "END_REQUEST for the aborted request, and the connection lives"),
    "sent ahead": ("3.3", "loses a request that came in the same read as the one before", "serves it in its turn"),
    "empty record of an inactive id": ("3.3", "drops the content of the next record too", "passes over that one only"),
    "content of an unknown management record": ("4.2", "takes it for content of the stream", "passes over it"),
    "BEGIN of an id that is active": ("3.3", "FCGI_CANT_MPX_CONN", "closes: the peer has lost count of its requests"),
    "padding of BEGIN or of an empty record": ("3.3", "takes it for the next header", "passes over it"),
    "id 0 on an application record": ("3.3", "UNKNOWN_TYPE", "closes: an application record needs an id"),
    "application record of another type": ("3.3", "closes", "passes over it"),
    "broken off": ("5.3", "END_REQUEST with an empty reply", "closes, or says 400"),
}


class Pair:
    """Both servers."""

    def __init__(self, weir):
        self.weir, self.path = weir, weir.path("libfcgi.sock")
        program = os.environ.get("WEIR_ECHO_LIBFCGI") or self.build(weir.path("echo_libfcgi"))
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.path)
            s.listen(50)
            self.proc = subprocess.Popen([program], stdin=s, preexec_fn=proc.end_with_parent)
        weir.before.add(self.proc.pid)
        self.pool = weir.pool("sapi = echo\n security.limit_extensions =\n pm.max_children = 2", name="echo")
        weir.start()
        self.addresses = [self.path, self.pool.address]

    @staticmethod
    def build(program):
        compiler = os.environ.get("CC", "cc").split()
        subprocess.run(compiler + ["-o", program, os.path.join(HERE, "echo_libfcgi.c"), "-lfcgi"], check=True)
        return program

    def talk(self, turns, seed=None):
        """(libfcgi's transcript, Weir's)"""
        return [streams.talk(a, turns, streams.dice_for("cuts", seed) if seed is not None else None)
                for a in self.addresses]

    def pour(self, data):
        return [streams.pour(a, data) for a in self.addresses]

    def stop(self):
        self.proc.kill()
        self.proc.wait()


@pytest.fixture(scope="module")
def both():
    weir = Weir()
    pair = Pair(weir)
    yield pair
    pair.stop()
    weir.finish()


def same(lib, weir):
    assert weir.key() == lib.key(), "libfcgi: %r\nweir: %r" % (lib, weir)


# ---- streams as front ends send them

@pytest.mark.parametrize("seed", range(40))
def test_valid_streams(both, seed):
    dice = streams.dice_for("valid", seed)
    count = dice.randint(1, 4)
    turns = []
    for n in range(count):
        role = dice.choice([fcgi.RESPONDER] * 4 + [fcgi.AUTHORIZER])
        r = streams.Request(dice, keep=n < count - 1 or dice.random() < 0.5, role=role)
        turns.append((r.id, r.bytes()))
    same(*both.talk(turns))


@pytest.mark.parametrize("seed", range(15))
def test_streams_cut_anywhere(both, seed):
    dice = streams.dice_for("cut", seed)
    requests = [streams.Request(dice, keep=True) for _ in range(2)]
    same(*both.talk([(r.id, r.bytes()) for r in requests], seed))


def noise(dice, id):
    """A record that changes nothing for the request of this id, but may be answered."""
    other = id % 65535 + 1
    return dice.choice([
        fcgi.record(fcgi.STDIN, other, dice.randbytes(dice.randint(1, 3000)), dice.randint(0, 255)),
        fcgi.record(fcgi.PARAMS, other, dice.randbytes(50)),
        fcgi.record(200, other, b"x" * 70),
        fcgi.record(dice.randint(12, 255), 0),
        fcgi.get_values("FCGI_MAX_CONNS", "FCGI_MPXS_CONNS"), fcgi.get_values("FCGI_MAX_REQS", "OTHER"),
        fcgi.begin(other),                              # CANT_MPX_CONN; only between BEGIN and the end of STDIN
    ])


@pytest.mark.parametrize("seed", range(30))
def test_streams_with_other_records_between(both, seed):
    dice = streams.dice_for("noise", seed)
    turns = []
    for _ in range(2):
        r = streams.Request(dice, keep=True)
        pieces = r.pieces()
        for _ in range(dice.randint(1, 6)):
            pieces.insert(dice.randint(1, len(pieces) - 1), noise(dice, r.id))
        turns.append((r.id, b"".join(pieces)))
    same(*both.talk(turns))


def test_management_before_anything(both):
    data = fcgi.get_values("FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS") + fcgi.record(77, 0)
    r = streams.Request(streams.dice_for("first", 0), keep=True)
    same(*both.talk([(r.id, data + r.bytes())]))


def test_an_authorizer_with_an_empty_stdin(both):
    r = streams.Request(streams.dice_for("auth", 0), id=5, keep=False, role=fcgi.AUTHORIZER)
    same(*both.talk([(5, r.bytes())]))
    lib, weir = both.pour(r.bytes() + fcgi.stdin(id=5))
    assert weir.served() == lib.served() != []


# ---- streams that are wrong

def wrong(change):
    """A request after change(its records)."""
    r = streams.Request(streams.dice_for("wrong", 1), id=3, keep=True)
    r.params, r.body = [(b"A", b"1"), (b"B", b"2" * 300)], b"body" * 100
    pieces = r.pieces()
    return b"".join(change(pieces) or pieces)


def length(record):
    return int.from_bytes(record[4:6], "big")


REFUSED = {
    "version 0": lambda p: [b"\0" + p[0][1:]] + p[1:],
    "version 2 in the middle": lambda p: p[:1] + [b"\2" + p[1][1:]] + p[2:],
    "BEGIN with id 0": lambda p: [fcgi.begin(0)] + p[1:],
    "BEGIN of 7 bytes": lambda p: [fcgi.record(fcgi.BEGIN, 3, bytes(7))] + p[1:],
    "BEGIN of 9 bytes": lambda p: [fcgi.record(fcgi.BEGIN, 3, b"\0\1" + bytes(7))] + p[1:],
    "no BEGIN": lambda p: p[1:],
    "a name past the end": lambda p: p[:1] + [fcgi.params(b"\x7f\x01A", 3)] + p[3:],
    "a value past the end": lambda p: p[:1] + [fcgi.params(b"\x01\x7fAB", 3)] + p[3:],
    "lengths without a pair": lambda p: p[:1] + [fcgi.params(b"\x01", 3)] + p[3:],
    "a cut long length": lambda p: p[:1] + [fcgi.params(b"\x80\x00", 3)] + p[3:],
    "an enormous name": lambda p: p[:1] + [fcgi.params(b"\xff\xff\xff\xff\x00A", 3)] + p[3:],
    "cut inside BEGIN": lambda p: [p[0][:11]],
    "cut inside PARAMS": lambda p: p[:1] + [p[1][:50]],
    "cut inside padding": lambda p: p[:1] + [fcgi.record(fcgi.PARAMS, 3, b"", 200)[:30]],
    "nothing at all": lambda p: [b""],
    "HTTP": lambda p: [b"GET / HTTP/1.0\r\n\r\n"],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_neither_serves(both, name):
    lib, weir = both.pour(wrong(REFUSED[name]))
    assert lib.served() == weir.served() == []
    assert lib.end == weir.end == "closed"


@pytest.mark.parametrize("name, change", [
    ("padding behind all contents", lambda p: p[:1] + [
        x[:6] + b"\xff\0" + x[8:8 + length(x)] + bytes(255) if length(x) else x for x in p[1:]]),
    ("a BEGIN of another id", lambda p: p[:2] + [fcgi.begin(4)] + p[2:]),
    ("reserved bytes set", lambda p: [x[:7] + b"\xaa" + x[8:] for x in p]),
    ("no parameters", lambda p: p[:1] + [fcgi.params(b"", 3)] + p[-2:]),
])
def test_what_both_serve_alike(both, name, change):
    lib, weir = both.pour(wrong(change))
    assert (weir.replies, weir.management) == (lib.replies, lib.management)


def differ(name, data):
    """One allowed difference: its stream, and then what must be true of (libfcgi's answer, Weir's)."""
    return pytest.param(name, data, id=name)


@pytest.mark.parametrize("name, data", [
    differ("unknown role", fcgi.begin(1, role=9) + fcgi.params({"A": "B"}) + fcgi.stdin()),
    differ("filter", fcgi.begin(1, role=3) + fcgi.params({"A": "B"}) + fcgi.stdin() + fcgi.stream(fcgi.DATA, b"x")),
    differ("abort", fcgi.begin(1) + fcgi.params({"A": "B"}) + fcgi.stdin(b"x", end=False) + fcgi.abort(1)),
    differ("sent ahead", b"".join(fcgi.begin(i, keep=True) + fcgi.params({"A": "B"}, i) + fcgi.stdin(id=i)
                                  for i in (1, 2))),
    differ("empty record of an inactive id", fcgi.record(fcgi.STDIN, 9) + fcgi.begin(1) + fcgi.params({"A": "B"})
           + fcgi.stdin()),
    differ("BEGIN of an id that is active", fcgi.begin(1) + fcgi.begin(1) + fcgi.params({"A": "B"}) + fcgi.stdin()),
    differ("padding of BEGIN or of an empty record", fcgi.begin(1) + fcgi.params({"A": "B"}, padding=3, end=False)
           + fcgi.record(fcgi.PARAMS, 1, padding=9) + fcgi.stdin()),
    differ("content of an unknown management record", fcgi.begin(1) + fcgi.record(99, 0, b"\1\1AB")
           + fcgi.params({"A": "B"}) + fcgi.stdin()),
    differ("id 0 on an application record", fcgi.begin(1) + fcgi.params({"A": "B"}, 0) + fcgi.params({})
           + fcgi.stdin()),
    differ("application record of another type", fcgi.begin(1) + fcgi.params({"A": "B"}, end=False)
           + fcgi.record(fcgi.DATA, 1, b"x") + fcgi.params({}) + fcgi.stdin()),
    differ("broken off", fcgi.begin(1) + fcgi.params({"A": "B"}) + fcgi.stdin(b"half", end=False)),
])
def test_the_allowed_differences(both, name, data):
    lib, weir = both.pour(data)
    assert name in ALLOWED
    ends = [(r[0], r[4]) for r in weir.replies]
    expected = {
        "unknown role": ([], [(1, fcgi.UNKNOWN_ROLE)]), "filter": ([1], [(1, fcgi.UNKNOWN_ROLE)]),
        "abort": ([], [(1, fcgi.COMPLETE)]), "sent ahead": ([1], [(1, fcgi.COMPLETE), (2, fcgi.COMPLETE)]),
        "BEGIN of an id that is active": ([1], []),
        "padding of BEGIN or of an empty record": ([], [(1, fcgi.COMPLETE)]),
        "content of an unknown management record": ([1], [(1, fcgi.COMPLETE)]),
        "empty record of an inactive id": ([], [(1, fcgi.COMPLETE)]), "id 0 on an application record": ([1], []),
        "application record of another type": ([], [(1, fcgi.COMPLETE)]), "broken off": ([], ends),
    }[name]
    assert ([r[0] for r in lib.served()], ends) == expected, "libfcgi: %r\nweir: %r" % (lib, weir)
    if name == "broken off":
        assert weir.served() == []
    if name == "content of an unknown management record":
        assert b"params=2" in lib.served()[0][1] and b"params=1" in weir.served()[0][1]


# ---- bytes changed at random

def facts(data):
    """The names of allowed differences that these bytes may bring up, by a plain reading of their records."""
    found, active, at, begun = set(), None, 0, 0
    while at + 8 <= len(data):
        version, type, id = data[at], data[at + 1], int.from_bytes(data[at + 2:at + 4], "big")
        length, padding = int.from_bytes(data[at + 4:at + 6], "big"), data[at + 6]
        content = data[at + 8:at + 8 + length]
        if version != 1:
            return found | {"broken off"}
        if type == fcgi.BEGIN and active is None:
            active, begun = id, begun + 1
            if content[:2] not in (b"\0\1", b"\0\2"):
                found |= {"unknown role", "filter"}
            if content[:2] == b"\0\2":
                found.add("broken off")                 # an Authorizer's STDIN is nobody's (section 6.3)
        elif id == 0 and type < 12 and type != fcgi.GET_VALUES:
            found.add("id 0 on an application record")
        elif id == 0 and length:
            found.add("content of an unknown management record")
        elif type == fcgi.BEGIN and id == active:
            found.add("BEGIN of an id that is active")
        elif type != fcgi.BEGIN and id == active and type not in (fcgi.PARAMS, fcgi.STDIN):
            found |= {"abort", "application record of another type"}
        elif id not in (0, active):
            found |= {"empty record of an inactive id"} if length == 0 else set()
            found |= {"broken off"} if active is not None else set()
        found |= {"padding of BEGIN or of an empty record"} if padding and (not length or type == fcgi.BEGIN) else set()
        at += 8 + length + padding
    return found | ({"broken off"} if at != len(data) or active is None else set())


@pytest.mark.parametrize("seed", range(60))
def test_streams_with_changed_bytes(both, seed):
    dice = streams.dice_for("changed", seed)
    r = streams.Request(dice, keep=False)
    r.body = r.body[:2000]
    data = bytearray(r.bytes())
    for _ in range(dice.choice([1, 1, 1, 2, 5])):
        near = dice.random() < 0.7
        data[dice.randrange(min(len(data), 80) if near else len(data))] = dice.randrange(256)
    lib, weir = both.pour(bytes(data))
    if weir.served() != lib.served():
        assert facts(bytes(data)) & set(ALLOWED), "libfcgi: %r\nweir: %r\n%s" % (lib, weir, bytes(data[:200]).hex())
    r = streams.Request(dice, keep=False)
    same(*both.talk([(r.id, r.bytes())]))               # both live on


def test_the_children_were_never_replaced(both):
    """Last in this file: none of all that cost a child its life."""
    assert both.weir.log_lines("exited on signal") == []
    until(lambda: len(both.pool.children()) == 2, "two children")
