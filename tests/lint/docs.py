"""docs.py -- the generated parts of the manual are what the sources give now: the key reference and weir.conf(5)
from the table of keys (WEIR_DOC names the built weir-doc, beside which weir lies), the others from doc/man/.
and the table of Apache's words in the manual from weir itself.
--fix writes them. And weir(8) tells the options that `weir -h` tells."""
import difflib
import os
import re
import subprocess
import sys

from lint import TOP, finish

MAN = [sys.executable, "-B", str(TOP / "doc/man/md2man.py")]
WEIR_DOC = os.path.abspath(os.environ.get("WEIR_DOC", "weir-doc"))
GENERATED = {
    "doc/reference.md": [WEIR_DOC, "markdown"],
    "doc/weir.conf.5": [WEIR_DOC, "man"],
    "doc/weir.8": MAN + [str(TOP / "doc/man/weir.8.md")],
    "doc/weir_native.3": MAN + [str(TOP / "doc/man/weir_native.3.md")],
}


def stale(name, fresh):
    path = TOP / name
    kept = path.read_text() if path.exists() else ""
    return list(difflib.unified_diff(kept.splitlines(), fresh.splitlines(), name, "as made now", lineterm="", n=0))


def made_part(fix):
    """Apache's words in the manual: between two marks stands what the program prints."""
    path, begin, end = TOP / "doc/manual.md", "<!-- made by weir import-apache --table -->\n", "<!-- end -->\n"
    weir = os.path.join(os.path.dirname(WEIR_DOC), "weir")
    fresh = subprocess.run([weir, "import-apache", "--table"], stdout=subprocess.PIPE, check=True, text=True).stdout
    text = path.read_text()
    if text.count(begin) != 1 or end not in text.split(begin)[1]:
        return ["doc/manual.md: no single '%s' with '%s' behind it" % (begin.strip(), end.strip())]
    head, rest = text.split(begin)
    kept, tail = rest.split(end, 1)
    if fix:
        path.write_text(head + begin + fresh + end + tail)
    elif kept != fresh:
        return ["doc/manual.md: the table of Apache's words is stale: `make docs` writes it anew"]
    return []


def options(text):
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][a-z-]*", text))


def untold_options():
    """Options that the program and its page do not share."""
    usage = subprocess.run([os.path.join(os.path.dirname(WEIR_DOC), "weir"), "-h"], stdout=subprocess.PIPE, text=True)
    page = (TOP / "doc/man/weir.8.md").read_text()
    told = options("\n".join(re.findall(r"^- (`-.*?): ", page, re.M)))
    has = options("\n".join(line for line in usage.stdout.splitlines() if re.match(r" +-", line)))
    return ["doc/man/weir.8.md and weir -h: only one of them has " + o for o in sorted(told ^ has)]


def main(fix):
    faults = untold_options() + made_part(fix)
    for name, command in GENERATED.items():
        fresh = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
        if fix:
            (TOP / name).write_text(fresh)
            continue
        diff = stale(name, fresh)
        if diff:
            faults += ["%s is stale: `make docs` writes it anew" % name] + diff[:12]
    finish(faults)


if __name__ == "__main__":
    main(sys.argv[1:] == ["--fix"])
