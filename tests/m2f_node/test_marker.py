"""The marker node as a process: what RViz and Foxglove get of a face."""

from __future__ import annotations

import array
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import Point, Pose, PoseStamped
from m2f_msgs.msg import FaceFrame, FaceTopology
from m2f_node.conversions import to_seconds, to_time
from m2f_node.marker import MarkerBytes
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.serialization import deserialize_message
from visualization_msgs.msg import Marker

pytestmark = pytest.mark.ros

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def corners(marker: Marker) -> np.ndarray:
    """float64 [N, 3] of a marker's points."""
    return np.array([[p.x, p.y, p.z] for p in marker.points])


def small_topology(triangles: list[list[int]]) -> FaceTopology:
    """Two parts of three vertices."""
    neutral = np.arange(18, dtype=np.float32) / 100
    return FaceTopology(
        topology_id="small",
        identity="nobody",
        neutral=array.array("f", neutral.tobytes()),
        triangles=array.array("I", np.array(triangles, np.uint32).tobytes()),
        part_names=["skin", "teeth_upper"],
        part_ranges=[0, 3, 3, 6],
        landmarks68=[0] * 68,
    )


def small_frame(vertices: np.ndarray, stamp_s: float) -> FaceFrame:
    frame = FaceFrame(topology_id="small")
    frame.vertices = array.array("f", vertices.astype(np.float32).tobytes())
    frame.header.stamp = to_time(stamp_s)
    frame.head_pose.position.y = 0.25
    return frame


class Sender:
    """Sends faces to a marker node that listens."""

    def __init__(self, client: Any, namespace: str = "") -> None:
        self.client = client
        self.topology = client.node.create_publisher(
            FaceTopology, f"{namespace}/face/topology", LATCHED
        )
        self.frames = client.publisher(FaceFrame, f"{namespace}/face/frame")
        self.poses = client.publisher(PoseStamped, f"{namespace}/face/head_pose")

    def introduce(self, topology: FaceTopology) -> None:
        topology.header.frame_id = "head"
        self.topology.publish(topology)
        pose = PoseStamped()
        pose.header.frame_id = "base"
        self.poses.publish(pose)


def test_markers_hold_the_triangles_of_the_frame(start: Callable, client: Any) -> None:
    start("marker", arguments=("-r", "__ns:=/robot"))
    sender = Sender(client, "/robot")
    markers = client.collect(Marker, "/robot/face/marker")
    client.spin_until(lambda: client.node.count_publishers("/robot/face/marker") > 0)
    vertices = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    sender.introduce(small_topology([[0, 1, 2], [0, 2, 1], [3, 4, 5]]))

    def parts() -> dict[str, Marker]:
        sender.frames.publish(small_frame(vertices, 20.0 + len(markers)))
        return {marker.ns: marker for marker in markers}

    got = client.spin_until(lambda: len(parts()) == 2 and parts())
    np.testing.assert_array_equal(corners(got["skin"]), vertices[[0, 1, 2, 0, 2, 1]])
    np.testing.assert_array_equal(corners(got["teeth_upper"]), vertices[[3, 4, 5]])
    assert got["skin"].header.frame_id == "base"
    assert got["skin"].pose.position.y == 0.25
    assert got["skin"].id != got["teeth_upper"].id
    assert got["skin"].color.a == 1.0


def test_rate_leaves_frames_out(start: Callable, client: Any) -> None:
    start("marker", "rate:=10.0")
    sender = Sender(client)
    markers = client.collect(Marker, "/face/marker")
    client.spin_until(lambda: client.node.count_publishers("/face/marker") > 0)
    sender.introduce(small_topology([[0, 1, 2]]))
    stamps = iter(np.arange(100.0, 200.0, 1 / 30))

    def enough() -> bool:
        sender.frames.publish(small_frame(np.zeros((6, 3)), float(next(stamps))))
        return len(markers) >= 6

    client.spin_until(enough)
    apart = np.diff([to_seconds(marker.header.stamp) for marker in markers])
    assert apart.min() > 0.099


def test_real_face_has_all_its_parts(start: Callable, client: Any) -> None:
    topologies = client.collect(FaceTopology, "/face/topology", LATCHED)
    start("marker")
    markers = client.collect(Marker, "/face/marker")
    start("m2f_node").wait_for("active")
    topology = client.spin_until(lambda: topologies and topologies[-1])
    client.spin_until(lambda: {m.ns for m in markers} >= set(topology.part_names))
    eye = next(marker for marker in markers if marker.ns == "eye_left")
    assert len(eye.colors) == len(eye.points) > 0
    sizes = corners(eye).max(axis=0) - corners(eye).min(axis=0)
    assert (sizes > 0.02).all()
    assert (sizes < 0.04).all()


def test_tf_without_its_package_is_an_error_that_names_it(start: Callable) -> None:
    if importlib.util.find_spec("tf2_msgs") is not None:
        pytest.skip("tf2_msgs is installed")
    start("marker", "tf:=true").wait_for("ros-$ROS_DISTRO-tf2-msgs")


def test_tf_is_the_head_in_the_base_frame(start: Callable, client: Any) -> None:
    messages = pytest.importorskip("tf2_msgs.msg", reason="tf2_msgs is not in the ROS 2 wheels")
    start("marker", "tf:=true")
    sender = Sender(client)
    transforms = client.collect(messages.TFMessage, "/tf")
    client.spin_until(lambda: client.node.count_publishers("/tf") > 0)
    sender.introduce(small_topology([[0, 1, 2]]))
    pose = PoseStamped()
    pose.header.frame_id = "base"
    pose.pose.position.z = 0.5

    def sent() -> bool:
        sender.poses.publish(pose)
        return bool(transforms) and transforms[-1].transforms[0].transform.translation.z == 0.5

    client.spin_until(sent)
    assert transforms[-1].transforms[0].header.frame_id == "base"
    assert transforms[-1].transforms[0].child_frame_id == "head"


def test_bytes_are_the_message_that_rclpy_would_make() -> None:
    rng = np.random.default_rng(1)
    marker = Marker(ns="some part", text="text", id=7)
    made = MarkerBytes(marker, 9)
    for seed in range(2):
        points = rng.normal(size=(9, 3)).astype(np.float32)
        pose = Pose(position=Point(x=1.0 + seed, y=2.0, z=3.0))
        got = deserialize_message(made.bytes(points, pose, to_time(5.25)), Marker)
        np.testing.assert_array_equal(corners(got), points)
        assert got.pose == pose
        assert to_seconds(got.header.stamp) == 5.25
        assert (got.ns, got.text, got.id) == ("some part", "text", 7)
