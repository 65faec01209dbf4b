"""env_pair.py -- the same requests to Weir and to the real php-fpm, with the same ini, the same scripts and the same
pools: what differs is a difference."""
import json
import shutil

import pytest

from weirtest import PHP_ZTS, Weir, fcgi

FPM = shutil.which("php-fpm8.2")
needs_fpm = pytest.mark.skipif(FPM is None, reason="no php-fpm8.2")
same_build = pytest.mark.skipif(PHP_ZTS, reason="compares what depends on how PHP was built")

# What a script sees, in ASCII. The process' own part (USER, HOME) is in both, the times are not to be compared.
DUMP = r"""
$seen = ['server' => $_SERVER, 'getenv' => getenv(), 'headers' => getallheaders(), 'get' => $_GET, 'post' => $_POST,
	'file' => __FILE__, 'cwd' => getcwd(), 'input' => file_get_contents('php://input'),
	'ini' => ini_get_all('cgi-fcgi')];
unset($seen['server']['REQUEST_TIME'], $seen['server']['REQUEST_TIME_FLOAT']);
foreach (['SCRIPT_FILENAME', 'PATH_INFO', 'PATH_TRANSLATED', 'SCRIPT_NAME', 'FCGI_ROLE', 'HTTP_PROXY', 'QUERY_STRING',
	'DOCUMENT_ROOT', 'ORIG_PATH_INFO', 'ORIG_SCRIPT_NAME', 'ORIG_SCRIPT_FILENAME', 'ORIG_PATH_TRANSLATED'] as $n)
	$seen['one'][$n] = getenv($n);
function ascii($v) {
	if (!is_array($v)) return is_string($v) ? addcslashes($v, "\0..\37\\\177..\377") : $v;
	$out = [];
	foreach ($v as $key => $value) $out[ascii((string) $key)] = ascii($value);
	return $out;
}
echo json_encode(ascii($seen));
"""


class EnvPair:
    """Two daemons; each pool stands in both."""

    def __init__(self):
        self.weir, self.fpm = Weir(), Weir(FPM)
        self.both = (self.weir, self.fpm)
        self.root = self.weir.path("www")
        self.pools = {}

    def pool(self, lines="", name="www"):
        pair = [side.pool("pm.max_children = 1\n" + lines, name=name) for side in self.both]
        for pool in pair:
            pool.root = self.root
        self.pools[name] = pair
        return self

    def start(self, *args):
        for side in self.both:
            side.start(*args)
        return self

    def write(self, name, text):
        return next(iter(self.pools.values()))[0].write(name, text)

    def finish(self):
        """Both end before either is checked for what it left."""
        for side in self.both:
            if side.proc and side.proc.poll() is None:
                side.stop()
        for side in self.both:
            side.finish()


def flat(value, name=""):
    """{"server.PATH_INFO": "/x", ...} of nested dictionaries."""
    if not isinstance(value, dict):
        return {name: value}
    return {k: v for key, below in value.items() for k, v in flat(below, name + "." + key).items()}


def answer(pool, params, body=b""):
    """All that a front end gets, by name: status, each header, what the script saw, FCGI_STDERR."""
    with pool.connect() as c:
        reply = c.send(fcgi.begin(), fcgi.params(params), fcgi.stdin(body)).reply()
    out = {"status": reply.status, "stderr": bytes(reply.stderr).decode("latin-1"),
           "end": (reply.app_status, reply.protocol_status)}
    out.update(("header " + n, v) for n, v in reply.headers)
    try:
        out.update(flat(json.loads(reply.text)))
    except ValueError:
        out["body"] = reply.body.decode("latin-1")
    return out


def differences(pair, params, body=b"", pool="www", wanted=lambda ours, theirs: None):
    """[] or lines that say what differs. wanted takes out what differs on purpose."""
    ours, theirs = (answer(side, params, body) for side in pair.pools[pool])
    wanted(ours, theirs)
    out = ["   %s: Weir %.120r, php-fpm %.120r" % (name, ours.get(name), theirs.get(name))
           for name in sorted(set(ours) | set(theirs)) if ours.get(name) != theirs.get(name)]
    return ["%s %.600r" % (pool, params)] + out if out else []
