"""A module: how it is found, loaded, begun and ended; what is said when it cannot be."""
import os
import shutil
import signal

import pytest

import modules
from weirtest import fcgi, until
from weirtest.server import AS_ROOT, POOL_USER

HELLO = modules.handler('FCGX_PutS("Content-Type: text/plain\\r\\n\\r\\nhello", r->out); return 0;')
CALLS = os.path.join(modules.HERE, "calls.c")
INFO = "const struct weir_native_info weir_native = { %s };"


@pytest.mark.parametrize("flags", [[], ["-lfcgi"], ["-Wl,--no-undefined", "-lfcgi"], ["-fvisibility=hidden"], ["-O2"],
                                   ["-Wl,-z,now"]])
def test_a_plain_module_loads(weir, flags):
    pool = modules.pool(weir, modules.module(weir, HELLO, *flags))
    weir.start()
    assert pool.get("/").text == "hello"


@pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler")
def test_a_module_in_cxx(weir):
    text = HELLO + INFO % "WEIR_NATIVE_ABI, 1, nullptr, nullptr, nullptr"
    source = weir.path("app.cc")
    with open(source, "w") as f:
        f.write(text)
    pool = modules.pool(weir, modules.module(weir, source, "-lstdc++"))
    weir.start()
    assert pool.get("/").text == "hello"


# ---- what cannot run

def bad_modules(weir):
    os.makedirs(weir.path("modules"))
    text = weir.path("modules", "text.so")
    with open(text, "w") as f:
        f.write("this is no module")
    return {
        "no such file": (weir.path("modules", "none.so"), "No such file"),
        "a text": (text, "invalid ELF header|file too short"),
        "no handler": (modules.module(weir, "int other;", name="other"), "does not export weir_handler"),
        "another interface": (modules.module(weir, HELLO + INFO % ".abi = WEIR_NATIVE_ABI + 1", name="abi"),
                              "compiled for module interface 2, this Weir has 1"),
        "no interface": (modules.module(weir, HELLO + INFO % ".thread_safe = 1", name="noabi"), "WEIR_NATIVE_ABI"),
        "undefined symbol": (modules.module(weir, modules.handler("return no_such(r);", "int no_such(FCGX_Request *);"),
                                            name="undef"), "undefined symbol: no_such"),
    }


