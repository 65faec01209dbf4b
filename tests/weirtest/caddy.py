"""A real Caddy in front of a pool: reverse_proxy with transport fastcgi, or php_fastcgi. The test's text is what stands
within the site's braces."""
from .front import FrontEnd


class Caddy(FrontEnd):
    PROGRAM = "caddy"
    HEAD = """{
	admin off
	auto_https off
	log {
		output file @DIR@/caddy.log
		level WARN
	}
}
http://127.0.0.1:@PORT@, http://localhost:@PORT@ {
	bind 127.0.0.1
	root * @ROOT@
"""

    def __init__(self, pool, site="", root=None):
        super().__init__(pool, site + "\n}\n", root)

    def address(self):
        return "unix/" + self.pool.address if self.pool.address[0] == "/" else self.pool.address

    def command(self):
        return [self.binary, "run", "--config", self.conf, "--adapter", "caddyfile"]
