"""Records on the wire: every type, any split, any padding, any id (FastCGI 1.0, sections 3 to 6)."""
import pytest

from weirtest import PHP_EVENT, fcgi

pytestmark = pytest.mark.event

ECHO = "echo $_SERVER['REQUEST_METHOD'], ' ', $_SERVER['X'] ?? '-', ' ', file_get_contents('php://input');"


@pytest.fixture
def echo(www):
    """The pool, with a script that answers method, param X and body; small(): a small request for it."""
    www.write("e.php", ECHO)

    def small(body=b"", id=1, keep=False, **how):
        p = {"SCRIPT_FILENAME": www.root + "/e.php", "REQUEST_METHOD": "PUT", "X": "x" * 130,
             "CONTENT_LENGTH": len(body)}
        return fcgi.begin(id, keep=keep) + fcgi.params(p, id, **how) + fcgi.stdin(body, id, **how)
    www.small = small
    www.answer = "PUT " + "x" * 130 + " "
    return www


def test_a_request_byte_by_byte(echo):
    data = echo.small(b"body")
    c = echo.connect().send_cut(data, *range(1, len(data)))
    assert c.reply().text == echo.answer + "body"


@pytest.mark.parametrize("padding", [1, 7, 8, 254, 255])
def test_any_padding(echo, padding):
    c = echo.connect().send(echo.small(b"body", padding=padding))
    assert c.reply().text == echo.answer + "body"


@pytest.mark.parametrize("cut", [1, 2, 3, 129])
def test_streams_in_records_of_any_size(echo, cut):
    c = echo.connect().send(echo.small(b"some body", cut=cut, padding=3))
    assert c.reply().text == echo.answer + "some body"


def test_lengths_of_four_bytes_for_short_strings(www):
    www.write("e.php", ECHO)
    p = b"".join(fcgi.pair(n, v, long=True) for n, v in www.params("/e.php", X="y").items())
    c = www.connect().send(fcgi.begin(), fcgi.params(p), fcgi.stdin())
    assert c.reply().text == "GET y "


def test_an_empty_name_and_an_empty_value_are_legal(www):
    www.write("e.php", ECHO)
    p = fcgi.pairs([("", "nameless"), ("X", "")]) + fcgi.pairs(www.params("/e.php"))
    c = www.connect().send(fcgi.begin(), fcgi.params(p), fcgi.stdin())
    assert c.reply().text == "GET  "


@pytest.mark.parametrize("id", [1, 2, 255, 256, 4711, 65535])
def test_the_reply_bears_the_id_of_the_request(echo, id):
    c = echo.connect().send(echo.small(b"b", id=id))
    reply = c.reply(id)
    assert reply.text == echo.answer + "b"
    assert c.replies == {}, "records of another id came"


def test_ids_climb_on_a_kept_connection(echo):
    c = echo.connect()
    for id in (1, 3, 5, 65535, 2):
        c.send(echo.small(b"%d" % id, id=id, keep=True))
        assert c.reply(id).text == echo.answer + str(id)


def test_the_reply_is_whole_and_ends_with_end_request(echo):
    c = echo.connect().send(echo.small(b"b"))
    records = list(iter(c.record, None))
    assert [r.type for r in records if r.type != fcgi.STDOUT] == [fcgi.END]
    assert records[-1].type == fcgi.END and records[-1].content == bytes(8)
    assert all(r.reserved == 0 for r in records)
    assert c.ended_by == "eof"


def test_without_keep_conn_the_connection_is_closed(echo):
    c = echo.connect().send(echo.small())
    assert c.reply().ended and c.at_end() == "eof"


def test_with_keep_conn_it_stays_open_for_the_next(echo):
    c = echo.connect().send(echo.small(b"one", keep=True))
    assert c.reply().text == echo.answer + "one"
    c.send(echo.small(b"two"))
    assert c.reply().text == echo.answer + "two"
    assert c.at_end() == "eof"


def test_two_requests_sent_at_once_are_served_in_order(echo):
    c = echo.connect().send(echo.small(b"first", id=1, keep=True) + echo.small(b"second", id=2))
    first = c.reply(1)
    assert first.text == echo.answer + "first" and (PHP_EVENT or 2 not in c.replies)     # event: in any order
    assert c.reply(2).text == echo.answer + "second"


