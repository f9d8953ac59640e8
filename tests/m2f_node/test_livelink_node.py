"""The Live Link sender as a process: frames over DDS in, packets on a real UDP socket out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from m2f_msgs.msg import FaceFrame
from m2f_node.conversions import to_seconds, to_time
from m2f_node.livelink import FrameQueue, Waiting
from media2face.exporting.livelink import VALUE_DIM, VALUE_NAMES, Packet, decode, to_values
from rcl_interfaces.srv import GetParameters
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Header

pytestmark = pytest.mark.ros

NAN = float("nan")
JAW_OPEN = VALUE_NAMES.index("JawOpen")


@dataclass
class Receiver:
    """A UDP socket that is read by a thread.

    Attributes:
        port: of the socket.
        packets, arrival_s: as they came, with the time on the clock of `now_s`.
    """

    now_s: Callable[[], float]
    port: int = 0
    packets: list[Packet] = field(default_factory=list)
    arrival_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while data := self._socket.recv(4096):
            self.arrival_s.append(self.now_s())
            self.packets.append(decode(data))

    def close(self) -> None:
        self._socket.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()


@pytest.fixture
def receiver(client: Any) -> Iterator[Receiver]:
    made = Receiver(lambda: client.node.get_clock().now().nanoseconds * 1e-9)
    yield made
    made.close()


@pytest.fixture
def sender(start: Callable, receiver: Receiver) -> Any:
    node = start("livelink", f"port:={receiver.port}", "subject:=tester")
    node.wait_for("sends 'tester'")
    return node


def frame(index: int, stamp_s: float, weight: float = 0.5) -> FaceFrame:
    msg = FaceFrame(header=Header(stamp=to_time(stamp_s)), index=index)
    msg.blendshapes[:] = weight
    msg.eyes = [0.1, 0.2, 0.1, 0.2]
    msg.head_pose.orientation.y, msg.head_pose.orientation.w = np.sin(0.1), np.cos(0.1)
    return msg


def test_frames_made_ahead_are_sent_when_they_are_to_be_shown(
    sender: Any, client: Any, receiver: Receiver
) -> None:
    publisher = client.publisher(FaceFrame, "face/frame")
    begin_s = receiver.now_s() + 0.3
    sent = [frame(k, begin_s + k / 30, k / 60) for k in range(60)]
    for msg in sent:
        publisher.publish(msg)
    client.spin_until(lambda: len(receiver.packets) >= len(sent))
    due_s = np.array([to_seconds(msg.header.stamp) for msg in sent])
    late_ms = (np.array(receiver.arrival_s) - due_s) * 1e3
    print(f"late: median {np.median(late_ms):.2f} ms, worst {late_ms.max():.2f} ms")
    assert late_ms.min() >= 0, "sent before its time"
    assert np.median(late_ms) < 10
    for packet, msg, at_s in zip(receiver.packets, sent, due_s, strict=True):
        assert packet.subject == "tester"
        assert packet.rate == (60, 1)
        shown_s = (packet.frame + packet.subframe) / 60
        assert shown_s == pytest.approx(at_s % 86_400, abs=1e-3)
        pose = np.array([0, 0, 0, 0, np.sin(0.1), 0, np.cos(0.1)], np.float32)
        expected = to_values(np.asarray(msg.blendshapes), pose, np.asarray(msg.eyes))
        np.testing.assert_allclose(packet.values, expected, atol=1e-6)
    assert receiver.packets[0].values[VALUE_NAMES.index("HeadPitch")] == pytest.approx(0.2)


def test_bad_values_never_get_out(sender: Any, client: Any, receiver: Receiver) -> None:
    publisher = client.publisher(FaceFrame, "face/frame")
    now_s = receiver.now_s()
    bad = [frame(k, now_s + k / 1000) for k in range(4)]
    bad[0].blendshapes[17] = NAN  # nothing good before it
    bad[1].blendshapes[:] = 9.0
    bad[2].blendshapes[17] = bad[2].eyes[0] = NAN
    bad[2].head_pose.orientation.w = float("inf")
    bad[3].head_pose.orientation.y = bad[3].head_pose.orientation.w = 0.0
    for msg in bad:
        publisher.publish(msg)
    client.spin_until(lambda: len(receiver.packets) >= 4)
    values = np.array([packet.values for packet in receiver.packets])
    assert np.isfinite(values).all()
    assert values[:, 17].tolist() == [0.0, 1.0, 1.0, 0.5]
    np.testing.assert_allclose(values[2:, 52:55], values[[1, 1], 52:55])
    assert values[2, 55] == values[1, 55]
    sender.wait_for("not finite")


def test_no_stamp_and_an_impossible_one_mean_now(
    sender: Any, client: Any, receiver: Receiver
) -> None:
    publisher = client.publisher(FaceFrame, "face/frame")
    publisher.publish(frame(0, 0.0))
    publisher.publish(frame(1, 1.0))
    client.spin_until(lambda: len(receiver.packets) == 2)
    sender.wait_for("behind this node's clock")


def test_with_simulated_time_the_simulated_clock_counts(
    start: Callable, client: Any, receiver: Receiver
) -> None:
    start("livelink", f"port:={receiver.port}", "use_sim_time:=true").wait_for("sends")
    clock = client.publisher(Clock, "/clock")
    publisher = client.publisher(FaceFrame, "face/frame")

    def answered() -> None:
        """Returns when the node has dealt with what was sent before."""
        request = GetParameters.Request(names=["subject"])
        client.call(GetParameters, "/livelink/get_parameters", request)

    clock.publish(Clock(clock=to_time(100.0)))
    answered()
    for index, stamp_s in enumerate((100.2, 100.5)):
        publisher.publish(frame(index, stamp_s, index))
    answered()
    assert not receiver.packets
    clock.publish(Clock(clock=to_time(100.3)))
    client.spin_until(lambda: receiver.packets)
    answered()
    assert len(receiver.packets) == 1
    clock.publish(Clock(clock=to_time(100.5)))
    client.spin_until(lambda: len(receiver.packets) == 2)
    assert receiver.packets[1].frame == pytest.approx(100.5 * 60, abs=1)


def test_a_new_stream_ends_the_old_one() -> None:
    queue, none = FrameQueue(), np.zeros(VALUE_DIM, np.float32)
    for index in range(5):
        queue.push(Waiting(100 * index, index, none))
    assert queue.wait_ns(-10) == 10
    assert [one.index for one in queue.pop(150)] == [0, 1]
    queue.push(Waiting(160, 0, none))
    assert [one.index for one in queue.pop(10_000)] == [0]
    assert queue.wait_ns(0) is None and len(queue) == 0


@pytest.mark.parametrize(
    ("parameter", "reason"), [("host:=no.such.host.invalid", "host"), ("subject:=''", "subject")]
)
def test_what_cannot_be_sent_to_is_said(start: Callable, parameter: str, reason: str) -> None:
    node = start("livelink", parameter)
    assert node.wait() == 1
    assert any(reason in line for line in node.lines), node.lines


def test_a_face_speaks_to_unreal(
    sender: Any, start: Callable, client: Any, receiver: Receiver, sample: Path
) -> None:
    start("m2f_node")
    frames = client.collect(FaceFrame, "face/frame")
    client.spin_until(lambda: frames and receiver.packets)  # idle: all have found each other
    start("audio_file", f"file:={sample}")

    def jaw_range() -> float:
        return float(np.ptp([packet.values[JAW_OPEN] for packet in receiver.packets[:]]))

    client.spin_until(lambda: jaw_range() > 0.15 and not frames[-1].idle)
    packets, arrivals = receiver.packets[:], receiver.arrival_s[:]
    sent = {round(to_seconds(msg.header.stamp) % 86_400, 3): msg for msg in frames}
    both = 0
    for packet, arrival_s in zip(packets, arrivals, strict=False):
        msg = sent.get(round((packet.frame + packet.subframe) / 60, 3))
        if msg is not None:
            both += 1
            assert arrival_s >= to_seconds(msg.header.stamp)
            np.testing.assert_allclose(packet.values[:52], msg.blendshapes, atol=1e-6)
    assert both > 0.9 * min(len(packets), len(frames)) > 15
