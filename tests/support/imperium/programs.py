"""Where the programs are, and whether a tenant can reach them."""
import os
import shutil

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
NAMES = ("emperor", "vassal", "fastrouter", "emperorctl")
PYTHON = "/usr/bin/python3"


def bin_directory():
    """The build under test: IMPERIUM_BIN, else the release build."""
    return os.path.realpath(os.environ.get("IMPERIUM_BIN") or os.path.join(ROOT, "build/release/bin"))


def missing():
    """The programs that are not built."""
    return [name for name in NAMES if not os.access(os.path.join(bin_directory(), name), os.X_OK)]


def sanitized():
    """Whether the emperor is built with the address sanitizer, which takes several times the memory."""
    with open(os.path.join(bin_directory(), "emperor"), "rb") as f:
        return b"__asan_init" in f.read()


def open_to_all(path):
    """Whether every directory on the way to `path` may be passed by any user."""
    while True:
        if not os.stat(path).st_mode & 0o001:
            return False
        if path == "/":
            return True
        path = os.path.dirname(path)


def staged(directory):
    """The programs in a place that tenants can reach: where they are, or copied below `directory`
    when the tree lies in somebody's private home."""
    source = bin_directory()
    if open_to_all(source):
        return source
    target = os.path.join(directory, "programs")
    shutil.copytree(source, os.path.join(target, "bin"))
    shutil.copytree(os.path.join(os.path.dirname(source), "lib"), os.path.join(target, "lib"))
    return os.path.join(target, "bin")
