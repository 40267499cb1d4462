"""What the lint tests share: the files of the tree, and how a fault is reported."""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LEFT_OUT = {".git", "build", "__pycache__", ".cache"}


def files(*endings, under=("",)):
    """Paths relative to the root, sorted, of files with one of these endings."""
    found = []
    for top in under:
        for folder, folders, names in os.walk(os.path.join(ROOT, top)):
            folders[:] = [f for f in folders if f not in LEFT_OUT]
            for name in names:
                if not endings or name.endswith(endings):
                    found.append(os.path.relpath(os.path.join(folder, name), ROOT))
    return sorted(found)


def lines(path):
    """(number, text) of each line; nothing for a file that is not text."""
    try:
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            return list(enumerate(f.read().splitlines(), 1))
    except UnicodeDecodeError:
        return []


def report(faults):
    """Prints every fault and ends the program: 1 if there are any, else 0."""
    for fault in faults:
        print(fault)
    sys.exit(1 if faults else 0)
