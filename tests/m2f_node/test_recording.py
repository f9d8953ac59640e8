"""Frames of the real node in an MCAP file, as `ros2 bag record` writes it, and played again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ament_index_python.packages import get_package_share_directory
from m2f_msgs.msg import FaceFrame
from rclpy.serialization import deserialize_message

mcap_writer = pytest.importorskip("mcap.writer")
mcap_reader = pytest.importorskip("mcap.reader")
mcap_ros2 = pytest.importorskip("mcap_ros2.decoder")

pytestmark = pytest.mark.ros

FRAMES = 20
TYPE = "m2f_msgs/msg/FaceFrame"
# What is nested in a frame, in the order in which a reader meets it.
NESTED = (
    "std_msgs/Header", "builtin_interfaces/Time", "geometry_msgs/Pose", "geometry_msgs/Point",
    "geometry_msgs/Quaternion",
)  # fmt: skip


def definition(name: str) -> str:
    """Text of an installed .msg file."""
    package, _, kind = name.partition("/")
    path = Path(get_package_share_directory(package), "msg", f"{kind}.msg")
    return path.read_text(encoding="utf-8")


def schema() -> bytes:
    """The frame's definition with those of what it holds, as recordings carry it."""
    parts = [definition("m2f_msgs/FaceFrame")]
    parts += [f"MSG: {name}\n{definition(name)}" for name in NESTED]
    return f"\n{'=' * 80}\n".join(parts).encode()


def write(path: Path, topic: str, messages: list[bytes]) -> None:
    """A recording of serialised frames, logged at their presentation times."""
    with path.open("wb") as file:
        writer = mcap_writer.Writer(file)
        writer.start(profile="ros2", library="test")
        kind = writer.register_schema(name=TYPE, encoding="ros2msg", data=schema())
        channel = writer.register_channel(topic=topic, message_encoding="cdr", schema_id=kind)
        for number, data in enumerate(messages):
            stamp = deserialize_message(data, FaceFrame).header.stamp
            time_ns = stamp.sec * 10**9 + stamp.nanosec
            writer.add_message(channel, time_ns, data, time_ns, sequence=number)
        writer.finish()


def test_a_recording_plays_back_equal(start: Callable, client: Any, tmp_path: Path) -> None:
    start("m2f_node").wait_for("active")  # idle, so that it has no end
    recorded: list[bytes] = []
    subscription = client.node.create_subscription(
        FaceFrame, "face/frame", recorded.append, 100, raw=True
    )
    client.spin_until(lambda: len(recorded) >= FRAMES)
    client.node.destroy_subscription(subscription)
    del recorded[FRAMES:]
    path = tmp_path / "face.mcap"
    write(path, "/face/frame", recorded)

    with path.open("rb") as file:
        reader = mcap_reader.make_reader(file, decoder_factories=[mcap_ros2.DecoderFactory()])
        read = list(reader.iter_decoded_messages(topics=["/face/frame"]))
    originals = [deserialize_message(data, FaceFrame) for data in recorded]
    assert [schema.name for schema, _, _, _ in read] == [TYPE] * FRAMES
    for (_, _, _, seen), original in zip(read, originals, strict=True):
        assert seen.index == original.index
        assert seen.topology_id == original.topology_id
        assert seen.header.stamp.nanosec == original.header.stamp.nanosec
        assert seen.head_pose.orientation.w == original.head_pose.orientation.w
        np.testing.assert_array_equal(np.float32(seen.vertices), np.float32(original.vertices))
        np.testing.assert_array_equal(np.float32(seen.blendshapes), original.blendshapes)

    received = client.collect(FaceFrame, "replayed/frame")
    publisher = client.publisher(FaceFrame, "replayed/frame")
    for _, _, message, _ in read:
        publisher.publish(message.data)
    client.spin_until(lambda: len(received) == FRAMES)
    assert received == originals
    assert len(received[0].vertices) > 3000
