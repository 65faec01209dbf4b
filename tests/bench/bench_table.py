"""The rows as a table for people, for the README, and as JSON."""
import json

from bench_cases import CASES

WORDS = {True: "met", False: "NOT MET", None: ""}


def number(value):
    if value is None:
        return ""
    return "%.0f" % value if abs(value) >= 1000 else "%.1f" % value if abs(value) >= 10 else "%.2f" % value


def ratio(row):
    return "" if row.ratio is None else "%.2f" % row.ratio


def measure(row):
    return "%s (%s)" % (row.what, row.unit) if row.unit else row.what


def print_head():
    print("%-13s %-25s %10s %10s %7s  %-15s %s" % ("case", "", "Weir", "php-fpm", "ratio", "target", ""), flush=True)


def print_row(row):
    print("%-13s %-25s %10s %10s %7s  %-15s %s" % (
        row.case, measure(row), number(row.weir), number(row.fpm), ratio(row), row.target, WORDS[row.met]), flush=True)


def markdown(rows, about):
    """The table of the README; the target is the ratio where there is one, else Weir's own figure."""
    lines = ["| What | | Weir | php-fpm | Ratio | Target | |", "|---|---|--:|--:|--:|---|---|"]
    for row in rows:
        lines.append("| %s | %s | %s | %s | %s | %s | %s |" % (
            CASES[row.case].what, measure(row), number(row.weir), number(row.fpm), ratio(row), row.target or "—",
            WORDS[row.met] or "—"))
    lines += ["", "Medians of %(rounds)d rounds of %(seconds)g s in turns; ratios are medians of the rounds' own. "
              "%(machine)s; PHP %(php)s; `%(command)s`." % about]
    return "\n".join(lines)


def write_json(path, rows, about):
    with open(path, "w") as f:
        json.dump({**about, "rows": [row.as_dict() for row in rows]}, f, indent=1)
        f.write("\n")
