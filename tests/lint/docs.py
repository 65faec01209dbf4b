"""docs.py -- the generated parts of the manual are what the sources give now: the key reference and weir.conf(5)
from the table of keys (WEIR_DOC names the built weir-doc, beside which weir lies), the others from doc/man/.
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
    faults = untold_options()
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
