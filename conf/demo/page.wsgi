"""The demo's page of Python: a plain WSGI application."""
import html
import os
import sys
import threading
import urllib.parse


def application(environ, start_response):
    given = urllib.parse.parse_qsl(environ["QUERY_STRING"])
    version = ".".join(map(str, sys.version_info[:3]))
    page = """<!DOCTYPE html><title>Weir serves Python %s</title>
<h1>Weir serves Python %s</h1>
<p>Thread %d of child %d answered; of its URL, %s is where the application lies, and %s is the application's.
<p><a href="/">PHP</a> &middot; <a href="/native/">C</a> &middot; this page again, with a parameter:
<form method="get">
<input name="text" value="anything"><button>Send</button>
</form>
<pre>%s</pre>
""" % (version, version, threading.get_native_id(), os.getpid(), html.escape(environ["SCRIPT_NAME"]),
       html.escape(environ["PATH_INFO"] or "nothing"), html.escape("\n".join("%s = %s" % pair for pair in given)))
    body = page.encode()
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]
