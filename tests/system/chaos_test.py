"""Everything dies at random, and everything is edited at random, under load. At the end every site whose file is
whole answers, nobody ever got another's answer, nothing is left behind, and requests failed only for sites that were
being killed just then.

IMPERIUM_CHAOS_SECONDS: how long (20). IMPERIUM_CHAOS_SEED: the same order of events again."""
import os
import random
import signal
import threading
import time
from collections import Counter

from frame import ALICE, BOB, CAROL, DAVE, SystemCase, http, main, processes, until

SECONDS = float(os.environ.get("IMPERIUM_CHAOS_SECONDS", "20"))
SEED = int(os.environ.get("IMPERIUM_CHAOS_SEED", str(random.SystemRandom().randrange(1 << 32))))
SITES = 8
# Who kills a worker, a vassal or a router kills the request in its hands: one of each site concerned (each has one visitor),
# which was under way then.
BAD_FOR = 0.1
BACKOFF = 2.0  # who kills a vassal that just starts makes its start fail: visitors are told so (503) until the next one
MENDING = 5.0  # until a file that is whole again is read, and what it describes is up, on a busy machine
APP = """import os
def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'{name} ', environ['HTTP_HOST'].encode()]
"""


class Site:
    def __init__(self, number):
        self.number, self.name, self.host = number, f"site{number}", f"site{number}.test"
        self.whole, self.blows, self.mended, self.vassal_killed = True, [], 0.0, 0.0
        self.lock = threading.Lock()
        self.answered, self.forgiven_failures = 0, 0
        self.failures, self.wrong = [], []

    def blow(self):
        """Something that serves it is killed now: one request may be lost with it."""
        with self.lock:
            self.blows.append(time.monotonic())

    def is_forgiven(self, start, end, status):
        """A request that failed between two times: a blow that fell meanwhile, and that no other request was forgiven for."""
        if not self.whole or start < self.mended or (status == 503 and start < self.vassal_killed + BACKOFF):
            return True
        blow = next((when for when in self.blows if start - BAD_FOR <= when <= end), None)
        if blow is not None:
            self.blows.remove(blow)
        return blow is not None

    def judge(self, start, end, answer):
        with self.lock:
            own = f"{self.name} {self.host}"
            if answer.status == 200 and not own.startswith(answer.text):
                self.wrong.append(answer.text)
            elif answer.status == 200 and answer.text == own and not answer.error:  # less of it: who wrote it was killed
                self.answered += 1
            elif self.is_forgiven(start, end, answer.status):
                self.forgiven_failures += 1
            else:
                self.failures.append((round(start, 3), round(end - start, 3), answer.status, answer.error or answer.text[:100]))


