"""PHP_VALUE and PHP_ADMIN_VALUE as parameters of a request: what they set, for whom, and who may."""
import json
import socket

import pytest

from env_pair import EnvPair, answer, needs_fpm, same_build
from weirtest import fcgi

# ini entry -> a value that is not the pool's, of each kind of handler that PHP and its extensions have.
ENTRIES = {
    "memory_limit": "77M", "max_execution_time": "17", "max_input_time": "19", "precision": "5", "auto_prepend_file": "",
    "output_buffering": "8192", "post_max_size": "3M", "upload_max_filesize": "1M", "max_file_uploads": "3",
    "file_uploads": "0", "upload_tmp_dir": "/var/tmp", "default_charset": "latin1", "default_mimetype": "text/x",
    "open_basedir": "/tmp:/usr", "error_log": "/dev/null", "log_errors": "0", "display_errors": "stderr",
    "error_reporting": "7", "html_errors": "0", "session.name": "OTHER", "session.save_path": "/var/tmp",
    "session.gc_maxlifetime": "99", "session.cookie_secure": "1", "session.use_strict_mode": "1", "session.cache_limiter": "x",
    "session.upload_progress.enabled": "0", "session.serialize_handler": "php_serialize", "opcache.enable": "0",
    "opcache.revalidate_freq": "7", "opcache.validate_timestamps": "0", "date.timezone": "Asia/Tokyo", "include_path": "/x",
    "short_open_tag": "1", "expose_php": "0", "variables_order": "EGPCS", "request_order": "G", "arg_separator.input": ";",
    "max_input_vars": "3", "doc_root": "", "user_agent": "u", "sendmail_path": "/x", "zend.assertions": "-1",
    "default_socket_timeout": "3", "auto_detect_line_endings": "1", "implicit_flush": "1", "serialize_precision": "4",
    "user_ini.filename": "other.ini", "user_ini.cache_ttl": "1", "unserialize_max_depth": "7", "pcre.backtrack_limit": "5",
    "iconv.internal_encoding": "latin1", "assert.active": "0", "mail.add_x_header": "1", "zend.enable_gc": "0",
    "cgi.nph": "1", "cgi.rfc2616_headers": "1", "fastcgi.logging": "0", "cgi.fix_pathinfo": "0",
    "enable_post_data_reading": "0",
    "opcache.memory_consumption": "32", "realpath_cache_size": "1", "realpath_cache_ttl": "1", "allow_url_fopen": "0",
    "register_argc_argv": "1", "auto_globals_jit": "0", "ignore_user_abort": "1", "syslog.ident": "x",
}
DUMP = """
$all = [];
foreach (ini_get_all() as $name => $entry)
	$all[$name] = [$entry['local_value'], $entry['global_value'], $entry['access']];
echo json_encode($all);
"""


def lines(entries):
    return "\n".join('%s = "%s"' % pair for pair in entries.items())


def ini(pool, uri, **params):
    return json.loads(pool.get(uri, **params).text)


@pytest.fixture
def one(weir):
    """One child: each request follows the other."""
    www = weir.pool("pm.max_children = 1\nphp_value[precision] = 12\nphp_admin_value[memory_limit] = 99M\n"
                    "php_admin_value[user_agent] = pool")
    return www


# ---- nothing stays (alternating requests: what B sees never depends on A)

@pytest.mark.parametrize("param", ["PHP_VALUE", "PHP_ADMIN_VALUE"])
def test_the_next_request_sees_the_pool_s_values(one, weir, param):
    weir.start()
    uri = one.script(DUMP)
    before = ini(one, uri)
    for name, value in ENTRIES.items():
        ini(one, uri, **{param: '%s = "%s"' % (name, value)})
        assert ini(one, uri) == before, name


