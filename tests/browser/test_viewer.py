"""The viewer in a real browser: real nodes over DDS, a real sound, pictures of the page.

Leaves out/viewer.jpg, which docs/viewer.jpg is a copy of.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromium import NAMES, TIMEOUT_S, Chromium, Page, find_chromium, wait_until

pytest.importorskip("viser", reason="the extra 'viewer' is not installed")
Image = pytest.importorskip("PIL.Image", reason="pillow is not installed")

pytestmark = [
    pytest.mark.ros,
    pytest.mark.skipif(find_chromium() is None, reason=f"none of {', '.join(NAMES)} is there"),
]

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 1000, 660  # software WebGL is slow
# Shares of the window, for the view from the front.
MOUTH = (slice(0.50, 0.62), slice(0.45, 0.55))
BACKDROP = (slice(0.30, 0.45), slice(0.10, 0.20))


def _nodes() -> Any:
    """The helpers of tests/m2f_node, whose file has a name that is taken here."""
    path = ROOT / "tests/m2f_node/conftest.py"
    spec = importlib.util.spec_from_file_location("node_helpers", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def start() -> Iterator[Callable[..., Any]]:
    helpers = _nodes()
    started: list[Any] = []

    def _start(*args: Any, **kwargs: Any) -> Any:
        started.append(helpers.NodeProcess(*args, **kwargs))
        return started[-1]

    yield _start
    for node in reversed(started):
        node.stop()


@pytest.fixture
def client() -> Iterator[Any]:
    made = _nodes().Client()
    yield made
    made.close()


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Chromium]:
    browser = Chromium(tmp_path / "profile", WIDTH, HEIGHT)
    yield browser
    browser.close()


def picture(page: Page) -> np.ndarray:
    """float32 [H, W, 3] of the page."""
    with Image.open(io.BytesIO(page.screenshot())) as image:
        return np.asarray(image.convert("RGB"), np.float32)


def region(image: np.ndarray, place: tuple[slice, slice]) -> np.ndarray:
    rows, columns = place
    return image[
        round(rows.start * HEIGHT) : round(rows.stop * HEIGHT),
        round(columns.start * WIDTH) : round(columns.stop * WIDTH),
    ]


def change(a: np.ndarray, b: np.ndarray, place: tuple[slice, slice]) -> float:
    """Mean difference of two pictures in a region, 0 to 255."""
    return float(np.abs(region(a, place) - region(b, place)).mean())


def test_mouth_moves_on_the_page(start: Callable, client: Any, chromium: Chromium) -> None:
    from m2f_msgs.msg import StylePrompt

    prompts = client.collect(StylePrompt, "style")
    viewer = start("viewer", "port:=0", "host:=127.0.0.1")
    port = viewer.wait_for("page at http://localhost:", TIMEOUT_S).rpartition(":")[2]
    page = chromium.open(f"http://127.0.0.1:{port}/")
    page.wait_for("document.body.innerText.includes('waiting for /m2f_node')")
    start("m2f_node").wait_for("active", TIMEOUT_S)
    sample = ROOT / "ros2_ws/src/m2f_node/samples/hello.opus"
    start("audio_file", f"file:={sample}", "loop:=true", "subscribers:=2")
    page.wait_for("Object.keys(m2f.paints).length > 8")
    page.wait_for("m2f.painted === Object.keys(m2f.paints).length")
    page.wait_for("m2f.stats.blocks > 3")
    page.evaluate("document.querySelector('.mantine-Notification-closeButton')?.click()")

    first = picture(page)
    assert region(first, MOUTH).std() > 5, "there is no face where the mouth should be"
    pictures: list[np.ndarray] = []

    def mouth_differs() -> bool:
        pictures.append(picture(page))
        return change(pictures[-1], first, MOUTH) > 6

    wait_until(mouth_differs, "a mouth that looks otherwise")
    assert change(pictures[-1], first, BACKDROP) < 1

    page.evaluate(
        "[...document.querySelectorAll('button, label')]"
        ".find((each) => each.innerText === 'happy').click()"
    )
    client.spin_until(lambda: prompts and prompts[-1].text == "happy")
    # The new style is seen once the frames made before it are shown.
    seen_s = page.evaluate("m2f.stats.stamp")
    page.wait_for(f"m2f.stats.stamp > {seen_s} + 3")
    folder = ROOT / "out"
    folder.mkdir(exist_ok=True)
    (folder / "viewer.jpg").write_bytes(page.screenshot("jpeg", 82))
    assert page.evaluate("m2f.errors") == []
    assert page.errors == []
