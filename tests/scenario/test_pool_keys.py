"""What a pool's section does to its children."""
import grp
import json
import os
import pwd
import shutil
import stat

import pytest

from weirtest import proc, until
from weirtest.server import AS_ROOT, POOL_USER

root_only = pytest.mark.skipif(not AS_ROOT, reason="needs root")


@root_only
def test_children_run_as_the_pool_s_user(weir):
    www = weir.pool("group = daemon")
    weir.start()
    me = pwd.getpwnam(POOL_USER)
    child = www.children()[0]
    assert proc.status(child, "Uid").split() == [str(me.pw_uid)] * 4
    assert proc.status(child, "Gid").split() == [str(grp.getgrnam("daemon").gr_gid)] * 4
    assert proc.status(child, "CapEff").strip("0") == proc.status(child, "CapPrm").strip("0") == ""
    assert proc.status(child, "CapBnd") == "0" * 16 or proc.status(child, "NoNewPrivs") in ("0", "1")


@root_only
def test_only_the_master_is_root_and_the_pool_process_is_of_neither(weir):
    www = weir.pool()
    weir.start()
    child = proc.uid(www.children()[0])
    pool = proc.uid(weir.one("pool"))
    assert proc.uid(weir.one("zygote")) == child
    assert 0 not in (child, pool) and child != pool
    assert proc.uid(weir.master) == 0


@root_only
def test_scripts_cannot_become_root_again(www):
    code = "echo json_encode([posix_setuid(0), posix_seteuid(0), posix_geteuid() > 0]);"
    assert www.run(code).text == "[false,false,true]"


def test_chdir(weir):
    www = weir.pool("chdir = /usr")
    weir.start()
    assert os.readlink("/proc/%d/cwd" % www.children()[0]) == "/usr"


@root_only
def test_chroot(weir):
    jail = weir.path("jail")
    os.makedirs(jail + "/site")
    os.chmod(jail, 0o755)
    with open(jail + "/site/x.php", "w") as f:
        f.write("<?php echo json_encode([getcwd(), __FILE__, file_exists('/etc/passwd'), scandir('/')]);")
    www = weir.pool("chroot = " + jail)
    weir.start()
    reply = www.get("/x.php", SCRIPT_FILENAME="/site/x.php", DOCUMENT_ROOT="/site")
    assert json.loads(reply.text) == ["/site", "/site/x.php", False, [".", "..", "site"]]
    assert proc.status(www.children()[0], "CapEff").strip("0") == ""
    assert os.readlink("/proc/%d/root" % www.children()[0]) == jail


@root_only
@pytest.mark.parametrize("catch", ["yes", "no"])
def test_output_in_a_chroot_without_dev_null(weir, catch):
    jail = weir.path("jail")
    os.mkdir(jail)
    os.chmod(jail, 0o755)
    with open(jail + "/x.php", "w") as f:
        f.write("<?php fwrite(fopen('php://stderr', 'w'), \"a word\\n\"); echo 'said';")
    www = weir.pool("chroot = %s\n catch_workers_output = %s" % (jail, catch))
    weir.start()
    assert www.get("/x.php", SCRIPT_FILENAME="/x.php").text == "said"
    weir.stop()
    assert [x for x in weir.log_lines("a word") if "said into stderr" not in x] == []
    assert len(weir.log_lines("a word")) == (catch == "yes")


@root_only
def test_chroot_with_chdir_inside(weir):
    jail = weir.path("jail")
    os.makedirs(jail + "/site")
    os.chmod(jail, 0o755)
    www = weir.pool("chroot = %s\n chdir = /site" % jail)
    weir.start()
    assert os.readlink("/proc/%d/cwd" % www.children()[0]) == jail + "/site"


@root_only
def test_two_jails_with_the_same_path_do_not_mix(weir):
    for name in "ab":
        os.makedirs(weir.path(name))
        with open(weir.path(name, "x.php"), "w") as f:
            f.write("<?php echo '%s';" % name)
    pools = [weir.pool("chroot = " + weir.path(name), name=name) for name in "ab"]
    weir.start()
    for _ in range(3):
        assert [p.get("/x.php", SCRIPT_FILENAME="/x.php").text for p in pools] == ["a", "b"]


def test_env(weir):
    weir.env["FROM_MASTER"] = "inherited"
    www = weir.pool("env[A] = plain\n env[B] = $FROM_MASTER\n env[C] = \"two words\"\n env[D] = $pool")
    weir.start()
    got = json.loads(www.run("echo json_encode([getenv('A'), $_SERVER['B'], getenv('C'), getenv('D')]);").text)
    assert got == ["plain", "inherited", "two words", "www"]


def test_clear_env(weir):
    weir.env["SECRET"] = "of the master"
    www = weir.pool()
    weir.start()
    assert www.run("echo json_encode([getenv('SECRET'), getenv('PATH')]);").text == "[false,false]"


