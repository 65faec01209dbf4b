"""How many system calls a small request costs its child, as strace counts them."""
import os
import shutil

import pytest

from weirtest import Strace, until

MOST = {"new": 13, "kept": 10}

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")


@pytest.fixture
def hello(plain_weir):                                  # sanitizers make calls of their own
    www = plain_weir.pool("pm.max_children = 1")
    os.utime(www.write("hello.php", "echo 'hello';"), (1, 1))       # opcache leaves out files of the last seconds
    plain_weir.start()
    return www


def calls(www, ask, rounds=20):
    """Of so many requests, the calls of the serving thread."""
    for _ in range(5):
        ask()
    trace = Strace(www.weir, www.children()[0])
    for _ in range(rounds):
        ask()
    names = trace.stop()
    until(lambda: not any("strace" in x for x in names), "a list of calls")
    return names


def test_a_new_connection(hello):
    names = calls(hello, lambda: hello.get("/hello.php"))
    assert len(names) <= MOST["new"] * 20 + 2, names[:40]       # the wait that strace cut may show twice
    assert names.count("accept4") == 20


def test_a_kept_connection(hello):
    c = hello.connect()

    def ask():
        c.send(hello.request("/hello.php", keep=True))
        assert c.reply().text == "hello"
    names = calls(hello, ask)
    assert len(names) <= MOST["kept"] * 20 + 2, names[:40]


def test_one_read_and_one_write(hello):
    names = calls(hello, lambda: hello.get("/hello.php"))
    reads = [n for n in names if n in ("read", "recvfrom", "recvmsg", "readv")]
    writes = [n for n in names if n in ("write", "sendto", "sendmsg", "writev")]
    assert len(reads) <= 21 and len(writes) <= 21, names[:40]
