"""Shows a face in RViz and Foxglove: `face/frame` as triangle-list markers, its head pose as TF.

A marker's points are a nested message array, which rclpy fills object by object: 100 ms and more a
frame. So each marker is serialised once, and from then on its points, pose and stamp are written
into those bytes by numpy.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import rclpy
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, PoseStamped, TransformStamped
from m2f_msgs.msg import FaceFrame, FaceTopology
from media2face.types import Float32
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker

from m2f_node import parameters
from m2f_node.conversions import to_seconds
from m2f_node.parameters import Spec
from m2f_node.viewer_mesh import Head, Patch, lips_middle, read_topology, vertex_colours

FRAMES_QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
LATCHED_QOS = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
SPECS = {
    "rate": Spec(15.0, "Markers a second [Hz]; frames between are left out.", 0.1, 60.0),
    "tf": Spec(False, "Send the head's frame on /tf."),
}
_MARKS = (-1.2345678901234567e300, 2.3456789012345678e300)  # no face has such coordinates


class MarkerBytes:
    """One part's marker, serialised; its points, pose and stamp can be exchanged."""

    def __init__(self, marker: Marker, points: int) -> None:
        """Args:
        marker: all but its points.
        points: how many it is to have.
        """
        marker.points = [Point(x=_MARKS[0]), *([Point()] * (points - 1))]
        marker.pose.position.x = _MARKS[1]
        data = bytearray(serialize_message(marker))
        at = data.find(struct.pack("<d", _MARKS[0]))
        pose = data.find(struct.pack("<d", _MARKS[1]))
        if at < 0 or pose < 0:
            raise RuntimeError("this ROS 2 does not serialise messages as little-endian CDR")
        self._data = data
        self._points = np.frombuffer(data, np.float64, 3 * points, at).reshape(points, 3)
        self._pose = np.frombuffer(data, np.float64, 7, pose)
        # After the 4 bytes that name the encoding a message begins with its header's stamp.
        self._stamp = np.frombuffer(data, np.uint32, 2, 4)

    def bytes(self, points: Float32, pose: Pose, stamp: Time) -> bytes:
        """The message with these points (float32 [N, 3], m), this pose and stamp."""
        self._points[:] = points
        p, q = pose.position, pose.orientation
        self._pose[:] = p.x, p.y, p.z, q.x, q.y, q.z, q.w
        self._stamp[:] = stamp.sec, stamp.nanosec
        return bytes(self._data)


class MarkerNode(Node):
    """See the module; everything runs on the executor's thread."""

    def __init__(self) -> None:
        super().__init__("marker")
        parameters.declare(self, SPECS)
        self._rate_hz: float = self.get_parameter("rate").value
        self._tf = self._make_tf() if self.get_parameter("tf").value else None
        self._base_frame_id = ""
        self._topology_id = ""
        self._vertices = 0
        self._parts: list[tuple[npt.NDArray[np.intp], MarkerBytes]] = []
        self._topology: FaceTopology | None = None
        self._last_s = 0.0
        self._markers = self.create_publisher(Marker, "face/marker", 50)
        self.create_subscription(FaceTopology, "face/topology", self._on_topology, LATCHED_QOS)
        self.create_subscription(PoseStamped, "face/head_pose", self._on_pose, FRAMES_QOS)
        self.create_subscription(FaceFrame, "face/frame", self._on_frame, FRAMES_QOS)

    def _make_tf(self) -> Any:
        try:
            from tf2_msgs.msg import TFMessage
        except ImportError:
            self.get_logger().error(
                "parameter tf needs the package tf2_msgs: apt install ros-$ROS_DISTRO-tf2-msgs; "
                "going on without TF"
            )
            return None
        self._tf_message = TFMessage
        return self.create_publisher(TFMessage, "/tf", 100)

    def _on_topology(self, msg: FaceTopology) -> None:
        self._topology = msg
        self._prepare()

    def _prepare(self) -> None:
        """Serialises one marker a part, once both mesh and base frame are known."""
        self._parts = []
        msg, base_frame_id = self._topology, self._base_frame_id
        if msg is None or not base_frame_id:
            return
        neutral = np.frombuffer(msg.neutral, np.float32).reshape(-1, 3)
        triangles = np.frombuffer(msg.triangles, np.uint32).reshape(-1, 3)
        ranges = np.frombuffer(msg.part_ranges, np.uint32).reshape(-1, 2).tolist()
        parts = {name: slice(*place) for name, place in zip(msg.part_names, ranges, strict=True)}
        lips = lips_middle(neutral, msg.landmarks68)
        head = Head(neutral, triangles, parts, lips, read_topology(msg.topology_id))
        if self._topology_id:  # the parts of the mesh before may be others
            self._markers.publish(Marker(action=Marker.DELETEALL))
        self._topology_id, self._vertices = msg.topology_id, len(neutral)
        for number, patch in enumerate(head.patches):
            if patch.vertices.start >= len(neutral) or not len(patch.triangles):
                continue  # made by the viewer, not in the frames
            corners = patch.triangles.astype(np.intp).ravel()
            marker = _marker(patch, number, corners)
            marker.header.frame_id = base_frame_id
            made = MarkerBytes(marker, len(corners))
            self._parts.append((corners + patch.vertices.start, made))

    def _on_pose(self, msg: PoseStamped) -> None:
        if self._base_frame_id != msg.header.frame_id:
            self._base_frame_id = msg.header.frame_id
            self._prepare()
        if self._tf is not None and self._topology is not None:
            head = self._topology.header.frame_id
            transform = TransformStamped(header=msg.header, child_frame_id=head)
            position = msg.pose.position
            shift = transform.transform.translation
            shift.x, shift.y, shift.z = position.x, position.y, position.z
            transform.transform.rotation = msg.pose.orientation
            self._tf.publish(self._tf_message(transforms=[transform]))

    def _on_frame(self, msg: FaceFrame) -> None:
        stamp_s = to_seconds(msg.header.stamp)
        early = 0 <= stamp_s - self._last_s < 1 / self._rate_hz - 1e-3
        if early or not self._markers.get_subscription_count():
            return
        vertices = np.frombuffer(msg.vertices, np.float32).reshape(-1, 3)
        if msg.topology_id != self._topology_id or len(vertices) != self._vertices:
            return  # the topology of this frame is still to come
        self._last_s = stamp_s
        for corners, marker in self._parts:
            self._markers.publish(marker.bytes(vertices[corners], msg.head_pose, msg.header.stamp))


def _marker(patch: Patch, number: int, corners: npt.NDArray[np.intp]) -> Marker:
    """A part's marker, without its points."""
    marker = Marker(ns=patch.name, id=number, type=Marker.TRIANGLE_LIST, action=Marker.ADD)
    marker.scale.x = marker.scale.y = marker.scale.z = 1.0
    red, green, blue = (value / 255 for value in patch.colour)
    marker.color = ColorRGBA(r=red, g=green, b=blue, a=1.0)
    colours = vertex_colours(patch)
    if colours is not None:
        table = [ColorRGBA(r=r, g=g, b=b, a=1.0) for r, g, b in (colours / 255.0).tolist()]
        marker.colors = [table[corner] for corner in corners]
    return marker


def main() -> int:
    rclpy.init()
    node = MarkerNode()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
    return 0
