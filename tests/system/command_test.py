"""A tenant's own server (`command =`): any program, on sockets that the emperor keeps, under the
same user, cgroup, log and generations as an application of ours."""
import grp
import json
import os
import signal
import socket

from frame import ALICE, Load, SystemCase, main, until
from imperium import client, processes


class Command(SystemCase):
    def setUp(self):
        self.server = self.world.app("listener.py")

    def socket(self, name):
        return self.world.path("sockets", f"{name}.sock")

    def command(self, name, arguments="", lines=(), mark="", before=""):
        own = [f"command = {before}/usr/bin/python3 {self.server} {arguments}", f"socket = {self.socket(name)}",
               "chmod-socket = 666", f"env = MARK={mark}", *lines]
        return self.world.drop(name, None, app=None, lines=own)

    def get(self, name, path="/"):
        return client.http(self.socket(name), "command.test", path)

    def facts(self, name):
        return json.loads(self.get(name, "/facts").body)

    def test_it_runs_as_its_tenant_with_its_sockets(self):
        world = self.world
        self.command("plain", mark="plain")
        row = world.emperor.wait_state("plain", "ready")
        facts = self.facts("plain")
        self.assertEqual(facts["uid"], ALICE)
        self.assertEqual(facts["ppid"], row["pid"], "its supervisor is the vassal program")
        self.assertEqual(facts["cwd"], world.vassals)
        self.assertTrue(facts["stdin_is_socket"])
        self.assertEqual(facts["env"]["LISTEN_PID"], str(facts["pid"]), "no shell stays between")
        self.assertEqual(facts["env"]["LISTEN_FDS"], "1")
        self.assertEqual(facts["env"]["LISTEN_FDNAMES"], self.socket("plain"))
        self.assertIsNone(facts["env"]["UWSGI_EMPEROR_FD"])
        self.assertEqual(facts["blocked"], "0" * 16, "no signal is blocked")
        # 0..3 are its own; one is the connection at hand, one the listing of descriptors
        self.assertEqual(facts["fds"][:4], [0, 1, 2, 3])
        self.assertLessEqual(len(facts["fds"]), 6, facts["fds"])
        self.assertEqual(processes.cgroups_of(facts["pid"]), processes.cgroups_of(row["pid"]))

    def test_a_changed_file_replaces_it_without_a_lost_request(self):
        world = self.world
        self.command("changed", mark="first", arguments="notify", lines=["command-type = notify"])
        first = world.emperor.wait_state("changed", "ready")
        self.assertEqual(self.get("changed").body, b"first")
        with Load(self.socket("changed"), "command.test", every=0.01) as load:
            self.command("changed", mark="second", arguments="notify", lines=["command-type = notify"])
            until("the second answers", lambda: self.get("changed").body == b"second")
            until("the first is gone", lambda: not processes.alive(first["pid"]))
        self.assert_clean(load)
        until("it was asked to finish, not killed", lambda: "finished first" in self.log("changed"))

    def log(self, name):
        """What it has printed; its log begins with its first line."""
        try:
            with open(os.path.join(self.world.run_dir, "logs", f"{name}.log"), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def test_it_is_ready_when_it_says_so(self):
        self.command("slow", arguments="notify", lines=["command-type = notify", "env = DELAY=0.6", "startsecs = 0"])
        self.world.emperor.wait_state("slow", "starting")
        self.assertNotIn("serving", self.log("slow"))
        self.world.emperor.wait_state("slow", "ready")
        until("it has printed that it serves", lambda: "serving" in self.log("slow"))

    def test_a_server_that_knows_only_its_standard_input(self):
        self.command("naive", arguments="naive", mark="naive")
        self.world.emperor.wait_state("naive", "ready")
        for _ in range(3):
            self.assertEqual(self.get("naive").body, b"naive")

    def test_a_command_that_cannot_be_found_says_so(self):
        self.world.drop("none", None, app=None, lines=["command = /no/such/program --flag"])
        row = until("the reason is shown", lambda: (r := self.world.emperor.row("none")) and r["last_error"] and r)
        self.assertEqual(row["last_error"], "the command ended before it was ready: exit 127 (not found)")
        self.world.remove("none")
        self.world.emperor.wait_gone("none")

    def test_one_that_never_comes_up_holds_nobody(self):
        """Its listening socket may block whoever accepts from it; the emperor never does."""
        self.world.drop("hopeless", None, app=None, lines=["command = /bin/false", f"socket = {self.socket('hopeless')}"])
        self.world.emperor.wait_state("hopeless", "backoff")
        for _ in range(3):
            row = self.world.emperor.row("hopeless")
            until("it was tried again", lambda r=row["restarts"]: self.world.emperor.row("hopeless")["restarts"] > r)
        self.world.remove("hopeless")
        self.world.emperor.wait_gone("hopeless")

    def test_it_is_restarted_when_it_dies(self):
        self.command("dies", mark="dies")
        first = self.world.emperor.wait_state("dies", "ready")
        self.get("dies", "/exit")
        until("it was restarted", lambda: (r := self.world.emperor.row("dies"))["generation"] > first["generation"])
        row = self.world.emperor.wait_state("dies", "ready")
        self.assertIn("the command ended: exit 7", row["last_error"])
        pid = self.facts("dies")["pid"]
        os.kill(pid, signal.SIGKILL)
        until("it was restarted", lambda: (r := self.world.emperor.row("dies"))["generation"] > row["generation"])
        self.assertIn("the command ended: signal 9", self.world.emperor.row("dies")["last_error"])

    def test_a_removed_file_ends_everything_it_started(self):
        world = self.world
        world.drop("family", None, app=None, lines=["command = sh -c 'sleep 1000 & setsid sleep 1000 & wait'",
                                                    "startsecs = 0"])
        row = world.emperor.wait_state("family", "ready")
        family = until("its children run", lambda: len(p := processes.children(row["pid"])) >= 4 and p)
        world.remove("family")
        world.emperor.wait_gone("family")
        self.assertFalse([pid for pid in family if processes.alive(pid)])

    def test_what_does_not_go_with_a_command_is_said(self):
        world = self.world
        world.drop("said", "said.test", app=None, lines=["command = sleep 1000", "idle = 5", "startsecs = 0"])
        world.emperor.wait_state("said", "ready")
        shown = world.emperor.ctl("check", os.path.join(world.vassals, "said.ini")).stdout
        self.assertIn("domain has no effect beside command", shown)
        self.assertEqual(world.emperor.row("said")["domains"], [])
        self.assertEqual(world.get("said.test").status, 404)
        wrong = world.write("wrong.ini", world.ini(None, app=None, lines=["command = x", "stop-signal = NONE", "command-type = fork"]))
        shown = world.emperor.ctl("check", wrong)
        text = shown.stdout + shown.stderr
        self.assertIn(f"{wrong}:5: 'NONE' is no signal", text)
        self.assertIn(f"{wrong}:6: command-type = fork: write simple, notify or uwsgi", text)

    def test_the_router_relays_to_its_socket_and_to_nobody_else(self):
        world = self.world
        self.command("routed", mark="routed", lines=["domain = routed.test", "protocol = http"])
        world.emperor.wait_state("routed", "ready")
        until("its host has a route", lambda: any(r["host"] == "routed.test" and r["vassal"] == "routed"
                                                  for r in world.emperor.json("routes")))
        # The tenant puts another's socket in the place of his own: the router does not talk to it.
        self.assertEqual(world.wait_answer("routed.test").body, b"routed")
        foreign, path = self.world.path("sockets", "foreign.sock"), self.socket("routed")
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(foreign)
            os.chmod(foreign, 0o666)
            other.listen()
            other.setblocking(False)
            os.rename(foreign, path)
            self.assertGreaterEqual(world.get("routed.test").status, 500)
            connection = other.accept()[0]
            with connection:
                connection.settimeout(5)
                self.assertEqual(connection.recv(1), b"", "not a byte of the request")
        os.unlink(path)
        # Whoever says nothing lets the router in, and nobody else.
        self.world.drop("grouped", None, app=None, lines=[f"command = /usr/bin/python3 {self.server}", "domain = grouped.test",
                                                          f"http-socket = {self.socket('grouped')}", "env = MARK=grouped"])
        world.emperor.wait_state("grouped", "ready")
        self.assertEqual(world.wait_answer("grouped.test").body, b"grouped")
        found = os.stat(self.socket("grouped"))
        self.assertEqual((found.st_uid, found.st_mode & 0o777), (ALICE, 0o660))
        self.assertEqual(grp.getgrgid(found.st_gid).gr_name, "nogroup")


if __name__ == "__main__":
    main()
