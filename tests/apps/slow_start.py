"""Takes a moment to load, as real applications do."""
import threading

threading.Event().wait(0.3)


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"started"]
