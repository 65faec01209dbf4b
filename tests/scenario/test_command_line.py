"""The command line: php-fpm's letters, exit codes and words."""
import os
import re
import subprocess

import pytest

from weirtest import proc, until
from weirtest.server import AS_ROOT


def test_t_says_that_it_is_fine(weir):
    weir.pool()
    done = weir.run("-t")
    assert done.returncode == 0
    assert "NOTICE: configuration file %s test is successful" % weir.conf in done.stderr
    assert os.listdir(weir.path("run")) == []


def test_tt_shows_every_key(weir):
    weir.pool("pm.max_children = 7\n env[A] = b\n php_value[precision] = 5\n catch_workers_output = yes")
    for args in (["-tt"], ["-t", "-t"]):
        done = weir.run(*args)
        assert done.returncode == 0
        for line in ("[global]", "[www]", "pm.max_children = 7", "pm = static", "env[A] = b",
                     "php_value[precision] = 5",
                     "catch_workers_output = yes", "clear_env = yes", "listen = " + weir.pools[0].socket,
                     "request_terminate_timeout = 0s", "security.limit_extensions = .php .phar", "chroot = undefined"):
            assert re.search(r"NOTICE: .*%s$" % re.escape(line), done.stderr, re.M), line
        assert "test is successful" in done.stderr


def test_what_tt_shows_is_a_configuration(weir):
    weir.pool("pm.max_children = 7\n php_value[precision] = 5")
    shown = [x.split("NOTICE: ", 1)[1].strip() for x in weir.run("-tt").stderr.splitlines() if "NOTICE: " in x]
    lines = [x for x in shown if "test is successful" not in x and not x.endswith("= undefined")]
    lines.remove("syslog.facility = 24")        # a number, as php-fpm shows it and takes it from no file
    lines = [x for x in lines if not x.startswith("mpm.")]      # under prefork they follow from pm.*
    weir.configure("\n".join(lines) + "\n")
    assert weir.run("-t").returncode == 0


def test_v(weir):
    done = weir.run("-v")
    assert done.returncode == 0 and "PHP 8." in done.stdout and "fpm-fcgi" in done.stdout


def test_i_is_phpinfo(weir):
    done = weir.run("-i")
    assert done.returncode == 0
    assert "Server API => FPM/FastCGI" in done.stdout and "Loaded Configuration File => /etc/php/" in done.stdout


def test_h(weir):
    for flag in ("-h", "--help"):
        done = weir.run(flag)
        assert done.returncode == 0 and "Usage:" in done.stdout
        for option in ("-y", "-F", "-D", "-t", "-c", "-n", "-d", "-i", "-v", "-h"):
            assert option in done.stdout, option


@pytest.mark.parametrize("args", [["-Z"], ["--no-such-thing"], ["-y"], ["stray"]])
def test_a_flag_that_does_not_exist(weir, args):
    weir.pool()
    done = subprocess.run([weir.binary] + args, capture_output=True, text=True, timeout=60)
    assert done.returncode == 64 and "Usage:" in done.stdout + done.stderr


@pytest.mark.parametrize("args", [["-y%s"], ["-y", "%s"], ["--fpm-config", "%s"], ["--fpm-config=%s"], ["-tny", "%s"]])
def test_how_options_are_written(weir, args):
    weir.pool()
    weir.configure()
    command = weir.command()[:-2] + [a.replace("%s", weir.conf) for a in args] + ["-t"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "test is successful" in done.stderr


def daemon(weir, *args):
    """Start it as a daemon: the pid of its master, out of the pid file."""
    done = weir.run(*args)
    assert done.returncode == 0, done.stderr + weir.log()
    return int(weir.file("run", "weir.pid"))


@pytest.mark.parametrize("lines, args", [("daemonize = yes", []), ("daemonize = no", ["-D"]), ("", [])])
def test_daemonize(weir, lines, args):
    weir.global_(lines)
    www = weir.pool()
    master = daemon(weir, *args)
    assert www.run("echo 'ok';").text == "ok"                           # ready when the command returns
    assert weir.pids("master") == [master] and os.getsid(master) == master
    for n in (0, 1, 2):
        assert os.readlink("/proc/%d/fd/%d" % (master, n)) in ("/dev/null", weir.path("weir.log"))
    os.kill(master, 15)
    until(lambda: not weir.tree(), "it ends")
    assert os.listdir(weir.path("run")) == []


def test_a_daemon_that_cannot_start_says_so(weir):
    weir.pool("listen = %s" % weir.path("nowhere", "x.sock"))
    done = weir.run("-D")
    assert done.returncode != 0 and weir.path("nowhere") in done.stderr + weir.log()
    until(lambda: not weir.tree(), "what it had started ends")


def test_F_wins_over_daemonize(weir):
    weir.global_("daemonize = yes")
    weir.pool()
    weir.start()
    assert weir.proc.poll() is None


def test_the_pid_file(www):
    weir = www.weir
    assert weir.file("run", "weir.pid") == str(weir.master)
    weir.stop()
    assert not os.path.exists(weir.path("run", "weir.pid"))


def test_titles(weir):
    www = weir.pool("pm.max_children = 1")
    weir.start()
    www.run("echo 1;")
    titles = sorted(proc.cmdline(p) for p in weir.tree())
    assert titles == ["weir: child www", "weir: master", "weir: pool www", "weir: zygote www"]


def test_titles_have_no_tail(weir):
    www = weir.pool("pm.max_children = 1")
    weir.start()
    for pid in weir.tree():
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            assert f.read().rstrip(b"\0").decode() == proc.cmdline(pid)
    assert proc.status(www.children()[0], "Name")


def test_pgrep_finds_them(www):
    found = subprocess.run(["pgrep", "-f", "weir: child www"], capture_output=True, text=True).stdout.split()
    assert {str(p) for p in www.children()} <= set(found)


@pytest.mark.skipif(not AS_ROOT, reason="needs root")
def test_an_ordinary_user_runs_it_too(weir):
    for folder in ("www", "run", "san"):
        os.chmod(weir.path(folder), 0o777)
    os.chmod(weir.folder, 0o777)
    www = weir.pool()
    www.lines = [x for x in www.lines if not x.startswith("user")]
    command = weir.command
    weir.command = lambda *args: ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] + command(*args)
    weir.start()
    assert www.run("echo 'ok';").text == "ok"
    assert {proc.uid(p) for p in weir.tree()} == {65534}


