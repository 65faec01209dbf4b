"""Clients that ask all the time, in threads, until told to stop."""
import threading
import time


class Load:
    """with Load(pool, "/x.php", clients=4) as load: ...  Afterwards: load.good (replies), load.bad (ids of requests
    that got no whole 200), load.seconds (of each good one)."""

    def __init__(self, pool, uri, clients=4, keep=False, **params):
        self.pool, self.uri, self.keep, self.params = pool, uri, keep, params
        self.good, self.bad, self.seconds = [], {}, []
        self.over, self.count = threading.Event(), 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.client) for _ in range(clients)]

    def client(self):
        c = None
        while not self.over.is_set():
            with self.lock:
                self.count += 1
                name = "load-%d" % self.count
            began = time.monotonic()
            try:
                c = c or self.pool.connect()
                c.send(self.pool.request(self.uri, keep=self.keep, HTTP_X_REQUEST_ID=name, **self.params))
                reply = c.reply()
                ok = reply.ended and reply.status == 200
            except OSError as e:
                ok, reply = False, repr(e)
            if ok:
                self.good.append(reply)
                self.seconds.append(time.monotonic() - began)
            else:
                self.bad[name] = reply
            if not ok or not self.keep:
                c = c and c.close()
        if c:
            c.close()

    def p(self, percent):
        """The time that so many percent of the good ones kept to."""
        return sorted(self.seconds)[int(len(self.seconds) * percent / 100)]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        for t in self.threads:
            t.join()


def for_seconds(seconds, act):
    """Do act() again and again for so long: how often."""
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        act()
        count += 1
    return count
