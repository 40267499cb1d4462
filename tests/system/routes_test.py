"""Which site answers for which host, and what becomes of it when the router dies or claims change."""
import json
import os
import signal

from frame import ALICE, BOB, CAROL, Load, SystemCase, http, main, processes, until


class Routes(SystemCase):
    def who(self, host):
        answer = http(self.world.http_address, host, "/whoami")
        return json.loads(answer.body)["uid"][0] if answer.status == 200 else answer.status

    def test_exact_before_wildcard_before_nothing(self):
        world = self.world
        world.up("exact", "a.example.test", uid=ALICE, lines=["domain = www.example.test"])
        world.up("wild", "*.example.test", uid=BOB)
        world.up("deeper", "*.deep.example.test", uid=CAROL)
        expected = {"a.example.test": ALICE, "www.example.test": ALICE, "A.EXAMPLE.test.": ALICE, "a.example.test:8080": ALICE,
                    "b.example.test": BOB, "x.deep.example.test": CAROL, "x.y.deep.example.test": CAROL, "deep.example.test": BOB,
                    "example.test": 404, "other.test": 404, "aexample.test": 404}
        self.assertEqual({host: self.who(host) for host in expected}, expected)
        routes = world.emperor.routes()
        self.assertEqual(routes["*.example.test"]["vassal"], "wild")
        self.assertEqual(routes["a.example.test"]["state"], "ready")

    def test_claims_that_are_gone_from_the_file_are_gone_at_once(self):
        world = self.world
        world.up("changing", "keeps.test", uid=ALICE, lines=["domain = loses.test"])
        self.assertEqual(self.who("loses.test"), ALICE)
        world.drop("changing", "keeps.test", uid=ALICE, lines=["domain = wins.test"])
        until("the new claim is there", lambda: self.who("wins.test") == ALICE)
        until("the old claim is gone", lambda: self.who("loses.test") == 404, 1)
        self.assertEqual(self.who("keeps.test"), ALICE)

    def test_subscribe_to_our_own_router_is_a_claim(self):
        world = self.world
        world.drop("classic", None, uid=ALICE, lines=[f"subscribe-to = {world.router}:classic.test"])
        world.emperor.wait_state("classic", "ready")
        self.assertEqual(self.who("classic.test"), ALICE)

    def test_a_killed_router_comes_back_with_all_routes(self):
        world = self.world
        for i in range(5):
            world.up(f"r{i}", f"r{i}.test", uid=ALICE)
        router = next(p for p in world.emperor.pids() if "fastrouter" in command_name(p))
        with Load(world.http_address, "r0.test", threads=1, every=0.01, good=lambda a: a.status == 200) as load:
            until("requests come", lambda: load.answered > 10)
            os.kill(router, signal.SIGKILL)
            until("the router is another one", lambda: [p for p in world.emperor.pids() if "fastrouter" in command_name(p) and p != router])
            before = load.answered
            until("requests are answered again", lambda: load.answered > before + 10)
        self.assertLessEqual(len(load.failures), 2, load.failures)
        self.assertEqual([self.who(f"r{i}.test") for i in range(5)], [ALICE] * 5)
        self.assertFalse(processes.alive(router))


class Default(SystemCase):
    def test_a_default_vassal_answers_for_everything_else(self):
        world = self.world
        world.up("default", "*", uid=ALICE)
        world.up("named", "named.test", uid=BOB)
        answers = [json.loads(http(world.http_address, host, "/whoami").body)["uid"][0] for host in ("named.test", "any.test", "x.y.z.test")]
        self.assertEqual(answers, [BOB, ALICE, ALICE])


def command_name(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""


if __name__ == "__main__":
    main()
