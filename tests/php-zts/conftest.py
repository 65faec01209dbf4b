"""Pools of a thread-safe PHP under the worker model. Skipped where none was built: see build beside this file."""
import glob
import os
import re

import pytest

from weirtest import find_binary, find_module_dir, until


def version():
    """The plug-in's version, as in 8.2-zts; None: none was built."""
    folder = find_module_dir() or os.path.join(os.path.dirname(find_binary()), ".libs")
    found = glob.glob(os.path.join(folder, "weir_php*-zts.so"))
    return re.search(r"weir_php([0-9.]+-zts)\.so", found[0])[1] if found else None


class Threads:
    """A pool of one child with four threads, and what these do at the same time."""

    def __init__(self, weir, lines):
        self.weir = weir
        self.pool = weir.pool("php.version = %s\n mpm = worker\n mpm.threads_per_child = 4\n pm.max_children = 1\n%s"
                              % (version(), lines))

    def start(self):
        self.weir.start()
        return self

    def wait(self, code):
        """This code where it says BARRIER: the script tells that it is there, and waits for release()."""
        return code.replace("BARRIER", """
            touch(__DIR__ . '/here-' . $_GET['n']);
            while (!file_exists(__DIR__ . '/release')) { usleep(2000); clearstatcache(); }""")

    def here(self, count):
        until(lambda: len(glob.glob(self.pool.root + "/here-*")) >= count,
              lambda: "%d scripts come to the barrier\n%s" % (count, self.weir.log()))

    def begin(self, code, first=0, count=4, **more):
        """Start so many scripts, numbered from first on, and wait until all are at their barrier."""
        script = self.pool.script(self.wait(code))
        conns = [self.pool.open("%s?n=%d" % (script, first + i), **more) for i in range(count)]
        self.here(first + count)
        return conns

    def release(self):
        self.pool.release()

    def together(self, code, **more):
        """Run it in all slots at the same time: the replies."""
        conns = self.begin(code, **more)
        self.release()
        replies = [c.reply() for c in conns]
        self.again()
        return replies

    def again(self):
        """Another barrier."""
        for name in glob.glob(self.pool.root + "/here-*") + [self.pool.root + "/release"]:
            os.remove(name)


@pytest.fixture
def threads(weir):
    """threads(lines): not started yet."""
    if version() is None:
        pytest.skip("no plug-in of a thread-safe PHP: run tests/php-zts/build, then configure --with-php of it")
    return lambda lines="": Threads(weir, lines)
