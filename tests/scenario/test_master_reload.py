"""SIGUSR2 and SIGHUP: the next configuration takes over whole or not at all, and no request is lost."""
import os
import signal
import stat

import pytest

from weirtest import HOLD, proc, until
from weirtest.server import AS_ROOT

pytestmark = pytest.mark.event

PRELOAD = "php_admin_value[opcache.preload] = %s"
WAITING = "<?php touch(__DIR__ . '/www/loading'); while (!file_exists(__DIR__ . '/go')) { usleep(2000); clearstatcache(); }"


def usable(pool):
    pool.write("pid.php", "echo getmypid();")
    pool.write("hold.php", HOLD + "echo 'done';")
    return pool


def reload(weir, sig=signal.SIGUSR2, text=None):
    """Ask for it and wait until it is over."""
    weir.configure(text)
    seen = len(weir.ready_lines())
    weir.send_signal(sig)
    weir.wait_log("ready to handle", seen + 1)


def refused(weir, text=None):
    """Ask for one that must change nothing."""
    until(lambda: len(weir.pools[0].children()) == 2, "all children are there")
    tree, fds, files = weir.tree(), sorted(proc.descriptors(weir.master)), sorted(os.listdir(weir.path("run")))
    weir.configure(text)
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("ERROR: reload refused: everything goes on as before")
    assert (weir.tree(), sorted(os.listdir(weir.path("run")))) == (tree, files)
    assert sorted(proc.descriptors(weir.master)) == fds


@pytest.fixture
def weir(weir):
    weir.preload = lambda text: [open(weir.path("preload.php"), "w").write(text), weir.path("preload.php")][1]
    return weir


@pytest.mark.parametrize("sig", [signal.SIGUSR2, signal.SIGHUP])
def test_all_but_the_master_are_new_and_the_socket_stays(weir, sig):
    www = usable(weir.pool())
    weir.start()
    old, inode = set(weir.tree()) - {weir.master}, os.stat(www.socket).st_ino
    reload(weir, sig)
    weir.gone(*old)
    assert int(www.get("/pid.php").text) in www.children()
    assert os.stat(www.socket).st_ino == inode
    assert len(weir.pids("pool", "www")) == len(weir.pids("zygote", "www")) == 1


def test_a_request_in_hand_finishes_without_a_bound(weir):
    www = usable(weir.pool())
    weir.start()
    c = www.open("/hold.php")
    www.busy()
    reload(weir)
    assert www.get("/pid.php").status == 200
    www.release()
    assert c.reply().text == "done"


def test_process_control_timeout_bounds_the_old_ones(weir):
    weir.global_("process_control_timeout = 1s")
    www = usable(weir.pool())
    weir.start()
    old = www.children()
    c = www.open("/hold.php")
    www.busy()
    reload(weir)
    weir.gone(*old)
    assert c.reply().text != "done"
    assert www.get("/pid.php").status == 200


@pytest.mark.parametrize("line,why", [
    ("nonsense = 1", "nonsense"),
    ("listen = /no/such/folder/x.sock", "its folder '/no/such/folder' cannot be used"),
    ("pm.max_children = many", "pm.max_children"),
])
def test_what_is_wrong_changes_nothing(weir, line, why):
    www = usable(weir.pool())
    weir.start()
    pool = weir.pool(name="more")
    weir.pool(line, name="bad")
    refused(weir)
    weir.wait_log(why)
    assert not os.path.exists(pool.socket) and www.get("/pid.php").status == 200


def test_a_log_that_cannot_be_opened_refuses_it(weir):
    www = usable(weir.pool())
    weir.start()
    refused(weir, weir.text().replace(weir.path("weir.log"), weir.path("none", "weir.log")))
    assert www.get("/pid.php").status == 200


def test_pools_come_and_go(weir):
    gone, stays = usable(weir.pool(name="gone")), usable(weir.pool(name="stays"))
    weir.start()
    c = gone.open("/hold.php")
    gone.busy()
    came = weir.pools[0] = usable(weir.pool(name="came"))
    weir.pools.pop()
    reload(weir)
    assert came.get("/pid.php").status == stays.get("/pid.php").status == 200
    weir.wait_log(r"\[pool gone\] is not configured any more: ending")
    gone.release()
    assert c.reply().text == "done"
    until(lambda: not os.path.exists(gone.socket), "its socket is unlinked")
    until(lambda: not [p for p in weir.tree() if proc.cmdline(p).endswith(" gone")], "its processes end")


def test_another_name_on_the_same_socket_loses_nobody(weir):
    old = usable(weir.pool(name="old"))
    weir.start()
    before = old.children()
    waiting = [old.open("/hold.php") for _ in range(4)]         # two of them in the queue
    old.busy(2)
    new = weir.pools[0] = weir.pool("listen = " + old.socket, name="new")
    weir.pools.pop()
    reload(weir)
    old.release()
    assert [c.reply().text for c in waiting] == ["done"] * 4
    weir.gone(*before)
    assert int(old.get("/pid.php").text) in new.children()


