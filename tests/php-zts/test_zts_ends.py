"""What ends a request, a thread or a child leaves the other threads alone."""
import os
import signal

import pytest

from weirtest import until


@pytest.mark.parametrize("code, text", [
    ("no_such_function();", "Call to undefined function"),
    ("ini_set('memory_limit', '4M'); str_repeat('x', 99999999);", "Allowed memory size"),
    ("throw new Exception('gone');", "gone"),
    ("exit(3);", ""),
])
def test_a_fatal_error_leaves_the_others(threads, code, text):
    t = threads("php_flag[display_errors] = on").start()
    child = t.pool.children()
    held = t.begin("$x = str_repeat($_GET['n'], 1000); BARRIER echo strlen($x), $x[0];", count=3)
    for _ in range(5):
        assert text in t.pool.run(code).text
    t.release()
    assert [c.reply().text for c in held] == ["1000%d" % n for n in range(3)]
    assert t.pool.children() == child and t.pool.run("echo 'on';").text == "on"


def test_max_execution_time_ends_its_own_script(threads):
    t = threads("php_flag[display_errors] = on").start()
    child, held = t.pool.children(), t.begin("BARRIER echo 'whole';", count=3)
    for _ in range(2):
        late = t.pool.run("set_time_limit(1); while (true) { }")
        assert "Maximum execution time of 1 second exceeded" in late.text
    t.release()
    assert {c.reply().text for c in held} == {"whole"}
    assert t.pool.children() == child


@pytest.mark.parametrize("line, value", [("", "0"), ("php_admin_value[hard_timeout] = 9", "9")])
def test_hard_timeout_ends_nobody_but_where_the_pool_says_so(threads, line, value):
    """It would end the process for one script that does not stop at max_execution_time."""
    t = threads(line).start()
    assert {r.text for r in t.together("BARRIER echo ini_get('hard_timeout');")} == {value}


def test_a_late_request_gets_its_answer_and_the_others_finish(threads):
    t = threads("request_terminate_timeout = 1s").start()
    child = t.pool.children()[0]
    others = t.begin("fastcgi_finish_request(); BARRIER touch(__DIR__ . '/done-' . $_GET['n']);", count=2)
    assert all(c.reply().status == 200 for c in others)
    late = t.pool.open(t.pool.script("while (true) { usleep(1000); }"))
    assert late.reply().status == 504
    t.weir.wait_log("execution timed out")
    pid = t.pool.script("echo getmypid();")
    until(lambda: t.pool.get(pid).text != str(child), "it takes no more")       # a thread may be just about to
    assert child in t.pool.children() and not os.path.exists(t.pool.root + "/done-0")
    t.release()
    t.weir.gone(child)
    assert os.path.exists(t.pool.root + "/done-0") and os.path.exists(t.pool.root + "/done-1")


def test_finish_request_lets_the_client_go_and_the_script_on(threads):
    t = threads().start()
    held = t.begin("echo 'early'; fastcgi_finish_request(); BARRIER echo 'lost'; touch(__DIR__ . '/done');", count=1)
    assert held[0].reply().text == "early"
    assert t.pool.run("echo 1;").text == "1"
    t.release()
    until(lambda: os.path.exists(t.pool.root + "/done"), "the script goes on")


def test_a_client_that_goes_is_seen_by_its_script_only(threads):
    t = threads().start()
    conns = t.begin("ignore_user_abort(true); touch(__DIR__ . '/here-' . $_GET['n']);"
                    " while (!connection_status() && !file_exists(__DIR__ . '/release')) {"
                    " usleep(1000); clearstatcache(); }"
                    " touch(__DIR__ . '/status-' . $_GET['n'] . '-' . connection_status());")
    conns[2].close()
    until(lambda: os.path.exists(t.pool.root + "/status-2-1"), "the script sees it")
    t.release()
    for n in (0, 1, 3):
        assert conns[n].reply().status == 200
        assert os.path.exists(t.pool.root + "/status-%d-0" % n)


