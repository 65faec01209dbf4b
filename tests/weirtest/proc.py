"""Processes as /proc shows them."""
import ctypes
import os
import signal


def become_subreaper():
    """Orphans below us become our children: so a killed master's leftovers can be found, and are reaped."""
    ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)


def end_with_parent():
    """For Popen's preexec_fn: a server of ours ends when the test program is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)


def _read(pid, name, mode="r"):
    try:
        with open("/proc/%d/%s" % (pid, name), mode) as f:
            return f.read()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return "" if mode == "r" else b""


def stat(pid):
    """(state, parent) or None."""
    fields = _read(pid, "stat").rpartition(") ")[2].split()
    return (fields[0], int(fields[1])) if len(fields) > 1 else None


def alive(pid):
    s = stat(pid)
    return s is not None and s[0] not in "ZX"


def sleeping(pid):
    s = stat(pid)
    return s is not None and s[0] == "S"


def cmdline(pid):
    """The whole of /proc/PID/cmdline as ps shows it."""
    return _read(pid, "cmdline", "rb").rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")


def descendants(root, without=()):
    """Living processes below root, oldest pid first; neither those in without nor what is below them."""
    parents, states = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            s = stat(int(name))
            if s:
                states[int(name)], parents[int(name)] = s
    below = {root}
    grown = True
    while grown:
        more = {p for p, parent in parents.items() if parent in below and p not in without} - below
        below |= more
        grown = bool(more)
    return sorted(p for p in below - {root} if states[p] not in "ZX")


def zombies(parent):
    """Dead children that parent has not reaped."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            s = stat(int(name))
            if s and s[0] == "Z" and s[1] == parent:
                found.append(int(name))
    return found


def status(pid, field):
    """One line of /proc/PID/status, as text ("" when the process has gone)."""
    for line in _read(pid, "status").splitlines():
        if line.startswith(field + ":"):
            return line.split(":", 1)[1].strip()
    return ""


def rss_kib(pid):
    return int((status(pid, "VmRSS") or "0").split()[0])


def private_kib(pid):
    """Memory that this process alone holds; what it shares with its parent does not count, nor do a file's clean
    pages, which are its own only as long as no other server on the machine has the same library in use."""
    total = 0
    for line in _read(pid, "smaps_rollup").splitlines():
        if line.startswith("Private_Dirty:"):
            total += int(line.split()[1])
    return total


def uid(pid):
    return int((status(pid, "Uid") or "-1").split()[0])


def limit(pid, name):
    """(soft, hard) of a line of /proc/PID/limits, as text."""
    for line in _read(pid, "limits").splitlines():
        if line.startswith(name):
            return tuple(line[len(name):].split()[:2])
    return None


def nice(pid):
    return int(_read(pid, "stat").rpartition(") ")[2].split()[16])


def threads(pid):
    return int(status(pid, "Threads") or 0)


def descriptors(pid):
    """What each descriptor of a process points to."""
    try:
        names = os.listdir("/proc/%d/fd" % pid)
    except (FileNotFoundError, PermissionError):
        return []
    out = []
    for n in names:
        try:
            out.append(os.readlink("/proc/%d/fd/%s" % (pid, n)))
        except OSError:
            pass
    return out
