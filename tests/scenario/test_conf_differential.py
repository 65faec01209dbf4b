"""The same configuration text to php-fpm -tt and to weir -tt: the same values, and the same refusals in the same
words. Where Weir differs on purpose, the test says so beside the case."""
import random
import re
import shutil
import subprocess

import pytest

from weirtest import Weir
from weirtest.server import AS_ROOT, POOL_USER

FPM = shutil.which("php-fpm8.2")
pytestmark = pytest.mark.skipif(FPM is None, reason="no php-fpm8.2")

ENV = {"CONF_TEST": "foo val", "CONF_QUOTE": 'a"b', "CONF_YES": "yes"}
USER = "user = %s\n" % POOL_USER if AS_ROOT else ""
GOOD = "pm = static\npm.max_children = 1\n"

# All of these are accepted by both.
VALUES = [
    "foo", "foo bar  baz  ", "", '""', "foo ; comment", "foo;comment", '"foo;bar" ; c', "a # b", r"foo\bar", r"foo\;bar",
    "foo{bar}", "a[b]", "a]b", "[b]", "?foo", "007", "-5", "1.5", "+5", "- 5", "1e3", ".5", "a,b,c", '"x=y"', "\ttab\ttab\t",
    r'"foo \" bar"', r'"foo \\ bar \n"', r'"a\$b"', r'"a\${CONF_TEST}b"', r"""'a\'""", r'''"a\'b"''', r'"a\\"', r'"a\"',
    r'"\"', r'"a\"" ; c', r'"a\\\"b"', '"foo" bar', 'foo "bar"', 'foo"bar"', '"foo""bar"', 'a  "b"  c', "'foo \"x\" ; bar'",
    "'it''s'", "a'b'c", "a 'b' c", "'a' 'b'", "a  'b'  c", "don't", "foo 'bar", "${CONF_TEST}", '"${CONF_TEST}"',
    "pre ${CONF_TEST} post", "x${CONF_NONE}y", "${CONF_QUOTE}", '"${CONF_QUOTE}"', "${CONF_YES}", "'${CONF_TEST}'",
    "${CONF_TEST}${CONF_TEST}", "${CONF_TEST}E_ALL", "E_ALL${CONF_TEST}", r"a\${CONF_TEST}b", "$$", "$1", "a$", "foo$bar",
    "yes", "YES", "True", "on", "on ; c", "no", "none", "Null", "off", "false", '"yes"', "'no'", "yesno", "yes/no", "no.x",
    "E_ALL", "E_ALL & ~E_NOTICE", "E_ALL ^ E_NOTICE", "~E_ALL", "!E_ALL", "!0", "(E_ALL & ~E_NOTICE) | E_STRICT",
    "1 | 2 & 4", "~1 | 2", "!1 | 2", "~~5", "!~5", "7 & ~(1|2)", "-1 & 255", '"1" | "2"', "((1))", "(foo)", "(a b)",
    "foo E_ALL bar", "E_ALL.x", "x/E_ALL", '"E_ALL"', "E_all", 'E_ALL"x"', "'x'E_ALL", "E_ALL;x", "1 2 | 4", "a | b", "a&b",
    "a^b", "~a", "12abc | 1", "1.5|1", "LOG_ERR", "PHP_INT_MAX", "INI_ALL", "PHP_OS", "DIRECTORY_SEPARATOR",
    "/usr/sbin/sendmail -t -i", "$pool/x", "x" * 500,
]

