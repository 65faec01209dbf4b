"""What comes back from a PHP script, through the real server."""
import base64
import http.client

import pytest

from weirtest import HOLD, fcgi, until


def test_headers_in_order_and_repeated(www):
    reply = www.run("header('X-A: 1'); header('X-B: 2'); header('X-A: 3', false); header('X-B: 4');")
    assert [h for h in reply.headers if h[0].startswith("X-") and h[0] != "X-Powered-By"] == [
        ("X-A", "1"), ("X-A", "3"), ("X-B", "4")]


@pytest.mark.parametrize("code, status", [
    ("http_response_code(404);", 404), ("header('HTTP/1.1 503 Busy');", 503), ("header('Status: 410');", 410),
    ("header('Location: /x');", 302), ("header('Location: /x', true, 308);", 308), ("http_response_code(204);", 204),
    ("http_response_code(599);", 599), ("", 200)])
def test_status(www, code, status):
    assert www.run(code).status == status


def test_200_needs_no_status_header(www):
    assert www.run("echo 1;").header("Status") is None


def test_the_content_type(www):
    assert www.run("").header("Content-Type") == "text/html; charset=UTF-8"
    assert www.run("header('Content-Type: application/json');").header("Content-Type") == "application/json"


def test_cookies_go_out(www):
    reply = www.run("setcookie('a', 'b c', 0, '/'); setcookie('d', 'e');")
    assert [v for n, v in reply.headers if n == "Set-Cookie"] == ["a=b%20c; path=/", "d=e"]


def test_a_session(www):
    www.write("s.php", "session_save_path(__DIR__); session_start(); echo $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;")
    first = www.get("/s.php")
    cookie = first.header("Set-Cookie").split(";")[0]
    assert first.text == "1"
    assert www.get("/s.php", HTTP_COOKIE=cookie).text == "2"
    assert www.get("/s.php").text == "1"


def test_output_buffering_and_header_after_output(www):
    reply = www.run("ob_start(); echo 'a'; $x = ob_get_clean(); header('X-Late: yes'); echo strtoupper($x);")
    assert (reply.text, reply.header("X-Late")) == ("A", "yes")


def test_an_output_callback(www):
    assert www.run("ob_start(fn ($b) => strrev($b)); echo 'abc';").text == "cba"


PIECES = "while (ob_get_level()) { ob_end_flush(); } echo 'first'; flush(); " + HOLD + " echo 'second';"


def test_flush_sends_at_once(www):
    www.write("pieces.php", PIECES)
    c = www.open("/pieces.php")
    assert c.read_some().endswith(b"first")
    www.busy()
    www.release()
    assert c.reply().stdout == b"second"


def test_flush_through_nginx(www, nginx):
    www.write("pieces.php", PIECES)
    web = nginx(www, extra="fastcgi_buffering off;")
    c = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    c.request("GET", "/pieces.php")
    answer = c.getresponse()
    assert answer.read(5) == b"first"
    www.release()
    assert answer.read() == b"second"
    c.close()


def test_finish_request_releases_the_client(www):
    www.write("fin.php", "echo 'done'; $r = fastcgi_finish_request(); echo 'lost';" + HOLD
              + "file_put_contents(__DIR__ . '/after', var_export([$r, fastcgi_finish_request()], true));")
    with www.open("/fin.php") as c:
        assert c.reply().text == "done"
        assert c.at_end() == "eof"
        www.busy()
    www.release()
    until(lambda: "false" in www.weir.file("www", "after"), "the script ends")
    assert www.weir.file("www", "after").split() == ["array", "(", "0", "=>", "true,", "1", "=>", "false,", ")"]


def test_finish_request_on_a_kept_connection(www):
    www.write("fin.php", "echo 'done'; fastcgi_finish_request();" + HOLD)
    www.write("ok.php", "echo 'ok';")
    c = www.open("/fin.php", keep=True)
    assert c.reply().text == "done"
    www.busy()
    c.send(www.request("/ok.php", keep=True))
    www.release()
    assert c.reply().text == "ok"


def test_a_client_that_leaves_after_finish_request_disturbs_nothing(www):
    www.write("fin.php", "echo 'done'; fastcgi_finish_request();" + HOLD
              + "echo 'x'; flush(); file_put_contents(__DIR__ . '/after', 'whole');")
    c = www.open("/fin.php")
    assert c.reply().text == "done"
    c.close()
    www.busy()
    www.release()
    until(lambda: www.weir.file("www", "after") == "whole", "the script runs to its end")


