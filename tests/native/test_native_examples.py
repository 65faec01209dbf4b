"""The examples, as the manual shows them; and what the plug-in says of a module's threads."""
import ctypes
import glob
import http.client
import os
import subprocess

import pytest

import modules
from weirtest import fcgi

MODELS = True


def test_echo_through_nginx(weir, nginx):
    pool = modules.pool(weir, modules.example(weir, "echo"))
    weir.start()
    web = nginx(pool)
    c = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    c.request("POST", "/some.php?a=b", body=b"x" * 100000)
    answer = c.getresponse()
    text = answer.read().decode()
    c.close()
    assert answer.status == 200 and text.startswith("FCGI_ROLE=RESPONDER\n")
    assert "QUERY_STRING=a=b\n" in text and text.endswith("body: 100000 bytes\n")


def test_upload_counts(weir):
    pool = modules.pool(weir, modules.example(weir, "upload"), "pm.max_children = 1")
    weir.start()
    assert pool.get("/").status == 405
    pool.post("/", b"x" * 10)
    assert pool.post("/", b"x" * 1000).text == "this upload: 1000 bytes\nuploads: 2\nbytes in all: 1010\n"


def test_stream_sends_line_by_line(weir):
    pool = modules.pool(weir, modules.example(weir, "stream"))
    weir.start()
    c = pool.open("/?lines=3&ms=1")
    records = [r.content for r in iter(c.record, None) if r.type == fcgi.STDOUT and r.content]
    assert [r.split(b"\r\n\r\n")[-1] for r in records] == [b"line %d of 3\n" % n for n in (1, 2, 3)]


@pytest.mark.parametrize("cookie, status", [
    ("token=sesame", 200), ("a=b; token=sesame; c=d", 200), ("token=sesam", 403), ("token=sesame2", 403), (None, 403)])
def test_authorizer(weir, cookie, status):
    pool = modules.pool(weir, modules.example(weir, "authorizer"), "env[APP_TOKEN] = sesame")
    weir.start()
    more = {"HTTP_COOKIE": cookie} if cookie else {}
    with pool.connect() as c:
        reply = c.send(modules.ask(pool, role=fcgi.AUTHORIZER, **more)).reply()
    assert reply.status == status
    assert reply.header("Variable-APP_USER") == ("bearer" if status == 200 else None)


def test_every_example_compiles_without_a_warning(weir):
    for source in glob.glob(os.path.join(modules.EXAMPLES, "*.c")):
        modules.example(weir, os.path.basename(source)[:-2])


class Setting(ctypes.Structure):
    _fields_ = [(n, ctypes.c_char_p) for n in ("name", "key", "value")]


class Context(ctypes.Structure):
    _fields_ = [("host", ctypes.c_void_p), ("pool", ctypes.c_char_p), ("settings", ctypes.POINTER(Setting)),
                ("setting_count", ctypes.c_size_t), ("state", ctypes.c_void_p)]


class Info(ctypes.Structure):
    _fields_ = [("thread_safe", ctypes.c_bool), ("version", ctypes.c_char * 128)]


class Sapi(ctypes.Structure):
    _fields_ = [("abi", ctypes.c_uint32), ("name", ctypes.c_char_p), ("roles", ctypes.c_uint32),
                ("probe", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Context), ctypes.POINTER(Info),
                                           ctypes.c_void_p))]


@pytest.mark.plain
@pytest.mark.parametrize("says, safe", [(".abi = WEIR_NATIVE_ABI, .thread_safe = 1", True),
                                        (".abi = WEIR_NATIVE_ABI", False), (None, False)])
def test_threads_are_the_module_s_word(weir, says, safe):
    text = modules.handler("return 0;")
    if says:
        text += "const struct weir_native_info weir_native = { %s };" % says
    path = os.path.join(os.path.dirname(weir.binary), ".libs/weir_native.so")
    with open(path, "rb") as f:
        if b"__asan_init" in f.read():
            pytest.skip("a plug-in with sanitizers cannot be loaded into Python")
    plugin = ctypes.CDLL(path, ctypes.RTLD_GLOBAL)
    sapi = Sapi.in_dll(plugin, "weir_sapi")
    setting = Setting(b"native.module", None, modules.module(weir, text).encode())
    info = Info()
    context = Context(None, b"app", ctypes.pointer(setting), 1, None)
    assert sapi.name == b"native"
    assert sapi.probe(ctypes.byref(context), ctypes.byref(info), None) == 0
    assert (info.thread_safe, b"not thread-safe" in info.version) == (safe, not safe)


def test_a_key_of_another_sapi_is_refused(weir):
    path = modules.example(weir, "echo")
    modules.pool(weir, path, "php_value[memory_limit] = 64M", name="app")
    done = weir.run("-t")
    assert done.returncode == 78
    assert "[pool app] php_value does not apply to 'sapi = native'" in done.stderr, done.stderr


def build_folder(weir):
    """The plain build, whose files an install takes."""
    for place in (os.path.dirname(os.environ.get("WEIR_BENCH", "")), os.path.dirname(weir.binary)):
        if os.path.exists(os.path.join(place, "Makefile")) and os.access(place, os.W_OK):
            return place
    pytest.skip("no build folder that this user may install from")


def test_a_module_is_built_with_what_pkg_config_says_of_an_installed_tree(weir):
    tree = weir.path("tree")
    subprocess.run(["make", "-s", "-C", build_folder(weir), "install-weirincludeHEADERS", "install-nodist_pkgconfigDATA",
                    "DESTDIR=" + tree], check=True, capture_output=True)
    found = glob.glob(tree + "/**/weir.pc", recursive=True)
    env = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(found[0]), PKG_CONFIG_SYSROOT_DIR=tree)
    flags = subprocess.run(["pkg-config", "--cflags", "weir"], env=env, capture_output=True, text=True, check=True).stdout.split()
    assert len(flags) == 1 and os.path.exists(flags[0][len("-I"):] + "/weir/native.h"), flags
    os.mkdir(weir.path("modules"))
    app = weir.path("modules", "app.so")
    subprocess.run(modules.COMPILER + ["-shared", "-fPIC"] + flags + ["-o", app, modules.EXAMPLES + "/echo.c"], check=True)
    pool = modules.pool(weir, app)
    weir.start()
    assert "SCRIPT_NAME=/\n" in pool.get("/").text
