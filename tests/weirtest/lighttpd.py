"""A real lighttpd in front of a pool: mod_fastcgi."""
from .front import FrontEnd


class Lighttpd(FrontEnd):
    PROGRAM = "lighttpd"
    HEAD = """
server.modules = ( "mod_fastcgi" )
server.bind = "127.0.0.1"
server.port = @PORT@
server.document-root = "@ROOT@"
server.errorlog = "@DIR@/lighttpd.log"
server.upload-dirs = ( "@DIR@/tmp" )
"""

    def address(self):
        """What names the socket among the settings of a fastcgi.server."""
        if self.pool.address[0] == "/":
            return '"socket" => "%s"' % self.pool.address
        host, _, port = self.pool.address.rpartition(":")
        return '"host" => "%s", "port" => %s' % (host, port)

    def command(self):
        return [self.binary, "-D", "-f", self.conf]
