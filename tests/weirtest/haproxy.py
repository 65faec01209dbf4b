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


MULTIPLEXING = """
	maxconn 1000
	timeout queue 60s
fcgi-app app
	docroot @ROOT@
	index index.php
	path-info ^(/.+\\.php)(/.*)?$
	option keep-conn
	option mpxs-conns
	option max-reqs %(reqs)d
	%(extra)s
backend back
	http-reuse always
	use-fcgi-app app
	server s @FCGI@ proto fcgi pool-max-conn 4 %(server)s
frontend front
	bind 127.0.0.1:@PORT@
	default_backend back
"""


class MultiplexingHAProxy(HAProxy):
    """Many requests at once on each of its few connections (reqs of them)."""

    def __init__(self, pool, reqs=100, extra="", server="", root=None):
        super().__init__(pool, MULTIPLEXING % {"reqs": reqs, "extra": extra, "server": server}, root)
