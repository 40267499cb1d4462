"""Rows 22, 23 and 31: requests relayed to other people's servers, by us and by what their owners have today."""
import glob
import os
import shutil

from imperium import client
from imperium.lone_router import LoneRouter
from imperium.subscriber import Subscriber
from imperium.waiting import until

import stacks
from measure import median, tree, wrk
from rows import Row

CONNECTIONS = 32
NODE, NGINX_NODE, NGINX_PHP = "127.0.0.1:8091", 8092, 8093
NGINX_UWSGI = {"uwsgi": 8094, "imperium": 8095}
SUBSCRIPTIONS = {"uwsgi": "127.0.0.1:7990", "imperium": "127.0.0.1:7991"}
UPSTREAM = "proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $http_host;"


def nginx(place, servers, upstreams=""):
    temporary = "".join(f" {kind}_temp_path {place.path('t-' + kind)};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    conf = place.write("relay.conf", f"worker_processes 1; daemon off; pid {place.path('relay.pid')}; error_log {place.path('relay.err')};\n"
                       f"events {{ worker_connections 4096; }}\nhttp {{ access_log off; keepalive_requests 1000000;{temporary}\n{upstreams}\n"
                       + "".join(f"  server {{ listen 127.0.0.1:{port}; location / {{ {inside} }} }}\n" for port, inside in servers.items()) + "}\n")
    return place.start("/usr/sbin/nginx", "-c", conf)


def in_turn(ways, seconds, rounds, say, title):
    """{way: rounds}; `ways` are {way: (port, groups)}."""
    for port, _ in ways.values():
        stacks.wait_for(port)
    found = {way: [] for way in ways}
    for _ in range(rounds):
        for way, (port, groups) in ways.items():
            found[way].append(wrk(f"127.0.0.1:{port}", stacks.HOST, "/", CONNECTIONS, seconds, groups))
            say(f"{title} {way:8} {found[way][-1]}")
    return found


def row(number, work, found, least, other):
    theirs, ours = (median([r.rate for r in found[way]]) for way in (other, "imperium"))
    cpu = {way: median([r.cpu["router"] for r in found[way]]) for way in found}
    bad = sum(r.bad for r in found["imperium"])
    return Row(number, work, f"{theirs:.0f} req/s, {cpu[other]:.0f} us CPU", f"{ours:.0f} req/s, {cpu['imperium']:.0f} us CPU" + (f", {bad} bad" if bad else ""),
               f"{ours / theirs:.2f} x", f">= {least} x", ours >= least * theirs and bad == 0)


def with_node(place, router, server, address, proto, front_conf, upstreams, port, title, seconds, rounds, say):
    """The same backend behind nginx and behind our HTTP door."""
    front = nginx(place, {port: front_conf}, upstreams)
    try:
        with Subscriber(server, stacks.HOST, address, proto=proto):
            until("the node is there", lambda: client.http(router.http, stacks.HOST).status == 200, 20)
            return in_turn({"nginx": (port, {"router": tree(front.pid)}), "imperium": (router.http[1], {"router": lambda: [router.pid]})},
                           seconds, rounds, say, title)
    finally:
        place.stop(front)


def node(place, seconds, rounds, say):
    place.start(shutil.which("node") or shutil.which("nodejs"), os.path.join(stacks.HERE, "node.js"), NODE)
    server = place.path("subscribe-node.sock")
    router = LoneRouter(place.directory, "relay-node")
    try:
        router.hear_subscriptions(server)
        router.go()
        found = with_node(place, router, server, NODE, "http", f"{UPSTREAM} proxy_pass http://node;",
                          f"upstream node {{ server {NODE}; keepalive 64; }}", NGINX_NODE, "row 22", seconds, rounds, say)
    finally:
        router.end()
        place.stop_all()
    return row(22, f"HTTP to a node server, {CONNECTIONS} kept connections, against nginx's proxy_pass (keepalive)", found, 0.85, "nginx")


def php(place, seconds, rounds, say):
    os.makedirs(place.path("php"))
    shutil.copy(os.path.join(stacks.HERE, "index.php"), place.path("php/index.php"))
    os.chmod(place.path("php/index.php"), 0o644)
    socket = place.path("php.sock")
    conf = place.write("php-fpm.conf", f"[global]\nerror_log = {place.path('php.log')}\ndaemonize = no\n[www]\nuser = nobody\ngroup = nogroup\n"
                       f"listen = {socket}\nlisten.mode = 0666\nlisten.backlog = 1024\npm = static\npm.max_children = 4\n")
    place.start(next(iter(glob.glob("/usr/sbin/php-fpm*")), "php-fpm"), "-F", "-y", conf)
    server = place.path("subscribe-php.sock")
    router = LoneRouter(place.directory, "relay-php", f"--node-param=DOCUMENT_ROOT={place.path('php')}")
    script = place.path("php/index.php")
    try:
        until("php-fpm listens", lambda: os.path.exists(socket))
        router.hear_subscriptions(server)
        router.go()
        found = with_node(place, router, server, socket, "fastcgi", "include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_FILENAME "
                          f"{script}; fastcgi_pass unix:{socket};", "", NGINX_PHP, "row 23", seconds, rounds, say)
    finally:
        router.end()
        place.stop_all()
    return row(23, f"HTTP to php-fpm, {CONNECTIONS} kept connections, against nginx's fastcgi_pass", found, 0.85, "nginx")


def uwsgi(place, seconds, rounds, say):
    """Two uWSGI workers subscribed to uWSGI's fastrouter and to ours, both behind nginx."""
    sockets = {"uwsgi": place.path("theirs.sock")}
    ini = place.write("theirs.ini", f"[uwsgi]\nplugin = fastrouter\nmaster = true\nfastrouter = {sockets['uwsgi']}\nchmod-socket = 666\n"
                      f"fastrouter-subscription-server = {SUBSCRIPTIONS['uwsgi']}\nlisten = 1024\ndisable-logging = true\n")
    theirs = place.start("uwsgi-core", "--ini", ini)
    router = LoneRouter(place.directory, "relay-uwsgi")
    sockets["imperium"] = router.uwsgi
    app = place.write("node.ini", "[uwsgi]\nplugin = python3\nmaster = true\nneed-app = true\nprocesses = 2\n"
                      f"socket = {place.path('node.sock')}\nchmod-socket = 666\nwsgi-file = {place.app}\nlisten = 1024\ndisable-logging = true\n"
                      + "".join(f"subscribe-to = {address}:{stacks.HOST}\n" for address in SUBSCRIPTIONS.values()))
    try:
        router.hear_subscriptions(SUBSCRIPTIONS["imperium"])
        router.go()
        place.start("uwsgi-core", "--ini", app)
        nginx(place, {NGINX_UWSGI[side]: f"include /etc/nginx/uwsgi_params; uwsgi_param HTTP_HOST $http_host; uwsgi_pass unix:{path};"
                      for side, path in sockets.items()})
        found = in_turn({"uwsgi": (NGINX_UWSGI["uwsgi"], {"router": tree(theirs.pid)}),
                         "imperium": (NGINX_UWSGI["imperium"], {"router": lambda: [router.pid]})}, seconds, rounds, say, "row 31")
    finally:
        router.end()
        place.stop_all()
    return row(31, f"nginx -> router -> subscribed uWSGI, {CONNECTIONS} connections, against uWSGI's fastrouter", found, 1.0, "uwsgi")


def measure(place, wanted, seconds, rounds, say):
    return [run(place, seconds, rounds, say) for number, run in ((22, node), (23, php), (31, uwsgi)) if number in wanted]
