"""More visitors than a site can serve: they wait in order, are answered or told 503 in time, none
is lost, and no other site notices. Also with sites that never finish starting."""
import resource
import select
import socket
import time

from frame import ALICE, BOB, CAROL, Load, SystemCase, http, main, until

QUEUE_TIMEOUT = 4


def crowd(address, host, path, count, seconds):
    """[(status or 0, seconds it took)] of `count` requests that all stand there at once."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    poller, open_ones, results = select.epoll(), {}, []
    start = time.monotonic()
    for _ in range(count):
        s = socket.create_connection(address, 10)
        s.sendall(request)
        s.setblocking(False)
        open_ones[s.fileno()] = [s, b""]
        poller.register(s.fileno(), select.EPOLLIN)
    while open_ones and time.monotonic() - start < seconds:
        for number, _ in poller.poll(0.2):
            s, data = open_ones[number]
            try:
                chunk = s.recv(65536)
            except OSError:
                chunk = b""
            if chunk:
                open_ones[number][1] = data + chunk
                continue
            poller.unregister(number)
            del open_ones[number]
            s.close()
            results.append((int(data[9:12]) if data.startswith(b"HTTP/1.") else 0, time.monotonic() - start))
    for s, _ in open_ones.values():
        s.close()
        results.append((0, seconds))
    return results


class Crowd(SystemCase):
    options = {"nginx": True, "queue_timeout": QUEUE_TIMEOUT,
               "nginx_replace": [("limit_conn imperium_host 1024;", "limit_conn imperium_host 4000;")]}

    @classmethod
    def setUpClass(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
        super().setUpClass()

    def judge(self, results, answered):
        told = [seconds for status, seconds in results if status == 503]
        served = [seconds for status, seconds in results if status == 200]
        lost = [r for r in results if r[0] not in (200, 503)]
        self.assertEqual(lost, [], f"{len(lost)} neither answered nor told; {len(served)} answered, {len(told)} told 503")
        if answered:
            self.assertGreater(len(served), 0)
        if told:
            self.assertLess(max(told), QUEUE_TIMEOUT + 4, "who is told is told in time")
        return served, told

    def test_two_thousand_at_once_to_a_slow_site(self):
        world = self.world
        world.up("slow", "slow.test", uid=ALICE, lines=["processes = 2", "queue-max = 4000"])
        world.up("good", "good.test", uid=BOB)
        with Load(world.front, "good.test", threads=1, every=0.02) as good:
            until("the neighbour is answered", lambda: good.answered > 5)
            results = crowd(world.front, "slow.test", "/wait?seconds=0.05", 2000, 30)
        served, told = self.judge(results, answered=True)
        self.assertEqual(len(served) + len(told), 2000)
        self.assertGreater(len(served), 50, "the workers went on working")
        self.assertGreater(len(told), 100, "40 requests a second cannot answer 2,000 in time")
        self.assert_clean(good)
        world.wait_answer("slow.test")

    def test_a_crowd_that_can_be_served_is_served(self):
        world = self.world
        world.up("quick", "quick.test", uid=ALICE, lines=["processes = 2", "queue-max = 4000"])
        served, told = self.judge(crowd(world.front, "quick.test", "/", 2000, 30), answered=True)
        self.assertEqual((len(served), len(told)), (2000, 0))

    def test_a_crowd_before_a_site_in_backoff(self):
        world = self.world
        died = world.write("apps/dies.py", "import probe\nimport os, threading\n"
                           "threading.Thread(target=lambda: (threading.Event().wait(0.3), os._exit(9))).start()\n"
                           "application = probe.application\n")
        world.app("probe.py")
        bad = world.write("apps/failing.py", "raise RuntimeError('not today')\n")
        world.up("fails", "fails.test", uid=CAROL)
        world.drop("other", "other.test", uid=CAROL, app=bad)
        world.emperor.wait_state("other", "backoff")
        results = crowd(world.front, "other.test", "/", 300, 30)
        served, told = self.judge(results, answered=False)
        self.assertEqual((len(served), len(told)), (0, 300))
        world.drop("dying", "dying.test", uid=CAROL, app=died, lines=[f"pythonpath = {world.apps}"])
        until("the route is there", lambda: "dying.test" in world.emperor.routes())
        self.judge(crowd(world.front, "dying.test", "/wait?seconds=1", 100, 30), answered=False)

    def test_those_already_on_the_belt_are_told_too(self):
        world = self.world
        world.up("stuck", "stuck.test", uid=ALICE, lines=["processes = 1"])
        results = crowd(world.front, "stuck.test", "/wait?seconds=9", 40, 30)
        served, told = self.judge(results, answered=True)
        self.assertLessEqual(len(served), 2)
        self.assertGreaterEqual(len(told), 38)

    def test_requests_wait_while_a_site_starts(self):
        world = self.world
        slow = world.write("apps/slow_start.py", "import threading\nthreading.Event().wait(1.5)\nfrom probe import application\n")
        world.app("probe.py")
        world.drop("starting", "starting.test", uid=ALICE, app=slow, lines=[f"pythonpath = {world.apps}"])
        world.emperor.wait_state("starting", "starting")
        until("the route is there", lambda: "starting.test" in world.emperor.routes())
        answer = http(world.front, "starting.test")
        self.assert_status(answer, 200)


class Sleepers(SystemCase):
    """Applications that sleep for ever at import keep nobody from starting."""

    options = {"start_slots": 2}

    def test_two_sleepers_and_a_third(self):
        world = self.world
        for name in ("asleep1", "asleep2"):
            world.drop(name, f"{name}.test", app="asleep.py", uid=ALICE, lines=["start-timeout = 8"])
            world.emperor.wait_state(name, "starting")
        world.drop("third", "third.test", uid=BOB)
        self.assert_status(world.wait_answer("third.test", seconds=6), 200)
        row = until("the sleepers are given up", lambda: (r := world.emperor.row("asleep1"))["last_error"] and r, 15)
        self.assertIn("start-timeout", row["last_error"])
        world.drop("fourth", "fourth.test", uid=BOB)
        self.assert_status(world.wait_answer("fourth.test", seconds=6), 200)


if __name__ == "__main__":
    main()
