"""What workers share after the fork, and what they must not."""
import json
import os
import random

loaded_in = os.getpid()
told = []
os.register_at_fork(after_in_child=lambda: told.append(True))


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([os.getpid(), [random.random(), bool(told), loaded_in]]).encode()]
