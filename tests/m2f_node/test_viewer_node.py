"""The viewer node as a process: its page, its controls, its head; what its parts compute."""

from __future__ import annotations

import array
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from m2f_msgs.msg import AudioChunk, FaceTopology, StylePrompt
from rclpy.qos import DurabilityPolicy, QoSProfile

pytest.importorskip("viser", reason="the extra 'viewer' is not installed")

from m2f_node.viewer_mesh import Head, read_topology
from m2f_node.viewer_sound import BLOCK_S, Blocks
from media2face.backends import make_backend
from media2face.models import find_model
from page_client import PageClient

pytestmark = pytest.mark.ros

REST = np.array([0, 0, 0, 0, 0, 0, 1], np.float32)


@pytest.fixture
def viewer(start: Callable) -> Callable[..., tuple[Any, int]]:
    """viewer(...) starts the node on a free port and returns it with the port."""

    def _viewer(*parameters: str, **kwargs: Any) -> tuple[Any, int]:
        node = start("viewer", "port:=0", "host:=127.0.0.1", *parameters, **kwargs)
        line = node.wait_for("page at http://localhost:")
        return node, int(line.rpartition(":")[2])

    return _viewer


@pytest.fixture(scope="module")
def topology() -> Any:
    return make_backend("auto", find_model()).topology


def head_of(topology: Any) -> Head:
    parts = {name: topology.part(name) for name in topology.part_names}
    lips = topology.neutral[topology.landmarks68[60:68].astype(int)].mean(axis=0)
    return Head(topology.neutral, topology.triangles, parts, lips, topology)


def shows(text: str) -> Callable[[dict[str, Any]], bool]:
    """A message that puts a text into the page."""

    def condition(message: dict[str, Any]) -> bool:
        content = message.get("props", message.get("updates", {}))
        return isinstance(content, dict) and text in str(content.get("content", ""))

    return condition


def made_skin(message: dict[str, Any]) -> bool:
    """A message that puts a head into the page."""
    return message["type"] == "MeshMessage" and message["name"] == "/head/skin"


def test_page_is_served_and_says_that_no_face_is_there(viewer: Callable) -> None:
    node, port = viewer()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        assert answer.status == 200
        assert b"<html" in answer.read()
    with PageClient(port) as page:
        page.wait_for(shows("waiting for /m2f_node"))
        script = page.wait_for(lambda message: message["type"] == "RunJavascriptMessage")
        assert "window.m2f" in script["source"]
    assert node.stop() == 0


def test_prompt_of_the_page_arrives_on_style(viewer: Callable, client: Any) -> None:
    prompts = client.collect(StylePrompt, "/robot/style")
    _, port = viewer(arguments=("-r", "__ns:=/robot"))
    client.spin_until(lambda: client.node.count_publishers("/robot/style") > 0)
    with PageClient(port) as page:
        page.set(page.control("GuiSliderMessage", "Transition [s]"), 1.5)
        page.set(page.control("GuiTextMessage", "Prompt"), "whispering a secret")
        page.set(page.control("GuiButtonMessage", "Send"), True)
        prompt = client.spin_until(lambda: prompts and prompts[-1])
        assert (prompt.text, prompt.strength, prompt.transition) == (
            "whispering a secret",
            1.0,
            1.5,
        )
        page.set(page.control("GuiButtonGroupMessage", "Emotion"), "happy")
        client.spin_until(lambda: prompts[-1].text == "happy")


