"""The site of the documents: make docs. Nothing is fetched while it is built or read."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), *(str(ROOT / "ros2_ws/src" / p) for p in ("media2face", "m2f_node"))]

import from_code  # noqa: E402

project = "m2f_node"
author = "m2f_node maintainers"
copyright = "m2f_node maintainers, Apache-2.0"
release = re.findall(
    "<version>(.*)</version>", (ROOT / "ros2_ws/src/m2f_node/package.xml").read_text()
)[0]
extensions = ["myst_parser"]
html_theme = "furo"
html_title = f"m2f_node {release}"
html_copy_source = False
html_show_sphinx = False
highlight_language = "none"
pygments_style = "friendly"
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]


def _fill(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = from_code.fill(source[0])


def setup(app: Sphinx) -> None:
    app.connect("source-read", _fill)
