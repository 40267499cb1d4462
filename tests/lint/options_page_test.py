"""docs/options.md is what the programs say about themselves, made by script/docs."""
import os
import subprocess
import sys

import tree

sys.path.insert(0, os.path.join(tree.ROOT, "tests/support"))
from imperium import programs  # noqa: E402

if programs.missing():
    print(f"skipped: not built: {', '.join(programs.missing())}")
    sys.exit(77)
made = subprocess.run([os.path.join(tree.ROOT, "script/docs"), "--print"], capture_output=True, text=True, check=True,
                      env=dict(os.environ, IMPERIUM_BIN=programs.bin_directory())).stdout
with open(os.path.join(tree.ROOT, "docs/options.md"), encoding="utf-8") as f:
    tree.report([] if f.read() == made else ["docs/options.md is not what the programs say: run script/docs"])