@pytest.mark.parametrize("param", ["PHP_VALUE", "PHP_ADMIN_VALUE"])
def test_neither_after_many_at_once_nor_after_ini_set(one, weir, param):
    weir.start()
    uri, child = one.script(DUMP), one.children()
    before = ini(one, uri)
    change = one.script("foreach (['precision', 'memory_limit', 'user_agent', 'include_path', 'date.timezone'] as $n) "
                        "ini_set($n, $n == 'date.timezone' ? 'UTC' : '133M'); ini_restore('precision'); session_start();"
                        "throw new Exception;")
    safe = {n: v for n, v in ENTRIES.items() if n not in ("open_basedir", "short_open_tag")}
    for _ in range(3):
        one.get(change, **{param: lines(safe)})
        one.get("/none.php", **{param: lines(ENTRIES)})
        one.get(change, **{param: lines(safe) + "\n" + lines(safe), "REQUEST_METHOD": None})
        assert ini(one, uri) == before
    assert one.children() == child


def test_a_fatal_error_and_a_time_out_leave_nothing(one, weir):
    weir.start()
    uri = one.script(DUMP)
    before = ini(one, uri)
    loop = one.get(one.script("while (true);"), PHP_VALUE="max_execution_time=1\ndisplay_errors=0")
    assert loop.status == 500 and b"Maximum execution time of 1 second exceeded" in loop.stderr
    assert one.get(one.script("str_repeat('x', 9000000);"), PHP_ADMIN_VALUE="memory_limit=4M\ndisplay_errors=0").status == 500
    assert ini(one, uri) == before
    assert one.run("echo strlen(str_repeat('x', 9000000));").text == "9000000"


def test_user_ini_files_are_each_request_s_own(one, weir):
    weir.start()
    one.write("sub/.user.ini", "precision = 9\n")
    one.write("sub/other.ini", "precision = 3\n")
    one.write("sub/x.php", "echo ini_get('precision');")
    for _ in range(2):
        assert one.get("/sub/x.php", PHP_VALUE="user_ini.filename=other.ini").text == "3"
        assert one.get("/sub/x.php").text == "9"
        assert one.get("/sub/x.php", PHP_VALUE="user_ini.filename=").text == "12"


def test_open_basedir_is_for_one_request(one, weir):
    weir.start()
    uri = one.script("clearstatcache(true); realpath(__FILE__); "
                     "echo json_encode([@file_exists('/etc/passwd'), realpath_cache_size() > 0]);")
    for _ in range(2):
        assert ini(one, uri, PHP_ADMIN_VALUE="open_basedir=" + one.root)[0] is False
        assert ini(one, uri) == [True, True]


# ---- what they do in their own request

def test_they_count_while_the_request_starts(one, weir):
    weir.start()
    head = one.write("head.php", "echo 'head ';")
    assert one.run("echo 'body';", PHP_VALUE="auto_prepend_file=" + head).text == "head body"
    assert one.run("echo 'body'; header('X-A: 1');", PHP_VALUE="output_buffering=0").header("X-A") is None
    assert one.run("echo json_encode($_POST);", body=b"a=" + b"x" * 2000, PHP_VALUE="post_max_size=1K").text.endswith("[]")
    assert b"Input variables exceeded 1" in one.run("", body=b"a=1&b=2", PHP_VALUE="max_input_vars=1").stderr
    assert one.get("/info.php/x", PHP_VALUE="cgi.fix_pathinfo=0").status == 404


def test_an_admin_value_cannot_be_changed(one, weir):
    weir.start()
    uri = one.script("var_dump(@ini_set('precision', '3'), ini_get('precision'));")
    assert one.get(uri, PHP_ADMIN_VALUE="precision=7").text == 'bool(false)\nstring(1) "7"\n'
    assert one.get(uri, PHP_VALUE="precision=7").text == 'string(1) "7"\nstring(1) "3"\n'
    assert one.get(uri).text == 'string(2) "12"\nstring(1) "3"\n'


