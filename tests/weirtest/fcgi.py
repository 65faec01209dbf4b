"""A FastCGI client that can send any bytes (FastCGI 1.0; section numbers are the specification's)."""
import array
import fcntl
import socket
import struct
import termios

from .wait import until

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES, GET_VALUES_RESULT, UNKNOWN_TYPE = range(1, 12)
RESPONDER, AUTHORIZER, FILTER = 1, 2, 3
COMPLETE, CANT_MPX_CONN, OVERLOADED, UNKNOWN_ROLE = range(4)
KEEP = 1


# ---- bytes to send

def record(type, id, content=b"", padding=0, version=1, length=None, pad_byte=b"P"):
    """One record; length may lie."""
    size = len(content) if length is None else length
    return struct.pack(">BBHHBB", version, type, id, size, padding, 0) + content + pad_byte * padding


def begin(id=1, role=RESPONDER, keep=False, flags=None):
    return record(BEGIN, id, struct.pack(">HB5x", role, (KEEP if keep else 0) if flags is None else flags))


def abort(id=1):
    return record(ABORT, id)


def size(n, long=False):
    """A length of section 3.4: one byte, or four."""
    return struct.pack(">I", n | 0x80000000) if n > 127 or long else struct.pack(">B", n)


def pair(name, value, long=False):
    name, value = _bytes(name), _bytes(value)
    return size(len(name), long) + size(len(value), long) + name + value


def pairs(params):
    items = params.items() if isinstance(params, dict) else params
    return b"".join(pair(n, v) for n, v in items)


def stream(type, data, id=1, end=True, cut=65535, padding=0):
    """A stream's bytes in records of at most cut bytes, and its empty last record."""
    out = [record(type, id, data[i:i + cut], padding) for i in range(0, len(data), cut)]
    return b"".join(out + ([record(type, id)] if end else []))


def params(what, id=1, end=True, **how):
    return stream(PARAMS, what if isinstance(what, bytes) else pairs(what), id, end, **how)


def stdin(data=b"", id=1, end=True, **how):
    return stream(STDIN, data, id, end, **how)


def get_values(*names):
    return record(GET_VALUES, 0, pairs([(n, "") for n in names]))


def _bytes(x):
    return x if isinstance(x, bytes) else str(x).encode()


# ---- what comes back

class Record:
    def __init__(self, type, id, content, padding, reserved):
        self.type, self.id, self.content, self.padding, self.reserved = type, id, content, padding, reserved

    def pairs(self):
        out, data = {}, self.content
        while data:
            (name_len, data), (value_len, data) = (lambda a: (a, _take_size(a[1])))(_take_size(data))
            out[data[:name_len].decode()] = data[name_len:name_len + value_len].decode()
            data = data[name_len + value_len:]
        return out

    def __repr__(self):
        return "<record %d id %d %r>" % (self.type, self.id, self.content[:60])


def _take_size(data):
    if data[0] < 128:
        return data[0], data[1:]
    return struct.unpack(">I", data[:4])[0] & 0x7fffffff, data[4:]


class Reply:
    """All that came for one request."""

    def __init__(self, id):
        self.id = id
        self.stdout, self.stderr = bytearray(), bytearray()
        self.types = []                 # of its records, in order
        self.app_status = self.protocol_status = None   # None: no END_REQUEST came

    def add(self, rec):
        self.types.append(rec.type)
        if rec.type == STDOUT:
            self.stdout += rec.content
        elif rec.type == STDERR:
            self.stderr += rec.content
        elif rec.type == END:
            self.app_status, self.protocol_status = struct.unpack(">IB3x", rec.content)

    @property
    def ended(self):
        return self.protocol_status is not None

    def _split(self):
        head, blank, body = bytes(self.stdout).partition(b"\r\n\r\n")
        return (head, body) if blank else (b"", bytes(self.stdout))

    @property
    def headers(self):
        """[(name, value)] in the order in which they came."""
        lines = self._split()[0].decode("latin-1").split("\r\n")
        return [tuple(x.strip() for x in line.split(":", 1)) for line in lines if ":" in line]

    def header(self, name):
        """The value of a header, or None; of several, joined by a comma."""
        found = [v for n, v in self.headers if n.lower() == name.lower()]
        return ", ".join(found) if found else None

    @property
    def status(self):
        """As the web server takes it: the Status header, 200 without one, None when nothing came."""
        if not self.stdout:
            return None
        return int((self.header("Status") or "200").split()[0])

    @property
    def body(self):
        return self._split()[1]

    @property
    def text(self):
        return self.body.decode(errors="replace")

    def __repr__(self):
        return "<reply %d: %s, %d bytes %r, stderr %r, end %s/%s>" % (
            self.id, self.status, len(self.stdout), bytes(self.stdout[:200]), bytes(self.stderr[:200]),
            self.app_status, self.protocol_status)


