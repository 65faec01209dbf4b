"""Fixtures of the scenario tests."""
import functools
import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from weirtest import Nginx, Weir, dokuwiki, proc        # noqa: E402
from weirtest.server import AS_ROOT, MODELS, PHP_EVENT, POOL_USER   # noqa: E402

SECONDS = 120           # for one test; a --long test may mark itself @pytest.mark.seconds(n)


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="also what is in tests/soak and marked long")
    parser.addoption("--shard", default="1/1", metavar="N/M", help="run only the Nth of M shares of the tests")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: runs only with --long")
    config.addinivalue_line("markers", "plain: needs a build without sanitizers")
    config.addinivalue_line("markers", "threads: of the worker model: runs under ThreadSanitizer too")
    config.addinivalue_line("markers", "php: needs PHP, where its module runs under each model")
    config.addinivalue_line("markers", "event: runs once more with every pool of PHP under mpm = event")
    config.addinivalue_line("markers", "not_event(why): what it says does not hold under event")
    config.addinivalue_line("markers", "seconds(n): how long the test may take")
    proc.become_subreaper()


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--long"):
        for item in items:
            if "soak" in item.path.parts or item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="only with --long"))
    for item in items if PHP_EVENT else []:
        for mark in item.iter_markers("not_event"):
            item.add_marker(pytest.mark.skip(reason="under event " + mark.args[0]))
    share, shares = map(int, config.getoption("--shard").split("/"))
    items[:] = items[share - 1::shares]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the end of its servers' logs."""
    report = (yield).get_result()
    weir = getattr(item, "weir_under_test", None)
    if report.failed and weir is not None:
        report.sections += zip(("configuration", "log"), weir.evidence())
    if report.failed:
        report.sections += [("log of " + f.PROGRAM, f.evidence()) for f in getattr(item, "front_ends", [])]


@pytest.fixture(autouse=True)
def deadline(request):
    """No test hangs."""
    mark = request.node.get_closest_marker("seconds")
    seconds = mark.args[0] if mark else SECONDS

    def too_long(*_):
        pytest.fail("took more than %d seconds" % seconds)
    old = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, old)


def pytest_generate_tests(metafunc):
    """In a module with MODELS each test of a daemon runs under each model, unless it says that it needs PHP."""
    if not getattr(metafunc.module, "MODELS", None) or "weir" not in metafunc.fixturenames:
        return
    if metafunc.definition.get_closest_marker("php") or "nginx" in metafunc.fixturenames:
        return
    models = [pytest.param(m, marks=pytest.mark.threads) if m in ("worker", "event-threads") else m for m in MODELS]
    metafunc.parametrize("weir", models, indirect=True)


def under_test(request, binary=None):
    w = Weir(binary)
    w.model = getattr(request, "param", w.model)
    request.node.weir_under_test = w
    yield w
    w.finish()


@pytest.fixture
def weir(request):
    """A daemon of the test's own; not started yet. At the end nothing of it may be left."""
    yield from under_test(request)


@pytest.fixture
def plain_weir(request):
    """The same of a build without sanitizers, where they would be in the way ($WEIR_PLAIN_BIN)."""
    yield from under_test(request, os.environ.get("WEIR_PLAIN_BIN"))


@pytest.fixture
def www(weir):
    """The plain case: one pool "www" with two children, serving."""
    pool = weir.pool()
    weir.start()
    return pool


@pytest.fixture
def front(request):
    """front(Apache, pool, text): a real web server before the pool."""
    started = request.node.front_ends = []

    def start(kind, pool, *args, **how):
        started.append(kind(pool, *args, **how))
        return started[-1]
    yield start
    for f in started:
        f.stop()


@pytest.fixture
def nginx(front):
    """nginx(pool, keepalive=4): a real nginx before the pool."""
    return functools.partial(front, Nginx)


@pytest.fixture
def wiki(weir, nginx):
    """DokuWiki through nginx and a pool: the nginx, with .folder of the wiki."""
    pool = weir.pool()
    folder = dokuwiki.install(weir.path("wiki"), POOL_USER if AS_ROOT else None)
    weir.start()
    web = nginx(pool, root=folder, keepalive=4)
    web.folder = folder
    return web
