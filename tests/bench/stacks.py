"""The two sides: uWSGI's emperor, fastrouter and vassal, and Imperium's, set up for the same work.

Both behind one nginx with the same configuration, both with two workers of the same application."""
import os
import shutil
import signal
import socket
import subprocess

from imperium import client, processes, programs
from imperium.emperor import Emperor
from imperium.leftovers import remove_cgroups
from imperium.waiting import until

HERE = os.path.dirname(os.path.abspath(__file__))
HOST = "app.example.com"
HTTP_PORT, UWSGI_HTTP_PORT = 8085, 8086
PORTS = {("uwsgi", "direct"): 8081, ("uwsgi", "router"): 8082, ("imperium", "direct"): 8083, ("imperium", "router"): 8084,
         ("two", "router"): 8088}  # two: router-processes = 2


class Place:
    """A directory that tenants can read, and the processes started in it."""

    def __init__(self, directory):
        self.directory, self.started = directory, []
        os.chmod(directory, 0o1777)
        self.app = os.path.join(directory, "app.py")
        shutil.copy(os.path.join(HERE, "app.py"), self.app)
        os.chmod(self.app, 0o644)

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def write(self, name, text):
        """By rename, as an operator's tools do."""
        with open(self.path(".new"), "w") as f:
            f.write(text)
        os.rename(self.path(".new"), self.path(name))
        return self.path(name)

    def start(self, *argv):
        with open(self.path(os.path.basename(argv[0]) + ".log"), "ab") as log:
            process = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        self.started.append(process)
        return process

    def stop(self, process, number=signal.SIGINT):
        if process.poll() is None:
            process.send_signal(number)
        process.wait(60)
        if process in self.started:
            self.started.remove(process)

    def stop_all(self):
        for process in reversed(list(self.started)):
            self.stop(process)


def nginx(place):
    """One nginx; its servers differ in the socket only."""
    sockets = {key: f"{key[0]}-{'app' if key[1] == 'direct' else 'router'}.sock" for key in PORTS}
    servers = "".join(
        f"  server {{ listen 127.0.0.1:{PORTS[key]}; location / {{ include /etc/nginx/uwsgi_params;"
        f" uwsgi_param HTTP_HOST $http_host; uwsgi_pass unix:{place.path(name)}; }} }}\n" for key, name in sockets.items())
    temporary = "".join(f" {kind}_temp_path {place.path('t-' + kind)};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    conf = place.write("nginx.conf", f"worker_processes 1; daemon off; pid {place.path('nginx.pid')}; error_log {place.path('nginx.err')};\n"
                       f"events {{ worker_connections 4096; }}\nhttp {{ access_log off; keepalive_requests 1000000;"
                       f" uwsgi_max_temp_file_size 0;{temporary}\n{servers}}}\n")
    return place.start("/usr/sbin/nginx", "-c", conf)


def uwsgi_stack(place):
    """uWSGI's fastrouter and one vassal of two workers: (router, application)."""
    router = place.write("router.ini", "[uwsgi]\nplugin = fastrouter\nmaster = true\n"
                         f"fastrouter = {place.path('uwsgi-router.sock')}\nchmod-socket = 666\n"
                         "fastrouter-subscription-server = 127.0.0.1:7990\nlisten = 1024\ndisable-logging = true\n")
    app = place.write("app.ini", "[uwsgi]\nplugin = python3\nmaster = true\nneed-app = true\nprocesses = 2\n"
                      f"socket = {place.path('uwsgi-app.sock')}\nchmod-socket = 666\nwsgi-file = {place.app}\nlisten = 1024\n"
                      f"disable-logging = true\nsubscribe-to = 127.0.0.1:7990:{HOST}\n")
    return place.start("uwsgi-core", "--ini", router), place.start("uwsgi-core", "--ini", app)


def uwsgi_http(place):
    """uWSGI's HTTP router in front of the vassal of uwsgi_stack(). Without http-keepalive it closes after each answer,
    and with http-auto-chunked it costs more and gives nothing to answers that say their length."""
    router = place.write("http.ini", "[uwsgi]\nplugin = http\nmaster = true\n"
                         f"http = 127.0.0.1:{UWSGI_HTTP_PORT}\nhttp-to = {place.path('uwsgi-app.sock')}\nhttp-keepalive = 30\n"
                         "listen = 1024\ndisable-logging = true\n")
    return place.start("uwsgi-core", "--ini", router)


class Imperium:
    """Imperium's emperor over a directory of vassals, with a router for nginx."""

    def __init__(self, place, sources, name="imperium", **options):
        self.cgroup_root = f"/imperium-bench-{os.getpid()}-{name}"
        run = place.path(f"run-{name}")
        os.makedirs(run, exist_ok=True)
        self.router_socket = place.path(f"{name}-router.sock")
        self.emperor = Emperor(programs.staged(place.directory), run, place.path(f"{name}.log"), [sources],
                               router_uwsgi=self.router_socket, router_uwsgi_mode="666", cgroup_root=self.cgroup_root, **options)

    def start(self):
        self.emperor.start()
        return self

    def router_pids(self):
        return [p for p in self.emperor.pids() if name_of(p) == "fastrouter"]

    def stop(self):
        try:
            self.emperor.shutdown()
        finally:
            self.emperor.destroy()
            remove_cgroups(self.cgroup_root)


def imperium_vassal(place, workers, name="imperium"):
    place.write(f"{name}-vassals/app.ini", f"[uwsgi]\ndomain = {HOST}\nuid = nobody\ngid = nogroup\nprocesses = {workers}\n"
                f"socket = {place.path(f'{name}-app.sock')}\nchmod-socket = 666\nwsgi-file = {place.app}\ndisable-logging = true\n")


def imperium_stack(place, name="imperium", **options):
    vassals = place.path(f"{name}-vassals")
    os.makedirs(vassals, exist_ok=True)
    imperium_vassal(place, 2, name)
    imperium = Imperium(place, vassals, name, **options).start()
    imperium.emperor.wait_state("app", "ready")
    return imperium


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""


def wait_for(port):
    until(f"port {port} answers 200", lambda: client.http(("127.0.0.1", port), HOST, timeout=5).status == 200, 30, every=0.05)


def answers(path, host):
    """Whether the uwsgi socket `path` answers 200 for `host`."""
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(path)
            s.sendall(client.packet(client.request_variables(host)))
            return b" 200 " in s.recv(64)
    except OSError:
        return False


__all__ = ["Imperium", "Place", "PORTS", "answers", "imperium_stack", "nginx", "processes", "uwsgi_stack", "wait_for"]
