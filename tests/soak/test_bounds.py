"""Bounds in time and in wake-ups under load and at rest, and clients of nginx who are more than the children."""
import os
import shutil
import signal
import time

import pytest
from soak_load import Clients, Load, failures, load, wakeups

from weirtest import Weir, proc, until

PHP_FPM = shutil.which("php-fpm8.2") or "/usr/sbin/php-fpm8.2"


def pool(weir, lines=""):
    www = weir.pool(lines)
    www.write("hello.php", "echo 'hello';")
    www.write("wait.php", "usleep(1000 * (int)$_GET['ms']); echo 'waited';")
    return www


@pytest.mark.parametrize("keep", [["-k"], []], ids=["kept", "new"])
def test_a_short_page_while_one_slot_is_free(weir, keep):
    www = pool(weir, "pm.max_children = 4")
    weir.start()
    short = ["-c", 1, "-t", 4] + keep
    alone = load(www, "/wait.php?ms=5", *short)
    long = Load(www, "/wait.php?ms=1000", "-c", 3, "-t", 6, *keep)
    beside = load(www, "/wait.php?ms=5", *short)
    assert [failures(x) for x in (alone, beside, long.result())] == [{}, {}, {}]
    a, b = (x["latency_us"]["p99"] / 1000 for x in (alone, beside))
    print("\n5 ms page: p99 %.2f ms alone, %.2f ms beside three clients of a 1 s page" % (a, b))
    assert b <= 2 * a + 5


def test_a_burst_of_40_on_a_dynamic_pool(weir):
    www = pool(weir, "pm = dynamic\n pm.max_children = 50\n pm.min_spare_servers = 2\n pm.max_spare_servers = 8")
    weir.start()
    assert failures(load(www, "/wait.php?ms=0", "-n", 20)) == {}
    got = load(www, "/wait.php?ms=200", "--burst", 40, "--retry-full")
    slowest = got["latency_us"]["max"] / 1000
    print("\n40 requests of 200 ms at once: the slowest took %.0f ms" % slowest)
    assert failures(got) == {} and got["ok"] == 40
    assert slowest < 2 * 200 + 500


DYNAMIC = "pm = dynamic\n pm.max_children = 8\n pm.min_spare_servers = 2\n pm.max_spare_servers = 4"


@pytest.mark.parametrize("lines", ["pm.max_children = 4", DYNAMIC], ids=["static", "dynamic"])
def test_an_idle_server_sleeps(weir, lines):
    www = pool(weir, lines)
    weir.start()
    assert failures(load(www, "/hello.php", "-c", 4, "-k", "-n", 1000)) == {}
    idle = [www.open("/hello.php", keep=True) for _ in range(2)]
    assert [c.reply().text for c in idle] == ["hello"] * 2
    time.sleep(6)                       # what a load leaves to do is done by then
    tree = weir.tree()
    before = {p: wakeups(p) for p in tree}
    time.sleep(5)
    assert weir.tree() == tree
    woken = {"%s %d" % (proc.cmdline(p), p): wakeups(p) - before[p] for p in tree}
    print("\nwoken in 5 s: %s" % woken)
    assert woken["weir: pool www %d" % weir.one("pool")] <= 2
    assert sum(woken.values()) <= 2 * len(tree)
    assert all(c.silent() for c in idle)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGQUIT])
def test_the_end_waits_for_a_request_of_two_seconds(weir, sig):
    www = pool(weir)
    www.write("two.php", "touch(__DIR__ . '/begun'); sleep(2); echo 'whole';")
    weir.start()
    c = www.open("/two.php")
    until(lambda: os.path.exists(www.root + "/begun"), "the script runs")
    begin = time.monotonic()
    weir.send_signal(sig)
    assert c.reply().text == "whole" and weir.ended() == 0
    took = time.monotonic() - begin
    print("\nended %.2f s after the signal" % took)
    assert 1.5 < took < 3


GONE = """
touch(__DIR__ . '/begun');
ignore_user_abort(true);
while (!connection_aborted()) { usleep(1000); }
file_put_contents(__DIR__ . '/seen.new', sprintf('%.6f', microtime(true)));
rename(__DIR__ . '/seen.new', __DIR__ . '/seen');
"""


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "new"])
def test_a_client_gone_is_seen_soon(weir, keep):
    www = pool(weir)
    www.write("gone.php", GONE)
    weir.start()
    c = www.open("/gone.php", keep=keep)
    until(lambda: os.path.exists(www.root + "/begun"), "the script runs")
    c.close()
    left = time.time()
    until(lambda: os.path.exists(www.root + "/seen"), "the script sees it")
    took = float(weir.file("www", "seen")) - left
    print("\nseen after %.0f ms" % (took * 1000))
    assert took < 0.5


def fifty(weir, nginx, **how):
    """Fifty clients of nginx, which keeps four connections, before four children."""
    www = weir.pool("pm.max_children = 4")
    www.write("pid.php", "usleep(2000); echo getmypid();")
    weir.start()
    return Clients(nginx(www, keepalive=4, **how), "/pid.php", clients=50, seconds=10).tally


def test_fifty_clients_of_nginx_before_four_children(weir, nginx):
    tally = fifty(weir, nginx)
    print("\nWeir: %s" % dict(tally))
    assert set(tally) == {200} and tally[200] > 1000


@pytest.mark.skipif(not os.path.exists(PHP_FPM), reason="needs php-fpm beside it")
def test_the_same_before_php_fpm(nginx):
    """Its figures are printed, for comparison; nothing is asked of them."""
    fpm = Weir(PHP_FPM)
    try:
        print("\nphp-fpm: %s" % dict(fifty(fpm, nginx, extra="fastcgi_read_timeout 3s;")))
    finally:
        fpm.finish()


@pytest.mark.seconds(180)
def test_children_that_end_after_ten_requests_lose_none(weir, nginx):
    www = pool(weir, "pm.max_children = 4\n pm.max_requests = 10")
    weir.start()
    begin = time.monotonic()
    tally = Clients(nginx(www, keepalive=4), "/hello.php", clients=8, each=2500).tally
    print("\nmax_requests = 10: %s in %.1f s" % (dict(tally), time.monotonic() - begin))
    assert tally == {200: 20000}
