"""Replies: headers, status, output; ends of every kind; clients that go."""
import json

import pytest

from sapi_driver import EVAL, HELLO, SCRIPTS, Php, form, only, run


# Answers
def test_status_and_headers():
    reply = run("header('X-A: 1'); header('X-A: 2', false); http_response_code(404); setcookie('k', 'v v'); echo 1;")
    assert reply.headers[0] == "Status: 404 Not Found"
    assert [h for h in reply.headers if h.startswith("X-A")] == ["X-A: 1", "X-A: 2"]
    assert reply.header("Set-Cookie") == "k=v%20v"


@pytest.mark.parametrize("code, status", [
    ("http_response_code(200);", None),
    ("header('Location: /x');", "302 Found"),
    ("header('HTTP/1.1 418 Tea pot');", "418 Tea pot"),
    ("header('Status: 503 Away');", "503 Away"),
    ("http_response_code(299);", "299"),
])
def test_status_line(code, status):
    assert run(code).header("Status") == status


def test_status_line_forms():
    assert run("", ("php_value", "cgi.nph", "1")).headers[0] == "Status: 200 OK"
    whole = run("header('HTTP/1.1 404 Gone away');", ("php_value", "cgi.rfc2616_headers", "1"))
    assert whole.headers[0] == "HTTP/1.1 404 Gone away"
    assert len(run("header('HTTP/1.1 404 ' . str_repeat('x', 5000));").headers[0]) == 1023


def test_304_has_no_type_and_head_no_body():
    reply = run("http_response_code(304); header('Content-Type: text/x');")
    assert reply.header("Content-Type") is None and reply.header("Status") == "304 Not Modified"
    head = only(Php().request(HELLO, method="HEAD"))
    assert head.body == b"" and head.header("Content-type")


def test_flush_and_buffers():
    reply = run("ob_start(); echo 'a'; ob_end_flush(); flush(); ob_start(fn($b) => strtoupper($b)); echo 'b';")
    assert reply.body == b"aB" and reply.flushed >= 1
    assert run("echo str_repeat('x', 3000000);").body == b"x" * 3000000


def test_finish_request(tmp_path):
    reply = run(f"echo 'seen'; var_dump(fastcgi_finish_request()); echo 'late'; flush();"
                f"file_put_contents('{tmp_path}/f', json_encode([fastcgi_finish_request(), connection_status()]));")
    assert reply.body == b"seen" and reply.finished == 1 and reply.at_finish == len(reply.raw)
    assert json.loads((tmp_path / "f").read_text()) == [False, 0]


# Ends of every kind
ENDS = {
    "exit": ("echo 'a'; exit(3);", None, b"a"),
    "exit_255": ("exit(255);", None, b""),
    "die_text": ("die('bye');", None, b"bye"),
    "fatal": ("undefined_function();", "500 Internal Server Error", b""),
    "fatal_late": ("echo str_repeat('x', 10); flush(); undefined_function();", None, b"x" * 10),
    "exception": ("throw new Exception('no');", "500 Internal Server Error", b""),
    "user_error": ("trigger_error('u', E_USER_ERROR);", "500 Internal Server Error", b""),
    "memory": ("$a = str_repeat('x', 64 << 20);", "500 Internal Server Error", b""),
    "memory_small": ("$a = []; while (true) $a[] = str_repeat('y', 100);", "500 Internal Server Error", b""),
    "time": ("set_time_limit(1); while (true);", "500 Internal Server Error", b""),
    "recursion": ("function f($n) { return f($n + 1) . 'x'; } f(0);", "500 Internal Server Error", b""),
    "shutdown_fatal": ("register_shutdown_function(fn() => undefined_function()); echo 'a';", None, None),
    "destructor": ("class D { function __destruct() { throw new Exception('d'); } } $d = new D; echo 'a';", None, None),
    "buffer_fatal": ("ob_start(function ($b) { undefined_function(); }); echo 'a';", "500 Internal Server Error", None),
    "compile": ("eval('this is no PHP');", "500 Internal Server Error", b""),
}


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("opcache", [False, True])
def test_end(name, opcache):
    code, status, body = ENDS[name]
    settings = [("php_value", "display_errors", "0"), ("php_value", "log_errors", "1"),
                ("php_value", "memory_limit", "16M"), ("php_value", "html_errors", "0")]
    php = Php(*settings, *([("-d", "zend_extension", "opcache")] if opcache else []))
    result = php.request(HELLO).run(code).request(HELLO).run(code).request(HELLO).result()
    assert result.status == 0, (result.rest, result.stderr)
    assert [r.raw for r in result.replies[0::2]] == [result[0].raw] * 3 and result[0].body == b"hello\n"
    assert result[1].raw == result[3].raw and result[1].error == result[3].error
    if body is not None:
        assert (result[1].header("Status"), result[1].body) == (status, body)
    assert [r.end for r in result.replies] == [0] * 5


