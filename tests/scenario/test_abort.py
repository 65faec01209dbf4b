"""FCGI_ABORT_REQUEST while the application runs and reads nothing: it is told within a tenth of a second or two, wherever
the record lies. With the tests' own SAPI, under both models."""
import pytest

from weirtest import fcgi, never_within

LINES = {"prefork": "", "worker": "mpm = worker\n mpm.threads_per_child = 2"}


@pytest.fixture(params=["prefork", pytest.param("worker", marks=pytest.mark.threads)])
def one(request, weir):
    pool = weir.pool("sapi = echo\n security.limit_extensions =\n pm.max_children = 1\n" + LINES[request.param])
    weir.start()
    return pool


def parts(pool, do, body=None):
    """Head and body of a request that does this."""
    params = pool.params("/x", body, ECHO_DO=do, ECHO_FOLDER=pool.root)
    return fcgi.begin(keep=True) + fcgi.params(params), fcgi.stdin(body or b"")


HOW = {
    "in the same read": lambda head, end: (head + end + fcgi.abort(), b""),
    "behind the request": lambda head, end: (head + end, fcgi.abort()),
    "behind a question": lambda head, end: (head + end + fcgi.get_values("FCGI_MAX_CONNS"), fcgi.abort()),
    "behind a question, together": lambda head, end: (head + end, fcgi.get_values("FCGI_MAX_CONNS") + fcgi.abort()),
    "both with the end of input": lambda head, end: (head, end + fcgi.abort()),
    "in the place of it": lambda head, end: (head, fcgi.abort()),
}


@pytest.mark.parametrize("body", [None, b"not read"], ids=["plain", "body"])
@pytest.mark.parametrize("how", HOW)
def test_an_application_that_does_not_read_is_told(one, how, body):
    """It goes on until it is: without, there would be no answer."""
    first, then = HOW[how](*parts(one, "until-gone", body))
    c = one.connect().send(first)
    if then:
        never_within(lambda: not c.silent(), 0.3, "an answer")
        c.send(then)
    assert c.reply().ended
    c.send(one.request("/x", keep=True, ECHO_DO="print=next"))
    assert c.reply().text == "next"


def test_that_of_the_next_request_is_no_sign(one):
    head, end = parts(one, "hold print=whole")
    c = one.connect().send(head + end + fcgi.begin(keep=True) + fcgi.abort())
    never_within(lambda: not c.silent(), 0.5, "an answer")
    one.release()
    assert c.reply().text == "whole"
    assert c.reply().ended


def test_a_body_is_no_abort(one):
    """Bytes that look like the record, in front of the application that has not read them."""
    head, end = parts(one, "hold print=whole", fcgi.abort() * 9)
    c = one.connect().send(head + end)
    never_within(lambda: not c.silent(), 0.5, "an answer")
    one.release()
    assert c.reply().text == "whole"