# Each is refused by both as a line of a pool.
BAD_LINES = [
    "foo", "php_value[a]", "= foo", "chdir = foo=bar", "chdir == x", "chdir = yes sir", "chdir = foo yes", "chdir = (yes)",
    "chdir = 1 | yes", "chdir = yes | 1", 'chdir = "x"no', 'chdir = "foo', "chdir = 'foo", r'chdir = "a\" ; c',
    "chdir = ${FOO", "chdir = ${}", 'chdir = "${FOO"', "chdir = | 1", "chdir = 1 |", "chdir = ()", "chdir = (1",
    "chdir = (1) 2", "chdir = foo(bar)", "chdir = foo)", "chdir = a~b", "chdir = foo!", "chdir = ~", "env[b = c",
    "env[b;c] = d", "env[b]x = c", '"chdir" = /', "# comment", "foo = 1", "foo[x] = 1", "pm[x] = 1", "php_value = 1",
    "php_value[] = 1", "ENV[x] = 1", "PHP_VALUE[x] = 1", "INCLUDE = /x", "env[A] =", "env[A] = ${CONF_NONE}", "php_flag[a] = maybe",
    'php_admin_flag[a] = "Yes"', "clear_env = maybe", 'clear_env = "YES"', "pm = fast", "pm.max_children = 4x",
    "process.priority = x", "request_terminate_timeout = 5S", "request_terminate_timeout =", "rlimit_core = -5",
    "rlimit_core = x", "listen.backlog = x", "daemonize = no", "access.suppress_path[] = x", "access.suppress_path[] =",
    "access.suppress_path[k] = /ok", "access.suppress_path = /ok", "request_slowlog_timeout = 1x", "request_slowlog_timeout =",
    "request_slowlog_trace_depth = x", "request_terminate_timeout_track_finished = maybe", "log_limit = 1024",
    "process.max = 5", "decorate_workers_output = maybe", "process.dumpable = maybe", "catch_workers_output = 2",
]

# What stands in a pool's section, and is refused by a check over all of it. In php-fpm's words.
BAD_POOLS = [
    "", "listen = /run/x.sock\n", "listen = /run/x.sock\npm = static\n", "listen = /run/x.sock\npm = static\npm.max_children = 0\n",
    "listen =\n" + GOOD, "listen = /run/x.sock\npm = dynamic\npm.max_children = 5\n",
    "listen = /run/x.sock\npm = dynamic\npm.max_children = 5\npm.min_spare_servers = 1\n",
    "listen = /run/x.sock\npm = dynamic\npm.max_children = 5\npm.min_spare_servers = 2\npm.max_spare_servers = 1\n",
    "listen = /run/x.sock\npm = dynamic\npm.max_children = 5\npm.min_spare_servers = 1\npm.max_spare_servers = 7\n",
    "listen = /run/x.sock\npm = dynamic\npm.max_children = 5\npm.min_spare_servers = 1\npm.max_spare_servers = 3\n"
    "pm.start_servers = 4\n",
    "listen = /run/x.sock\npm = dynamic\npm.max_children = 5\npm.min_spare_servers = 1\npm.max_spare_servers = 3\n"
    "pm.max_spawn_rate = 0\n",
    "listen = /run/x.sock\npm = ondemand\npm.max_children = 5\npm.process_idle_timeout = 0\n",
    "listen = /run/x.sock\n" + GOOD + "process.priority = 50\n", "listen = /run/x.sock\n" + GOOD + "prefix = /nowhere\n",
    "listen = /run/x.sock\n" + GOOD + "chdir = /nowhere\n", "listen = /run/x.sock\n" + GOOD + "chdir = nowhere\n",
    "listen = /run/x.sock\n" + GOOD + "request_slowlog_timeout = 1\n",
    "listen = /run/x.sock\n" + GOOD + "slowlog = /dev/null\nrequest_slowlog_timeout = 1m\nrequest_terminate_timeout = 3\n",
    "listen = /run/x.sock\n" + GOOD + "request_slowlog_trace_depth = 5\n",
    "listen = /run/x.sock\n" + GOOD + "slowlog = /dev/null\nrequest_slowlog_trace_depth = -5\n",
    "listen = /run/x.sock\n" + GOOD + "listen.owner = no-such-user\n", "listen = /run/x.sock\n" + GOOD + "listen.group = no-such\n",
]
BAD_POOLS += ["listen = /run/x.sock\n" + GOOD + more for more in (
    "pm.status_path = a\n", "pm.status_path = /\n", "pm.status_path = /a?b\n", "ping.path = a\n", "ping.path = /\n",
    "ping.path = /a+\n", "ping.path = /p\nping.response =\n", "ping.path = /\npm.status_listen = 127.0.0.1:1\n",
    "ping.path = ping\n", "ping.path = /\n", "ping.path = /a b\n", "ping.path = /a?b\n", "ping.path = /p\nping.response =\n",
    "pm.status_path = s\n", "pm.status_path = /\n", "pm.status_path = /a%\n", "request_slowlog_timeout = 3\n",
    "request_slowlog_timeout = 3\nslowlog =\n", "slowlog = /dev/null\nrequest_slowlog_timeout = 5\nrequest_terminate_timeout = 3\n",
    "slowlog = /dev/null\nrequest_slowlog_timeout = 5\nrequest_slowlog_trace_depth = -1\n")]
