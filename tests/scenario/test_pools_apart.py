"""A pool whose application cannot be loaded is named, and the others serve."""
import glob
import os

import pytest

from weirtest import find_module_dir

pytestmark = pytest.mark.event

GOOD = "ab"


def modules_with(weir, name, content):
    """A folder with all plug-ins, and one more."""
    folder = weir.path("modules")
    os.mkdir(folder)
    for path in glob.glob((find_module_dir() or os.path.dirname(os.path.realpath(weir.binary)) + "/.libs") + "/weir_*.so"):
        os.symlink(os.path.realpath(path), os.path.join(folder, os.path.basename(path)))
    with open(os.path.join(folder, "weir_%s.so" % name), "wb") as f:
        f.write(content)
    weir.args = ["--module-dir", folder]


@pytest.mark.parametrize("lines, why", [
    ("sapi = bad", r"modules/weir_bad.so"), ("apparmor_hat = a-hat", "apparmor_hat = a-hat")])
def test_the_others_start(weir, lines, why):
    modules_with(weir, "bad", b"no library")
    broken = weir.pool(lines, name="broken")
    good = [weir.pool(name=name) for name in GOOD]
    weir.wait_whole = False
    weir.start()
    assert [p.run("echo 'ok';").text for p in good] == ["ok"] * len(good)
    weir.wait_log(r"ERROR: \[pool broken\] the application cannot be loaded: .*" + why)
    assert broken.children() == []


def test_one_that_is_mended_serves_after_a_reload(weir):
    modules_with(weir, "bad", b"no library")
    broken, good = weir.pool("sapi = bad", name="broken"), weir.pool(name="good")
    weir.wait_whole = False
    weir.start()
    weir.wait_log(r"ERROR: \[pool broken\] the application cannot be loaded")
    broken.lines[-1] = "sapi = php"
    weir.configure()
    weir.send_signal(12)
    weir.wait_log("ready to handle connections", 2)
    assert [p.run("echo 'ok';").text for p in (broken, good)] == ["ok", "ok"]


def test_options_for_php_reach_every_pool(weir):
    weir.args = ["-e", "-d", "precision=5"]
    pools = [weir.pool(name=name) for name in GOOD]
    weir.start()
    assert [p.run("echo ini_get('precision');").text for p in pools] == ["5"] * len(pools)
