"""clang-tidy over the files given, in parallel; a file that was clean is looked at again only when
it, a header of the tree that it includes, or the rules have changed.

Called by script/lint; needs the compile commands in build/lint, and keeps its memory there."""
import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess
import sys

BUILD = "build/lint"
MEMORY = os.path.join(BUILD, "clean")


def commands():
    """{path relative to the tree: compile command as a list}"""
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as f:
        return {os.path.relpath(entry["file"]): shlex.split(entry["command"]) for entry in json.load(f)}


def own_files(path, command):
    """The file and the headers of the tree that it includes, as the compiler lists them."""
    plain = [a for i, a in enumerate(command) if a not in ("-c", "-o") and (i == 0 or command[i - 1] not in ("-c", "-o"))]
    if plain and not plain[0].startswith("-") and "ccache" in plain[0]:
        plain = plain[1:]
    out = subprocess.run([*plain, path, "-MM"], cwd=os.getcwd(), capture_output=True, text=True, check=False).stdout
    names = out.replace("\\\n", " ").split()[1:]
    return sorted({path, *(os.path.relpath(n) for n in names if os.path.abspath(n).startswith(os.getcwd()))})


def key(path, command):
    digest = hashlib.sha256(" ".join(command).encode())
    for name in [".clang-tidy", *own_files(path, command)]:
        with open(name, "rb") as f:
            digest.update(name.encode() + b"\0" + f.read())
    return digest.hexdigest()


def look(path, command):
    """What clang-tidy has to say, or "" if it is content."""
    mark = os.path.join(MEMORY, key(path, command))
    if os.path.exists(mark):
        return ""
    done = subprocess.run(["clang-tidy-19", "-p", BUILD, "--quiet", path], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        with open(mark, "w", encoding="utf-8"):
            pass
        return ""
    return done.stdout or done.stderr


def main():
    os.makedirs(MEMORY, exist_ok=True)
    known = commands()
    wanted = [p for p in map(os.path.relpath, sys.argv[1:]) if p in known]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = list(pool.map(lambda p: look(p, known[p]), wanted))
    for text in filter(None, said):
        print(text)
    sys.exit(1 if any(said) else 0)


if __name__ == "__main__":
    main()
