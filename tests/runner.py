"""runner.py -- what tests/run does once the packages are there: builds Weir (plain; under ASan and UBSan; under TSan;
for fuzzing, by clang), runs unit tests and lints, scenarios, fuzz targets, and counts. Every process that
it started or that a test left behind ends with it: it is the reaper of its orphans, and whatever lives on at the
end is a fault."""
import argparse
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

from weirtest import proc

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHON = "/usr/bin/python3"
STEPS = ["lint", "units", "scenarios", "threads", "fuzz"]
LONG_STEPS = ["threads"]        # without --long only when named
FUZZ_SECONDS, FUZZ_SECONDS_LONG = 60, 900
BUILDS = {              # folder: options of configure; "build" is the demo's too
    "build": [],
    "build-asan": ["--enable-sanitizers", "--enable-werror"],
    "build-tsan": ["--enable-sanitizers=thread", "--enable-werror", "--without-php", "--without-wsgi"],
    "build-fuzz": ["CC=clang", "--enable-fuzzing", "--enable-werror", "--without-php", "--without-wsgi"],
}
FOR_PYTHON = {          # of the check programs, what scenarios use
    "build": ["weir_echo.la", "tests/unit/sapi/php_driver"],
    "build-asan": ["weir_echo.la", "tests/unit/sapi/php_driver"],
    "build-tsan": ["weir_echo.la"],
}
NEEDS = {"lint": ["build-asan"], "units": ["build-asan"], "scenarios": ["build-asan", "build"],
         "threads": ["build-tsan"], "fuzz": ["build-fuzz"]}


PHP_UNDER_EVENT = "mpm = event"
PHP_FOR_THREADS = "php.version = %s; mpm = worker; mpm.threads_per_child = 4"