@pytest.mark.not_event("it can: test_event_mux.py")
def test_a_second_begin_before_the_body_has_ended_cannot_be_served(echo):
    data = echo.small(b"body")
    c = echo.connect().send(data[:-8], fcgi.begin(2))
    assert c.reply(2).protocol_status == fcgi.CANT_MPX_CONN
    c.send(data[-8:])
    assert c.reply(1).text == echo.answer + "body"


def test_get_values_tells_the_truth(echo):
    c = echo.connect().send(fcgi.get_values("FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS", "FCGI_NONSENSE"))
    record = c.record()
    assert (record.type, record.id) == (fcgi.GET_VALUES_RESULT, 0)
    values = record.pairs()
    assert sorted(values) == ["FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"]
    assert values["FCGI_MPXS_CONNS"] == str(int(PHP_EVENT))
    assert int(values["FCGI_MAX_CONNS"]) >= 2 and int(values["FCGI_MAX_REQS"]) >= 2
    c.send(echo.small(b"after"))
    assert c.reply().text == echo.answer + "after"


def test_get_values_answers_only_what_was_asked(www):
    c = www.connect().send(fcgi.get_values("FCGI_MPXS_CONNS"))
    assert c.record().pairs() == {"FCGI_MPXS_CONNS": str(int(PHP_EVENT))}
    c.send(fcgi.get_values())
    assert c.record().pairs() == {}


@pytest.mark.parametrize("type", [12, 77, 255])
def test_an_unknown_management_type_is_named(echo, type):
    c = echo.connect().send(fcgi.record(type, 0, b"whatever", padding=5))
    record = c.record()
    assert (record.type, record.id) == (fcgi.UNKNOWN_TYPE, 0)
    assert record.content == bytes([type]) + bytes(7)
    c.send(echo.small(b"after"))
    assert c.reply().text == echo.answer + "after"


@pytest.mark.parametrize("role", [0, 4, 7, 65535])
def test_an_unknown_role_is_refused(echo, role):
    p = fcgi.params({"SCRIPT_FILENAME": echo.root + "/e.php"}) + fcgi.stdin()
    c = echo.connect().send(fcgi.begin(role=role, keep=True) + p)
    reply = c.reply()
    assert (reply.protocol_status, reply.stdout) == (fcgi.UNKNOWN_ROLE, b"")
    c.send(echo.small(b"after", id=2))
    assert c.reply(2).text == echo.answer + "after"


def test_an_unknown_role_without_keep_conn_closes(echo):
    c = echo.connect().send(fcgi.begin(role=9))
    assert c.reply().protocol_status == fcgi.UNKNOWN_ROLE
    assert c.at_end() == "eof"


@pytest.mark.parametrize("stdin", [b"", fcgi.stdin()], ids=["no stdin", "an empty stdin"])
def test_an_authorizer_needs_no_stdin(echo, stdin):
    """It has none (section 6.3); a front end that closes it nevertheless does no harm."""
    echo.write("auth.php", "header('Variable-WHO: joe'); echo $_SERVER['FCGI_ROLE'], file_get_contents('php://input');")
    p = fcgi.params(echo.params("/auth.php"))
    c = echo.connect().send(fcgi.begin(role=fcgi.AUTHORIZER, keep=True), p, stdin)
    reply = c.reply()
    assert (reply.status, reply.text, reply.header("Variable-WHO")) == (200, "AUTHORIZER", "joe")
    c.send(echo.small(b"after", id=2))
    assert c.reply(2).text == echo.answer + "after"


def test_records_of_ids_that_are_not_active_are_passed_over(echo):
    c = echo.connect().send(fcgi.stdin(b"lost", 9), fcgi.abort(5), fcgi.params({"A": "B"}, 7))
    c.send(echo.small(b"body", id=3))
    assert c.reply(3).text == echo.answer + "body"
    assert c.replies == {}


def test_an_empty_stdin_before_begin_is_tolerated(echo):
    c = echo.connect().send(fcgi.record(fcgi.STDIN, 1), echo.small(b"body"))
    assert c.reply().text == echo.answer + "body"


def test_an_abort_before_the_request_is_whole_ends_it(echo):
    data = fcgi.begin(keep=True) + fcgi.params({"A": "B"}, end=False) + fcgi.abort()
    c = echo.connect().send(data)
    assert c.reply().ended
    c.send(echo.small(b"next", id=2))
    assert c.reply(2).text == echo.answer + "next"
