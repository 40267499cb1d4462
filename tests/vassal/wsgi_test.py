"""PEP 3333 as a front sees it, on the vassal's own socket: no router, no nginx."""
import json
import os
import re
import sys
import tempfile
import unittest
import venv as venv_module

from frame import Vassal, VassalCase, packet, request_variables, until


class Answers(VassalCase):
    lines = ["processes = 1", "socket-timeout = 5"]

    def whole(self, path, body, status=200, **named):
        answer = self.vassal.ask(path, **named)
        self.assertEqual((answer.status, answer.body, answer.error), (status, body, ""))
        return answer

    def test_answers_of_every_shape(self):
        for path, body, status in (("/plain", b"one two three\n", 200), ("/bare_bytes", b"a bytes object itself\n", 200),
                                   ("/no_reason", b"a status without a reason\n", 404), ("/write", b"written twice and returned\n", 200),
                                   ("/started_late", b"started at the first chunk\n", 202), ("/sized", b"twelve bytes", 200),
                                   ("/long", b"four", 200), ("/wrapped", b"abcdefghij", 200), ("/wrapped_sized", b"23456", 200),
                                   ("/wrapped_memory", b"not a real file\n", 200), ("/exc_info_before", b"replacement\n", 503),
                                   ("/close_fails", b"whole\n", 200), ("/no_content", b"", 204), ("/not_modified", b"", 304)):
            with self.subTest(path):
                self.whole(path, body, status)

    def test_a_status_alone_gets_its_phrase(self):
        self.assertEqual(self.vassal.ask("/no_reason").reason, "Not Found")

    def test_nothing_is_added_to_the_head(self):
        self.assertEqual(self.vassal.ask("/plain").headers, [("content-type", "text/plain")])

    def test_failures_before_the_first_byte_are_a_500(self):
        for path in ("/raise_before", "/raise_after_start", "/raise_at_first_chunk", "/system_exit", "/never_started", "/text_chunk",
                     "/second_start", "/crlf_value", "/lf_name", "/crlf_status"):
            with self.subTest(path):
                answer = self.vassal.ask(path)
                self.assertEqual((answer.status, answer.error), (500, ""))
                self.assertIn(b"Internal Server Error", answer.body)
                self.assertIsNone(answer.header("set-cookie"))
        self.assertIn("RuntimeError: before start_response", self.vassal.log())

    def test_failures_after_the_first_byte_cut_the_answer(self):
        for path in ("/raise_after_first_byte", "/exc_info_after", "/raise_after_first_byte_sized"):
            with self.subTest(path):
                self.whole(path, b"first ")

    def test_close_is_always_called(self):
        for path in ("/closing", "/raise_after_first_byte", "/raise_at_first_chunk"):
            self.vassal.ask(path)
        names = json.loads(self.vassal.ask("/closed_names").body)
        self.assertLessEqual({"closing", "raise_after_first_byte", "raise_at_first_chunk"}, set(names))

    def test_head_has_no_body(self):
        answer = self.whole("/sized", b"", method="HEAD")
        self.assertEqual(answer.header("content-length"), "12")

    def test_input(self):
        answer = self.vassal.ask("/input_calls", "POST", body=b"first line\nsecond\nthird\nrest")
        self.assertEqual(json.loads(answer.body), ["", "fir", "st line\n", "se", ["cond\n", "third\n", "rest"], "", "", ""])
        answer = self.vassal.ask("/input_iterated", "POST", body=b"a\nb\n\nc")
        self.assertEqual(json.loads(answer.body), ["a\n", "b\n", "\n", "c"])

    def test_an_unread_body_never_costs_the_answer(self):
        for size in (1, 70_000, 8 << 20):
            answer = self.vassal.ask("/unread", "POST", body=b"x" * size)
            self.assertEqual((answer.status, answer.body, answer.error), (200, b"did not look at the body\n", ""))

    def test_environ(self):
        extra = (("HTTP_X_TWICE", "one"), ("HTTP_X_TWICE", "two"), ("HTTP_COOKIE", "a=1"), ("HTTP_COOKIE", "b=2"), ("HTTP_PROXY", "evil"),
                 ("UWSGI_SETENV", "A=B"), ("UWSGI_POSTFILE", "/etc/passwd"), ("HTTP_CONTENT_TYPE", "x"), ("HTTP_CONTENT_LENGTH", "3"),
                 ("HTTP_TRANSFER_ENCODING", "chunked"), ("HTTP_HOST", "test:8080"), ("HTTPS", "on"))
        environ = json.loads(self.vassal.ask("/variables/a b", extra=extra).body)
        wanted = {"SCRIPT_NAME": "", "PATH_INFO": "/variables/a b", "HTTP_X_TWICE": "one, two", "HTTP_COOKIE": "a=1; b=2",
                  "HTTP_HOST": "test:8080", "wsgi.url_scheme": "https", "wsgi.multiprocess": False, "wsgi.multithread": False,
                  "wsgi.run_once": False, "wsgi.input_terminated": True, "REQUEST_METHOD": "GET"}
        self.assertEqual({k: environ.get(k) for k in wanted}, wanted)
        for name in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING", "HTTP_PROXY", "CONTENT_TYPE", "CONTENT_LENGTH"):
            self.assertNotIn(name, environ)
        self.assertFalse([k for k in environ if k.startswith("UWSGI_")])

    def test_each_request_has_its_own_environ(self):
        first = json.loads(self.vassal.ask("/variables", extra=(("HTTP_A", "1"),)).body)
        second = json.loads(self.vassal.ask("/variables", extra=(("HTTP_B", "2"),)).body)
        self.assertEqual((first.get("HTTP_A"), second.get("HTTP_A"), second.get("HTTP_B")), ("1", None, "2"))

    def test_content_length_is_there_only_with_a_body(self):
        self.assertEqual(json.loads(self.vassal.ask("/content_length").body), [0, "absent"])
        self.assertEqual(json.loads(self.vassal.ask("/content_length", "POST", body=b"abc").body), [3, "absent"])

    def test_text_is_latin_1_both_ways(self):
        answer = self.vassal.ask("/latin1/caf\u00c3\u00a9", extra=(("HTTP_X_NAME", "caf\u00e9"),))
        self.assertEqual(json.loads(answer.body), ["/latin1/caf\u00c3\u00a9", "caf\u00e9"])
        self.assertEqual(answer.header("x-name"), "caf\u00e9")

    def test_a_download_of_64_mib_from_a_file(self):
        answer = self.vassal.ask("/wrapped_large")
        self.assertEqual((answer.status, len(answer.body), answer.error), (200, 64 << 20, ""))

    def test_the_request_line_of_the_log(self):
        self.vassal.ask("/sized?q=1")
        until(lambda: re.search(r"\[pid: \d+\|app: 0\|req: \d+/\d+\] 127.0.0.1 \(\) \{\d+ vars in \d+ bytes\} \[.*\] GET /sized\?q=1 => "
                                r"generated 12 bytes in \d+ msecs \(HTTP/1.1 200\) 2 headers in \d+ bytes", self.vassal.log()))