class Connection:
    """One connection to a pool. address: "/path", "@abstract", "127.0.0.1:9000" or "[::1]:9000"."""

    def __init__(self, address, timeout=30):
        if address[0] in "/@":
            self.sock = socket.socket(socket.AF_UNIX)
            target = "\0" + address[1:] if address[0] == "@" else address
        else:
            host, _, port = address.rpartition(":")
            host = host.strip("[]")
            self.sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            target = (host, int(port))
        self.sock.settimeout(timeout)
        self.sock.connect(target)
        self.unread = bytearray()
        self.replies = {}               # those under way, by id
        self.ended_by = None            # "eof" or "reset"

    def send(self, *parts):
        """Send it all. A server that closed in between is no error here: the reply tells."""
        try:
            self.sock.sendall(b"".join(parts))
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def send_cut(self, data, *cuts):
        """Send data in pieces, each only when the server has taken the one before. Unix sockets only."""
        start = 0
        for cut in list(cuts) + [len(data)]:
            self.sock.sendall(data[start:cut])
            until(self.taken, "the server takes bytes %d to %d" % (start, cut))
            start = cut
        return self

    def taken(self):
        """Has the server read all that was sent? (SIOCOUTQ of a Unix socket counts what its peer has not read.)"""
        left = array.array("i", [0])
        fcntl.ioctl(self.sock, termios.TIOCOUTQ, left)
        return left[0] == 0

    def _fill(self):
        if self.ended_by:
            return False
        try:
            data = self.sock.recv(1 << 18)
        except (ConnectionResetError, BrokenPipeError):
            self.ended_by = "reset"
            return False
        if not data:
            self.ended_by = "eof"
        self.unread += data
        return bool(data)

    def record(self):
        """The next record, whatever its id; None at the end of the connection."""
        while len(self.unread) < 8:
            if not self._fill():
                assert not self.unread or self.ended_by == "reset", "cut inside a header: %r" % self.unread
                return None
        version, type, id, length, padding, reserved = struct.unpack(">BBHHBB", self.unread[:8])
        assert version == 1, "not a FastCGI record: %r" % bytes(self.unread[:8])
        while len(self.unread) < 8 + length + padding:
            if not self._fill():
                return None
        rec = Record(type, id, bytes(self.unread[8:8 + length]), padding, reserved)
        del self.unread[:8 + length + padding]
        return rec

    def reply(self, id=1):
        """Read up to the END_REQUEST of this id, or the connection's end. Records of other ids are kept for
        their own reply(), management records in reply(0)."""
        while not (id in self.replies and self.replies[id].ended):
            rec = self.record()
            if rec is None:
                break
            self.replies.setdefault(rec.id, Reply(rec.id)).add(rec)
        return self.replies.pop(id, Reply(id))

    def read_some(self):
        """Records of one reply as they come: wait for the next STDOUT bytes."""
        rec = self.record()
        while rec is not None and not (rec.type == STDOUT and rec.content):
            rec = self.record()
        return rec.content if rec else b""

    def at_end(self):
        """Wait until the server closes: "eof" or "reset". Anything else that comes fails the test."""
        rec = self.record()
        assert rec is None, "the connection was to be closed, but this came: %r" % rec
        return self.ended_by

    def silent(self):
        """Is there nothing to read at this moment, and is the connection open?"""
        timeout = self.sock.gettimeout()
        self.sock.setblocking(False)
        try:
            self.sock.recv(1, socket.MSG_PEEK)          # a byte, or the end: something came
            return False
        except BlockingIOError:
            return not self.unread
        except ConnectionResetError:
            return False
        finally:
            self.sock.settimeout(timeout)

    def shut(self):
        """No more bytes from us; reading goes on."""
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def reset(self):
        """Close so that the peer sees a reset (TCP)."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
