"""What a script sees of its request, and which script runs."""
import hashlib
import os

import pytest

from sapi_driver import DUMP, EVAL, HELLO, SCRIPTS, Php, form, multipart, only, run


# request
def test_hello():
    reply = only(Php().request(HELLO))
    assert reply.body == b"hello\n"
    assert reply.headers == ["X-Powered-By: PHP/" + run("echo PHP_VERSION;").body.decode(),
                             "Content-type: text/html; charset=UTF-8"]
    assert (reply.end, reply.app_status, reply.error, reply.script) == (0, 0, "", str(HELLO))


def test_superglobals():
    seen = only(Php().request(DUMP, QUERY_STRING="a=1&b[]=2&b[]=x%20y", HTTP_COOKIE="c=3; d=%C3%A9",
                              REQUEST_URI="/sapi_dump.php?a=1", SERVER_NAME="example.org", HTTP_HOST="h",
                              HTTP_X_REQUESTED_WITH="me", DOCUMENT_ROOT=SCRIPTS)).json
    assert seen["get"] == {"a": "1", "b": ["2", "x y"]}
    assert seen["cookie"] == {"c": "3", "d": "é"}
    assert seen["request"] == {"a": "1", "b": ["2", "x y"]} or seen["request"]["c"] == "3"
    assert seen["sapi"] == "fpm-fcgi" and seen["cwd"] == str(SCRIPTS)
    server = seen["server"]
    assert server["PHP_SELF"] == "/sapi_dump.php" and server["SERVER_NAME"] == "example.org"
    assert server["SCRIPT_FILENAME"] == str(DUMP) and server["FCGI_ROLE"] == "RESPONDER"
    assert isinstance(server["REQUEST_TIME"], int) and isinstance(server["REQUEST_TIME_FLOAT"], float)
    assert seen["headers"] == {"Host": "h", "X-Requested-With": "me", "Cookie": "c=3; d=%C3%A9"}
    assert seen["apache"] == seen["headers"]


def test_httpoxy_and_role():
    php = Php().run("var_dump(getenv('HTTP_PROXY'), isset($_SERVER['HTTP_PROXY']), getallheaders(), "
                    "isset(getenv()['HTTP_PROXY']), $_SERVER['FCGI_ROLE'], getenv('FCGI_ROLE'));",
                    HTTP_PROXY="http://evil/", driver=["role 2"])
    assert only(php).body == (b'bool(false)\nbool(false)\narray(0) {\n}\nbool(false)\n'
                              b'string(10) "AUTHORIZER"\nstring(10) "AUTHORIZER"\n')


def test_getenv_shows_parameters():
    assert run("echo getenv('MINE'), '|', getenv('MINE', true) ?: 'none', '|', getenv()['MINE'];",
               MINE="x y").body == b"x y|none|x y"


def test_filter_input_sees_the_server_variables():
    assert run("echo filter_input(INPUT_SERVER, 'MINE');", MINE="<b>").body == b"<b>"


def test_no_method_is_an_empty_page():
    reply = only(Php().request(HELLO, method=None))
    assert reply.body == b"" and reply.header("Status") is None and reply.header("Content-type")


def test_http_auth():
    code = "echo $_SERVER['PHP_AUTH_USER'] ?? '-', $_SERVER['PHP_AUTH_PW'] ?? '-', $_SERVER['PHP_AUTH_DIGEST'] ?? '-';"
    assert run(code, HTTP_AUTHORIZATION="Basic dXNlcjpwdw==").body == b"userpw-"
    assert run(code, HTTP_AUTHORIZATION='Digest username="u"').body == b'--username="u"'


# Bodies
def test_post():
    body = "a=1&b=" + "x" * 20000
    seen = only(Php().request(DUMP, body=body, CONTENT_LENGTH=len(body), **form())).json
    assert seen["post"] == {"a": "1", "b": "x" * 20000}
    assert seen["input_length"] == len(body)


@pytest.mark.parametrize("length", [None, ""])
def test_post_without_length(length):
    body = "a=1&b=" + "x" * 100000
    seen = only(Php().request(DUMP, body=body, CONTENT_LENGTH=length, driver=["chunk 777"], **form())).json
    assert seen["post"] == {"a": "1", "b": "x" * 100000} and seen["input_length"] == len(body)


