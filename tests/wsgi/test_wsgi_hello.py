"""sapi = wsgi: the least that must work."""
import apps


def test_hello(weir):
    reply = apps.run(weir, apps.HELLO)
    assert (reply.status, reply.text, reply.app_status) == (200, "hello", 0)
    assert reply.header("Content-Type") == "text/plain"


def test_hello_under_worker(weir):
    pool = apps.pool(weir, apps.HELLO, "mpm = worker\nmpm.threads_per_child = 4")
    weir.start()
    assert [apps.ask(pool).text for _ in range(20)] == ["hello"] * 20
