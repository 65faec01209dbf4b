"""FastCGI byte streams out of a seed, and what an application answers to them."""
import random
import socket
import struct

from weirtest import fcgi

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"
SIZES = [0, 1, 2, 126, 127, 128, 129, 255, 256, 1000, 8191, 8192, 8193, 20000]
BODIES = [0, 1, 7, 8, 8191, 8192, 8193, 65535, 65536, 70001, 200000]


class Request:
    """One request in the making: its parts can be changed before bytes() is asked."""

    def __init__(self, dice, id=None, keep=False, role=fcgi.RESPONDER):
        self.dice, self.keep, self.role = dice, keep, role
        self.id = id or dice.choice([1, 1, 2, 255, 256, 65535, dice.randint(1, 65535)])
        self.params = [(self.name(), self.value()) for _ in range(dice.randint(0, 12))]
        if dice.random() < 0.3:
            self.params += dice.sample(self.params, min(2, len(self.params)))       # names given twice
        self.body = b"" if role == fcgi.AUTHORIZER else dice.randbytes(dice.choice(BODIES))
        if dice.random() < 0.3:
            self.params.append((b"ECHO_STATUS", b"%d" % dice.randint(0, 0x7fffffff)))
        if dice.random() < 0.3:
            self.params.append((b"ECHO_ERROR", b"error text " * dice.randint(1, 100)))
        if dice.random() < 0.3:
            self.params.append((b"ECHO_BYTES", b"%d" % dice.choice([1, 8000, 65535, 65536, 300000])))

    def name(self):
        d = self.dice
        return bytes(d.choices(ALPHABET, k=d.choice([1, 5, 20, 127, 128, 300])))

    def value(self):
        d = self.dice
        return d.randbytes(d.choice(SIZES)) if d.random() < 0.5 else bytes(d.choices(ALPHABET, k=d.choice(SIZES)))

    def how(self):
        d = self.dice
        return {"cut": d.choice([1000, 4096, 65535, d.randint(50, 65535)]),
                "padding": d.choice([0, 0, 7, d.randint(0, 255)])}

    def pairs(self):
        return b"".join(fcgi.pair(n, v, long=self.dice.random() < 0.2) for n, v in self.params)

    def pieces(self):
        """Its records: BEGIN, those of PARAMS, those of STDIN."""
        out = [fcgi.begin(self.id, self.role, self.keep,
                          flags=(1 if self.keep else 0) | self.dice.choice([0, 0, 0xfe]))]
        out += records(fcgi.params(self.pairs(), self.id, **self.how()))
        if self.role != fcgi.AUTHORIZER:
            out += records(fcgi.stdin(self.body, self.id, **self.how()))
        return out

    def bytes(self):
        return b"".join(self.pieces())


def records(data):
    """A stream of bytes cut at its records' borders."""
    out, at = [], 0
    while at < len(data):
        length, padding = struct.unpack(">HB", data[at + 4:at + 7])
        out.append(data[at:at + 8 + length + padding])
        at += 8 + length + padding
    return out


def dice_for(kind, seed):
    return random.Random("%s %d" % (kind, seed))


class Transcript:
    """All that came on a connection."""

    def __init__(self):
        self.replies = []               # (id, stdout, stderr, appStatus, protocolStatus) in the order of their ends
        self.management = []            # (type, what): UNKNOWN_TYPE's type; the names of GET_VALUES_RESULT
        self.end = "open"               # "closed" or, when it stayed open, "open"

    def key(self):
        return (self.replies, self.management, self.end)

    def served(self):
        """The replies that the application gave."""
        return [r for r in self.replies if b"\r\n\r\nrole=" in r[1] and r[4] == fcgi.COMPLETE]

    def __repr__(self):
        show = [(i, out[:80], err[:20], a, p) for i, out, err, a, p in self.replies]
        return "replies %r, management %r, %s" % (show, self.management, self.end)


def take(transcript, connection, wanted=None):
    """Read until the reply of the id wanted has ended, or the connection has."""
    open_replies = {}
    while True:
        rec = connection.record()
        if rec is None:
            transcript.end = "closed"
            transcript.replies += [(r.id, bytes(r.stdout), bytes(r.stderr), None, None) for r in open_replies.values()
                                   if r.stdout or r.stderr]
            return
        if rec.id == 0:
            what = sorted(rec.pairs()) if rec.type == fcgi.GET_VALUES_RESULT else rec.content[0]
            transcript.management.append((rec.type, what))
            continue
        reply = open_replies.setdefault(rec.id, fcgi.Reply(rec.id))
        reply.add(rec)
        if rec.type == fcgi.END:
            del open_replies[rec.id]
            transcript.replies.append((rec.id, bytes(reply.stdout), bytes(reply.stderr), reply.app_status,
                                       reply.protocol_status))
            if rec.id == wanted:
                return


def talk(address, turns, cuts=None):
    """Send requests one after the other, each when the one before has been answered: [(id, bytes)]."""
    out = Transcript()
    with fcgi.Connection(address, timeout=10) as c:
        for id, data in turns:
            if cuts:
                c.send_cut(data, *sorted({cuts.randrange(1, len(data)) for _ in range(5)}))
            else:
                c.send(data)
            take(out, c, id)
            if out.end == "closed":
                break
        else:
            probe_end(out, c)
    return out


def probe_end(transcript, connection):
    """Does the server close now? It has had a request without KEEP_CONN, or not; ask it one thing more."""
    connection.send(fcgi.record(99, 0))
    rec = connection.record()
    transcript.end = "open" if rec is not None and rec.type == fcgi.UNKNOWN_TYPE else "closed"


def pour(address, data):
    """Send everything, say that no more comes, and read to the end."""
    out = Transcript()
    with fcgi.Connection(address, timeout=10) as c:
        c.send(data)
        try:
            c.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        take(out, c)
    return out
