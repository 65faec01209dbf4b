"""sapi = wsgi: programs that nobody wrote for it, behind a real nginx: Flask, Django with its admin, Mercurial, Radicale."""
import os
import re
import shutil
import subprocess

import pytest

import apps
import django_site
from weirtest.server import AS_ROOT, POOL_USER

PYTHON = "/usr/bin/python3"
MODELS = {"prefork": "", "worker": "mpm = worker\nmpm.threads_per_child = 4",
          "event": "mpm = event\nmpm.threads_per_child = 4"}


def has(module):
    return subprocess.run([PYTHON, "-c", "import " + module], stderr=subprocess.DEVNULL).returncode == 0


def needs(module, package):
    return pytest.mark.skipif(not has(module), reason="needs Debian's " + package)


def folder(weir, name):
    path = weir.path("apps", name)
    os.makedirs(path)
    os.chmod(weir.path("apps"), 0o755)
    return path


def give(path):
    """To the pool's user."""
    if AS_ROOT:
        for place, folders, files in os.walk(path):
            for name in [place] + [os.path.join(place, f) for f in files]:
                shutil.chown(name, POOL_USER, POOL_USER)


def serve(weir, nginx, application, lines, location="/"):
    pool = weir.pool("sapi = wsgi\nwsgi.application = %s\n%s" % (application, lines))
    done = weir.run("-t")
    assert done.returncode == 0, done.stderr
    weir.start()
    return nginx(pool, keepalive=4, extra="} location %s { include /etc/nginx/fastcgi_params; fastcgi_pass app; "
                 "fastcgi_param HTTP_HOST $http_host; fastcgi_keep_conn on;" % location)


FLASK = """
from flask import Flask, Response, jsonify, redirect, request, send_file, session, url_for
app = Flask(__name__)
app.secret_key = "for a test only"
@app.route("/hello/<name>")
def hello(name):
    return "hello " + name
@app.route("/json", methods=["POST"])
def json():
    return jsonify(got=request.get_json(), root=request.script_root, url=url_for("hello", name="x", _external=True))
@app.route("/upload", methods=["POST"])
def upload():
    return "%d %s" % (len(request.files["f"].read()), request.form["word"])
@app.route("/stream")
def stream():
    return Response((("line %d\\n" % i) for i in range(5)), mimetype="text/plain")
@app.route("/file")
def file():
    return send_file(__file__, mimetype="text/plain")
@app.route("/count")
def count():
    session["n"] = session.get("n", 0) + 1
    return str(session["n"])
@app.route("/go")
def go():
    return redirect(url_for("hello", name="there"))
@app.route("/fails")
def fails():
    raise KeyError("in a view")
"""


@needs("flask", "python3-flask")
@pytest.mark.parametrize("model", list(MODELS))
def test_flask(weir, nginx, model):
    path = apps.write(weir, "shop.py", FLASK)
    web = serve(weir, nginx, path + ":app", MODELS[model] + "\nwsgi.mount = /shop", "/shop")
    assert web.get("/shop/hello/w%C3%B6rld").text == "hello wörld"
    answer = web.ask("POST", "/shop/json", b'{"a": [1, 2]}', {"Content-Type": "application/json"})
    assert '"root":"/shop"' in answer.text.replace(" ", "") and "[1,2]" in answer.text.replace(" ", "").replace("\n", "")
    assert "http://127.0.0.1:%d/shop/hello/x" % web.port in answer.text
    form = b"--b\r\nContent-Disposition: form-data; name=\"word\"\r\n\r\nsaid\r\n--b\r\nContent-Disposition: form-data; " \
           b"name=\"f\"; filename=\"x\"\r\n\r\n" + b"x" * 200000 + b"\r\n--b--\r\n"
    upload = web.ask("POST", "/shop/upload", form, {"Content-Type": "multipart/form-data; boundary=b"})
    assert upload.text == "200000 said"
    assert web.get("/shop/stream").text == "".join("line %d\n" % i for i in range(5))
    assert web.get("/shop/file").text == FLASK
    assert [web.get("/shop/count").text for _ in range(3)] == ["1", "2", "3"]
    go = web.get("/shop/go")
    assert (go.status, go.headers["Location"]) == (302, "/shop/hello/there")
    assert web.get("/shop/none").status == 404
    assert web.get("/shop/fails").status == 500
    weir.wait_log(r"ERROR in app: Exception on /fails \[GET\]\\x0ATraceback.*KeyError: 'in a view'")
    assert all(a.text == "hello x" for a in web.many("/shop/hello/x", 8, 5))


