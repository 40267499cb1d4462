"""Who a tenant is: its uid and gid and nothing else, behind its own directory's door."""
import json
import os

from frame import ALICE, BOB, SystemCase, main, processes, until


class Identity(SystemCase):
    options = {"nginx": True}

    @classmethod
    def set_up_world(cls, world):
        for name, uid in (("alice", ALICE), ("bob", BOB)):
            folder = world.path("homes", name)
            os.makedirs(folder)
            os.chown(folder, uid, uid)
            os.chmod(folder, 0o700)
            world.drop(name, f"{name}.test", uid=uid, lines=["processes = 2", "umask = 027"])

    def setUp(self):
        for name in ("alice", "bob"):
            self.world.emperor.wait_state(name, "ready")

    def ask(self, host, path):
        answer = self.world.get(host, path)
        self.assert_status(answer, 200)
        return json.loads(answer.body)

    def test_the_worker_is_the_tenant_and_nobody_else(self):
        for name, uid in (("alice", ALICE), ("bob", BOB)):
            who = self.ask(f"{name}.test", "/whoami")
            self.assertEqual(who["uid"], [uid] * 3)
            self.assertEqual(who["gid"], [uid] * 3)
            self.assertLessEqual(set(who["groups"]), {uid})
            self.assertEqual(int(who["capabilities"], 16), 0)
            self.assertEqual(who["no_new_privs"], "1")
            self.assertEqual(int(who["blocked"], 16), 0, "no signal stays blocked")

    def test_every_process_of_the_vassal_is_the_tenants(self):
        row = self.world.emperor.row("alice")
        for pid in processes.children(row["pid"]):
            self.assertEqual(processes.status(pid, "Uid").split(), [str(ALICE)] * 4)
            self.assertEqual(processes.status(pid, "Gid").split(), [str(ALICE)] * 4)

    def test_a_neighbours_private_directory_is_closed(self):
        alice, bob = (self.world.path("homes", n) for n in ("alice", "bob"))
        self.assertEqual(self.ask("alice.test", f"/read?path={alice}"), "done")
        self.assertEqual(self.ask("alice.test", f"/read?path={bob}"), "PermissionError")
        self.assertEqual(self.ask("bob.test", f"/read?path={alice}"), "PermissionError")

    def test_a_neighbour_and_the_emperor_cannot_be_signalled(self):
        emperor = self.world.emperor
        victims = [emperor.row("bob")["pid"], emperor.process.pid, emperor.pid_of("emperor"), emperor.pid_of("keeper")]
        for pid in filter(None, victims):
            self.assertEqual(self.ask("alice.test", f"/signal?pid={pid}"), "PermissionError", f"pid {pid}")
            self.assertIn(self.ask("alice.test", f"/read?path=/proc/{pid}/fd"), ("PermissionError", "FileNotFoundError"))

    def test_the_way_back_to_root_is_shut(self):
        self.assertEqual(self.ask("alice.test", "/setuid?uid=0"), "PermissionError")
        self.assertEqual(self.ask("alice.test", f"/setuid?uid={BOB}"), "PermissionError")

    def test_the_tenant_gets_no_secret_of_the_emperor(self):
        who = self.ask("alice.test", "/whoami")
        self.assertNotIn("ASAN_OPTIONS", who["env"], "the operator's environment stays with the operator")
        self.assertLess(len(who["fds"]), 24, "only the descriptors that a worker needs")
        world = self.world
        for name in os.listdir(world.run_dir):
            path = os.path.join(world.run_dir, name)
            if path == world.router or os.path.isdir(path) or name.endswith(".pid"):
                continue
            said = self.ask("alice.test", f"/open?path={path}")
            self.assertNotEqual(said, "done", f"a tenant opened {path}")

    def test_root_is_refused_as_a_tenant(self):
        world = self.world
        world.write(f"{world.vassals}/root.ini", f"[uwsgi]\ndomain = root.test\nuid = 0\ngid = 0\nwsgi-file = {world.app('probe.py')}\n")
        world.write(f"{world.vassals}/nobody-said.ini", f"[uwsgi]\ndomain = unsaid.test\nwsgi-file = {world.app('probe.py')}\n")
        for name in ("root", "nobody-said"):
            row = until(f"{name} is judged", lambda n=name: (r := world.emperor.row(n)) and r["state"] == "rejected" and r)
            self.assertIn("uid", row["last_error"])
        self.assertEqual(world.get("root.test").status, 404)
        world.remove("root")
        world.remove("nobody-said")


class Trust(SystemCase):
    """Without `trusted`, a file that somebody else can write is not taken."""

    def rejected(self, name, word):
        row = until(f"{name} is judged", lambda: (r := self.world.emperor.row(name)) and r["state"] == "rejected" and r)
        self.assertIn(word, row["last_error"])
        self.assertIn(f"{name}.ini", row["last_error"])

    def test_a_file_of_another_owner(self):
        world = self.world
        world.write(f"{world.vassals}/owned.ini", world.ini("owned.test"), owner=ALICE)
        self.rejected("owned", "own")

    def test_a_file_that_others_can_write(self):
        world = self.world
        world.write(f"{world.vassals}/open.ini", world.ini("open.test"), mode=0o666)
        self.rejected("open", "writ")
        world.write(f"{world.vassals}/open.ini", world.ini("open.test"), mode=0o644)
        world.emperor.wait_state("open", "ready")


class Trusted(SystemCase):
    options = {"trusted": True}

    def test_the_operator_may_trust_other_owners(self):
        world = self.world
        world.write(f"{world.vassals}/owned.ini", world.ini("owned.test"), owner=ALICE)
        world.emperor.wait_state("owned", "ready")
        world.write(f"{world.vassals}/open.ini", world.ini("open.test"), mode=0o666)
        world.emperor.wait_state("open", "ready")


if __name__ == "__main__":
    main()
