"""The command line of each side: every option, good and bad files, and what the program then says and returns."""
import os
import re

from mig_text import lines
from mig_sets import Debian
from weirtest.server import AS_ROOT, POOL_USER

POOL = "listen = %s/run/x.sock\npm = static\npm.max_children = 1\n"
USER = "user = %s\n" % POOL_USER if AS_ROOT else ""

# name: (arguments, text of the configuration or None for a good one). @ is the folder, @CONF the file.
COMMANDS = {
    "-v": (["-v"], None), "--version": (["--version"], None), "-m": (["-m"], None), "--modules": (["--modules"], None),
    "-n -m": (["-n", "-m"], None), "-vm": (["-vm"], None), "-m -v": (["-m", "-v"], None), "-i": (["-i"], None),
    "--info": (["--info"], None), "-n -i": (["-n", "-i"], None),
    "-d -i": (["-d", "precision=3", "-d", "html_errors", "-i"], None),
    "-c -i": (["-c", "@/etc/php.ini", "-i"], None), "-c folder -i": (["-c", "@/etc", "-i"], None),
    "-h": (["-h"], None), "-?": (["-?"], None), "--help": (["--help"], None), "--usage": (["--usage"], None),
    "-Z": (["-Z"], None), "--no-such": (["--no-such"], None), "stray": (["stray"], None), "-C": (["-C"], None),
    "-y without": (["-y"], None), "-t": (["-t", "-y", "@CONF"], None), "--test": (["--test", "-y@CONF"], None),
    "-tt": (["-tt", "-y", "@CONF"], None), "-t -t": (["-t", "-t", "-y", "@CONF"], None),
    "-nt": (["-nty", "@CONF"], None), "--fpm-config": (["--fpm-config=@CONF", "-t"], None),
    "--fpm-config, 2": (["--fpm-config", "@CONF", "-t"], None), "-y=": (["-y=@CONF", "-t"], None),
    "-t stray": (["-t", "-y", "@CONF", "stray"], None),
    "-e -t": (["-e", "-t", "-y", "@CONF"], None), "--profile-info": (["--profile-info", "-t", "-y", "@CONF"], None),
    "-g -t": (["-g", "@/run/g.pid", "-tt", "-y", "@CONF"], None),
    "--pid": (["--pid", "@/run/g.pid", "-tt", "-y", "@CONF"], "[global]\nerror_log = @/log/e\n[p]\n" + USER + POOL),
    "-p -t": (["-p", "@", "-tt", "-y", "@CONF"],
              "[global]\npid = run/p.pid\nerror_log = log/e\ninclude = etc/pool.d/none*.conf\n[p]\n" + USER +
              "listen = run/x.sock\npm = static\npm.max_children = 1\nslowlog = log/slow\nchdir = /\n"),
    "--prefix": (["--prefix=@", "-t", "-y", "@CONF"], None),
    "-p missing": (["-p", "@/nowhere", "-t", "-y", "@CONF"], None),
    "missing file": (["-t", "-y", "@/nowhere.conf"], None), "missing file, start": (["-F", "-y", "@/nowhere.conf"], None),
    "missing file, -D": (["-D", "-y", "@/nowhere.conf"], None),
    "a folder": (["-t", "-y", "@/etc"], None),
    "empty file": (["-t", "-y", "@CONF"], ""), "no pool": (["-t", "-y", "@CONF"], "[global]\nerror_log = @/log/e\n"),
    "unknown key": (["-t", "-y", "@CONF"], "[p]\nno_such_key = 1\n" + USER + POOL),
    "unknown key, start": (["-F", "-y", "@CONF"], "[p]\nno_such_key = 1\n" + USER + POOL),
    "unknown key, -D": (["-D", "-y", "@CONF"], "[p]\nno_such_key = 1\n" + USER + POOL),
    "bad value": (["-t", "-y", "@CONF"], "[p]\npm.max_children = many\n" + USER + POOL),
    "no max_children": (["-t", "-y", "@CONF"], "[p]\n" + USER + "listen = @/run/x.sock\npm = static\n"),
    "no user": (["-t", "-y", "@CONF"], "[p]\n" + POOL), "root": (["-t", "-y", "@CONF"], "[p]\nuser = root\n" + POOL),
    "root, -R": (["-R", "-t", "-y", "@CONF"], "[p]\nuser = root\n" + POOL),
    "no include": (["-t", "-y", "@CONF"], "include = @/none/*.conf\n[p]\n" + USER + POOL),
    "syntax": (["-t", "-y", "@CONF"], "[p\n" + USER + POOL),
    "log in no folder": (["-t", "-y", "@CONF"], "[global]\nerror_log = @/none/e\n[p]\n" + USER + POOL),
    "access log in no folder": (["-t", "-y", "@CONF"], "[p]\naccess.log = @/none/a\n" + USER + POOL),
    "slow log in no folder": (["-t", "-y", "@CONF"], "[p]\nslowlog = @/none/a\nrequest_slowlog_timeout = 1\n" + USER + POOL),
    "socket in no folder": (["-F", "-y", "@CONF"], "[p]\n" + USER + POOL.replace("%s/run", "%s/none")),
    "socket in no folder, -D": (["-D", "-y", "@CONF"], "[p]\n" + USER + POOL.replace("%s/run", "%s/none")),
    "port of another": (["-F", "-y", "@CONF"], "[p]\n" + USER + POOL.replace("%s/run/x.sock", "192.0.2.1:9")),
    "bad access.format": (["-t", "-y", "@CONF"], "[p]\naccess.log = @/log/a\naccess.format = %Z\n" + USER + POOL),
    "Debian, in place, -t": (["-t", "-y", "/etc/php/8.2/fpm/php-fpm.conf"], None),
    "Debian, in place, -tt": (["-tt", "-y", "/etc/php/8.2/fpm/php-fpm.conf"], None),
}
# In phpinfo(): what a run or another SAPI changes by nature.
INFO = re.compile(r"^stdout (\$_(SERVER|ENV)|REQUEST_TIME|argv|argc|_ => |PWD|OLDPWD|SHLVL|"
                  r"Interned Strings (Used|Free) memory|(Used|Free) memory)")


def look_at_commands(side, folder):
    found = {}
    base = Debian(folder)
    with open(base.path("etc", "php.ini"), "w") as f:
        f.write("precision = 7\n")
    for name, (args, text) in COMMANDS.items():
        if name.startswith("Debian") and not AS_ROOT:
            continue                    # php-fpm cannot open the packaged log then
        conf = base.conf
        if text is not None:
            conf = base.path("etc", "this.conf")
            head = "" if "[global]" in text else "[global]\nerror_log = %s/log/e\n" % folder
            with open(conf, "w") as f:
                f.write((head + text).replace("%s", folder).replace("@/", folder + "/"))
        args = [a.replace("@CONF", conf).replace("@", folder) for a in args]
        code, out, err = side.run(*args)
        found["command: " + name] = ["code %d" % code] + [
            x for x in shown(side, folder, "stdout", out) + shown(side, folder, "stderr", err) if not INFO.match(x)]
    return found


def shown(side, folder, stream, text):
    replace = [(re.escape(folder), "@"), (re.escape(side.program), "PROGRAM"), (re.escape(os.path.basename(side.program)), "PROGRAM")]
    return ["%s %s" % (stream, x) for x in lines(text, replace)]