class Bodies(VassalCase):
    app = "probe.py"

    def test_bodies_of_every_size(self):
        for size in (0, 1, 65536, 50 << 20):
            body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
            answer = self.vassal.ask("/count", "POST", body=body, timeout=60)
            self.assertEqual((answer.status, json.loads(answer.body)), (200, [size, sum(body) & 0xffffffff]))

    def test_echo(self):
        body = bytes(range(256)) * 300
        self.assertEqual(self.vassal.ask("/echo", "POST", body=body).body, body)

    def test_a_body_shorter_than_promised_is_an_error_to_the_application(self):
        variables = request_variables("test", "/count", "POST", [("CONTENT_LENGTH", "100")])
        answer = self.vassal.raw(packet(variables) + b"only this", half_close=True)
        self.assertTrue(answer.startswith(b"HTTP/1.1 500 "), answer[:80])
        self.assertIn("ConnectionResetError", self.vassal.log())

    def test_more_than_promised_is_not_read(self):
        variables = request_variables("test", "/echo", "POST", [("CONTENT_LENGTH", "4")])
        self.assertTrue(self.vassal.raw(packet(variables) + b"fourand more").endswith(b"\r\n\r\nfour"))


class Validated(VassalCase):
    app = "validated.py"

    def test_wsgiref_finds_nothing(self):
        for path, method, body in (("/whoami", "GET", b""), ("/echo", "POST", b"valid"), ("/write", "GET", b""), ("/", "HEAD", b""),
                                   ("/echo", "POST", b""), ("/environ?a=b", "GET", b"")):
            with self.subTest(path):
                answer = self.vassal.ask(path, method, body=body)
                self.assertEqual(answer.status, 200)


