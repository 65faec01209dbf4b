"""The same command lines to php-fpm and to weir: the same exit code, and the same kind of words on the same stream.
Weir adds one line on stderr that names what is wrong with the command line."""
import os
import re
import shutil
import subprocess

import pytest

from weirtest import proc, until
from weirtest.server import AS_ROOT, POOL_USER

FPM = shutil.which("php-fpm8.2")
pytestmark = pytest.mark.skipif(FPM is None, reason="no php-fpm8.2")

LINES = [
    # what is wrong
    "-C", "-x", "-s", "stray", "-F stray", "--foo", "--vers", "-", "-- -t", "-t=1", "-tz", "-y", "-d", "-c", "-g", "-p", "--prefix",
    "--fpm-config", "--fpm-config=", "-z -h", "-i stray", "--foo=1", "-:",
    # what prints
    "-h", "-?", "--help", "--usage", "--help=x", "-h -z", "-h stray", "-hz", "-v", "--version", "-v -h", "-vfoo",
    "-h -v", "-m", "--modules",
    "-nm", "-m stray", "-i", "--info", "-ni", "-i -m", "-i -v", "-t -v", "-v -t -y NOWHERE", "-n -d memory_limit=5M -i", "-e -m",
    # what tests
    "-t -y CONF", "-tyCONF", "-t -y=CONF", "-t --fpm-config CONF", "-t --fpm-config=CONF", "-t --fpm-config= CONF",
    "-tt -y CONF", "-ttt -y CONF",
    "-t -t -y CONF", "--test --test -y CONF", "--test=1 -y CONF", "-nFOty CONF", "-F -D -t -y CONF", "-DFt -y CONF", "-Rt -y CONF",
    "-e -t -y CONF", "-t -c NOWHERE -y CONF", "-t -d a=b -d c -y CONF", "--define a -t -y CONF", "--php-ini NOWHERE -t -y CONF",
    "--no-php-ini -t -y CONF", "--profile-info --force-stderr --allow-to-run-as-root --nodaemonize --daemonize -t -y CONF",
    "-t -g NOWHERE -y CONF", "-t --pid NOWHERE -y CONF", "-t -p FOLDER -y CONF", "-t --prefix FOLDER -y CONF", "-t -p FOLDER",
    "-t -d fpm.config=CONF", "-t -d fpm.config=NOWHERE -y CONF", "-t -d fpm.config=CONF -y NOWHERE", "-t -y CONF --",
    # what the configuration does not allow
    "-t -y NOWHERE", "-tt -y NOWHERE", "-y NOWHERE", "-F -y NOWHERE", "-D -y NOWHERE", "-t -p NOWHERE -y CONF",
    "-t -y BAD", "-F -y BAD", "-y BAD",
    "-t -p NOWHERE",
]


def kind(stream):
    """What a stream says, as a user would tell it."""
    known = [("usage", r"^Usage: .*-y"), ("version", r"^PHP 8\..*\(fpm-fcgi\)"), ("modules", r"^\[PHP Modules\]"),
    ("info", r"^phpinfo\(\)"),
             ("fine", r"NOTICE: configuration file .* test is successful\n\n\Z"), ("dump", r"NOTICE: \[global\]$"),
             ("failed", r"ERROR: FPM initialization failed"), ("load", r"ERROR: failed to load configuration file '[^']*'")]
    return [name for name, regex in known if re.search(regex, stream, re.M)]


class Both:
    """php-fpm and weir under a name of php-fpm, one after the other with the same files."""

    def __init__(self, weir):
        self.weir, self.conf, self.bad = weir, weir.path("fpm.conf"), weir.path("bad.conf")
        user = "user = %s\n" % POOL_USER if AS_ROOT else ""
        text = "[global]\nerror_log = %s\n[www]\n%slisten = %s\npm = static\npm.max_children = 1\n" % (
            weir.path("fpm.log"), user, weir.path("run", "www.sock"))
        os.mkdir(weir.path("etc"))
        for path, content in ((self.conf, text), (self.bad, text + "pm = fast\n"), (weir.path("etc", "php-fpm.conf"), text)):
            with open(path, "w") as f:
                f.write(content)
        self.name = weir.path("php-fpm8.2")
        os.symlink(weir.binary, self.name)

    def run(self, program, line):
        words = [w.replace("CONF", self.conf).replace("FOLDER", self.weir.folder).replace("BAD", self.bad)
                 .replace("NOWHERE", "/nowhere/at/all") for w in line.split()]
        return subprocess.run(program + words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              env=self.weir.environment(), cwd="/")

    def modules(self):
        return self.weir.command()[:-2][1:] or ["--module-dir", os.path.dirname(os.path.realpath(self.weir.binary)) + "/.libs"]


@pytest.fixture
def both(weir):
    return Both(weir)


@pytest.mark.parametrize("line", LINES)
def test_the_same_code_and_the_same_streams(both, line):
    theirs, ours = both.run([FPM], line), both.run([both.name] + both.modules(), line)
    assert (ours.returncode, kind(ours.stdout), kind(ours.stderr)) == (
        theirs.returncode, kind(theirs.stdout), kind(theirs.stderr)), ours.stdout + ours.stderr


def test_every_option_of_php_fpm_s_usage_is_in_ours(both):
    usages = [both.run(p, "-h").stdout for p in ([FPM], [both.name])]
    options = [set(re.findall(r"^\s+(-\w)\b", u, re.M)) | set(re.findall(r"(--[a-z-]+)", u)) for u in usages]
    assert options[0] <= options[1]


@pytest.mark.parametrize("line", ["-F", "-D", ""])
def test_a_socket_that_another_one_serves(both, line):
    """78 in the foreground, 70 from the caller of a daemon."""
    weir = both.weir
    www = weir.pool("listen = " + weir.path("run", "www.sock"))
    weir.start()
    theirs, ours = both.run([FPM, "-y", both.conf], line), both.run([both.name] + both.modules() + ["-y", both.conf], line)
    assert ours.returncode == theirs.returncode
    for one in (theirs, ours):
        assert re.search("ERROR: .*Another FPM instance seems to already listen on " + www.socket, one.stderr)


def test_g_names_the_pid_file_and_the_key_wins(weir):
    weir.globals = weir.globals[:1]
    weir.pool()
    weir.args = ["-g", weir.path("run", "of-g.pid")]
    weir.start()
    assert weir.file("run", "of-g.pid") == str(weir.master)
    weir.stop()
    weir.global_("pid = " + weir.path("run", "of-key.pid"))
    weir.configure()
    weir.start()
    assert (weir.file("run", "of-g.pid"), weir.file("run", "of-key.pid")) == ("", str(weir.master))


def test_p_is_where_relative_paths_begin(weir):
    weir.globals = ["error_log = weir.log", "pid = run/weir.pid", "include = pool.d/*.conf"]
    os.mkdir(weir.path("pool.d"))
    www = weir.pool("listen = run/rel.sock")
    with open(weir.path("pool.d", "www.conf"), "w") as f:
        f.write(www.text())
    weir.pools = []
    weir.args = ["-p", weir.folder]
    weir.start()
    until(lambda: os.path.exists(weir.path("run", "rel.sock")), "the socket")
    assert weir.file("run", "weir.pid") == str(weir.master)
    assert os.path.exists("/proc/%d/cwd" % weir.master) and proc.cmdline(weir.master) == "weir: master"
