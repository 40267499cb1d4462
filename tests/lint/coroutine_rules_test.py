"""The rules of coroutines and of the loop that no compiler checks: libuv and <coroutine> stay in
base/uv, inih and spdlog in base, and no lambda is a coroutine (its captures die with the lambda object)."""
import re

import tree

PRODUCT = ("base", "cgroups", "vassal", "router", "emperor")
ONLY_IN = [
    (re.compile(r"#\s*include\s+<coroutine>"), "base/uv/", "<coroutine>"),
    (re.compile(r"#\s*include\s+<uv\.h>"), "base/uv/", "<uv.h>"),
    (re.compile(r"#\s*include\s+<ini\.h>"), "base/", "<ini.h>"),
    (re.compile(r"#\s*include\s+<spdlog/"), "base/", "spdlog"),
    (re.compile(r"#\s*include\s+<libcgroup"), "cgroups/", "libcgroup"),
]
# From the introducer of a lambda to the brace that opens its body.
LAMBDA = re.compile(r"\[[^\[\]\n]*\]\s*(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*(?:mutable\b|noexcept\b|->[^{;]*)?\s*\{")
AWAIT = re.compile(r"\bco_(?:await|return|yield)\b")


def without_comments(text):
    """The same length and lines, comments and literals blanked."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def body_end(text, start):
    depth = 1
    for i in range(start, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return i
    return len(text)


def faults():
    for path in tree.files(".h", ".cc", under=PRODUCT):
        numbered = tree.lines(path)
        for number, line in numbered:
            for pattern, home, what in ONLY_IN:
                if pattern.search(line) and not path.startswith(home):
                    yield f"{path}:{number}: {what} is included in {home} only"
        text = without_comments("\n".join(line for _, line in numbered))
        for match in LAMBDA.finditer(text):
            if AWAIT.search(text, match.end(), body_end(text, match.end())):
                number = text.count("\n", 0, match.start()) + 1
                yield f"{path}:{number}: a lambda may not be a coroutine: write a named function"


tree.report(list(faults()))
