"""Tells which application of a vassal was asked, and how it sees itself."""
import json
import os
import sys


def tell(name):
    def answer(environ, start_response):
        environ["wsgi.input"].read()
        body = json.dumps({"app": name, "script": environ["SCRIPT_NAME"], "path": environ["PATH_INFO"], "sys.path": sys.path,
                           "COLOUR": os.environ.get("COLOUR"), "__name__": __name__}).encode()
        start_response("200 OK", [("Content-Type", "application/json")])
        return [body]
    return answer


sys.modules["which"] = sys.modules[__name__]
application = tell("main")
