"""Layers: who may include whom. The table is the architecture; CMake enforces it at link time, this
test at the include line, where the message can say what to do."""
import re

import tree

# The parts of the tree, by the longest prefix that matches; and what each may include.
ALLOWED = {
    "base/": {"base/"},
    "base/wire/": {"base/", "base/wire/"},
    "base/uv/": {"base/", "base/uv/"},
    "base/ssh/": {"base/", "base/ssh/"},
    "cgroups/": {"base/", "cgroups/"},
    "vassal/": {"base/", "base/wire/", "cgroups/", "vassal/"},
    "router/": {"base/", "base/wire/", "base/uv/", "base/ssh/", "router/"},
    "emperor/": {"base/", "base/wire/", "base/uv/", "base/ssh/", "cgroups/", "vassal/", "emperor/"},
}
INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')


def part_of(path):
    return max((p for p in ALLOWED if path.startswith(p)), key=len, default=None)


def faults():
    for path in tree.files(".h", ".cc", under=("base", "cgroups", "vassal", "router", "emperor")):
        allowed = ALLOWED[part_of(path)]
        for number, text in tree.lines(path):
            match = INCLUDE.match(text)
            if not match:
                continue
            target = part_of(match[1])
            if target is None:
                yield f"{path}:{number}: include paths start at the root of the tree: {match[1]}"
            elif target not in allowed:
                yield f"{path}:{number}: {part_of(path)} may not include {target} ({match[1]})"


tree.report(list(faults()))
