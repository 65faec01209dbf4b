"""The requests that are sent to each server, and what came back as comparable lines."""
import hashlib
import re

from weirtest import fcgi

FORM = {"CONTENT_TYPE": "application/x-www-form-urlencoded", "REQUEST_METHOD": "POST"}
MULTIPART = (b"--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nbody\r\n"
             b"--X\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\nvalue\r\n--X--\r\n")

# name: (URI, body, more parameters)
REQUESTS = {
    "hello": ("/hello.php", None, {}),
    "HEAD": ("/hello.php", None, {"REQUEST_METHOD": "HEAD"}),
    "state": ("/state.php", None, {}),
    "environment": ("/env.php?a=1&b[]=2&b[]=%20x", None, {}),
    "path info": ("/env.php/some/path?x=y", None, {"SCRIPT_NAME": "/env.php/some/path",
                                                  "SCRIPT_FILENAME": "@ROOT/env.php/some/path"}),
    "path info of nginx": ("/env.php/some/path", None, {}),
    "post": ("/env.php", b"a=1&b=%C3%A4&c[]=3", FORM),
    "upload": ("/env.php", MULTIPART, {"CONTENT_TYPE": "multipart/form-data; boundary=X", "REQUEST_METHOD": "POST"}),
    "json body": ("/env.php", b'{"a": 1}', {"CONTENT_TYPE": "application/json", "REQUEST_METHOD": "PUT"}),
    "big body": ("/env.php", b"x" * 300000, {"CONTENT_TYPE": "text/plain", "REQUEST_METHOD": "POST"}),
    "authorization": ("/env.php", None, {"HTTP_AUTHORIZATION": "Basic dTpw", "HTTP_PROXY": "x", "REMOTE_USER": "u"}),
    "headers": ("/headers.php", None, {}),
    "redirect": ("/redirect.php", None, {}),
    "status line": ("/status.php", None, {}),
    "status header": ("/status2.php", None, {}),
    "not modified": ("/304.php", None, {}),
    "empty file": ("/empty.php", None, {}),
    "no PHP in it": ("/nophp.php", None, {}),
    "warning": ("/warning.php", None, {}),
    "fatal": ("/fatal.php", None, {}),
    "fatal without output": ("/fatal2.php", None, {}),
    "parse error": ("/parse.php", None, {}),
    "memory limit": ("/memory.php", None, {}),
    "error_log()": ("/log.php", None, {}),
    "stderr": ("/stderr.php", None, {}),
    "exit code": ("/exit.php", None, {}),
    "finish": ("/finish.php", None, {}),
    "big output": ("/big.php", None, {}),
    "flush": ("/flush.php", None, {}),
    "output buffer": ("/buffer.php", None, {}),
    "session": ("/session.php", None, {}),
    "ini_set": ("/ini_set.php", None, {}),
    "ini_set is gone": ("/precision.php", None, {}),
    "PHP_VALUE": ("/precision.php", None, {"PHP_VALUE": "precision=4"}),
    "PHP_ADMIN_VALUE": ("/precision.php", None, {"PHP_ADMIN_VALUE": "precision=6\nmemory_limit=80M"}),
    "PHP_VALUE is gone": ("/precision.php", None, {}),
    "missing": ("/missing.php", None, {}),
    "missing, with path info": ("/missing.php/x/y", None, {}),
    "folder": ("/folder.php", None, {}),
    "root": ("/", None, {"SCRIPT_FILENAME": "@ROOT/"}),
    "dots": ("/../hello.php", None, {"SCRIPT_FILENAME": "@ROOT/../www/hello.php"}),
    "text file": ("/text.txt", None, {"SCRIPT_FILENAME": "@ROOT/text.txt", "SCRIPT_NAME": "/text.txt"}),
    "text file as a folder": ("/text.txt/x.php", None, {"SCRIPT_FILENAME": "@ROOT/text.txt/x.php",
                                                       "SCRIPT_NAME": "/text.txt/x.php"}),
    "no script": ("/hello.php", None, {"SCRIPT_FILENAME": None}),
    "path translated": ("/hello.php", None, {"SCRIPT_FILENAME": None, "PATH_TRANSLATED": "@ROOT/hello.php"}),
    "Apache": ("/env.php", None, {"SCRIPT_FILENAME": "proxy:fcgi://localhost:9000@ROOT/env.php"}),
    "Apache, path info": ("/env.php/tail", None, {"SCRIPT_FILENAME": "proxy:fcgi://localhost@ROOT/env.php/tail",
                                                 "SCRIPT_NAME": "/env.php/tail"}),
    "no method": ("/hello.php", None, {"REQUEST_METHOD": None}),
    "fpm_get_status": ("/fpm_status.php", None, {}),
}
STATUS_FORMS = ["", "html", "xml", "json", "openmetrics"]
STATUS_FULL = ["full", "html&full", "xml&full", "json&full", "openmetrics&full", "full&json&x=<&>'\""]


