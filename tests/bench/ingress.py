"""Rows 20 and 21: browsers at our HTTP port, with kept connections, against uWSGI's HTTP router and nginx -> uWSGI."""
import stacks
from measure import median, tree, wrk
from rows import Row

CONNECTIONS = 32


def measure(place, wanted, seconds, rounds, say):
    front = stacks.nginx(place)
    fastrouter, app = stacks.uwsgi_stack(place)
    router = stacks.uwsgi_http(place)
    imperium = stacks.imperium_stack(place, router_http=f"127.0.0.1:{stacks.HTTP_PORT}")
    workers = tree(app.pid)
    ways = {"http": (stacks.UWSGI_HTTP_PORT, {"router": tree(router.pid), "workers": workers}),
            "nginx": (stacks.PORTS["uwsgi", "direct"], {"router": tree(front.pid), "workers": workers}),
            "imperium": (stacks.HTTP_PORT, {"router": imperium.router_pids, "workers": tree(imperium.emperor.row("app")["pid"])})}
    try:
        for port, _ in ways.values():
            stacks.wait_for(port)
        found = {way: [] for way in ways}
        for _ in range(rounds):
            for way, (port, groups) in ways.items():
                found[way].append(wrk(f"127.0.0.1:{port}", stacks.HOST, "/", CONNECTIONS, seconds, groups))
                say(f"rows 20, 21 {way:8} {found[way][-1]}")
        return [row for row in rows(found) if row.number in wanted]
    finally:
        imperium.stop()
        place.stop_all()


def rows(found):
    ours = found["imperium"]
    for number, way, name, least in ((20, "http", "uWSGI's http router", 1.3), (21, "nginx", "nginx -> uWSGI", 0.9)):
        theirs, mine = median([r.rate for r in found[way]]), median([r.rate for r in ours])
        bad = sum(r.bad for r in ours)
        yield Row(number, f"HTTP, {CONNECTIONS} kept connections, against {name}", f"{theirs:.0f} req/s, {cpu(found[way])}",
                  f"{mine:.0f} req/s, {cpu(ours)}" + (f", {bad} bad" if bad else ""), f"{mine / theirs:.2f} x", f">= {least} x",
                  mine >= least * theirs and bad == 0)


def cpu(rounds):
    return " + ".join(f"{median([r.cpu[group] for r in rounds]):.0f}" for group in ("router", "workers")) + " us CPU"
