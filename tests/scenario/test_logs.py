"""Log lines: whole, of any length, never mixed, and each about a request names pool, pid and request id."""
import json
import os
import re
import subprocess

import pytest

from weirtest import HOLD, until

pytestmark = pytest.mark.event

LINE = re.compile(r"^\[\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d\] (DEBUG|NOTICE|WARNING|ERROR|ALERT): ")
SAY = "fwrite(fopen('php://stderr', 'w'), %s);"


@pytest.fixture
def caught(weir):
    www = weir.pool("catch_workers_output = yes\n pm.max_children = 4")
    weir.start()
    return www


def test_every_line_has_php_fpm_s_form(www):
    www.run("echo 'ok';")
    os.kill(www.children()[0], 9)
    www.weir.wait_log("exited on signal 9")
    www.weir.wait_log("started")
    www.weir.stop()
    lines = www.weir.file("weir.log").splitlines()
    assert [x for x in lines if not LINE.match(x)] == []
    said = [LINE.sub("", x) for x in lines]
    assert said[0] == "fpm is running, pid %d" % www.weir.master
    assert said[1] == "ready to handle connections"
    assert said[-1] == "exiting, bye-bye!"


def test_the_words_of_a_dead_child(www):
    pid = www.children()[0]
    os.kill(pid, 9)
    assert www.weir.wait_log(r"WARNING: \[pool www\] child %d exited on signal 9 \(SIGKILL\) after \d+\.\d+ seconds "
                             "from start" % pid)
    assert www.weir.wait_log(r"NOTICE: \[pool www\] child \d+ started")


def test_output_of_children_is_carried(caught):
    pid = caught.run(SAY % "\"a word\\n\"" + "echo getmypid();").text
    assert caught.weir.wait_log(r"WARNING: \[pool www\] child %s said into stderr: \"a word\"" % pid)


def test_stdout_of_children_too(caught):
    caught.run("fwrite(fopen('php://stdout', 'w'), \"out word\\n\");")
    assert caught.weir.wait_log("said into stdout: \"out word\"")


def test_without_the_key_it_goes_nowhere(weir):
    www = weir.pool()
    weir.start()
    www.run(SAY % "\"secret word\\n\"")
    www.run("echo 'ok';")
    weir.stop()
    assert "secret word" not in weir.log()


def test_undecorated(weir):
    www = weir.pool("catch_workers_output = yes\n decorate_workers_output = no")
    weir.start()
    www.run(SAY % "\"{\\\"bare\\\": 1}\\n\"")
    assert weir.wait_log("bare").string == '{"bare": 1}'


def test_a_line_of_1_mib_is_one_line(caught):
    caught.run(SAY % "json_encode(['big' => str_repeat('x', 1 << 20)]) . \"\\n\"")
    line = caught.weir.wait_log('{"big.*x"}"$').string    # the file may be read while the line is written
    assert (json.loads(line[line.index("{"):line.rindex("}") + 1]) == {"big": "x" * (1 << 20)}) is True


def test_lines_written_in_pieces_are_put_together(caught):
    caught.run("$e = fopen('php://stderr', 'w'); foreach (str_split('one two three') as $c) { fwrite($e, $c); }"
               "fwrite($e, \"\\nnext\\n\");")
    assert caught.weir.wait_log('said into stderr: "one two three"')
    assert caught.weir.wait_log('said into stderr: "next"')


def test_the_end_of_a_line_that_never_came(caught):
    pid = caught.run(SAY % "'unfinished'" + "echo getmypid();").text
    os.kill(int(pid), 9)
    assert caught.weir.wait_log("unfinished")


MANY = """
$e = fopen('php://stderr', 'w'); $c = $_GET['c'];
for ($i = 0; $i < 200; $i++) { fwrite($e, "<$c-$i-" . str_repeat($c, 3000) . ">\\n"); }
"""


