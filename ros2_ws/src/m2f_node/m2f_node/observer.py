"""Listens to a face from outside, as any other node would."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from m2f_msgs.msg import AudioChunk, FaceFrame, FaceTopology
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from m2f_node.conversions import to_seconds

QUEUE = QoSProfile(depth=1000, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


@dataclass
class Received:
    """Attributes:
    frames, poses: as they came.
    arrival_s: time at which each of `frames` came, on the node's clock.
    audio_start_s: stamp of the first sample of the sound; None before it came.
    report: values of the face's latest diagnostics.
    report_s: time at which that came.
    """

    topology: FaceTopology | None = None
    frames: list[FaceFrame] = field(default_factory=list)
    arrival_s: list[float] = field(default_factory=list)
    poses: list[PoseStamped] = field(default_factory=list)
    audio_start_s: float | None = None
    report: dict[str, str] = field(default_factory=dict)
    report_s: float = 0.0

    @property
    def last_index(self) -> int:
        return max((frame.index for frame in self.frames[-1:]), default=-1)

    def reported_after_last(self) -> bool:
        """The latest diagnostics were made after the latest frame."""
        return bool(self.frames) and self.report_s > self.arrival_s[-1]

    def latency_ms(self) -> npt.NDArray[np.float64]:
        """float64 [T]: arrival of each frame minus the time of the sound that it shows."""
        if self.audio_start_s is None:
            return np.empty(0)
        shown_s = np.array([frame.index for frame in self.frames]) / FaceFrame.FRAME_RATE_HZ
        return (np.array(self.arrival_s) - self.audio_start_s - shown_s) * 1e3


class Observer(Node):
    """Collects what a face sends into `received`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.received = Received()
        self.create_subscription(FaceTopology, "face/topology", self._on_topology, LATCHED)
        self._frames = self.create_subscription(FaceFrame, "face/frame", self._on_frame, QUEUE)
        self.create_subscription(PoseStamped, "face/head_pose", self._on_pose, QUEUE)
        self.create_subscription(AudioChunk, "audio", self._on_audio, QUEUE)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)

    def publishers_matched(self) -> bool:
        """Somebody publishes frames, and somebody listens to audio besides this node."""
        return self.count_publishers("face/frame") > 0 and self.count_subscribers("audio") > 1

    def _on_topology(self, msg: FaceTopology) -> None:
        self.received.topology = msg

    def _on_frame(self, msg: FaceFrame) -> None:
        self.received.arrival_s.append(self._now_s())
        self.received.frames.append(msg)

    def _on_pose(self, msg: PoseStamped) -> None:
        self.received.poses.append(msg)

    def _on_audio(self, msg: AudioChunk) -> None:
        if self.received.audio_start_s is None:
            offset_s = msg.first_sample / msg.sample_rate
            self.received.audio_start_s = to_seconds(msg.header.stamp) - offset_s

    def _on_diagnostics(self, msg: DiagnosticArray) -> None:
        for status in msg.status:
            if status.name.endswith(": face"):
                self.received.report = {item.key: item.value for item in status.values}
                self.received.report_s = self._now_s()

    def _now_s(self) -> float:
        return float(self.get_clock().now().nanoseconds) * 1e-9
