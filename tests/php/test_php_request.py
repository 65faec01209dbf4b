"""What a PHP script sees of its request, through the real server."""
import base64
import hashlib
import json
import os

import pytest


def seen(www, code, uri_tail="", **more):
    """What the script echoes as JSON."""
    return json.loads(www.get(www.script("echo json_encode(%s);" % code) + uri_tail, **more).text)


def test_server_variables(www):
    uri = www.script("echo json_encode($_SERVER);")
    got = json.loads(www.get(uri + "/tail?x=1&y=2", HTTP_X_TEST="a b").text)
    sent = www.params(uri + "/tail?x=1&y=2", HTTP_X_TEST="a b")
    for name in ("REQUEST_METHOD", "QUERY_STRING", "REQUEST_URI", "SERVER_NAME", "REMOTE_ADDR", "HTTP_X_TEST",
                 "DOCUMENT_ROOT", "SERVER_PROTOCOL", "SCRIPT_FILENAME", "SCRIPT_NAME", "PATH_INFO"):
        assert got[name] == sent[name], name
    assert got["PHP_SELF"] == uri + "/tail"
    assert got["FCGI_ROLE"] == "RESPONDER"
    assert {"REQUEST_TIME", "REQUEST_TIME_FLOAT"} <= set(got)


def test_get_and_request(www):
    got = seen(www, "[$_GET, $_REQUEST]", "?a=1&b[]=2&b[]=3&c[k]=v&d=%C3%A9")
    assert got[0] == {"a": "1", "b": ["2", "3"], "c": {"k": "v"}, "d": "\u00e9"} == got[1]


def test_a_form(www):
    got = seen(www, "[$_POST, $_SERVER['CONTENT_LENGTH']]", body=b"a=1&b%5B%5D=2&e=%26")
    assert got == [{"a": "1", "b": ["2"], "e": "&"}, "19"]


def test_cookies_come_in(www):
    assert seen(www, "$_COOKIE", HTTP_COOKIE="a=1; b=two%20words") == {"a": "1", "b": "two words"}


def multipart(*parts):
    out = b""
    for head, data in parts:
        out += b"--XX\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + data + b"\r\n"
    return out + b"--XX--\r\n"


UPLOAD = """$f = $_FILES['f']; move_uploaded_file($f['tmp_name'], __DIR__ . '/got');
    [$_POST, $f['name'], $f['size'], $f['error'], md5_file(__DIR__ . '/got')]"""


def test_an_upload(www):
    data = bytes(range(256)) * 3000
    body = multipart((b'name="t"', b"text"), (b'name="f"; filename="n.bin"\r\nContent-Type: x/y', data))
    www.write("up.php", UPLOAD.replace("[$_POST", "echo json_encode([$_POST").replace("'/got')]", "'/got')]);"))
    got = json.loads(www.get("/up.php", body=body, CONTENT_TYPE="multipart/form-data; boundary=XX").text)
    assert got == [{"t": "text"}, "n.bin", len(data), 0, hashlib.md5(data).hexdigest()]


def test_an_upload_that_nobody_takes_is_removed(www):
    body = multipart((b'name="f"; filename="n.bin"\r\nContent-Type: x/y', b"data"))
    www.write("up.php", "echo $_FILES['f']['tmp_name'];")
    name = www.get("/up.php", body=body, CONTENT_TYPE="multipart/form-data; boundary=XX").text
    www.write("is.php", "echo json_encode([$_GET['f'], file_exists($_GET['f'])]);")
    assert json.loads(www.get("/is.php?f=" + name).text) == [name, False]


def test_too_large_a_post_is_php_s_own_matter(weir):
    www = weir.pool("php_admin_value[post_max_size] = 1K")
    weir.start()
    assert seen(www, "[$_POST, is_array(error_get_last())]", body=b"a=" + b"b" * 5000)[0] == []


def test_basic_authentication(www):
    given = base64.b64encode(b"joe:s:cret").decode()
    got = seen(www, "[$_SERVER['PHP_AUTH_USER'], $_SERVER['PHP_AUTH_PW'], $_SERVER['AUTH_TYPE'] ?? '-']",
               HTTP_AUTHORIZATION="Basic " + given)
    assert got[:2] == ["joe", "s:cret"]


def test_digest_authentication(www):
    assert seen(www, "$_SERVER['PHP_AUTH_DIGEST']", HTTP_AUTHORIZATION='Digest username="x"') == 'username="x"'


def test_a_bearer_token_is_left_alone(www):
    got = seen(www, "[$_SERVER['HTTP_AUTHORIZATION'], isset($_SERVER['PHP_AUTH_USER'])]",
               HTTP_AUTHORIZATION="Bearer abc")
    assert got == ["Bearer abc", False]


@pytest.mark.parametrize("name", ["getallheaders", "apache_request_headers"])
def test_request_headers(www, name):
    got = seen(www, name + "()", HTTP_X_ONE_TWO="12", HTTP_ACCEPT="text/*", body=b"x", CONTENT_TYPE="text/plain",
               CONTENT_LENGTH="1", REQUEST_METHOD="PUT")
    assert (got["X-One-Two"], got["Accept"], got["Host"]) == ("12", "text/*", "example.test")
    assert (got["Content-Type"], got["Content-Length"]) == ("text/plain", "1")