def ask(pool, uri, body=None, more=None, role=fcgi.RESPONDER):
    """The whole answer to one request on a connection of its own."""
    params = {n: v and v.replace("@ROOT", pool.root) for n, v in (more or {}).items()}
    if body is not None:
        params["CONTENT_LENGTH"] = str(len(body))
    params = pool.params(uri, **params)
    with fcgi.Connection(pool.address) as c:
        c.send(fcgi.begin(1, role), fcgi.params(params), fcgi.stdin(body or b""))
        reply = c.reply()
        if not c.ended_by:
            c.at_end()
    return reply


def shown(reply):
    """Status, every header, body, what went to FCGI_STDERR, and how it ended."""
    out = ["status %s" % reply.status]
    out += ["header %s: %s" % h for h in reply.headers]
    body = reply.body
    if len(body) > 20000:
        out.append("body %d bytes, md5 %s" % (len(body), hashlib.md5(body).hexdigest()))
    else:
        out += ["body " + x for x in body.decode("latin-1").split("\n")]
    out += ["stderr " + x for x in bytes(reply.stderr).decode("latin-1").split("\n") if x]
    out.append("end %s %s" % (reply.app_status, reply.protocol_status))
    return out


# What both servers count, but at other moments; and what depends on how many children there happen to be.
COUNTS = ["accepted conn", "max listen queue", "max active processes", "slow requests"]
CHILDREN = ["idle processes", "active processes", "total processes", "max children reached"]
NUMBER = r"(?<![\w.])\d+(?:\.\d+)?"
STATUS_TEXT = [
    (r"(?m)^(start time: +).*", r"\1TIME"), (r"(?m)^(start since: +|requests: +|request duration: +|pid: +|last request (?:cpu|memory): +)"
                                             + NUMBER, r"\1N"),
    (r"(<(?:start-time|start-since|pid|requests|request-duration|last-request-cpu|last-request-memory)>)[^<]*", r"\1N"),
    (r'("(?:start time|start since|pid|requests|request duration|last request cpu|last request memory)":)' + NUMBER, r"\1N"),
    (r"(<th>start (?:time|since)</th><td>)[^<]*", r"\1N"),
    (r"(?m)^(phpfpm_start_since) \d+", r"\1 N"),
]
ROW = r"<tr><td>\d+</td><td>(\w[\w ]*)</td><td>[^<]*</td><td>\d+</td><td>\d+</td><td>\d+</td>"


def hide_counts(text, names):
    """In all forms: "name:  1", <name>1<, ">name</th><td>1<", "name":1, phpfpm_name 1."""
    for name in names:
        metric = {"accepted conn": "accepted_connections"}.get(name, name.replace(" ", "_"))
        text = re.sub(r"(?m)^(%s: +)\d+" % name, r"\1N", text)
        text = re.sub(r"(<(?:th>)?%s(?:</th><td)?>)\d+" % name.replace(" ", "[ -]"), r"\1N", text)
        text = re.sub(r'("%s":)\d+' % name, r"\1N", text)
        text = re.sub(r"(?m)^(phpfpm_%s) \d+" % metric, r"\1 N", text)
    return text


def by_process(lines):
    """The parts of a page about single processes, in an order of their own."""
    starts = [i for i, x in enumerate(lines) if x == "body " + "*" * 24]
    if starts:
        end = next((i for i in range(starts[-1], len(lines)) if not lines[i].startswith("body ")), len(lines))
        blocks = ["\n".join(x for x in lines[i:j] if x != "body ") for i, j in zip(starts, starts[1:] + [end])]
        lines = lines[:starts[0]] + "\n".join(sorted(blocks)).split("\n") + lines[end:]
    out, rows = [], []
    for line in lines + [None]:
        if line and re.match(r"body (<process>|<tr><td>|   \{)", line):
            rows.append(line)
            continue
        out, rows = out + sorted(rows), []
        if line is not None:
            out.append(line)
    return out


def json_lines(line):
    """A line for each field and, sorted, for each process."""
    head, _, processes = line.partition('"processes":[')
    out = re.sub(r", ?(?=\"|$)", "\nbody    ", re.sub(r"\}$", "\nbody }", head)).split("\n")
    if processes:
        found = re.findall(r"\{[^}]*\}", processes)
        out += ['body "processes":['] + ["body    " + x for x in found] + ["body " + re.sub(r"\{[^}]*\},?", "", processes)]
    return out


def status_shown(reply, few=False):
    """A status page without what differs from run to run. few: the number of children is the same everywhere."""
    out, lines = [], []
    for line in shown(reply):
        json = line.startswith('body {"pool"')
        lines += json_lines(line) if json else [line]
    for line in lines:
        text = line[5:] if line.startswith("body ") else line
        text = hide_counts(text, COUNTS if few else COUNTS + CHILDREN)
        for regex, new in STATUS_TEXT:
            text = re.sub(regex, new, text)
        text = re.sub(ROW, r"<tr><td>P</td><td>\1</td><td>T</td><td>S</td><td>N</td><td>D</td>", text)
        text = re.sub(r"<td>[\d.]+</td><td>\d+</td></tr>", "<td>CPU</td><td>MEMORY</td></tr>", text)
        out.append("body " + text if line.startswith("body ") else text)
    return by_process(out)