def test_no_more_than_the_length_told():
    reply = only(Php().request(DUMP, body="a=1&b=22222", CONTENT_LENGTH=5, **form()))
    assert reply.json["post"] == {"a": "1", "b": ""} and reply.unread == 6


@pytest.mark.parametrize("told", [True, False])
def test_put_is_streamed_in_little_memory(tmp_path, told):
    data = os.urandom(1 << 16) * 256
    (tmp_path / "body").write_bytes(data)
    php = Php().request(DUMP, method="PUT", CONTENT_TYPE="application/octet-stream",
                        CONTENT_LENGTH=len(data) if told else None, driver=[f"bodyfile {tmp_path}/body"])
    seen = only(php).json
    assert seen["input_length"] == len(data) and seen["input_sha1"] == hashlib.sha1(data).hexdigest()
    assert seen["memory"] < 8 << 20


@pytest.mark.parametrize("told", [True, False])
def test_upload(tmp_path, told):
    data = os.urandom(300000)
    (tmp_path / "body").write_bytes(multipart([
        (b'name="field"', b"value"),
        (b'name="file"; filename="a.bin"\r\nContent-Type: application/x-a', data)]))
    (tmp_path / "up").mkdir()
    php = Php(("php_admin_value", "upload_tmp_dir", tmp_path / "up"))
    php.request(DUMP, method="POST", CONTENT_TYPE="multipart/form-data; boundary=XyZ",
                CONTENT_LENGTH=(tmp_path / "body").stat().st_size if told else None,
                driver=["chunk 5000", f"bodyfile {tmp_path}/body"])
    seen = only(php).json
    assert seen["post"] == {"field": "value"}
    assert seen["files"]["file"] == {"name": "a.bin", "type": "application/x-a", "size": len(data), "error": 0,
                                     "sha1": hashlib.sha1(data).hexdigest(), "uploaded": True}
    assert not list((tmp_path / "up").iterdir())


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=XyZ"])
def test_post_max_size(told, kind):
    body = multipart([(b'name="a"', b"x" * 5000)]) if "XyZ" in kind else b"a=" + b"x" * 5000
    php = Php(("php_value", "post_max_size", "1000"), ("php_value", "log_errors", "1"),
              ("php_value", "display_startup_errors", "0")).request(
        DUMP, method="POST", body=body, CONTENT_TYPE=kind, CONTENT_LENGTH=len(body) if told else None)
    reply = only(php)
    assert len(str(reply.json["post"])) < 1100
    assert "exceeds" in reply.error and "1000 bytes" in reply.error


def test_a_body_that_breaks_off_ends_the_request_in_silence(tmp_path):
    php = Php().request(DUMP, body="a=1&b", CONTENT_LENGTH=100, driver=["body_fail"], **form())
    php.request(EVAL, method="PUT", body="abc", CONTENT_LENGTH=100, driver=["body_fail"],
                CODE="register_shutdown_function(function () { echo 'more'; });"
                     "ignore_user_abort(true); file_get_contents('php://input');"
                     f"touch('{tmp_path}/whole');")
    php.request(HELLO)
    result = php.result()
    assert [reply.raw for reply in result.replies[:2]] == [b"", b""]
    assert result[2].body == b"hello\n" and [reply.end for reply in result.replies] == [0, 0, 0]
    assert not (tmp_path / "whole").exists()


def test_what_a_script_does_not_read_is_left_to_the_slot():
    assert only(Php().request(HELLO, method="PUT", body="x" * 50000, CONTENT_LENGTH=50000)).unread == 50000


# Which script
def test_no_script():
    php = Php().request(None).request("/nonexistent/a.php").request(f"{SCRIPTS}/../php/sapi_hello.php")
    php.request(SCRIPTS / "no.php", DOCUMENT_ROOT=SCRIPTS).request(f"{SCRIPTS}/x\0sapi_hello.php")
    result = php.result()
    for reply in result.replies:
        assert reply.header("Status") == "404 Not Found" and reply.body == b"File not found.\n"
        assert reply.error == "Primary script unknown"
    assert len(result.replies) == 5


