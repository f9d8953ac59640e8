"""Two faces in one process, each with its own head, prompt, mesh and sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from m2f_msgs.msg import FaceFrame, FaceTopology
from rclpy.qos import DurabilityPolicy, QoSProfile

pytestmark = pytest.mark.ros

SIDES = ("left", "right")
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
PARAMETERS = Path(__file__).parents[2] / "ros2_ws/src/m2f_node/config/two_heads.yaml"


def test_two_heads_speak_at_once_from_one_process(
    client: Any, sample: Path, start: Callable[..., Any]
) -> None:
    frames = {side: client.collect(FaceFrame, f"/{side}/face/frame") for side in SIDES}
    tops = {
        side: client.collect(FaceTopology, f"/{side}/face/topology", LATCHED) for side in SIDES
    }
    start("m2f_node", arguments=("--params-file", str(PARAMETERS), "--", *SIDES))
    client.spin_until(lambda: all(tops.values()))
    for side in SIDES:
        start("audio_file", f"file:={sample}", arguments=("-r", f"__ns:=/{side}"))
    client.spin_until(lambda: all(f and f[-1].index >= 150 for f in frames.values()))
    assert tops["left"][0].identity == "ada"
    assert tops["right"][0].identity == "goro"
    for side in SIDES:
        seen = [frame for frame in frames[side] if frame.topology_id == tops[side][0].topology_id]
        assert len(seen) == len(frames[side])
        assert 1500 < len(seen[0].vertices) // 3 < 3000  # the light mesh
        stamps = np.array([f.header.stamp.sec + f.header.stamp.nanosec * 1e-9 for f in seen])
        numbers = np.array([f.index for f in seen])
        slope = np.polyfit(numbers, stamps, 1)[0]
        assert slope == pytest.approx(1 / 30, rel=1e-3)
        assert len(seen) > 0.95 * (numbers[-1] - numbers[0] + 1)  # hardly any was skipped
    smiles = [np.mean([f.blendshapes[23] for f in frames[side][60:150]]) for side in SIDES]
    assert smiles[0] > smiles[1] + 0.05  # happy on the left, sad on the right
