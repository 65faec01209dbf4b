"""SIGUSR1: the log file is opened anew, and no process is replaced for it."""
import os
import signal

import pytest

from weirtest import until


@pytest.fixture
def log(weir):
    www = weir.pool("catch_workers_output = yes")
    www.write("say.php", "file_put_contents('php://stderr', 'said ' . $_GET['what'] . PHP_EOL);")
    weir.start()
    until(lambda: len(www.children()) == 2, "all children are there")
    return www


def rotate(weir):
    os.rename(weir.path("weir.log"), weir.path("weir.log.1"))
    weir.send_signal(signal.SIGUSR1)


def test_all_go_on_in_the_new_file(log):
    weir = log.weir
    tree = weir.tree()
    log.get("/say.php?what=before")
    weir.wait_log("said before")
    rotate(weir)
    weir.wait_log("NOTICE: error log file re-opened")
    until(lambda: log.get("/say.php?what=after") and "said after" in weir.file("weir.log"), "a child logs there")
    assert "said before" in weir.file("weir.log.1") and "said before" not in weir.file("weir.log")
    assert weir.tree() == tree


def test_a_file_that_cannot_be_opened_leaves_the_old_one(log):
    weir = log.weir
    os.rename(weir.path("weir.log"), weir.path("weir.log.1"))
    os.symlink(weir.path("no-such-folder", "log"), weir.path("weir.log"))
    weir.send_signal(signal.SIGUSR1)
    until(lambda: "the old one stays in use" in weir.file("weir.log.1"), "the master says so")
    log.get("/say.php?what=still")
    until(lambda: "said still" in weir.file("weir.log.1"), "a child logs there")
    os.rename(weir.path("weir.log.1"), weir.path("weir.log"))


def test_a_pool_process_born_later_has_the_new_file(log):
    weir = log.weir
    rotate(weir)
    weir.wait_log("re-opened")
    weir.kill(weir.one("pool"))
    until(lambda: log.get("/say.php?what=later") and "said later" in weir.file("weir.log"), "a new child logs there")
    assert "said later" not in weir.file("weir.log.1")


def test_without_a_reload_nothing_else_changes(log):
    weir = log.weir
    weir.configure("nonsense")
    rotate(weir)
    weir.wait_log("re-opened")
    assert log.get("/say.php?what=x").status == 200
    assert not weir.log_lines("ERROR")
