"""Leaves an orphan behind for each request, and says goodbye at its end."""
import atexit
import json
import os

atexit.register(print, "the exit handler of the application")


def application(environ, start_response):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        orphan = os.fork()
        if orphan == 0:
            os._exit(0)
        os.write(writing, str(orphan).encode())
        os._exit(0)
    orphan = int(os.read(reading, 32))
    os.close(reading)
    os.close(writing)
    os.waitpid(child, 0)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(orphan).encode()]