def test_a_request_that_cannot_start_is_500_and_the_last():
    body = "a=" + "x" * (6 << 20)
    php = Php(("php_value", "memory_limit", "4M"), ("php_value", "display_errors", "0"),
              ("php_value", "log_errors", "1"))
    result = php.request(HELLO, body=body, CONTENT_LENGTH=len(body), **form()).request(HELLO).result()
    assert result[0].header("Status") == "500 Internal Server Error" and result[0].body == b""
    assert "Allowed memory size" in result[0].error and result[0].end == 1
    assert result[1].body == b"hello\n"


def test_parse_error_of_the_script_itself():
    php = Php(("php_value", "display_errors", "0"), ("php_value", "log_errors", "1"))
    result = php.request(SCRIPTS / "sapi_broken.php").request(HELLO).result()
    assert result[0].header("Status") == "500 Internal Server Error" and result[0].body == b""
    assert "PHP message: PHP Parse error:" in result[0].error and result[1].body == b"hello\n"


def test_display_errors_is_seen():
    reply = run("undefined_function();", ("php_value", "display_errors", "1"))
    assert reply.header("Status") is None and b"Call to undefined function" in reply.body


def test_error_header_stays_with_its_request():
    php = Php(("php_admin_value", "fastcgi.error_header", "HTTP/1.1 599 Ours"), ("php_value", "display_errors", "0"))
    result = php.run("undefined_function();").run("").request(None).request(HELLO).result()
    assert [r.header("Status") for r in result.replies] == ["599 Ours", None, "404 Not Found", None]


def test_max_execution_time_counts_and_is_told():
    php = Php(("php_value", "max_execution_time", "1"), ("php_value", "log_errors", "1"),
              ("php_value", "display_errors", "0"))
    result = php.run("register_shutdown_function(function () { echo connection_status(); }); while (true);") \
        .request(HELLO, body="a=1", CONTENT_LENGTH=3, **form()).run("while (true);").result()
    assert result[0].body == b"2" and "Maximum execution time of 1 second exceeded" in result[0].error
    assert result[1].body == b"hello\n"
    assert "Maximum execution time of 1 second exceeded" in result[2].error


def test_max_input_time_of_a_post_does_not_become_the_limit():
    php = Php(("php_value", "max_input_time", "7"), ("php_value", "max_execution_time", "9"))
    php.request("/nowhere.php", body="a=1", CONTENT_LENGTH=3, **form())
    code = "undefined_function(); "
    php.run("echo ini_get('max_input_time'), ' ', ini_get('max_execution_time');")
    result = php.result()
    assert code and result[1].body == b"7 9"


# A client that goes
def test_gone_is_seen_without_output(tmp_path):
    php = Php().run(f"ignore_user_abort(true); echo 'ready'; $before = connection_status();"
                    f"for ($i = 0; $i < 1e7 && !connection_aborted(); $i++);"
                    f"file_put_contents('{tmp_path}/f', json_encode([$before, connection_status(), $i]));"
                    f"echo 'unseen'; file_put_contents('{tmp_path}/g', 'went on');", driver=["gone_on ready"])
    result = php.request(HELLO).result()
    assert result[0].body == b"ready" and result[1].body == b"hello\n"
    _, after, turns = json.loads((tmp_path / "f").read_text())
    assert after == 1 and turns < 1e7 and (tmp_path / "g").exists()


def test_gone_ends_the_script_at_its_next_output(tmp_path):
    php = Php().run(f"register_shutdown_function(fn() => file_put_contents('{tmp_path}/s', connection_status()));"
                    f"echo 'ready'; usleep(1000); file_put_contents('{tmp_path}/f', 'between'); echo 'more';"
                    f"file_put_contents('{tmp_path}/g', 'no');", driver=["gone_on ready"])
    result = php.request(HELLO).result()
    assert (tmp_path / "f").exists() and not (tmp_path / "g").exists()
    assert (tmp_path / "s").read_text() == "1"
    assert result[0].body == b"ready" and result[1].body == b"hello\n"


def test_gone_before_the_start():
    result = Php().request(HELLO, driver=["gone"]).request(HELLO).result()
    assert result[0].raw == b"" and result[1].body == b"hello\n" and result[0].end == 0


def test_gone_cuts_no_system_call_short():
    php = Php().run("ignore_user_abort(true); echo 'ready'; $t = hrtime(true); $left = sleep(1);"
                    "error_log($left . ' ' . intval((hrtime(true) - $t) / 1e9));", driver=["gone_on ready"])
    assert only(php).error == "PHP message: 0 1"


def test_gone_after_finish_is_no_abort(tmp_path):
    run(f"echo 'x'; fastcgi_finish_request(); for ($i = 0; $i < 1000; $i++);"
        f"file_put_contents('{tmp_path}/f', connection_status());")
    assert (tmp_path / "f").read_text() == "0"
