"""sapi = wsgi: how an application is found, imported and forked, and what it finds of its process."""
import os
import pwd
import signal
import subprocess

import pytest

import apps
from weirtest import until
from weirtest.server import AS_ROOT, POOL_USER

SYSTEM_PYTHON = "/usr/bin/python3"
SHOW = """
import os, random, signal, sys, threading
imported_by = os.getpid()
forks = []
os.register_at_fork(before=lambda: forks.append("before"), after_in_child=lambda: forks.append("child"))
%s
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(eval(environ["QUERY_STRING"].replace("%%20", " "), globals(), dict(environ=environ))).encode()]
"""


def show(pool, what):
    return eval(apps.ask(pool, "/?" + what.replace(" ", "%20")).text)


def pool(weir, more="", lines="", application=None, file="app.py"):
    path = apps.write(weir, file, SHOW % more)
    return weir.pool("sapi = wsgi\nwsgi.application = %s\n%s" % (application or path + ":application", lines))


# ---- where it is

@pytest.mark.parametrize("file, application", [
    ("app.py", "{apps}/app.py:application"), ("site.wsgi", "{apps}/site.wsgi"), ("pkg/sub.py", "pkg.sub:application"),
    ("shop/wsgi.py", "shop.wsgi:application"), ("types.py", "{apps}/types.py:application"),
    ("app.py", "app.py:application"), ("one.py", "one:os.environ.get"),
])
def test_application_is_found(weir, file, application):
    if "/" in file:
        apps.write(weir, os.path.dirname(file) + "/__init__.py", "")
    pool(weir, file=file, application=application.format(apps=weir.path("apps")),
         lines="chdir = %s\nwsgi.pythonpath = /nowhere:%s" % (weir.path("apps"), weir.path("apps")))
    done = weir.run("-t")
    assert done.returncode == 0, done.stderr
    if application.endswith("application") or application.endswith("wsgi"):
        weir.start()
        assert show(weir.pools[0], "__name__").endswith(os.path.basename(file).partition(".")[0])


def test_modules_are_found_where_chdir_says(weir):
    apps.write(weir, "shop/__init__.py", "")
    p = pool(weir, file="shop/wsgi.py", application="shop.wsgi:application", lines="chdir = " + weir.path("apps"))
    assert weir.run("-t").returncode == 0
    weir.start()
    assert show(p, "__name__") == "shop.wsgi"


def test_a_file_s_neighbours_are_found(weir):
    apps.write(weir, "neighbour.py", "word = 'next door'")
    p = pool(weir, "import neighbour")
    weir.start()
    assert show(p, "neighbour.word") == "next door"


FAULTS = {
    "syntax": ("def broken(:\n", None, "SyntaxError"),
    "raises": ("raise KeyError('at import')", None, "KeyError: 'at import'"),
    "module": ("", "no_such_module:application", "ModuleNotFoundError: No module named 'no_such_module'"),
    "file": ("", "/nowhere/app.py:application", "FileNotFoundError"),
    "name": ("", "{file}:missing", "has no attribute 'missing'"),
    "call": ("number = 5", "{file}:number", "is a int, which cannot be called"),
    "crash": ("os.kill(os.getpid(), 9)", None, "signal 9"),
    "exit": ("os._exit(7)", None, "code 7"),
    "sysexit": ("sys.exit(3)", None, "SystemExit: 3"),
}


@pytest.mark.parametrize("preload", ["yes", "no"])
@pytest.mark.parametrize("fault", list(FAULTS))
def test_an_import_error_fails_the_generation(weir, fault, preload):
    more, application, words = FAULTS[fault]
    application = application and application.format(file=weir.path("apps", "app.py"))
    pool(weir, more, "wsgi.preload = " + preload, application)
    done = weir.run("-F")
    weir.exit_code = None
    assert done.returncode == 78
    record = [x for x in weir.log_lines(words)]
    assert record and "wsgi.application = " in record[0]
    if fault not in ("crash", "exit"):
        assert [x for x in record if r"Traceback (most recent call last):\x0A" in x]


@pytest.mark.parametrize("fault", ["syntax", "raises", "module", "name"])
def test_the_test_shows_an_import_error(weir, fault):
    more, application, words = FAULTS[fault]
    pool(weir, more, application=application and application.format(file=weir.path("apps", "app.py")))
    done = weir.run("-t")
    assert done.returncode == 78
    assert words in done.stderr and "Traceback (most recent call last)" in done.stderr


def test_a_broken_reload_leaves_the_old_one(weir):
    p = pool(weir, "word = 'old'")
    weir.start()
    apps.write(weir, "app.py", "import no_such_module")
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("No module named 'no_such_module'")
    assert show(p, "word") == "old"
    apps.write(weir, "app.py", SHOW % "word = 'new'")
    weir.send_signal(signal.SIGUSR2)
    until(lambda: show(p, "word") == "new", "the new one serves")


# ---- import and fork

def test_preload_imports_in_the_zygote(weir):
    p = pool(weir)
    weir.start()
    assert show(p, "imported_by == os.getppid() and forks[-2:] == ['before', 'child']")


def test_without_preload_each_child_imports(weir):
    p = pool(weir, lines="wsgi.preload = no")
    weir.start()
    assert show(p, "imported_by == os.getpid() and forks == []")


THREAD = """
import time
ticks = []
def tick():
    while True:
        ticks.append(1)
        time.sleep(0.001)
threading.Thread(target=tick, daemon=True).start()
"""


def test_an_import_that_starts_threads(weir):
    p = pool(weir, THREAD)
    weir.start()
    weir.wait_log("has 2 threads once it is imported.*wsgi.preload = no")
    assert show(p, "imported_by == os.getpid()")
    seen = show(p, "len(ticks)")
    until(lambda: show(p, "len(ticks)") > seen, "the thread runs between requests")


