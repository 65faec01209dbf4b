"""strace on a process of the server."""
import signal
import subprocess


class Strace:
    """strace on one thread, with more of its options: what it calls between attaching and stop()."""

    def __init__(self, weir, pid, *options):
        self.out = weir.path("strace")
        self.proc = subprocess.Popen(["strace", "-o", self.out, *options, "-p", str(pid)], stderr=subprocess.PIPE,
                                     text=True)
        weir.before.add(self.proc.pid)
        assert "attached" in self.proc.stderr.readline()

    def stop(self):
        self.proc.send_signal(signal.SIGINT)
        self.proc.wait(20)
        self.proc.stderr.close()
        with open(self.out) as f:
            return [line.split("(")[0] for line in f if "(" in line and "resumed" not in line]
