"""The end: what is in flight finishes, in bounded time; who asks twice gets it at once."""
import os
import signal

import pytest

from weirtest import HOLD, proc, until

pytestmark = pytest.mark.event

TERM, QUIT, INT = signal.SIGTERM, signal.SIGQUIT, signal.SIGINT


@pytest.fixture
def www(weir):
    pool = weir.pool()
    pool.write("pid.php", "echo getmypid();")
    pool.write("hold.php", HOLD + "echo 'done';")
    return pool


def held(pool, count=1):
    """Start; so many requests are surely running."""
    pool.weir.start()
    out = [pool.open("/hold.php") for _ in range(count)]
    pool.busy(count)
    return out


@pytest.mark.parametrize("sig,words", [(TERM, "Terminating"), (QUIT, "Finishing"), (INT, "Terminating")])
def test_an_idle_server_ends(www, sig, words):
    weir = www.weir.start()
    assert weir.stop(sig) == 0
    assert weir.log_lines(r"NOTICE: %s \.\.\." % words)
    assert weir.file("weir.log").rstrip().endswith("NOTICE: exiting, bye-bye!")
    assert not weir.log_lines("WARNING|ERROR")


@pytest.mark.parametrize("sig,words", [(TERM, "Terminating"), (QUIT, "Finishing")])
def test_requests_in_flight_and_in_the_queue_are_served(www, sig, words):
    running = held(www, 2)
    waiting = [www.open("/pid.php") for _ in range(3)]
    www.weir.send_signal(sig)
    www.weir.wait_log(words)
    www.release()
    assert [c.reply().text for c in running] == ["done"] * 2
    assert [c.reply().status for c in waiting] == [200] * 3
    assert www.weir.ended() == 0 and not os.path.exists(www.socket)


def test_new_connections_are_served_while_it_drains(www):
    held(www)
    www.weir.send_signal(TERM)
    www.weir.wait_log("Terminating")
    for _ in range(5):
        assert www.get("/pid.php").status == 200
    www.release()


def test_a_kept_connection_is_closed_with_its_next_answer_or_when_idle(www):
    www.weir.start()
    idle, again = [www.open("/pid.php", keep=True) for _ in range(2)]
    assert idle.reply().ended and again.reply().ended
    running = www.open("/hold.php")
    www.busy()
    until(lambda: all(proc.sleeping(p) for p in www.children()), "the earlier answers are over for the server as well")
    www.weir.send_signal(TERM)
    www.weir.wait_log("Terminating")
    assert again.send(www.request("/pid.php", keep=True)).reply().status == 200
    assert again.at_end() == "eof"
    www.release()
    assert running.reply().text == "done" and idle.at_end() == "eof"
    assert www.weir.ended() == 0


def test_an_idle_kept_connection_delays_nothing(www):
    www.weir.start()
    c = www.open("/pid.php", keep=True)
    assert c.reply().ended
    assert www.weir.stop() == 0 and c.at_end() == "eof"
    assert not www.weir.log_lines("the time to finish is over")


@pytest.mark.parametrize("first,second", [(TERM, TERM), (QUIT, TERM), (TERM, QUIT), (TERM, INT)])
def test_the_second_signal_ends_at_once(www, first, second):
    c = held(www)[0]
    www.weir.send_signal(first)
    www.weir.wait_log("Terminating|Finishing")
    www.weir.send_signal(second)
    assert www.weir.ended() == 0
    assert not c.reply().ended and c.ended_by


def test_int_ends_at_once(www):
    c = held(www)[0]
    assert www.weir.stop(INT) == 0
    assert not c.reply().ended and c.ended_by


def test_an_explicit_zero_waits_for_nothing(www):
    www.weir.global_("process_control_timeout = 0")
    c = held(www)[0]
    assert www.weir.stop(QUIT) == 0
    assert not c.reply().ended and c.ended_by


def test_the_time_of_a_drain_is_bounded(www):
    www.weir.global_("process_control_timeout = 1s")
    c = held(www)[0]
    assert www.weir.stop() == 0
    assert c.reply().text != "done"
    assert www.weir.log_lines(r"\[pool www\] .*the time to finish is over")


def test_a_script_that_does_not_give_up_is_killed(www):
    www.weir.global_("process_control_timeout = 1s")
    www.weir.start()
    www.write("deaf.php", "touch(__DIR__ . '/held-deaf'); sleep(1000);")
    www.open("/deaf.php")
    www.busy()
    assert www.weir.stop() == 0


def test_term_to_every_process_at_once_is_the_same(www):
    c = held(www)[0]
    for pid in reversed(www.weir.tree()):
        os.kill(pid, TERM)
    www.weir.wait_log("Terminating")
    www.release()
    assert c.reply().text == "done" and www.weir.ended() == 0
    assert not www.weir.log_lines("exited on signal|WARNING|ERROR")


@pytest.mark.parametrize("sig", [TERM, QUIT, INT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_signals_to_other_processes_do_nothing(www, sig):
    c = held(www)[0]
    until(lambda: len(www.children()) == 2, "all children are there")
    tree = www.weir.tree()
    for pid in tree:
        if pid != www.weir.master:
            os.kill(pid, sig)
    assert int(www.get("/pid.php").text) in www.children()
    www.release()
    assert c.reply().text == "done"
    assert www.weir.tree() == tree and all(proc.alive(p) for p in tree)


def test_the_end_while_the_application_loads(www):
    weir = www.weir
    www.also("php_admin_value[opcache.preload] = " + weir.path("preload.php"))
    with open(weir.path("preload.php"), "w") as f:
        f.write("<?php if (file_exists(__DIR__ . '/www/again')) { touch(__DIR__ . '/www/loading'); sleep(1000); }")
    weir.start()
    www.write("again", "")
    weir.kill(weir.one("zygote"))
    until(lambda: os.path.exists(www.root + "/loading"), "the next zygote loads")
    assert weir.stop(INT) == 0
