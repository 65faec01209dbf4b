"""libfcgi's calls on a request of Weir's: the same handler as a program on libfcgi and as a module, the same requests,
the same replies."""
import os
import random

import pytest

import modules
from weirtest import Weir, fcgi


class Pair:
    def __init__(self, weir, model):
        weir.model = model
        source = os.path.join(modules.HERE, "calls.c")
        self.weir = weir
        self.pool = modules.pool(weir, modules.module(weir, source), "pm.max_children = 1\nenv[MARK] = here")
        self.program = modules.Program(weir, source)
        weir.start()
        self.addresses = [self.program.path, self.pool.address]

    def ask(self, do, **how):
        """(libfcgi's reply, Weir's)"""
        data = modules.ask(self.pool, do, **how)
        got = []
        for address in self.addresses:
            with fcgi.Connection(address, timeout=20) as c:
                got.append(c.send(data).reply())
        return got


@pytest.fixture(scope="module", params=["prefork", pytest.param("worker", marks=pytest.mark.threads)])
def both(request):
    weir = Weir()
    pair = Pair(weir, request.param)
    yield pair
    pair.program.stop()
    weir.finish()


def same(both, do, **how):
    lib, weir = both.ask(do, **how)
    assert (weir.app_status, weir.protocol_status) == (lib.app_status, lib.protocol_status), do
    for name in ("stdout", "stderr"):
        parts = [bytes(getattr(r, name)).split(b"\n") for r in (lib, weir)]
        assert parts[0] == parts[1], (name, do, next(x for x in zip(*parts) if x[0] != x[1]))
    return weir


LINES = b"first line\nsecond\n\nno end"
MANY = bytes(range(256)) * 300


@pytest.mark.parametrize("do, how, text", [
    ("R", {}, "role 1, id 1, first parameter FCGI_ROLE=RESPONDER"),
    ("R", {"role": fcgi.AUTHORIZER}, "role 2, id 1, first parameter FCGI_ROLE=AUTHORIZER"),
    ("R", {"role": fcgi.FILTER, "data": b""}, "role 3, id 1, first parameter FCGI_ROLE=FILTER"),
    ("qQUERY_STRING;qNO_SUCH;q;qFCGI_ROLE", {"QUERY_STRING": "a=b"}, "GetParam a=b\nGetParam NULL"),
    ("c3;u88;c2;e;s5;e;c1;e;u1;c1;x;e", {"body": b"abcdefgh"}, "GetChar 97 98 99\nUnGetChar 88\nGetChar 88 100"),
    ("l100;l4;l100;l100;l100;l100;e", {"body": LINES}, "GetLine line: 11 bytes"),
    ("s7;e;s70000;e;s70000;e;s1;e", {"body": MANY}, "seen eof -1"),
    ("c1;e;s10;e", {}, "GetChar -1\nin: seen eof -1, error 0"),
    ("c1;e", {"body": b"", "CONTENT_LENGTH": None}, "GetChar -1"),
    ("s4;i;s4;e", {"body": b"abcdefgh"}, "FClose in 0, GetChar -1"),
    ("pone;C50;P10;P40000;C51;F;ptwo;o", {}, "PutStr 40000"),
    ("P8184;F;P8192;F;P8193;F;P32768;F;P32769;F;P65536;F", {}, "PutStr 65536\nFFlush 0"),
    ("f", {}, "[-7|   42|42   |00042|+42|4000000000|ff|FF|10|z|text|abc|"),
    ("Ehello\n;G;Eworld\n;F;o", {}, "err FFlush 0"),
    ("p1;E2;p3;E4", {}, "3PutS 1"),
    ("X5", {}, ""), ("X6;X7", {}, ""), ("X-1", {}, ""), ("X255;r0", {}, ""), ("X1;r3", {}, ""), ("r77", {}, ""),
    ("px;z;Eafter;o;X9", {}, "x"), ("px;Ey;Z;pafter;o;X9", {}, "FClose err 0, PutS -1"), ("px;z;Z;X9", {}, "x"),
    ("X3;px;k", {}, "x"), ("s2;pdone;k", {"body": b"abcdef"}, "done"), ("a;px", {}, "Attach 0"),
    ("pa;F;z;Z;v0", {}, "a"),
    ("d;e;c1", {"body": b"x"}, "StartFilterData -1\nin: seen eof -1, error -5"),
    ("s100;e;d;e;s3;e;s100;e;d;e", {"role": fcgi.FILTER, "body": b"form", "data": b"the file"}, "StartFilterData 0"),
    ("d;e", {"role": fcgi.FILTER, "body": b"form", "data": b"the file"}, "StartFilterData -1"),
    ("s9;d;l100;u65;l100;l100", {"role": fcgi.FILTER, "body": b"", "data": LINES}, "GetLine line"),
    ("s9;d;s100000;s100000;s1;e", {"role": fcgi.FILTER, "body": b"x", "data": MANY}, "76800 bytes"),
    ("pnothing read", {"role": fcgi.FILTER, "body": MANY, "data": MANY}, "nothing read"),
    ("s9;d;c1;e", {"role": fcgi.FILTER, "body": b"", "data": b""}, "GetChar -1"),
    ("b", {}, "write -1 is EPIPE 1"), ("B", {}, "ignored by others 0"),
    ("I;px", {}, "x"),                  # from here on libfcgi has its own handlers
])
def test_calls(both, do, how, text):
    assert text in same(both, do, **how).text


