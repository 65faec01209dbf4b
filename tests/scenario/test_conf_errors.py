"""A configuration that is wrong: every fault at once, each with file, line, key and a cure; nothing is started."""
import os
import re

import pytest

from weirtest import free_port
from weirtest.server import AS_ROOT, POOL_USER

root_only = pytest.mark.skipif(not AS_ROOT, reason="needs root")
GOOD = "[global]\nerror_log = %(log)s\n[www]\n" + ("user = %s\n" % POOL_USER if AS_ROOT else "") + \
    "listen = %(run)s/www.sock\npm = static\npm.max_children = 2\n"


@pytest.fixture
def check(weir):
    """check(lines): all that is said about GOOD with these lines behind it; the lines begin at number check.line."""
    good = GOOD % {"log": weir.path("weir.log"), "run": weir.path("run")}

    def run(lines, text=None):
        weir.configure(good + lines + "\n" if text is None else text)
        done = weir.run("-F")
        assert done.returncode == 78, done.stderr
        assert os.listdir(weir.path("run")) == []
        assert weir.run("-t").returncode == 78
        return done.stderr
    run.line = len(good.splitlines()) + 1
    run.good = good
    return run


def at(check, weir, offset=0):
    return "[%s:%d]" % (weir.conf, check.line + offset)


@pytest.mark.parametrize("wrong, meant", [
    ("pm.max_childen", "pm.max_children"), ("listn", "listen"), ("pm.max_request", "pm.max_requests"),
    ("request_terminate_timout", "request_terminate_timeout"), ("catch_worker_output", "catch_workers_output"),
    ("request.max_boddy", "request.max_body")])
def test_an_unknown_key_and_the_one_that_was_meant(check, weir, wrong, meant):
    said = check(wrong + " = 3")
    line, = [x for x in said.splitlines() if wrong + "'" in x or wrong + '"' in x or wrong + " " in x]
    assert at(check, weir) in line and "ERROR" in line and re.search(r"\b%s\b" % re.escape(meant), line)


def test_an_unknown_key_without_a_neighbour(check, weir):
    said = check("completely.different = 3")
    assert at(check, weir) in said and "completely.different" in said


@pytest.mark.parametrize("line", [
    "pm.max_children = many", "pm.max_children = -1", "pm.max_children = 0", "pm.max_children = 99999999999999999999",
    "pm = sometimes", "pm.process_idle_timeout = 5x", "pm.process_idle_timeout = ", "listen.mode = 0999",
    "listen.mode = rw", "clear_env = perhaps", "rlimit_core = -2", "process.priority = 30", "listen = 127.0.0.1:99999",
    "listen = 127.0.0.1:", "listen = ", "request.max_body = huge", "request.header_timeout = -1",
    "chdir = relative/path", "listen.backlog = x", "listen.allowed_clients = 300.0.0.1",
    "pm.max_requests = -5", "env[X] =", "mpm = threads", "sapi = cobol", "security.strict = maybe",
    "php.version = 1.0", "chdir = /no/such/folder",
    pytest.param("chroot = /no/such/folder", marks=root_only)])
def test_a_bad_value(check, weir, line):
    said = check(line)
    key = line.split("=")[0].strip().split("[")[0]
    assert any(at(check, weir) in x and key in x for x in said.splitlines()), said


@root_only
@pytest.mark.parametrize("line, name", [
    ("user = no-such-user", "no-such-user"), ("group = no-such-group", "no-such-group"),
    ("listen.owner = no-such-user", "no-such-user"), ("listen.group = no-such-group", "no-such-group")])
def test_a_user_or_group_that_is_not_there(check, weir, line, name):
    said = check(line)
    assert any(at(check, weir) in x and name in x for x in said.splitlines()), said


@root_only
def test_root_needs_a_user(check):
    said = check("", text=check.good.replace("user = %s\n" % POOL_USER, ""))
    assert "user" in said and "www" in said


@root_only
def test_root_as_the_pool_s_user_is_refused(check):
    assert "root" in check("user = root")


@pytest.mark.parametrize("gone, key", [("listen = ", "listen"), ("pm = ", "pm"),
                                       ("pm.max_children = ", "pm.max_children")])
def test_a_key_that_is_missing(check, gone, key):
    text = "".join(x for x in check.good.splitlines(True) if not x.startswith(gone))
    said = check("", text=text)
    name = "process manager" if key == "pm" else key            # as php-fpm words it
    assert [x for x in said.splitlines() if "pool www" in x and name in x], said


