"""What process.*, rlimit_* and pm.* do to children, and what the log says of it: php-fpm and Weir, side by side."""
import os
import re
import shutil

import pytest

from weirtest import Weir, proc, until
from weirtest.server import AS_ROOT, HOLD

FPM = shutil.which("php-fpm8.2")
pytestmark = pytest.mark.skipif(FPM is None, reason="no php-fpm8.2")
root_only = pytest.mark.skipif(not AS_ROOT, reason="needs root")


@pytest.fixture(params=[FPM, None], ids=["php-fpm", "weir"])
def server(request):
    server = Weir(request.param)
    server.wait_whole = not server.fpm
    yield server
    server.finish()


def facts(server, pid):
    """What the kernel knows of a process. Who is not dumpable belongs to root in /proc."""
    return {"files": proc.limit(pid, "Max open files"), "core": proc.limit(pid, "Max core file size"), "nice": proc.nice(pid),
            "dumpable": not AS_ROOT or os.stat("/proc/%d/maps" % pid).st_uid != 0}


def child_of(server, lines):
    www = server.pool(lines)
    server.start()
    return until(www.children, "a child")[0], www


@pytest.mark.parametrize("lines, wanted", [
    ("", {}), ("rlimit_files = 333", {"files": ("333", "333")}), ("rlimit_core = 0", {}),
    ("rlimit_core = 4096", {"core": ("4096", "4096")}),
    ("rlimit_core = unlimited", {"core": ("unlimited", "unlimited")}), ("process.priority = 7", {"nice": 7 if AS_ROOT else 0}),
    ("process.priority = -3", {"nice": -3 if AS_ROOT else 0}), ("process.dumpable = yes", {"dumpable": True}),
    ("process.dumpable = no", {"dumpable": not AS_ROOT})])
def test_children(server, lines, wanted):
    if "unlimited" in lines and not AS_ROOT:
        pytest.skip("needs root")
    server.pools = []
    pid, www = child_of(server, lines)
    www.run("echo 1;")                  # by then it has gone through all of its start
    is_ = facts(server, pid)
    own = {"files": proc.limit(os.getpid(), "Max open files"), "core": proc.limit(os.getpid(), "Max core file size"), "nice": 0,
           "dumpable": not AS_ROOT}
    assert is_ == dict(own, nice=proc.nice(os.getpid()), **wanted) if "nice" not in wanted else dict(own, **wanted)


def test_the_master(server):
    server.global_("rlimit_files = 700\n rlimit_core = 8192" + ("\n process.priority = 4" if AS_ROOT else ""))
    server.pool()
    server.start()
    assert proc.limit(server.master, "Max open files") == ("700", "700")
    assert proc.limit(server.master, "Max core file size") == ("8192", "8192")
    assert proc.nice(server.master) == (4 if AS_ROOT else proc.nice(os.getpid()))


DYNAMIC = "pm = dynamic\n pm.max_children = 2\n pm.min_spare_servers = 1\n pm.max_spare_servers = 2"


@pytest.mark.parametrize("lines, line", [
    (DYNAMIC, r"WARNING: \[pool www\] server reached pm.max_children setting \(2\), consider raising it$"),
    ("pm = ondemand\n pm.max_children = 2", r"WARNING: \[pool www\] server reached max_children setting \(2\), consider raising it$")])
def test_the_line_about_max_children(server, lines, line):
    server.wait_whole = False
    www = server.pool(lines)
    server.start()
    held = []
    for count in (1, 2):                # one after the other: php-fpm's ondemand loses those that come together
        held.append(www.open(www.script(HOLD)))
        www.busy(count)
    held.append(www.open(www.script(HOLD)))
    server.wait_log(line)
    www.release()
    assert [h.reply().status for h in held[:2]] == [200] * 2
    assert len(server.log_lines(line, of=server.file("weir.log"))) == 1


def test_the_notice_about_start_servers(server):
    server.wait_whole = False
    server.pool("pm = dynamic\n pm.max_children = 9\n pm.min_spare_servers = 2\n pm.max_spare_servers = 7")
    server.start()
    server.wait_log(r"NOTICE: \[pool www\] pm.start_servers is not set. It's been set to 4.$")
    assert until(lambda: len(server.pools[0].children()) == 4, "four children")


@root_only
def test_lines_about_dead_children(server):
    pid, www = child_of(server, "")
    server.kill(pid)
    said = server.wait_log(r"(\w+): \[pool www\] child %d exited on signal 9 \(SIGKILL\) after \d+\.\d{6} seconds from start$" % pid)
    assert said[1] == "WARNING"
    started = server.wait_log(r"NOTICE: \[pool www\] child (\d+) started$")
    until(lambda: int(started[1]) in www.children(), "the new child")
    assert not re.search("ERROR", server.log())


@pytest.mark.skipif(not AS_ROOT, reason="becomes somebody else")
def test_what_an_ordinary_user_is_told(server):
    """The same lines in the same order, and Weir's own behind them."""
    server.global_("process.priority = 5")
    server.pool("user = daemon\n group = daemon\n chroot = /tmp\n process.priority = 3\n listen.acl_users = daemon\n listen.group = mail")
    os.chmod(server.folder, 0o777)
    os.chmod(server.path("run"), 0o777)
    command = server.command
    server.command = lambda *args: ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] + command(*args)
    server.wait_whole = False
    server.start()
    said = [re.sub(r"^\[.*?\] ", "", x) for x in server.log_lines("ignored", of=server.file("weir.log"))]
    assert said == ["NOTICE: 'process.priority' directive is ignored when FPM is not running as root"] + [
        "NOTICE: [pool www] '%s' directive is ignored when FPM is not running as root" % key
        for key in ("user", "group", "chroot", "process.priority")] + ["WARNING: [pool www] ACL set, listen.group = 'mail' is ignored"]


def test_a_limit_that_cannot_be_had(server):
    with open("/proc/sys/fs/nr_open") as f:
        too_many = int(f.read()) + 1
    server.global_("rlimit_files = %d" % too_many)
    server.pool()
    done = server.run("-F")
    assert done.returncode == 78
    assert re.search(r"ERROR: failed to set rlimit_files for this pool. Please check your system limits or decrease rlimit_files. "
                     r"setrlimit\(RLIMIT_NOFILE, %d\).*: Operation not permitted" % too_many, done.stderr + server.log())