def test_writers_are_never_mixed(caught):
    caught.write("many.php", MANY)
    conns = [caught.open("/many.php?c=" + c) for c in "abcd"]
    assert all(c.reply().ended for c in conns)
    for c in "abcd":
        caught.weir.wait_log("<%s-199-" % c)
    lines = caught.weir.log_lines("said into stderr")
    whole = [x for x in lines if re.search(r'"<([a-d])-\d+-(\1{3000})>"$', x)]
    assert len(lines) == len(whole) == 800
    for c in "abcd":
        numbers = [int(re.search(r"<%s-(\d+)" % c, x).group(1)) for x in whole if "<%s-" % c in x]
        assert numbers == list(range(200))


def test_control_characters_cannot_forge_a_line(caught):
    caught.run(SAY % "\"\\x1b[31mred\\rNOTICE: forged\\0\\x07\\n\"")
    line = caught.weir.wait_log("forged").string
    assert LINE.match(line) and not re.search("[\x00-\x08\x0b-\x1f\x7f]", line)


def test_no_text_of_a_script_passes_for_a_word_of_its_pool(caught):
    caught.run(SAY % "\"\\0fscf\\0\\nafter\\n\"")
    caught.run(SAY % "\"more\\n\"")
    assert caught.weir.wait_log('"after"') and caught.weir.wait_log('"more"')


def test_a_flood_of_output_does_not_stop_the_pool(caught):
    caught.run("$e = fopen('php://stderr', 'w');"
               "for ($i = 0; $i < 20000; $i++) { fwrite($e, \"line $i of the flood\\n\"); }")
    assert caught.run("echo 'ok';").text == "ok"
    caught.weir.wait_log("line 19999 of the flood")


# ---- request ids

def late(www, **params):
    """A request that is ended by its deadline: its log line."""
    www.write("hold.php", HOLD)
    www.get("/hold.php", **params)
    return www.weir.wait_log("request_timeout").string


@pytest.fixture
def timed(weir):
    www = weir.pool("request_terminate_timeout = 1s")
    weir.start()
    return www


def test_the_request_id_of_the_front_end_is_used(timed):
    line = late(timed, HTTP_X_REQUEST_ID="abc-123_x.Y:z")
    assert "abc-123_x.Y:z" in line and re.search(r"\[pool www\] child \d+", line)


@pytest.mark.parametrize("bad", ["a b", "x\nNOTICE: forged", "i" * 5000, "\x1b[31m", "a\"b", ""])
def test_an_unsafe_one_is_not(timed, bad):
    line = late(timed, HTTP_X_REQUEST_ID=bad)
    assert LINE.match(line) and (not bad or bad not in line)
    assert len(line) < 1000


def test_without_one_each_request_gets_its_own(timed):
    timed.write("hold.php", HOLD)
    for c in [timed.open("/hold.php") for _ in range(2)]:
        c.reply()
    timed.weir.wait_log("request_timeout", count=2)
    one, two = [re.sub(r"child \d+|^\[.*?\]|\(\d+\.\d+ sec\)", "", x) for x in timed.weir.log_lines("request_timeout")]
    assert one != two


def test_php_messages_in_the_log_name_pool_pid_and_request(weir):
    www = weir.pool("catch_workers_output = yes")
    weir.start()
    pid = www.run("error_log('my own word'); echo getmypid();", HTTP_X_REQUEST_ID="req-77").text
    line = weir.wait_log("my own word").string
    assert "pool www" in line and pid in line and "req-77" in line


# ---- levels and files

def test_log_level(weir):
    weir.global_("log_level = warning")
    www = weir.pool()
    weir.configure()
    weir.err = open(weir.path("stderr"), "ab")
    weir.proc = subprocess.Popen(weir.command("-F"), stdin=subprocess.DEVNULL, stdout=weir.err, stderr=weir.err,
                                 env=weir.environment())
    until(lambda: os.path.exists(www.socket) and len(www.children()) == 2, "it serves")
    assert www.run("echo 'ok';").text == "ok"
    weir.stop()
    assert weir.log() == ""


def test_the_log_s_file_is_for_its_owner_only(www):
    assert os.stat(www.weir.path("weir.log")).st_mode & 0o777 == 0o600


def test_an_error_log_that_cannot_be_opened(weir):
    weir.global_("error_log = " + weir.path("nowhere", "x.log"))
    weir.pool()
    done = weir.run("-F")
    assert done.returncode == 78 and weir.path("nowhere", "x.log") in done.stderr
