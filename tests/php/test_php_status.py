"""fpm_get_status(), beside php-fpm's own."""
import json
import os
import shutil
import signal

import pytest

from weirtest import HOLD, PHP_POOL, PHP_ZTS, Weir

FPM = shutil.which("php-fpm8.2")
LOOSE = {"start-time", "start-since", "listen-queue-len", "pid", "request-duration", "script"}
SHOW = """
$f = new ReflectionFunction('fpm_get_status');
echo json_encode(['type' => (string)$f->getReturnType(), 'args' => $f->getNumberOfParameters(),
    'status' => fpm_get_status()], JSON_PRESERVE_ZERO_FRACTION);
"""


def shown(server):
    pool = server.pool()
    server.start()
    pool.write("hold.php", HOLD)
    busy = pool.open("/hold.php?a=1&b=2", body=b"abc", HTTP_AUTHORIZATION="Basic YTpi")
    pool.busy()
    seen = json.loads(pool.run(SHOW).text)
    pool.release()
    busy.reply()
    return seen


def typed(row):
    """[(key, type, value)] in the order of the array."""
    return [(k, type(v).__name__, None if k in LOOSE else v) for k, v in row.items()]


@pytest.mark.skipif(FPM is None or PHP_POOL, reason="no php-fpm8.2, or another model than its")
def test_the_same_as_php_fpms(weir):
    ours = shown(weir)
    fpm = Weir(FPM)
    fpm.exit_code = None
    theirs = shown(fpm)
    fpm.finish()
    assert (ours["type"], ours["args"]) == (theirs["type"], theirs["args"])
    rows = []
    for page in (ours["status"], theirs["status"]):
        procs = sorted(page.pop("procs"), key=lambda r: r["request-method"])
        rows.append([typed(row) for row in [page] + procs])
    assert rows[0] == rows[1]
    assert ("query-string", "str", "a=1&b=2") in rows[0][2] and ("user", "str", "a") in rows[0][2]


def test_again_and_again(www):
    code = "for ($i = 0; $i < 300; $i++) { $s = fpm_get_status(); } echo count($s['procs']), ' ', $s['accepted-conn'];"
    slots = 8 if PHP_ZTS else 2
    assert www.run(code).text == "%d 1" % slots
    assert www.run(code).text == "%d 2" % slots


@pytest.mark.not_event("nothing is served while the pool process is stopped")
def test_false_when_nobody_tells(www):
    process = www.weir.one("pool")
    os.kill(process, signal.SIGSTOP)
    try:
        assert www.run("var_dump(fpm_get_status());").text == "bool(false)\n"
    finally:
        os.kill(process, signal.SIGCONT)
    assert www.run("echo is_array(fpm_get_status());").text == "1"
