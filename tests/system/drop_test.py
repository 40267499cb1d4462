"""The main job: files are dropped, edited, broken, repaired and removed while visitors come.
Each site answers exactly when it should, and no other site notices."""
import os

from frame import ALICE, BOB, CAROL, Load, SystemCase, main, until

MARKED = """
def application(environ, start_response):
    body = b"{text}"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""


class Drop(SystemCase):
    options = {"nginx": True}

    def marked(self, text):
        return self.world.write(f"apps/{text}.py", MARKED.format(text=text))

    def said(self, host):
        answer = self.world.get(host)
        return answer.text if answer.status == 200 else answer.status

    def test_life_of_a_site_beside_a_busy_neighbour(self):
        world, emperor = self.world, self.world.emperor
        world.up("neighbour", "neighbour.test", uid=BOB, lines=["processes = 1"])
        with Load(world.front, "neighbour.test", every=0.002) as neighbour:
            self.assertEqual(self.said("site.test"), 404, "a site that is not there is unknown")

            world.drop("site", "site.test", app=self.marked("first"))
            self.assertEqual(world.wait_answer("site.test").text, "first")
            first = emperor.wait_state("site", "ready")
            self.assertEqual((first["uid"], first["gid"], first["domains"]), (ALICE, ALICE, ["site.test"]))

            with Load(world.front, "site.test", every=0.002) as site:
                self.edit(first)
                self.breaks_and_is_repaired()
            self.assert_clean(site)

            world.remove("site")
            emperor.wait_gone("site")
            self.assertEqual(self.said("site.test"), 404, "a removed site is unknown again")
        self.assert_clean(neighbour)

    def edit(self, first):
        world, emperor = self.world, self.world.emperor
        world.drop("site", "site.test", app=self.marked("second"))
        until("the edited site answers", lambda: self.said("site.test") == "second")
        second = emperor.wait_state("site", "ready")
        self.assertGreater(second["generation"], first["generation"])
        self.assertNotEqual(second["pid"], first["pid"])

    def breaks_and_is_repaired(self):
        world, emperor = self.world, self.world.emperor
        broken = world.drop("site", "site.test", app=self.marked("second"), lines=["processes = 1", "memory-max = many"])
        row = until("the fault is shown", lambda: (r := emperor.row("site"))["last_error"] and r)
        self.assertIn(f"{broken}:7: ", row["last_error"], "file and line of the fault")
        self.assertEqual(self.said("site.test"), "second", "the old generation serves on")

        bad = world.write("apps/bad.py", "import there_is_no_such_module\n")
        world.drop("site", "site.test", app=bad)
        until("the failed import is shown", lambda: "there_is_no_such_module" in emperor.row("site")["last_error"])
        self.assertEqual(self.said("site.test"), "second", "the old generation serves on")

        world.drop("site", "site.test", app=self.marked("third"))
        until("the repaired site answers", lambda: self.said("site.test") == "third")
        self.assertEqual(emperor.wait_state("site", "ready")["last_error"], "")

    def test_unchanged_content_changes_nothing(self):
        world = self.world
        before = world.up("still", "still.test", uid=CAROL)
        world.drop("still", "still.test", uid=CAROL)
        world.up("after", "after.test", uid=CAROL)  # by then the rewritten file has been looked at
        after = world.emperor.row("still")
        self.assertEqual((before["generation"], before["pid"]), (after["generation"], after["pid"]))

    def test_a_file_written_in_pieces_is_taken_whole(self):
        world = self.world
        text = world.ini("pieces.test", app=self.marked("whole"))
        path = os.path.join(world.vassals, "pieces.ini")
        with open(path, "w") as f:
            for line in text.splitlines(keepends=True):
                f.write(line)
                f.flush()
        world.emperor.wait_state("pieces", "ready")
        self.assertEqual(world.emperor.row("pieces")["generation"], 1)
        self.assertEqual(self.said("pieces.test"), "whole")

    def test_a_moved_file_is_another_vassal(self):
        world = self.world
        world.up("before", "moved.test", app=self.marked("moved"))
        os.rename(os.path.join(world.vassals, "before.ini"), os.path.join(world.vassals, "later.ini"))
        world.emperor.wait_gone("before")
        world.emperor.wait_state("later", "ready")
        self.assertEqual(world.wait_answer("moved.test").text, "moved")

    def test_other_files_in_the_directory_are_no_vassals(self):
        world = self.world
        for name in ("README", "site.ini~", ".hidden.ini", "site.ini.bak", "site.conf.swp"):
            world.write(os.path.join(world.vassals, name), world.ini("other.test"))
        world.up("proper", "proper.test")
        names = set(world.emperor.ls())
        self.assertFalse({n for n in names if "hidden" in n or "README" in n or "~" in n or "bak" in n or "swp" in n}, names)

    def test_a_symbolic_link_to_a_trusted_file(self):
        world = self.world
        target = world.write("elsewhere/template.ini", world.ini("linked.test", app=self.marked("linked")))
        os.symlink(target, os.path.join(world.vassals, "linked.ini"))
        row = until("the link is looked at", lambda: world.emperor.row("linked"))
        if row["state"] == "rejected":
            self.assertIn("link", row["last_error"])
        else:
            world.emperor.wait_state("linked", "ready")

    def test_many_sites_at_once(self):
        world = self.world
        for i in range(30):
            world.drop(f"many{i}", f"many{i}.test", app=self.marked("many"), uid=61100 + i)
        for i in range(30):
            self.assertEqual(world.wait_answer(f"many{i}.test").text, "many")
        for i in range(30):
            world.remove(f"many{i}")
        for i in range(30):
            world.emperor.wait_gone(f"many{i}")


if __name__ == "__main__":
    main()
