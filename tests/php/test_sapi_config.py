"""Configuration and messages; opcache; what -v, -i and -m print; system calls."""
import json
import os
import pathlib
import re
import subprocess

import pytest

from sapi_driver import HELLO, SCRIPTS, Php, driver, only, plugin, run
from weirtest import PHP_ZTS


# Configuration
def test_values_and_who_may_change_them(tmp_path):
    (tmp_path / ".user.ini").write_text("precision=7\nmemory_limit=99M\nserialize_precision=8\n")
    (tmp_path / "a.php").write_text(
        "<?php echo ini_get('precision'), ' ', ini_get('memory_limit'), ' ', ini_get('serialize_precision'), ' ';"
        "var_dump(ini_set('precision', 9), ini_set('memory_limit', '98M'), ini_set('max_execution_time', 77));"
        "echo ini_get('precision'), ' ', ini_get('memory_limit'), ' ', ini_get('html_errors');")
    php = Php(("php_admin_value", "memory_limit", "64M"), ("php_value", "precision", "5"),
              ("php_admin_flag", "html_errors", "off"), ("php_admin_value", "max_execution_time", "11"),
              ("php_value", "memory_limit", "32M"))
    for _ in range(3):
        php.request(tmp_path / "a.php", DOCUMENT_ROOT=tmp_path)
    result = php.result()
    for reply in result.replies:
        assert reply.body.split(b"\n") == [b"7 64M 8 string(1) \"7\"", b"bool(false)", b"bool(false)", b"9 64M 0"]


def test_unknown_value_is_logged_not_fatal():
    result = Php(("php_value", "no.such", "1"), ("php_admin_value", "memory_limit", "33M")).run(
        "echo ini_get('memory_limit');").result()
    assert result[0].body == b"33M"
    assert any("Unable to set php_value 'no.such'" in line for line in result.log)


def test_values_that_need_quotes():
    php = Php(("php_value", "error_prepend_string", "a ; b = \"c\" ${HOME} (x|y) $"),
              ("php_value", "error_append_string", "it's \"so\" \\ x"), ("php_value", "memory_limit", "34M"))
    assert only(php.run("echo ini_get('error_prepend_string'), '|', ini_get('error_append_string'), '|',"
                        "ini_get('memory_limit');")).body == b"a ; b = \"c\" ${HOME} (x|y) $|it's \"so\" \\ x|34M"


def test_disable_functions_adds():
    php = Php(("-d", "disable_functions", "phpversion"), ("php_admin_value", "disable_functions", "exec,passthru"))
    assert only(php.run("var_dump(function_exists('phpversion'), function_exists('exec'), function_exists('system'));"
                        "echo ini_get('disable_functions');")).body == (
        b"bool(false)\nbool(false)\nbool(true)\nphpversion,exec,passthru")


@pytest.mark.skipif(PHP_ZTS, reason="built without the extension calendar")
def test_extension():
    php = Php(("php_admin_value", "extension", "calendar"), ("php_admin_value", "extension", "nosuchthing"))
    result = php.run("var_dump(extension_loaded('calendar'));").result()
    assert result[0].body == b"bool(true)\n"
    assert any("nosuchthing" in line for line in result.log)
    assert any("message(s) while starting" in line for line in result.log)


def test_define_option_is_ini_text():
    assert run("echo ini_get('error_reporting'), ini_get('precision');", ("-d", "error_reporting", "E_ALL"),
               ("-d", "precision", "3")).body == b"327673"


def test_php_ini_file_and_folder(tmp_path):
    (tmp_path / "php.ini").write_text("precision=6\n[PATH=%s]\nserialize_precision=9\n"
                                      "[HOST=a.example]\narg_separator.output=X\n" % SCRIPTS)
    for path in (tmp_path, tmp_path / "php.ini"):
        php = Php(("-c", None, path), ini=True)
        code = ("echo php_ini_loaded_file(), ' ', ini_get('precision'), ' ', ini_get('serialize_precision'), ' ',"
                "ini_get('arg_separator.output');")
        php.run(code, SERVER_NAME="A.example").run(code, SERVER_NAME="b")
        result = php.result()
        assert result[0].body == f"{tmp_path}/php.ini 6 9 X".encode()
        assert result[1].body == f"{tmp_path}/php.ini 6 9 &".encode()


