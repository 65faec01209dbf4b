"""Requests and replies in pieces, large ones in constant memory, and ends that come early."""
import os

import pytest

import modules
from weirtest import fcgi, until

MODELS = True
CALLS = os.path.join(modules.HERE, "calls.c")
SLACK_KB = 4096         # by which a child may grow over one that has served
BIG = 48 << 20

COUNT = modules.handler(r"""
	char piece[10000];
	long long bytes = 0, want = atoll(FCGX_GetParam("WANT", r->envp));
	int got;
	while ((got = FCGX_GetStr(piece, sizeof(piece), r->in)) > 0)
		bytes += got;
	if (FCGX_GetError(r->in)) {
		mark("broken", FCGX_GetError(r->in));
		return 3;
	}
	FCGX_FPrintF(r->out, "Content-Type: text/plain\r\n\r\n%ld\n", (long)bytes);
	memset(piece, 'x', sizeof(piece));
	while (want > 0 && FCGX_PutStr(piece, sizeof(piece), r->out) == sizeof(piece))
		want -= sizeof(piece);
	if (want > 0)
		mark("gone", FCGX_GetError(r->out) * 10 + FCGX_FFlush(r->out) * 2 + FCGX_PutChar('x', r->out)
		    + FCGX_FClose(r->out));
	return 0;
""", r"""
static void mark(const char *what, int number)
{
	char name[512];
	FILE *f;
	snprintf(name, sizeof(name), "%s/%s", getenv("MARKS"), what);
	f = fopen(name, "w");
	if (f) {
		fprintf(f, "%d\n", number);
		fclose(f);
	}
}
""" + modules.SAFE)


@pytest.fixture
def calls(weir):
    pool = modules.pool(weir, modules.module(weir, CALLS))
    weir.start()
    return pool


@pytest.fixture
def count(weir):
    pool = modules.pool(weir, modules.module(weir, COUNT), "pm.max_children = 1\nenv[MARKS] = " + weir.path("www"))
    weir.start()
    return pool


def test_flush_sends_at_once(calls):
    c = calls.open("/", DO="pfirst;F;w%s;psecond" % calls.root)
    calls.busy()
    assert b"first" in c.read_some()
    calls.release()
    assert c.reply().stdout.endswith(b"secondPutS 6\n")


@pytest.mark.parametrize("bytes", [32768 - 28, 32768])
def test_also_when_the_buffer_is_just_full(calls, bytes):
    """28 bytes are the header's: the buffer of 32 KiB is full to the brim, or a header over."""
    c = calls.open("/", DO="Z;P%d;w%s" % (bytes, calls.root))
    calls.busy()
    c2 = calls.open("/", DO="P%d;F;w%s" % (bytes, calls.root))
    got = b""
    while len(got) < bytes:
        got += c2.read_some()
    calls.release()
    assert c2.reply().ended and c.reply().ended


def test_err_is_sent_by_its_own_flush(calls):
    c = calls.open("/", DO="Ecareful;G;w%s;px" % calls.root)
    calls.busy()
    rec = c.record()
    assert (rec.type, rec.content) == (fcgi.STDERR, b"careful")
    calls.release()
    assert c.reply().stdout.endswith(b"xPutS 1\n")


def test_a_small_answer_is_one_record(calls):
    c = calls.open("/", DO="px")
    assert [r.type for r in iter(c.record, None) if r.content] == [fcgi.STDOUT, fcgi.END]


def test_closing_both_streams_releases_the_client(calls):
    mark = os.path.join(calls.root, "after")
    with calls.open("/", DO="X5;pdone;z;Z;w%s;s9;m%s" % (calls.root, mark)) as c:
        reply = c.reply()
        assert (reply.stdout.split(b"\r\n\r\n")[1], reply.app_status) == (b"donePutS 4\n", 5)
        assert c.at_end() == "eof"
        calls.busy()
    calls.release()
    until(lambda: os.path.exists(mark), "the handler goes on")


def test_finish_releases_the_client_of_a_kept_connection(calls):
    c = calls.open("/", keep=True, DO="pdone;k;w%s" % calls.root)
    assert c.reply().text == "donePutS 4\n"
    calls.busy()
    c.send(calls.request("/", keep=True, DO="pnext"))
    calls.release()
    assert c.reply().text == "nextPutS 4\n"


def peak_kb(pool):
    with open("/proc/%d/status" % pool.children()[0]) as f:
        return int(next(x for x in f if x.startswith("VmHWM")).split()[1])


@pytest.mark.plain
def test_large_bodies_both_ways_in_constant_memory(count):
    count.post("/", b"x" * 100000, WANT="100000")
    before = peak_kb(count)
    reply = count.post("/", b"u" * BIG, WANT=str(BIG))
    assert reply.text.startswith("%d\n" % BIG) and len(reply.body) >= BIG
    assert peak_kb(count) - before < SLACK_KB