@pytest.mark.parametrize("clear", ["yes", "no"])
def test_user_and_home_are_the_pool_s(weir, clear):
    weir.env.update(USER="of the caller", HOME="/nowhere", TZ="Europe/Vienna")
    www = weir.pool("clear_env = " + clear)
    weir.start()
    me = pwd.getpwnam(POOL_USER) if AS_ROOT else pwd.getpwuid(os.geteuid())
    got = json.loads(www.run("echo json_encode([getenv('USER') ?: null, getenv('HOME') ?: null, getenv('TZ') ?: null]);").text)
    assert got == [me.pw_name, me.pw_dir, None if clear == "yes" else "Europe/Vienna"]


def test_clear_env_off(weir):
    weir.env["SECRET"] = "of the master"
    www = weir.pool("clear_env = no\n env[OWN] = x")
    weir.start()
    assert www.run("echo json_encode([getenv('SECRET'), getenv('OWN')]);").text == '["of the master","x"]'


@root_only
def test_user_and_home_are_set(www):
    assert www.run("echo json_encode([getenv('USER'), getenv('HOME')]);").text == '["www-data","\\/var\\/www"]'


def test_rlimit_files(weir):
    www = weir.pool("rlimit_files = 333")
    weir.start()
    assert proc.limit(www.children()[0], "Max open files") == ("333", "333")


@pytest.mark.parametrize("value, bytes", [("1000", "1000"), ("unlimited", "unlimited")])
def test_rlimit_core(weir, value, bytes):
    www = weir.pool("rlimit_core = " + value)
    weir.start()
    assert proc.limit(www.children()[0], "Max core file size")[0] == bytes


@root_only
def test_process_priority(weir):
    a, b = weir.pool("process.priority = 7", name="a"), weir.pool("process.priority = -3", name="b")
    weir.start()
    assert (proc.nice(a.children()[0]), proc.nice(b.children()[0])) == (7, -3)


@root_only
def test_process_priority_of_the_master(weir):
    weir.global_("process.priority = 4")
    weir.pool()
    weir.start()
    assert proc.nice(weir.master) == 4


def test_rlimits_of_the_master(weir):
    weir.global_("rlimit_files = 600\n rlimit_core = 0")
    weir.pool()
    weir.start()
    assert proc.limit(weir.master, "Max open files") == ("600", "600")


def test_children_hold_no_descriptor_that_is_not_theirs(weir):
    a, b = weir.pool(name="a"), weir.pool(name="b")
    weir.start()
    for pid in a.children() + weir.pids("zygote", "a"):
        files = [x for x in proc.descriptors(pid) if x.startswith("/")]
        assert not [x for x in files if "weir.log" in x or "weir.conf" in x or ".pid" in x], files
    assert b.run("echo 'b';").text == "b"


@root_only
def test_the_scoreboard_cannot_be_seen_by_other_pools(weir):
    weir.pool(name="a"), weir.pool(name="b")
    weir.start()

    def boards(kind, name):
        return {os.stat("/proc/%d/fd/%s" % (p, fd)).st_ino for p in weir.pids(kind, name)
                for fd in os.listdir("/proc/%d/fd" % p) if "memfd" in os.readlink("/proc/%d/fd/%s" % (p, fd))}
    assert boards("pool", "a").isdisjoint(boards("pool", "b") | boards("child", "b"))


@root_only
def test_stdin_is_no_terminal_of_ours(www):
    for pid in www.weir.tree():
        assert os.readlink("/proc/%d/fd/0" % pid) in ("/dev/null", "pipe:") or pid == www.weir.master


def test_include_and_pool_files(weir):
    for name in ("b", "a"):
        os.makedirs(weir.path("pool.d"), exist_ok=True)
        pool = weir.pool(name=name)
        with open(weir.path("pool.d", name + ".conf"), "w") as f:
            f.write(pool.text())
    pools, weir.pools = weir.pools, []
    weir.global_("include = %s/*.conf" % weir.path("pool.d"))
    weir.start()
    assert [p.run("echo 'ok';").text for p in pools] == ["ok", "ok"]


def test_a_key_given_twice_the_last_wins(weir):
    www = weir.pool("pm.max_children = 1\n pm.max_children = 3")
    weir.start()
    assert len(www.children()) == 3


def test_a_pool_in_two_sections(weir):
    www = weir.pool()
    weir.pool("pm.max_children = 1", name="other")
    weir.configure(weir.text() + "[www]\npm.max_children = 4\n")
    weir.start()
    until(lambda: (len(www.children()), len(weir.pids("child", "other"))) == (4, 1), "four children and one")


def test_a_relative_listen_lies_under_the_prefix(weir):
    os.makedirs(weir.path("base"))
    shutil.chown(weir.path("base"), POOL_USER) if AS_ROOT else None
    www = weir.pool("prefix = %s\n listen = in.sock" % weir.path("base"))
    weir.start()
    assert stat.S_ISSOCK(os.stat(weir.path("base", "in.sock")).st_mode)
    www.lines.append("listen = " + weir.path("base", "in.sock"))
    assert www.run("echo 'ok';").text == "ok"
