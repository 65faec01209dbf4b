"""The php SAPI under valgrind: what it does for a request, good or bad, gives no report of Weir's own code.

php_driver stands for the server (execveat, by which the server starts its own, is closed to valgrind). What libphp
does is suppressed by tests/valgrind.supp; a report that is left fails the test."""
import glob
import os
import re
import shutil
import subprocess
import sys

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TESTS, "php"))

from sapi_driver import HELLO, SCRIPTS, Php, Result, driver, form, multipart, plugin      # noqa: E402

SUPPRESSED = os.path.join(TESTS, "valgrind.supp")
FAULTS = 9
SOURCES = {os.path.basename(f) for part in ("sapi", "src", "tests/unit/sapi")
           for f in glob.glob(os.path.join(os.path.dirname(TESTS), part, "**/*.[ch]"), recursive=True)}
pytestmark = [pytest.mark.skipif(not shutil.which("valgrind"), reason="needs valgrind"), pytest.mark.seconds(300)]

SCRIPT = """
header('X-One: 1'); setcookie('a', 'b'); http_response_code(201); ini_set('precision', 3); putenv('SOAK=1');
error_log('a line for the log'); file_put_contents('php://stderr', "another\\n");
echo json_encode([$_GET, $_POST, $_COOKIE, getallheaders(), strlen(file_get_contents('php://input'))]);
flush(); echo str_repeat('x', 100000);
"""


def hello(php):
    php.request(HELLO).request(HELLO, QUERY_STRING="a=1&b[]=2", HTTP_COOKIE="c=d", HTTP_X_REQUEST_ID="soak")


def post(php):
    php.run(SCRIPT, body="a=1&b=2", CONTENT_LENGTH="7", **form())
    php.run(SCRIPT, body="x" * 70000, CONTENT_LENGTH="70000", method="POST", CONTENT_TYPE="text/plain")
    php.run(SCRIPT, body="cut", CONTENT_LENGTH="9", driver=["body_fail"], **form())


def upload(php):
    body = multipart([(b'name="f"; filename="a.txt"\r\nContent-Type: text/plain', b"data" * 5000),
                      (b'name="v"', b"value")])
    php.run("echo $_FILES['f']['size'], $_POST['v']; move_uploaded_file($_FILES['f']['tmp_name'], '/nowhere/x');",
            method="POST", body=body, CONTENT_LENGTH=len(body), CONTENT_TYPE="multipart/form-data; boundary=XyZ")


def refused(php):
    php.request(SCRIPTS / "no_such.php").request(SCRIPTS / "test_php_ini.py").request(None)
    php.request(SCRIPTS / "sapi_broken.php").run("no_such_function();").run("exit(3);")
    php.run("throw new Exception('not caught');").request(HELLO)


def finished(php):
    php.run("echo 'sent'; fastcgi_finish_request(); register_shutdown_function(function () { echo 'late'; });")
    php.run("echo 'x'; flush(); while (!connection_aborted()) { echo 'y'; flush(); }", driver=["gone_on x"])
    php.request(HELLO)


def many(php):
    php.request(HELLO).do("repeat 200")


def traced(php):
    """With a backtrace taken in the middle of everything."""
    deep = "function f($n) { foreach ((function () { yield from [1]; })() as $x) { $n ? f($n - 1) : printf('HERE'); } }"
    for code in (deep + "f(40);", "eval('echo \"HERE\";');", "register_shutdown_function(fn() => printf('HERE'));",
                 "(new Fiber(function () { try { throw new Exception; } catch (Exception $e) { echo 'HERE'; } }))->start();"):
        php.run(code, driver=["trace_on HERE"])
    php.run("function g($n) { return $n ? g($n - 1) : 0; } for ($i = 0; $i < 300; $i++) { g(20); }", driver=["traces"])


def under_valgrind(work, what, *options):
    """Run what; the reports of all its processes. PHP takes each block from the C library, where valgrind sees it."""
    php = Php()
    what(php)
    command = ["valgrind", "--log-file=%s/report.%%p" % work, "--num-callers=30", *options, driver(), plugin()]
    done = subprocess.run(command, input=php.text(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=250,
                          check=False, env=dict(os.environ, USE_ZEND_ALLOC="0", USE_TRACKED_ALLOC="1"))
    reports = "".join(p.read_text(errors="replace") for p in sorted(work.glob("report.*")))
    return Result(done), reports


def weirs(reports):
    """Top frames of reports that are Weir's own: "at 0x..: name (file.c:line)", or "(in OBJECT)"."""
    tops = re.findall(r"^==\d+==    at 0x[0-9A-F]+: .*\((?:in )?(.*?)(?::\d+)?\)$", reports, re.M)
    return [x for x in tops if x in SOURCES or os.path.basename(x).startswith(("weir_", "php_driver"))]


@pytest.mark.parametrize("what", [hello, post, upload, refused, finished, many, traced], ids=lambda f: f.__name__)
def test_no_report(tmp_path, what):
    result, reports = under_valgrind(
        tmp_path, what, "--suppressions=" + SUPPRESSED, "--error-exitcode=%d" % FAULTS, "--leak-check=full",
        "--errors-for-leak-kinds=definite")
    assert weirs(reports) == [], reports[-6000:]
    assert reports.count("ERROR SUMMARY: 0 errors") == reports.count("ERROR SUMMARY: ") >= 2, reports[-6000:]
    assert result.status == 0, (result.rest, result.stderr)
    assert result.replies or what is many
