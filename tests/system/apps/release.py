"""A site whose release is what stood in release.json beside it when it was loaded."""
import json
import os
import threading

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "release.json")) as f:
    RELEASE = json.load(f)
if "error" in RELEASE:
    raise RuntimeError(RELEASE["error"])


def application(environ, start_response):
    status = "200 OK"
    if environ["PATH_INFO"] == "/health":
        status = RELEASE.get("health", "200 OK")
        threading.Event().wait(RELEASE.get("delay", 0))
        assert environ["HTTP_HOST"].endswith(".test"), environ["HTTP_HOST"]
    body = json.dumps({"version": RELEASE["version"], "pid": os.getpid(), "master": os.getppid()}).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
