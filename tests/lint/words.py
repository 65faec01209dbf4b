"""words.py -- the project speaks of itself alone: no ticket numbers, no paths of somebody's machine, and of two
words for one thing always the same."""
import re

from lint import TOP, finish, text_of, walk

# Expression: why it is a fault. Assembled from parts, so that this file does not find itself.
WORDS = {
    r"/home/(?!user\b)\w+|/root/\w|/" + r"work/|\.\./" + "shared": "a path of one machine",
    r"\bissue " + r"#?\d|\b(gh|bug) ?#\d": "a ticket's number",
    r"\b(helper|agent|work)" + r" session\b|\bthis " + r"session\b": "about how it was made",
    r"\(A" + r"\d{1,2}\)|\bA\d{1,2}\b(?=[,.;)])": "a row of a list that users do not have",
    r"\bslave\b|\bblack" + r"list\b|\bwhite" + r"list\b": "say child, pool or denied, allowed",
}
NOT_READ = {"tests/lint/words.py"}


FOLDERS = ["src", "pool", "mpm", "sapi", "tests", "conf", "doc", ".ci"]
TOP_FILES = ["README.md", "ARCHITECTURE.md", "NEWS", "Makefile.am", "configure.ac", "autogen.sh", "m4/php.m4",
             "m4/weir.m4", "m4/wsgi.m4"]


def files():
    for name in walk(FOLDERS) + [f for f in TOP_FILES if (TOP / f).exists()]:
        if name not in NOT_READ and b"\0" not in (TOP / name).read_bytes():
            yield name


def main():
    faults = []
    for name in files():
        text = text_of(name)
        for expression, why in WORDS.items():
            for m in re.finditer(expression, text):
                line = text.count("\n", 0, m.start()) + 1
                faults.append("%s:%d: %r: %s" % (name, line, m[0], why))
    finish(faults)


if __name__ == "__main__":
    main()