def test_php_input(www):
    reply = www.run("echo file_get_contents('php://input');", body=b"\0raw\xff", REQUEST_METHOD="PUT")
    assert reply.body == b"\0raw\xff"


def test_php_input_of_a_form_can_be_read_twice(www):
    code = "echo $_POST['a'], file_get_contents('php://input'), file_get_contents('php://input');"
    assert www.run(code, body=b"a=1").text == "1a=1a=1"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "X-ODD"])
def test_methods(www, method):
    assert www.run("echo $_SERVER['REQUEST_METHOD'];", REQUEST_METHOD=method).text == method


def test_head_gives_headers_only(www):
    reply = www.run("header('X-A: 1'); echo 'body';", REQUEST_METHOD="HEAD")
    assert (reply.header("X-A"), reply.body) == ("1", b"")


def test_httpoxy(www):
    got = seen(www, "[$_SERVER['HTTP_PROXY'] ?? 0, getenv('HTTP_PROXY'), $_SERVER['HTTP_PROXY_X'] ?? 0]",
               HTTP_PROXY="http://evil.test", HTTP_PROXY_X="fine")
    assert got == [0, False, "fine"]


def test_parameters_are_in_getenv_too(www):
    assert seen(www, "[getenv('HTTP_X_E'), getenv('SERVER_NAME')]", HTTP_X_E="e") == ["e", "example.test"]


def test_a_parameter_with_every_byte(www):
    value = "".join(chr(i) for i in range(1, 127)) + "\u20ac" * 100
    assert seen(www, "$_SERVER['HTTP_X_V']", HTTP_X_V=value) == value


def test_the_sapi_name_is_the_one_that_applications_know(www):
    assert seen(www, "[PHP_SAPI, php_sapi_name()]") == ["fpm-fcgi", "fpm-fcgi"]


def test_the_script_s_folder_is_the_working_directory(www):
    www.write("deep/er/cwd.php", "echo getcwd();")
    assert www.get("/deep/er/cwd.php").text == www.root + "/deep/er"
    www.write("cwd.php", "echo getcwd();")
    assert www.get("/cwd.php").text == www.root


def test_includes_find_their_way(www):
    www.write("sub/part.php", "echo 'part';")
    www.write("sub/main.php", "include 'part.php'; include './part.php'; require __DIR__ . '/part.php';")
    assert www.get("/sub/main.php").text == "partpartpart"


# ---- what is not run

@pytest.mark.parametrize("uri", ["/none.php", "/none.php/tail", "/no/such/folder/x.php"])
def test_a_missing_script(www, uri):
    reply = www.get(uri)
    assert (reply.status, reply.text) == (404, "File not found.\n")
    assert b"Primary script unknown" in reply.stderr


def test_dot_dot_in_the_path(www):
    www.write("ok.php", "echo 'ok';")
    reply = www.get("/ok.php", SCRIPT_FILENAME=www.root + "/sub/../ok.php")
    assert (reply.status, reply.text) == (404, "File not found.\n")


@pytest.mark.parametrize("name", ["page.txt", "page.PHP", "page.php5", "page.html", "page.phps", "php"])
def test_other_extensions_are_denied(www, name):
    www.write(name, "<?php echo 'must not run';")
    reply = www.get("/" + name, SCRIPT_FILENAME=www.root + "/" + name)
    assert (reply.status, reply.text) == (403, "Access denied.\n")
    assert b"security.limit_extensions" in reply.stderr


def test_the_extension_counts_after_the_path_info_is_split_off(www):
    www.write("image.jpg", "<?php echo 'must not run';")
    www.write("ok.php", "echo 'ok ', $_SERVER['PATH_INFO'];")
    assert www.get("/x", SCRIPT_FILENAME=www.root + "/image.jpg/x.php").status == 403
    assert www.get("/ok.php", SCRIPT_FILENAME=www.root + "/ok.php/a.jpg", SCRIPT_NAME="/ok.php/a.jpg",
                   PATH_INFO="/a.jpg").text == "ok /a.jpg"


def test_extensions_of_one_s_own(weir):
    www = weir.pool("security.limit_extensions = .html .inc")
    weir.start()
    for name, status in (("a.html", 200), ("a.inc", 200), ("a.php", 403), ("a.xinc", 403)):
        www.write(name, "<?php echo 'ran';")
        assert www.get("/" + name, SCRIPT_FILENAME=www.root + "/" + name).status == status, name


def test_a_script_that_may_not_be_read(www):
    os.chmod(www.write("secret.php", "echo 'secret';"), 0)
    reply = www.get("/secret.php")
    assert (reply.status, reply.text) == (403, "Access denied.\n")


def test_a_folder_is_no_script(www):
    os.mkdir(www.root + "/dir.php")
    assert www.get("/dir.php").status == 404


def test_nothing_to_run(www):
    reply = www.get("/x.php", SCRIPT_FILENAME=None)
    assert (reply.status, reply.text) == (404, "File not found.\n")