# The same of [global].
BAD_GLOBALS = ["log_limit = 511", "log_limit = -5", "log_limit =", "process.max = -1", "events.mechanism = foo",
               "events.mechanism = kqueue", "events.mechanism =", "process.priority = 21", "log_level = loud", "log_level =",
               "emergency_restart_interval = x", "systemd_interval =", "syslog.facility = foo", "syslog.facility = 3",
               "log_buffering = maybe", "rlimit_core = -2", "daemonize = maybe", "pid = $pool", "process.max = x", "user = x",
               "emergency_restart_threshold = x", "process_control_timeout = 1y"]
if AS_ROOT:
    BAD_POOLS += ["listen = /run/x.sock\n" + GOOD + more for more in (
        "user = no-such-user\n", "group = no-such-group\n", "chroot = /nowhere\n", "chroot = /usr\nchdir = /nowhere\n")]


@pytest.fixture
def both():
    weir = Weir()
    weir.env = ENV
    yield Both(weir)
    weir.finish()


class Both:
    def __init__(self, weir):
        self.weir = weir

    def configure(self, text):
        head = "[global]\nerror_log = %s\n" % self.weir.path("log")
        self.weir.configure(head + text)
        return head.count("\n")

    def fpm(self):
        """Exit code, and the lines of the log without time and level."""
        done = subprocess.run([FPM, "-n", "-tt", "-y", self.weir.conf], capture_output=True, stdin=subprocess.DEVNULL,
                              env=self.weir.environment(), timeout=60)
        return done.returncode, lines_of((done.stdout + done.stderr).decode("latin1"))

    def own(self):
        done = self.weir.run("-tt")
        return done.returncode, lines_of(done.stdout + done.stderr)


def lines_of(text):
    """(level, text) of the lines of a log."""
    return re.findall(r"(?m)^(?:\[[^\]]*\] )?(NOTICE|WARNING|ERROR|ALERT): (.*)$", text)


def dump_of(lines):
    """{section: {name: [value, ...]}} of a dump."""
    sections, here = {}, None
    for level, text in lines:
        if level == "NOTICE" and text.startswith("\t") and here is not None:
            name, value = text[1:].split(" = ", 1)
            here.setdefault(name, []).append(value)
        elif level == "NOTICE" and re.fullmatch(r"\[.*\]", text):
            here = sections.setdefault(text[1:-1], {})
    return sections


def errors_of(lines):
    return [text for level, text in lines if level in ("ERROR", "ALERT")]


def as_fpm_shows(name, value):
    """A value of Weir's dump as php-fpm shows it: Weir tells what holds where php-fpm says that nothing is set."""
    if name == "log_level" and value == "NOTICE":
        return "unknown value"
    if name == "log_limit" and value == "1049600":
        return "1024"
    if name == "process_control_timeout" and value == "undefined":
        return "0s"
    return value


def assert_alike(own, fpm):
    own, fpm = dump_of(own), dump_of(fpm)
    assert list(own) == list(fpm) and fpm
    for section in fpm:
        order = [name for name in own[section] if name in fpm[section]]
        assert order == list(fpm[section]), "[%s]: a key is missing, or at another place" % section
        for name in set(fpm[section]) - {"listen.mode"}:
            shown = [as_fpm_shows(name, value) for value in own[section][name]]
            assert shown == fpm[section][name], "[%s] %s" % (section, name)


def test_values_read_alike(both):
    both.configure("[www]\nlisten = %s\n" % both.weir.path("x.sock") + USER + GOOD +
                   "".join("php_value[v%d] = %s\n" % x for x in enumerate(VALUES)))
    code, fpm = both.fpm()
    assert code == 0, fpm
    code, own = both.own()
    assert code == 0, own
    assert_alike(own, fpm)


