"""Runs the rows that are wanted, prints the table and writes RESULTS.md. Started by script/bench."""
import argparse
import datetime
import os
import platform
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "support")]

import deaths  # noqa: E402
import idlers  # noqa: E402
import ingress  # noqa: E402
import many_routes  # noqa: E402
import neighbours  # noqa: E402
import relays  # noqa: E402
import rows  # noqa: E402
import sleepers  # noqa: E402
from imperium import programs  # noqa: E402
from stacks import Place  # noqa: E402

MEASURED = set(range(1, 32))
HEAD = ["row", "work", "uWSGI", "Imperium", "ratio", "target", "verdict"]
RESULTS = os.path.join(HERE, "RESULTS.md")


def version(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0]


def table(found):
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in found])


def old_rows():
    """{number: cells} of the table that is there."""
    try:
        with open(RESULTS) as f:
            cells = [[c.strip() for c in line.strip().strip("|").split("|")] for line in f if line.startswith("| ")]
    except FileNotFoundError:
        return {}
    return {int(c[0]): c for c in cells if c[0].isdigit() and len(c) == len(HEAD)}


def write(found, load):
    cells = old_rows() | {row.number: row.cells() for row in found}
    commit = version("git", "-C", HERE, "rev-parse", "--short", "HEAD")
    about = [f"Last run: {datetime.date.today()}, rows {', '.join(str(row.number) for row in found)}, commit {commit}.",
             f"Load average before it: {load:.1f}; above 0.5 other work took its share and the figures say little.",
             f"Linux {platform.release()}, {os.cpu_count()} CPUs, Python 3.11 of Debian; "
             f"{version('/usr/sbin/nginx', '-v')}; uWSGI {version('uwsgi-core', '--version')}; {version('wrk', '-v')}."]
    with open(RESULTS, "w") as f:
        f.write("# What was measured\n\nBy `script/bench`: both sides in one run, in turn, medians where there are rounds: many short ones, as these machines change within seconds.\n\n"
                + "\n".join(about) + "\n\n" + table([cells[n] for n in sorted(cells)]) + "\n")


def main():
    parser = argparse.ArgumentParser(prog="script/bench", description="Imperium and uWSGI in turn on the same work.")
    parser.add_argument("--rows", default=",".join(map(str, sorted(MEASURED))), help="row numbers, separated by commas")
    parser.add_argument("--short", action="store_true", help="a third of the time; nothing is written")
    parser.add_argument("--vassals", type=int, default=300, help="how many for rows 8 to 11")
    parser.add_argument("--verbose", action="store_true", help="print every round")
    options = parser.parse_args()
    wanted = {int(n) for n in options.rows.split(",")}
    if not wanted <= MEASURED:
        parser.error(f"rows that can be measured: {sorted(MEASURED)}")
    if os.geteuid() != 0:
        sys.exit("script/bench needs root: vassals run as another user")
    place = Place(tempfile.mkdtemp(prefix="imperium-bench-", dir="/tmp"))
    found, load = [], os.getloadavg()[0]

    def say(text):
        print(text if options.verbose else ".", end="\n" if options.verbose else "", flush=True)

    try:
        if wanted & {1, 2, 3, 4, 5, 16, 17, 18, 19}:
            found += rows.requests(place, wanted, 2, 2 if options.short else 7, say)
        if wanted & {8, 9, 10, 11}:
            found += rows.crowd(place, wanted, options.vassals, 20 if options.short else 60, say)
        if wanted & {6, 7, 12, 13}:
            found += deaths.measure(place, wanted, options.short, say)
        if wanted & {14, 15}:
            found += sleepers.measure(place, wanted, say)
        if wanted & {22, 23, 31}:
            found += relays.measure(place, wanted, 2 if options.short else 4, 1 if options.short else 3, say)
        if wanted & {24, 25, 26}:
            found += many_routes.measure(place, wanted, 2 if options.short else 4, 1 if options.short else 3, say)
        if wanted & {27, 28}:
            found += idlers.measure(place, wanted, 2 if options.short else 10, say)
        if wanted & {29, 30}:
            found += neighbours.measure(place, wanted, 2 if options.short else 4, 3, say)
        if wanted & {20, 21}:
            found += ingress.measure(place, wanted, 2 if options.short else 4, 1 if options.short else 3, say)
    finally:
        place.stop_all()
        shutil.rmtree(place.directory, ignore_errors=True)
    print("\n" + table([row.cells() for row in found]))
    if not options.short and options.vassals == 300:
        write(found, load)
    sys.exit(0 if all(row.met for row in found) else 1)


if __name__ == "__main__":
    main()
