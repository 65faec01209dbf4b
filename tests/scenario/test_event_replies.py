"""mpm = event: replies. A child is free when it has said all, however slowly its client reads; what waits is bounded; what
is to come at once does."""
import hashlib
import os

import pytest

from weirtest import event, never_within, until
from weirtest.event import at, figures, go, own_folder, spool_files, started

MIB = 1 << 20
# So many MiB, none like another; says by a file that it has put out all.
LARGE = """
for ($i = 0; $i < $_GET['mib'] * 16; $i++) { echo str_repeat(sprintf('%%07d ', $i), 8192); %s }
touch(__DIR__ . '/all-out');
"""
COUNT = "file_put_contents(__DIR__ . '/count', $i);"


def large(mib):
    return b"".join((b"%07d " % i) * 8192 for i in range(mib * 16))


@pytest.fixture
def one(weir):
    """A pool of one child, whose large replies lie in a folder of its own; more lines may follow before it starts."""
    folder = own_folder(weir)
    www = event.event_pool(weir, lines="event.body_dir = %s" % folder)
    www.folder = folder
    www.write("large.php", LARGE % "")
    www.write("counted.php", LARGE % COUNT)
    return www


def test_a_slow_reader_holds_no_child_and_gets_all(one):
    one.weir.start()
    slow = one.open("/large.php?mib=20")
    assert one.get("/pid.php").status == 200                    # the same child
    assert os.path.exists(one.root + "/all-out")
    assert sum(spool_files(one, one.folder)) > 15 * MIB and os.listdir(one.folder) == []
    until(lambda: figures(one)["idle processes"] == 1, "the child is idle")
    reply = slow.reply()
    assert reply.ended and hashlib.md5(reply.body).digest() == hashlib.md5(large(20)).digest()
    until(lambda: spool_files(one, one.folder) == [], "its file is gone")


def test_many_slow_readers_of_one_child(one):
    one.weir.start()
    conns = [one.open("/large.php?mib=3", keep=True) for _ in range(10)]
    assert one.get("/pid.php").status == 200
    whole = large(3)
    for c in conns:
        assert c.reply().body == whole
        c.send(one.request("/pid.php"))
    assert {c.reply().status for c in conns} == {200}


def test_a_reader_that_leaves_gives_its_file_back(one):
    one.weir.start()
    slow = one.open("/large.php?mib=5")
    assert one.get("/pid.php").status == 200
    slow.close()
    until(lambda: spool_files(one, one.folder) == [], "its file is gone")


def test_small_replies_of_slow_readers_need_no_file(one):
    one.weir.start()
    one.write("some.php", "echo str_repeat('x', 400000);")      # the socket takes some, 256 KiB of memory the rest
    conns = [one.open("/some.php") for _ in range(5)]
    assert one.get("/pid.php").status == 200
    assert spool_files(one, one.folder) == []
    assert [len(c.reply().body) for c in conns] == [400000] * 5


def test_past_response_max_the_script_waits_for_the_reader(one):
    one.also("event.response_memory = 64K\n event.response_max = 1M")
    one.weir.start()
    slow = one.open("/counted.php?mib=8")
    until(lambda: int(one.weir.file("www", "count") or 0) >= 15, "a MiB is put out")
    never_within(lambda: os.path.exists(one.root + "/all-out"), 0.3, "nothing held the script back")
    assert sum(spool_files(one, one.folder)) < 1.5 * MIB
    assert figures(one)["active processes"] == 1
    assert slow.reply().body == large(8)
    assert one.get("/pid.php").status == 200


def test_a_stopped_script_ends_with_its_reader(one):
    one.also("event.response_memory = 64K\n event.response_max = 1M")
    one.weir.start()
    slow = one.open("/counted.php?mib=1000000")
    until(lambda: int(one.weir.file("www", "count") or 0) >= 15, "a MiB is put out")
    slow.close()                                # from now on it may say what it likes, until it is told
    assert one.get("/pid.php").status == 200
    assert not os.path.exists(one.root + "/all-out")


def test_no_room_for_a_reply_makes_the_script_wait(one):
    one.weir.start()
    os.rmdir(one.folder)
    slow = one.open("/counted.php?mib=8")
    until(lambda: int(one.weir.file("www", "count") or 0) >= 4, "some of it is put out")
    never_within(lambda: os.path.exists(one.root + "/all-out"), 0.3, "nothing held the script back")
    assert slow.reply().body == large(8)


