"""weir import-apache: Debian's own files and hand-written ones; what it prints is a configuration that -t takes."""
import os
import re
import shutil
import subprocess

import pytest

from weirtest.server import AS_ROOT

APACHE = "/etc/apache2"
debian = pytest.mark.skipif(not os.path.exists(APACHE + "/mods-available/mpm_prefork.conf"),
                            reason="Debian's apache2 is not installed")
PHP = '<FilesMatch "\\.php$">\nSetHandler application/x-httpd-php\n</FilesMatch>\n'


def run(weir, *args, **env):
    return subprocess.run([weir.binary, "import-apache", *args], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, env=dict(os.environ, **env), cwd="/")


def write(weir, text, name="apache.conf"):
    path = weir.path(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    return path


def accepted(weir, text):
    """-t has nothing to say against it: the values that hold, as -tt shows them."""
    weir.configure(text)
    if not AS_ROOT:
        return None
    done = weir.run("-tt")
    assert done.returncode == 0 and "test is successful" in done.stderr, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return done.stderr


def imported(weir, *args, **env):
    done = run(weir, *args, **env)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    accepted(weir, done.stdout)
    return done.stdout.splitlines()


def number(name, file):
    """What Debian's file says."""
    with open(file) as f:
        return re.search(r"^\s*%s\s+(\d+)" % name, f.read(), re.M)[1]


@debian
def test_debians_prefork(weir):
    file = APACHE + "/mods-available/mpm_prefork.conf"
    lines = imported(weir, file)
    assert "mpm = prefork" in lines and "pm = dynamic" in lines
    for directive, key in (("MaxRequestWorkers", "pm.max_children"), ("StartServers", "pm.start_servers"),
                           ("MinSpareServers", "pm.min_spare_servers"), ("MaxSpareServers", "pm.max_spare_servers"),
                           ("MaxConnectionsPerChild", "pm.max_requests")):
        at = lines.index("%s = %s" % (key, number(directive, file)))
        assert re.match(r"; %s +\d+ \(%s:\d+\)$" % (directive, re.escape(file)), lines[at - 1])


@debian
@pytest.mark.parametrize("mpm", ["worker", "event"])
def test_debians_threaded_models(weir, mpm):
    file = APACHE + "/mods-available/mpm_%s.conf" % mpm
    lines = imported(weir, file)
    each, most = int(number("ThreadsPerChild", file)), int(number("MaxRequestWorkers", file))
    bare = [line.lstrip(";") for line in lines]         # as comments where PHP is not safe for threads
    assert "mpm = worker" in lines
    for key, value in (("mpm.threads_per_child", each), ("pm.max_children", most // each),
                       ("mpm.max_request_workers", most), ("mpm.min_spare_threads", number("MinSpareThreads", file)),
                       ("mpm.max_spare_threads", number("MaxSpareThreads", file))):
        assert "%s = %s" % (key, value) in bare
    for said in ("parks them", "; mpm = event in place of"):
        assert any(said in line for line in lines) == (mpm == "event")


def debian_copy(weir, mpm, **more):
    """/etc/apache2 with this model enabled, and more files: "conf-enabled/x.conf"."""
    shutil.copytree(APACHE, weir.path("etc"), symlinks=True)
    enabled = weir.path("etc/mods-enabled")
    shutil.rmtree(enabled)
    os.mkdir(enabled)
    for name in ("mpm_%s.load" % mpm, "mpm_%s.conf" % mpm, "alias.load", "mime.load", "mime.conf"):
        os.symlink("../mods-available/" + name, enabled + "/" + name)
    for name, text in more.items():
        write(weir, text, "etc/" + name)
    return weir.path("etc/apache2.conf")


@debian
def test_debians_whole_configuration_with_mod_php(weir):
    main = debian_copy(weir, "prefork", **{
        "mods-enabled/php8.2.load": "LoadModule php_module /usr/lib/apache2/modules/libphp8.2.so\n",
        "mods-enabled/php8.2.conf": '<FilesMatch ".+\\.ph(?:ar|p|tml)$">\n    SetHandler application/x-httpd-php\n'
                                    "</FilesMatch>\n<IfModule mod_userdir.c>\n<Directory /home/*/public_html>\n"
                                    "php_admin_flag engine Off\n</Directory>\n</IfModule>\n",
        "sites-enabled/shop.conf": "<VirtualHost *:80>\n ServerName shop.example\n DocumentRoot /srv/shop\n"
                                   " <IfModule mod_php.c>\n  php_admin_value open_basedir /srv/shop:/tmp\n </IfModule>\n"
                                   "</VirtualHost>\n"})
    lines = imported(weir, main)
    assert "[www]" in lines and "[shop.example]" in lines
    assert lines.count("user = www-data") == 2 and lines.count("group = www-data") == 2     # of envvars
    assert 'security.limit_extensions = ".phar .php .phtml"' in lines
    assert lines.count("php_admin_value[open_basedir] = /srv/shop:/tmp") == 1
    assert not any("engine" in line for line in lines)                                    # userdir is not loaded
    assert any(line.startswith("; Timeout 300 (") for line in lines)


@debian
def test_a_site_of_debians_alone(weir):
    """Relative includes count from the folder above sites-enabled."""
    main = debian_copy(weir, "prefork", **{"conf-available/mine.conf": PHP,
                                           "sites-enabled/a.conf": "Include conf-available/mine.conf\nUser ${APACHE_RUN_USER}\n"})
    lines = imported(weir, os.path.dirname(main) + "/sites-enabled/a.conf")
    assert "user = www-data" in lines and "security.limit_extensions = .php" in lines


def test_numbers_beyond_weirs_limits(weir):
    imported(weir, write(weir, PHP + "<IfModule mpm_prefork_module>\nServerLimit 200000\nMaxRequestWorkers 200000\n"
                         "StartServers 900000\nMinSpareServers 500000\nMaxSpareServers 1\n</IfModule>\n"))
    imported(weir, write(weir, "<IfModule mpm_worker.c>\nThreadLimit 20000\nThreadsPerChild 20000\nServerLimit 20000\n"
                         "MaxRequestWorkers 400000000\nMinSpareThreads 400000000\nMaxSpareThreads 0\n</IfModule>\n" + PHP))
    imported(weir, write(weir, PHP + "User no-such-user\nGroup no-such-group\nGracefulShutdownTimeout 0\nListenBackLog 0\n"))
    imported(weir, write(weir, PHP + "User root\nGroup #0\n"))


def test_php_behind_event(weir):
    """What Debian advises; its PHP is not safe for threads."""
    text = ('LoadModule mpm_event_module m.so\n<FilesMatch "\\.php$">\n'
            'SetHandler "proxy:unix:%s|fcgi://localhost"\n</FilesMatch>\n' % weir.path("run/blog.sock"))
    lines = imported(weir, write(weir, text))
    assert "[blog]" in lines and "listen = " + weir.path("run/blog.sock") in lines
    assert ("mpm = prefork" in lines and ";mpm = worker" in lines) or "mpm = worker" in lines
    shown = accepted(weir, "\n".join(re.sub("^mpm = .*", "mpm = event", line) for line in lines))
    assert shown is None or "mpm = event" in shown


def test_a_socket_in_a_folder_that_is_not_there(weir):
    lines = imported(weir, write(weir, 'ProxyPass / "unix:/no/such/folder/x.sock|fcgi://h/"\n'))
    assert "listen = /run/weir-x.sock" in lines


def test_define_on_the_command_line(weir):
    file = write(weir, "<IfDefine PHP>\n" + PHP + "</IfDefine>\nListenBackLog ${N}\n")
    lines = imported(weir, "-DPHP", "--define", "N=77", file)
    assert "listen.backlog = 77" in lines and any("mod_php" in line for line in lines)
    assert "listen.backlog = 78" in imported(weir, file, N="78")


BAD = {
    "number": (b"StartServers\nMaxRequestWorkers ten\n", 78, r":2: error: MaxRequestWorkers ten: a number"),
    "open section": (b"A\n<VirtualHost *:80>\nB\n", 78, r":2: error: <virtualhost> is not closed"),
    "closed twice": (b"</Files>\n", 78, r":1: error: </files> without <files>"),
    "no bracket": (b"<Files x\nA\n", 78, r":1: error: .* has no '>'"),
    "NUL": (b"A\nMaxRequestWorkers 1\0\n", 78, r":2: error: a line with a NUL"),
    "endless line": (b"A " + b"b" * 200000, 78, r":1: error: a line of more than 65536 bytes"),
    "endless continuation": (b"A \\\n" * 50000, 78, r":1: error: a line of more than 65536 bytes"),
    "missing include": (b"Include none.conf\n", 78, r":1: error: Include none.conf: no such file"),
    "missing pattern": (b"\nInclude none/*.conf\n", 78, r":2: error: Include none/\*.conf: nothing fits"),
    "itself": (b"Include apache.conf\n", 78, r":1: error: .*apache.conf includes itself"),
    "device": (b"Include /dev/zero\n", 78, r":1: error: /dev/zero is no regular file"),
    "variables without end": (b"".join(b"Define a%d ${a%d}${a%d}\n" % (i + 1, i, i) for i in range(40)).replace(
        b"${a0}${a0}", b"xxxxxxxx"), 78, r":14: error: with its variables replaced the line has more than"),
    "deep": (b"<Location />\n" * 100 + b"</Location>\n" * 100, 78, r":65: error: more than 64 sections"),
    "open quote": (b'User "www-data\n', 0, r":1: warning: a quote has no end"),
    "unknown variable": (b"ErrorLog ${NO_SUCH_VARIABLE}/x\n", 0, r":1: warning: \$\{NO_SUCH_VARIABLE\} is not defined"),
    "macro": (b"<Macro m $x>\nUser $x\n</Macro>\nUse m a\n", 0, r":4: warning: macros are not expanded"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_told_with_its_place(weir, name):
    text, code, words = BAD[name]
    file = write(weir, text)
    done = run(weir, file)
    assert done.returncode == code, done.stderr
    assert re.search(re.escape(file) + words, done.stderr), done.stderr
    if code:
        assert done.stdout == ""
    else:
        accepted(weir, done.stdout)


def test_files_that_include_each_other(weir):
    file = write(weir, "Include other.conf\n")
    other = write(weir, "\nInclude apache.conf\n", "other.conf")
    done = run(weir, file)
    assert done.returncode == 78 and re.search(other + r":2: error: \S*apache.conf includes itself", done.stderr)


def test_files_that_include_others_again_and_again(weir):
    """2 to the power of 20 reads."""
    for i in range(20):
        write(weir, "Include f%d.conf\n" % (i + 1) * 2, "f%d.conf" % i)
    write(weir, "User x\n", "f20.conf")
    done = run(weir, weir.path("f0.conf"))
    assert done.returncode == 78 and "again and again" in done.stderr and done.stdout == ""


def test_unknown_directives_stay_in_apache(weir):
    done = run(weir, write(weir, "NoSuchThing on\nDocumentRoot /x\nmAxClients 7\n"))
    assert done.returncode == 0 and "; NoSuchThing, DocumentRoot\n" in done.stdout
    assert "; mAxClients 7 (" in done.stdout


@pytest.mark.parametrize("args, code", [([], 64), (["-Z", "x"], 64), (["-D"], 64), (["--table"], 0), (["--help"], 0),
                                        (["/no/such/file"], 78), (["/etc"], 78), (["--", "/no/such/file"], 78)])
def test_the_command_line(weir, args, code):
    done = run(weir, *args)
    assert done.returncode == code
    assert bool(done.stdout) == (code == 0) and bool(done.stderr) == (code != 0)


APPLICATION = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["SCRIPT_NAME"].encode()]
"""


@pytest.mark.plain
@pytest.mark.parametrize("name", ["app.wsgi", "app.py"])
def test_a_python_application_runs(weir, name):
    """-t loads it: what was printed names the file, its callable and its folder as they are."""
    file = write(weir, APPLICATION, "srv/" + name)
    lines = imported(weir, write(weir, "WSGIDaemonProcess app processes=2 threads=5 home=%s\nWSGIProcessGroup app\n"
                                 "WSGIScriptAlias /shop %s\n" % (os.path.dirname(file), file)))
    application = file if name == "app.wsgi" else file + ":application"
    for line in ("wsgi.application = " + application, "wsgi.mount = /shop", "chdir = " + os.path.dirname(file)):
        assert line in lines


def test_what_is_no_application_is_told(weir):
    done = run(weir, write(weir, "WSGIScriptAlias /all/ /srv/scripts/\nWSGIDaemonProcess app python-path=lib\n"
                           "WSGIScriptAlias / /srv/a.wsgi process-group=app\n"))
    assert done.returncode == 0
    assert re.search(r"^; WSGIScriptAlias /all/ .*not taken: a pool runs one FILE", done.stdout, re.M)
    assert "; python-path=lib: left out: each folder must be an absolute path\n" in done.stdout


def test_the_numbers_of_a_python_application(weir):
    done = run(weir, write(weir, "WSGIDaemonProcess app processes=2 threads=5 python-home=/opt/env\n"
                           "WSGIProcessGroup app\nWSGIScriptAlias / /srv/app/app.wsgi\n"))
    assert done.returncode == 0 and done.stderr == ""
    for line in ("[app]", "sapi = wsgi", "wsgi.application = /srv/app/app.wsgi", "wsgi.mount = /", "mpm = worker",
                 "mpm.threads_per_child = 5", "pm = static", "pm.max_children = 2", "wsgi.virtualenv = /opt/env"):
        assert line in done.stdout.splitlines()
