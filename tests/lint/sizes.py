"""sizes.py -- a file stays under 600 lines, a function under 60 (a flat switch under 100), nesting within 3."""
import re

from lint import code_of, finish, text_of, walk

FILE_MAX = 600
FUNCTION_MAX = 60
FLAT_MAX = 100
NESTING_MAX = 3         # blocks within a function's own
NAME = re.compile(r"(\w+)\s*\(")


def functions(code):
    """(name, first line, its lines) of each function: a brace in column 0 opens and closes it."""
    lines = code.split("\n")
    start = None
    for i, line in enumerate(lines):
        if line == "{" and i and start is None and is_function(lines, i):
            start = i
        elif line.rstrip() == "}" and start is not None:
            yield name_of(lines, start), start + 1, lines[start + 1:i]
            start = None


def is_function(lines, i):
    """The brace belongs to a parameter list, not to a table or a struct."""
    return bool(re.search(r"\)\s*$", lines[i - 1]))


def name_of(lines, i):
    head = []
    for line in reversed(lines[:i]):
        head.insert(0, line)
        if line and not line[0].isspace():
            break
    m = NAME.search(re.sub(r"__attribute__\s*\(\(.*?\)\)", "", " ".join(head)))
    return m[1] if m else "?"


def depth_of(body):
    """The deepest nesting of blocks; a switch and the braces of an initialiser count once."""
    depth = deepest = 0
    for line in body:
        for c in re.sub(r"=\s*\{.*|\(struct \w+\)\s*\{.*", "", line):
            depth += (c == "{") - (c == "}")
            deepest = max(deepest, depth)
    return deepest


def is_flat(body):
    return sum(line.lstrip().startswith(("case ", "default:")) for line in body) * 4 >= len(body)


def main():
    faults = []
    for name in walk(["src", "pool", "mpm", "sapi", "tests"], ".c", ".h", ".py"):
        text = text_of(name)
        count = text.count("\n")
        if count > FILE_MAX:
            faults.append("%s: %d lines, more than %d" % (name, count, FILE_MAX))
        for function, line, body in functions(code_of(text)) if name.endswith(".c") else []:
            most = FLAT_MAX if is_flat(body) else FUNCTION_MAX
            if len(body) >= most:
                faults.append("%s:%d: %s has %d lines, not under %d" % (name, line, function, len(body), most))
            depth = depth_of(body)
            if depth > NESTING_MAX:
                faults.append("%s:%d: %s nests %d deep, more than %d" % (name, line, function, depth, NESTING_MAX))
    finish(faults)


if __name__ == "__main__":
    main()
