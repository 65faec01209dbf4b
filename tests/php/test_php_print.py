"""-v, -i and -m beside the real php-fpm's: the same lines, but for what is listed here."""
import re
import subprocess

import pytest

from env_pair import FPM, needs_fpm

pytestmark = needs_fpm

OWN = [                 # what -i says on purpose: php-fpm's line -> Weir's
    (r"php-fpm => active", "FastCGI server => Weir"),
    (r"Configuration File \(php.ini\) Path => (.*)/fpm", r"Configuration File (php.ini) Path => \1/embed"),     # libphp's own
]
PASSING = re.compile(r"Interned Strings (Used|Free) memory|\$_SERVER\['_'\]|_ => |.*REQUEST_TIME|Used memory|Free memory")


def both(weir, *options):
    weir.env["PATH"] = "/usr/bin:/bin"
    weir.pool()
    theirs = subprocess.run([FPM, *options], capture_output=True, text=True, env=weir.environment(), cwd="/",
                            stdin=subprocess.DEVNULL, timeout=60, check=True)
    ours = weir.run(*options)
    assert (ours.returncode, ours.stderr) == (0, "") == (theirs.returncode, theirs.stderr)
    return ours.stdout.splitlines(), theirs.stdout.splitlines()


def without_pcntl(lines):
    """It is compiled into libphp."""
    at = lines.index("pcntl support => enabled")
    return lines[:at - 2] + lines[at + 2:]


@pytest.mark.parametrize("more", [(), ("-n",), ("-d", "opcache.enable=0"), ("-d", "output_buffering=4096")])
def test_version(weir, more):
    ours, theirs = both(weir, *more, "-v")
    assert ours[:-1] == theirs
    assert re.fullmatch(r"Weir [0-9.]+\S*", ours[-1])


@pytest.mark.parametrize("more", [(), ("-n",)])
def test_modules(weir, more):
    ours, theirs = both(weir, *more, "-m")
    ours.remove("pcntl")
    assert ours == theirs


@pytest.mark.parametrize("more", [(), ("-n",), ("-d", "precision=7")])
def test_information(weir, more):
    ours, theirs = both(weir, *more, "-i")
    ours = [line for line in without_pcntl(ours) if not PASSING.match(line)]
    theirs = [line for line in theirs if not PASSING.match(line)]
    for theirs_has, ours_has in OWN:
        theirs = [re.sub("^%s$" % theirs_has, ours_has, line) for line in theirs]
    assert ours == theirs
