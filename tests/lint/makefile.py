"""makefile.py -- every source file stands in Makefile.am, and nothing stands there that does not exist.
With --fix the lists between "# list" and "# end" are written anew from the folders. Needs no build."""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]

# variable, what its list holds, whether the names stand without ".c" (automake then finds the source itself)
LISTS = [
    ("libweirbase_la_SOURCES", ["src/base/*.c"], False),
    ("libweirfcgi_la_SOURCES", ["src/fcgi/*.c"], False),
    ("libweirconf_la_SOURCES", ["src/conf/*.c"], False),
    ("libweircore_la_SOURCES", ["src/apache/*.c", "src/master/*.c", "pool/*.c", "mpm/*.c", "sapi/*.c"], False),
    ("weirbench_SOURCES", ["src/tools/weirbench*.c"], False),
    ("weir_doc_SOURCES", ["src/tools/weir_doc*.c"], False),
    ("php_sources", ["sapi/php/*.c"], False),
    ("native_sources", ["sapi/native/*.c"], False),
    ("wsgi_sources", ["sapi/wsgi/*.c"], False),
    ("examples", ["sapi/native/examples/*.c"], False),
    ("noinst_HEADERS", ["src/**/*.h", "pool/*.h", "mpm/*.h", "sapi/*.h", "sapi/*/*.h"], False),
    ("unit_tests", ["tests/unit/**/test_*.c"], True),
    ("fuzz_targets", ["tests/fuzz/fuzz_*.c"], True),
]
BLOCK = re.compile(r"^# list\n(\w+) =((?:.*\\\n)*.*)\n# end$", re.M)


def wanted(globs, bare):
    """The names that a list should hold, sorted folder by folder."""
    found = [str(p.relative_to(TOP)) for g in globs for p in sorted(TOP.glob(g))]
    return [f[:-2] if bare else f for f in found]


def main(fix):
    path = TOP / "Makefile.am"
    text = path.read_text()
    have = {m[1]: m[2].replace("\\", " ").split() for m in BLOCK.finditer(text)}
    want = {name: wanted(globs, bare) for name, globs, bare in LISTS}
    if fix:
        new = BLOCK.sub(lambda m: "# list\n%s =%s\n# end" % (m[1], "".join(" \\\n\t" + f for f in want[m[1]])), text)
        if new != text:
            path.write_text(new)
        return 0
    faults = ["%s: the list %s is missing" % ("Makefile.am", n) for n in want if n not in have]
    for name in want.keys() & have.keys():
        faults += ["%s: not in %s" % (f, name) for f in want[name] if f not in have[name]]
        faults += ["%s: in %s, but there is no such file" % (f, name) for f in have[name] if f not in want[name]]
    for fault in sorted(faults):
        print(fault)
    if faults:
        print("tests/lint/makefile.py --fix writes the lists anew")
    return 1 if faults else 0


sys.exit(main(sys.argv[1:] == ["--fix"]))
