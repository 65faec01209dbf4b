"""cppcheck.py -- cppcheck finds nothing, but for what cppcheck.supp lists with its reason. Skipped without it."""
import os
import shutil
import subprocess
import sys

from lint import TOP

if not shutil.which("cppcheck"):
    print("no cppcheck")
    sys.exit(77)
here = TOP / "tests/lint"
sys.exit(subprocess.run(
    ["cppcheck", "--quiet", "--enable=warning,performance,portability", "--std=c11", "--inline-suppr",
     "--error-exitcode=1", "-j", str(min(os.cpu_count() or 1, 4)), "-I", ".", "-D_GNU_SOURCE", "-D__linux__",
     "--library=%s" % (here / "cppcheck.cfg"), "--suppressions-list=%s" % (here / "cppcheck.supp"),
     "--suppress=missingInclude", "src", "pool", "mpm", "sapi"], cwd=TOP).returncode)
