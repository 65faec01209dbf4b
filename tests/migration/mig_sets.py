"""The configurations that move: each writes itself, with its scripts, into an empty folder.
"debian": the packaged files, with private paths. "wordpress": one pool as guides for blogs have it. "panel": twenty
pools of a hosting panel, each with its user, chroot, limits and logs; root only."""
import os
import re
import shutil

from mig_scripts import SCRIPTS
from weirtest import free_port
from weirtest.server import AS_ROOT, POOL_USER

DEBIAN = "/etc/php/8.2/fpm"
PANEL_POOLS = 20
PANEL_UID = 61000               # users by number only: the machine gets no accounts


class Pool:
    """How a client reaches a pool: root is the document root as its scripts see it."""

    def __init__(self, name, address, root, outside=None):
        self.name, self.address, self.root, self.outside = name, address, root, outside or root
        self.status, self.ping, self.access_log, self.slowlog = None, None, None, None
        self.count = 0                  # of its children, where it is the same in every server

    def params(self, uri, **more):
        """What nginx sends for it."""
        path, _, query = uri.partition("?")
        script, dot, info = path.partition(".php")
        script += dot
        p = {"SCRIPT_FILENAME": self.root + script, "QUERY_STRING": query, "REQUEST_METHOD": "GET", "CONTENT_TYPE": "",
             "CONTENT_LENGTH": "", "SCRIPT_NAME": script, "REQUEST_URI": uri, "DOCUMENT_URI": script,
             "DOCUMENT_ROOT": self.root, "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_SCHEME": "http",
             "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_SOFTWARE": "nginx/1.22.1", "REMOTE_ADDR": "192.0.2.1",
             "REMOTE_PORT": "4711", "REMOTE_USER": "", "SERVER_ADDR": "192.0.2.2", "SERVER_PORT": "80",
             "SERVER_NAME": "example.test", "REDIRECT_STATUS": "200", "HTTP_HOST": "example.test",
             "HTTP_USER_AGENT": "probe/1.0", "HTTP_ACCEPT": "*/*", "HTTP_COOKIE": "a=b; c=d"}
        if info:
            p["PATH_INFO"] = info
        p.update(more)
        return {n: v for n, v in p.items() if v is not None}


class Set:
    def __init__(self, folder):
        self.folder, self.pools, self.texts, self.port = folder, [], {}, 0
        self.conf = self.path("etc", "php-fpm.conf")
        self.error_log, self.pid = self.path("log", "php-fpm.log"), self.path("run", "php-fpm.pid")
        for name in ("etc", "etc/pool.d", "log", "run", "bin"):
            os.makedirs(self.path(name), 0o755)
        os.chmod(folder, 0o755)
        os.chmod(self.path("run"), 0o755)
        self.configure()
        for name, text in self.texts.items():
            with open(name, "w") as f:
                f.write(text)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def scripts(self, *parts, owner=POOL_USER):
        """A document root with all scripts, in which the pool's user may write."""
        root = self.path(*parts)
        for name, text in SCRIPTS.items():
            os.makedirs(os.path.dirname(root + name), 0o755, exist_ok=True)
            with open(root + name, "w") as f:
                f.write(text)
        os.makedirs(root + "/folder.php", exist_ok=True)
        if AS_ROOT:
            shutil.chown(root, owner, owner)
        return root

    def head(self, more=""):
        return "[global]\npid = %s\nerror_log = %s\n%sinclude = %s/*.conf\n" % (
            self.pid, self.error_log, more, self.path("etc", "pool.d"))


class Debian(Set):
    name = "debian"

    def configure(self):
        root = self.scripts("www")
        with open(DEBIAN + "/php-fpm.conf") as f:
            text = f.read()
        text = re.sub(r"(?m)^pid = .*", "pid = " + self.pid, text)
        text = re.sub(r"(?m)^error_log = .*", "error_log = " + self.error_log, text)
        self.texts[self.conf] = re.sub(r"(?m)^include=.*", "include=%s/*.conf" % self.path("etc", "pool.d"), text)
        with open(DEBIAN + "/pool.d/www.conf") as f:
            text = f.read()
        socket = self.path("run", "php8.2-fpm.sock")
        self.texts[self.path("etc", "pool.d", "www.conf")] = re.sub(r"(?m)^listen = .*", "listen = " + socket, text)
        self.pools.append(Pool("www", socket, root))


WORDPRESS = """; the blog
[blog]
%(user)s
listen = %(run)s/blog.sock
listen.owner = %(owner)s
listen.group = %(owner)s
listen.mode = 0660
listen.backlog = 1024
pm = dynamic
pm.max_children = 6
pm.start_servers = 2
pm.min_spare_servers = 2
pm.max_spare_servers = 3
pm.max_requests = 500
pm.process_idle_timeout = 10s
pm.status_path = /status
ping.path = /ping
ping.response = pong
access.log = %(log)s/$pool.access.log
access.format = "%%R - %%u %%t \\"%%m %%r%%Q%%q\\" %%s %%f %%{mili}d %%{kilo}M %%C%%%%"
access.suppress_path[] = /ping
slowlog = %(log)s/$pool.slow.log
request_slowlog_timeout = 1s
request_slowlog_trace_depth = 10
request_terminate_timeout = 3s
rlimit_files = 4096
rlimit_core = 0
chdir = /
catch_workers_output = yes
decorate_workers_output = yes
clear_env = yes
security.limit_extensions = .php .php7
env[HOSTNAME] = $MIG_VAR
env[PATH] = /usr/local/bin:/usr/bin:/bin
env[TMP] = /tmp
env[WP_ENV] = "production"
php_flag[display_errors] = off
php_value[upload_max_filesize] = 64M
php_value[post_max_size] = 64M
php_admin_value[error_log] = %(log)s/blog.php.log
php_admin_flag[log_errors] = on
php_admin_value[memory_limit] = 96M
php_admin_value[disable_functions] = exec,passthru,shell_exec,system
php_admin_value[open_basedir] = %(folder)s/www:/tmp
php_value[session.save_handler] = files
"""

