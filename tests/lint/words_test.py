"""Words that have no place in the tree: marks of unfinished work, paths of one machine, tests
switched off, sleeps in tests; and files that have grown past what one sitting can read."""
import re

import tree

# Written in two halves, so that this file does not find itself.
WORDS = [
    (re.compile(r"\bTO" r"DO\b|\bFIX" r"ME\b|\bXX" r"X\b|\bHA" r"CK\b|not imple" "mented"), "a mark of unfinished work"),
    (re.compile(r"/wo" r"rk/(?:ma" r"in|sha" r"red)|/ro" r"ot/|/home/[a-z]+/(?!\.)(?:src|imperium)"), "a path of one machine"),
    (re.compile(r"doctest::sk" r"ip|should_f" r"ail|may_f" r"ail"), "a test that is switched off"),
]
SLEEPS = re.compile(r"this_thread::sl" r"eep|usl" r"eep|[^a-z_]sl" r"eep\(|time\.sl" r"eep")
MOST_LINES = 500


def faults():
    for path in tree.files():
        numbered = tree.lines(path)
        for number, text in numbered:
            for pattern, what in WORDS:
                if pattern.search(text):
                    yield f"{path}:{number}: {what}: {text.strip()[:80]}"
            if path.startswith("tests/") and SLEEPS.search(text):
                yield f"{path}:{number}: wait for an event, not for a time: {text.strip()[:80]}"
        if path.endswith((".h", ".cc", ".py")) and len(numbered) > MOST_LINES:
            yield f"{path}: {len(numbered)} lines: more than one idea?"


tree.report(list(faults()))
