"""soak_load.py -- load for the long tests: weirbench beside a test, HTTP clients for a time, and what a tree of
processes holds. WEIR_BENCH names weirbench; without it, it is looked for beside the server."""
import collections
import http.client
import json
import os
import subprocess
import threading
import time

from weirtest import find_binary, proc


def bench_program():
    return os.environ.get("WEIR_BENCH") or os.path.join(os.path.dirname(find_binary()), "weirbench")


class Load:
    """weirbench under way. Its figures: .result()."""

    def __init__(self, pool, uri, *options):
        command = [bench_program(), "--json", "--docroot", pool.root, "--uri", uri, *map(str, options), pool.address]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        pool.weir.before.add(self.process.pid)

    def result(self):
        out, err = self.process.communicate(timeout=120)
        assert self.process.returncode in (0, 1), err
        return json.loads(out)


def load(pool, uri, *options):
    """Run weirbench to its end: its figures."""
    return Load(pool, uri, *options).result()


def failures(figures):
    """Requests that failed, by kind, without the kinds of which there were none."""
    return {kind: n for kind, n in figures["errors_by_kind"].items() if n}


class Clients:
    """HTTP clients at once, each on one connection of its own; tally counts statuses and names of exceptions."""

    def __init__(self, web, uri, clients, seconds=None, each=None, timeout=20):
        self.web, self.uri, self.timeout = web, uri, timeout
        self.each, self.until = each, seconds and time.monotonic() + seconds
        self.tally, self.lock = collections.Counter(), threading.Lock()
        self.threads = [threading.Thread(target=self.client) for _ in range(clients)]
        for t in self.threads:
            t.start()
        for t in self.threads:
            t.join()

    def go_on(self, done):
        return done < self.each if self.each else time.monotonic() < self.until

    def client(self):
        seen, done, connection = collections.Counter(), 0, None
        while self.go_on(done):
            connection = connection or http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=self.timeout)
            done += 1
            try:
                connection.request("GET", self.uri)
                answer = connection.getresponse()
                answer.read()
                seen[answer.status] += 1
                continue
            except (OSError, http.client.HTTPException) as e:
                seen[type(e).__name__] += 1
            connection.close()
            connection = None
        if connection:
            connection.close()
        with self.lock:
            self.tally += seen


def holdings(weir):
    """What the server holds: [(title, number of descriptors)] of all its processes."""
    return sorted((proc.cmdline(pid), len(proc.descriptors(pid))) for pid in weir.tree())


def wakeups(pid):
    """How often a process went to sleep of its own will, and so was woken."""
    return int(proc.status(pid, "voluntary_ctxt_switches"))
