"""The site of the documents builds without a warning, and what it tells to type exists."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
pytestmark = pytest.mark.ros  # the parameters come from the nodes' modules


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("sphinx", reason="pip install -r requirements/docs.txt")
    out = tmp_path_factory.mktemp("site")
    # Proxies that lead nowhere: nothing is fetched.
    offline = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(DOCS), str(out)],
        env=os.environ | offline,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def from_code() -> ModuleType:
    """docs/from_code.py, which no package holds."""
    spec = importlib.util.spec_from_file_location("from_code", DOCS / "from_code.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_filled_from_the_code(site: Path) -> None:
    reference = {path.stem: path.read_text() for path in (site / "reference").glob("*.html")}
    assert "generated:" not in "".join(reference.values())
    for name in ("guidance_style", "gate_look_back_ms", "delay_ms"):
        assert name in reference["parameters"]
    for name in ("face/frame", "style/expression", "joint_trajectory", "animate"):
        assert name in reference["topics"]
    assert all(name in reference["interfaces"] for name in ("part_ranges", "vertex_count"))
    assert "namespace of the nodes" in reference["launch"]
    assert "m2f rig fit" in reference["commands"]


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    loading = re.compile(r'<(?:script|img|link)[^>]*(?:src|href)="https?:')
    assert [path for path in site.rglob("*.html") if loading.search(path.read_text())] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_the_pages_exist(page: Path, from_code: ModuleType) -> None:
    text = page.read_text().replace("\\\n", " ")
    nodes = from_code.executables()
    for name, rest in re.findall(r"(?:ros2 run m2f_node |lib/m2f_node/)(\w+)([^\n`]*)", text):
        assert name in nodes, name
        for parameter in re.findall(r"-p (\w+):=", rest):
            assert parameter in {*from_code.specs(nodes[name]), "use_sim_time"}, parameter
    for path in re.findall(r"(?<![\w/])((?:requirements|scripts|docker)/[\w.-]+\.\w+)", text):
        assert (ROOT / path).is_file(), path
    for target in re.findall(r"^(?:scripts/run.sh )?make ([a-z]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target


def test_the_example_parameters_are_all_of_them(from_code: ModuleType) -> None:
    path = ROOT / "ros2_ws/src/m2f_node/config/m2f.yaml"
    example = yaml.safe_load(path.read_text())["/**/m2f_node"]["ros__parameters"]
    defaults = {name: spec.default for name, spec in from_code.specs("face_node").items()}
    del defaults["autostart"]  # of the launch file
    assert example == defaults