def random_commands(dice):
    """Commands that a handler may make in any order; a character is given back only right behind a GetChar."""
    out = []
    for _ in range(dice.randint(1, 30)):
        one = dice.choice(["c%d" % dice.randint(1, 4), "c2;u%d" % dice.randint(0, 255), "s%d" % dice.choice([1, 9, 3000]),
                           "s70000", "l%d" % dice.choice([2, 10, 500]), "e", "p%s" % ("x" * dice.randint(0, 50)), "f",
                           "P%d" % dice.choice([1, 100, 8000, 33000]), "C%d" % dice.randint(32, 255), "F", "E!\n", "G",
                           "o", "X%d" % dice.randint(0, 300), "x", "a", "qQUERY_STRING", "R", "d"])
        out.append(one)
    return ";".join(out + dice.choice([[], [], ["z"], ["Z"], ["z", "Z"], ["k"], ["r%d" % dice.randint(0, 200)]]))


@pytest.mark.parametrize("seed", range(40))
def test_any_calls(both, seed):
    dice = random.Random("calls %d" % seed)
    body = dice.randbytes(dice.choice([0, 1, 100, 8192, 100000]))
    body = body.replace(b"\0", b"\n")
    role = dice.choice([fcgi.RESPONDER, fcgi.RESPONDER, fcgi.FILTER])
    data = dice.randbytes(dice.choice([0, 5, 70000])) if role == fcgi.FILTER else None
    same(both, random_commands(dice), body=body, role=role, data=data and data.replace(b"\0", b"\n"))


def test_many_parameters_and_large_ones(both):
    more = {"P%d" % i: "v" * i for i in range(700)}
    same(both, "qP699;qP0;R", BIG="b" * 200000, **more)
    same(both, "qBIG;R")


def test_free_without_finish(both):
    """libfcgi throws away what was not flushed, and the connection with it; here the reply ends whole."""
    for do in ("pgone;v0", "pgone;v1"):
        data = modules.ask(both.pool, do)
        with fcgi.Connection(both.pool.address) as c:
            assert c.send(data).reply().stdout == b""
    assert same(both, "px").text == "xPutS 1\n"


def test_detach_is_refused(both):
    """The connection is Weir's: nobody else takes it over."""
    assert both.pool.get("/", DO="D;px").text == "Detach -1, Attach 0\nxPutS 1\n"


@pytest.mark.parametrize("init", ["", "I;"])
def test_a_handler_that_loops_as_a_program_does(both, init):
    """FCGX_Accept_r() ends the request, and there is no other."""
    reply = both.pool.get("/", DO=init + "px;X4;F;A")
    assert reply.text == "xPutS 1\nFFlush 0\n"


def test_the_child_was_never_replaced(both):
    """Last in this file: what was freed by libfcgi was made anew, in one and the same process."""
    assert both.weir.log_lines("exited|WARNING(?!.*pm.max_children)|ERROR") == []
    assert len(both.pool.children()) == 1
