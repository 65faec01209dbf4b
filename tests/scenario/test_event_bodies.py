"""mpm = event: bodies of requests. A child gets whole requests, so a slow body costs none; a long one waits in a file
without a name, or goes on to a child as it comes; what cannot be kept is refused."""
import hashlib
import os
import shutil
import subprocess

import pytest

from weirtest import event, fcgi, until
from weirtest.event import at, gate, go, own_folder, refused, spool_files, started

DATA = bytes(range(256)) * 4096                 # 1 MiB


def told(data, method="PUT"):
    return "%d %s %s" % (len(data), hashlib.md5(data).hexdigest(), method)


def put(www, data, cut=65535):
    """Everything of such a request but what its body lacks: (head, records of the body)."""
    p = www.params("/echo.php", data, **event.PUT)
    return fcgi.begin() + fcgi.params(p), fcgi.stdin(data, cut=cut)


def test_a_body_byte_by_byte_holds_no_child(weir):
    www = started(weir)
    head, body = put(www, b"0123456789", cut=1)
    c = www.connect().send(head)
    for i in range(len(body)):
        c.send(body[i:i + 1])
        if i % 10 == 0:
            until(c.taken, "byte %d is read" % i)
            assert www.get("/pid.php").status == 200
    assert c.reply().text == told(b"0123456789")


@pytest.mark.parametrize("size", [0, 1, 32 * 1024, 32 * 1024 + 1, 64 * 1024, 64 * 1024 + 1, 1 << 20])
@pytest.mark.parametrize("buffering", ["auto", "yes", "no"])
def test_bodies_of_any_size_are_exact(weir, size, buffering):
    www = started(weir, lines="event.request_buffering = " + buffering)
    data = DATA[:size]
    assert www.post("/echo.php", data, **event.PUT).text == told(data)
    assert www.post("/echo.php", data, **event.PUT).text == told(data)


def test_a_long_body_waits_in_a_file_without_a_name(weir):
    folder = own_folder(weir)
    www = started(weir, lines="event.body_dir = %s\n event.body_memory = 16K" % folder)
    busy = gate(www, 0)
    at(www, 0)                                  # no child is free to take it as it comes
    c = www.open("/echo.php", DATA, **event.PUT)
    until(lambda: spool_files(www, folder) == [len(DATA)], lambda: "it lies in a file: %s" % spool_files(www, folder))
    assert os.listdir(folder) == []
    go(www, 0)
    assert busy.reply().text == "0"
    assert c.reply().text == told(DATA)
    until(lambda: spool_files(www, folder) == [], "the file is gone")


def test_a_slow_long_body_waits_in_a_file_although_a_child_is_free(weir):
    folder = own_folder(weir)
    www = started(weir, lines="event.body_dir = %s\n event.body_memory = 16K" % folder)
    www.write("late.php", "usleep(60000);")
    head, body = put(www, DATA[:100000])
    c = www.connect().send(head, body[:100])
    until(c.taken, "the head is read")
    www.get("/late.php")                        # at 10 MB/s over half a MiB would have come since
    c.send(body[100:-8])
    until(lambda: spool_files(www, folder) == [100000 - 92], lambda: "it lies in a file: %s" % spool_files(www, folder))
    c.send(body[-8:])
    assert c.reply().text == told(DATA[:100000])


def test_a_fast_long_body_goes_to_a_child_as_it_comes(weir):
    folder = own_folder(weir)
    www = started(weir, lines="event.body_dir = %s\n event.body_memory = 4K" % folder)
    www.write("first.php", "touch(__DIR__ . '/begun');" + event.ECHO)
    p = www.params("/first.php", DATA, **event.PUT)
    body = fcgi.stdin(DATA, cut=8000)
    c = www.connect()
    c.send(fcgi.begin() + fcgi.params(p) + body[:30000])        # comes in one read: no time has passed
    until(lambda: os.path.exists(www.root + "/begun"), "it runs before its body is whole")
    assert spool_files(www, folder) == []
    c.send(body[30000:])
    assert c.reply().text == told(DATA)