class Counts:
    passed = failed = skipped = 0

    def line(self):
        text = "%d passed, %d failed" % (self.passed, self.failed)
        return text + (", %d skipped" % self.skipped if self.skipped else "")

    def add(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = self.passed + passed, self.failed + failed, self.skipped + skipped

    def fault(self, text):
        self.add(failed=1)
        say("FAILED: " + text)


counts = Counts()
began = time.monotonic()


def say(text):
    print(text, flush=True)


def step(text):
    say("== %s (%d s)" % (text, time.monotonic() - began))


def path(*parts):
    return os.path.join(TOP, *parts)


def read(name):
    try:
        with open(name, errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def output_of(command, **how):
    """Run it to its end: its code, and all it said in .stdout."""
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **how)


# ---- builds

def zts_config():
    """php-config of the PHP for threads that tests/php-zts/build made; None: it did not, and its tests are skipped."""
    made = output_of([path("tests/php-zts/build"), "--path"]).stdout.strip()
    return made if os.path.exists(made) else None


def php_options(folder):
    """With a PHP for threads, beside those that configure would find by itself."""
    if folder not in ("build", "build-asan") or not zts_config():
        return []
    found = [p for place in os.get_exec_path() for p in sorted(glob.glob(os.path.join(place, "php-config*")))]
    return ["--with-php=" + p for p in found + [zts_config()]]


def build(folder):
    """Build; False and one failure counted when it cannot be."""
    step("build: " + folder)
    made = subprocess.run([path("conf/demo/build"), path(folder)] + BUILDS[folder] + php_options(folder))
    if made.returncode == 0 and folder in FOR_PYTHON:
        made = subprocess.run(["make", "-s", "-C", path(folder)] + FOR_PYTHON[folder], stdout=subprocess.DEVNULL)
    if made.returncode != 0:
        counts.fault("the build in %s" % folder)
    return made.returncode == 0


def copy_server(folder, work):
    """Server and plug-ins in a folder that the pools' user can enter: the project's may be closed to others."""
    place = os.path.join(work, folder)
    os.makedirs(os.path.join(place, ".libs"))
    shutil.copy(path(folder, "weir"), place)
    for module in glob.glob(path(folder, ".libs/weir_*.so")):
        shutil.copy(module, os.path.join(place, ".libs"))
    return os.path.join(place, "weir")


def newest_php(folder):
    found = [f for f in glob.glob(path(folder, ".libs/weir_php*.so")) if not f.endswith("-zts.so")]
    return max(found, key=lambda f: [int(n) for n in re.findall(r"\d+", os.path.basename(f))], default="")


# ---- unit tests and lints: make check, whose logs are counted

def count_log(trs):
    """One test of make check: each case of a cmocka program counts."""
    log = read(trs[:-4] + ".log")
    result = re.search(r"^:test-result: (\w+)", read(trs), re.M)
    result = result[1] if result else "ERROR"
    cases = re.findall(r"^(not ok|ok) \d+( # SKIP)?", log, re.M)
    skipped = sum(1 for _, skip in cases if skip)
    good, bad = cases.count(("ok", "")), cases.count(("not ok", ""))
    if result == "SKIP":
        counts.add(skipped=1)
    elif result == "PASS":
        counts.add(passed=good if cases else 1, skipped=skipped)
    else:
        counts.add(passed=good, failed=max(bad, 1), skipped=skipped)
        say("FAILED: %s\n%s" % (os.path.relpath(trs[:-4], TOP), log[-4000:]))


def make_check(what):
    """what: the makefile's variable that holds the tests."""
    step("make check: " + what)
    for old in glob.glob(path("build-asan/tests/**/*.trs"), recursive=True):
        os.remove(old)
    env = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:fast_unwind_on_malloc=0", UBSAN_OPTIONS="print_stacktrace=1")
    done = output_of(["make", "-C", path("build-asan"), "-j%d" % os.cpu_count(), "check", "TESTS=$(%s)" % what],
                     env=env)
    found = glob.glob(path("build-asan/tests/**/*.trs"), recursive=True)
    failed = counts.failed
    for trs in sorted(found):
        count_log(trs)
    if not found or done.returncode != 0 and counts.failed == failed:
        counts.fault("make check\n" + done.stdout[-4000:])


def valgrind():
    """The unit tests of the plain build once more, but for the one whose arguments valgrind replaces, and the one that
    asks the kernel for memory that is not there."""
    step("valgrind: unit tests")
    subprocess.run(["make", "-s", "-C", path("build"), "check", "TESTS="], stdout=subprocess.DEVNULL)
    for source in sorted(glob.glob(path("tests/unit/**/test_*.c"), recursive=True)):
        name = os.path.relpath(source, TOP)[:-2]
        if name in ("tests/unit/base/test_title", "tests/unit/sapi/test_php_peek"):
            continue
        done = output_of(["valgrind", "-q", "--error-exitcode=99", "--leak-check=full", path("build", name)],
                         cwd=path("build"), env=dict(os.environ, srcdir=TOP))
        if done.returncode == 0:
            counts.add(passed=1)
        else:
            counts.fault("valgrind %s\n%s" % (name, done.stdout[-4000:]))


# ---- scenarios: pytest, in as many shares at once as asked

def count_junit(name, output):
    if not os.path.exists(name):
        counts.fault("pytest ended without a report\n" + output[-4000:])
        return
    suite = xml.parse(name).getroot().find("testsuite")
    total, bad, skipped = (int(suite.get(n)) for n in ("tests", "failures", "skipped"))
    bad += int(suite.get("errors"))
    counts.add(max(total - bad - skipped, 0), bad, skipped)
    if bad:
        say(output)


def pytest(folders, env, work, shares, args):
    folders = [path("tests", f) for f in folders if glob.glob(path("tests", f, "test_*.py"))]
    if not folders:
        return
    step("pytest: " + " ".join(os.path.basename(f) for f in folders))
    running = []
    for share in range(1, shares + 1):
        report = os.path.join(work, "report-%d.xml" % share)
        if os.path.exists(report):
            os.remove(report)
        out = open(os.path.join(work, "pytest-%d.out" % share), "w+")
        command = [PYTHON, "-B", "-m", "pytest", "-c", path("tests/pytest.ini"), "-q", "--tb=short", "--color=no",
                   "--continue-on-collection-errors",
                   "--basetemp=" + os.path.join(work, "base-%d" % share), "--shard=%d/%d" % (share, shares),
                   "--junitxml=" + report] + args + folders
        running.append((subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=env), out, report))
    for process, out, report in running:
        process.wait()
        out.seek(0)
        count_junit(report, out.read())
        out.close()


# ---- fuzzing