def test_keys_read_alike(both):
    cases = [
        "pm = Static\npm.max_children = 007\npm.max_requests = 500\nrequest_terminate_timeout = 2m\n",
        "pm = dynamic\npm.max_children = 9\npm.min_spare_servers = 2\npm.max_spare_servers = 7\npm.max_spawn_rate = 4\n",
        "pm = ondemand\npm.max_children = 3\npm.process_idle_timeout = 1h\nlisten.backlog = 12\n",
        GOOD + "rlimit_core = unlimited\nrlimit_files = 1024\nclear_env = no\ncatch_workers_output = on\n",
        GOOD + "chdir = /\nprefix = /tmp\nlisten = $pool.sock\ndecorate_workers_output = off\n",
        GOOD + "chdir = /tmp\nchdir = /usr\nprocess.dumpable = yes\nlisten.allowed_clients = 127.0.0.1\n",
        GOOD + "security.limit_extensions =\nenv[A] = 1\nenv[A] = $CONF_TEST\nenv[B] = \"$CONF_TEST x\"\n",
        GOOD + "php_value[a] = 1\nphp_flag[a] = on\nphp_value[a] = 2\nphp_admin_flag[b] = no\nphp_admin_value[c] = $pool\n",
        GOOD + "php_value[error_log] = x/y.log\nphp_admin_value[sendmail_path] = /usr/sbin/sendmail -t\n",
        GOOD + "slowlog = $pool.slow\nrequest_slowlog_trace_depth = 0\n",
        GOOD + "slowlog = $pool.slow\nrequest_slowlog_trace_depth = 7\nrequest_terminate_timeout_track_finished = yes\n",
        GOOD + "pm.status_path = /s\nping.path = /p-._\n", GOOD + "pm.status_listen = 127.0.0.1:1\nping.response = x\n",
        GOOD + "pm.status_path = \"\"\nping.path = \"\"\nping.response = x\n",
        GOOD + "pm.status_path = /\npm.status_listen = /tmp/$pool-status.sock\nping.path = /p\nping.response = \"a b\"\n",
        GOOD + "PM.Max_Children = 4\nphp_value['x y'] = z\nphp_value[\"q\"] = z\n",
        GOOD + "ping.path = /p-_.~1\nping.response = \"a b\"\npm.status_path = /$pool\n".replace("~", ""),
        GOOD + "pm.status_path = /s/t\naccess.format = \"%R %{mili}d %%\"\naccess.suppress_path[] = /a\naccess.suppress_path[] = /b\n",
        GOOD + "slowlog = log/$pool.slow\nrequest_slowlog_trace_depth = 0\nrequest_terminate_timeout_track_finished = yes\n",
        GOOD + "prefix = %s\naccess.log = $pool.access\nslowlog = $pool.slow\nrequest_slowlog_trace_depth = 7\n" % both.weir.folder,
        GOOD + "listen.acl_users = daemon\nlisten.acl_groups = daemon\nlisten.mode = 0600\nlisten.backlog =\n",
        GOOD + "pm.max_requests =\nrlimit_files =\n",
    ]
    if AS_ROOT:
        cases += [GOOD + "prefix = /tmp\nchroot = $prefix\nprocess.priority = 3\n", GOOD + "chroot = $prefix\n"]
    both.configure("process_control_timeout = 3m\nlog_level = warning\npid = run/x.pid\nlog_level = NOTICE\n"
                   "log_limit = 512\nlog_buffering = no\nprocess.max = 9\nevents.mechanism = EPOLL\nsyslog.ident = \"x y\"\n"
                   "syslog.facility = Local7\nemergency_restart_threshold = 3\nemergency_restart_interval = 2m\n"
                   "systemd_interval = 0\nrlimit_files = 1024\nrlimit_core = unlimited\ndaemonize = no\n"
                   + ("process.priority = 1\n" if AS_ROOT else "") + "".join(
        "[pool%d]\nlisten = %s\n%s%s" % (i, both.weir.path("%d.sock" % i), USER, x) for i, x in enumerate(cases)))
    code, fpm = both.fpm()
    assert code == 0, fpm
    code, own = both.own()
    assert code == 0, own
    own = [(level, text.replace("log_level = NOTICE", "log_level = unknown value")) for level, text in own]
    fpm = [(level, text.replace("log_level = NOTICE", "log_level = unknown value")) for level, text in fpm]
    assert_alike(own, fpm)


def refuses(both, lines):
    """Which of these lines php-fpm refuses, each alone in a pool; its reason, or None."""
    reasons = []
    for line in lines:
        both.configure("[www]\nlisten = %s\n" % both.weir.path("x.sock") + USER + GOOD + line + "\n")
        code, log = both.fpm()
        reasons.append(errors_of(log)[:1] or ["?"] if code else None)
    return reasons