def test_the_pool_s_values_give_way_as_in_php_fpm(one, weir):
    weir.start()
    assert one.run("echo ini_get('user_agent');", PHP_VALUE="user_agent=mine").text == "mine"
    assert one.run("echo ini_get('precision');", PHP_VALUE="precision=1", PHP_ADMIN_VALUE="precision=2").text == "2"


# ---- functions

GONE = """$r = [function_exists('%s'), function_exists('\\\\%s'), is_callable('%s'), is_callable(fn() => 1),
	function_exists('strlen'), function_exists('none')];
try { $r[] = %s('true'); } catch (Error $e) { $r[] = $e->getMessage(); }
echo json_encode($r);"""


def gone(name):
    return GONE.replace("%s", name)


def test_disable_functions_for_one_request(one, weir):
    weir.start()
    uri = one.script(gone("shell_exec"))
    off = [False, False, False, True, True, False, "Call to undefined function shell_exec()"]
    on = [True, True, True, True, True, False, None]
    for _ in range(3):
        assert ini(one, uri, PHP_ADMIN_VALUE="disable_functions=exec,shell_exec nosuch") == off
        assert ini(one, uri) == on
    for call in ("call_user_func('exec', 'true')", "array_map('exec', ['true'])", "(fn($f) => $f('true'))('exec')",
                 "Closure::fromCallable('exec')('true')", "(new ReflectionFunction('exec'))->invoke('true')", "exec(...)('true')"):
        uri = one.script("try { %s; echo 'ran'; } catch (Error $e) { echo 'not'; }" % call)
        assert one.get(uri, PHP_VALUE="disable_functions=exec").text == "not", call
        assert one.get(uri).text == "ran", call


def test_disable_functions_and_a_script_that_opcache_holds(weir):
    """Asked for in the first request: opcache must not take function_exists() for true."""
    www = weir.pool("pm.max_children = 1\nphp_admin_value[opcache.file_update_protection] = 0")
    weir.start()
    uri = www.script(gone("exec"))
    cached = www.script("echo json_encode(opcache_is_script_cached(__DIR__ . '%s'));" % uri)
    for _ in range(3):
        assert ini(www, uri, PHP_ADMIN_VALUE="disable_functions=exec")[:3] == [False, False, False]
    assert www.get(cached).text == "true"
    assert ini(www, uri)[:3] == [True, True, True]


def test_disable_functions_and_machine_code(weir):
    """opcache's JIT would not notice."""
    www = weir.pool("pm.max_children = 1\nphp_admin_value[opcache.jit_buffer_size] = 16M\n"
                    "php_admin_value[opcache.jit] = tracing")
    weir.start()
    uri = www.script(gone("exec"))
    assert ini(www, uri, PHP_ADMIN_VALUE="disable_functions=exec")[:2] == [True, True]
    weir.wait_log("disable_functions in PHP_VALUE or PHP_ADMIN_VALUE of a request is ignored: opcache's JIT")


def test_ini_get_shows_the_functions(one, weir):
    weir.start()
    assert one.run("echo ini_get('disable_functions');", PHP_ADMIN_VALUE="disable_functions=exec").text == "exec"
    assert one.run("echo ini_get('disable_functions');").text == ""


# ---- what is refused

@pytest.mark.parametrize("name", ["extension", "zend_extension", "disable_classes"])
def test_what_cannot_be_given_back_is_refused(one, weir, name):
    weir.start()
    uri = one.script("echo json_encode([extension_loaded('pcov'), ini_get('precision')]);")
    for _ in range(3):
        assert ini(one, uri, PHP_ADMIN_VALUE="%s=nosuch\nprecision=4" % name) == [False, "4"]
    weir.wait_log(r"\[pool www\].*%s in PHP_VALUE or PHP_ADMIN_VALUE of a request is ignored" % name)
    assert len(weir.log_lines("of a request is ignored")) == 1


