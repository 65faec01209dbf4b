"""How many children: static, dynamic, ondemand, max_requests."""
import shutil

import pytest

from weirtest import HOLD, Strace, meet, never_within, proc, until
from weirtest.server import AS_ROOT

pytestmark = pytest.mark.event


def count(www, n):
    until(lambda: len(www.children()) == n, lambda: "%d children, there are %d" % (n, len(www.children())))


def test_static_has_them_all_at_once(weir):
    www = weir.pool("pm.max_children = 5")
    weir.start()
    assert len(www.children()) == 5


DYNAMIC = """
pm = dynamic
pm.max_children = 6
pm.min_spare_servers = 1
pm.max_spare_servers = 3
"""


def test_dynamic_begins_with_the_mean(weir):
    www = weir.pool(DYNAMIC)
    weir.start()
    count(www, 2)
    never_within(lambda: len(www.children()) != 2, 0.5, "the number of idle children changed at rest")


def test_dynamic_begins_with_start_servers(weir):
    www = weir.pool(DYNAMIC + "pm.start_servers = 3")
    weir.start()
    count(www, 3)


def test_dynamic_grows_to_the_load_and_shrinks(weir):
    www = weir.pool(DYNAMIC)
    www.write("hold.php", HOLD)
    weir.start()
    busy = [www.open("/hold.php") for _ in range(6)]
    www.busy(6)
    count(www, 6)
    www.release()
    assert all(c.reply().ended for c in busy)
    until(lambda: len(www.children()) <= 3, "children beyond max_spare_servers leave", 60)
    never_within(lambda: len(www.children()) < 1, 0.3, "no child was left")


def test_dynamic_at_its_limit_says_so_and_serves_all(weir):
    www = weir.pool(DYNAMIC)
    www.write("hold.php", HOLD)
    weir.start()
    busy = [www.open("/hold.php") for _ in range(10)]
    assert "6" in weir.wait_log(r"max_children").string
    count(www, 6)
    www.release()
    assert all(c.reply().ended for c in busy)


def test_a_burst_gets_its_children_at_once(weir):
    www = weir.pool(DYNAMIC.replace("6", "20"))
    www.write("meet.php", meet(20))
    weir.start()
    burst = [www.open("/meet.php") for _ in range(20)]
    pids = [c.reply().text for c in burst]
    assert "alone" not in pids and len(set(pids)) == 20


ONDEMAND = "pm = ondemand\n pm.max_children = 3\n pm.process_idle_timeout = 1s"


def test_ondemand_at_rest_is_only_the_master(weir):
    weir.pool(ONDEMAND)
    weir.start()
    assert weir.tree() == [weir.master]


def test_ondemand_starts_with_the_first_request_and_ends_when_idle(weir):
    www = weir.pool(ONDEMAND)
    www.write("ok.php", "echo 'ok';")
    weir.start()
    for _ in range(2):
        assert www.get("/ok.php").text == "ok"
        assert 1 <= len(www.children()) <= 3
        until(lambda: weir.tree() == [weir.master], "the idle pool leaves only the master")


def test_ondemand_serves_a_burst(weir):
    www = weir.pool(ONDEMAND)
    www.write("meet.php", meet(3))
    weir.start()
    burst = [www.open("/meet.php") for _ in range(3)]
    assert len({c.reply().text for c in burst} - {"alone"}) == 3


def test_ondemand_holds_what_does_not_fit_until_it_does(weir):
    www = weir.pool(ONDEMAND.replace("3", "1"))
    www.write("ok.php", "echo 'ok';")
    weir.start()
    burst = [www.open("/ok.php") for _ in range(20)]
    assert [c.reply().text for c in burst] == ["ok"] * 20


def test_ondemand_keeps_a_kept_connection(weir):
    www = weir.pool(ONDEMAND)
    www.write("pid.php", "echo getmypid();")
    weir.start()
    c = www.open("/pid.php", keep=True)
    assert c.reply().ended
    until(lambda: not www.children(), "idle children leave, also with a kept connection")
    c.send(www.request("/pid.php"))
    assert c.reply().ended


def test_max_requests_replaces_a_child_after_so_many(weir):
    www = weir.pool("pm.max_children = 1\n pm.max_requests = 4")
    www.write("pid.php", "echo getmypid();")
    weir.start()
    pids = [www.get("/pid.php").text for _ in range(12)]
    assert [pids.count(p) for p in dict.fromkeys(pids)] == [4, 4, 4]


def test_max_requests_with_a_full_queue_loses_none(weir):
    www = weir.pool("pm.max_requests = 2")
    www.write("ok.php", "echo 'ok';")
    weir.start()
    burst = [www.open("/ok.php") for _ in range(60)]
    assert [c.reply().text for c in burst] == ["ok"] * 60


def test_an_idle_server_sleeps(weir):
    weir.pool(DYNAMIC)
    weir.pool("pm.max_children = 2", name="other")
    weir.start()

    def switches():
        out = 0
        for pid in weir.tree():
            with open("/proc/%d/status" % pid) as f:
                out += sum(int(x.split()[1]) for x in f if "ctxt_switches" in x)
        return out
    until(lambda: [switches(), never_within(lambda: False, 0.5, "")][0] == switches(), "nobody wakes for half a second")


@pytest.mark.parametrize("pm", ["static", "dynamic", "ondemand"])
def test_no_process_is_left_unreaped(weir, pm):
    www = weir.pool("pm = %s\n pm.max_children = 3\n pm.max_requests = 1\n pm.min_spare_servers = 1\n"
                    "pm.max_spare_servers = 2" % pm)
    www.write("ok.php", "echo 'ok';")
    weir.start()
    for _ in range(20):
        assert www.get("/ok.php").text == "ok"
    until(lambda: not any(proc.zombies(p) for p in weir.tree()), "the dead are reaped")


@pytest.mark.skipif(not AS_ROOT or not shutil.which("strace"), reason="needs root and strace")
def test_a_child_that_is_idle_before_its_pool_process_runs_again(plain_weir):
    """The pool process is held up behind each message that it sends, the order to fork among them."""
    www = plain_weir.pool("pm = dynamic\n pm.max_children = 8\n pm.start_servers = 1\n pm.min_spare_servers = 1\n"
                          "pm.max_spare_servers = 1")
    www.write("hold.php", HOLD + "echo 'done';")
    weir = plain_weir.start()
    held_up = Strace(weir, weir.one("pool"), "-e", "inject=sendmsg:delay_exit=200000")
    running = [www.open("/hold.php") for _ in range(3)]
    www.busy(3)
    until(lambda: len(www.children()) == 4, "a spare child beside the busy ones")
    never_within(lambda: len(www.children()) > 4, 1, "the spare child counts as busy")
    held_up.stop()
    www.release()
    assert [c.reply().text for c in running] == ["done"] * 3