class Mounts(VassalCase):
    app = "which.py"
    lines = ["mount = /foo=second.py", "mount = /foo/deep=third:make()", "manage-script-name = true", "static-map = /files=files",
             "pythonpath = one", "pythonpath = two", "env = COLOUR=green", "limit-post = 1000"]
    files = [("second.py", "from which import tell\napplication = tell('second')\n"),
             ("third.py", "from which import tell\ndef make(): return tell('third')\n")]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.mkdir(os.path.join(cls.vassal.directory, "files"))
        with open(os.path.join(cls.vassal.directory, "files", "a.css"), "w") as f:
            f.write("body {}\n")
        os.symlink("/etc/passwd", os.path.join(cls.vassal.directory, "files", "out.txt"))

    def told(self, path, **named):
        return json.loads(self.vassal.ask(path, **named).body)

    def test_mounts_match_at_slashes_only(self):
        for path, app, script, info in (("/foo", "second", "/foo", ""), ("/foo/bar", "second", "/foo", "/bar"), ("/foobar", "main", "", "/foobar"),
                                        ("/", "main", "", "/"), ("/foo/deep/x", "third", "/foo/deep", "/x"), ("/foo/deeper", "second", "/foo", "/deeper")):
            told = self.told(path)
            self.assertEqual((told["app"], told["script"], told["path"]), (app, script, info), path)

    def test_the_last_pythonpath_comes_first(self):
        path = self.told("/")["sys.path"]
        self.assertEqual([p.rsplit("/", 1)[-1] for p in path[:3]], ["two", "one", "."])

    def test_env_and_names(self):
        told = self.told("/")
        self.assertEqual(told["COLOUR"], "green")
        self.assertRegex(told["__name__"], r"^uwsgi_file_.*_which_py$")

    def test_static_files(self):
        answer = self.vassal.ask("/files/a.css")
        self.assertEqual((answer.status, answer.body, answer.header("content-type")), (200, b"body {}\n", "text/css"))
        since = answer.header("last-modified")
        self.assertEqual(self.vassal.ask("/files/a.css", extra=(("HTTP_IF_MODIFIED_SINCE", since),)).status, 304)
        head = self.vassal.ask("/files/a.css", "HEAD")
        self.assertEqual((head.status, head.body, head.header("content-length")), (200, b"", "8"))

    def test_static_files_never_leave_their_directory(self):
        for path in ("/files/out.txt", "/files/../site.ini", "/files/none", "/files", "/filesa.css", "/files/a.css\0"):
            self.assertEqual(self.told(path)["app"], "main", path)

    def test_limit_post(self):
        self.assertEqual(self.vassal.ask("/", "POST", body=b"x" * 1001).status, 413)
        self.assertEqual(self.vassal.ask("/", "POST", body=b"x" * 1000).status, 200)


class Virtualenv(unittest.TestCase):
    def test_packages_come_from_the_environment(self):
        with tempfile.TemporaryDirectory(prefix="vassal-venv-") as venv:
            venv = os.path.realpath(venv)
            venv_module.EnvBuilder(with_pip=False, symlinks=True).create(venv)
            version = f"python{sys.version_info.major}.{sys.version_info.minor}"
            with open(os.path.join(venv, "lib", version, "site-packages", "only_there.py"), "w") as f:
                f.write("import sys\ndef application(environ, start_response):\n    start_response('200 OK', [])\n"
                        "    return [repr((sys.prefix, sys.executable)).encode()]\n")
            vassal = Vassal([f"virtualenv = {venv}", "module = only_there"], app=None)
            self.addCleanup(vassal.end)
            vassal.wait_for("ready")
            self.assertEqual(vassal.ask("/").body.decode(), repr((venv, os.path.join(venv, "bin", "python"))))


if __name__ == "__main__":
    unittest.main(verbosity=2)
