"""A real uWSGI: where it is, an application that tells who serves it, visitors in its protocol."""
import shutil

from .client import uwsgi
from .load import Load

UWSGI = shutil.which("uwsgi")

APP = """
import json, os, threading
try:
    import uwsgi
    server = "uWSGI" if hasattr(uwsgi, "numproc") else "vassal"
except ImportError:
    server = "vassal"

def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/slow"):
        threading.Event().wait(float(environ["PATH_INFO"][5:]))
    body = json.dumps(dict(server=server, mark="{mark}", pid=os.getpid(), ppid=os.getppid(), uid=os.getuid(),
                           env=dict((k, v) for k, v in os.environ.items() if "UWSGI" in k or k == "MARK"))).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
"""


class UwsgiLoad(Load):
    """Visitors that speak the uwsgi protocol to a socket; each request takes a moment."""

    def __init__(self, path):
        super().__init__(path, "uwsgi.test")
        self.ask = lambda: uwsgi(path, "uwsgi.test", "/slow0.01")
