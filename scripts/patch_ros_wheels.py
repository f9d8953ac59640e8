"""Points the CMake files of the ROS 2 wheels at this machine's headers.

The wheels' exports name the include folders of the machine they were built on; without this,
building an interface package fails. Run by scripts/setup.sh with the venv's python.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from pathlib import Path

import numpy as np


def main() -> None:
    numpy_include = np.get_include()
    python_include = sysconfig.get_path("include")
    rules = (
        (re.compile(r"/opt/python/[^;\"]*?/site-packages/numpy/_?core/include"), numpy_include),
        (re.compile(r"/opt/python/[^/;\"]*/include/python3\.\d+"), python_include),
    )
    changed = 0
    for path in sorted(Path(sys.prefix, "share").rglob("*.cmake")):
        text = path.read_text()
        patched = text
        for pattern, value in rules:
            patched = pattern.sub(value, patched)
        if patched != text:
            path.write_text(patched)
            changed += 1
    print(f"{changed} CMake files patched in {sys.prefix}")


if __name__ == "__main__":
    main()