@pytest.mark.parametrize("lines", [
    "pm = dynamic", "pm = dynamic\npm.min_spare_servers = 2\npm.max_spare_servers = 1",
    "pm = dynamic\npm.min_spare_servers = 1\npm.max_spare_servers = 9",
    "pm = dynamic\npm.min_spare_servers = 1\npm.max_spare_servers = 2\npm.start_servers = 5"])
def test_limits_that_contradict_each_other(check, lines):
    assert "spare_servers" in check(lines)


def test_all_errors_at_once(check, weir):
    said = check("pm.max_childen = 3\nclear_env = perhaps\npm.process_idle_timeout = 5x\nnonsense\nchdir = relative")
    for offset in range(5):
        assert at(check, weir, offset) in said, (offset, said)


def test_errors_of_an_included_file_name_that_file(check, weir):
    with open(weir.path("more.conf"), "w") as f:
        f.write("; fine\npm.max_childen = 3\n")
    assert "[%s:2]" % weir.path("more.conf") in check("include = " + weir.path("more.conf"))


def test_a_file_that_is_not_there(weir):
    weir.configure()
    os.unlink(weir.conf)
    weir.configure = lambda: None
    done = weir.run("-F")
    assert done.returncode == 78 and weir.conf in done.stderr


def test_no_pool_at_all(check):
    assert "pool" in check("", text=check.good.split("[www]")[0])


def test_two_pools_on_one_socket(check, weir):
    said = check("[other]\n" + check.good.split("[www]\n")[1])
    assert "www" in said and "other" in said and weir.path("run", "www.sock") in said


@pytest.mark.parametrize("line", ["sapi = cgi", "sapi = exec"])
def test_a_sapi_that_is_not_built_in_is_refused_by_name(check, weir, line):
    said = check(line)
    name = line.split("= ")[1]
    assert any(at(check, weir) in x and name in x for x in said.splitlines()), said


@pytest.mark.parametrize("line", [
    "listen.setfib = 1", "ready.path = /r", "listen.tls = yes"])
def test_a_key_that_is_not_built_in_is_refused_by_name(check, weir, line):
    said = check(line)
    key = line.split(" =")[0]
    assert any(at(check, weir) in x and key in x for x in said.splitlines()), said


@pytest.mark.parametrize("line", ["events.mechanism = epoll", "emergency_restart_threshold = 3", "systemd_interval = 5",
                                  "process.max = 10"])
def test_a_global_key_is_taken_or_refused_by_name(check, weir, line):
    weir.configure(check.good.replace("[www]", line + "\n[www]"))
    done = weir.run("-t")
    assert done.returncode == 0 or (done.returncode == 78 and line.split(" =")[0] in done.stderr)


# ---- warnings

WARNED = [("listen = 0.0.0.0:%d", "listen.allowed_clients"), ("listen = [::]:%d", "listen.allowed_clients"),
          ("listen = %d", "listen.allowed_clients"), ("listen.mode = 0666 ; %d", "listen.mode"),
          ("listen.mode = 0662 ; %d", "listen.mode")]


@pytest.mark.parametrize("line, key", WARNED)
def test_an_open_door_is_a_warning_at_start_and_in_t(check, weir, line, key):
    weir.configure(check.good + line % free_port() + "\n")
    done = weir.run("-t")
    assert done.returncode == 0
    assert [x for x in done.stderr.splitlines() if "WARNING" in x and key in x], done.stderr
    weir.start()
    assert [x for x in weir.log().splitlines() if "WARNING" in x and key in x]


@pytest.mark.parametrize("line, key", WARNED)
def test_and_an_error_under_strict(check, line, key):
    assert key in check(line % free_port() + "\nsecurity.strict = yes")


@pytest.mark.parametrize("line", ["listen = 127.0.0.1:%d", "listen = [::1]:%d", "listen.mode = 0660 ; %d",
                                  "listen = 0.0.0.0:%d\nlisten.allowed_clients = 127.0.0.1"])
def test_a_closed_door_is_none(check, weir, line):
    weir.configure(check.good + line % free_port() + "\nsecurity.strict = yes\n")
    done = weir.run("-t")
    assert done.returncode == 0 and "WARNING" not in done.stderr


# ---- models

def test_php_is_refused_with_both_ways_out(weir):
    weir.pool("mpm = worker")
    weir.configure()
    for how in (["-t"], ["-F"]):
        done = weir.run(*how)
        assert done.returncode == 78
        assert "mpm = worker with 25 threads needs an application that is safe for threads" in done.stderr
        assert "mpm = prefork" in done.stderr and "[pool www]" in done.stderr
