"""listen.acl_users, listen.acl_groups: the same list as php-fpm's, kept over reloads."""
import os
import re
import shutil
import subprocess

import pytest

from weirtest import Weir, until
from weirtest.server import AS_ROOT

FPM, GETFACL = shutil.which("php-fpm8.2"), shutil.which("getfacl")
pytestmark = [pytest.mark.skipif(not AS_ROOT, reason="needs root"), pytest.mark.skipif(GETFACL is None, reason="no getfacl")]


def entries(path):
    text = subprocess.run([GETFACL, "-p", "-E", path], capture_output=True, text=True).stdout
    return [x for x in text.splitlines() if x and not x.startswith("# file")]


@pytest.mark.skipif(FPM is None, reason="no php-fpm8.2")
@pytest.mark.parametrize("lines", [
    "listen.acl_users = www-data,daemon\n listen.acl_groups = mail", "listen.acl_users = daemon\n listen.mode = 0600",
    "listen.acl_groups = mail,daemon\n listen.mode = 0666", "listen.acl_users = www-data\n listen.owner = daemon\n listen.group = mail",
    "listen.acl_users =\n listen.owner = daemon", "listen.owner = 1",
    "listen.owner = daemon\n listen.group = mail", "listen.group = mail",
    "listen.mode = 0640"])
def test_the_list_is_php_fpm_s(lines):
    seen, said = [], []
    for binary in (FPM, None):
        server = Weir(binary)
        www = server.pool(lines)
        server.wait_whole = not server.fpm
        server.start()
        until(lambda: os.path.exists(www.socket), "the socket")
        seen.append(entries(www.socket))
        said.append([re.sub(r"^.*WARNING: ", "", x) for x in server.log_lines("ACL set")][:2])
        server.finish()
    assert seen[0] == seen[1] and set(said[0]) == set(said[1])


def test_a_reload_brings_the_list_back(weir):
    www = weir.pool("listen.acl_users = daemon")
    weir.start()
    before = entries(www.socket)
    assert "user:daemon:rw-" in before
    subprocess.run(["setfacl", "-m", "u:mail:rw", "-x", "u:daemon", www.socket], check=True)
    weir.send_signal(12)
    weir.wait_log("ready to handle connections", 2)
    assert entries(www.socket) == before
    www.lines[-1] = "listen.acl_groups = mail"
    weir.configure()
    weir.send_signal(12)
    weir.wait_log("ready to handle connections", 3)
    assert [x for x in entries(www.socket) if "daemon" in x or "mail" in x] == ["group:mail:rw-"]
    www.lines[-1] = "listen.mode = 0640"
    weir.configure()
    weir.send_signal(12)
    weir.wait_log("ready to handle connections", 4)
    assert entries(www.socket)[-3:] == ["user::rw-", "group::r--", "other::---"]


def test_a_listed_user_may_connect_and_another_may_not(weir):
    www = weir.pool("listen.acl_users = daemon\n listen.mode = 0600")
    weir.start()
    code = "import socket,sys; socket.socket(socket.AF_UNIX).connect(%r)" % www.socket
    done = [subprocess.run(["setpriv", "--reuid", user, "--regid", "65534", "--clear-groups", "/usr/bin/python3", "-c", code],
                           stderr=subprocess.DEVNULL).returncode for user in ("daemon", "mail")]
    assert done[0] == 0 and done[1] != 0


@pytest.mark.parametrize("key", ["listen.acl_users", "listen.acl_groups"])
def test_a_name_that_does_not_exist(weir, key):
    weir.pool("%s = daemon, no-such-name" % key)
    done = weir.run("-t")
    assert done.returncode == 78 and "'no-such-name' (%s)" % key in done.stderr


def test_a_file_system_without_lists(weir):
    weir.pool("listen = %s/x.sock\n listen.acl_users = daemon" % weir.path("vfat"))
    os.mkdir(weir.path("vfat"))
    if subprocess.run(["mount", "-t", "ramfs", "none", weir.path("vfat")], capture_output=True).returncode:
        pytest.skip("cannot mount here")
    try:
        done = weir.run("-F")
        assert done.returncode == 78
        assert "the file system of the socket '%s/x.sock' has no access control lists" % weir.path("vfat") in done.stderr + weir.log()
        assert os.listdir(weir.path("vfat")) == []
    finally:
        subprocess.run(["umount", weir.path("vfat")])