@pytest.mark.parametrize("code, text", [
    ("echo 'a'; exit; echo 'b';", "a"), ("echo 'a'; exit(3);", "a"), ("echo 'a'; die('b');", "ab"),
    ("function f() { echo 'a'; exit; } f();", "a"),
    ("register_shutdown_function(function () { echo 'b'; }); echo 'a'; exit;", "ab")])
def test_exit(www, code, text):
    reply = www.run(code)
    assert (reply.status, reply.text, reply.protocol_status) == (200, text, fcgi.COMPLETE)


def test_an_uncaught_exception_is_a_500(www):
    before = www.children()
    reply = www.run("throw new Exception('what a pity');")
    assert (reply.status, reply.body) == (500, b"")
    assert b"PHP Fatal error:  Uncaught Exception: what a pity" in reply.stderr
    assert www.children() == before


@pytest.mark.parametrize("code", ["no_such_function();", "echo (;", "new NoSuchClass;",
                                  "abstract class A { function f(); }"])
def test_fatal_errors(www, code):
    reply = www.run(code)
    assert reply.status == 500 and b"PHP " in reply.stderr
    assert www.run("echo 'ok';").text == "ok"


def test_out_of_memory_ends_the_request_only(www):
    before = www.children()
    reply = www.run("ini_set('memory_limit', '8M'); $x = str_repeat('x', 100 << 20);")
    assert reply.status == 500 and b"Allowed memory size" in reply.stderr
    assert www.run("echo ini_get('memory_limit');").text != "8M"
    assert www.children() == before


def test_a_fatal_error_after_output(www):
    reply = www.run("while (ob_get_level()) { ob_end_flush(); } echo 'some'; flush(); no_such_function();")
    assert (reply.status, reply.text, reply.ended) == (200, "some", True)


def test_error_header(weir):
    www = weir.pool("php_admin_value[fastcgi.error_header] = 'HTTP/1.1 550 Own Error'")
    weir.start()
    assert www.run("no_such_function();").status == 550
    assert www.run("echo 'ok';").status == 200


def test_max_execution_time(www):
    reply = www.run("set_time_limit(1); for (;;) { }")
    assert reply.status == 500 and b"Maximum execution time of 1 second" in reply.stderr
    assert www.run("echo ini_get('max_execution_time');").text == "30"


def test_errors_go_to_the_front_end(www):
    reply = www.run("error_log('a word'); trigger_error('careful', E_USER_WARNING);")
    assert b"PHP message: a word" in reply.stderr
    assert b"PHP Warning:  careful" in reply.stderr


def test_errors_into_a_file_of_the_pool(weir):
    www = weir.pool("php_admin_value[error_log] = %s" % weir.path("www", "php.log"))
    weir.start()
    reply = www.run("error_log('into the file');")
    assert reply.stderr == b"" and "into the file" in weir.file("www", "php.log")


def test_error_log_of_type_4_is_the_sapi_s(www):
    assert b"straight" in www.run("error_log('straight', 4);").stderr


def test_nul_and_every_byte_go_out(www):
    data = bytes(range(256)) * 10
    assert www.run("echo base64_decode('%s');" % base64.b64encode(data).decode()).body == data


def test_many_headers_and_a_long_one(www):
    reply = www.run("for ($i = 0; $i < 500; $i++) { header(\"X-N-$i: $i\"); }"
                    "header('X-Long: ' . str_repeat('l', 60000)); echo 'ok';")
    assert (reply.header("X-N-499"), len(reply.header("X-Long")), reply.text) == ("499", 60000, "ok")


def test_a_header_with_a_newline_is_refused(www):
    reply = www.run("header(\"X-A: 1\\r\\nX-Evil: 2\"); echo 'ok';")
    assert reply.header("X-Evil") is None and reply.header("X-A") is None


def test_a_small_answer_is_one_record(www):
    c = www.open(www.script("echo 'small';"))
    assert [r.type for r in iter(c.record, None) if r.content] == [fcgi.STDOUT, fcgi.END]


def test_no_request_method_is_an_empty_answer(www):
    reply = www.run("echo 'x';", REQUEST_METHOD=None)
    assert reply.status == 200 and reply.ended
