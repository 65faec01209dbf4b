"""$_SERVER, getenv(), php://input and the answer itself, compared with the real php-fpm's for what front ends send, for
what php-fpm's own test-suite sends in their name, and for combinations that nobody sends."""
import itertools
import random
import re

import pytest

from env_pair import DUMP, EnvPair, differences, needs_fpm

pytestmark = needs_fpm


@pytest.fixture(scope="module")
def pair():
    p = EnvPair()
    for name, ini in (("fixed", "yes"), ("plain", "no")):
        p.pool("php_admin_value[cgi.fix_pathinfo] = %s" % ini, name=name)
    p.pool("php_admin_value[cgi.fix_pathinfo] = no\nphp_admin_value[cgi.discard_path] = yes", name="discard")
    p.pool("php_admin_value[cgi.fix_pathinfo] = yes\nphp_admin_value[doc_root] = %s" % p.root, name="rooted")
    p.pool("php_admin_value[variables_order] = EGPCS", name="ordered")
    for name in ("page.php", "sub/page.php", "sp ace.php", "per%41cent.php", "q?m.php", "back\\slash.php", "u\u00e9.php",
                 "sub/dir.php/page.php"):
        p.write(name, DUMP)
    p.write("image.jpg", "<?php echo 'must not run';")
    yield p.start()
    p.finish()


REASON = re.compile(r"Success|No such file or directory|Is a directory|Not a directory")
POOLS = ["fixed", "plain", "discard", "rooted"]


def base(pair, **more):
    p = {"REQUEST_METHOD": "GET", "QUERY_STRING": "", "REQUEST_URI": "/page.php", "SCRIPT_NAME": "/page.php",
         "SCRIPT_FILENAME": pair.root + "/page.php", "DOCUMENT_ROOT": pair.root, "SERVER_NAME": "example.test",
         "SERVER_PROTOCOL": "HTTP/1.1", "GATEWAY_INTERFACE": "CGI/1.1", "HTTP_HOST": "example.test"}
    p.update(more)
    return {n: v.replace("ROOT", pair.root) for n, v in p.items() if v is not None}


def as_wanted(ours, theirs):
    """php-fpm cuts Apache's prefix off in place and keeps the old length: what was left stands behind a NUL. And it
    gives the reason of a failed open after errno has changed. HTTP_PROXY, which it hides, can still be had from it."""
    for name, value in theirs.items():
        if name.endswith("SCRIPT_FILENAME") and isinstance(value, str):
            theirs[name] = value.split("\\000")[0]
    theirs.pop(".getenv.HTTP_PROXY", None)      # (getenv("HTTP_PROXY") and $_SERVER are without it in both)
    theirs.pop(".headers.Proxy", None)
    for side in ours, theirs:
        side["stderr"] = REASON.sub("no reason", side["stderr"])


def check(pair, cases, body=b""):
    found = []
    for params, pool in cases:
        found += differences(pair, params, body, pool, as_wanted)
    assert not found, "%d lines\n%s" % (len(found), "\n".join(found[:60]))


# How a path is written, and what stands in front of it.
PATHS = ["/page.php", "/page.php/info", "/page.php/in/fo/", "/page.php/", "/none.php", "/none.php/info", "/sub", "/sub/",
         "/", "", "/sub/dir.php", "/sub/dir.php/", "/sub/dir.php/page.php/x", "/sp ace.php", "/sp%20ace.php/a%20b", "/page.php/a%2Fb",
         "/page.php/%zz", "/per%41cent.php", "/perAcent.php", "/page.php?q=1", "/page.php/info?q=1/2", "/sub/../page.php",
         "/page.php/../info", "/page.php/a..b", "/page.php/..", "/image.jpg", "/image.jpg/x.php", "/page.php\\info",
         "/page.php/info\\fo", "//page.php", "/page.php//info", "/sub//page.php/info", "/./page.php", "/u\u00e9.php/\u00e9", "/q?m.php/x"]
PREFIXES = ["", "proxy:fcgi://127.0.0.1:9000", "PROXY:FCGI://localhost", "proxy:balancer://php", "proxy:fcgi://[::1]:9000/",
            "proxy:fcgi:/", "proxy:unix:/run/x.sock|fcgi://localhost"]


@pytest.mark.parametrize("pool", POOLS)
def test_every_form_of_the_script_s_path(pair, pool):
    cases = []
    for prefix, path in itertools.product(PREFIXES, PATHS):
        for info in (None, path.partition(".php")[2] or ""):
            cases.append((base(pair, SCRIPT_FILENAME=prefix + "ROOT" + path, SCRIPT_NAME=path, PATH_INFO=info,
                               REQUEST_URI=path), pool))
    check(pair, cases)