def test_yes_gives_nothing_before_it_is_whole(weir):
    folder = own_folder(weir)
    www = started(weir, lines="event.body_dir = %s\n event.body_memory = 4K\n event.request_buffering = yes" % folder)
    www.write("first.php", "touch(__DIR__ . '/begun');" + event.ECHO)
    body = fcgi.stdin(DATA, cut=8000)
    c = www.connect().send(fcgi.begin(), fcgi.params(www.params("/first.php", DATA, **event.PUT)), body[:-8])
    until(lambda: spool_files(www, folder) == [len(DATA)], "it lies in a file")
    assert not os.path.exists(www.root + "/begun")
    c.send(body[-8:])
    assert c.reply().text == told(DATA)


def test_no_gives_it_with_its_head(weir):
    www = started(weir, lines="event.request_buffering = no")
    www.write("first.php", "touch(__DIR__ . '/begun');" + event.ECHO)
    c = www.connect().send(fcgi.begin(), fcgi.params(www.params("/first.php", b"12345", **event.PUT)))
    until(lambda: os.path.exists(www.root + "/begun"), "it runs before its body has begun")
    c.send(fcgi.stdin(b"12345"))
    assert c.reply().text == told(b"12345")


def test_a_file_that_cannot_be_made_is_507(weir):
    folder = own_folder(weir)
    www = started(weir, lines="event.body_dir = %s\n event.body_memory = 16K\n event.request_buffering = yes" % folder)
    os.rmdir(folder)
    c = www.open("/echo.php", DATA, **event.PUT)
    assert refused(c.reply()) == (507, "no_storage", True)
    assert c.at_end() == "eof"
    assert "%s: No such file or directory" % folder in weir.wait_log("no_storage: event.body_dir").string
    assert www.post("/echo.php", DATA[:100], **event.PUT).text == told(DATA[:100])


@pytest.fixture
def small_disk(weir):
    """A file system with room for 256 KiB."""
    folder = own_folder(weir)
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=1777", "none", folder], stderr=subprocess.PIPE)
    if made.returncode != 0:
        pytest.skip("cannot mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.skipif(shutil.which("mount") is None or os.geteuid() != 0, reason="needs root to mount a file system")
def test_a_full_disk_is_507_and_room_is_found_again(weir, small_disk):
    www = started(weir, 2, "event.body_dir = %s\n event.body_memory = 16K\n event.request_buffering = yes" % small_disk)
    c = www.open("/echo.php", DATA, **event.PUT)
    assert refused(c.reply()) == (507, "no_storage", True)
    assert c.at_end() == "eof"
    assert "%s: No space left on device" % small_disk in weir.wait_log("no_storage: event.body_dir").string
    until(lambda: spool_files(www, small_disk) == [], "what lay there is let go")
    assert www.post("/echo.php", DATA[:200000], **event.PUT).text == told(DATA[:200000])


def test_more_than_max_body_is_413_and_holds_no_child(weir):
    www = started(weir, lines="request.max_body = 1000")
    assert refused(www.post("/echo.php", b"x" * 1001)) == (413, "body_too_large", True)
    assert www.post("/echo.php", b"x" * 1000, **event.PUT).text == told(b"x" * 1000)
    p = www.params("/echo.php", None, **dict(event.PUT, CONTENT_LENGTH=None))
    c = www.connect().send(fcgi.begin(), fcgi.params(p), fcgi.stdin(b"x" * 1001, end=False))    # length not announced
    assert refused(c.reply()) == (413, "body_too_large", True) and c.at_end() == "eof"


def test_a_body_that_stops_is_408(weir):
    www = started(weir, lines="request.body_timeout = 1s")
    head, body = put(www, b"x" * 1000)
    c = www.connect().send(head, body[:500])
    assert refused(c.reply()) == (408, "body_timeout", True) and c.at_end() == "eof"


def test_a_client_that_leaves_in_its_body_costs_nothing(weir):
    folder = own_folder(weir)
    www = started(weir, lines="event.body_dir = %s\n event.body_memory = 4K\n event.request_buffering = yes" % folder)
    head, body = put(www, DATA)
    for _ in range(5):
        with www.connect() as c:
            c.send(head, body[:100000])
            until(c.taken, "the server has it")
    until(lambda: spool_files(www, folder) == [], "their files are gone")
    assert not os.path.exists(www.root + "/order")
    assert www.get("/pid.php").status == 200
