"""A client that goes away, or aborts, is noticed while the script runs; no signal disturbs the script."""
import json
import os

import pytest

from weirtest import PHP_EVENT, fcgi, free_port, never_within, until

pytestmark = pytest.mark.event

TOLD = "\n request.on_abort = notify" if PHP_EVENT else ""       # the other models always tell at once

NOTE = """
function note($what) { file_put_contents(__DIR__ . '/note', $what . ' ' . connection_status() . "\\n", FILE_APPEND); }
register_shutdown_function('note', 'end');
"""


@pytest.fixture
def one(weir):
    www = weir.pool("pm.max_children = 1\n security.reason_header = yes" + TOLD)
    www.write("ok.php", "echo 'ok';")
    weir.start()
    www.note = lambda: weir.file("www", "note")
    return www


def leave(one, script):
    """Run a script, go away once it runs, and wait until its child serves the next one: what it noted."""
    one.write("gone.php", NOTE + script)
    c = one.open("/gone.php")
    until(one.note, "the script runs")
    c.close()
    assert one.get("/ok.php").text == "ok"
    return one.note()


WAIT = "while (!file_exists(__DIR__ . '/release')) { usleep(1000); clearstatcache(); } echo 'whole';"
POUR = "while (ob_get_level()) { ob_end_flush(); } echo 'x'; flush(); "


def test_it_is_noticed_and_the_next_output_ends_the_script(one):
    noted = leave(one, "note('begin'); while (!connection_aborted()) { usleep(1000); } note('seen');"
                  + POUR + "note('not reached');")
    assert noted == "begin 0\nseen 1\nend 1\n"
    line = one.weir.wait_log("client_gone").string
    assert "pool www" in line


def test_it_is_noticed_in_a_loop_that_calls_nothing(one):
    noted = leave(one, "note('begin'); for ($i = 0; $i < 1e10 && !connection_status(); $i++) { $x = $i; }"
                  "note('seen');")
    assert noted == "begin 0\nseen 1\nend 1\n"


@pytest.mark.parametrize("ignore", ["ignore_user_abort(true);", "ini_set('ignore_user_abort', 1);"])
def test_who_ignores_it_goes_on_and_may_know(one, ignore):
    noted = leave(one, ignore + "note('begin'); while (!connection_aborted()) { usleep(1000); }"
                  + POUR + "note('after');")
    assert noted == "begin 0\nafter 1\nend 1\n"


def test_the_next_request_begins_with_a_clean_status(one):
    leave(one, "note('begin'); while (!connection_aborted()) { usleep(1000); }")
    assert one.run("echo connection_status(), ignore_user_abort();").text == "00"


SLEEP = """
ignore_user_abort(true); touch(__DIR__ . '/begun'); $t = hrtime(true);
%s
file_put_contents(__DIR__ . '/slept', json_encode([(hrtime(true) - $t) / 1e9, $r, connection_status()]));
"""


@pytest.mark.parametrize("call", [
    "$r = sleep(1);", "$r = usleep(1000000);",
    "$r = time_nanosleep(1, 0);",
    "$p = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0); $a = [$p[0]]; $r = stream_select($a, $n, $n, 1);",
])
def test_waiting_is_neither_shortened_nor_interrupted(one, call):
    one.write("sleep.php", SLEEP % call)
    c = one.open("/sleep.php")
    until(lambda: os.path.exists(one.root + "/begun"), "the script sleeps")
    c.close()
    assert one.get("/ok.php").text == "ok"
    seconds, result, status = json.loads(one.weir.file("www", "slept"))
    assert seconds >= 0.99 and result in (0, None, True) and status == 1


def test_an_abort_record_ends_the_script_and_is_answered(one):
    one.write("loop.php", NOTE + "note('begin'); while (!connection_aborted()) { usleep(1000); } note('seen');")
    c = one.open("/loop.php", keep=True)
    until(one.note, "the script runs")
    c.send(fcgi.abort())
    assert c.reply().ended
    assert one.note() == "begin 0\nseen 1\nend 1\n"


LOOP = "note('begin'); while (!connection_aborted()) { usleep(1000); } "


@pytest.mark.not_event("it is dropped before a child gets it: test_event_abort.py")
@pytest.mark.parametrize("script, noted", [
    (LOOP + "note('seen');" + POUR + "note('not reached');", "begin 0\nseen 1\nend 1\n"),
    ("ignore_user_abort(true); " + LOOP + POUR + "note('after');", "begin 0\nafter 1\nend 1\n")])
def test_one_that_comes_with_its_request_does_too(one, script, noted):
    one.write("loop.php", NOTE + script)
    c = one.connect().send(one.request("/loop.php", keep=True) + fcgi.abort())
    assert c.reply().ended
    assert one.note() == noted
    c.send(one.request("/ok.php", keep=True))
    assert c.reply().text == "ok"


def test_an_abort_for_another_id_is_nothing(one):
    one.write("wait.php", WAIT)
    c = one.open("/wait.php", keep=True).send(fcgi.abort(2))
    never_within(lambda: not c.silent(), 0.3, "an answer for an id that is not active")
    one.release()
    assert c.reply().text == "whole"


def test_bytes_of_the_next_request_are_no_sign_of_leaving(one):
    one.write("wait.php", WAIT)
    c = one.open("/wait.php", keep=True).send(one.request("/ok.php", id=2))
    one.release()
    assert c.reply(1).text == "whole" and c.reply(2).text == "ok"


def test_a_client_that_waits_in_the_queue_and_goes(one):
    one.write("wait.php", WAIT)
    one.write("mark.php", "touch(__DIR__ . '/mark'); echo 'served';")
    first = one.open("/wait.php")
    one.open("/mark.php").close()
    one.release()
    assert first.reply().text == "whole"
    assert one.get("/ok.php").text == "ok"


def test_writing_to_a_client_that_left_ends_the_script(one):
    one.write("pour.php", NOTE + "note('begin'); for (;;) { echo str_repeat('x', 100000); }")
    c = one.open("/pour.php")
    c.sock.recv(1000)
    c.close()
    assert one.get("/ok.php").text == "ok"
    assert one.note() == "begin 0\nend 1\n"


def test_a_client_gone_over_tcp(weir):
    www = weir.pool("listen = 127.0.0.1:%d\n pm.max_children = 1%s" % (free_port(), TOLD))
    www.write("ok.php", "echo 'ok';")
    www.write("loop.php", NOTE + "note('begin'); while (!connection_aborted()) { usleep(1000); }")
    weir.start()
    c = www.open("/loop.php")
    until(lambda: weir.file("www", "note"), "the script runs")
    c.reset()
    assert www.get("/ok.php").text == "ok"
    assert weir.file("www", "note") == "begin 0\nend 1\n"
