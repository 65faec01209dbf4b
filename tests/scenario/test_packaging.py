"""What is installed beside the program: completions, the rotation of logs, the folder of sockets, systemd's units."""
import os
import re
import shutil
import subprocess

import pytest

from weirtest import HOLD, until
from weirtest.server import REPO

LOGROTATE = shutil.which("logrotate", path="/usr/sbin:/usr/bin:/sbin")
TMPFILES = shutil.which("systemd-tmpfiles")
ANALYZE = shutil.which("systemd-analyze")


def template(name, **places):
    """A file of conf/ with its @places@ filled in."""
    with open(os.path.join(REPO, "conf", name)) as f:
        text = f.read()
    for place, path in places.items():
        text = text.replace("@%s@" % place, path)
    assert "@" not in text
    return text


# ---- completion

def complete(script, program, *words):
    """What bash offers for the last of these words."""
    code = """
source "$1"; program=$2; shift 2
COMP_WORDS=("$program" "$@"); COMP_CWORD=$#
$(complete -p "${program##*/}" | sed 's/.*-F \\([^ ]*\\) .*/\\1/') "$program"
printf '%s\\n' "${COMPREPLY[@]}"
"""
    done = subprocess.run(["bash", "-c", code, "bash", os.path.join(REPO, "conf/completion/bash", script), program] + list(words),
                          capture_output=True, text=True, timeout=60, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [x for x in done.stdout.splitlines() if x]


def options_of(program):
    text = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=60).stdout
    head = re.findall(r"(?m)^ +(-.*?)(?:  |$)", text)
    return {x for line in head for x in re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", line)}


def bench():
    program = os.environ.get("WEIR_BENCH", os.path.join(REPO, "build", "weirbench"))
    if not os.access(program, os.X_OK):
        pytest.skip("no weirbench built")
    return program


def test_options_of_weir_are_completed(weir):
    offered = complete("weir", weir.binary, "-")
    assert set(offered) == options_of(weir.binary) and len(offered) > 20
    assert complete("weir", weir.binary, "--fpm") == ["--fpm-config"]


def test_import_apache_is_completed(weir):
    offered = complete("weir", weir.binary, "-")
    assert "-V" in offered and "--facts" in offered
    assert complete("weir", weir.binary, "imp") == ["import-apache"]
    offered = complete("weir", weir.binary, "import-apache", "-")
    assert "--table" in offered and "--define" in offered and "--fpm-config" not in offered
    assert complete("weir", weir.binary, "import-apache", weir.path("ww")) == [weir.path("www")]


def test_options_of_weirbench_are_completed():
    offered = complete("weirbench", bench(), "-")
    assert set(offered) == options_of(bench()) and len(offered) > 30
    assert complete("weirbench", bench(), "--expect-b") == ["--expect-body"]


def test_files_are_completed_where_a_file_is_meant(weir):
    weir.configure("")
    start = weir.path("weir.c")
    assert complete("weir", weir.binary, "-y", start) == [weir.conf]
    assert complete("weir", weir.binary, "--fpm-config", "=", start) == [weir.conf]
    assert complete("weir", weir.binary, "--module-dir", weir.path("ww")) == [weir.path("www")]
    assert complete("weirbench", bench(), "-s", start) == complete("weirbench", bench(), start) == [weir.conf]


@pytest.mark.skipif(not shutil.which("zsh"), reason="no zsh")
def test_options_of_weir_are_completed_in_zsh(weir):
    """With the few functions of zsh's completion that it calls in words of our own."""
    code = """
_call_program() { shift; "$@" }
compadd() { shift; print -l -- "$@" }
_files() { print files "$@" }
_weir() { source %s }
service=weir words=("$@") CURRENT=$#
_weir
""" % os.path.join(REPO, "conf/completion/zsh/_weir")

    def offered(*words):
        done = subprocess.run(["zsh", "-f", "-c", code, "zsh", weir.binary] + list(words), capture_output=True, text=True,
                              timeout=60, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        assert done.returncode == 0 and not done.stderr, done.stderr
        return done.stdout.splitlines()
    assert set(offered("-")) == options_of(weir.binary)
    assert offered("-y", "") == ["files"] and offered("--module-dir", "") == ["files -/"]


# ---- logs

@pytest.mark.skipif(LOGROTATE is None, reason="no logrotate")
def test_logrotate_rotates(weir):
    for name in ("log", "log/weir"):
        os.mkdir(weir.path(name), 0o755)
    error_log, access_log = weir.path("log", "weir.log"), weir.path("log", "weir", "www.access.log")
    weir.globals = ["error_log = " + error_log, "pid = " + weir.path("run", "weir.pid")]
    os.symlink(error_log, weir.path("weir.log"))                # where the tests look for it
    www = weir.pool("access.log = %s" % access_log)
    weir.start()
    rules, state = weir.path("rules"), weir.path("state")
    with open(rules, "w") as f:
        f.write(template("logrotate/weir.in", localstatedir=weir.folder, runstatedir=weir.path("run")))
    os.chmod(rules, 0o644)
    children = www.children()
    with www.open(www.script(HOLD + "echo 'whole';")) as c:
        www.busy()
        with open(access_log, "a") as f:
            f.write("a line\n")                                 # an empty one is not rotated
        done = subprocess.run([LOGROTATE, "-f", "-s", state, rules], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and not done.stderr, done.stderr
        until(lambda: "error log file re-opened" in weir.file("log", "weir.log"), "the new log is in use")
        www.release()
        assert c.reply().text == "whole"                        # nobody was disturbed
    assert "fpm is running" in weir.file("log", "weir.log.1") and "fpm is running" not in weir.file("log", "weir.log")
    assert "a line" in weir.file("log", "weir", "www.access.log.1") and os.path.exists(access_log)
    assert www.children() == children


# ---- the folder of sockets

def test_the_folder_of_sockets_is_declared():
    lines = [x for x in template("tmpfiles.d/weir.conf.in", runstatedir="/run").splitlines() if not x.startswith("#")]
    assert [x.split() for x in lines] == [["d", "/run/weir", "0755", "root", "root", "-"]]


@pytest.mark.skipif(TMPFILES is None or os.geteuid() != 0, reason="needs root and systemd-tmpfiles")
def test_systemd_tmpfiles_makes_the_folder(weir):
    root, rules = weir.path("root"), weir.path("weir-tmpfiles.conf")
    os.mkdir(root)
    with open(rules, "w") as f:
        f.write(template("tmpfiles.d/weir.conf.in", runstatedir="/run"))
    done = subprocess.run([TMPFILES, "--create", "--root=" + root, rules], capture_output=True, text=True, timeout=60)
    if "root" in done.stderr and "nknown" in done.stderr:
        pytest.skip("no users below an empty root")
    assert done.returncode == 0, done.stderr
    assert os.stat(root + "/run/weir").st_mode & 0o7777 == 0o755


# ---- systemd's units

def unit(name, weir=None):
    """The unit with a Debian package's places; and with the program that is tested."""
    text = template("systemd/%s.in" % name, confdir="/etc/weir", localstatedir="/var", sbindir="/usr/sbin",
                    runstatedir="/run")
    return text.replace("/usr/sbin/weir", weir.binary) if weir else text


@pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze")
def test_systemd_understands_the_units(weir):
    for name in ("weir.service", "weir.socket"):
        with open(weir.path(name), "w") as f:
            f.write(unit(name, weir))
    done = subprocess.run([ANALYZE, "verify", "--man=no", weir.path("weir.service"), weir.path("weir.socket")],
                          capture_output=True, text=True, timeout=60, env=dict(os.environ, SYSTEMD_LOG_LEVEL="notice"))
    assert "weir" not in done.stderr, done.stderr
    with open(weir.path("weir.service"), "a") as f:         # a mistake would be told
        f.write("[Service]\nNonsense=1\n")
    done = subprocess.run([ANALYZE, "verify", "--man=no", weir.path("weir.service")],
                          capture_output=True, text=True, timeout=60)
    if "Nonsense" not in done.stderr:
        pytest.skip("systemd-analyze finds nothing here: " + done.stderr)


def test_the_service_starts_what_is_installed():
    text = unit("weir.service")
    assert "\nExecStart=/usr/sbin/weir --nodaemonize --fpm-config /etc/weir/weir.conf\n" in text
    assert "\nReadWritePaths=-/var -/run\n" in text and "\nListenStream=/run/weir/www.sock\n" in unit("weir.socket")
