"""The layering rules that no type checker sees."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "ros2_ws/src/media2face/media2face"
HEAVY = ("rclpy", "torch", "transformers", "tensorrt", "moderngl", "av", "scipy", "pocketsphinx")


def loaded_after(statement: str) -> set[str]:
    """Names of the heavy modules that are loaded after `statement`, in a process of its own."""
    code = f"import sys\n{statement}\nprint(*[m for m in {HEAVY!r} if m in sys.modules])"
    environment = {"PYTHONPATH": str(PACKAGE.parent), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    return set(done.stdout.split())


def test_streaming_loads_numpy_alone() -> None:
    assert loaded_after("import media2face.streaming.session") == set()


def test_animating_on_onnx_runtime_needs_no_training_or_rendering_library() -> None:
    assert (
        loaded_after(
            "import numpy\n"
            "from media2face.animate import animate\n"
            "from media2face.backends import make_backend\n"
            "from media2face.models import find_model\n"
            "b = make_backend('auto', find_model())\n"
            "assert animate(b, numpy.zeros(8000, 'f4'), 16000).frames == 15"
        )
        == set()
    )


def test_streaming_imports_only_what_it_may() -> None:
    allowed = {"contract", "types", "config", "streaming", "backends.base"}
    for path in (PACKAGE / "streaming").glob("*.py"):
        for line in path.read_text().splitlines():
            if line.startswith(("from media2face", "import media2face")):
                module = line.split()[1].removeprefix("media2face.")
                assert module in allowed or module.startswith("streaming."), f"{path.name}: {line}"


def test_ros_is_in_the_node_package_alone() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert "import rclpy" not in path.read_text(), path
