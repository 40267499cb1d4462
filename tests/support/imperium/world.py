"""World: a directory, an emperor over it, an nginx before it, tenants with uids of their own."""
import os
import shutil
import tempfile

from . import client, programs
from .emperor import Emperor
from .nginx import Nginx
from .waiting import until

APPS = os.path.join(programs.ROOT, "tests/system/apps")
# Numeric owners without a passwd entry: nothing has to be created on the machine.
ALICE, BOB, CAROL, DAVE = 61001, 61002, 61003, 61004
TENANTS = (ALICE, BOB, CAROL, DAVE)


def own_address(port):
    """A loopback address that no other process of the tests uses."""
    pid = os.getpid()
    return f"127.{64 + (pid >> 16) % 64}.{(pid >> 8) & 255}.{pid & 255}", port


class World:
    """Nothing is started by the constructor; `nginx=True` starts it with the emperor."""

    def __init__(self, nginx=False, sources=None, nginx_replace=(), **options):
        self.directory = tempfile.mkdtemp(prefix="imperium-", dir="/tmp")
        os.chmod(self.directory, 0o755)
        self.sanitizer = self._folder("sanitizer", 0o1777)
        self.vassals, self.apps = self._folder("vassals"), self._folder("apps")
        self.run_dir = self._folder("run")
        self._folder("sockets", 0o1777)  # sockets of their own are bound with the tenants' ids
        self.router, self.http_address, self.nginx_address = self.path("run/router.sock"), own_address(8080), own_address(8000)
        self.cgroup_root = f"/imperium-test-{os.getpid()}"
        given = {"router_uwsgi": self.router, "router_uwsgi_mode": "666", "router_http": "%s:%d" % self.http_address, "cgroup_root": self.cgroup_root, **options}
        self.emperor = Emperor(programs.staged(self.directory), self.run_dir, self.path("emperor.log"),
                               sources or [self.vassals], **{k: v for k, v in given.items() if v is not None})
        self.nginx = Nginx(self.path("nginx"), self.nginx_address, self.router, nginx_replace) if nginx else None

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def _folder(self, name, mode=0o755):
        os.makedirs(self.path(name), exist_ok=True)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def environment(self, **more):
        return dict(os.environ, ASAN_OPTIONS=f"log_path={self.sanitizer}/asan", PYTHONDONTWRITEBYTECODE="1",
                    UBSAN_OPTIONS=f"log_path={self.sanitizer}/ubsan:print_stacktrace=1", **more)

    def start(self, **environment):
        self.emperor.start(self.environment(**environment))
        if self.nginx:
            self.nginx.start()
        return self

    # -- files

    def write(self, path, content, mode=0o644, owner=None):
        """Puts a file in place by rename, so that nobody ever sees half of it."""
        path = path if path.startswith("/") else self.path(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        new = self.path(".new")
        with open(new, "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(new, mode)
        if owner is not None:
            os.chown(new, owner, owner)
        os.rename(new, path)
        return path

    def app(self, name):
        """A copy of tests/system/apps/NAME that every tenant can read."""
        target = os.path.join(self.apps, name)
        if not os.path.exists(target):
            shutil.copyfile(os.path.join(APPS, name), target)
            os.chmod(target, 0o644)
        return target

    def ini(self, domain, app="probe.py", uid=ALICE, lines=()):
        """The text of a vassal's file."""
        own = [f"domain = {domain}"] if domain else []
        own += [f"uid = {uid}", f"gid = {uid}"]
        own += [f"wsgi-file = {app if app.startswith('/') else self.app(app)}"] if app else []
        return "\n".join(["[uwsgi]", *own, *lines]) + "\n"

    def drop(self, name, *arguments, **named):
        """Writes <vassals>/NAME.ini; the arguments are those of ini()."""
        return self.write(os.path.join(self.vassals, f"{name}.ini"), self.ini(*arguments, **named))

    def remove(self, name):
        os.unlink(os.path.join(self.vassals, f"{name}.ini"))

    def up(self, name, *arguments, **named):
        """drop(), and waits until it is ready; its row."""
        self.drop(name, *arguments, **named)
        return self.emperor.wait_state(name, "ready")

    # -- visitors

    @property
    def front(self):
        """Where visitors come in: nginx if there is one, else the router's HTTP."""
        return self.nginx_address if self.nginx else self.http_address

    def get(self, host, path="/", **named):
        return client.http(self.front, host, path, **named)

    def wait_answer(self, host, path="/", status=200, seconds=10):
        seen = {}

        def there():
            seen["answer"] = self.get(host, path)
            return seen["answer"].status == status and seen["answer"]

        return until(lambda: f"{host}{path} answers {status}; it says {seen['answer']}\n{self.emperor.tail()}", there, seconds)

    # -- the end

    def stop(self):
        """An orderly end; what it left behind, as sentences."""
        if self.nginx:
            self.nginx.stop()
        before = self.emperor.pids()
        self.emperor.shutdown()
        return self.leftovers(before)

    def leftovers(self, before=()):
        from .leftovers import found  # only needed at the end
        return found(self, before)

    def destroy(self):
        """Ends everything that still runs and removes the directory, unless IMPERIUM_KEEP is set."""
        if self.nginx:
            self.nginx.stop()
        self.emperor.destroy()
        if not os.environ.get("IMPERIUM_KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)