def test_rights_of_the_socket_are_taken_over(weir):
    www = usable(weir.pool())
    weir.start()
    www.also("listen.mode = 0600" + ("\n listen.owner = nobody" if AS_ROOT else ""))
    reload(weir)
    st = os.stat(www.socket)
    assert stat.S_IMODE(st.st_mode) == 0o600 and (st.st_uid != 0 or not AS_ROOT)
    assert www.get("/pid.php").status == 200


def test_a_lost_path_is_made_again(weir):
    www = usable(weir.pool())
    weir.start()
    os.unlink(www.socket)
    reload(weir)
    assert www.get("/pid.php").status == 200


def test_log_and_pid_file_move(weir):
    usable(weir.pool())
    weir.start()
    text = weir.text().replace("weir.pid", "other.pid").replace("weir.log", "other.log")
    weir.configure(text)
    weir.send_signal(signal.SIGUSR2)
    until(lambda: "ready to handle" in weir.file("other.log"), "the new log is in use")
    assert int(weir.file("run", "other.pid")) == weir.master
    assert not os.path.exists(weir.path("run", "weir.pid"))


def test_what_does_not_load_leaves_the_old_one_serving(weir):
    www, other = usable(weir.pool()), usable(weir.pool(name="other"))
    weir.start()
    before = weir.one("pool"), weir.one("zygote"), www.children()
    beside = other.children()
    www.also(PRELOAD % weir.preload("<?php no_such_function();"))
    reload(weir)
    weir.wait_log(r"\[pool www\] the new configuration did not become ready: pool process %d goes on" % before[0])
    until(lambda: weir.pids("pool", "www") == [before[0]], "the new pool process ends")
    assert (weir.one("pool"), weir.one("zygote"), www.children()) == before
    assert int(www.get("/pid.php").text) in before[2]
    weir.gone(*beside)
    weir.preload("<?php ")
    reload(weir)
    weir.gone(*before[2])
    assert www.get("/pid.php").status == 200


def test_a_reload_heals_a_pool_that_never_loaded(weir):
    www = usable(weir.pool(PRELOAD % weir.preload("<?php no_such_function();")))
    weir.pool(name="other")
    weir.start()
    failing = weir.one("pool")
    weir.preload("<?php ")
    reload(weir)
    weir.gone(failing)
    assert www.get("/pid.php").status == 200


def loading(weir):
    """A reload that is under way until weir.path("go") is made; what served before it."""
    www = usable(weir.pool())
    weir.start()
    www.also(PRELOAD % weir.preload(WAITING))
    weir.configure()
    weir.send_signal(signal.SIGUSR2)
    until(lambda: os.path.exists(www.root + "/loading"), "the new generation loads")
    return www


def test_while_the_next_one_loads_the_old_one_serves(weir):
    www = loading(weir)
    assert int(www.get("/pid.php").text) in www.children()
    open(weir.path("go"), "w").close()
    weir.wait_log("ready to handle", 2)
    assert www.get("/pid.php").status == 200


def test_one_asked_for_meanwhile_follows_once(weir):
    loading(weir)
    for count in (1, 2, 3):
        weir.send_signal(signal.SIGHUP)
        weir.wait_log("the start or reload before it goes on: this one follows", count)
    open(weir.path("go"), "w").close()
    weir.wait_log("ready to handle", 3)
    assert len(weir.log_lines("NOTICE: reloading: ")) == 2


def test_a_killed_newcomer_leaves_the_old_one(weir):
    www = loading(weir)
    old = www.children()
    weir.kill(max(weir.pids("pool", "www")))
    weir.wait_log("the new configuration did not become ready")
    assert int(www.get("/pid.php").text) in old


def test_the_old_one_killed_meanwhile_is_followed_by_the_new_one(weir):
    www = loading(weir)
    weir.kill(min(weir.pids("pool", "www")))
    open(weir.path("go"), "w").close()
    weir.wait_log("ready to handle", 2)
    assert www.get("/pid.php").status == 200


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_the_end_in_the_midst_of_it(weir, sig):
    www = loading(weir)
    c = www.open("/hold.php")
    www.busy()
    weir.send_signal(sig)
    weir.wait_log("Terminating ...")
    www.release()
    assert weir.ended() == 0
    assert (c.reply().text == "done") or sig == signal.SIGINT


def test_many_in_a_row_lose_no_request(weir):
    www = usable(weir.pool())
    weir.start()
    for _ in range(5):
        waiting = [www.open("/pid.php") for _ in range(10)]
        reload(weir)
        assert [c.reply().status for c in waiting] == [200] * 10


def test_what_waits_in_the_ready_queue_is_served_by_the_old_ones(weir):
    www = usable(weir.pool("pm.max_children = 1"))
    weir.start()
    old = www.children()
    kept = [www.open("/pid.php", keep=True) for _ in range(3)]
    assert [int(c.reply().text) for c in kept] == old * 3
    c = www.open("/hold.php")
    www.busy()
    for k in kept[:2]:
        k.send(www.request("/pid.php", keep=True))
    reload(weir)
    www.release()
    assert c.reply().text == "done"
    assert [int(k.reply().text) for k in kept[:2]] == old * 2
    assert [k.at_end() for k in kept] == ["eof"] * 3
    weir.gone(*old)