def own_refusals(both, lines):
    """{line number from 0: Weir's errors}, all lines in one file."""
    first = both.configure("[www]\nlisten = %s\n" % both.weir.path("x.sock") + USER + GOOD + "\n".join(lines) + "\n")
    first += len(("[www]\nlisten\n" + USER + GOOD).splitlines()) + 1
    found = {}
    for text in errors_of(both.own()[1]):
        place = re.match(r"\[%s:(\d+)\] (.*)" % re.escape(both.weir.conf), text)
        if place and int(place[1]) >= first:
            found.setdefault(int(place[1]) - first, []).append(place[2])
    return found


def test_lines_refused_alike(both):
    theirs = refuses(both, BAD_LINES)
    own = own_refusals(both, BAD_LINES)
    for i, line in enumerate(BAD_LINES):
        assert theirs[i], "php-fpm takes %r" % line
        assert i in own, "Weir takes %r, php-fpm says %s" % (line, theirs[i])
        wording = re.match(r"\[[^\]]*:\d+\] (.*)", theirs[i][0])
        if wording and "ZEND_INI_PARSER" not in wording[1]:
            assert any(wording[1] in text for text in own[i]), (line, own[i], wording[1])


def test_pools_refused_alike(both):
    sections = ["[p%d]\n%s%s" % (i, USER, text) for i, text in enumerate(BAD_POOLS)]
    theirs = []
    for section in sections:
        both.configure(section)
        code, log = both.fpm()
        assert code == 78, (section, log)
        theirs.append(next(text for text in errors_of(log) if text.startswith("[pool")))
    both.configure("".join(sections))
    code, log = both.own()
    own = errors_of(log)
    assert code == 78, log
    for section, text in zip(sections, theirs):
        text = re.sub(r": Success \(0\)$", "", text).replace("//", "/")
        assert any(text in x for x in own), (section, text, own)


def test_globals_refused_alike(both):
    pool = "[www]\nlisten = /run/x.sock\n" + USER + GOOD
    for line in BAD_GLOBALS:
        both.configure(line + "\n" + pool)
        code, log = both.fpm()
        assert code == 78, (line, log)
        theirs = re.sub(r"^\[[^\]]*:\d+\] ", "", errors_of(log)[0])
        code, log = both.own()
        assert code == 78 and any(theirs in x for x in errors_of(log)), (line, theirs, log)


def random_value(chance):
    """A value out of parts that mean something to the reader."""
    parts = ["a", "b1", "7", "12", " ", "  ", "\t", '"', '"x y"', r'"a\"b"', r"\\", "'s t'", "${CONF_TEST}", "${CONF_NONE}", "E_ALL",
             "E_NOTICE", "|", "&", "^", "~", "!", "(", ")", "yes", "off", "none", ";", "; c", "$x", "[", "]", "{", "/", ".", ",", "-"]
    return "".join(chance.choice(parts) for _ in range(chance.randint(1, 7)))


def test_random_values_read_alike(both):
    chance = random.Random(42)
    values = [random_value(chance) for _ in range(150)]
    lines = ["php_value[v%d] = %s" % x for x in enumerate(values)]
    theirs = refuses(both, lines)
    own = own_refusals(both, lines)
    for i, value in enumerate(values):
        assert bool(theirs[i]) == (i in own), (value, theirs[i], own.get(i))
    both.configure("[www]\nlisten = %s\n" % both.weir.path("x.sock") + USER + GOOD +
                   "".join(x + "\n" for i, x in enumerate(lines) if not theirs[i]))
    assert_alike(both.own()[1], both.fpm()[1])


def test_debian_configuration(both):
    """Debian's own files, but for the places of log, pid file and pool files."""
    with open("/etc/php/8.2/fpm/pool.d/www.conf") as f:
        pool = f.read()
    with open("/etc/php/8.2/fpm/php-fpm.conf") as f:
        text = f.read()
    with open(both.weir.path("www.pool"), "w") as f:
        f.write(pool)
    text = re.sub(r"(?m)^(error_log|pid) = .*/", r"\1 = %s/" % both.weir.folder, text)
    text = re.sub(r"(?m)^include=.*", "include=%s/*.pool" % both.weir.folder, text)
    both.weir.configure(text)
    code, fpm = both.fpm()
    assert code == 0, fpm
    code, own = both.own()
    assert code == 0 and not errors_of(own), own
    assert_alike(own, fpm)
