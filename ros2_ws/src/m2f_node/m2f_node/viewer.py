"""Shows a face in web browsers, with controls, its sound and what is measured.

Needs the extra `viewer`. Listens to the topics of the face in its own namespace and knows of that
node's services by its name (parameter `face`).
"""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from m2f_msgs.msg import AudioChunk, FaceFrame, FaceTopology, StylePrompt
from m2f_msgs.srv import SetIdentity
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_srvs.srv import Trigger

from m2f_node import parameters
from m2f_node.conversions import MAX_TRANSITION_S, to_seconds
from m2f_node.parameters import Spec
from m2f_node.viewer_mesh import Head, lips_middle, read_topology
from m2f_node.viewer_page import Actions, Page, ViewerExtraMissing
from m2f_node.viewer_sound import Blocks

FRAMES_QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
AUDIO_QOS = QoSProfile(depth=1000, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED_QOS = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
TICK_S = 0.5
# A stamp further ahead than this is of another clock; the frame is shown at once.
MAX_AHEAD_S = 10.0
GONE_S = 2.0  # without a frame or a report the face counts as gone
SPECS = {
    "host": Spec("0.0.0.0", "Address to serve the page at; 0.0.0.0 = all."),
    "port": Spec(8080, "TCP port of the page; 0 = any that is free.", 0, 65_535),
    "face": Spec("m2f_node", "Name of the face's node, for its services."),
}


class ViewerNode(Node):
    """See the module. Everything but the page's actions runs on the executor's thread."""

    def __init__(self) -> None:
        super().__init__("viewer")
        parameters.declare(self, SPECS)
        host, port, face = (self.get_parameter(name).value for name in ("host", "port", "face"))
        self._face_path = self.resolve_service_name(face)
        self._due: deque[FaceFrame] = deque()
        self._topology: FaceTopology | None = None
        self._head: Head | None = None
        self._report: dict[str, str] = {}
        self._arrivals: deque[float] = deque(maxlen=60)
        self._late_ms: deque[float] = deque(maxlen=60)
        self._last_sign_s = -GONE_S
        self._blocks = Blocks()
        self._styles = self.create_publisher(StylePrompt, "style", 10)
        self._reset = self.create_client(Trigger, f"{face}/reset")
        self._set_identity = self.create_client(SetIdentity, f"{face}/set_identity")
        self.page = Page(
            host,
            port,
            self._face_path,
            Actions(self._on_prompt, self._on_identity, self._on_reset),
        )
        self.create_subscription(FaceTopology, "face/topology", self._on_topology, LATCHED_QOS)
        self.create_subscription(FaceFrame, "face/frame", self._on_frame, FRAMES_QOS)
        self.create_subscription(AudioChunk, "audio", self._on_audio, AUDIO_QOS)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_report, 10)
        self.create_timer(TICK_S, self._on_tick)
        self.get_logger().info(f"page at http://localhost:{self.page.port}")

    # ---- the face --------------------------------------------------------------------------

    def _on_topology(self, msg: FaceTopology) -> None:
        neutral = np.frombuffer(msg.neutral, np.float32).reshape(-1, 3)
        triangles = np.frombuffer(msg.triangles, np.uint32).reshape(-1, 3)
        ranges = np.frombuffer(msg.part_ranges, np.uint32).reshape(-1, 2).tolist()
        parts = {name: slice(*place) for name, place in zip(msg.part_names, ranges, strict=True)}
        known = read_topology(msg.topology_id)
        lips = lips_middle(neutral, msg.landmarks68)
        self._head = Head(neutral, triangles, parts, lips, known)
        self._topology = msg
        self.page.set_identities(msg.preset_names, msg.identity)
        self._due.clear()
        self.page.show_head(self._head)
        textured = "" if known is not None else ", plain: no texture of this mesh is installed"
        self.get_logger().info(f"head {msg.identity}, {len(neutral)} vertices{textured}")

    def _on_frame(self, msg: FaceFrame) -> None:
        self._last_sign_s = time.monotonic()
        self._arrivals.append(self._last_sign_s)
        self._late_ms.append((self._now_s() - to_seconds(msg.header.stamp)) * 1e3)
        if self._topology is not None and msg.topology_id == self._topology.topology_id:
            self._due.append(msg)

    def show_due(self) -> float:
        """Shows the latest frame whose time has come; returns seconds until the next is due."""
        now_s, latest = self._now_s(), None
        while self._due:
            ahead_s = to_seconds(self._due[0].header.stamp) - now_s
            if 0 < ahead_s < MAX_AHEAD_S:
                break
            latest = self._due.popleft()
        if latest is not None and self._head is not None and self.page.browsers:
            vertices = np.frombuffer(latest.vertices, np.float32).reshape(-1, 3)
            if vertices.shape == self._head.neutral.shape:
                self.page.show_frame(vertices, _pose(latest), to_seconds(latest.header.stamp))
        return to_seconds(self._due[0].header.stamp) - now_s if self._due else TICK_S

    def _on_audio(self, msg: AudioChunk) -> None:
        if not self.page.browsers:
            return
        try:
            blocks = self._blocks.add(msg, self._now_s())
        except ValueError as error:
            self.get_logger().warning(f"audio: {error}", throttle_duration_sec=5.0)
            return
        for block in blocks:
            self.page.play(block.pcm, block.rate_hz, block.stamp_s, self._now_s(), block.first)

    # ---- read-out --------------------------------------------------------------------------

    def _on_report(self, msg: DiagnosticArray) -> None:
        for status in msg.status:
            if status.hardware_id == self._face_path and status.name.endswith(": face"):
                self._last_sign_s = time.monotonic()
                self._report = {item.key: item.value for item in status.values}
                self.page.set_delay(float(self._report.get("delay_ms", 0)) / 1e3)

    def _on_tick(self) -> None:
        self.page.play(np.empty(0, np.int16), 0, 0.0, self._now_s(), False)
        alive = time.monotonic() - self._last_sign_s < GONE_S
        if self._topology is None or not alive:
            self.page.show_status(f"waiting for {self._face_path}: is it running and active?")
        else:
            self.page.show_status(f"{self._topology.identity} by {self._face_path}")
        self.page.show_numbers(self._numbers())

    def _numbers(self) -> dict[str, str]:
        report, recent = self._report, [t for t in self._arrivals if t > time.monotonic() - 2]
        rate = (len(recent) - 1) / (recent[-1] - recent[0]) if len(recent) > 1 else 0.0
        late = f"{np.median(self._late_ms):.0f} ms" if self._late_ms and recent else "-"
        return {
            "voice to face": f"{float(report['delay_ms']):.0f} ms" if report else "-",
            "frames": f"{rate:.0f} a second",
            "came after their time": late,
            "hop, median": f"{float(report['hop_compute_p50_ms']):.0f} ms" if report else "-",
            "starved / skipped": f"{report['starved_ticks']} / {report['skipped_frames']}"
            if report
            else "-",
            "browsers": str(self.page.browsers),
        }

    # ---- the page's actions: any thread ------------------------------------------------------

    def _on_prompt(self, text: str, strength: float, transition_s: float) -> None:
        transition_s = min(transition_s, MAX_TRANSITION_S)
        self._styles.publish(StylePrompt(text=text, strength=strength, transition=transition_s))

    def _on_identity(self, name: str) -> None:
        future = self._set_identity.call_async(SetIdentity.Request(name=name))
        future.add_done_callback(partial(self._log_answer, f"identity {name}"))

    def _on_reset(self) -> None:
        future = self._reset.call_async(Trigger.Request())
        future.add_done_callback(partial(self._log_answer, "reset"))

    def _log_answer(self, what: str, future: Any) -> None:
        answer = future.result()
        if not answer.success:
            self.get_logger().warning(f"{what}: {answer.message}")

    def _now_s(self) -> float:
        return float(self.get_clock().now().nanoseconds) * 1e-9


def _pose(frame: FaceFrame) -> np.ndarray:
    """float32 [7] x y z (m), quaternion x y z w."""
    p, q = frame.head_pose.position, frame.head_pose.orientation
    return np.array([p.x, p.y, p.z, q.x, q.y, q.z, q.w], np.float32)


def main() -> int:
    """Exit status: 1 where the extra is missing, else 0."""
    rclpy.init()
    try:
        node = ViewerNode()
    except ViewerExtraMissing as error:
        rclpy.logging.get_logger("viewer").fatal(str(error))
        rclpy.try_shutdown()
        return 1
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        while rclpy.ok():
            executor.spin_once(timeout_sec=min(max(node.show_due(), 0.0), TICK_S))
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.page.close()
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
    return 0
