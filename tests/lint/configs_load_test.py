"""Every vassal file in configs/ and the emperor's own pass the programs' own check; nginx takes its file.

Users of the demo may not exist here: they are replaced by numbers first."""
import os
import re
import subprocess
import sys
import tempfile

import tree

sys.path.insert(0, os.path.join(tree.ROOT, "tests/support"))
from imperium import nginx, programs  # noqa: E402


def checked(directory):
    for path in tree.files(".ini", under=("configs/vassals",)):
        with open(os.path.join(tree.ROOT, path), encoding="utf-8") as f:
            text = re.sub(r"= imperium-\w+$", "= 61001", f.read(), flags=re.M)
        copy = os.path.join(directory, os.path.basename(path))
        with open(copy, "w", encoding="utf-8") as f:
            f.write(text)
        done = subprocess.run([os.path.join(programs.bin_directory(), "emperorctl"), "check", copy], capture_output=True, text=True, check=False)
        said = (done.stdout + done.stderr).replace(directory + "/", "")
        if done.returncode != 0 or "warning" in said:
            yield f"{path}: emperorctl check: exit {done.returncode}: {said}"


def nginx_takes(directory):
    if not os.path.exists("/usr/sbin/nginx"):
        return
    own = nginx.Nginx(directory, ("127.0.0.1", 1), "/nowhere/router.sock")
    done = subprocess.run(["/usr/sbin/nginx", "-t", "-q", "-c", own.conf], capture_output=True, text=True, check=False)
    if done.returncode != 0 or done.stderr:
        yield f"configs/nginx/imperium.conf: {done.stderr}"


if programs.missing():
    print(f"skipped: not built: {', '.join(programs.missing())}")
    sys.exit(77)
with tempfile.TemporaryDirectory() as place:
    tree.report([*checked(place), *nginx_takes(place)])