def fuzz(seconds, work):
    targets = sorted(glob.glob(path("tests/fuzz/fuzz_*.c")))
    for source in targets:
        name = os.path.basename(source)[:-2]
        share = max(seconds // len(targets), 1)
        step("fuzz: %s, %d s" % (name, share))
        corpus = os.path.join(work, name)
        os.mkdir(corpus)
        words = [d for d in (path("tests/fuzz", name + ".dict"),) if os.path.exists(d)]
        command = [path("build-fuzz/tests/fuzz", name), "-max_total_time=%d" % share, "-timeout=10",
                   "-rss_limit_mb=2048", "-print_final_stats=1",
                   "-artifact_prefix=" + path("build-fuzz", name + "-")]
        command += ["-dict=" + d for d in words] + [corpus] + glob.glob(path("tests/fuzz/corpus", name))
        done = output_of(command)
        runs = re.search(r"stat::number_of_executed_units: *(\d+)", done.stdout)
        if done.returncode == 0 and runs:
            counts.add(passed=1)
            say("   %s inputs" % runs[1])
        else:
            counts.fault("%s (the input lies in build-fuzz)\n%s" % (name, done.stdout[-4000:]))


# ---- the whole

def end_leftovers():
    """Nothing that a test started may live now: name it, and end it."""
    until = time.monotonic() + 10
    while proc.descendants(os.getpid()) and time.monotonic() < until:
        time.sleep(0.05)
    for pid in proc.descendants(os.getpid()):
        counts.fault("process %d was left behind: %s" % (pid, proc.cmdline(pid)))
        os.kill(pid, signal.SIGKILL)


def environment(folder, work):
    """What the tests in Python must know of a build."""
    return dict(os.environ, TMPDIR=work, PYTHONDONTWRITEBYTECODE="1", WEIR_BIN=copy_server(folder, work),
                WEIR_PLAIN_BIN=os.path.join(work, "build/weir"), WEIR_BENCH=path("build/weirbench"),
                WEIR_PHP_PLUGIN=newest_php(folder), WEIR_PHP_DRIVER=path(folder, "tests/unit/sapi/php_driver"))


def with_threads(env, folder):
    """For the tests of PHP: the same with the PHP for threads, under the worker model; None: there is none."""
    for plugin in glob.glob(path(folder, ".libs/weir_php*-zts.so")) if zts_config() else []:
        version = os.path.basename(plugin)[len("weir_php"):-len(".so")]
        return dict(env, WEIR_PHP_POOL=PHP_FOR_THREADS % version, WEIR_PHP_PLUGIN=plugin)
    return None


def scenarios(args, work):
    """Under the sanitizers, but for tests marked plain: limits of memory, counts of system calls, times."""
    plain, asan = environment("build", work), environment("build-asan", work)
    more = (["-k", args.k] if args.k else []) + (["--long"] if args.long else [])
    folders, shares = ["scenario", "php", "php-zts", "native", "wsgi", "diff"], min(os.cpu_count(), 4)
    zts = with_threads(asan, "build-asan")
    event = dict(asan, WEIR_PHP_POOL=PHP_UNDER_EVENT)
    pytest(folders, asan, work, shares, ["-m", "not plain"] + more)
    pytest(folders, plain, work, 1, ["-m", "plain"] + more)
    pytest(["php"], event, work, shares, ["-m", "not plain"] + more)
    pytest(["scenario"], event, work, shares, ["-m", "event and not plain"] + more)
    if zts and args.long:               # tests/php-zts, above, runs always
        pytest(["php"], zts, work, shares, ["-m", "not plain"] + more)
    if args.long:
        pytest(["soak", "bench"], plain, work, 1, more)


def threads(args, work):
    """The threaded scenarios once more, under ThreadSanitizer: a report fails the test that it comes in."""
    more = (["-k", args.k] if args.k else []) + (["--long"] if args.long else [])
    pytest(["scenario", "native", "soak"], environment("build-tsan", work), work, min(os.cpu_count(), 4),
           ["-m", "threads and not plain"] + more)


def run_steps(args, work):
    steps = args.only or [s for s in STEPS if args.long or s not in LONG_STEPS]
    built = {folder: build(folder) for folder in BUILDS if any(folder in NEEDS[s] for s in steps)}
    ready = [s for s in STEPS if s in steps and all(built[f] for f in NEEDS[s])]
    if "lint" in ready:
        make_check("lints")
    if "units" in ready:
        make_check("unit_tests")
    if "scenarios" in ready:
        scenarios(args, work)
    if "threads" in ready:
        threads(args, work)
    if "units" in ready and args.long and build("build"):
        valgrind()
    if "fuzz" in ready:
        fuzz(FUZZ_SECONDS_LONG if args.long else FUZZ_SECONDS, work)


def arguments():
    p = argparse.ArgumentParser(prog="tests/run", description="Installs what is missing, builds Weir, and tests it.")
    p.add_argument("--no-install", action="store_true", help="refuse to install packages: name those that are missing")
    p.add_argument("--long", action="store_true", help="also soak, kills, big transfers, ThreadSanitizer, valgrind, and longer fuzzing")
    p.add_argument("--only", action="append", choices=STEPS, help="this part only; may be given more than once")
    p.add_argument("-k", metavar="EXPR", help="of the scenarios, those that pytest's -k selects")
    return p.parse_args()


def interrupted(number, _frame):
    raise SystemExit(128 + number)


def main():
    args = arguments()
    os.umask(0o022)
    proc.become_subreaper()
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)
    work = tempfile.mkdtemp(prefix="weir-tests-")
    os.chmod(work, 0o755)
    try:
        run_steps(args, work)
        end_leftovers()
    finally:
        for pid in proc.descendants(os.getpid()):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(work, ignore_errors=True)
    step("done")
    say(counts.line())
    return 1 if counts.failed or not counts.passed else 0


sys.exit(main())
