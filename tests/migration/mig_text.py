"""Texts of two servers made comparable: what must differ between two runs of the same server (times, process ids,
durations) is replaced, everything else stays."""
import difflib
import re

LOG_TIME = r"\[\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?:\.\d+)?\]"
# Expression: replacement; in this order.
COMMON = [
    (LOG_TIME, "[TIME]"),
    (r"\bafter \d+\.\d+ seconds", "after N seconds"),
    (r"\((\d+\.\d+) sec\)", "(N sec)"),
    (r"\bpid \d+", "pid P"),
    (r"\b(child|process|trace of|trace|zygote) \d+\b", r"\1 P"),
    (r"socket fd=\d+", "socket fd=N"),
    (r"\((built: [^)]*)\)", "(built: DATE)"),
]


def plain(text, replace=()):
    """text with every run-dependent part replaced."""
    for regex, new in list(replace) + COMMON:
        text = re.sub(regex, new, text)
    return text


def lines(text, replace=()):
    return plain(text, replace).splitlines()


def log_lines(text, replace=()):
    """Lines of an error log. Those of children's births and deaths come in any order: neighbours are sorted."""
    out, run = [], []
    for line in lines(text, replace) + [None]:
        if line is not None and re.search(r"\bchild P (started|exited|.*: child_died)|\bchild P, request ID: child_died", line):
            run.append(line)
            continue
        out += sorted(run)
        run = []
        if line is not None:
            out.append(line)
    return out


def differences(theirs, ours):
    """["- line of php-fpm", "+ line of Weir", ...]"""
    delta = difflib.ndiff(theirs, ours, linejunk=None, charjunk=None)
    return [x for x in delta if x[0] in "-+"]
