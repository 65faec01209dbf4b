"""The move from php-fpm, in small: the packaged configuration, a blog's and a few of a hosting panel's pools, under
php-fpm and under Weir, with the same probes. `tests/migration/compare` does all of it and prints what differs."""
import io
import os
import re
import shutil
import sys

import pytest

from weirtest.server import REPO, make_folder

sys.path.insert(0, os.path.join(REPO, "tests", "migration"))

import mig_compare                                       # noqa: E402
import mig_sets                                          # noqa: E402
import mig_text                                          # noqa: E402
from mig_server import FPM                               # noqa: E402
from wanted import WANTED                                # noqa: E402

needs_fpm = pytest.mark.skipif(not os.access(FPM, os.X_OK), reason="no php-fpm8.2")


def compare(kind):
    """The differences that are not wanted, as they would be printed; or skip."""
    why = mig_sets.reason_to_skip(kind if isinstance(kind, str) else "panel")
    if why:
        pytest.skip(why)
    folder, out = make_folder(), io.StringIO()
    report = mig_compare.Report(out)
    try:
        mig_compare.compare_set(kind, folder, report, quick=True)
    finally:
        shutil.rmtree(folder)
    report.close(whole=False)
    return report, out.getvalue()


@needs_fpm
@pytest.mark.parametrize("kind", ["debian", "wordpress", mig_sets.SmallPanel], ids=["debian", "wordpress", "panel"])
def test_a_moved_configuration_differs_only_where_it_should(kind):
    report, text = compare(kind)
    assert not report.unwanted, text
    assert report.wanted                # the known ones are seen: the comparison looks
    if report.pending:
        pytest.skip("alike but for what is not there yet: " + ", ".join(sorted(report.pending)))


def table_rows():
    with open(os.path.join(REPO, "doc", "manual.md")) as f:
        table = f.read().split("What is different on purpose:", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"(?m)^\| (.*?) \|", table)


def test_every_wanted_difference_stands_in_the_manual():
    rows = table_rows()
    for row in WANTED:
        assert any(x.startswith(row.manual) for x in rows), "the manual's table has no row for '%s'" % row.id
    assert len({row.id for row in WANTED}) == len(WANTED)


def test_a_difference_is_found():
    """Of a comparison that finds nothing, nobody knows whether it looks."""
    out = io.StringIO()
    report = mig_compare.Report(out)
    report.probe("here", "answer: hello", ["status 200", "header X: 1"], ["status 200"])
    report.probe("here", "log: start", ["[TIME] NOTICE: a"], ["[TIME] NOTICE: b"])
    assert [x[2] for x in report.unwanted] == ["- header X: 1", "- [TIME] NOTICE: a", "+ [TIME] NOTICE: b"]
    assert "X: 1" in out.getvalue()


def test_only_what_differs_between_two_runs_is_hidden():
    line = "[25-Nov-2026 12:57:15] WARNING: [pool a] child 17 exited with code 70 after 0.25 seconds from start"
    assert mig_text.lines(line) == ["[TIME] WARNING: [pool a] child P exited with code 70 after N seconds from start"]
    assert mig_text.lines("pm.max_children = 17") == ["pm.max_children = 17"]