def test_php_ini_that_is_not_there_is_told(tmp_path):
    result = Php(("-c", None, tmp_path / "none.ini"), ini=True).request(HELLO).result()
    assert result[0].body == b"hello\n"
    assert [line for line in result.log if "none.ini: there is no php.ini" in line]


def test_php_ini_without_option_is_fpms():
    php = Php(ini=True)
    php.run("echo json_encode([php_ini_loaded_file(), php_ini_scanned_files(), getenv('PHP_INI_SCAN_DIR')]);")
    loaded, scanned, variable = only(php).json
    assert loaded.endswith("/fpm/php.ini") and "/fpm/conf.d/" in scanned and variable is False


def test_user_ini_walks_from_the_root(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / ".user.ini").write_text("precision=4\nserialize_precision=4\nauto_prepend_file=pre.php\n")
    (tmp_path / "a" / ".user.ini").write_text("precision=5\n")
    (tmp_path / "a" / "b" / "pre.php").write_text("pre ")
    (tmp_path / "a" / "b" / "x.php").write_text("<?php echo ini_get('precision'), ini_get('serialize_precision');")
    php = Php(("php_value", "include_path", "."))
    php.request(tmp_path / "a/b/x.php", DOCUMENT_ROOT=f"{tmp_path}/").run("echo ini_get('precision');")
    php.request(tmp_path / "a/b/x.php", DOCUMENT_ROOT=tmp_path / "a/b")
    php.request(tmp_path / "a/b/x.php")
    result = php.result()
    assert [r.body for r in result.replies[:2]] == [b"pre 54", b"14"]


def test_auto_prepend_and_append(tmp_path):
    (tmp_path / "pre.php").write_text("before ")
    (tmp_path / "app.php").write_text(" after")
    assert run("echo 'in';", ("php_value", "auto_prepend_file", tmp_path / "pre.php"),
               ("php_value", "auto_append_file", tmp_path / "app.php")).body == b"before in after"


def test_ini_parameters_of_a_peer_are_refused_aloud():
    php = Php()
    for _ in range(2):
        php.run("echo ini_get('precision'), ini_get('open_basedir');", PHP_VALUE="precision=3",
                PHP_ADMIN_VALUE="open_basedir=/")
    result = php.result()
    assert [r.body for r in result.replies] == [b"14", b"14"]
    assert len([line for line in result.log if "PHP_VALUE" in line]) == 1


# Messages
def test_messages():
    code = "error_log('one'); error_log('two'); echo $undefined;"
    settings = [("php_value", "log_errors", "1"), ("php_value", "display_errors", "0")]
    result = Php(*settings).run(code).result()
    assert result[0].error.startswith("PHP message: one; PHP message: two; "
                                      "PHP message: PHP Warning:  Undefined variable")
    assert result.log == []
    result = Php(*settings, ("catch_workers_output", None, "yes")).run(code).request(None).result()
    assert result.log[:2] == ["2 request test: PHP message: one", "2 request test: PHP message: two"]
    assert result.log[-1] == "1 request test: Primary script unknown"
    assert run(code, *settings, ("-d", "fastcgi.logging", "0")).error == ""


def test_error_log_file(tmp_path):
    reply = run("error_log('to file');", ("php_admin_value", "error_log", tmp_path / "log"))
    assert reply.error == "" and "to file" in (tmp_path / "log").read_text()


def test_php_stderr_is_descriptor_2():
    result = Php().run("file_put_contents('php://stderr', 'said');").result()
    assert result.stderr == "said"