STREAMED = {
    "flush": "echo 'first'; flush(); %s echo 'last';",
    "flush twice": "flush(); echo 'first'; flush(); %s echo 'last';",
    "header": "header('X-Accel-Buffering: no'); echo 'first'; %s echo 'last';",
    "header, small case": "header('x-accel-buffering:  NO'); echo 'first'; %s echo 'last';",
}


@pytest.mark.parametrize("how", list(STREAMED))
def test_what_is_streamed_comes_before_the_script_ends(weir, how):
    www = event.event_pool(weir)
    www.write("stream.php", "while (ob_get_level()) { ob_end_clean(); } " + STREAMED[how] % event.GATE.replace("echo $n;", ""))
    weir.start()
    c = www.open("/stream.php?n=0")
    at(www, 0)
    seen = b""
    while b"first" not in seen:
        seen += c.read_some()
    assert seen.endswith(b"first")
    go(www, 0)
    assert c.read_some().endswith(b"last") and c.reply().ended


def test_other_output_waits_for_more(weir):
    """So that the test before says something."""
    www = started(weir)
    www.write("stream.php", "while (ob_get_level()) { ob_end_clean(); } header('X-Accel-Buffering: yes'); echo 'first';" + event.GATE)
    c = www.open("/stream.php?n=0")
    at(www, 0)
    never_within(lambda: not c.silent(), 0.2, "output came although nobody asked for it")
    go(www, 0)
    assert c.reply().text == "first0"


def test_streams_of_all_children_beside_each_other(weir):
    www = event.event_pool(weir, 3)
    www.write("tick.php", "while (ob_get_level()) { ob_end_clean(); } for ($i = 0; $i < 50; $i++) { echo \"$i \"; flush(); usleep(500); }")
    weir.start()
    conns = [www.open("/tick.php") for _ in range(3)]
    assert {c.reply().text for c in conns} == {"".join("%d " % i for i in range(50))}


# ---- fastcgi_finish_request

FINISH = "echo 'answer'; fastcgi_finish_request();" + event.GATE


def test_a_finished_client_and_its_connection_are_free_at_once(weir):
    www = started(weir, 2)
    www.write("finish.php", FINISH)
    c = www.open("/finish.php?n=0", keep=True)
    assert c.reply().text == "answer"
    worker = at(www, 0)
    for _ in range(3):
        c.send(www.request("/pid.php", keep=True))
        pid = int(c.reply().text)
        assert pid in www.children() and pid != worker
    go(www, 0)
    until(lambda: www.weir.file("www", "order") == "0\n", "the script has worked on to its end")
    until(lambda: figures(www)["idle processes"] == 2, "its child is free again")


def test_with_one_child_the_next_request_waits_for_the_script(weir):
    www = started(weir)
    www.write("finish.php", FINISH)
    c = www.open("/finish.php?n=0", keep=True)
    assert c.reply().text == "answer"
    at(www, 0)
    assert [p["state"] for p in figures(www)["processes"]] == ["Finishing"]
    c.send(www.request("/gate.php?n=1", keep=True))
    event.queued(www, 1)
    go(www, 0, 1)
    assert c.reply().text == "1"
    assert weir.file("www", "order") == "0\n1\n"


@pytest.mark.parametrize("track", [False, True])
def test_time_after_the_answer_counts_only_when_asked(weir, track):
    www = event.event_pool(weir, 1, "request_terminate_timeout = 1s\n request_terminate_timeout_track_finished = "
                           + ("yes" if track else "no"))
    www.write("finish.php", "fastcgi_finish_request(); usleep(1500000); touch(__DIR__ . '/done');")
    weir.start()
    child = www.children()[0]
    with www.open("/finish.php") as c:
        assert c.reply().ended
    if track:
        weir.gone(child)
        assert weir.wait_log("execution timed out")
    assert www.get("/pid.php").text == str(www.children()[0])
    assert os.path.exists(www.root + "/done") != track
    assert (www.children()[0] == child) != track


def test_a_crash_after_the_answer_harms_no_client(weir):
    www = started(weir, 1)
    www.write("finish.php", "echo 'answer'; fastcgi_finish_request(); posix_kill(getmypid(), 9);")
    c = www.open("/finish.php", keep=True)
    assert c.reply().text == "answer"
    c.send(www.request("/pid.php"))
    assert c.reply().status == 200
