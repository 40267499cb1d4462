"""What a tenant may use: the limits stand in the kernel, hold under attack, and hit nobody else."""
import json
import os
import re

from frame import ALICE, BOB, CAROL, DAVE, Load, SystemCase, main, processes, until, waiting

MIB = 1 << 20


def controller_file(pid, controller, v1, v2):
    """The text of a controller's file in the group of `pid`, or in the parent that carries the limit."""
    groups = processes.cgroups_of(pid)
    for names, path in groups.items():
        if controller in names.split(","):
            base, name = f"/sys/fs/cgroup/{names}", v1
            break
    else:
        base, path, name = "/sys/fs/cgroup", groups[""], v2
    with open(os.path.join(base + os.path.dirname(path), name)) as f:
        return f.read().split()


def cpu_seconds(pids):
    total = 0.0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


class Limits(SystemCase):
    options = {"nginx": True}

    def ask(self, host, path, **named):
        answer = self.world.get(host, path, **named)
        self.assert_status(answer, 200)
        return json.loads(answer.body)

    def test_the_configured_limits_stand_in_the_kernel(self):
        row = self.world.up("limited", "limited.test", uid=ALICE, lines=[
            "memory-max = 192M", "cpu-max = 50%", "cpu-weight = 200", "pids-max = 40"])
        pid = self.ask("limited.test", "/whoami")["pid"]
        paths = [p for p in processes.cgroups_of(pid).values() if self.world.cgroup_root in p]
        self.assertTrue(paths)
        for path in paths:
            self.assertRegex(path, f"{re.escape(self.world.cgroup_root)}/limited/gen-{row['generation']}$")
        self.assertEqual(controller_file(pid, "memory", "memory.limit_in_bytes", "memory.max"), [str(192 * MIB)])
        self.assertEqual(controller_file(pid, "pids", "pids.max", "pids.max"), ["40"])
        quota = controller_file(pid, "cpu", "cpu.cfs_quota_us", "cpu.max")[0]
        period = (controller_file(pid, "cpu", "cpu.cfs_period_us", "cpu.max") * 2)[-1]
        self.assertAlmostEqual(int(quota) / int(period), 0.5, places=2)
        for worker in processes.children(row["pid"]):
            self.assertTrue(any(self.world.cgroup_root in p for p in processes.cgroups_of(worker).values()))

    def test_uwsgis_names_for_limits(self):
        self.world.up("classic", "classic.test", uid=ALICE, lines=[
            "cgroup = /sys/fs/cgroup/memory/classic", "cgroup-opt = memory.limit_in_bytes=134217728",
            "cgroup = /sys/fs/cgroup/cpu/classic", "cgroup-opt = cpu.shares=2048"])
        pid = self.ask("classic.test", "/whoami")["pid"]
        self.assertEqual(controller_file(pid, "memory", "memory.limit_in_bytes", "memory.max"), [str(128 * MIB)])
        self.assertFalse(os.path.exists("/sys/fs/cgroup/memory/classic"), "groups stand below the emperor's root only")

    def test_who_allocates_too_much_dies_alone_and_comes_back(self):
        world = self.world
        world.up("greedy", "greedy.test", uid=ALICE, lines=["memory-max = 96M", "processes = 1"])
        world.up("modest", "modest.test", uid=BOB)
        with Load(world.front, "modest.test", every=0.005) as modest:
            answer = world.get("greedy.test", "/allocate?mib=300", timeout=30)
            self.assertNotEqual(answer.status, 200)
            world.wait_answer("greedy.test", "/whoami")
        self.assert_clean(modest)
        shown = until("the kill is counted", lambda: (r := world.emperor.row("greedy")).get("oom_kills") and r)
        self.assertGreaterEqual(shown["oom_kills"], 1)
        world.remove("greedy")
        world.emperor.wait_gone("greedy")

    def test_a_busy_loop_gets_its_share_and_no_more(self):
        world = self.world
        row = world.up("busy", "busy.test", uid=CAROL, lines=["cpu-max = 20%", "processes = 2"])
        world.up("calm", "calm.test", uid=BOB)
        with Load(world.front, "calm.test", threads=1, every=0.01) as alone:
            until("the calm neighbour is measured", lambda: alone.answered > 200, 20)
        with Load(world.front, "busy.test", "/burn?seconds=1", threads=2, good=lambda a: True):
            until("the loop runs", lambda: cpu_seconds(processes.children(row["pid"])) > 0.2, 20)
            pids = processes.children(row["pid"])
            before = cpu_seconds(pids)
            with Load(world.front, "calm.test", threads=1, every=0.01) as beside:
                waiting.pause(5.0)
            share = (cpu_seconds(pids) - before) / 5.0
        self.assertGreater(share, 0.15)
        self.assertLess(share, 0.25)
        self.assert_clean(beside)
        self.assertLess(beside.percentile(0.5), max(2 * alone.percentile(0.5), 0.05))

    def test_a_fork_bomb_stops_at_pids_max(self):
        world = self.world
        world.up("bomb", "bomb.test", uid=DAVE, lines=["pids-max = 24", "processes = 1"])
        world.up("calm2", "calm2.test", uid=BOB)
        with Load(world.front, "calm2.test", every=0.005) as calm:
            forked = self.ask("bomb.test", "/fork", timeout=30)
        self.assertLess(forked, 24)
        self.assertGreater(forked, 10)
        self.assert_clean(calm)
        self.assertEqual(world.get("bomb.test").status, 200)

    def test_usage_is_shown(self):
        self.world.up("shown", "shown.test", uid=ALICE, lines=["memory-max = 128M"])
        self.world.get("shown.test", "/burn?cpu=0.2", timeout=30)
        row = until("the usage is counted", lambda: (r := self.world.emperor.row("shown"))["cpu_seconds"] > 0.1 and r)
        self.assertGreater(row["memory_bytes"], 1 * MIB)
        self.assertLess(row["memory_bytes"], 128 * MIB)
        self.assertIn("shown", row["cgroup"])

    def test_the_group_of_an_old_generation_goes(self):
        world = self.world
        world.up("renewed", "renewed.test", uid=ALICE, lines=["memory-max = 128M"])
        world.up("renewed", "renewed.test", uid=ALICE, lines=["memory-max = 160M"])

        def generations():
            found = set()
            for top in leaves(world.cgroup_root, "renewed"):
                found |= {name for name in os.listdir(top) if name.startswith("gen-")}
            return found

        until("generation 2 is up", lambda: (world.emperor.row("renewed")["generation"], world.emperor.row("renewed")["state"]) == (2, "ready"))
        until(lambda: f"only the new leaf is left of {generations()}", lambda: generations() == {"gen-2"})
        pid = self.ask("renewed.test", "/whoami")["pid"]
        self.assertEqual(controller_file(pid, "memory", "memory.limit_in_bytes", "memory.max"), [str(160 * MIB)])
        world.remove("renewed")
        world.emperor.wait_gone("renewed")
        self.assertEqual(leaves(world.cgroup_root, "renewed"), [])


def leaves(root, name):
    from frame import leftovers
    return leftovers.cgroup_directories(f"{root}/{name}")


if __name__ == "__main__":
    main()
