"""sapi = wsgi behind each real web server, with the parameters that it sends by itself: a FastCGI application at / and
at /app, configured as the server's own manual shows it."""
import hashlib
import json
import urllib.parse

import pytest

import apps
from weirtest import Apache, Caddy, HAProxy, Lighttpd, Nginx, free_port
from weirtest.server import AS_ROOT, POOL_USER

APP = apps.body("""
    import hashlib, json
    from wsgiref.util import application_uri
    if environ["PATH_INFO"] == "/go":
        start_response("302 Found", [("Content-Type", "text/plain"),
                                     ("Location", application_uri(environ).rstrip("/") + "/there")])
        return [b""]
    data = b"".join(iter(lambda: environ["wsgi.input"].read(8192), b""))
    shown = [environ[n] for n in ("REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING")]
    text = json.dumps(shown + [hashlib.md5(data).hexdigest()]).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [text]
""")
NGINX = "} location %s { include /etc/nginx/fastcgi_params; fastcgi_pass app;"
APACHE = '<Location "%s">\nSetHandler "proxy:@FCGI@/"\n</Location>\n'
LIGHTTPD = 'fastcgi.server = ( "%s" => (( @FCGI@, "check-local" => "disable"%s )) )\n'
CADDY = "reverse_proxy %s @FCGI@ {\n transport fastcgi\n }\n"
HAPROXY = """
frontend web
	bind 127.0.0.1:@PORT@
	%s
backend app
	use-fcgi-app app
	server weir @FCGI@ proto fcgi
fcgi-app app
	docroot @ROOT@
"""
IF_APP = "use_backend app if { path_beg /app }"
AT_ROOT = {
    "nginx": (Nginx, NGINX % "/"),
    "Apache, ProxyPass": (Apache, 'ProxyPass "/" "@FCGI@/"\n'),
    "Apache, SetHandler": (Apache, APACHE % "/"),
    "lighttpd": (Lighttpd, LIGHTTPD % ("/", ', "fix-root-scriptname" => "enable"')),
    "Caddy": (Caddy, CADDY % ""),
    "HAProxy": (HAProxy, HAPROXY % "default_backend app"),
}
AT_APP = {
    "nginx": (Nginx, NGINX % "/app"),
    "Apache, ProxyPass": (Apache, 'ProxyPass "/app/" "@FCGI@/"\n'),
    "Apache, SetHandler": (Apache, APACHE % "/app"),
    "lighttpd": (Lighttpd, LIGHTTPD % ("/app", "")),
    "Caddy": (Caddy, CADDY % "/app/*"),
    "Caddy, handle_path": (Caddy, "handle_path /app/* {\n" + CADDY % "" + "}\n"),
    "HAProxy": (HAProxy, HAPROXY % IF_APP),
}
# Those that tell by themselves where the application lies.
SPLIT = {
    "nginx": (Nginx, NGINX % "/app" + "fastcgi_split_path_info ^(/app)(.*)$; fastcgi_param PATH_INFO $fastcgi_path_info;"),
    "lighttpd": (Lighttpd, LIGHTTPD % ("/app", "")),
    "HAProxy": (HAProxy, HAPROXY % IF_APP + "\tpath-info ^(/app)(/.*)?$\n"),
}
# What is asked for, and PATH_INFO and QUERY_STRING of it.
ASKED = {
    "/": ("/", ""), "/a/b?c=d": ("/a/b", "c=d"), "/?x=%2F&y=a+b": ("/", "x=%2F&y=a+b"), "/x?": ("/x", ""),
    "/a%20b": ("/a b", ""), "/a+b": ("/a+b", ""), "/a%3Fb": ("/a?b", ""), "/a%2Fb": ("/a/b", ""), "/a%25b": ("/a%b", ""),
    "/%C3%A4": ("/\xc3\xa4", ""), "/%E4": ("/\xe4", ""), "/a.py/x": ("/a.py/x", ""), "/x/../y": ("/y", ""),
    "/x%2F..%2Fy": ("/y", ""),
}
# Where a server is of another mind: of Apache AllowEncodedSlashes is off, and it takes no "?" into a file's name.
NO_SLASHES = {"/a%2Fb": (404, ""), "/x%2F..%2Fy": (404, "")}
OTHERWISE = {"Apache, ProxyPass": NO_SLASHES, "Apache, SetHandler": NO_SLASHES}
OTHERWISE_AT_ROOT = dict(OTHERWISE, **{"Apache, SetHandler": dict(NO_SLASHES, **{"/a%3Fb": (403, "")})})
OTHERWISE_UNMOUNTED = dict(OTHERWISE, Caddy={"/x/../y": ("/x/../y", ""), "/x%2F..%2Fy": ("/x/../y", "")})


