"""What the tests of sapi = wsgi share: applications as text, and pools of them."""
import os
import textwrap

HEAD = "import sys\nfrom wsgiref.validate import validator\n"


def write(weir, name, text):
    """A file in the test's folder of applications: its path."""
    path = weir.path("apps", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    for folder in (weir.path("apps"), os.path.dirname(path)):
        os.chmod(folder, 0o755)
    with open(path, "w") as f:
        f.write(text)
    return path


def body(text):
    """Python text of application(environ, start_response) with this body, under wsgiref's validator."""
    return HEAD + "@validator\ndef application(environ, start_response):\n" + textwrap.indent(
        textwrap.dedent(text).strip(), "    ") + "\n"


def loose(text):
    """The same without the validator, for what it forbids."""
    return body(text).replace("@validator\n", "")


def pool(weir, text, lines="", name="www", file=None):
    """A pool whose application is this text."""
    path = write(weir, file or name + ".py", text)
    return weir.pool("sapi = wsgi\nwsgi.application = %s:application\n%s" % (path, lines), name=name)


def run(weir, text, lines="", **more):
    """Start a pool of this application, and ask it once."""
    p = pool(weir, text, lines)
    weir.start()
    return ask(p, **more)


def ask(pool, uri="/", body=None, **more):
    """As nginx asks with Debian's parameters: SCRIPT_NAME is the whole path."""
    return pool.get(uri, body=body, **dict({"SCRIPT_NAME": uri.partition("?")[0], "SERVER_PROTOCOL": "HTTP/1.1"}, **more))


HELLO = body("""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
""")
