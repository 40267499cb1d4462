"""The demo: the files of configs/ in a directory of their own, an emperor over them, three sites.

Started by script/demo, which has installed and built everything. What it may not do (create users,
for want of root) it says and does without. Whatever it starts or creates is gone at its end."""
import argparse
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/support"))

from imperium import client, programs  # noqa: E402
from imperium.emperor import Emperor  # noqa: E402
from imperium.leftovers import remove_cgroups  # noqa: E402
from imperium.nginx import Nginx  # noqa: E402
from imperium.waiting import until  # noqa: E402

SITES = {"hello": "/", "flask": "/", "django": "/admin/"}


class Stop(Exception):
    """Ctrl-C, or TERM."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Users:
    """The tenants' users: created where root may, removed again if the demo created them."""

    def __init__(self):
        self.created = []

    def create(self, name):
        try:
            pwd.getpwnam(name)
        except KeyError:
            subprocess.run(["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
                            "--shell", "/usr/sbin/nologin", name], check=True)
            self.created.append(name)

    def remove(self):
        for name in self.created:
            subprocess.run(["userdel", name], stderr=subprocess.DEVNULL, check=False)


class Demo:
    def __init__(self, arguments):
        self.arguments = arguments
        self.root = os.geteuid() == 0
        self.directory = tempfile.mkdtemp(prefix="imperium-demo-", dir="/tmp")
        os.chmod(self.directory, 0o755)
        self.users, self.nginx, self.emperor = Users(), None, None
        self.port = arguments.port or free_port()
        self.cgroup_root = f"/imperium-demo-{os.getpid()}"

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def prepare(self):
        """The directory: copies of configs/apps and configs/vassals, and the data of django."""
        for part in ("apps", "vassals"):
            shutil.copytree(os.path.join(ROOT, "configs", part), self.path(part), ignore=shutil.ignore_patterns("__pycache__"))
        with open(os.path.join(ROOT, "configs/emperor.ini")) as f:
            text = f.read()
        with open(self.path("emperor.ini"), "w") as f:
            f.write(text.replace("/run/imperium", self.path("run")).replace("127.0.0.1:8080", f"127.0.0.1:{self.port}"))
        os.makedirs(self.path("run"))
        os.makedirs(self.path("data/django"), mode=0o700)
        self.tenants()
        self.migrate()

    def tenants(self):
        if self.root:
            for site in SITES:
                self.users.create(f"imperium-{site}")
            shutil.chown(self.path("data/django"), "imperium-django", "imperium-django")
            return
        print("not root: left out are the tenants' own users, their limits, and what only root may grant")
        for site in SITES:
            with open(self.path("vassals", f"{site}.ini")) as f:
                text = f.read()
            own = re.sub(r"^(uid|gid) = .*$", lambda m: f"{m[1]} = {os.geteuid() if m[1] == 'uid' else os.getegid()}", text, flags=re.M)
            with open(self.path("vassals", f"{site}.ini"), "w") as f:
                f.write(own)

    def migrate(self):
        """Makes django's database, as its owner."""
        owner = {"user": "imperium-django", "group": "imperium-django", "extra_groups": []} if self.root else {}
        subprocess.run([programs.PYTHON, "-B", self.path("apps/django/manage.py"), "migrate", "--verbosity", "0"], check=True,
                       env={"LIBRARY_DATA": self.path("data/django"), "PATH": "/usr/bin:/bin"}, cwd=self.path("apps/django"), **owner)

    def start(self):
        router = self.path("run/router.sock")
        options = {"config": self.path("emperor.ini"), "cgroup_root": self.cgroup_root}
        if not self.root:
            options.update(router_uwsgi_group=str(os.getegid()), router_uid=str(os.geteuid()), router_gid=str(os.getegid()),
                           cgroups="off", trusted=True)
            del options["cgroup_root"]
        self.emperor = Emperor(programs.staged(self.directory), self.path("run"), self.path("emperor.log"), [self.path("vassals")], **options)
        self.emperor.start()
        self.front = ("127.0.0.1", self.port)
        if self.arguments.nginx:
            self.front = ("127.0.0.1", free_port() if self.arguments.port == 0 else 8000)
            self.nginx = Nginx(self.path("nginx"), self.front, router)
            self.nginx.start()
        for site in SITES:
            self.emperor.wait_state(site, "ready", 30)

    def show(self):
        print(f"directory {self.directory}\n")
        for site, path in SITES.items():
            print(f"  curl http://{site}.localhost:{self.front[1]}{path}")
        print(f"\n  {self.emperor.programs}/emperorctl --control {self.emperor.control} ls\n")
        print(self.emperor.ctl("ls").stdout)
        print(f"Drop an ini into {self.path('vassals')}, edit one, remove one. Ctrl-C ends everything.", flush=True)

    def check(self):
        """Asks every site as a browser would; whether all answered."""
        good = True
        for site, path in SITES.items():
            for path in (path, *(("/static/admin/css/base.css", "/books/1/") if site == "django" else ())):
                answer = client.http(self.front, f"{site}.localhost", path, timeout=30)
                well = answer.status == (302 if path == "/admin/" else 200) and not answer.error
                good &= well
                print(f"{'ok  ' if well else 'FAIL'} http://{site}.localhost:{self.front[1]}{path}: {answer.status} {answer.error}")
        return good

    def end(self):
        if self.nginx:
            self.nginx.stop()
        if self.emperor and self.emperor.process:
            try:
                self.emperor.shutdown()
            finally:
                self.emperor.destroy()
        remove_cgroups(self.cgroup_root)
        self.users.remove()
        shutil.rmtree(self.directory, ignore_errors=True)


def stop(*_):
    raise Stop


def main():
    parser = argparse.ArgumentParser(prog="script/demo", description="Three sites, each under its own uid and limits.")
    parser.add_argument("--nginx", action="store_true", help="put nginx before the router")
    parser.add_argument("--check", action="store_true", help="ask all sites, then end: 0 if all answered")
    parser.add_argument("--port", type=int, default=8080, help="the router's HTTP port (0: any free one)")
    demo = Demo(parser.parse_args())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    code = 1
    try:
        demo.prepare()
        demo.start()
        demo.show()
        if demo.arguments.check:
            code = 0 if demo.check() else 1
        else:
            demo.emperor.process.wait()
    except Stop:
        code = 0
        print("\nending ...")
    except (AssertionError, OSError, subprocess.CalledProcessError) as e:
        print(f"the demo failed: {e}", file=sys.stderr)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        demo.end()
    sys.exit(code)


if __name__ == "__main__":
    main()