@pytest.mark.plain
def test_and_those_of_a_filter(weir):
    pool = modules.pool(weir, modules.module(weir, CALLS), "pm.max_children = 1")
    weir.start()
    with pool.connect() as c:
        c.send(modules.ask(pool, "s9;d;s9", role=fcgi.FILTER, data=b"d" * 100000)).reply()
    before = peak_kb(pool)
    with pool.connect() as c:
        reply = c.send(modules.ask(pool, "s9;d;" + "s262144;" * 193 + "e", role=fcgi.FILTER, data=b"d" * BIG)).reply()
    assert reply.text.endswith("in: seen eof -1, error 0\n") and reply.text.count("262144 bytes") == BIG // 262144
    assert peak_kb(pool) - before < SLACK_KB


def test_a_filter_that_reads_nothing_keeps_its_connection(calls):
    with calls.connect() as c:
        for text in ("one", "two"):
            c.send(modules.ask(calls, "p" + text, role=fcgi.FILTER, body=b"s" * 70000, data=b"d" * 300000, keep=True))
            assert c.reply().text.startswith(text)
        c.send(calls.request("/", keep=True, DO="pthree"))
        assert c.reply().text.startswith("three")


def test_a_filter_that_reads_no_data_ends_without_a_reset(calls):
    with calls.connect() as c:
        c.send(modules.ask(calls, "s9;w%s;px" % calls.root, role=fcgi.FILTER, body=b"s"))
        calls.busy()
        c.send(fcgi.stream(fcgi.DATA, b"d" * 60000))
        calls.release()
        assert c.reply().text.endswith("xPutS 1\n") and c.at_end() == "eof"


def test_data_that_breaks_off_is_an_error(calls):
    mark = os.path.join(calls.root, "read")
    with calls.connect() as c:
        params = calls.params("/", DO="s9;d;s9;m%s" % mark)
        c.send(fcgi.begin(1, fcgi.FILTER) + fcgi.params(params) + fcgi.stdin()
               + fcgi.stream(fcgi.DATA, b"abc", end=False))
        c.shut()
        until(lambda: os.path.exists(mark), "the handler sees it")
    assert calls.get("/", DO="px").text == "xPutS 1\n"


def test_a_body_that_breaks_off_is_an_error(count):
    with count.connect() as c:
        params = count.params("/", b"x" * 50000, WANT="0")
        c.send(fcgi.begin() + fcgi.params(params) + fcgi.stdin(b"x" * 20000, end=False))
        c.shut()
        until(lambda: count.weir.file("www", "broken") == "-3\n", "the handler sees it")


def test_a_client_that_leaves_is_seen_by_the_writer(count):
    with count.open("/", WANT="1000000000") as c:
        c.read_some()
    until(lambda: count.weir.file("www", "gone").endswith("\n"), "the handler sees it")
    assert count.weir.file("www", "gone") == "%d\n" % (32 * 10 + 0 - 1 - 1)
    assert count.get("/", WANT="0").text == "0\n"


def test_max_body(weir):
    pool = modules.pool(weir, modules.module(weir, CALLS), "request.max_body = 1K")
    weir.start()
    assert pool.post("/", b"x" * 2000, DO="s3000").status == 413
    assert pool.post("/", b"x" * 1000, DO="s3000").text.startswith("GetStr 1000 bytes")


def test_a_late_handler_is_ended(weir):
    pool = modules.pool(weir, modules.module(weir, CALLS), "request_terminate_timeout = 1s")
    weir.start()
    assert pool.get("/", DO="w" + pool.root).status == 504
    assert pool.get("/", DO="px").text == "xPutS 1\n"


def test_a_late_handler_is_ended_when_the_others_of_its_process_are_done(weir):
    """Those that its client had its answer of before have no limit: they have time."""
    safe = modules.handler(r"""
	const char *root = FCGX_GetParam("DOCUMENT_ROOT", r->envp), *do_ = FCGX_GetParam("DO", r->envp);
	char mark[512], release[512];

	FCGX_FPrintF(r->out, "Content-Type: text/plain\r\n\r\n%d", (int)getpid());
	if (!do_)
		return 0;
	if (*do_ == 'b') {
		FCGX_FClose(r->out);
		FCGX_FClose(r->err);
	}
	snprintf(mark, sizeof(mark), "%s/held-%s", root, do_);
	snprintf(release, sizeof(release), "%s/release", root);
	fclose(fopen(mark, "w"));
	while (access(release, F_OK) < 0)
		usleep(2000);
	snprintf(mark, sizeof(mark), "%s/done-%s", root, do_);
	fclose(fopen(mark, "w"));
	return 0;
""", "const struct weir_native_info weir_native = { .abi = WEIR_NATIVE_ABI, .thread_safe = 1 };")
    pool = modules.pool(weir, modules.module(weir, safe), "request_terminate_timeout = 1s\n mpm = worker\n"
                        "mpm.threads_per_child = 4\n pm.max_children = 1")
    weir.start()
    child = pool.children()[0]
    behind = [pool.open("/", DO="b%d" % n) for n in range(2)]
    pool.busy(2)
    assert [c.reply().text for c in behind] == [str(child)] * 2
    assert pool.get("/", DO="late").status == 504
    assert pool.get("/").text != str(child)             # it takes no more
    assert child in pool.children() and not weir.file("www", "done-b0")
    pool.release()
    weir.gone(child)
    assert all(os.path.exists(os.path.join(pool.root, "done-b%d" % n)) for n in range(2))