def stand(weir, front, site, lines=""):
    """This server before a pool of APP."""
    kind, text = site
    lines += "\nlisten.owner = %s" % POOL_USER if AS_ROOT else ""
    pool = apps.pool(weir, APP, lines.strip())
    weir.start()
    return front(kind, pool, extra=text) if kind is Nginx else front(kind, pool, text)


def ask(web, method, uri, *body):
    """(method, SCRIPT_NAME, PATH_INFO, QUERY_STRING, hash of the body) as the application sees them; or the status."""
    answer = web.ask(method, uri, *body)
    return tuple(json.loads(answer.text)) if answer.status == 200 else answer.status


def paths(web, prefix, uris):
    """For each URI: PATH_INFO and QUERY_STRING; the status when it is refused."""
    seen = {}
    for uri in uris:
        got = ask(web, "GET", prefix + uri)
        assert isinstance(got, int) or got[:2] == ("GET", prefix), (uri, got)
        seen[uri] = (got, "") if isinstance(got, int) else got[2:4]
    return seen


def bodies_and_redirect(web, prefix):
    data = bytes(range(256)) * 4000
    whole = ("POST", prefix, "/up", "n=1", hashlib.md5(data).hexdigest())
    assert ask(web, "POST", prefix + "/up?n=1", data) == whole
    if not isinstance(web, HAProxy):            # it takes no body whose length it does not know
        chunked = iter([data[i:i + 5000] for i in range(0, len(data), 5000)]), {"Transfer-Encoding": "chunked"}
        assert ask(web, "POST", prefix + "/up?n=1", *chunked) == whole
    head = web.ask("HEAD", prefix + "/")
    assert (head.status, head.body) == (200, b"")
    to = web.get(prefix + "/go")
    host = "127.0.0.1" if isinstance(web, Nginx) else "127.0.0.1:%d" % web.port     # Debian's HTTP_HOST has no port
    assert (to.status, to.headers["Location"]) == (302, "http://%s%s/there" % (host, prefix))
    assert ask(web, "GET", urllib.parse.urlsplit(to.headers["Location"]).path)[1:3] == (prefix, "/there")


@pytest.mark.parametrize("site", [s for s in AT_ROOT if s != "Apache, SetHandler"])
def test_at_the_root(weir, front, site):
    web = stand(weir, front, AT_ROOT[site])
    assert paths(web, "", ASKED) == dict(ASKED, **OTHERWISE_UNMOUNTED.get(site, {}))
    bodies_and_redirect(web, "")


@pytest.mark.parametrize("site", list(AT_ROOT))
def test_at_the_root_by_wsgi_mount(weir, front, site):
    """Behind a SetHandler it must be given: Apache tells a PATH_INFO, as if files of its own were asked for."""
    web = stand(weir, front, AT_ROOT[site], "wsgi.mount = /")
    assert paths(web, "", ASKED) == dict(ASKED, **OTHERWISE_AT_ROOT.get(site, {}))
    bodies_and_redirect(web, "")


@pytest.mark.parametrize("site", list(AT_APP))
def test_at_a_path(weir, front, site):
    web = stand(weir, front, AT_APP[site], "wsgi.mount = /app\nmpm = worker\nmpm.threads_per_child = 3")
    assert paths(web, "/app", ASKED) == dict(ASKED, **OTHERWISE.get(site, {}))
    bodies_and_redirect(web, "/app")


@pytest.mark.parametrize("site", list(SPLIT))
def test_at_a_path_that_the_server_tells(weir, front, site):
    web = stand(weir, front, SPLIT[site])
    assert paths(web, "/app", ["/a%20b?c=d", "/%C3%A4"]) == {"/a%20b?c=d": ("/a b", "c=d"), "/%C3%A4": ("/\xc3\xa4", "")}
    bodies_and_redirect(web, "/app")


def test_apache_with_encoded_slashes(weir, front):
    kind, text = AT_ROOT["Apache, ProxyPass"]
    web = stand(weir, front, (kind, "AllowEncodedSlashes NoDecode\n" + text))
    assert ask(web, "GET", "/a%2Fb")[2] == "/a/b"


@pytest.mark.parametrize("site", list(AT_ROOT))
def test_over_tcp(weir, front, site):
    web = stand(weir, front, AT_ROOT[site], "listen = 127.0.0.1:%d" % free_port())
    assert ask(web, "GET", "/a?b")[1:4] == ("", "/a", "b")
    assert ask(web, "POST", "/a", b"x" * 100000)[0] == "POST"
