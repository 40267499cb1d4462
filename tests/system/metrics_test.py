"""The figures for Prometheus."""
import re
import unittest  # noqa: F401

from frame import SystemCase, client, http, main, until
from imperium.world import own_address


class Metrics(SystemCase):
    options = {"metrics": "%s:%d" % own_address(9101)}
    address = own_address(9101)

    @classmethod
    def set_up_world(cls, world):
        world.drop("one", "one.test", lines=["processes = 2"])
        world.drop("broken", "broken.test", app="/nowhere/app.py")

    def page(self):
        answer = http(self.address, "metrics.test", "/metrics")
        self.assert_status(answer, 200)
        self.assertIn("version=0.0.4", answer.header("content-type"))
        return answer.text

    def value(self, name, **labels):
        """The one sample of that name with those labels."""
        wanted = ",".join(f'{k}="{v}"' for k, v in labels.items())
        found = re.findall(rf"^{name}{{{re.escape(wanted)}}} (\S+)$", self.page(), re.M)
        self.assertEqual(len(found), 1, f"{name} {labels}")
        return float(found[0])

    def test_counts_follow_the_requests_and_never_fall(self):
        self.world.emperor.wait_state("one", "ready")
        for path in ("/plain", "/plain", "/nowhere-to-be-found"):
            http(self.world.http_address, "one.test", path)
        until("three requests are counted", lambda: self.value("imperium_vassal_requests_total", vassal="one") == 3)
        self.assertEqual(self.value("imperium_vassal_workers", vassal="one"), 2)
        self.assertGreater(self.value("imperium_vassal_memory_bytes", vassal="one"), 1 << 20)
        answers = sum(self.value("imperium_vassal_responses_total", vassal="one", **{"class": f"{c}xx"}) for c in range(1, 6))
        self.assertEqual(answers, 3)
        generation = self.world.emperor.row("one")["generation"]
        self.world.emperor.ctl("reload", "one")
        until("the new generation serves alone", lambda: self.world.emperor.row("one")["generation"] > generation
              and self.value("imperium_vassal_workers", vassal="one") == 2)
        self.assertEqual(self.value("imperium_vassal_requests_total", vassal="one"), 3)

    def test_states_are_counted(self):
        until("the broken one failed", lambda: self.value("imperium_vassal_restarts_total", vassal="broken") >= 1)
        total = sum(float(v) for v in re.findall(r'^imperium_vassals{state="\w+"} (\d+)$', self.page(), re.M))
        self.assertEqual(total, 2)

    def test_the_page_is_well_formed(self):
        for line in self.page().splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) imperium_\w+ .+|imperium_\w+({(\w+="[^"]*",?)+})? [0-9.e+-]+)$')

    def test_who_asks_nothing_holds_nobody(self):
        silent = [client.connect(self.address) for _ in range(5)]
        self.assertTrue(self.page())
        for s in silent:
            s.close()
        self.assertEqual(http(self.address, "m", "/", method="POST").status, 0)


if __name__ == "__main__":
    main()
