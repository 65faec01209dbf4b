"""style.py -- how the code looks, as far as a machine can tell: tabs, width, header guards, opening comments,
and functions of the C library that have no place here."""
import re

from lint import c_files, code_of, finish, text_of, walk

WIDTH = 120
WIDTH_TEXT = 140        # with a string in it, which need not be cut
TAB = 8
# Name: what to use instead.
BANNED = {
    "select": "poll or epoll: select ends at descriptor 1023",
    "sprintf": "snprintf", "vsprintf": "vsnprintf", "strcpy": "memcpy with a length", "strcat": "struct buf",
    "strncpy": "memcpy with a length", "gets": "fgets", "alloca": "xcalloc", "strtok": "strtok_r or strcspn",
    "atoi": "strtol", "atol": "strtol", "mktemp": "mkstemp", "tmpnam": "mkstemp",
    "asctime": "strftime", "ctime": "strftime", "localtime": "localtime_r", "gmtime": "gmtime_r",
}
CALL = re.compile(r"(?<![\w>.])(%s)\s*\(" % "|".join(BANNED))
GUARD = re.compile(r"#ifndef (WEIR_\w+_H|\w+_H)\n#define \1\n")


def column(line):
    return len(line.expandtabs(TAB))


def lines_of(name, text):
    """Faults of single lines, in any file of text."""
    for i, line in enumerate(text.split("\n"), 1):
        if line != line.rstrip():
            yield "%s:%d: blanks at the end" % (name, i)
        most = WIDTH_TEXT if '"' in line else WIDTH
        if column(line) > most:
            yield "%s:%d: %d columns, more than %d" % (name, i, column(line), most)
    if text and not text.endswith("\n"):
        yield "%s: no newline at the end" % name
    if text.endswith("\n\n"):
        yield "%s: empty lines at the end" % name


def in_code(code, i):
    return code.split("\n")[i - 1].strip() != ""


def c_faults(name, text):
    code = code_of(text)
    for i, line in enumerate(text.split("\n"), 1):
        if re.match(r"\t* {8}| +\t| {2,}[^ *]", line) and in_code(code, i):
            yield "%s:%d: indented with blanks" % (name, i)
    for m in [] if name.startswith("tests/") else CALL.finditer(code):
        i = code.count("\n", 0, m.start()) + 1
        yield "%s:%d: %s(): use %s" % (name, i, m[1], BANNED[m[1]])
    if not text.startswith("/* "):
        yield "%s: does not open with a comment that says what it is for" % name
    if name.endswith(".h") and not GUARD.search(text):
        yield "%s: no header guard (#ifndef WEIR_NAME_H)" % name
    if re.search(r"(^|\s)(TODO|FIXME|XXX)\b", text):
        yield "%s: something is left to do" % name


def main():
    faults = []
    for name in c_files():
        text = text_of(name)
        faults += lines_of(name, text)
        faults += c_faults(name, text)
    for name in walk(["tests", "conf", "doc", "m4"], ".py", ".sh", ".conf", ".in", ".php"):
        faults += lines_of(name, text_of(name))
    finish(faults)


if __name__ == "__main__":
    main()