class Chaos(SystemCase):
    options = {"nginx": True, "router_processes": "2", "kill_patience": "5"}

    def setUp(self):
        print(f"IMPERIUM_CHAOS_SEED={SEED} IMPERIUM_CHAOS_SECONDS={SECONDS:g}", flush=True)
        self.random = random.Random(SEED)
        self.emperor, self.done = self.world.emperor, Counter()
        self.sites = [Site(i) for i in range(SITES)]
        for site in self.sites:
            self.write(site)
        for site in self.sites:
            self.emperor.wait_state(site.name, "ready")
        self.last_of_pair = ("", 0.0)  # which of keeper and emperor was killed, when
        self.stop = threading.Event()

    def write(self, site):
        lines = [f"processes = {self.random.choice((1, 2))}", f"env = TURN={self.random.random()}"]
        lines += [f"socket = {self.world.path('sockets', site.name)}"] if site.number % 4 == 0 else []
        lines += ["idle = 1"] if site.number % 4 == 1 else []
        app = self.world.write(f"apps/{site.name}.py", APP.format(name=site.name))
        self.world.drop(site.name, site.host, app=app, uid=(ALICE, BOB, CAROL, DAVE)[site.number % 4], lines=lines)

    def visit(self, site):
        while not self.stop.is_set():
            start = time.monotonic()
            answer = http(self.world.front, site.host, timeout=20)
            site.judge(start, time.monotonic(), answer)
            self.stop.wait(0.02)

    # -- what happens

    def kill(self, pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def row(self, site):
        try:
            return self.emperor.row(site.name)
        except AssertionError:
            return None

    def kill_worker(self, site):
        row = self.row(site)
        workers = processes.children(row["pid"])[1:] if row and row["pid"] else []
        if workers:
            site.blow()
            self.kill(self.random.choice(workers))

    def kill_vassal(self, site):
        row = self.row(site)
        if row and row["pid"]:
            site.blow()
            site.vassal_killed = time.monotonic()
            self.kill(row["pid"])

    def kill_router(self, _):
        routers = processes.listening([self.world.router], "fastrouter")
        if routers:
            for site in self.sites:
                site.blow()
            self.kill(self.random.choice(routers))

    def kill_pair(self, which):
        other, when = self.last_of_pair
        if other != which and time.monotonic() - when < 1.0:
            return  # never both within a second
        pid = self.emperor.pid_of(which)
        if pid and processes.alive(pid):
            self.last_of_pair = (which, time.monotonic())
            self.kill(pid)

    def kill_emperor(self, _):
        self.kill_pair("emperor")

    def kill_keeper(self, _):
        self.kill_pair("keeper")

    def upgrade(self, _):
        """Also a moment at which the emperor is another one: nobody is killed within a second of it."""
        if time.monotonic() - self.last_of_pair[1] >= 1.0:
            self.emperor.ctl("upgrade")
            self.last_of_pair = ("both", time.monotonic())

    def edit(self, site):
        self.write(site)
        self.mended(site)

    def touch(self, site):
        path = os.path.join(self.world.vassals, f"{site.name}.ini")
        if os.path.exists(path):
            os.utime(path)

    def break_file(self, site):
        """The generation that runs goes on; one that is killed does not come back, until the file is mended."""
        with site.lock:
            site.whole = False
        path = os.path.join(self.world.vassals, f"{site.name}.ini")
        self.world.write(path, "[uwsgi]\nuid = nobody-of-that-name\n")

    def remove(self, site):
        path = os.path.join(self.world.vassals, f"{site.name}.ini")
        with site.lock:
            site.whole = False
        if os.path.exists(path):
            os.unlink(path)

    def mended(self, site):
        """Whole from now on; its start is forgiven."""
        if not site.whole:
            with site.lock:
                site.whole, site.mended = True, time.monotonic() + MENDING

    def reload(self, site):
        self.emperor.ctl("reload", site.name)

    def reload_all(self, _):
        self.emperor.ctl("reload")

    CHANCES = (("kill_worker", 8), ("kill_vassal", 6), ("kill_router", 2), ("kill_emperor", 4), ("kill_keeper", 4), ("upgrade", 1),
               ("edit", 10), ("touch", 4), ("break_file", 2), ("remove", 2), ("reload", 6), ("reload_all", 1))

    # -- the test

    def test_nobody_notices_what_is_not_theirs(self):
        visitors = [threading.Thread(target=self.visit, args=(site,)) for site in self.sites]
        for visitor in visitors:
            visitor.start()
        names, weights = zip(*self.CHANCES)
        end = time.monotonic() + SECONDS
        try:
            while time.monotonic() < end:
                what, site = self.random.choices(names, weights)[0], self.random.choice(self.sites)
                self.done[what] += 1
                getattr(self, what)(site)
                self.stop.wait(self.random.expovariate(1 / 0.15))
            for site in self.sites:
                if not site.whole:
                    self.edit(site)
            until("everybody answers", self.everybody_answers, 40, every=0.1)
        finally:
            self.stop.set()
            for visitor in visitors:
                visitor.join()
            self.report()
        self.assertEqual({s.name: s.wrong for s in self.sites if s.wrong}, {}, "another's answer")
        self.assertEqual({s.name: s.failures for s in self.sites if s.failures}, {}, f"seed {SEED}")
        self.nobody_is_orphaned()

    def everybody_answers(self):
        return all(http(self.world.front, s.host, timeout=20).text == f"{s.name} {s.host}" for s in self.sites)

    def report(self):
        print(f"\nevents: {dict(self.done)}\nanswered: {sum(s.answered for s in self.sites)}, failed while killed, broken or removed: "
              f"{ {s.name: s.forgiven_failures for s in self.sites if s.forgiven_failures} }, "
              f"failed otherwise: { {s.name: len(s.failures) for s in self.sites if s.failures} }", flush=True)

    def nobody_is_orphaned(self):
        """Every process of a tenant belongs to a generation that the emperor knows."""
        def strangers():
            known = set()
            for site in self.sites:
                for generation in self.emperor.json("show", site.name)["generations"]:
                    known.update(processes.children(generation["pid"]) if generation["pid"] else [])
            mine = set(processes.in_cgroup(self.world.cgroup_root))
            return {pid for pid in mine if processes.name(pid) not in ("emperor", "fastrouter", "logger")} - known
        until(lambda: f"no strangers: {[processes.command(p) for p in strangers()]}", lambda: not strangers(), 15, every=0.1)


if __name__ == "__main__":
    main()
