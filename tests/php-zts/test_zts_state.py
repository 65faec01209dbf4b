"""Several threads of a child run PHP at the same time: each has its own state, and what the pool says."""
import hashlib
import json
import os


def test_each_thread_serves_at_the_same_time(threads):
    t = threads().start()
    replies = t.together("BARRIER echo PHP_ZTS, ' ', PHP_SAPI, ' ', getmypid();")
    assert {r.text for r in replies} == {"1 fpm-fcgi %d" % t.pool.children()[0]}


def test_the_probe_says_thread_safe_and_nts_is_refused(threads):
    t = threads()
    assert t.weir.run("-t").returncode == 0
    t.pool.also("php.version = 8.2")
    t.weir.configure()
    said = t.weir.run("-t")
    assert said.returncode == 78 and "(NTS) is not: set mpm = prefork, or use a thread-safe build" in said.stderr


OWN = """
$n = (int) $_GET['n'];
ini_set('precision', 3 + $n); header("X-N: $n"); http_response_code(200 + $n);
$GLOBALS['mine'] = $n; function mine() { static $calls = 0; return ++$calls; } define('MINE', $n);
mkdir(__DIR__ . "/own-$n"); chdir(__DIR__ . "/own-$n"); file_put_contents('cwd.txt', $n);
date_default_timezone_set(['Asia/Tokyo', 'Europe/Rome', 'UTC', 'America/Lima'][$n]);
set_error_handler(fn () => true); register_shutdown_function(function () use ($n) { echo '|', getcwd(); });
BARRIER
echo json_encode([$_GET['n'], $_POST['p'], $_COOKIE['c'], $_SERVER['HTTP_X_N'], $_SERVER['REQUEST_URI'],
    ini_get('precision'), file_get_contents('cwd.txt'), basename(getcwd()), $mine, mine(), MINE,
    date_default_timezone_get(), http_response_code(), basename(__FILE__), file_get_contents('php://input'),
    getenv('HTTP_X_N')]);
"""


def test_superglobals_ini_folder_and_headers_are_each_its_own(threads):
    t = threads().start()
    script = t.pool.script(t.wait(OWN))
    conns = [t.pool.open("%s?n=%d" % (script, n), body=b"p=%d" % n, HTTP_COOKIE="c=%d" % n, HTTP_X_N="x%d" % n)
             for n in range(4)]
    t.here(4)
    t.release()
    zones = ["Asia/Tokyo", "Europe/Rome", "UTC", "America/Lima"]
    for n, c in enumerate(conns):
        reply, own = c.reply(), str(n)
        seen, _, cwd = reply.text.partition("|")
        assert json.loads(seen) == [own, own, own, "x" + own, "%s?n=%d" % (script, n), str(3 + n), own, "own-" + own, n,
                                    1, n, zones[n], 200 + n, os.path.basename(script), "p=" + own, "x" + own]
        assert (reply.status, reply.header("X-N")) == (200 + n, own)
        assert cwd.endswith("/own-" + own)
    assert os.readlink("/proc/%d/cwd" % t.pool.children()[0]) == "/"    # the process' own never moved


VALUES = """
BARRIER
echo json_encode([ini_get('memory_limit'), ini_set('memory_limit', '1G'), ini_get('precision'), ini_set('precision', 5),
    function_exists('passthru'), ini_get('disable_functions'), ini_get('display_errors'),
    (new ReflectionClass('SplObjectStorage'))->hasMethod('attach'), ini_get('max_execution_time')]);
"""


def test_the_pools_values_hold_in_every_thread(threads):
    t = threads("php_admin_value[memory_limit] = 99M\nphp_value[precision] = 7\nphp_admin_flag[display_errors] = off\n"
                "php_admin_value[disable_functions] = passthru, system\nphp_value[max_execution_time] = 77\n"
                "php_admin_value[disable_classes] = SplObjectStorage").start()
    for _ in range(2):                  # the second finds nothing of the first's ini_set()
        for reply in t.together(VALUES):
            assert json.loads(reply.text) == ["99M", False, "7", "7", False, "passthru, system", "0", False, "77"]


def test_a_value_that_php_does_not_take_is_told_once(threads, weir):
    t = threads("php_admin_value[no.such_entry] = 1").start()
    t.together("BARRIER")
    assert len(weir.log_lines(r"\[pool www\] Unable to set php_admin_value 'no.such_entry'")) == 1


