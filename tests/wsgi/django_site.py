"""A Django project with its admin on SQLite, made in a folder: what django-admin startproject gives, in short."""
import os
import subprocess

SETTINGS = """
import os
BASE = %(base)r
SECRET_KEY = "for a test only"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
                  "django.contrib.messages"]
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware",
              "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
              "django.contrib.auth.middleware.AuthenticationMiddleware",
              "django.contrib.messages.middleware.MessageMiddleware"]
ROOT_URLCONF = "site1.urls"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
              "OPTIONS": {"context_processors": ["django.template.context_processors.request",
                                                 "django.contrib.auth.context_processors.auth",
                                                 "django.contrib.messages.context_processors.messages"]}}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE + "/data/db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
"""
URLS = """
from django.contrib import admin
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path
def hello(request):
    return HttpResponse("hello from %s" % request.path)
def stream(request):
    return StreamingHttpResponse(("line %d\\n" % i for i in range(5)), content_type="text/plain")
def fails(request):
    raise KeyError("in a view")
def upload(request):
    f = request.FILES["file"]
    return HttpResponse("%s %d" % (f.name, sum(map(len, f.chunks()))))
from django.views.decorators.csrf import csrf_exempt
urlpatterns = [path("admin/", admin.site.urls), path("hello/", hello), path("stream/", stream), path("fails/", fails),
               path("upload/", csrf_exempt(upload))]
"""
WSGI = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.settings")
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""
MAKE = """
import os, sys
sys.path.insert(0, sys.argv[1])
os.environ["DJANGO_SETTINGS_MODULE"] = "site1.settings"
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import User
User.objects.create_superuser("admin", "admin@example.test", "secret")
"""


def make(base, python="/usr/bin/python3"):
    """The project in an existing folder; its database belongs to who calls. The pool's wsgi.application is then
    site1.wsgi:application, its wsgi.pythonpath the folder."""
    os.makedirs(base + "/site1")
    os.makedirs(base + "/data")
    for name, text in (("__init__", ""), ("settings", SETTINGS % {"base": base}), ("urls", URLS), ("wsgi", WSGI)):
        with open("%s/site1/%s.py" % (base, name), "w") as f:
            f.write(text)
    subprocess.run([python, "-B", "-c", MAKE, base], check=True)
