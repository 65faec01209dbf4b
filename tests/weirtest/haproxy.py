"""A real HAProxy in front of a pool: an fcgi-app. The test's text names the sections after the defaults."""
from .front import FrontEnd


class HAProxy(FrontEnd):
    PROGRAM = "haproxy"
    HEAD = """
global
	log stderr local0
defaults
	mode http
	log global
	timeout connect 10s
	timeout client 60s
	timeout server 60s
"""

    def address(self):
        """What stands behind the name of a server line."""
        return "unix@" + self.pool.address if self.pool.address[0] == "/" else self.pool.address

    def command(self):
        return [self.binary, "-db", "-f", self.conf]