SHOP = """[shop]
%(user)s
listen = 127.0.0.1:%(port)d
listen.allowed_clients = 127.0.0.1,::1
pm = static
pm.max_children = 2
pm.status_path = /fpm/status
ping.path = /fpm/ping
ping.response = "the shop is open"
access.log = %(log)s/$pool.access.log
catch_workers_output = yes
decorate_workers_output = no
clear_env = no
php_admin_flag[expose_php] = off
php_value[precision] = 10
"""


class Wordpress(Set):
    name = "wordpress"

    def configure(self):
        root = self.scripts("www")
        if AS_ROOT:
            shutil.chown(self.path("log"), POOL_USER, POOL_USER)        # PHP's own error log lies there too
        user = "user = %s\ngroup = %s" % (POOL_USER, POOL_USER) if AS_ROOT else ""
        owner = POOL_USER if AS_ROOT else str(os.getuid())
        self.texts[self.conf] = self.head("log_level = notice\nemergency_restart_threshold = 10\n"
                                          "emergency_restart_interval = 1m\nprocess_control_timeout = 10s\n")
        self.texts[self.path("etc", "pool.d", "blog.conf")] = WORDPRESS % {
            "user": user, "owner": owner, "run": self.path("run"), "log": self.path("log"), "folder": self.folder}
        self.port = free_port()
        self.texts[self.path("etc", "pool.d", "shop.conf")] = SHOP % {
            "user": user, "port": self.port, "log": self.path("log")}
        pool = Pool("blog", self.path("run", "blog.sock"), root)
        pool.status, pool.ping = "/status", "/ping"
        pool.access_log, pool.slowlog = self.path("log", "blog.access.log"), self.path("log", "blog.slow.log")
        shop = Pool("shop", "127.0.0.1:%d" % self.port, root)
        shop.status, shop.ping, shop.count = "/fpm/status", "/fpm/ping", 2
        shop.access_log = self.path("log", "shop.access.log")
        self.pools += [pool, shop]


PANEL = """[%(name)s]
prefix = %(home)s
user = %(uid)d
group = %(uid)d
listen = %(run)s/$pool.sock
listen.owner = %(uid)d
listen.group = %(uid)d
listen.mode = 0600
pm = %(pm)s
pm.max_children = 3
pm.process_idle_timeout = 20s
pm.max_requests = 1000
pm.status_path = /fpm-status
chroot = $prefix
chdir = /htdocs
access.log = logs/access.log
access.format = "%%n %%p %%m %%r %%s %%l %%{REQUEST_URI}e %%{Content-type}o"
rlimit_files = %(files)d
process.priority = %(nice)d
php_admin_value[memory_limit] = %(memory)dM
php_admin_value[upload_tmp_dir] = /tmp
php_admin_value[disable_functions] = system
php_value[date.timezone] = Europe/Vienna
php_flag[short_open_tag] = on
env[SITE] = $pool
env[TMPDIR] = /tmp
"""


class Panel(Set):
    name = "panel"
    count = PANEL_POOLS

    def configure(self):
        self.texts[self.conf] = self.head("process.max = 128\nprocess_control_timeout = 5s\n")
        for i in range(self.count):
            self.site("web%d" % i, PANEL_UID + i, i)

    def site(self, name, uid, i):
        home = self.path("sites", name)
        self.scripts("sites", name, "htdocs", owner=uid)
        for folder in ("logs", "tmp"):
            os.mkdir(os.path.join(home, folder))
        shutil.chown(os.path.join(home, "tmp"), uid, uid)
        pm = ("static", "ondemand")[i % 2]
        self.texts[self.path("etc", "pool.d", name + ".conf")] = PANEL % {
            "name": name, "home": home, "uid": uid, "run": self.path("run"), "pm": pm, "files": 256 + i, "nice": i % 5,
            "memory": 32 + i}
        pool = Pool(name, self.path("run", name + ".sock"), "/htdocs", os.path.join(home, "htdocs"))
        pool.status, pool.access_log = "/fpm-status", os.path.join(home, "logs", "access.log")
        pool.count = 3 if pm == "static" else 0
        self.pools.append(pool)


class SmallPanel(Panel):
    """Four of the twenty: for the fast run."""
    count = 4


SETS = {c.name: c for c in (Debian, Wordpress, Panel)}


def reason_to_skip(name):
    """Why a set cannot run here, or None."""
    if not AS_ROOT and name in ("debian", "panel"):
        return "the set %s needs root: its pools have users of their own" % name
    return None
