"""The Flask application of the demo: a guest book that lives as long as its worker."""
import os

from flask import Flask, redirect, render_template_string, request, url_for

PAGE = """<!doctype html><title>{{ title }}</title><h1>{{ title }}</h1>
<form method="post"><input name="name" placeholder="your name"><button>sign</button></form>
<ul>{% for name in names %}<li>{{ name }}</li>{% endfor %}</ul>
"""


def create_app():
    app = Flask(__name__)
    names = []

    @app.get("/")
    def show():
        title = os.environ.get("GUESTBOOK_TITLE", "Guest book")
        return render_template_string(PAGE, title=title, names=names)

    @app.post("/")
    def sign():
        names.append(request.form.get("name", "")[:80])
        return redirect(url_for("show"))

    @app.get("/whoami")
    def whoami():
        return {"uid": os.getuid(), "pid": os.getpid(), "host": request.host, "scheme": request.scheme}

    return app
