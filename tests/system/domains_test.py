"""Which hosts a vassal may claim at all: by the operator's list, by the name of its file, or any that is free."""
import os

from frame import ALICE, BOB, SystemCase, main, until


class Domains(SystemCase):
    def drop(self, name, *hosts, owner=0, uid=ALICE):
        lines = ["[uwsgi]", f"wsgi-file = {self.world.app('probe.py')}", *(f"domain = {h}" for h in hosts)]
        if owner == 0:
            lines += [f"uid = {uid}", f"gid = {uid}"]
        self.world.write(os.path.join(self.world.vassals, f"{name}.ini"), "\n".join([*lines, ""]), 0o644, owner)
        return self.world.emperor.wait_state(name, "ready")

    def routes(self):
        return {r["host"]: r["vassal"] for r in self.world.emperor.json("routes")}

    def refused(self, name):
        return {r["host"]: r["reason"] for r in self.world.emperor.json("show", name)["refused_domains"]}


class ByPolicy(Domains):
    @classmethod
    def set_up_world(cls, world):
        cls.list = world.write("domains", f"shop shop.test *.shop.test\nuid:{BOB} bob.test\n")
        world.emperor.options.update({"domains": "policy", "domains-list": cls.list, "rescan": "1"})

    def test_only_what_is_listed(self):
        world = self.world
        self.drop("shop", "shop.test", "a.shop.test", "bob.test")
        self.assertEqual(self.routes(), {"shop.test": "shop", "a.shop.test": "shop"})
        self.assertEqual(world.get("bob.test").status, 404)
        self.assertIn("not listed", self.refused("shop")["bob.test"])
        self.assertIn("domain bob.test is refused", world.emperor.row("shop")["last_error"])
        self.assertIn("vassal shop: domain bob.test is refused", world.emperor.tail(500))
        self.assertIn("bob.test: it is not listed", world.emperor.ctl("show", "shop").stdout)
        checked = world.emperor.ctl("check", "--domains", "policy", "--domains-list", self.list, os.path.join(world.vassals, "shop.ini"))
        self.assertIn("domain bob.test is refused", checked.stdout)
        self.drop("bobs", "bob.test", uid=BOB)
        self.assertEqual(self.routes()["bob.test"], "bobs")
        # The list changes: what is taken away is gone, what is given is there, a slip of the pen changes nothing.
        world.write("domains", f"shop shop.test\nuid:{BOB} bob.test later.test\n")
        until("the host is taken away", lambda: "a.shop.test" not in self.routes())
        world.write("domains", "shop http://nonsense\n")
        until("the fault is told", lambda: "the list before stays" in world.emperor.tail(500))
        self.assertEqual(self.routes(), {"shop.test": "shop", "bob.test": "bobs"})
        world.write("domains", f"* *.shop.test\nshop shop.test\nuid:{BOB} bob.test\n")
        until("the host is back", lambda: self.routes().get("a.shop.test") == "shop")

    def test_a_fault_in_the_list_is_told(self):
        world = self.world
        path = world.write("broken-list", "shop http://x\n")
        checked = world.emperor.ctl("check", "--domains-list", path, os.path.join(world.vassals, "x.ini"))
        self.assertIn("line 1: 'http://x' is neither", checked.stderr)


class ByFilename(Domains):
    @classmethod
    def set_up_world(cls, world):
        world.emperor.options.update({"domains": "filename"})

    def test_the_host_and_what_is_below_it(self):
        self.drop("shop.test", "shop.test", "www.shop.test", "*.shop.test", "other.test", "*.test")
        self.assertEqual(set(self.routes()), {"shop.test", "www.shop.test", "*.shop.test"})
        self.assertEqual(set(self.refused("shop.test")), {"other.test", "*.test"})


class Tyrants(Domains):
    options = {"emperor_tyrant": True}

    def test_a_tenant_takes_no_leftovers(self):
        self.drop("greedy", "*", "*.test", "greedy.test", owner=ALICE)
        self.assertEqual(set(self.routes()), {"greedy.test"})
        self.assertIn("belongs to nobody else", self.refused("greedy")["*.test"])
        self.assertIn("every tenant may claim any free host", self.world.emperor.tail(500))


class TyrantsByFilename(Domains):
    options = {"emperor_tyrant": True}

    @classmethod
    def set_up_world(cls, world):
        world.emperor.options.update({"domains": "filename"})

    def test_a_name_counts_only_where_the_operator_gives_it(self):
        world = self.world
        self.drop("a.test", "a.test", "b.test", owner=ALICE)
        self.assertEqual(set(self.routes()), {"a.test"})
        # From now on alice may put files there under any name.
        os.chown(world.vassals, ALICE, ALICE)
        self.drop("b.test", "b.test", owner=ALICE)
        self.assertEqual(set(self.routes()), {"a.test"})
        self.assertIn("proves nothing", self.refused("b.test")["b.test"])


del Domains

if __name__ == "__main__":
    main()
