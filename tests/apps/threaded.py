"""Starts a thread while it is loaded, that wants to run all the time."""
import json
import os
import threading


def tick():
    while True:
        threading.Event().wait(0.005)


threading.Thread(target=tick, daemon=True).start()


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(os.getpid()).encode()]
