"""The plain WSGI application of the demo: says hello, and as whom."""
import os


def application(environ, start_response):
    body = (f"Hello from {environ.get('HTTP_HOST', 'nobody')}: "
            f"uid {os.getuid()}, process {os.getpid()}\n").encode()
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]
