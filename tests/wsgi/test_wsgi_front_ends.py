"""sapi = wsgi: SCRIPT_NAME and PATH_INFO of all that front ends send, and nginx itself; the real ones, each as its manual
shows it, are in test_wsgi_servers.py."""
import pytest

import apps
from weirtest import Weir

SHOW = apps.body("""
    text = "%s|%s|%s" % (environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [text.encode("latin-1")]
""")
# What is sent for /app/x%20y?q=1, and what follows without wsgi.mount, with wsgi.mount = / and with wsgi.mount = /app.
ROOT, APP = "|/app/x y|q=1", "/app|/x y|q=1"
FRONT_ENDS = {
    "nginx, fastcgi_params": ({"SCRIPT_NAME": "/app/x y", "DOCUMENT_URI": "/app/x y"}, ROOT),
    "nginx, an empty PATH_INFO": ({"SCRIPT_NAME": "/app/x y", "PATH_INFO": ""}, ROOT),
    "nginx, split": ({"SCRIPT_NAME": "/app", "PATH_INFO": "/x y"}, APP),
    "Apache, ProxyPass fcgi": ({"SCRIPT_NAME": "/app/x y", "SCRIPT_FILENAME": "proxy:fcgi://localhost/app/x%20y"}, ROOT),
    "Apache, proxy-fcgi-pathinfo": ({"SCRIPT_NAME": "/app", "PATH_INFO": "/x y"}, APP),
    "lighttpd, /app": ({"SCRIPT_NAME": "/app", "PATH_INFO": "/x y"}, APP),
    "lighttpd, / with fix-root-scriptname": ({"SCRIPT_NAME": "", "PATH_INFO": "/app/x y"}, ROOT),
    "Caddy, transport fastcgi": ({"SCRIPT_NAME": "/app/x y", "PATH_INFO": ""}, ROOT),
    "HAProxy, fcgi-app": ({"SCRIPT_NAME": "/app/x y", "PATH_INFO": None}, ROOT),
}


@pytest.fixture(scope="module")
def mounted():
    """Pools without wsgi.mount, and with two values of it."""
    weir = Weir()
    pools = {mount: apps.pool(weir, SHOW, mount and "wsgi.mount = " + mount, name="p%d" % i)
             for i, mount in enumerate(("", "/", "/app/"))}
    weir.start()
    yield pools
    weir.finish()


@pytest.mark.parametrize("front_end", list(FRONT_ENDS))
def test_front_end(mounted, front_end):
    sent, unset = FRONT_ENDS[front_end]
    for mount, expected in (("", unset), ("/", ROOT), ("/app/", APP)):
        assert mounted[mount].get("/app/x%20y?q=1", **sent).text == expected, mount


def test_lighttpd_without_fix_root_scriptname(mounted):
    sent = {"SCRIPT_NAME": "/app", "PATH_INFO": "/x"}
    assert mounted["/"].get("/app/x", **sent).text == "|/app/x|"


def by_nginx(nginx, pool, params="", **how):
    extra = "} location / { include /etc/nginx/fastcgi_params; fastcgi_pass app; fastcgi_keep_conn on; %s" % params
    return nginx(pool, extra=extra, **how)


@pytest.mark.parametrize("uri, text", [
    ("/", "|/|"), ("/a/b?c=d", "|/a/b|c=d"), ("/a%20b", "|/a b|"), ("/%C3%A4", "|/\xc3\xa4|"), ("/a.py/x", "|/a.py/x|"),
    ("/x/../y", "|/y|"), ("/x//../y", "|/y|"), ("/a%3Fb", "|/a?b|"), ("/a%2Fb", "|/a/b|"),
])
def test_real_nginx_with_debian_s_parameters(weir, nginx, uri, text):
    web = by_nginx(nginx, apps.pool(weir, SHOW), keepalive=2)
    weir.start()
    answer = web.get(uri)
    assert (answer.status, answer.body.decode("latin-1")) == (200, text)


def test_real_nginx_and_what_it_forbids(weir, nginx):
    """The path that the application sees is the one whose access nginx has looked at."""
    web = by_nginx(nginx, apps.pool(weir, SHOW), "} location /admin { deny all;")
    weir.start()
    assert web.get("/admin/x").status == 403
    for uri in ("/admin/../public", "/admin//../public", "/admin/%2e%2e/public", "/admin/./../public"):
        assert "/admin" not in web.get(uri).text, uri


def test_real_nginx_uploads_and_heads(weir, nginx):
    pool = apps.pool(weir, apps.body("""
        data = b"".join(iter(lambda: environ["wsgi.input"].read(8192), b""))
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(str(len(data)))))])
        return [b"%d" % len(data)]
    """), "mpm = worker\nmpm.threads_per_child = 3")
    web = by_nginx(nginx, pool, "fastcgi_request_buffering off;", keepalive=2)
    weir.start()
    assert web.ask("POST", "/", b"x" * 3000000).text == "3000000"
    assert web.ask("POST", "/", iter([b"x" * 1000] * 50), {"Transfer-Encoding": "chunked"}).text == "50000"
    head = web.ask("HEAD", "/")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "1")
