"""What /proc tells of a server: its whole tree of processes, their CPU time, memory and wake-ups.
Reads only; a process that ends meanwhile counts as gone."""
import os
import re

TICKS = os.sysconf("SC_CLK_TCK")


def _read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def _stat(pid):
    """Fields of /proc/PID/stat behind the name: index 0 is field 3 of proc(5)."""
    text = _read("/proc/%d/stat" % pid)
    return text[text.rindex(b")") + 2:].split() if b")" in text else None


def tree(root):
    """The process and all its descendants, parents first."""
    children = {}
    for name in os.listdir("/proc"):
        fields = _stat(int(name)) if name.isdigit() else None
        if fields:
            children.setdefault(int(fields[1]), []).append(int(name))
    found = [root] if _stat(root) else []
    for pid in found:                   # grows while it is walked
        found += children.get(pid, [])
    return found


def birth(pid):
    """When the process began, which tells it from a later one of the same number; None: gone, or a zombie."""
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] != b"Z" else None


def cpu_seconds(root):
    """User and system time of the tree, with that of its dead that have been waited for."""
    total = 0
    for pid in tree(root):
        fields = _stat(pid)
        if fields:
            total += sum(int(n) for n in fields[11:15])    # utime, stime, cutime, cstime
    return total / TICKS


def _rollup(root, kinds):
    pattern = re.compile(rb"^(?:%s):\s+(\d+) kB" % kinds, re.M)
    return sum(int(n) for pid in tree(root) for n in pattern.findall(_read("/proc/%d/smaps_rollup" % pid)))


def pss_kib(root):
    """Proportional set size of the tree: shared pages are shared out among those that map them."""
    return _rollup(root, b"Pss")


def pss_unfiled_kib(root):
    """The same without mapped files, whose pages are shared with whatever else runs on the machine."""
    return _rollup(root, b"Pss_Anon|Pss_Shmem")


def running(program):
    """Processes that run this program."""
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.path.samefile("/proc/%s/exe" % name, program):
                found.append(int(name))
        except OSError:
            pass
    return found


def wakeups(root):
    """How often the threads of the tree have gone to sleep of their own will, and so been woken."""
    total = 0
    for pid in tree(root):
        try:
            threads = os.listdir("/proc/%d/task" % pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
        for tid in threads:
            m = re.search(rb"^voluntary_ctxt_switches:\s+(\d+)", _read("/proc/%d/task/%s/status" % (pid, tid)), re.M)
            total += int(m[1]) if m else 0
    return total


def title(pid):
    return _read("/proc/%d/cmdline" % pid).replace(b"\0", b" ").decode(errors="replace").strip()


def machine():
    """One line about what this was measured on."""
    text = _read("/proc/cpuinfo").decode(errors="replace")
    m = re.search(r"^model name\s*:\s*(.+)$", text, re.M)
    return "%s, %d CPUs, Linux %s" % (m[1].strip() if m else "unknown CPU", os.cpu_count(), os.uname().release)
