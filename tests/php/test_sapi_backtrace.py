"""Backtraces of a script that goes on running: the same as the script's own, whatever it is in."""
import os
import re

import pytest

from sapi_driver import Php, driver

CALL = re.compile(r"\[0x([0-9a-f]{16})\] (.*)\(\) (.*):(\d+)")
HERE = "echo 'HERE'; "


def trace_of(folder, code, *settings, trigger="HERE"):
    """(script, [(function, file, line)]) while the script writes HERE. The first line of the file is <?php."""
    path = os.path.join(str(folder), "script.php")
    with open(path, "w") as f:
        f.write("<?php\n" + code)
    php = Php(*settings)
    result = php.request(path, driver=["trace_on " + trigger]).result()
    assert result.status == 0, (result.rest, result.stderr)
    texts = [line[6:] for line in result.rest if line.startswith("trace ")]
    assert texts, (result.rest, result[0].raw)
    calls = [CALL.fullmatch(text) for text in texts[1:]]
    assert all(calls), texts
    return texts[0], [(c[2], c[3].replace(path, "script"), int(c[4])) for c in calls]


def calls_of(folder, code, *settings, **more):
    return trace_of(folder, code, *settings, **more)[1]


def test_script_and_line(tmp_path):
    script, calls = trace_of(tmp_path, "\n\n" + HERE)
    assert script == str(tmp_path / "script.php")
    assert calls == [("[RUNNING]", "script", 4)]


def test_functions_and_methods(tmp_path):
    assert calls_of(tmp_path, """
class A {
  static function s() { (new self)->m(); }
  function m() {
    $f = function () { g(1); };
    $f(); }
  function __call($n, $a) {
    array_map(fn($x) => """ + "printf('HERE')" + """, [1]); }
}
function g($x) { (new A)->magic(); }
A::s();""") == [
        ("printf", "script", 9), ("{closure}", "script", 9), ("array_map", "script", 9), ("__call", "script", 11),
        ("g", "script", 6), ("{closure}", "script", 7), ("m", "script", 4), ("s", "script", 12)]


def test_include_and_eval(tmp_path):
    (tmp_path / "inc.php").write_text("<?php\n\neval('\necho \"HERE\";');")
    inc = str(tmp_path / "inc.php")
    assert calls_of(tmp_path, "function f() { require_once __DIR__ . '/inc.php'; }\n f();") == [
        ("[RUNNING]", inc + "(3) : eval()'d code", 2), ("[INCLUDE_OR_EVAL]", inc, 3),
        ("[INCLUDE_OR_EVAL]", "script", 2), ("f", "script", 3)]


def test_generators(tmp_path):
    assert calls_of(tmp_path, """
function a() { yield from b(); }
function b() { yield 0;
  yield from c(); }
function c() {
  printf('HERE'); yield 1; }
foreach (a() as $x) { }""") == [
        ("printf", "script", 7), ("c", "script", 5), ("b", "script", 3), ("a", "script", 8)]


def test_fibers(tmp_path):
    assert calls_of(tmp_path, """
function f() { Fiber::suspend();
  printf('HERE'); }
$fiber = new Fiber(function () { f(); });
$fiber->start();
$fiber->resume();""") == [
        ("printf", "script", 4), ("f", "script", 5), ("{closure}", "script", 7), ("resume", "script", 7)]


def test_exceptions_and_destructors(tmp_path):
    assert calls_of(tmp_path, """
class D { function __destruct() {
  printf('HERE'); } }
function f() {
  $d = new D;
  throw new Exception; }
try { f(); } catch (Exception $e) { }""") == [
        ("printf", "script", 4), ("__destruct", "script", 8)]      # f is left already


def test_handlers_of_errors(tmp_path):
    assert calls_of(tmp_path, """
set_error_handler(function () { printf('HERE'); return true; });
function f() {
  return $undefined; }
f();""") == [("printf", "script", 3), ("{closure}", "script", 5), ("f", "script", 6)]


def test_after_the_end(tmp_path):
    assert calls_of(tmp_path, "register_shutdown_function(function () {\n printf('HERE'); });") == [
        ("printf", "script", 3), ("{closure}", "unknown", 0)]
    assert calls_of(tmp_path, "ob_start(function () {\n return 'HERE'; });") == []


def test_depth(tmp_path):
    calls = calls_of(tmp_path, "function r($n) { if ($n) { r($n - 1); }\n else { printf('HERE'); } }\n r(100);")
    assert calls == [("printf", "script", 3)] + [("r", "script", 2)] * 19