# ---- what front ends send. Each: name, parameters (None: not sent)

# Apache httpd in front of /page.php/info?q=1: SetHandler "proxy:fcgi://...", ProxyPass and ProxyPassMatch, a balancer, and
# ProxyFCGIBackendType FPM (the default before 2.4.27 was GENERIC, which leaves the prefix out).
APACHE = [
    ("handler", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php", SCRIPT_NAME="/page.php")),
    ("handler, info", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php/info", SCRIPT_NAME="/page.php",
                           PATH_INFO="/info", PATH_TRANSLATED="ROOT/info", REQUEST_URI="/page.php/info")),
    ("handler, translated elsewhere", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php/info",
                                           SCRIPT_NAME="/page.php", PATH_INFO="/info",
                                           PATH_TRANSLATED="redirect:/index.php/info")),
    ("handler, query", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php?q=1", QUERY_STRING="q=1")),
    ("handler, info, query", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php/info?q=/1",
                                  PATH_INFO="/info", QUERY_STRING="q=/1")),
    ("handler on a socket", dict(SCRIPT_FILENAME="proxy:fcgi://localhostROOT/page.php")),
    ("handler, no document root", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php/info",
                                       DOCUMENT_ROOT=None, PATH_INFO="/info")),
    ("handler, rewritten", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php/info", PATH_INFO="/info",
                                REDIRECT_URL="/pretty/info", REDIRECT_STATUS="200", REQUEST_URI="/pretty/info")),
    ("handler, rewritten, translated", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php",
                                            PATH_TRANSLATED="ROOT/page.php", REDIRECT_URL="/pretty")),
    ("ProxyPass", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php/info", SCRIPT_NAME="/page.php/info")),
    ("ProxyPass, coded", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php/in%20fo/%41",
                              SCRIPT_NAME="/page.php/in fo/A")),
    ("ProxyPass, coded twice", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php/in%2520fo",
                                    SCRIPT_NAME="/page.php/in%20fo")),
    ("ProxyPass, coded on both sides", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php/in%20fo",
                                            SCRIPT_NAME="/page.php/in%20fo")),
    ("ProxyPass, half coded", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php/100%/%4",
                                   SCRIPT_NAME="/page.php/100%/%4")),
    ("ProxyPass, other name", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php/info",
                                   SCRIPT_NAME="/other.php")),
    ("ProxyPass, name is all info", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php/info",
                                         SCRIPT_NAME="/info")),
    ("ProxyPass, longer than the name", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php/in/fo/lo/ng",
                                             SCRIPT_NAME="/p")),
    ("ProxyPass, no name", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php/info", SCRIPT_NAME=None)),
    ("ProxyPass to a folder", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000ROOT/page.php/", SCRIPT_NAME="/page.php/")),
    ("balancer", dict(SCRIPT_FILENAME="proxy:balancer://phpROOT/page.php")),
    ("balancer, info", dict(SCRIPT_FILENAME="proxy:balancer://phpROOT/page.php/info", SCRIPT_NAME="/page.php/info")),
    ("balancer, query", dict(SCRIPT_FILENAME="proxy:balancer://phpROOT/page.php?q", SCRIPT_NAME="/page.php")),
    ("FPM", dict(SCRIPT_FILENAME="ROOT/page.php/info", SCRIPT_NAME="/page.php", PATH_INFO="/info")),
    ("FPM, query", dict(SCRIPT_FILENAME="ROOT/page.php/info?q", SCRIPT_NAME="/page.php/info?q")),
    ("GENERIC", dict(SCRIPT_FILENAME="ROOT/page.php", SCRIPT_NAME="/page.php", PATH_INFO="/info",
                     PATH_TRANSLATED="ROOT/info")),
    ("only the prefix", dict(SCRIPT_FILENAME="proxy:fcgi://")),
    ("only the host", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000")),
    ("only the host, query", dict(SCRIPT_FILENAME="proxy:fcgi://localhost:9000?a/page.php")),
    ("prefix in the prefix", dict(SCRIPT_FILENAME="proxy:fcgi:///proxy:balancer://ROOT/page.php")),
    ("a prefix of the other", dict(SCRIPT_FILENAME="proxy:fcgi://x/proxy:fcgi://yROOT/page.php")),
    ("Action", dict(SCRIPT_FILENAME="/usr/lib/cgi-bin/php", SCRIPT_NAME="/cgi-bin/php", PATH_INFO="/page.php/info",
                    PATH_TRANSLATED="ROOT/page.php/info", REDIRECT_URL="/page.php/info", REDIRECT_STATUS="200")),
    ("Action, no info", dict(SCRIPT_FILENAME="/usr/lib/cgi-bin/php", SCRIPT_NAME="/cgi-bin/php", PATH_INFO="/page.php",
                             PATH_TRANSLATED="ROOT/page.php", REDIRECT_URL="/page.php", REDIRECT_STATUS="200")),
    ("Action, name as info", dict(SCRIPT_FILENAME="/usr/lib/cgi-bin/php", SCRIPT_NAME="/page.php",
                                  PATH_INFO="/page.php/info", PATH_TRANSLATED="ROOT/page.php/info")),
    ("mod_fastcgi, same", dict(PATH_TRANSLATED="ROOT/page.php", REDIRECT_URL="/x", PATH_INFO="/i")),
    ("translated only", dict(SCRIPT_FILENAME=None, PATH_TRANSLATED="ROOT/page.php", PATH_INFO="/info")),
    ("translated only, with info", dict(SCRIPT_FILENAME=None, PATH_TRANSLATED="ROOT/page.php/info",
                                        PATH_INFO="/page.php/info", SCRIPT_NAME=None)),
    ("nothing", dict(SCRIPT_FILENAME=None)), ("empty", dict(SCRIPT_FILENAME="")),
    ("empty, translated", dict(SCRIPT_FILENAME="", PATH_TRANSLATED="ROOT/page.php")),
]
OTHERS = [
    ("nginx, split", dict(SCRIPT_FILENAME="ROOT/page.php", PATH_INFO="/info", SCRIPT_NAME="/page.php",
                          DOCUMENT_URI="/page.php/info", REDIRECT_STATUS="200")),
    ("nginx, not split", dict(SCRIPT_FILENAME="ROOT/page.php/info", SCRIPT_NAME="/page.php/info",
                              DOCUMENT_URI="/page.php/info")),
    ("nginx, info with a longer tail", dict(SCRIPT_FILENAME="ROOT/page.php/a/b", SCRIPT_NAME="/page.php/a/b",
                                            PATH_INFO="/page.php/a/b")),
    ("nginx, an underflow", dict(SCRIPT_FILENAME="ROOT/page.php/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", PATH_INFO="",
                                 SCRIPT_NAME="/page.php")),
    ("nginx, a short info", dict(SCRIPT_FILENAME="ROOT/page.php/aaaa/bbbb", PATH_INFO="/b", SCRIPT_NAME="/page.php")),
    ("lighttpd", dict(SCRIPT_FILENAME="ROOT/page.php", SCRIPT_NAME="/page.php", PATH_INFO="/info",
                      PATH_TRANSLATED="ROOT/info", SERVER_SOFTWARE="lighttpd/1.4.69", REDIRECT_URI="/page.php/info")),
    ("IIS", dict(SERVER_SOFTWARE="Microsoft-IIS/10.0", SCRIPT_NAME="/page.php", PATH_INFO="/page.php",
                 PATH_TRANSLATED="ROOT/page.php")),
    ("IIS, info", dict(SERVER_SOFTWARE="Microsoft-IIS/10.0", SCRIPT_NAME="/page.php", PATH_INFO="/page.php/info",
                       SCRIPT_FILENAME="ROOT/page.php", PATH_TRANSLATED="ROOT/info")),
    ("IIS, info in the path", dict(SERVER_SOFTWARE="Microsoft-IIS/8.5", SCRIPT_NAME="/page.php",
                                   PATH_INFO="/page.php/info", SCRIPT_FILENAME="ROOT/page.php/info")),
    ("IIS, translated only", dict(SERVER_SOFTWARE="Microsoft-IIS/10.0", SCRIPT_NAME="/page.php", SCRIPT_FILENAME=None,
                                  PATH_INFO="/page.php", PATH_TRANSLATED="ROOT/page.php")),
    ("IIS, other info", dict(SERVER_SOFTWARE="Microsoft-IIS/10.0", SCRIPT_NAME="/page.php", PATH_INFO="/info")),
    ("not IIS", dict(SERVER_SOFTWARE="Microsoft", SCRIPT_NAME="/page.php", PATH_INFO="/page.php/info")),
    ("no document root", dict(DOCUMENT_ROOT=None)),
    ("no document root, info", dict(DOCUMENT_ROOT=None, SCRIPT_FILENAME="ROOT/page.php/info", PATH_INFO="/page.php/info",
                                    SCRIPT_NAME="/page.php")),
    ("empty document root", dict(DOCUMENT_ROOT="", SCRIPT_FILENAME="ROOT/page.php/info")),
    ("document root with a slash", dict(DOCUMENT_ROOT="ROOT/", SCRIPT_FILENAME="ROOT/page.php/info")),
    ("no name", dict(SCRIPT_NAME=None)), ("no name, info", dict(SCRIPT_NAME=None, PATH_INFO="/info")),
    ("empty name", dict(SCRIPT_NAME="")), ("no uri", dict(REQUEST_URI=None)), ("no query", dict(QUERY_STRING=None)),
    ("no method", dict(REQUEST_METHOD=None)), ("empty method", dict(REQUEST_METHOD="")),
    ("odd method", dict(REQUEST_METHOD="get")), ("head", dict(REQUEST_METHOD="HEAD")),
    ("queries", dict(QUERY_STRING="a=1&b[]=2&b[]=3&c%20d=e+f&&=x&g", REQUEST_URI="/page.php?x")),
    ("proxy header", dict(HTTP_PROXY="http://evil.test", HTTP_PROXY_X="1", HTTP_PROXY_AUTHORIZATION="x")),
    ("roles", dict(FCGI_ROLE="FILTER")), ("own names", dict(PHP_SELF="/evil", ORIG_PATH_INFO="/evil", argv="x", argc="9")),
    ("headers", dict(HTTP_ACCEPT="a", HTTP_X_A_B="c", HTTP_="e", HTTP_X="", CONTENT_TYPE="x/y", CONTENT_LENGTH="0",
                     HTTP_CONTENT_TYPE="z", http_lower="l", HTTP_1="n", HTTP_X__Y="u")),
    ("names twice", {"REQUEST_URI": "/1", "X": "2", "x.y": "3", "x_y": "4"}),
    ("odd names", {"a.b": "1", "a b": "2", "a[b]": "3", "a[c]": "4", "[x": "5", "": "6", "=": "7", "\u00e9": "8"}),
    ("cookies", dict(HTTP_COOKIE="a=1; b=%20; a=2; c")),
    ("basic", dict(HTTP_AUTHORIZATION="Basic am9lOnM6Y3JldA==")), ("basic, lower", dict(HTTP_AUTHORIZATION="basic am9lOng=")),
    ("basic, broken", dict(HTTP_AUTHORIZATION="Basic !!!")), ("basic, no colon", dict(HTTP_AUTHORIZATION="Basic am9l")),
    ("digest", dict(HTTP_AUTHORIZATION='Digest username="x", uri="/"')), ("bearer", dict(HTTP_AUTHORIZATION="Bearer x")),
    ("remote user", dict(REMOTE_USER="joe", AUTH_TYPE="Basic")), ("redirected", dict(REDIRECT_HTTP_AUTHORIZATION="Basic am9lOng=")),
    ("other bytes", dict(HTTP_X="\u00ff\x01\n", REQUEST_URI="/\u20ac")), ("https", dict(HTTPS="on", SERVER_PORT="443")),
    ("a long value", dict(HTTP_X="x" * 60000)), ("an empty one", dict(HTTP_X="", REMOTE_ADDR="", PATH_INFO="")),
]


@pytest.mark.parametrize("pool", POOLS)
def test_what_front_ends_send(pair, pool):
    check(pair, [(base(pair, **params), pool) for _, params in APACHE + OTHERS])


def test_bodies(pair):
    form = "application/x-www-form-urlencoded"
    for body, more in ((b"a=1&b[]=2", {}), (b"", {}), (b"a=1", {"CONTENT_LENGTH": "2"}), (b"a=\0\xff&c", {}),
                       (b"raw", {"CONTENT_TYPE": "text/plain"}), (b"raw", {"CONTENT_TYPE": None}),
                       (b"raw", {"REQUEST_METHOD": "PUT"}), (b"raw", {"REQUEST_METHOD": "GET"}), (b"x" * 100000, {}),
                       (b"x" * 3000, {"PHP_VALUE": "post_max_size=1K"}), (b"a=1&b=2", {"PHP_VALUE": "max_input_vars=1"}),
                       (b"raw", {"CONTENT_TYPE": form + "; charset=utf-8"}), (b"raw", {"CONTENT_TYPE": ""})):
        params = dict(REQUEST_METHOD="POST", CONTENT_TYPE=form, CONTENT_LENGTH=str(len(body)))
        params.update(more)
        check(pair, [(base(pair, **params), "fixed")], body)


# ---- what nobody sends: each parameter from a list of its own, by a fixed dice

CHOICES = {
    "SCRIPT_FILENAME": [None, "", "page.php", "ROOT/page.php", "ROOT/page.php/info", "ROOT/sub/page.php/a/b", "ROOT/none.php/x",
                        "ROOT/page.php/info?q", "proxy:fcgi://h:1ROOT/page.php", "proxy:fcgi://hROOT/page.php/info",
                        "proxy:balancer://bROOT/sub/page.php/%41", "proxy:fcgi://hROOT/page.php/info?q=/r", "/none"],
    "PATH_TRANSLATED": [None, None, "", "ROOT/page.php", "ROOT/sub/page.php/a", "ROOT/info", "redirect:/x", "ROOT/none"],
    "PATH_INFO": [None, None, "", "/", "/info", "/page.php", "/page.php/info", "/page.php/info/more", "/a/b", "/sub/page.php/a/b",
                  "/A", "x/info", "/none.php/x"],
    "SCRIPT_NAME": [None, "", "/", "/page.php", "/page.php/info", "/sub/page.php", "/sub/page.php/A", "/info", "/page.php/info/x"],
    "REDIRECT_URL": [None, None, None, "", "/page.php", "/pretty/info"],
    "DOCUMENT_ROOT": [None, "", "ROOT", "ROOT/", "/", "ROOT/sub"],
    "SERVER_SOFTWARE": [None, "nginx/1.22", "Microsoft-IIS/10.0"],
    "ORIG_PATH_INFO": [None, None, None, "/sent"], "REQUEST_URI": [None, "/page.php/info?q", ""],
}


@pytest.mark.parametrize("pool", POOLS)
def test_combinations_that_nobody_sends(pair, pool):
    dice = random.Random("environment " + pool)
    check(pair, [(base(pair, **{n: dice.choice(values) for n, values in CHOICES.items()}), pool) for _ in range(500)])


# ---- in which order a script looks

LOOKS = ["getenv()", "$_SERVER", "$_ENV", "getenv('HTTP_X')", "getallheaders()", "filter_input_array(INPUT_SERVER)",
         "[$_SERVER['HTTP_X'], $_SERVER['PHP_SELF']]", "filter_input(INPUT_SERVER, 'HTTP_X')", "$GLOBALS['_SERVER']"]


@pytest.mark.parametrize("pool", ["fixed", "ordered"])
def test_the_order_in_which_a_script_looks(pair, pool):
    """Where variables_order fills $_ENV, php-fpm's filter extension knows nothing of the request, and $_ENV has
    PHP_SELF when it is looked at second: neither is compared."""
    looks = [x for x in LOOKS if pool == "fixed" or "filter" not in x]
    found = []
    for n, (one, two) in enumerate(itertools.product(looks, looks)):
        path = pair.write("look-%s-%d.php" % (pool, n), """$seen = ['one' => %s, 'two' => %s];
            foreach ($seen as &$s) if (is_array($s)) unset($s['REQUEST_TIME'], $s['REQUEST_TIME_FLOAT'], $s['Proxy'],
            $s['HTTP_PROXY'] %s); echo json_encode($seen);""" % (one, two, "" if pool == "fixed" else ", $s['PHP_SELF']"))
        found += differences(pair, base(pair, SCRIPT_FILENAME=path, SCRIPT_NAME="/x.php", HTTP_X="x", HTTP_PROXY="http://x",
                                        PHP_SELF="/evil" if pool == "fixed" else None), b"", pool)
    assert not found, "\n".join(found[:60])


# ---- the process' own part

@pytest.mark.parametrize("lines", ["", "clear_env = no", "env[HOME] = /mine", "clear_env = no\nenv[USER] = me",
                                   "env[A] = $WEIR_TEST_A\nenv[B] = b", "clear_env = no\nenv[WEIR_TEST_A] = mine"])
def test_user_and_home_and_what_the_pool_gives(lines):
    pair = EnvPair().pool(lines)
    try:
        for side in pair.both:
            side.env = {"HOME": "/nobody's", "USER": "nobody's", "WEIR_TEST_A": "a"}
        pair.start()
        path = pair.write("env.php", "foreach (['HOME', 'USER', 'A', 'B', 'WEIR_TEST_A', 'PHP_INI_SCAN_DIR'] as $n) "
                          "$e[$n] = [getenv($n), $_SERVER[$n] ?? null]; echo json_encode($e);")
        found = differences(pair, base(pair, SCRIPT_FILENAME=path))
        assert not found, "\n".join(found)
    finally:
        pair.finish()
