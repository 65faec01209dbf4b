"""A real application through a real web server: pages, log-in, an edit saved."""
from weirtest import dokuwiki


def log_in(web):
    page = web.get("/doku.php?id=start&do=login")
    return web.post("/doku.php?id=start", {"do": "login", "id": "start", "u": dokuwiki.USER, "p": dokuwiki.PASSWORD,
                                           "sectok": dokuwiki.field(page.text, "sectok")})


def test_a_page(wiki):
    answer = wiki.get("/doku.php?id=start")
    assert answer.status == 404 or answer.status == 200
    assert "Weir test wiki" in answer.text and "</html>" in answer.text


def test_static_files_and_scripts_of_the_theme(wiki):
    page = wiki.get("/doku.php?id=wiki:welcome").text
    assert "lib/exe/css.php" in page
    for path in ("/lib/exe/css.php?t=dokuwiki", "/lib/exe/js.php?t=dokuwiki"):
        answer = wiki.get(path)
        assert answer.status == 200 and len(answer.body) > 10000, path


def test_log_in(wiki):
    assert "Logged in as" not in wiki.get("/doku.php?id=start").text
    log_in(wiki)
    assert "Logged in as" in wiki.get("/doku.php?id=start").text


def test_a_wrong_password(wiki):
    page = wiki.get("/doku.php?id=start&do=login")
    answer = wiki.post("/doku.php?id=start", {"do": "login", "u": dokuwiki.USER, "p": "wrong",
                                              "sectok": dokuwiki.field(page.text, "sectok")})
    assert "username or password was wrong" in answer.text


def test_an_edit_is_saved(wiki):
    log_in(wiki)
    form = wiki.get("/doku.php?id=test:page&do=edit").text
    text = "====== Made by a test ======\n\nWords with **weight** & \u00fcmlauts.\n" + "A long line. " * 2000
    fields = {n: dokuwiki.field(form, n) for n in ("sectok", "rev", "date", "prefix", "suffix", "changecheck")}
    saved = wiki.post("/doku.php", {"id": "test:page", "do": "save", "do[save]": "Save", "wikitext": text,
                                    "summary": "by a test", **fields})
    assert saved.status in (200, 302, 303), saved.text[:500]
    with open(dokuwiki.page_file(wiki.folder, "test/page")) as f:
        assert f.read().rstrip("\n") == text.rstrip("\n")
    shown = wiki.get("/doku.php?id=test:page").text
    assert "Made by a test" in shown and "<strong>weight</strong>" in shown and "\u00fcmlauts" in shown


def test_many_readers_at_once(wiki):
    wiki.get("/doku.php?id=start")
    answers = wiki.many("/doku.php?id=wiki:dokuwiki", clients=10, each=3)
    assert {getattr(a, "status", a) for a in answers} <= {200, 404}
    assert len(answers) == 30 and all("</html>" in a.text for a in answers)