def test_denied_and_unopened(tmp_path):
    (tmp_path / "a.txt").write_text("<?php echo 1;")
    (tmp_path / "d.php").mkdir()
    result = Php().request(tmp_path / "a.txt").request(tmp_path / "d.php").result()
    assert result[0].header("Status") == "403 Forbidden" and result[0].body == b"Access denied.\n"
    assert result[0].error == (f"Access to the script '{tmp_path}/a.txt' has been denied "
                               f"(see security.limit_extensions)")
    assert result[1].header("Status") == "404 Not Found" and result[1].body == b"No input file specified.\n"
    assert result[1].error.endswith(f"Unable to open primary script: {tmp_path}/d.php (Is a directory)")


def test_limit_extensions(tmp_path):
    for name in ("a.txt", "a.PHP", ".php", "a.php7"):
        (tmp_path / name).write_text("ran")
    default = Php(("security.limit_extensions", None, ".php .phar"))
    for name in ("a.txt", "a.PHP", "a.php7"):
        default.request(tmp_path / name)
    assert [reply.body for reply in default.result().replies] == [b"Access denied.\n"] * 3
    php = Php(("security.limit_extensions", None, ".html .php7")).request(tmp_path / "a.php7")
    assert only(php).body == b"ran"
    assert only(Php(("security.limit_extensions", None, "")).request(tmp_path / "a.txt")).body == b"ran"


def test_path_info():
    server = only(Php().request(f"{DUMP}/some/where", SCRIPT_NAME="/sapi_dump.php", PATH_INFO="/some/where",
                                DOCUMENT_ROOT=SCRIPTS)).json["server"]
    assert server["SCRIPT_FILENAME"] == str(DUMP) and server["PATH_INFO"] == "/some/where"
    assert server["PHP_SELF"] == "/sapi_dump.php/some/where" and server["ORIG_SCRIPT_FILENAME"]
    assert server["PATH_TRANSLATED"] == f"{SCRIPTS}/some/where"


def test_apache_form():
    server = only(Php().request(f"proxy:fcgi://localhost:9000{DUMP}/x?y=1", SCRIPT_NAME="/sapi_dump.php/x")
                  ).json["server"]
    assert server["SCRIPT_FILENAME"] == str(DUMP) and server["PATH_INFO"] == "/x"
    assert server["SCRIPT_NAME"] == "/sapi_dump.php" and server["ORIG_SCRIPT_NAME"] == "/sapi_dump.php/x"


def test_without_fix_pathinfo():
    php = Php(("-d", "cgi.fix_pathinfo", "0")).request(DUMP, SCRIPT_NAME="/s.php", PATH_INFO="/pi")
    server = only(php).json["server"]
    assert server["PHP_SELF"] == "/pi" and server["SCRIPT_FILENAME"] == str(DUMP)


def test_a_relative_script_starts_from_the_childs_folder():
    php = Php(cwd=SCRIPTS.parent).run("chdir('/'); echo 'away';")
    result = php.request("php/sapi_hello.php").request("php/none.php").result()
    assert [reply.body for reply in result.replies] == [b"away", b"hello\n", b"File not found.\n"]


def test_a_deleted_script_is_gone(tmp_path):
    php = Php(("-d", "zend_extension", "opcache"), ("-d", "opcache.revalidate_freq", "0"))
    (tmp_path / "a.php").write_text(f"<?php echo 'here'; unlink('{tmp_path}/a.php');")
    php.request(tmp_path / "a.php").run("sleep(1);").request(tmp_path / "a.php")
    result = php.result()
    assert result[0].body == b"here" and result[2].body == b"File not found.\n"


def test_doc_root_does_not_evade_the_extensions(tmp_path):
    (tmp_path / "a.txt").write_text("ran")
    php = Php(("php_admin_value", "doc_root", tmp_path)).request(HELLO, SCRIPT_NAME="/a.txt")
    assert only(php).body == b"Access denied.\n"
