"""lint.py -- what the lints share: which files are the project's, and how a fault is told."""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
CODE = ["src", "pool", "mpm", "sapi", "tests"]
SKIP = {".git", ".deps", ".libs", "__pycache__", "autom4te.cache", "build-aux"}


def walk(folders, *endings):
    """Paths below these folders (all of them: no endings) that a person wrote, as strings relative to the top."""
    found = []
    for folder in folders:
        for path in sorted((TOP / folder).rglob("*")):
            name = str(path.relative_to(TOP))
            if path.is_file() and not SKIP & set(path.parts) and (not endings or name.endswith(endings)):
                found.append(name)
    return found


def c_files():
    return walk(CODE, ".c", ".h")


def text_of(name):
    return (TOP / name).read_text(encoding="utf-8", errors="replace")


def _blank(match):
    return re.sub(r"[^\n]", " ", match[0])


COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|("(?:\\.|[^"\\\n])*")', re.S)


def code_of(text):
    """The same text with comments and strings blanked out: lines and columns stay."""
    return COMMENT_OR_STRING.sub(_blank, text)


def uncommented(text):
    """The same text with comments blanked out and strings kept."""
    return COMMENT.sub(lambda m: m[0] if m[1] else _blank(m), text)


def finish(faults):
    """Print the faults and end: 0 without any, else 1."""
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)