def test_names_with_nul(tmp_path):
    calls = calls_of(tmp_path, "$c = new class { function f() { printf('HERE'); } };\n $c->f();")
    assert calls == [("printf", "script", 2), ("f", "script", 3)]


@pytest.mark.parametrize("cached", [False, True])
def test_opcache(tmp_path, cached):
    settings = [("php_admin_value", "opcache.enable", "1"), ("php_admin_value", "opcache.jit", "off")]
    if cached:
        (tmp_path / "cache").mkdir(mode=0o777)
        settings += [("php_admin_value", "opcache.file_cache", str(tmp_path / "cache")),
                     ("php_admin_value", "opcache.file_cache_only", "1")]
    settings.insert(0, ("-d", "zend_extension", "opcache"))
    code = "function f() { if (extension_loaded('Zend OPcache')) printf('HERE'); else echo 'HERE'; }\n f();"
    assert calls_of(tmp_path, code, *settings) == [("printf", "script", 2), ("f", "script", 3)]


# Under a seccomp filter, as containers of old have it, which answers EPERM to process_vm_readv alone.
FILTER = """#!/usr/bin/python3
import ctypes, os, struct, sys
code = struct.pack("HBBI" * 4, 0x20, 0, 0, 0, 0x15, 0, 1, 310, 0x06, 0, 0, 0x00050001, 0x06, 0, 0, 0x7fff0000)
kept = ctypes.create_string_buffer(code)
class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("code", ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
program = Program(4, ctypes.addressof(kept))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(program)) == 0
assert libc.process_vm_readv(os.getpid(), None, 0, None, 0, 0) == -1 and ctypes.get_errno() == 1
os.execv(%r, [%r] + sys.argv[1:])
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the filter knows that machine's numbers alone")
def test_where_the_call_is_refused(tmp_path, monkeypatch):
    program = tmp_path / "refused"
    program.write_text(FILTER % (driver(), driver()))
    program.chmod(0o755)
    monkeypatch.setenv("WEIR_PHP_DRIVER", str(program))
    assert calls_of(tmp_path, "function f($n) { if ($n) { f($n - 1); }\n else { printf('HERE'); } } f(4);") == [
        ("printf", "script", 3)] + [("f", "script", 2)] * 4 + [("f", "script", 3)]


def test_no_script(tmp_path):
    result = Php().request(tmp_path / "none.php", driver=["trace_on not"]).result()
    assert result.status == 0, (result.rest, result.stderr)


def test_the_same_as_the_script_sees(tmp_path):
    """Against debug_backtrace(), which knows: every call with the place it was made at."""
    code = """
function mine() { foreach (array_slice(debug_backtrace(), 1) as $f) {
    echo $f['function'], ' ', basename($f['file'] ?? 'unknown'), ':', $f['line'] ?? 0, "\\n"; } }
class K { function __get($n) { return usort($GLOBALS['a'], [$this, 'cmp']); }
  function cmp($a, $b) { return iterator_to_array($this->g())[0]; }
  function g() { yield from (function () { yield call_user_func_array([new ArrayObject([1]), 'uasort'], ['last']); })();
  } }
$a = [1, 2];
function last($a = 0, $b = 0) { mine(); printf('HERE'); return 0; }
function start() { return preg_replace_callback('/x/', fn($m) => (string)(new K)->any, 'x'); }
spl_autoload_register(fn($c) => start());
class_exists('Nowhere');
"""
    path = tmp_path / "script.php"
    path.write_text("<?php" + code.replace("new ArrayObject([1])", "new ArrayObject([1, 2])"))
    result = Php().request(path, driver=["trace_on HERE"]).result()
    assert result.status == 0, (result.rest, result.stderr)
    ours = [CALL.fullmatch(x[6:]) for x in result.rest if x.startswith("trace [")]
    ours = ["%s %s:%s" % (c[2], os.path.basename(c[3]), c[4]) for c in ours][1:]
    own = result[0].body.decode().partition("HERE")[0].splitlines()
    own = own[:own.index(next(x for x in own if x.startswith("class_exists"))) + 1]
    assert len(own) > 8 and [x for x in own if "g " in x]
    # Calls by PHP itself have no place of their own there: here they have that of the call around them.
    for mine, its in zip(ours, own):
        assert mine == its or mine.split()[0] == its.split()[0] and its.endswith("unknown:0"), (ours, own)
    assert len(ours) == len(own), (ours, own)