def test_text_that_is_no_ini(one, weir):
    weir.start()
    uri = one.script("echo ini_get('precision');")
    assert one.get(uri, PHP_VALUE="precision=4\nuser_agent=(((", HTTP_X_REQUEST_ID="abc").text == "4"
    assert "PHP_VALUE is no ini text" in weir.wait_log("is no ini text.*").string
    assert one.get(uri).text == "12"
    for odd in ("", "\n\n", ";", "=", "[x]", "precision", "precision=", "a[]=1", '"', "${", "x" * 60000, 'precision="4',
                "\\", "\x01=\x02"):
        assert one.get(uri, PHP_VALUE=odd).status == 200, odd
    assert one.get(uri).text == "12"


def test_two_values_in_one_line_and_constants(one, weir):
    weir.start()
    assert one.run("echo ini_get('error_reporting'), ' ', ini_get('display_errors');", PHP_ADMIN_VALUE="error_reporting = "
                   "E_ALL & ~E_NOTICE ; comment\n\tdisplay_errors=On").text == "32759 1"


# ---- who may

def free_port(host):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
        s.bind((host.strip("[]"), 0))
        return s.getsockname()[1]


@pytest.mark.parametrize("host, lines_more, taken", [
    ("127.0.0.1", "", True), ("127.9.9.9", "", True), ("127.0.0.1", "security.php_value_params = no", False),
    ("0.0.0.0", "", False), ("0.0.0.0", "security.php_value_params = yes", True)])
def test_who_may_on_tcp(weir, host, lines_more, taken):
    port = free_port(host)
    www = weir.pool("listen = %s:%d\nlisten.allowed_clients = 127.0.0.1\n%s" % (host, port, lines_more))
    weir.start()
    c = weir.own(fcgi.Connection("%s:%d" % (host.replace("0.0.0.0", "127.0.0.1"), port)))
    c.send(www.request(www.script("echo ini_get('precision');"), PHP_VALUE="precision=4"))
    assert c.reply().text == ("4" if taken else "14")
    if not taken:
        weir.wait_log("which this pool does not take from a request.*security.php_value_params")


def test_no_on_a_unix_socket(one, weir):
    one.also("security.php_value_params = no")
    weir.start()
    for _ in range(3):
        assert one.run("echo ini_get('precision');", PHP_ADMIN_VALUE="precision=4").text == "12"
    assert len(weir.log_lines("does not take from a request")) == 1


# ---- the same as php-fpm's first request on a fresh child

@needs_fpm
@same_build
def test_as_the_real_one_has_it():
    pair = EnvPair().pool("pm.max_requests = 1\ncatch_workers_output = yes")
    try:
        pair.start()
        uri = pair.write("dump.php", "foreach (['opcache.interned_strings_buffer'] as $n) ini_get($n);" + DUMP)
        found = []
        texts = ['%s = "%s"' % item for item in ENTRIES.items()]
        texts += ["nosuch.entry=1", "=1", "precision", "precision=", "[precision]", "a[x]=1", "precision=4\nnosuch=1\ninclude_path=/y",
                  "error_reporting=E_ALL & ~E_NOTICE", "disable_functions=exec, passthru", "user_agent=${HOME}", "user_agent='a;b'",
                  "user_agent=none", "zend.assertions=1", "session.save_handler=nosuch", "opcache.enable=1", "date.timezone=No/Where"]
        for text in texts:
            if text.startswith("cgi.fix_pathinfo"):
                continue                # php-fpm has it in the next request only
            for name in ("PHP_VALUE", "PHP_ADMIN_VALUE"):
                ours, theirs = (answer(side, dict(SCRIPT_FILENAME=uri, SCRIPT_NAME="/dump.php", REQUEST_METHOD="GET",
                                                  **{name: text})) for side in pair.pools["www"])
                if ours != theirs:
                    found.append((name, text, {k: (ours.get(k), theirs.get(k)) for k in set(ours) | set(theirs)
                                               if ours.get(k) != theirs.get(k)}))
        assert not found, "\n".join("%s %.60r: %.400s" % f for f in found)
    finally:
        pair.finish()
