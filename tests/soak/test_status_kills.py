"""A thousand kills under load, and a status page a hundred times a second: no page is lost, and no figure is impossible."""
import json
import os
import random
import signal
import threading
import time

import pytest

from load import Load
from weirtest import fcgi, until

KILLS, CHILDREN = 1000, 8


@pytest.mark.seconds(300)
def test_no_page_is_lost_under_a_thousand_kills(weir):
    www = weir.pool("pm.max_children = %d\n pm.status_listen = %s" % (CHILDREN, weir.path("run", "status.sock")))
    www.write("page.php", "usleep(3000); echo 'whole';")
    weir.start()
    stop, faults, waits = threading.Event(), [], []

    def scrape():
        accepted = 0
        while not stop.is_set():
            began = time.monotonic()
            with fcgi.Connection(www.last("pm.status_listen"), timeout=5) as c:
                page = json.loads(c.send(www.request("/?json&full")).reply().text)
            waits.append(time.monotonic() - began)
            if not (page["active processes"] <= page["max active processes"] <= CHILDREN
                    and page["total processes"] == len(page["processes"]) <= CHILDREN
                    and page["accepted conn"] >= accepted):
                faults.append(page)
            accepted = page["accepted conn"]
            time.sleep(max(0.0, 0.01 - (time.monotonic() - began)))

    def guarded():
        try:
            scrape()
        except Exception as e:          # a lost page is a fault, not the end of the test
            faults.append(repr(e))
    reader = threading.Thread(target=guarded)
    dice, kills = random.Random(3), 0
    with Load(www, "/page.php", clients=6):
        reader.start()
        while kills < KILLS:
            living = www.children()
            if living:
                os.kill(dice.choice(living), signal.SIGKILL)
                kills += 1
            time.sleep(0.01)
        stop.set()
        reader.join()
    assert faults == [] and len(waits) > 500
    assert sorted(waits)[len(waits) * 99 // 100] < 0.25, "99 of 100 pages took up to %g s" % sorted(waits)[-1]
    until(lambda: len(www.children()) == CHILDREN, "all children are back", 60)
    with fcgi.Connection(www.last("pm.status_listen")) as c:
        page = json.loads(c.send(www.request("/?json")).reply().text)
    assert page["idle processes"] == CHILDREN
