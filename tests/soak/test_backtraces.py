"""Backtraces are taken as fast as they come while scripts change their stack as fast as they can: none ends the
process, and each is well formed (the driver looks)."""
import os
import re
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "php"))

from sapi_driver import Php         # noqa: E402

UNTIL = "$end = microtime(true) + 4; while (microtime(true) < $end) { %s }"
ALWAYS = {"[RUNNING]", "[INCLUDE_OR_EVAL]", "microtime", "random_int"}
NAMES = {               # of functions that a backtrace may show, besides ALWAYS
    "recursion": {"r"}, "exceptions": {"t", "__construct"}, "generators": {"g"},
    "fibers": {"f", "start", "resume", "suspend", "__construct", "{closure}"}, "eval": {"str_repeat"},
    "destructors": {"__destruct", "usort", "{closure}", "range"},
}
SCRIPTS = {
    "recursion": "function r($n) { return $n ? 1 + r($n - 1) : 0; }" + UNTIL % "r(random_int(1, 3000));",
    "exceptions": "function t($n) { if ($n) { t($n - 1); } throw new LogicException('x'); }"
                  + UNTIL % "try { t(random_int(1, 50)); } catch (Exception $e) { unset($e); }",
    "generators": "function g($n) { yield $n; if ($n) { yield from g($n - 1); } }"
                  + UNTIL % "foreach (g(random_int(1, 30)) as $x) { if ($x == 7) break; }",
    "fibers": "function f($n) { if ($n) { return f($n - 1); } return Fiber::suspend(1); }"
              + UNTIL % "$f = new Fiber('f'); $f->start(random_int(0, 20)); if (random_int(0, 1)) { $f->resume(1); } unset($f);",
    "eval": UNTIL % "eval('function f' . ($i = ($i ?? 0) + 1) . '() { return str_repeat(\"x\", 100); } f' . $i . '();');",
    "destructors": "class D { public $d; function __destruct() { usort($GLOBALS['a'], fn($x, $y) => $x <=> $y); } }"
                   "$a = range(1, 20);" + UNTIL % "$d = null; for ($i = 0; $i < 30; $i++) { $e = new D; $e->d = $d; $d = $e; }",
    "memory": "ini_set('memory_limit', '64M'); function m($s) { return m($s . str_repeat('x', 1000)); } m('');",
    "stack": "ini_set('memory_limit', '256M'); function s() { s(); } s();",
    "fatal": "function f() { no_such_function(); } f();",
    "exit": "register_shutdown_function(function () { usleep(1000); exit(3); }); function f() { exit(1); } f();",
    "killed": "function k($n) { if ($n) { k($n - 1); } shell_exec('kill -KILL ' . getmypid()); } usleep(100000); k(30);",
}


def taken(result):
    return [tuple(map(int, m.groups())) for m in
            (re.fullmatch(r"traces (\d+) calls (\d+) most (\d+)", line) for line in result.rest) if m]


@pytest.mark.parametrize("name", NAMES)
def test_a_changing_stack(name):
    result = Php().run(SCRIPTS[name], driver=["traces"]).result()
    assert result.status == 0, (result.rest, result.stderr)
    count, calls, most = taken(result)[0]
    print("\n%s: %d backtraces, %.1f calls each, %d at most" % (name, count, calls / count, most))
    assert count > 1000 and most > 1
    seen = {line[7:] for line in result.rest if line.startswith("traced ")}
    strange = {x for x in seen - ALWAYS - NAMES[name] if name != "eval" or not re.fullmatch(r"f\d+", x)}
    assert strange == set(), seen


def test_ends_of_all_kinds():
    """Request after request in one process, with backtraces while each begins, ends and dies."""
    php = Php()
    for i in range(300):
        php.run(SCRIPTS[("fatal", "exit", "memory", "stack")[i % 4]], driver=["traces"])
    result = php.result()
    assert result.status == 0, (result.rest[-5:], result.stderr)
    assert len(taken(result)) == 300


def test_a_killed_script():
    result = Php().run(SCRIPTS["killed"], driver=["traces"]).result()
    assert "child died of signal 9" in result.rest