def test_no_warning_where_each_child_imports_anyway(weir):
    pool(weir, THREAD, "wsgi.preload = no")
    weir.start()
    assert weir.log_lines("threads once it is imported") == []


def test_children_have_random_numbers_of_their_own(weir):
    p = pool(weir, lines="mpm = prefork\npm.max_children = 4\npm.max_requests = 1")
    weir.start()
    assert len({show(p, "random.random()") for _ in range(4)}) == 4


# ---- what it finds

def test_interpreter(weir):
    p = pool(weir)
    weir.start()
    assert show(p, "signal.getsignal(signal.SIGINT) is not signal.default_int_handler")
    assert show(p, "signal.getsignal(signal.SIGPIPE) == signal.SIG_IGN")
    assert show(p, "(sys.flags.optimize, sys.flags.utf8_mode, sys.flags.no_user_site)") == (0, 1, 1)
    assert show(p, "sys.executable").startswith("/usr/bin/python3.")
    assert show(p, "sys.prefix") == "/usr"
    assert show(p, "threading.current_thread() is threading.main_thread()")
    assert show(p, "'PYTHONPATH' in os.environ or 'ASAN_OPTIONS' in os.environ") is False


def test_the_environment_is_the_pool_s(weir):
    weir.env = {"SECRET": "s", "PYTHONPATH": "/nowhere", "TZ": "UTC"}
    p = pool(weir, lines="env[WORD] = said")
    weir.start()
    assert show(p, "{k: os.environ.get(k) for k in ('WORD', 'SECRET', 'PYTHONPATH', 'TZ')}") == {
        "WORD": "said", "SECRET": None, "PYTHONPATH": None, "TZ": None}
    assert "/nowhere" not in show(p, "sys.path")


@pytest.mark.parametrize("level, asserts, doc", [(0, True, True), (1, False, True), (2, False, False)])
def test_optimize(weir, level, asserts, doc):
    p = pool(weir, "def f():\n    'doc'\n    assert False\ndef fails():\n    try:\n        f()\n    except AssertionError:\n"
             "        return True\n    return False\n", "wsgi.python_optimize = %d" % level)
    weir.start()
    assert show(p, "(fails(), bool(f.__doc__))") == (asserts, doc)


def make_venv(weir):
    path = weir.path("venv")
    subprocess.run([SYSTEM_PYTHON, "-m", "venv", "--without-pip", path], check=True)
    packages = subprocess.run([path + "/bin/python3", "-c", "import site; print(site.getsitepackages()[0])"],
                              capture_output=True, text=True, check=True).stdout.strip()
    with open(packages + "/only_here.py", "w") as f:
        f.write("word = 'of the environment'")
    return path


def test_virtualenv(weir):
    venv = make_venv(weir)
    p = pool(weir, "import only_here", "wsgi.virtualenv = " + venv)
    weir.start()
    assert show(p, "(only_here.word, sys.prefix, sys.base_prefix)") == ("of the environment", venv, "/usr")
    assert not [x for x in show(p, "sys.path") if "dist-packages" in x]


def test_virtualenv_that_is_none(weir):
    pool(weir, lines="wsgi.virtualenv = " + weir.path("www"))
    done = weir.run("-t")
    assert done.returncode == 78 and "wsgi.virtualenv = %s: cannot use" % weir.path("www") in done.stderr
    assert "-m venv" in done.stderr


@pytest.mark.skipif(not AS_ROOT, reason="only root may change the root")
def test_chroot(weir):
    """The application comes from inside; what of the library it needs later has to be there too."""
    jail = weir.path("jail")
    os.makedirs(jail + "/site")
    for folder in (jail, jail + "/site"):
        os.chmod(folder, 0o755)
    with open(jail + "/site/app.wsgi", "w") as f:
        f.write(SHOW % "")
    p = weir.pool("sapi = wsgi\nwsgi.application = /site/app.wsgi\nchroot = %s" % jail)
    done = weir.run("-t")
    assert done.returncode == 0, done.stderr
    weir.start()
    assert show(p, "os.listdir('/')") == ["site"]


def test_keys_of_other_sapis(weir):
    pool(weir, lines="php_value[memory_limit] = 1M")
    assert "php_value does not apply to 'sapi = wsgi'" in weir.run("-t").stderr


def test_output_goes_to_the_log(weir):
    p = pool(weir, lines="catch_workers_output = yes\npm.max_children = 1")
    weir.start()
    show(p, "print('on stdout')")
    weir.wait_log('on stdout')
    show(p, "print('on stderr', file=sys.stderr)")
    weir.wait_log('on stderr')


def test_atexit(weir):
    path = weir.path("www", "ended")
    pool(weir, "import atexit\natexit.register(lambda: open(%r, 'a').write('%%d\\n' %% os.getpid()))" % path,
         "pm.max_children = 2")
    weir.start()
    children = weir.pools[0].children()
    weir.stop()
    assert sorted(map(int, weir.file("www", "ended").split())) == sorted(children)


def test_a_program_may_be_started(weir):
    p = pool(weir, "import subprocess")
    weir.start()
    assert show(p, "subprocess.run(['sh', '-c', 'kill -PIPE $$']).returncode") == -signal.SIGPIPE
    assert show(p, "subprocess.run(['echo', 'x'], capture_output=True).stdout") == b"x\n"
    assert show(p, "subprocess.run(['sh', '-c', 'yes | head -1'], capture_output=True).stdout") == b"y\n"


def test_an_owner_other_than_root(weir):
    p = pool(weir)
    weir.start()
    assert show(p, "os.getuid()") == (pwd.getpwnam(POOL_USER).pw_uid if AS_ROOT else os.getuid())
