"""env.pass: variables of the master that children see although clear_env is set; apparmor_hat; pm.max_requests_jitter."""
import json
import os

import pytest

from weirtest import until
from weirtest.server import AS_ROOT

pytestmark = pytest.mark.event

MASTER = {"APP_ONE": "1", "APP_TWO": "2", "SECRET": "s", "OTHER": "o", "PHPRC": "/nowhere", "TOKEN_X": "x"}
SHOW = "echo json_encode(getenv());"


@pytest.fixture
def shown(weir):
    def show(lines):
        weir.env.update(MASTER)
        www = weir.pool(lines)
        weir.start()
        got = json.loads(www.run(SHOW).text)
        return {n: v for n, v in got.items() if n in MASTER or n == "WEIR_PROCESS"}
    return show


def test_names_and_patterns(shown):
    assert shown("env.pass[] = APP_*\n env.pass[] = OTHER") == {"APP_ONE": "1", "APP_TWO": "2", "OTHER": "o"}


def test_without_it_nothing_passes(shown):
    assert shown("") == {}


def test_env_wins(shown):
    assert shown("env.pass[] = APP_?N*\n env[APP_ONE] = mine\n env[SECRET] = $TOKEN_X") == {"APP_ONE": "mine", "SECRET": "x"}


def test_a_variable_of_php_s_own_start_passes_too(shown):
    assert shown("env.pass[] = [P]HPRC") == {"PHPRC": "/nowhere"}


def test_everything_but_weir_s_own(shown):
    assert shown("env.pass[] = *") == MASTER


def test_a_reload_takes_other_patterns(weir):
    weir.env.update(MASTER)
    www = weir.pool("env.pass[] = APP_ONE")
    weir.start()
    www.lines[-1] = "env.pass[] = SECRET"
    weir.configure()
    weir.send_signal(12)
    weir.wait_log("ready to handle connections", 2)
    code = "echo json_encode([getenv('APP_ONE'), getenv('SECRET')]);"
    until(lambda: www.run(code).text == '[false,"s"]', "the children of the new generation")


def test_apparmor_hat_where_there_is_none(weir):
    if os.path.exists("/sys/module/apparmor/parameters/enabled"):
        pytest.skip("this kernel has AppArmor")
    weir.pool("apparmor_hat = hat", name="jailed")
    free = weir.pool(name="free")
    assert "WARNING: [pool jailed] apparmor_hat = hat: this kernel runs without AppArmor" in weir.run("-t").stderr
    weir.wait_whole = False
    weir.start()
    weir.wait_log(r"\[pool jailed\].*apparmor_hat = hat: .*(boot it with AppArmor|remove the key)")
    assert free.run("echo 'ok';").text == "ok" and weir.pids("child", "jailed") == []


def lives(weir, www, count):
    """How many requests each of the first count children served, one child at a time."""
    lived, pids = {}, []
    while len(lived) <= count:
        pid = www.get("/pid.php").text
        lived[pid] = lived.get(pid, 0) + 1
        pids.append(pid)
    return list(lived.values())[:count]


def test_jitter_spreads_the_ends(weir):
    www = weir.pool("pm.max_children = 1\n pm.max_requests = 20\n pm.max_requests_jitter = 15")
    www.write("pid.php", "echo getmypid();")
    weir.start()
    lived = lives(weir, www, 12)
    assert len(set(lived)) > 1 and all(5 <= n <= 20 for n in lived), lived


def test_without_jitter_all_live_alike(weir):
    www = weir.pool("pm.max_children = 1\n pm.max_requests = 4")
    www.write("pid.php", "echo getmypid();")
    weir.start()
    assert lives(weir, www, 4) == [4] * 4


def test_a_jitter_that_leaves_no_request(weir):
    weir.pool("pm.max_requests = 4\n pm.max_requests_jitter = 4")
    done = weir.run("-t")
    assert done.returncode == 78 and "pm.max_requests_jitter(4) must be less than pm.max_requests(4)" in done.stderr


@pytest.mark.parametrize("mechanism", ["epoll", "poll", "select", "Poll"])
def test_events_mechanism(weir, mechanism):
    weir.global_("events.mechanism = " + mechanism)
    www = weir.pool("pm = ondemand")
    weir.wait_whole = False
    weir.start()
    assert www.run("echo 'ok';").text == "ok"
    # A pool process is not dumpable: only root sees its descriptors.
    for pid in [weir.master] + ([weir.one("pool")] if AS_ROOT else []):
        with_epoll = any("[eventpoll]" in os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid))
        assert with_epoll == (mechanism == "epoll"), pid
    weir.send_signal(12)
    weir.wait_log("ready to handle connections", 2)
    until(lambda: www.run("echo 'ok';").text == "ok", "it serves again")
