"""Real Django and Flask behind real nginx: the very files of configs/vassals, under the tenants'
own uids; and the same applications under the validators of wsgiref and Werkzeug."""
import http.cookiejar
import json
import os
import re
import shutil
import subprocess
import urllib.parse
import urllib.request

from frame import ALICE, BOB, Load, SystemCase, client, main, processes, programs, until

WRAPPED = """
import os, sys
from wsgiref.validate import validator
from werkzeug.middleware.lint import LintMiddleware
{imported}
validated = validator(application)
linted = LintMiddleware(application)


def application(environ, start_response):
    warnings_are_errors()
    return (linted if environ["HTTP_HOST"].startswith("lint-") else validated)(environ, start_response)


def warnings_are_errors():
    import warnings
    from werkzeug.middleware.lint import WSGIWarning  # HTTPWarning is about the application's headers
    warnings.simplefilter("error", WSGIWarning)
"""


class Frameworks(SystemCase):
    options = {"nginx": True}

    @classmethod
    def set_up_world(cls, world):
        for part in ("apps", "vassals"):
            shutil.copytree(os.path.join(programs.ROOT, "configs", part), world.path("configs", part), ignore=shutil.ignore_patterns("__pycache__"))
        cls.site, cls.data = world.path("configs/apps/django"), world.path("data/django")
        os.makedirs(cls.data)
        os.chown(cls.data, BOB, BOB)
        cls.manage("migrate", "--verbosity", "0")
        cls.manage("createsuperuser", "--noinput", "--username", "librarian", "--email", "a@example.test", DJANGO_SUPERUSER_PASSWORD="shelf-42")
        for name, uid in (("hello", ALICE), ("flask", ALICE), ("django", BOB)):
            with open(world.path("configs/vassals", f"{name}.ini")) as f:
                text = re.sub(r"= imperium-\w+$", f"= {uid}", f.read(), flags=re.M).replace("%d../", world.path("configs/"))
            world.write(f"{world.vassals}/{name}.ini", text.replace(world.path("configs/data"), world.path("data")))

    @classmethod
    def manage(cls, *arguments, **environment):
        subprocess.run([programs.PYTHON, "-B", os.path.join(cls.site, "manage.py"), *arguments], check=True, user=BOB, group=BOB, extra_groups=[],
                       env={"LIBRARY_DATA": cls.data, "PATH": "/usr/bin:/bin", **environment}, cwd=cls.site)

    def setUp(self):
        for name in ("hello", "flask", "django"):
            self.world.emperor.wait_state(name, "ready", 30)

    def test_hello(self):
        answer = self.world.get("hello.localhost")
        self.assert_status(answer, 200)
        self.assertIn(f"Hello from hello.localhost: uid {ALICE}", answer.text)

    def test_flask(self):
        answer = self.world.get("flask.localhost", "/whoami")
        self.assertEqual(json.loads(answer.body)["uid"], ALICE)
        self.assertIn("Guest book of", self.world.get("flask.localhost").text)
        signed = self.world.get("flask.localhost", method="POST", body=b"name=Grace+%26+Ada",
                                headers=[("Content-Type", "application/x-www-form-urlencoded")])
        self.assertEqual(signed.status, 302)
        until("the worker that was signed at answers", lambda: "Grace &amp; Ada" in self.world.get("flask.localhost").text)
        self.assertEqual(self.world.get("flask.localhost", "/nothing").status, 404)

    def test_django_and_its_admin(self):
        with Load(self.world.front, "flask.localhost", threads=1, every=0.01) as neighbour:
            self.assertIn("Memoirs of Hadrian", self.world.get("django.localhost").text)
            self.assertEqual(self.world.get("django.localhost", "/books/99/").status, 404)
            self.assertEqual(self.world.get("django.localhost", "/static/admin/css/base.css").header("content-type"), "text/css")
            browser = self.logged_in()
            added = browser.post("/admin/books/book/add/", {"title": "Caf\u00e9 Imperium", "author": "N.N.", "year": "2026", "_save": "Save"})
            self.assertIn("was added successfully", added)
            self.assertIn("Caf\u00e9 Imperium", self.world.get("django.localhost").text)
            before = self.world.emperor.row("django")["generation"]
            self.world.emperor.ctl("reload", "django")
            until("a new generation", lambda: (r := self.world.emperor.row("django"))["generation"] > before and r["state"] == "ready", 30)
            self.assertIn("Select book to change", browser.get("/admin/books/book/"), "the session outlives a reload")
        self.assert_clean(neighbour)
        for pid in processes.children(self.world.emperor.row("django")["pid"]):
            self.assertEqual(processes.status(pid, "Uid").split()[0], str(BOB))
        self.assertEqual(os.stat(os.path.join(self.data, "library.sqlite3")).st_uid, BOB)

    def logged_in(self):
        browser = Browser(self.world.front, "django.localhost")
        page = browser.post("/admin/login/?next=/admin/", {"username": "librarian", "password": "shelf-42", "next": "/admin/"})
        self.assertIn("Site administration", page)
        return browser

    def test_under_the_validators(self):
        world = self.world
        flask = world.write("apps/valid_flask.py", WRAPPED.format(imported="from guestbook import create_app\napplication = create_app()"))
        django = world.write("apps/valid_django.py", WRAPPED.format(imported="from library.wsgi import application"))
        world.up("valid-flask", "valid-flask.localhost", app=flask, uid=ALICE,
                 lines=["domain = lint-flask.localhost", f"pythonpath = {world.path('configs/apps/flask')}"])
        world.up("valid-django", "valid-django.localhost", app=django, uid=BOB,
                 lines=["domain = lint-django.localhost", f"pythonpath = {self.site}", f"env = LIBRARY_DATA={self.data}"])
        for front in (world.nginx_address, world.http_address):
            for kind in ("valid", "lint"):
                for site, paths in (("flask", ("/", "/whoami", "/nothing")), ("django", ("/", "/books/1/", "/admin/login/", "/admin/", "/nothing"))):
                    for path in paths:
                        for method in ("GET", "HEAD"):
                            answer = client.http(front, f"{kind}-{site}.localhost", path, method)
                            self.assertIn(answer.status, (200, 302, 404, 405), f"{front} {kind} {site} {method} {path}: {answer}")
                self.assertEqual(client.http(front, f"{kind}-flask.localhost", "/", "POST", [("Content-Type", "application/x-www-form-urlencoded")],
                                             b"name=x").status, 302)


class Browser:
    """Keeps cookies, follows redirects, sends Django's form token."""

    def __init__(self, address, host):
        self.base, self.host = "http://%s:%d" % address, host
        self.jar = http.cookiejar.CookieJar(policy=http.cookiejar.DefaultCookiePolicy(strict_ns_domain=0))
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def open(self, path, data=None):
        request = urllib.request.Request(self.base + path, data, headers={"Host": self.host, "Referer": f"http://{self.host}/"})
        with self.opener.open(request, timeout=30) as answer:
            return answer.read().decode()

    def get(self, path):
        return self.open(path)

    def post(self, path, fields):
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.open(path))[1]
        return self.open(path, urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token}).encode())


if __name__ == "__main__":
    main()
