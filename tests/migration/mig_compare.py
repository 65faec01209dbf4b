"""Runs a set under every side, compares what was seen, and takes away what is wanted."""
import os
import re
import shutil

from mig_commands import look_at_commands
from mig_observe import Look
from mig_server import sides
from mig_sets import SETS
from mig_text import differences
from wanted import PENDING, PENDING_LINES, WANTED


class Report:
    """Prints differences as they are found, and counts those that nobody wants."""

    def __init__(self, out, show_wanted=False):
        self.out, self.show_wanted = out, show_wanted
        self.unwanted, self.wanted, self.pending = [], 0, {}

    def say(self, text):
        print(text, file=self.out, flush=True)

    def probe(self, where, name, theirs, ours):
        """One probe of one side beside php-fpm's."""
        rest = []
        for change in differences(theirs, ours):
            row = wanted_row(name, change)
            feature = pending_feature(name, change)
            if row:
                row.used += 1
                self.wanted += 1
                if self.show_wanted:
                    rest.append("%s      [%s]" % (change, row.id))
            elif feature:
                self.pending[feature] = self.pending.get(feature, 0) + 1
            else:
                rest.append(change)
                self.unwanted.append((where, name, change))
        if rest:
            self.say("-- %s: %s" % (where, name))
            for change in rest:
                self.say("   " + re.sub(r"[\x00-\x08\x0b-\x1f]", ".", change))

    def close(self, whole):
        for feature, count in self.pending.items():
            self.say("not there yet: %s (%d lines differ)" % (feature, count))
        if whole:
            for row in WANTED:
                if not row.used:
                    self.say("stale: the wanted difference '%s' was not seen" % row.id)
        self.say("%d differences that are not in the table, %d that are" % (len(self.unwanted), self.wanted))


def pending_feature(name, change):
    found = [f for p, f in PENDING.items() if re.fullmatch(p, name)]
    found += [f for p, f in PENDING_LINES.items() if re.fullmatch(p, change, re.S)]
    return found[0] if found else None


def wanted_row(name, change):
    for row in WANTED:
        if re.fullmatch(row.probes, name) and any(re.fullmatch(c, change, re.S) for c in row.changes):
            return row
    return None


def look(name, side, folder, quick):
    """All that is seen of one side: in the same folder for each, which is empty at first."""
    place = os.path.join(folder, "here")
    shutil.rmtree(place, ignore_errors=True)
    os.mkdir(place, 0o755)
    if name == "commands":
        return look_at_commands(side, place)
    kind = SETS[name] if isinstance(name, str) else name
    return Look(side, kind(place), quick).all()


def compare_set(kind, folder, report, quick=False):
    """kind: a name in SETS, "commands", or a class of set. quick: under php-fpm's name only the packaged set."""
    name = kind if isinstance(kind, str) else kind.name
    seen = {}
    for side in sides(folder)[:2 if quick and name != "debian" else 3]:
        report.say("== %s under %s" % (name, side.name))
        seen[side.name] = look(kind, side, folder, quick)
    theirs = seen.pop("php-fpm")
    for side, ours in seen.items():
        for probe in list(theirs) + [p for p in ours if p not in theirs]:
            report.probe("%s, %s" % (name, side), probe,
                         theirs.get(probe, ["(not seen)"]), ours.get(probe, ["(not seen)"]))
    return report
