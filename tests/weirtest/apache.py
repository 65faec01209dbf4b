"""A real Apache httpd in front of a pool: mod_proxy_fcgi."""
from .front import FrontEnd
from .server import AS_ROOT, POOL_USER

MODULES = ["mpm_%s", "authz_core", "dir", "env", "mime", "setenvif", "proxy", "proxy_fcgi"]
HEAD = """
ServerRoot "@DIR@"
DefaultRuntimeDir "@DIR@"
PidFile "@DIR@/apache2.pid"
ErrorLog "@DIR@/apache2.log"
TypesConfig /dev/null
Listen 127.0.0.1:@PORT@
ServerName 127.0.0.1
DocumentRoot "@ROOT@"
"""


class Apache(FrontEnd):
    """mpm: prefork, worker or event. As root its children are the pool's user: the pool must let that user connect
    (listen.owner)."""

    PROGRAM = "apache2"
    HEAD = HEAD

    def __init__(self, pool, site="", root=None, mpm="event"):
        self.mpm = mpm
        super().__init__(pool, site, root)

    def head(self):
        names = [name % self.mpm if "%" in name else name for name in MODULES]
        load = "".join("LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n" % (n, n) for n in names)
        return load + self.HEAD + ("User %s\nGroup %s\n" % (POOL_USER, POOL_USER) if AS_ROOT else "")

    def address(self):
        """Without a path, which the test's text adds."""
        return "unix:%s|fcgi://localhost" % self.pool.address if self.pool.address[0] == "/" else (
            "fcgi://" + self.pool.address)

    def command(self):
        return [self.binary, "-D", "FOREGROUND", "-f", self.conf]
