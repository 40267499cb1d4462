"""A tenant that tries to steer nginx: /NAME/VALUE answers with that X-Accel header."""


def application(environ, start_response):
    _, name, value = environ["PATH_INFO"].split("/", 2)
    start_response("200 OK", [("Content-Type", "text/plain"), (f"X-Accel-{name}", "/" + value if name == "Redirect" else value)])
    return [b"the tenant's own words\n"]