@needs("django", "python3-django")
@pytest.mark.parametrize("model", list(MODELS))
def test_django_and_its_admin(weir, nginx, model):
    base = folder(weir, "django")
    django_site.make(base)
    give(base)
    web = serve(weir, nginx, "site1.wsgi:application", "wsgi.pythonpath = %s\n%s" % (base, MODELS[model]))
    assert web.get("/hello/").text == "hello from /hello/"
    assert web.get("/stream/").text.startswith("line 0\nline 1\n")
    assert web.get("/admin/").status == 302
    page = web.get("/admin/login/?next=/admin/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
    fields = {"csrfmiddlewaretoken": token, "username": "admin", "password": "wrong", "next": "/admin/"}
    assert "Please enter the correct username" in web.post("/admin/login/?next=/admin/", fields).text
    entered = web.post("/admin/login/?next=/admin/", dict(fields, password="secret"))
    assert (entered.status, entered.headers["Location"]) == (302, "/admin/")
    assert "Site administration" in web.get("/admin/").text
    assert "admin@example.test" in web.get("/admin/auth/user/").text
    page = web.get("/admin/auth/group/add/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[1]
    added = web.post("/admin/auth/group/add/", {"csrfmiddlewaretoken": token, "name": "the new group"})
    assert added.status == 302
    assert "the new group" in web.get("/admin/auth/group/").text
    assert web.get("/fails/").status == 500
    assert all("hello from" in a.text for a in web.many("/hello/", 8, 5))


HGWEB = """
from mercurial import demandimport
demandimport.enable()
from mercurial.hgweb import hgweb
application = hgweb(%r)
"""


def hg(*args, cwd=None):
    env = dict(os.environ, HGRCPATH="", HGPLAIN="1", HGUSER="tester")
    return subprocess.run(["hg"] + list(args), cwd=cwd, env=env, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.skipif(not shutil.which("hg"), reason="needs Debian's mercurial")
@pytest.mark.parametrize("model", list(MODELS))
def test_mercurial_clone_and_push(weir, nginx, model):
    repo = folder(weir, "repo")
    hg("init", repo)
    with open(repo + "/.hg/hgrc", "w") as f:
        f.write("[web]\nallow-push = *\npush_ssl = false\n[trusted]\nusers = *\n")
    with open(repo + "/data", "wb") as f:
        f.write(os.urandom(300000))
    hg("commit", "-A", "-m", "the first", cwd=repo)
    give(repo)
    path = apps.write(weir, "hg.wsgi", HGWEB % repo.encode())
    web = serve(weir, nginx, path, MODELS[model])
    assert "the first" in web.get("/log").text
    work, url = weir.path("work"), "http://127.0.0.1:%d/" % web.port
    hg("clone", url, work)
    with open(work + "/data", "rb") as a, open(repo + "/data", "rb") as b:
        assert a.read() == b.read()
    with open(work + "/more", "wb") as f:
        f.write(os.urandom(500000))
    hg("commit", "-A", "-m", "the second", cwd=work)
    assert "added 1 changesets" in hg("push", url, cwd=work)
    hg("clone", url, work + "2")
    assert os.path.getsize(work + "2/more") == 500000
    assert "the second" in web.get("/log").text


@needs("radicale", "radicale")
def test_radicale(weir, nginx):
    base = folder(weir, "radicale")
    conf = apps.write(weir, "radicale.conf", "[storage]\nfilesystem_folder = %s\n[auth]\ntype = none\n" % base)
    give(base)
    web = serve(weir, nginx, "radicale:application", "env[RADICALE_CONFIG] = %s\n%s" % (conf, MODELS["worker"]))
    event = (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\nBEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20260101T000000Z\r\n"
             b"DTSTART:20260101T000000Z\r\nSUMMARY:a meeting\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
    as_user = {"Authorization": "Basic dXNlcjp1c2Vy"}
    assert web.ask("MKCALENDAR", "/user/calendar/", None, as_user).status == 201
    assert web.ask("PUT", "/user/calendar/one.ics", event, as_user).status == 201
    found = web.ask("PROPFIND", "/user/calendar/", None, dict(as_user, Depth="1"))
    assert found.status == 207 and "one.ics" in found.text
    assert "SUMMARY:a meeting" in web.get("/user/calendar/one.ics", headers=as_user).text
    assert web.ask("DELETE", "/user/calendar/one.ics", None, as_user).status == 200
