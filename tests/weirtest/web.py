"""A real nginx in front of a pool."""
import os

from .front import FrontEnd

CONF = """
daemon off; master_process off; pid @DIR@/nginx.pid; error_log @DIR@/nginx.log warn;
events { worker_connections 512; }
http {
  access_log off; default_type text/plain;
  client_body_temp_path @DIR@/nginx-tmp; proxy_temp_path @DIR@/nginx-tmp; fastcgi_temp_path @DIR@/nginx-tmp;
  uwsgi_temp_path @DIR@/nginx-tmp; scgi_temp_path @DIR@/nginx-tmp;
  client_max_body_size 0; fastcgi_read_timeout 60s;
  upstream app { server @FCGI@; %(keepalive)s }
  server {
    listen 127.0.0.1:@PORT@; root @ROOT@; index index.php doku.php; absolute_redirect off;
    location ~ ^(?<script>.+?\\.php)(?<info>/.*)?$ {
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME $document_root$script; fastcgi_param SCRIPT_NAME $script;
      fastcgi_param PATH_INFO $info; fastcgi_param HTTP_HOST $host:@PORT@;
      fastcgi_keep_conn %(keep)s; fastcgi_pass app; %(extra)s
    }
  }
}
"""


class Nginx(FrontEnd):
    """nginx before one pool. keepalive: connections it keeps open (None: a new one for each request)."""

    PROGRAM = "nginx"

    def __init__(self, pool, keepalive=None, extra="", root=None):
        super().__init__(pool, CONF % {"keep": "on" if keepalive else "off", "extra": extra,
                                       "keepalive": "keepalive %d;" % keepalive if keepalive else ""}, root)

    def address(self):
        return "unix:" + self.pool.address if self.pool.address[0] == "/" else self.pool.address

    def command(self):
        os.makedirs(self.dir + "/nginx-tmp", exist_ok=True)
        return [self.binary, "-p", self.dir, "-e", self.dir + "/nginx.log", "-c", self.conf]
