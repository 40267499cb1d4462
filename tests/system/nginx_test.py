"""nginx before hostile tenants: it is not steered, and one tenant's connections are its own trouble.
Also what nginx sends in unusual configurations."""
import json
import socket

from frame import ALICE, BOB, Load, SystemCase, client, http, main, until

ALONE = """
    location /private/ {{ internal; alias {private}/; }}
    location /twice/ {{
      include /etc/nginx/uwsgi_params;
      uwsgi_param HTTP_HOST $host;
      uwsgi_param HTTP_HOST $http_host;
      uwsgi_pass imperium;
    }}
"""


class Fooled(SystemCase):
    @classmethod
    def setUpClass(cls):
        cls.options = {"nginx": True, "nginx_replace": [("server_name _;", "server_name _;" + ALONE.format(private="/etc"))]}
        super().setUpClass()

    @classmethod
    def set_up_world(cls, world):
        world.drop("evil", "evil.test", app="accel.py", uid=ALICE)
        world.drop("good", "good.test", uid=BOB)

    def setUp(self):
        self.world.emperor.wait_state("evil", "ready")
        self.world.emperor.wait_state("good", "ready")

    def test_no_x_accel_header_does_anything(self):
        for path in ("/Redirect/private/hostname", "/Buffering/no", "/Limit-Rate/1", "/Expires/100000", "/Charset/utf-7"):
            with self.subTest(path):
                answer = self.world.get("evil.test", path)
                self.assert_status(answer, 200)
                self.assertEqual(answer.body, b"the tenant's own words\n")
                self.assertFalse([n for n, _ in answer.headers if n.startswith("x-accel")])

    def test_the_host_given_twice_is_not_joined(self):
        answer = http(self.world.nginx_address, "Good.test:8000", "/twice/environ")
        self.assert_status(answer, 200)
        answer = http(self.world.nginx_address, "good.test", "/environ")
        self.assertEqual(json.loads(answer.body)["HTTP_HOST"], "good.test")

    def test_a_repeated_variable_of_the_host_in_a_packet(self):
        variables = [(k, v) for k, v in client.request_variables("good.test", "/environ") if k != "HTTP_HOST"]
        data = client.packet(variables + [("HTTP_HOST", "good.test"), ("HTTP_HOST", "Good.test:8000")])
        with client.connect(self.world.router) as s:
            s.sendall(data)
            said, _ = client.drain(s)
        answer, body = client.parse_head(said)
        self.assertEqual(answer.status, 200, said[:200])
        self.assertEqual(json.loads(body)["HTTP_HOST"], "Good.test:8000")


class Hogs(SystemCase):
    """A tenant that holds every connection it gets does not stop the neighbour."""

    options = {"nginx": True, "nginx_replace": [("limit_conn imperium_host 1024;", "limit_conn imperium_host 200;")]}

    def test_held_connections_are_the_tenants_own_trouble(self):
        world = self.world
        world.up("hog", "hog.test", uid=ALICE, lines=["processes = 2", "queue-timeout = 5"])
        world.up("good", "good.test", uid=BOB)
        held = []
        try:
            for _ in range(600):
                s = socket.create_connection(world.nginx_address, 5)
                s.sendall(b"GET /wait?seconds=8 HTTP/1.1\r\nHost: hog.test\r\n\r\n")
                held.append(s)
            with Load(world.front, "good.test", every=0.002) as good:
                until("the neighbour was asked often", lambda: good.answered + len(good.failures) >= 300, 20)
            self.assert_clean(good)
            self.assertLess(good.percentile(0.99), 0.5)
        finally:
            for s in held:
                s.close()


if __name__ == "__main__":
    main()
