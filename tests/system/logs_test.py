"""Logs: every vassal's lines are kept, rotated and bounded, and its application never waits for them."""
import glob
import json
import os
import pty
import signal
import socket
import subprocess
import threading

from frame import ALICE, BOB, SystemCase, main, processes, until

QUIET = ["disable-logging = true"]


class Service:
    """A datagram socket that remembers what came."""

    def __init__(self, path):
        self.path, self.datagrams = path, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self):
        while datagram := self.socket.recv(65536):
            self.datagrams.append(datagram)

    def close(self):
        self.socket.shutdown(socket.SHUT_RD)
        self.socket.close()
        os.unlink(self.path)


class Logs(SystemCase):
    @classmethod
    def set_up_world(cls, world):
        cls.services = {name: Service(world.path(name)) for name in ("journald", "syslog")}
        for service in cls.services.values():
            cls.addClassCleanup(service.close)
        world.emperor.options.update({name: service.path for name, service in cls.services.items()})

    def up(self, name, lines=(), uid=ALICE):
        return self.world.up(name, f"{name}.test", app="talker.py", uid=uid, lines=[*QUIET, *lines])

    def ask(self, name, path, **query):
        text = "&".join(f"{k}={v}" for k, v in query.items())
        answer = self.world.get(f"{name}.test", f"{path}?{text}", timeout=20)
        self.assert_status(answer, 200)
        return json.loads(answer.body)

    def own(self, name):
        return os.path.join(self.world.run_dir, "logs", f"{name}.log")

    def read(self, path):
        try:
            with open(path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def until_in(self, word, path):
        return until(lambda: f"{word!r} is in {path}: {self.read(path)[-300:]!r}", lambda: word in self.read(path) and self.read(path))

    def logger(self):
        def found():
            for pid in self.world.emperor.pids():
                try:
                    with open(f"/proc/{pid}/cmdline") as f:
                        if f.read().startswith("logger\0"):
                            return pid
                except FileNotFoundError:
                    pass
            return None
        return until("a logger runs", found)

    def test_lines_reach_the_file_and_emperorctl(self):
        self.up("plain")
        self.ask("plain", "/say", text="whole")
        self.ask("plain", "/raw", hex=b"without an end".hex())
        self.ask("plain", "/stderr", text="opened")
        text = self.until_in("without an end", self.own("plain"))
        self.assertIn("whole\n", text)
        self.assertIn("opened\n", text)
        done = self.world.emperor.ctl("logs", "plain", "-n", "2")
        self.assertEqual(len(done.stdout.splitlines()), 2, done.stdout)
        self.assertEqual(self.world.emperor.ctl("logs", "nobody-of-that-name").returncode, 1)
        self.assertEqual(os.stat(self.own("plain")).st_uid, 0)

    def test_the_logger_is_nobody_and_nobody_looks_into_it(self):
        pid = self.logger()
        self.assertNotEqual(processes.status(pid, "Uid").split()[0], "0")
        self.assertEqual(processes.status(pid, "CapEff"), "0" * 16)
        self.assertEqual(os.stat(f"/proc/{pid}/fd").st_uid, 0)

    def test_a_full_file_is_put_away_and_followers_go_on(self):
        self.up("full", ["log-maxsize = 64K", "log-keep = 2"])
        self.ask("full", "/say", text="first")
        self.until_in("first", self.own("full"))
        follower = subprocess.Popen([os.path.join(self.world.emperor.programs, "emperorctl"), "--control", self.world.emperor.control,
                                     "logs", "-f", "full"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(follower.stdout.close)
        self.addCleanup(follower.wait)
        self.addCleanup(follower.kill)
        until("the follower is there", lambda: "first" in follower.stdout.readline())
        log = self.own("full")

        def inode():
            try:
                return os.stat(log).st_ino
            except FileNotFoundError:  # it is being put away just now
                return None

        def overflow(word):
            before = inode()
            self.ask("full", "/flood", lines=700, size=100, word=word)

            def fresh():
                self.ask("full", "/say", text="x")
                return inode() not in (before, None)
            until(f"a fresh file after {word}", fresh, every=0.1)

        for word in ("one", "two", "three"):
            overflow(word)
        self.ask("full", "/say", text="last")
        self.until_in("last", log)
        self.assertEqual(sorted(glob.glob(log + "*")), [log, f"{log}.1", f"{log}.2"])
        self.assertIn("two 699", self.read(f"{log}.1") + self.read(f"{log}.2"))
        seen = []
        until("the follower saw all", lambda: seen.append(follower.stdout.readline().strip()) or seen[-1] == "last", every=0)
        for word in ("one", "two", "three"):
            self.assertEqual([line for line in seen if line.startswith(word)], [f"{word} {i} ".ljust(99, ".") for i in range(700)])
        shown = self.world.emperor.ctl("logs", "full", "-n", "500").stdout.splitlines()
        self.assertEqual(len(shown), 500)

    def test_what_is_above_the_rate_is_dropped_and_counted(self):
        self.up("loud", ["log-rate-lines = 100"])
        self.up("calm", uid=BOB)
        took = self.ask("loud", "/flood", lines=50000)
        self.assertLess(took, 10)
        self.ask("calm", "/say", text="heard")
        self.until_in("heard", self.own("calm"))
        text = self.until_in("lines dropped (log-rate)", self.own("loud"))
        self.assertLess(text.count("flood"), 3000)

    def test_who_floods_keeps_no_reader_waiting(self):
        self.up("torrent")
        pid = self.ask("torrent", "/pid")
        flood = threading.Thread(target=lambda: self.world.get("torrent.test", "/flood?lines=100000000", timeout=60))
        flood.start()
        self.until_in("flood 999 ", self.own("torrent"))
        done = self.world.emperor.ctl("logs", "torrent", "-n", "50")
        self.assertTrue(flood.is_alive())
        os.kill(pid, signal.SIGKILL)
        flood.join()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("flood", done.stdout)

    def test_json(self):
        self.up("objects", ["log-encoder = json"])
        self.ask("objects", "/raw", hex=b'"quoted"\xff\n'.hex())
        text = self.until_in("quoted", self.own("objects"))
        line = [json.loads(line) for line in text.splitlines()][-1]
        self.assertEqual((line["vassal"], line["line"]), ("objects", '"quoted"\ufffd'))
        self.assertEqual(set(line), {"time", "vassal", "line"})

    def test_journald_and_syslog(self):
        self.up("system", ["logger = journald", "logger = syslog"])
        self.ask("system", "/say", text="to-both")
        journal = until("journald has it", lambda: next((d for d in self.services["journald"].datagrams if b"to-both" in d), None))
        self.assertEqual(journal, b"PRIORITY=6\nSYSLOG_IDENTIFIER=system\nIMPERIUM_VASSAL=system\nMESSAGE=to-both\n")
        syslog = until("syslog has it", lambda: next((d for d in self.services["syslog"].datagrams if b"to-both" in d), None))
        self.assertRegex(syslog, rb"^<14>\w{3} [ \d]\d \d\d:\d\d:\d\d system: to-both$")
        self.assertEqual(self.read(self.own("system")), "")

    def test_no_line_is_lost_with_a_logger(self):
        self.up("kept")
        self.ask("kept", "/say", text="before")
        self.until_in("before", self.own("kept"))
        old = self.logger()
        os.kill(old, signal.SIGSTOP)
        self.ask("kept", "/flood", lines=1000, size=100)
        os.kill(old, signal.SIGKILL)
        text = self.until_in("flood 999 ", self.own("kept"))
        self.assertEqual(text.count("flood"), 1000)
        self.assertNotEqual(self.logger(), old)

    def test_the_emperor_may_die(self):
        self.up("orphan")
        logger, emperor = self.logger(), self.world.emperor.pid_of("emperor")
        os.kill(emperor, signal.SIGKILL)
        self.ask("orphan", "/flood", lines=1000, size=100)
        until("another emperor", lambda: self.world.emperor.pid_of("emperor") not in (emperor, None))
        self.world.emperor.wait_state("orphan", "ready")
        self.ask("orphan", "/say", text="after")
        text = self.until_in("after", self.own("orphan"))
        self.assertEqual(text.count("flood"), 1000)
        self.assertEqual(self.logger(), logger)
        self.assertIn("after", self.world.emperor.ctl("logs", "orphan").stdout)

    def test_a_file_of_the_tenants_is_put_away_with_his_ids(self):
        home = self.world._folder("home", 0o755)
        os.chown(home, ALICE, ALICE)
        log = os.path.join(home, "log")
        victim = self.world.write("victim", "untouched")
        os.symlink(victim, log + ".1")
        os.symlink(victim, log + ".2")
        self.up("tenants", [f"logto = {log}", "log-maxsize = 64K", "log-keep = 2"])
        self.ask("tenants", "/flood", lines=700, size=100)

        def away():
            self.ask("tenants", "/say", text="x")
            return os.path.exists(log) and not os.path.islink(log + ".1")
        until("it was put away", away, every=0.1)
        self.until_in("flood 699 ", log + ".1")
        self.assertEqual((os.stat(log).st_uid, os.stat(log + ".1").st_uid), (ALICE, ALICE))
        self.assertEqual(self.read(victim), "untouched")

    def test_a_touched_file_puts_the_log_away_or_opens_it_again(self):
        home = self.world._folder("touches", 0o755)
        os.chown(home, ALICE, ALICE)
        for file in ("rotate", "reopen"):
            self.world.write(os.path.join(home, file), "", owner=ALICE)
        log = os.path.join(home, "log")
        self.up("touches", [f"chdir = {home}", f"logto = {log}", "touch-logrotate = rotate", "touch-logreopen = reopen"])
        self.ask("touches", "/say", text="first")
        self.until_in("first", log)

        def fresh(file):
            def there():
                os.utime(os.path.join(home, file))
                return os.path.exists(log) and "first" not in self.read(log)
            until(f"a fresh log after {file}", there, every=0.1)

        fresh("rotate")
        self.until_in("first", log + ".1")
        self.ask("touches", "/say", text="first-again")
        self.until_in("first-again", log)
        os.rename(log, log + ".mine")
        fresh("reopen")
        self.ask("touches", "/say", text="second")
        self.until_in("second", log)

    def test_where_the_tenant_may_not_rename_it_is_emptied(self):
        home = self.world._folder("closed", 0o755)
        log = self.world.write(os.path.join(home, "log"), "", owner=ALICE)
        self.up("emptied", [f"logto = {log}", "log-maxsize = 64K"])
        self.ask("emptied", "/flood", lines=700, size=100)

        def small():
            self.ask("emptied", "/say", text="x")
            return os.path.getsize(log) < 60000
        until("it was emptied", small, every=0.1)
        self.assertEqual(os.listdir(home), ["log"])

    def test_a_full_disk_stops_nobody(self):
        disk = self.world._folder("disk", 0o755)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0777", "tmpfs", disk], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("may not mount a small file system")
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
        log = os.path.join(disk, "log")
        self.up("disk", [f"logto = {log}", "log-maxsize = max"])
        took = self.ask("disk", "/flood", lines=20000, size=100)
        self.assertLess(took, 10)
        until("the disk is full", lambda: os.stat(log).st_size > 200000)
        self.world.emperor.ctl("logs", "disk", "-n", "1")  # what was still in the pipe does not fill it again
        os.truncate(log, 0)
        until("what was lost is told", lambda: self.ask("disk", "/say", text="x") or "the disk takes no more" in self.read(log), every=0.1)

    def test_a_terminal_is_not_spoken_to(self):
        self.up("escapes")
        self.ask("escapes", "/raw", hex="\x1b]0;title\x07caf\u00e9\x9b\n".encode().hex())
        self.until_in("title", self.own("escapes"))
        master, slave = pty.openpty()
        command = [os.path.join(self.world.emperor.programs, "emperorctl"), "--control", self.world.emperor.control, "logs", "escapes"]
        subprocess.run(command, stdout=slave, check=True, timeout=10)
        os.close(slave)
        shown = b""
        while b"title" not in shown:
            shown += os.read(master, 4096)
        os.close(master)
        self.assertIn("\\x1b]0;title\\x07caf\u00e9\\xc2\\x9b".encode(), shown)
        self.assertNotIn(b"\x1b", shown)


if __name__ == "__main__":
    main()
