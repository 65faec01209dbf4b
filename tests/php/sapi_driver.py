"""sapi_driver.py -- the php SAPI on its own: php_driver (tests/unit/sapi) loads the plug-in, forks and runs the
requests that a test writes down. No server, no socket.

WEIR_PHP_DRIVER and WEIR_PHP_PLUGIN name the two; without them they are looked for in the build of weirtest."""
import glob
import json
import os
import pathlib
import re
import subprocess

import pytest

from weirtest import server

SCRIPTS = pathlib.Path(__file__).resolve().parent
REPLY = re.compile(rb"reply end=(\d+) app=(\d+) flushed=(\d+) finished=(\d+) at_finish=(\d+) unread=(\d+) "
                   rb"out=(\d+) error=(\d+) script=(\d+)\n")
HELLO, EVAL, DUMP, STATE = [SCRIPTS / ("sapi_%s.php" % name) for name in ("hello", "eval", "dump", "state")]


def built(variable, pattern):
    """The program or plug-in that the variable names, else the newest of that name in the build."""
    if os.environ.get(variable):
        return os.environ[variable]
    folder = os.path.dirname(server.find_binary())
    found = sorted((f for f in glob.glob(os.path.join(folder, pattern)) if not f.endswith("-zts.so")),
                   key=os.path.getmtime)
    if not found:
        pytest.fail("no %s in %s: run make check there, or set %s" % (pattern, folder, variable))
    return found[-1]


def driver():
    return built("WEIR_PHP_DRIVER", "tests/unit/sapi/php_driver")


def plugin():
    return built("WEIR_PHP_PLUGIN", ".libs/weir_php*.so")


def escaped(text):
    data = text if isinstance(text, bytes) else str(text).encode()
    return "".join(chr(b) if 32 <= b < 127 and b != 92 else "\\x%02x" % b for b in data)


class Reply:
    def __init__(self, match, text):
        numbers = [int(n) for n in match.groups()]
        self.end, self.app_status, self.flushed, self.finished, self.at_finish, self.unread = numbers[:6]
        out, error, script = numbers[6:]
        self.raw = text[:out]
        self.error = text[out:out + error].decode()
        self.script = text[out + error:out + error + script].decode()
        self.length = out + error + script + 1
        head, _, self.body = self.raw.partition(b"\r\n\r\n")
        self.headers = [line for line in head.decode("latin-1").split("\r\n") if line]

    def header(self, name):
        found = [h.split(":", 1)[1].strip() for h in self.headers if h.lower().startswith(name.lower() + ":")]
        return found[0] if found else None

    @property
    def json(self):
        return json.loads(self.body)


class Php:
    """Settings first, then requests; result() runs them all in one child and gives replies and the rest."""

    def __init__(self, *settings, cwd=None, ini=False):
        self.lines = []
        self.cwd = cwd
        if not ini:
            self.set("-n", None, "1")
        for name, key, value in settings:
            self.set(name, key, value)

    def set(self, name, key, value):
        self.lines.append(f"setting {name} {key or '-'} {escaped(value)}")

    def do(self, *lines):
        self.lines += lines

    def request(self, script=None, method="GET", body=None, driver=(), **params):
        params.setdefault("SCRIPT_NAME", "/" + pathlib.Path(str(script)).name if script else "/")
        if script:
            params["SCRIPT_FILENAME"] = script
        if method is not None:
            params["REQUEST_METHOD"] = method
        self.do("clear", *[f"param {k}={escaped(v)}" for k, v in params.items() if v is not None])
        if body is not None:
            self.do(f"body {escaped(body)}")
        self.do(*driver, "run")
        return self

    def run(self, code, **params):
        return self.request(EVAL, CODE=code, **params)

    def result(self, what=None):
        command = [driver(), plugin()] + ([what] if what else [])
        return Result(subprocess.run(command, input=self.text(), cwd=self.cwd, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, timeout=100, check=False))

    def text(self):
        return "\n".join(self.lines).encode() + b"\n"


class Result:
    def __init__(self, done):
        self.status, self.stderr = done.returncode, done.stderr.decode()
        self.replies, text, rest = [], done.stdout, []
        while text:
            match = REPLY.match(text)
            if match:
                reply = Reply(match, text[match.end():])
                self.replies.append(reply)
                text = text[match.end() + reply.length:]
            else:
                line, _, text = text.partition(b"\n")
                rest.append(line.decode())
        self.rest = rest
        self.log = [line[4:] for line in rest if line.startswith("log ")]
        self.state = [line for line in rest if line.startswith("state ")]

    def __getitem__(self, i):
        return self.replies[i]


def only(php):
    result = php.result()
    assert result.status == 0, (result.rest, result.stderr)
    assert len(result.replies) == 1
    return result[0]


def run(code, *settings, **params):
    return only(Php(*settings).run(code, **params))


def form(**params):
    return dict(method="POST", CONTENT_TYPE="application/x-www-form-urlencoded", **params)


def multipart(parts):
    body = b""
    for head, data in parts:
        body += b"--XyZ\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + data + b"\r\n"
    return body + b"--XyZ--\r\n"