# opcache
def test_opcache_serves_and_preload_is_there(monkeypatch):
    monkeypatch.setenv("ASAN_OPTIONS", "detect_leaks=0")     # root's preload ends a process of its own in the midst
    user = [("php_admin_value", "opcache.preload_user", "nobody")] if os.getuid() == 0 else []
    php = Php(("-d", "zend_extension", "opcache"), ("php_admin_value", "opcache.memory_consumption", "16"),
              ("php_admin_value", "opcache.preload", SCRIPTS / "sapi_preload.php"), *user)
    php.run("$s = opcache_get_status(false); echo $s['opcache_enabled'] ? 'on ' : 'off ', preloaded(), ' ',"
            "ini_get('opcache.memory_consumption'), ' ', $s['memory_usage']['free_memory'] < 16 << 20 ? 1 : 0;")
    php.request(HELLO).request(HELLO).run("echo opcache_get_status()['scripts'][realpath('sapi_hello.php')]['hits'];")
    result = php.result()
    assert result[0].body == b"on preloaded 16 1" and result[3].body == b"1"


def test_a_preload_that_fails_says_so(tmp_path):
    user = [("php_admin_value", "opcache.preload_user", "nobody")] if os.getuid() == 0 else []
    result = Php(("-d", "zend_extension", "opcache"), ("-d", "opcache.preload", SCRIPTS / "sapi_broken.php"),
                 ("-d", "log_errors", "1"), *user).result()
    assert result.status != 0 and any("sapi_broken.php" in line for line in result.log)


def calls_of(php, tmp_path):
    """Each system call between the two SIGUSR1 that the driver raises, with how often it was made."""
    if subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode:
        pytest.skip("strace cannot trace here")
    subprocess.run(["strace", "-f", "-qq", "-o", tmp_path / "trace", driver(), plugin()], check=True,
                   input=php.text(), stdout=subprocess.DEVNULL, timeout=120)
    _, inside, _ = re.split(r"SIGUSR1 \{.*\n", (tmp_path / "trace").read_text())
    counts = {}
    for name in re.findall(r"^\d+ +(\w+)\(", inside, re.M):
        counts[name] = counts.get(name, 0) + 1
    return counts


def test_system_calls_of_a_request(tmp_path):
    if "libasan" in pathlib.Path(plugin()).read_bytes().decode("latin-1"):
        pytest.skip("a sanitizer makes calls of its own")
    php = Php(("-d", "zend_extension", "opcache"), ("-d", "max_input_time", "60"))
    php.request(HELLO, DOCUMENT_ROOT=SCRIPTS, QUERY_STRING="", CONTENT_LENGTH="", CONTENT_TYPE="")
    php.do("repeat 3", "signal 10", "repeat 200", "signal 10")
    counts = calls_of(php, tmp_path)
    print(counts)
    assert sum(counts.values()) <= 7 * 200 + 20, counts


# Throw-away processes
def test_probe_and_prints():
    version = run("echo PHP_VERSION;").body.decode()
    probe = Php().result("probe")
    assert probe.rest == [f"PHP {version} " + ("(ZTS) thread_safe=1" if PHP_ZTS else "(NTS) thread_safe=0")]
    for ini in (False, True):
        lines = Php(ini=ini).result("version").rest
        assert re.fullmatch(r"PHP %s \(fpm-fcgi\) \(built: \w{3} +\d+ \d{4} [\d:]{8}\)" % re.escape(version), lines[0])
        assert lines[1] == "Copyright (c) The PHP Group" and lines[2].startswith("Zend Engine v")
    modules = Php().result("modules").rest
    assert modules[0] == "[PHP Modules]" and "cgi-fcgi" in modules and "[Zend Modules]" in modules
    info = Php(ini=True).result("info").rest
    assert any(re.match(r"Loaded Configuration File => .*/fpm/php.ini", line) for line in info)
    assert "Server API => FPM/FastCGI" in info


def test_an_extension_that_is_not_there_is_told():
    result = Php(("-d", "zend_extension", "/nonexistent.so")).result("probe")
    assert "Failed loading /nonexistent.so" in result.stderr
