"""The shortest way through everything."""
from weirtest import fcgi


def test_a_script_answers(www):
    www.write("hello.php", "echo 'hello';")
    reply = www.get("/hello.php")
    assert (reply.status, reply.body) == (200, b"hello")
    assert (reply.app_status, reply.protocol_status) == (0, fcgi.COMPLETE)


def test_through_nginx(www, nginx):
    www.write("hello.php", "echo 'hello ', $_GET['who'];")
    answer = nginx(www).get("/hello.php?who=you")
    assert (answer.status, answer.text) == (200, "hello you")


def test_every_process_shows_its_title(www):
    weir = www.weir
    assert [len(weir.pids(kind, "www")) for kind in ("pool", "zygote", "child")] == [1, 1, 2]
    assert weir.pids("master") == [weir.master]
