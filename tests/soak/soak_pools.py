"""One and the same small application as a PHP script (prefork), a C module and a WSGI application (both worker), and
the first two under event, for tests that do to all of them what must not harm any.

/page.php tells its pid, and a little later "whole"; /take.php tells size and CRC of the body; /give.php?blocks=N gives
so many blocks of 64 KiB that block() has too."""
import os
import sys
import zlib

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[1:1] = [os.path.join(TESTS, "native"), os.path.join(TESTS, "wsgi")]

import apps                 # noqa: E402
import modules              # noqa: E402

BLOCK = 1 << 16
REST = (bytes(range(256)) * (BLOCK // 256))[8:]
THREADS = 3

PHP = {
    "page.php": "while (ob_get_level()) { ob_end_flush(); } echo getmypid(), ' '; flush(); usleep(3000); echo 'whole';",
    "take.php": """
        $hash = hash_init('crc32b');
        for ($in = fopen('php://input', 'rb'), $size = 0; ($data = fread($in, 65536)) !== '' && $data !== false;) {
            hash_update($hash, $data);
            $size += strlen($data);
        }
        echo $size, ' ', hash_final($hash);""",
    "give.php": """
        $rest = substr(str_repeat(implode('', array_map('chr', range(0, 255))), 256), 8);
        for ($i = 0; $i < $_GET['blocks']; $i++) { echo sprintf('%08x', $i), $rest; }""",
}

WSGI = apps.body("""
    import os, time, urllib.parse, zlib
    def page():
        yield b"%d " % os.getpid()
        time.sleep(0.003)
        yield b"whole"
    def take():
        size = crc = 0
        while data := environ["wsgi.input"].read(65536):
            size, crc = size + len(data), zlib.crc32(data, crc)
        yield b"%d %08x" % (size, crc)
    def give():
        rest = (bytes(range(256)) * 256)[8:]
        for i in range(int(urllib.parse.parse_qs(environ["QUERY_STRING"])["blocks"][0])):
            yield b"%08x" % i + rest
    start_response("200 OK", [("Content-Type", "text/plain")])
    return {"/page.php": page, "/take.php": take, "/give.php": give}[environ["PATH_INFO"]]()
""")

NATIVE = modules.handler(r"""
	const char *name = FCGX_GetParam("SCRIPT_NAME", r->envp);

	FCGX_PutS("Content-Type: text/plain\r\n\r\n", r->out);
	if (!strcmp(name, "/page.php"))
		page(r);
	else if (!strcmp(name, "/take.php"))
		take(r);
	else
		give(r, atol(strchr(FCGX_GetParam("QUERY_STRING", r->envp), '=') + 1));
	return 0;
""", r"""
static unsigned crc_table[256];

static int fill_table(void)
{
	for (unsigned i = 0; i < 256; i++) {
		crc_table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			crc_table[i] = crc_table[i] >> 1 ^ (crc_table[i] & 1 ? 0xedb88320u : 0);
	}
	return 0;
}

static void page(FCGX_Request *r)
{
	FCGX_FPrintF(r->out, "%d ", (int)getpid());
	FCGX_FFlush(r->out);
	usleep(3000);
	FCGX_PutS("whole", r->out);
}

static void take(FCGX_Request *r)
{
	unsigned char piece[65536];
	unsigned crc = 0xffffffffu;
	long size = 0;
	int got;

	while ((got = FCGX_GetStr((char *)piece, sizeof(piece), r->in)) > 0) {
		for (int i = 0; i < got; i++)
			crc = crc >> 8 ^ crc_table[(crc ^ piece[i]) & 255];
		size += got;
	}
	FCGX_FPrintF(r->out, "%ld %08x", size, crc ^ 0xffffffffu);
}

static void give(FCGX_Request *r, long blocks)
{
	char block[65536];

	for (int i = 0; i < 65536; i++)
		block[i] = (char)i;
	for (long i = 0; i < blocks; i++) {
		snprintf(block, 9, "%08x", (unsigned)i);
		block[8] = 8;
		if (FCGX_PutStr(block, sizeof(block), r->out) < 0)
			return;
	}
}
""") + "const struct weir_native_info weir_native = { .abi = WEIR_NATIVE_ABI, .thread_safe = 1, .init = fill_table };\n"


def block(i):
    return b"%08x" % i + REST


def crc(data, so_far=0):
    return zlib.crc32(data, so_far)


def php(weir, lines):
    pool = weir.pool(lines)
    for name, text in PHP.items():
        pool.write(name, text)
    return pool


def php_event(weir, lines):
    return php(weir, "mpm = event\n" + lines)


def in_threads(pool, mpm="worker"):
    pool.threads = THREADS
    return pool.also("mpm = %s\nmpm.threads_per_child = %d" % (mpm, THREADS))


def native(weir, lines):
    return in_threads(modules.pool(weir, modules.module(weir, NATIVE, "-O2"), lines))


def native_event(weir, lines):
    return in_threads(modules.pool(weir, modules.module(weir, NATIVE, "-O2"), lines), "event")


def wsgi(weir, lines):
    return in_threads(apps.pool(weir, WSGI, lines))


KINDS = [pytest.param(php, id="php"), pytest.param(native, id="native", marks=pytest.mark.threads),
         pytest.param(wsgi, id="wsgi"), pytest.param(php_event, id="php-event"),
         pytest.param(native_event, id="native-event", marks=pytest.mark.threads)]