@pytest.mark.skipif(not AS_ROOT, reason="needs root")
def test_user_is_a_notice_for_an_ordinary_user(weir):
    os.chmod(weir.folder, 0o777)
    os.chmod(weir.path("san"), 0o777)
    weir.pool("user = daemon")
    weir.configure()
    done = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] + weir.command("-t"),
                          capture_output=True, text=True, timeout=60, env=weir.environment())
    assert done.returncode == 0 and "'user' directive is ignored" in done.stderr


def facts(done):
    """Each pool's model, and its lines."""
    found, lines = {}, None
    for line in done.stdout.splitlines():
        m = re.match(r"Server MPM: (\w+) \(pool (.+)\)$", line)
        if m:
            lines = found[m[2]] = [m[1]]
        elif lines is not None:
            lines.append(line.strip())
    return found


def test_facts_of_each_pool(weir):
    weir.pool("sapi = echo\n security.limit_extensions =\n mpm = worker\n mpm.threads_per_child = 4", name="threads")
    weir.pool("pm.max_children = 7", name="www")
    weir.pool("mpm = event", name="held")
    for flag in ("-V", "--facts"):
        done = weir.run(flag)
        assert done.returncode == 0 and done.stderr == ""
        found = facts(done)
        assert list(found) == ["threads", "www", "held"]
        assert found["held"][0] == "event" and "threaded:     no (1 in each child)" in found["held"]
        assert found["threads"][0] == "worker" and "threaded:     yes (4 in each child)" in found["threads"]
        assert "thread-safe:  yes" in found["threads"]
        assert found["www"][0] == "prefork" and "threaded:     no (1 in each child)" in found["www"]
        assert "forked:     yes (pm = static, at most 7 children)" in found["www"]
        assert re.search(r"sapi:     php: PHP 8\.\S+ \((NTS|ZTS)\)", "\n".join(found["www"]))


def test_facts_of_the_build(weir):
    weir.pool()
    out = weir.run("-V").stdout
    assert re.match(r"Server version: Weir \d", out)
    assert re.search(r"^  prefork +threaded: no", out, re.M) and re.search(r"^  worker +threaded: yes", out, re.M)
    assert re.search(r"^  event +threaded: any", out, re.M)
    assert re.search(r"^  php 8\.\d+  PHP 8\.\S+ \((NTS\), thread-safe: no|ZTS\), thread-safe: yes)", out, re.M)
    assert re.search(r"^  native  thread-safe: as each pool's application says", out, re.M)
    if "wsgi" in out:                   # a build may be without it
        assert re.search(r"^  wsgi  Python 3\.\S+, thread-safe: yes$", out, re.M)


def test_facts_without_a_configuration(weir):
    """Of the file that nobody named no pool is told; one that was named must be there, and right."""
    done = subprocess.run([weir.binary, "-V", "-p", weir.path()], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "there is no such file" in done.stdout
    weir.configure("[www]\nnonsense = 1\n")
    done = weir.run("-V")
    assert done.returncode == 78 and "nonsense" in done.stderr and "Server version" in done.stdout


def test_facts_of_a_pool_that_does_not_start(weir):
    weir.pool("sapi = native\n native.module = /no/such/module.so", name="c")
    done = weir.run("-V")
    assert done.returncode == 0 and facts(done)["c"][0] == "prefork"
    assert "thread-safe:  not known: it does not start" in facts(done)["c"] and "/no/such/module.so" in done.stdout
