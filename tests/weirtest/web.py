"""A real nginx in front of a pool, and HTTP through it."""
import http.client
import os
import signal
import socket
import subprocess
import threading
import urllib.parse

from . import proc
from .wait import until

CONF = """
daemon off; master_process off; pid %(dir)s/nginx.pid; error_log %(dir)s/nginx.log warn;
events { worker_connections 512; }
http {
  access_log off; default_type text/plain;
  client_body_temp_path %(dir)s/nginx-tmp; proxy_temp_path %(dir)s/nginx-tmp; fastcgi_temp_path %(dir)s/nginx-tmp;
  uwsgi_temp_path %(dir)s/nginx-tmp; scgi_temp_path %(dir)s/nginx-tmp;
  client_max_body_size 0; fastcgi_read_timeout 60s;
  upstream app { server %(upstream)s; %(keepalive)s }
  server {
    listen 127.0.0.1:%(port)d; root %(root)s; index index.php doku.php; absolute_redirect off;
    location ~ ^(?<script>.+?\\.php)(?<info>/.*)?$ {
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME $document_root$script; fastcgi_param SCRIPT_NAME $script;
      fastcgi_param PATH_INFO $info; fastcgi_param HTTP_HOST $host:%(port)d;
      fastcgi_keep_conn %(keep)s; fastcgi_pass app; %(extra)s
    }
  }
}
"""


def free_port(family=socket.AF_INET):
    """A port that nobody listens on at this moment."""
    with socket.socket(family) as s:
        s.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        return s.getsockname()[1]


class Answer:
    def __init__(self, response):
        self.status, self.body = response.status, response.read()
        self.headers = response.headers

    @property
    def text(self):
        return self.body.decode(errors="replace")


class Web:
    """HTTP to a front end on self.port of 127.0.0.1, whose process is self.proc."""

    def listens(self):
        assert self.proc.poll() is None, "the front end ended: " + self.log()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def ask(self, method, path, body=None, headers=None, timeout=60):
        """One request on a connection of its own; cookies are kept like a browser's."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        send = dict(headers or {})
        if self.cookies:
            send["Cookie"] = "; ".join("%s=%s" % x for x in self.cookies.items())
        try:
            c.request(method, path, body, send, encode_chunked="Transfer-Encoding" in send)
            answer = Answer(c.getresponse())
        finally:
            c.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def get(self, path, **how):
        return self.ask("GET", path, **how)

    def post(self, path, fields, **how):
        return self.ask("POST", path, urllib.parse.urlencode(fields),
                        {"Content-Type": "application/x-www-form-urlencoded"}, **how)

    def many(self, path, clients, each=1):
        """So many clients at once, each asking so often: all answers (an exception in place of a lost one)."""
        answers, start = [], threading.Barrier(clients)

        def client():
            start.wait()
            for _ in range(each):
                try:
                    answers.append(self.get(path))
                except Exception as e:          # a lost answer is what the test wants to see
                    answers.append(e)
        threads = [threading.Thread(target=client) for _ in range(clients)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return answers

    def at_once(self, calls):
        """What these calls give that run at the same time, in their order; an exception in its place."""
        results = [None] * len(calls)

        def call(i):
            try:
                results[i] = calls[i]()
            except Exception as e:
                results[i] = e
        threads = [threading.Thread(target=call, args=(i,)) for i in range(len(calls))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return results

    def stop(self):
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            self.proc.wait(20)


class Nginx(Web):
    """nginx before one pool. keepalive: connections it keeps open (None: a new one for each request)."""

    def __init__(self, pool, keepalive=None, extra="", root=None):
        self.dir = pool.weir.path("nginx-%s" % pool.name)
        os.makedirs(self.dir + "/nginx-tmp")
        self.port = free_port()
        self.cookies = {}
        upstream = pool.address if pool.address[0] != "/" else "unix:" + pool.address
        with open(self.dir + "/nginx.conf", "w") as f:
            f.write(CONF % {"dir": self.dir, "upstream": upstream, "port": self.port, "root": root or pool.root,
                            "keep": "on" if keepalive else "off", "extra": extra,
                            "keepalive": "keepalive %d;" % keepalive if keepalive else ""})
        self.proc = subprocess.Popen(["nginx", "-p", self.dir, "-e", self.dir + "/nginx.log", "-c",
                                      self.dir + "/nginx.conf"], stdin=subprocess.DEVNULL,
                                     preexec_fn=proc.end_with_parent)
        pool.weir.before.add(self.proc.pid)
        until(self.listens, "nginx listens")

    def log(self):
        with open(self.dir + "/nginx.log", errors="replace") as f:
            return f.read()


HAPROXY = """
global
  log stderr format raw daemon
  maxconn 1000
defaults
  mode http
  timeout connect 20s
  timeout client 60s
  timeout server 60s
  timeout queue 60s
fcgi-app app
  docroot %(root)s
  index index.php
  path-info ^(/.+\\.php)(/.*)?$
  option keep-conn
  option mpxs-conns
  option max-reqs %(reqs)d
  %(extra)s
backend back
  http-reuse always
  use-fcgi-app app
  server s %(upstream)s proto fcgi pool-max-conn 4 %(server)s
frontend front
  bind 127.0.0.1:%(port)d
  default_backend back
"""


class HAProxy(Web):
    """HAProxy before one pool: many requests at once on each of its few connections (reqs of them)."""

    PROGRAM = "/usr/sbin/haproxy"

    def __init__(self, pool, reqs=100, extra="", server="", root=None):
        self.dir = pool.weir.path("haproxy-%s" % pool.name)
        os.makedirs(self.dir)
        self.port, self.cookies = free_port(), {}
        upstream = pool.address if pool.address[0] != "/" else "unix@" + pool.address
        with open(self.dir + "/haproxy.cfg", "w") as f:
            f.write(HAPROXY % {"root": root or pool.root, "reqs": reqs, "extra": extra, "server": server,
                               "upstream": upstream, "port": self.port})
        self.err = open(self.dir + "/haproxy.log", "ab")
        self.proc = subprocess.Popen([self.PROGRAM, "-db", "-f", self.dir + "/haproxy.cfg"], stdin=subprocess.DEVNULL,
                                     stdout=self.err, stderr=self.err, preexec_fn=proc.end_with_parent)
        pool.weir.before.add(self.proc.pid)
        until(self.listens, "haproxy listens")

    def log(self):
        with open(self.dir + "/haproxy.log", errors="replace") as f:
            return f.read()