def test_head_moves_in_every_browser_and_follows_the_identity(
    viewer: Callable, start: Callable, client: Any
) -> None:
    _, port = viewer()
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    topologies = client.collect(FaceTopology, "/face/topology", latched)
    with PageClient(port) as page, PageClient(port) as second:
        start("m2f_node").wait_for("active")
        client.spin_until(lambda: topologies)
        for each in (page, second):
            made = each.wait_for(made_skin)
            rest = np.frombuffer(made["props"]["vertices"], np.float32)
            moved = each.wait_for(
                lambda m: m["type"] == "SceneNodeUpdateMessage" and m["name"] == "/head/skin"
            )
            vertices = np.frombuffer(moved["updates"]["vertices"], np.float32)
            assert vertices.shape == rest.shape
            assert 1e-4 < np.abs(vertices[:-3] - rest[:-3]).max() < 0.05
        page.wait_for(shows("frames"))
        chosen = page.control("GuiDropdownMessage", "Identity")
        listed = page.wait_for(
            lambda m: m.get("uuid") == chosen and len(m.get("updates", {}).get("options", ())) > 1
        )
        before = len(page.messages)
        name = listed["updates"]["options"][1]
        page.set(chosen, name)
        client.spin_until(lambda: topologies and topologies[-1].identity == name)
        page.wait_for(made_skin, after=before)


def test_absence_of_the_extra_names_it() -> None:
    hide = "import sys; sys.modules['viser'] = None"
    program = f"{hide}\nfrom m2f_node.viewer import main\nsys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "extra 'viewer'" in done.stdout + done.stderr


def test_head_is_posed_and_the_neck_stays(topology: Any) -> None:
    head = head_of(topology)
    rest = head.place(topology.neutral, REST)
    np.testing.assert_allclose(rest[: len(topology.neutral)], topology.neutral, atol=1e-6)
    shifted = head.place(topology.neutral, np.array([0.01, 0, 0, 0, 0, 0, 1], np.float32))
    moved = (shifted - rest)[:, 0]
    top, foot = topology.neutral[:, 2].argmax(), topology.neutral[:, 2].argmin()
    assert moved[top] == pytest.approx(0.01, abs=1e-6)
    assert moved[foot] == 0


def test_patches_cover_the_mesh_and_name_their_own_vertices(topology: Any) -> None:
    head = head_of(topology)
    assert {patch.name for patch in head.patches} >= set(topology.part_names)
    for patch in head.patches:
        count = patch.vertices.stop - patch.vertices.start
        assert patch.triangles.max() < count
        assert len(patch.uv) in (0, count)
        assert len(patch.shade) in (0, count)
        if len(patch.uv):
            assert patch.uv.min() >= 0
            assert patch.uv.max() <= 1


def test_installed_mesh_is_found_by_its_id(topology: Any) -> None:
    found = read_topology(topology.id)
    assert found is not None
    np.testing.assert_array_equal(found.uv, topology.uv)
    assert read_topology("no such mesh") is None


def chunk(first: int, samples: np.ndarray, last: bool = False) -> AudioChunk:
    msg = AudioChunk(first_sample=first, sample_rate=16000, channels=1, last=last)
    msg.data = array.array("h", samples.astype(np.int16).tobytes())
    msg.header.stamp.sec = 100
    msg.header.stamp.nanosec = round(first / 16000 * 1e9)
    return msg


def test_chunks_become_blocks_without_a_lost_sample() -> None:
    sound = np.random.default_rng(0).integers(-30000, 30000, 16000)
    blocks = Blocks()
    made = []
    for first in range(0, 16000, 512):
        part = sound[first : first + 512]
        made += blocks.add(chunk(first, part, first + 512 >= 16000), 100.0)
    joined = np.concatenate([block.pcm for block in made])
    assert np.abs(joined.astype(int) - sound).max() <= 1
    assert [block.first for block in made] == [True] + [False] * (len(made) - 1)
    assert all(len(block.pcm) >= BLOCK_S * 16000 for block in made[:-1])
    starts = 100 + np.cumsum([0] + [len(block.pcm) for block in made[:-1]]) / 16000
    np.testing.assert_allclose([block.stamp_s for block in made], starts, atol=1e-6)


def test_gap_begins_a_new_run_of_sound() -> None:
    blocks = Blocks()
    blocks.add(chunk(0, np.zeros(512)), 100.0)
    made = blocks.add(chunk(8000, np.zeros(1600)), 100.0)
    assert [(len(block.pcm), block.first) for block in made] == [(512, True), (1600, True)]