KINDS = ["no such file", "a text", "no handler", "another interface", "no interface", "undefined symbol"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_module_is_one_clear_error_of_the_test(weir, kind):
    path, why = bad_modules(weir)[kind]
    modules.pool(weir, path, name="app")
    done = weir.run("-t")
    said = [x for x in done.stderr.splitlines() if "native.module" in x]
    assert done.returncode == 78 and len(said) == 1, done.stderr
    assert "[pool app] native.module = %s: " % path in said[0]
    assert weir.log_lines(why, of=said[0]), said[0]


def test_each_pool_s_module_is_tested(weir):
    modules.pool(weir, modules.module(weir, HELLO), name="good")
    modules.pool(weir, weir.path("none.so"), name="bad")
    done = weir.run("-t")
    assert done.returncode == 78 and "[pool bad] native.module" in done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_and_of_the_start_which_goes_on_with_the_others(weir, kind):
    path, why = bad_modules(weir)[kind]
    good = modules.pool(weir, modules.module(weir, HELLO), name="good")
    modules.pool(weir, path, name="bad")
    weir.wait_whole, weir.exit_code = False, None
    weir.start()
    said = weir.wait_log("native.module").string
    assert "pool bad" in said and "native.module = %s: " % path in said and weir.log_lines(why, of=said), said
    until(lambda: good.children(), "children of the good pool")
    assert good.get("/").text == "hello"


THREADS = "mpm = worker\n mpm.threads_per_child = 3"
SAFE = INFO % ".abi = WEIR_NATIVE_ABI, .thread_safe = 1"


@pytest.mark.parametrize("kind", KINDS)
def test_with_threads_too(weir, kind):
    path, why = bad_modules(weir)[kind]
    good = modules.pool(weir, modules.module(weir, HELLO + SAFE), THREADS, name="good")
    bad = modules.pool(weir, path, THREADS, name="bad")
    done = weir.run("-t")
    assert done.returncode == 78
    assert weir.log_lines(r"\[pool bad\] native.module = %s: .*(%s)" % (path, why), of=done.stderr), done.stderr
    place = "[%s:%d] [pool bad]" % (weir.conf, 1 + weir.text().splitlines().index("[bad]"))
    assert place in done.stderr, (place, done.stderr)
    weir.wait_whole, weir.exit_code = False, None
    weir.start()
    assert weir.log_lines(why, of=weir.wait_log(r"\[pool bad\].*native.module").string)
    assert good.get("/").text == "hello"
    refused = bad.get("/")
    assert (refused.status, "spawn_failed" in refused.text) == (503, True)


def test_none_that_loads_fails_the_start(weir):
    path, why = bad_modules(weir)["no handler"]
    modules.pool(weir, path, THREADS)
    modules.pool(weir, path, name="other")
    weir.exit_code = None
    assert weir.run("-F").returncode == 78
    assert len(weir.log_lines(why)) == 2


def test_a_reload_with_a_module_that_does_not_load_leaves_the_old_one(weir):
    path = modules.module(weir, HELLO + SAFE)
    pool, other = modules.pool(weir, path, THREADS), modules.pool(weir, path, THREADS, name="other")
    weir.start()
    pool.also("native.module = " + weir.path("modules", "none.so"))
    weir.configure()
    before = set(other.children())
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log(r"\[pool www\] the new configuration did not become ready")
    until(lambda: other.children() and not before & set(other.children()), "the other pool is new")
    assert [p.get("/").text for p in (pool, other)] == ["hello", "hello"]


def test_threads_for_a_module_that_is_not_made_for_them(weir):
    """Refused by the test, the start and a reload, and by a zygote that finds another file than was asked."""
    path = modules.module(weir, HELLO + SAFE)
    unsafe = modules.module(weir, HELLO, name="unsafe")
    pool = modules.pool(weir, path, THREADS)
    weir.start()
    pool.also("native.module = " + unsafe)
    weir.configure()
    for how in ("-t", "-F"):
        done = weir.run(how)
        assert done.returncode == 78 and "[pool www] mpm = worker with 3 threads needs" in done.stderr, done.stderr
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("mpm = worker with 3 threads needs")
    assert pool.get("/").text == "hello"
    os.rename(unsafe, path)
    weir.kill(weir.one("zygote", "www"))
    weir.wait_log(r"native.module = %s: it is not thread-safe, and mpm.threads_per_child = 3" % path)
    assert pool.get("/").text == "hello"


# ---- load, init, fini

LIFE = modules.handler(r"""
	FCGX_FPrintF(r->out, "Content-Type: text/plain\r\n\r\n%d %d", (int)getpid(), begun);
	return 0;
""", r"""
static int begun;
static void mark(const char *what)
{
	char name[512];
	FILE *f;
	snprintf(name, sizeof(name), "%s/%s-%d", getenv("MARKS"), what, (int)getpid());
	f = fopen(name, "w");
	if (f)
		fclose(f);
}
static int load(void) { mark("load"); begun = 40; return 0; }
static int init(void) { mark("init"); begun++; return 0; }
static void fini(void) { mark("fini"); }
const struct weir_native_info weir_native = { .abi = WEIR_NATIVE_ABI, .init = init, .fini = fini, .load = load };
""")


def marks(weir, what):
    return sorted(int(x.split("-")[1]) for x in os.listdir(weir.path("www")) if x.startswith(what))


def test_load_once_init_and_fini_in_each_child(weir):
    pool = modules.pool(weir, modules.module(weir, LIFE), "env[MARKS] = " + weir.path("www"))
    weir.start()
    children = sorted(pool.children())
    pid, begun = map(int, pool.get("/").text.split())
    assert pid in children and begun == 41
    assert marks(weir, "load") == [weir.one("zygote")]
    until(lambda: marks(weir, "init") == children, "init in each child")
    assert marks(weir, "fini") == []
    assert weir.stop() == 0
    assert marks(weir, "fini") == children


def test_the_test_runs_neither(weir):
    modules.pool(weir, modules.module(weir, LIFE), "env[MARKS] = " + weir.path("www"))
    assert weir.run("-t").returncode == 0
    assert os.listdir(weir.path("www")) == []


@pytest.mark.parametrize("what", ["load", "init"])
def test_one_that_says_no(weir, what):
    text = HELLO + "static int no(void) { return 7; }" + INFO % (".abi = WEIR_NATIVE_ABI, .%s = no" % what)
    path = modules.module(weir, text)
    modules.pool(weir, path, name="bad")
    modules.pool(weir, modules.module(weir, HELLO, name="good"), name="good")
    weir.wait_whole, weir.exit_code = False, None
    weir.start()
    assert weir.wait_log(r"native\.module = %s: its %s\(\) says 7" % (path, what))


# ---- where and as whom

@pytest.mark.skipif(not AS_ROOT, reason="needs root")
def test_inside_the_chroot_and_as_the_pool_s_user(weir):
    text = modules.handler(r"""
	FCGX_FPrintF(r->out, "Content-Type: text/plain\r\n\r\n%d %d %s", (int)getuid(), access("/modules/app.so", R_OK),
	    loaded);
	return 0;
""", r"""
static char loaded[64];
static int load(void)
{
	snprintf(loaded, sizeof(loaded), "%d %d", (int)getuid(), access("/modules/app.so", R_OK));
	return 0;
}
const struct weir_native_info weir_native = { .abi = WEIR_NATIVE_ABI, .load = load };
""")
    modules.module(weir, text)
    pool = modules.pool(weir, "/modules/app.so", "chroot = %s" % weir.folder)
    assert weir.run("-t").returncode == 0, weir.run("-t").stderr
    weir.start()
    uid = shutil._get_uid(POOL_USER)
    assert pool.get("/").text == "%d 0 %d 0" % (uid, uid)


def test_a_relative_path_counts_from_the_prefix(weir):
    modules.module(weir, HELLO)
    pool = modules.pool(weir, "modules/app.so", "prefix = " + weir.folder)
    weir.start()
    assert pool.get("/").text == "hello"


def test_the_environment(weir):
    pool = modules.pool(weir, modules.module(weir, CALLS), "env[GREETING] = good day")
    weir.env["SECRET"] = "x"
    weir.start()
    assert pool.get("/", DO="gGREETING;gSECRET").text == "good day\nunset\n"


def test_a_reload_takes_the_new_module(weir):
    path = modules.module(weir, HELLO)
    pool = modules.pool(weir, path)
    weir.start()
    assert pool.get("/").text == "hello"
    os.rename(modules.module(weir, HELLO.replace("hello", "changed"), name="new"), path)
    weir.send_signal(signal.SIGUSR2)
    until(lambda: pool.get("/").text == "changed", "the new module")


# ---- ends of children

def test_a_crash_costs_its_own_child_only(weir):
    pool = modules.pool(weir, modules.module(weir, CALLS))
    weir.start()
    before = pool.children()
    with pool.open("/", DO="K") as c:
        assert c.at_end() == "eof"
    assert weir.wait_log("exited on signal 6")
    until(lambda: len(pool.children()) == 2, "a new child")
    assert len(set(pool.children()) & set(before)) == 1
    assert pool.get("/", DO="px").text == "xPutS 1\n"


def test_shutdown_pending_replaces_the_child_after_the_request(weir):
    pool = modules.pool(weir, modules.module(weir, CALLS, "-lfcgi"), "pm.max_children = 1")
    weir.start()
    before = pool.children()
    assert pool.get("/", DO="h;px").text == "ShutdownPending\nxPutS 1\n"
    until(lambda: pool.children() and pool.children() != before, "a new child")
    assert pool.get("/", DO="px").text == "xPutS 1\n"


def test_roles_are_all_three(weir):
    pool = modules.pool(weir, modules.module(weir, CALLS))
    weir.start()
    for role in (fcgi.RESPONDER, fcgi.AUTHORIZER, fcgi.FILTER):
        with pool.connect() as c:
            assert "role %d" % role in c.send(modules.ask(pool, "R", role=role, data=b"x")).reply().text
