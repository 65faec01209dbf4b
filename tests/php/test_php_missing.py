"""What PHP does not find: the log names the pool, the file and what to install, and the other pools serve."""
import os
import re
import shutil
import subprocess

import pytest

import sapi_driver
from weirtest import PHP_ZTS, server

HAS_CC = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


def ini_file(weir, text, mode=0o644):
    path = weir.path("my.ini")
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)
    return path


def module_dir(weir, monkeypatch):
    """A folder with this build's plug-in, to lay others beside it: (folder, the plug-in)."""
    folder, plugin = weir.path("plugins"), sapi_driver.plugin()
    os.mkdir(folder, 0o755)
    os.symlink(plugin, os.path.join(folder, os.path.basename(plugin)))
    monkeypatch.setenv("WEIR_MODULE_DIR", folder)
    return folder, plugin


def version_of(plugin):
    return re.search(r"weir_php([0-9.]+(?:-zts)?)\.so", plugin).group(1)


@pytest.mark.parametrize("line, name, package", [
    ("extension=mysqli", "mysqli", "mysql"), ("extension = \"pdo_pgsql.so\" ; x", "pdo_pgsql", "pgsql"),
    ("zend_extension=xdebug", "xdebug", "xdebug"), ("  extension='redis'", "redis", "redis"),
    ("extension=/nowhere/imagick.so", "/nowhere/imagick", "imagick"), ("extension=nosuch", "nosuch", None)])
def test_an_extension_that_php_ini_names(weir, line, name, package):
    package = None if PHP_ZTS else package      # Debian packages none
    www = weir.pool()
    path = ini_file(weir, "precision=7\n; extension=x\n%s\nuser_agent=u\n" % line)
    weir.start("-c", path)
    weir.wait_log(r"ERROR: \[pool www\] the extension '%s' was not loaded, see above; %s, line 3 asks for it. Install %s" % (
        name, path, r"Debian's package php[0-9.]+-%s," % package if package else "the package that holds it for PHP"))
    assert www.run("echo ini_get('precision'), ini_get('user_agent');").text == "7u"


def test_an_extension_that_a_pool_names(weir):
    a, b = weir.pool("php_admin_value[extension] = mysqli", name="a"), weir.pool(name="b")
    weir.start("-n")
    weir.wait_log(r"\[pool a\] the extension 'mysqli' was not loaded, see above; the pool's php_value or php_admin_value, "
                  r"or the option -d asks for it. Install " + ("the" if PHP_ZTS else "Debian's package php[0-9.]+-mysql"))
    assert (a.run("echo 'a';").text, b.run("echo 'b';").text) == ("a", "b")
    assert not weir.log_lines(r"\[pool b\] the extension")


def test_a_php_ini_that_cannot_be_read(weir):
    www = weir.pool()
    path = ini_file(weir, "precision=7\n", mode=0)
    weir.start("-c", path)
    who = server.POOL_USER if server.AS_ROOT else r"\S+"
    weir.wait_log(r"ERROR: \[pool www\] %s cannot be read by user %s \(\d+\)" % (path, who))
    assert www.run("echo ini_get('precision');").text == "14"


def test_a_folder_without_a_php_ini(weir):
    www = weir.pool()
    os.mkdir(weir.path("empty"), 0o755)
    weir.start("-c", weir.path("empty"))
    weir.wait_log(r"WARNING: \[pool www\] -c %s: there is no php.ini" % weir.path("empty"))
    assert www.run("echo 1;").text == "1"


def two_pools(weir, plugin):
    good = weir.pool("php.version = " + version_of(plugin), name="good")
    weir.pool("php.version = 9.9", name="bad")
    weir.wait_whole = False
    weir.start()
    assert good.run("echo 'serves';").text == "serves"


@HAS_CC
def test_a_library_that_is_not_there(weir, monkeypatch):
    folder, plugin = module_dir(weir, monkeypatch)
    build = "cc -shared -nostdlib -Wl,-soname,/nowhere/libphp9.9.so -o l.so -x c /dev/null && " \
            "echo 'int weir_sapi;' | cc -shared -fPIC -Wl,--no-as-needed -o plugins/weir_php9.9.so -x c - -x none ./l.so"
    subprocess.run(build, shell=True, check=True, cwd=weir.folder)
    two_pools(weir, plugin)
    weir.wait_log(r"\[pool bad\] .*cannot load the plug-in: /nowhere/libphp9.9.so: .* install the library "
                  r"\(Debian: libphp9.9-embed\)")
    assert folder


def test_a_library_of_another_version(weir, monkeypatch):
    folder, plugin = module_dir(weir, monkeypatch)
    with open(plugin, "rb") as f:
        text = f.read()
    api = re.search(rb"API(20\d{6})(?=,N?TS\0)", text).group(1)
    with open(os.path.join(folder, "weir_php9.9.so"), "wb") as f:
        f.write(text.replace(b"API" + api, b"API20990101"))
    two_pools(weir, plugin)
    weir.wait_log(r"\[pool bad\] .*weir_php.*was built for PHP .*API20990101,N?TS\), and \S*libphp\S+ is another version "
                  r"\(API%s\): install Debian's package libphp[0-9.]+-embed" % api.decode())


# ---- the option -e

OPCODES = "-d", "opcache.opt_debug_level", "0x10000"


@pytest.mark.parametrize("given", [True, False])
def test_extended_info_for_debuggers(given):
    php = sapi_driver.Php(OPCODES, *([("-e", None, "1")] if given else []), ini=True)
    result = php.request(sapi_driver.HELLO).result()
    if "RETURN" not in result.stderr:
        pytest.skip("this PHP has no opcache that shows its code")
    assert ("EXT_STMT" in result.stderr) == given