def test_the_slow_log_shows_the_stack_of_the_right_thread(threads, weir):
    t = threads("request_slowlog_timeout = 1s\nslowlog = " + weir.path("slow.log")).start()
    names, conns = ["alpha", "beta", "gamma", "delta"], []
    for n, name in enumerate(names):    # the others run meanwhile; one by one, since the log takes one a second
        t.pool.write(name + ".php", t.wait("function in_%s() { BARRIER }\nin_%s();" % (name, name)))
        conns.append(t.pool.open("/%s.php?n=%d" % (name, n)))
        until(lambda: "in_%s() " % name in weir.file("slow.log"), "its stack")
    t.release()
    assert all(c.reply().status == 200 for c in conns)
    parts = weir.file("slow.log").split("script_filename = ")[1:]
    shown = {os.path.basename(part.split()[0])[:-4]: {name for name in names if "in_%s() " % name in part}
             for part in parts}
    assert shown == {name: {name} for name in names}


def test_max_requests_replaces_the_child(threads):
    t = threads("pm.max_requests = 10").start()
    script = t.pool.script("echo getmypid();")
    pids = set()

    def five_have_served():
        pids.update(t.pool.get(script).text for _ in range(10))
        return len(pids) >= 5
    until(five_have_served, "five children have served")     # one that cannot be replaced yet serves on for a moment


def test_reload_finishes_what_runs(threads):
    t = threads().start()
    child, held = t.pool.children(), t.begin("BARRIER echo 'whole';", count=3)
    t.weir.send_signal(signal.SIGUSR2)
    until(lambda: set(t.pool.children()) - set(child), "new children")
    t.release()
    assert {c.reply().text for c in held} == {"whole"}
    t.weir.gone(*child)
    assert t.pool.run("echo PHP_ZTS;").text == "1"


def test_what_changes_the_process_replaces_it(threads):
    t = threads().start()
    child, held = t.pool.children(), t.begin("BARRIER echo 'whole';", count=2)
    t.pool.run("pcntl_setpriority(5);")
    t.release()
    assert {c.reply().text for c in held} == {"whole"}
    t.weir.gone(*child)
    assert t.pool.run("echo pcntl_getpriority();").text != "5"


def test_a_forked_script_answers_once(threads):
    t = threads().start()
    held = t.begin("BARRIER echo 'whole';", count=2)
    reply = t.pool.run("$p = pcntl_fork(); if ($p == 0) { echo 'child'; exit(7); } pcntl_waitpid($p, $s);"
                       " echo 'parent', pcntl_wexitstatus($s);")
    assert reply.text == "parent7"
    t.release()
    assert {c.reply().text for c in held} == {"whole"}


def test_preloaded_code_is_there_in_every_thread(threads, weir):
    path = weir.path("preload.php")
    with open(path, "w") as f:
        f.write("<?php class Preloaded { const X = 3; static $n = 0; static function f() { return ++self::$n; } }")
    t = threads("php_admin_value[opcache.preload] = " + path).start()
    for _ in range(2):
        assert {r.text for r in t.together("BARRIER echo Preloaded::X, Preloaded::f();")} == {"31"}


def test_one_slot_works_as_with_another_php(threads, weir):
    t = threads("mpm = prefork\n mpm.threads_per_child = 1\nrequest_slowlog_timeout = 1s\nslowlog = "
                + weir.path("slow.log")).start()
    held = t.begin("function hold() { BARRIER } hold(); echo 'end';", count=1)
    until(lambda: "hold() " in weir.file("slow.log"), "the stack")
    t.release()
    assert held[0].reply().text == "end"


def dirty_kib(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Private_Dirty:"))


@pytest.mark.plain
def test_memory_after_ten_thousand_requests(threads):
    t = threads().start()
    script = t.pool.script("class A { public $b; } $a = new A; $a->b = $a; ini_set('precision', rand(1, 17));"
                           " $x = array_fill(0, 1000, $_GET['n']); include_once __FILE__ . '.inc'; echo count($x);")
    t.pool.write(script + ".inc", "<?php $y = 1;")
    conns, child, sizes = [t.pool.connect() for _ in range(4)], t.pool.children(), []
    for n in range(2500):
        for c in conns:
            c.send(t.pool.request("%s?n=%d" % (script, n), keep=True))
        assert {c.reply().text for c in conns} == {"1000"}
        if n in (500, 2499):
            sizes.append(dirty_kib(child[0]))
    assert t.pool.children() == child
    assert sizes[1] < sizes[0] + 1024, sizes
