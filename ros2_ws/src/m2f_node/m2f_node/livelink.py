"""Sends the face to Unreal, Unity and others as Live Link Face packets over UDP.

Two hops: on_frame -> queue, beside a timer queue -> encode -> send, when a frame is to be shown.
"""

from __future__ import annotations

import heapq
import socket
from dataclasses import dataclass, field

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from m2f_msgs.msg import FaceFrame
from media2face.exporting.livelink import (
    DEFAULT_PORT,
    RATE_HZ,
    VALUE_DIM,
    Packet,
    encode,
    make_device_id,
    mend,
    to_values,
)
from media2face.types import Float32
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from m2f_node import parameters
from m2f_node.conversions import stamp_problem
from m2f_node.parameters import Spec
from m2f_node.spinning import run_node

LOG_PERIOD_S = 5.0
DAY_NS = 86_400 * 10**9
# A sentence of a minute may come at once.
FRAMES_QOS = QoSProfile(depth=2000, reliability=ReliabilityPolicy.RELIABLE)
SPECS = {
    "host": Spec("127.0.0.1", "Name or address of the receiver.", read_only=True),
    "port": Spec(DEFAULT_PORT, "UDP port of the receiver.", 1, 65_535, read_only=True),
    "subject": Spec("m2f", "Name the receiver lists the face under.", read_only=True),
}


@dataclass(order=True)
class Waiting:
    """A frame that is not to be shown yet; the earliest comes first.

    Attributes:
        due_ns: when to send it, on the node's clock.
        index: its number.
        values: float32 [61] for the packet.
    """

    due_ns: int
    index: int
    values: Float32 = field(compare=False)


class FrameQueue:
    """Frames in the order in which they are to be shown. No clock of its own."""

    def __init__(self) -> None:
        self._heap: list[Waiting] = []
        self._newest = -1

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, frame: Waiting) -> None:
        """Adds a frame. An index that goes back is a new stream: the old one's frames go."""
        if frame.index <= self._newest:
            self._heap.clear()
        self._newest = frame.index
        heapq.heappush(self._heap, frame)

    def wait_ns(self, now_ns: int) -> int | None:
        """How long to the next frame; below 0 when it is late; None where there is none."""
        return self._heap[0].due_ns - now_ns if self._heap else None

    def pop(self, now_ns: int) -> list[Waiting]:
        """The frames that are due, earliest first."""
        due = []
        while self._heap and self._heap[0].due_ns <= now_ns:
            due.append(heapq.heappop(self._heap))
        return due


class LiveLinkNode(Node):
    """See the module. Everything runs on the executor's one thread."""

    def __init__(self) -> None:
        """Raises ValueError where a parameter cannot be used."""
        super().__init__("livelink")
        parameters.declare(self, SPECS)
        host, port = self.get_parameter("host").value, self.get_parameter("port").value
        self._subject: str = self.get_parameter("subject").value
        self._device_id = make_device_id(self._subject)
        encode(self._packet(0, np.zeros(VALUE_DIM, np.float32)))  # refuses a bad subject now
        self._socket, self._address = open_socket(host, port)
        self.target = f"{self._subject!r} to {self._address[0]}:{port}"
        self._queue = FrameQueue()
        self._last = np.zeros(VALUE_DIM, np.float32)
        self._counts = dict.fromkeys(("sent", "mended", "restamped", "send_errors"), 0)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._timer = self.create_timer(1.0, self._on_due)
        self._timer.cancel()
        self.create_timer(1.0, self._on_diagnostics)
        self.create_subscription(
            FaceFrame,
            "face/frame",
            self._on_frame,
            FRAMES_QOS,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self.get_logger().info(f"sends {self.target}")

    def destroy_node(self) -> None:
        self._socket.close()
        super().destroy_node()

    def _on_frame(self, msg: FaceFrame) -> None:
        now_ns = self.get_clock().now().nanoseconds
        due_ns = msg.header.stamp.sec * 10**9 + msg.header.stamp.nanosec
        if problem := stamp_problem(msg.header.stamp, now_ns * 1e-9):
            self._counts["restamped"] += 1
            self._warn(f"face/frame: {problem}")
        if due_ns == 0 or problem:
            due_ns = now_ns
        self._queue.push(Waiting(due_ns, msg.index, self._values(msg)))
        self._send_due()

    def _values(self, msg: FaceFrame) -> Float32:
        at, turn = msg.head_pose.position, msg.head_pose.orientation
        pose = np.array([at.x, at.y, at.z, turn.x, turn.y, turn.z, turn.w])
        with np.errstate(all="ignore"):  # what is not finite is mended
            values = to_values(np.asarray(msg.blendshapes), pose, np.asarray(msg.eyes))
        bad = int(np.count_nonzero(~np.isfinite(values)))
        if bad:
            self._counts["mended"] += 1
            self._warn(f"face/frame: {bad} values of frame {msg.index} are not finite")
        self._last = mend(values, self._last)
        return self._last

    def _on_due(self) -> None:
        self._timer.cancel()
        self._send_due()

    def _send_due(self) -> None:
        """Sends what is due, and sets the timer for what is not."""
        for frame in self._queue.pop(self.get_clock().now().nanoseconds):
            self._send(frame)
        wait_ns = self._queue.wait_ns(self.get_clock().now().nanoseconds)
        if wait_ns is not None:
            self._timer.timer_period_ns = max(1, wait_ns)
            self._timer.reset()

    def _send(self, frame: Waiting) -> None:
        try:
            self._socket.sendto(encode(self._packet(frame.due_ns, frame.values)), self._address)
            self._counts["sent"] += 1
        except OSError as error:
            self._counts["send_errors"] += 1
            self._warn(f"cannot send {self.target}: {error}")

    def _packet(self, time_ns: int, values: Float32) -> Packet:
        """A packet whose time is the time of day (UTC) in frames of the app's rate."""
        frame, rest = divmod(time_ns % DAY_NS * RATE_HZ, 10**9)
        rate = (RATE_HZ, 1)
        return Packet(self._device_id, self._subject, frame, rest * 1e-9, rate, values)

    def _warn(self, text: str) -> None:
        self.get_logger().warning(text, throttle_duration_sec=LOG_PERIOD_S)

    def _on_diagnostics(self) -> None:
        errors = self._counts["send_errors"]
        status = DiagnosticStatus(
            level=DiagnosticStatus.WARN if errors else DiagnosticStatus.OK,
            name=f"{self.get_fully_qualified_name()}: Live Link",
            message=f"{errors} packets could not be sent" if errors else f"sends {self.target}",
            values=[KeyValue(key=name, value=str(n)) for name, n in self._counts.items()]
            + [KeyValue(key="frames_waiting", value=str(len(self._queue)))],
        )
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)


def open_socket(host: str, port: int) -> tuple[socket.socket, tuple[str, int]]:
    """A socket for datagrams to a receiver, and its address.

    Raises:
        ValueError: naming the host that is not known.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    except OSError as error:
        raise ValueError(f"parameter host = '{host}': not known here ({error})") from error
    sender = socket.socket(family, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    sender.setblocking(False)
    return sender, address


def main() -> int:
    """Exit status: 1 where a parameter cannot be used, else 0."""
    return run_node("livelink", LiveLinkNode)