def test_parameters_of_a_request_set_its_own_thread_only(threads):
    t = threads().start()
    code = "BARRIER echo ini_get('precision'), function_exists('passthru') ? 'yes' : 'no';"
    changed = t.begin(code, 0, 2, PHP_VALUE="precision=4", PHP_ADMIN_VALUE="disable_functions=passthru")
    plain = t.begin(code, 2, 2)
    t.release()
    assert [c.reply().text for c in changed + plain] == ["4no", "4no", "14yes", "14yes"]
    t.again()
    assert {r.text for r in t.together(code)} == {"14yes"}


def test_user_ini_is_found_by_each_thread(threads):
    t = threads().start()
    t.pool.write(".user.ini", "precision = 6\n")
    assert {r.text for r in t.together("BARRIER echo ini_get('precision');")} == {"6"}


def test_one_opcache_for_all_threads(threads):
    t = threads().start()
    os.utime(t.pool.write("lib.php", "return 7;"), (1, 1))      # opcache leaves out what is of the last seconds
    t.pool.run("include __DIR__ . '/lib.php';")
    hits = "echo opcache_get_status(true)['scripts'][__DIR__ . '/lib.php']['hits'];"
    before = int(t.pool.run(hits).text)
    assert {r.text for r in t.together("BARRIER echo include __DIR__ . '/lib.php';")} == {"7"}
    assert int(t.pool.run(hits).text) == before + 4


def test_sessions_are_each_its_own_and_locked(threads):
    t = threads()
    t.pool.also("php_value[session.save_path] = " + t.pool.root)
    t.start()
    own = t.together("session_id('own' . $_GET['n']); session_start(); $_SESSION['n'] = $_GET['n']; BARRIER"
                     " session_write_close(); session_start(); echo session_id(), $_SESSION['n'];")
    assert sorted(r.text for r in own) == ["own%d%d" % (n, n) for n in range(4)]
    count = t.pool.script("session_id('same'); session_start(); $v = $_SESSION['v'] ?? 0; usleep(1000);"
                          " $_SESSION['v'] = $v + 1; echo $_SESSION['v'];")
    conns = [t.pool.open(count) for _ in range(12)]
    assert sorted(int(c.reply().text) for c in conns) == list(range(1, 13))


def multipart(n, data):
    return b'--XX\r\nContent-Disposition: form-data; name="f"; filename="n%d"\r\n\r\n' % n + data + b"\r\n--XX--\r\n"


def test_uploads_do_not_mix(threads):
    t = threads().start()
    script = t.pool.script(t.wait("$f = $_FILES['f']; BARRIER"
                                  " echo $f['name'], ' ', $f['error'], ' ', md5_file($f['tmp_name']), ' ', $f['tmp_name'];"))
    data = [bytes([65 + n]) * (300000 + n) for n in range(4)]
    conns = [t.pool.open("%s?n=%d" % (script, n), body=multipart(n, data[n]),
                         CONTENT_TYPE="multipart/form-data; boundary=XX") for n in range(4)]
    t.here(4)
    t.release()
    for n, c in enumerate(conns):
        name, error, md5, path = c.reply().text.split()
        assert (name, error, md5) == ("n%d" % n, "0", hashlib.md5(data[n]).hexdigest())
        assert not os.path.exists(path)


def test_the_status_shows_each_thread(threads):
    t = threads().start()
    held = t.begin("BARRIER", count=3)
    seen = json.loads(t.pool.run("echo json_encode(fpm_get_status());").text)
    t.release()
    assert all(c.reply().ended for c in held)
    assert seen["active-processes"] == 4 and len(seen["procs"]) == 4
    assert sorted(p["query-string"] for p in seen["procs"]) == ["", "n=0", "n=1", "n=2"]


def test_relative_names_start_in_the_scripts_folder(threads):
    t = threads().start()
    for n in range(4):
        t.pool.write("d%d/rel.inc" % n, "<?php return %d;" % n)
        t.pool.write("d%d/page.php" % n, "echo include 'rel.inc', file_exists('rel.inc') ? 'y' : 'n';")
    conns = [t.pool.open("/d%d/page.php" % (n % 4)) for n in range(16)]
    assert [c.reply().text for c in conns] == ["%dy" % (n % 4) for n in range(16)]


def test_a_kept_connection_is_served_by_any_thread(threads):
    t = threads().start()
    script, conn = t.pool.script("echo $_GET['n'];"), t.pool.connect()
    for n in range(50):
        conn.send(t.pool.request("%s?n=%d" % (script, n), keep=True))
        reply = conn.reply()
        assert reply.text == str(n) and reply.ended
