"""Audio of either package called audio_common_msgs on `audio_in`, as AudioChunk on `audio`.

The type is taken from whoever publishes, at run time; see m2f_node.foreign_audio.
"""

from __future__ import annotations

import array
from typing import Any

from m2f_msgs.msg import AudioChunk
from media2face.audio.capture import LossMeter
from media2face.audio.clock import SampleClock
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from std_msgs.msg import Header

from m2f_node import foreign_audio, parameters
from m2f_node.audio_file import AUDIO_QOS
from m2f_node.conversions import MAX_CHANNELS, RATES_HZ, stamp_problem, to_seconds, to_time
from m2f_node.foreign_audio import RawFormat, Sound
from m2f_node.parameters import Spec
from m2f_node.spinning import run_node

LOOK_PERIOD_S = 0.5
LOG_PERIOD_S = 5.0
# A chunk this much later than the samples before it comes after a pause.
PAUSE_S = 0.5
# Best effort matches every publisher.
INPUT_QOS = QoSProfile(depth=1000, reliability=ReliabilityPolicy.BEST_EFFORT)
SPECS = {
    "sample_rate": Spec(
        16_000, "Of AudioData's bytes [Hz]; audio_info, where it comes, wins.", 8000, 192_000
    ),
    "channels": Spec(1, "Of AudioData's bytes; audio_info, where it comes, wins.", 1, 16),
}


class Line:
    """Index and time of every chunk of a source that tells neither or only the latter."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._next_sample = 0
        self._clock = SampleClock(rate_hz)
        self._loss = LossMeter(self._clock, rate_hz)

    def place(self, time_s: float, samples: int) -> tuple[int, float]:
        """First index and smoothed time of the next chunk, which `time_s` is claimed for."""
        if self._clock.started:
            late_s = time_s - self._clock.time_s(self._next_sample)
            self._next_sample += self._loss.lost(self._next_sample, time_s, late_s > PAUSE_S)
        first = self._next_sample
        self._next_sample += samples
        return first, self._clock.update(first, time_s)


class AudioBridgeNode(Node):
    """See the module. Everything runs on the executor's one thread."""

    def __init__(self) -> None:
        super().__init__("audio_bridge")
        parameters.declare(self, SPECS)
        self._publisher = self.create_publisher(AudioChunk, "audio", AUDIO_QOS)
        self._topic = self.resolve_topic_name("audio_in")
        self._input: Subscription | None = None
        self._info: Subscription | None = None
        self._told = ""
        self._problem = ""  # of what audio_info tells
        self._raw: RawFormat | None = None
        self._line: Line | None = None
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._looking = self.create_timer(LOOK_PERIOD_S, self._look, clock=steady)
        self.get_logger().info(f"waiting for a publisher on {self._topic}")

    def _look(self) -> None:
        """Subscribes with the type that somebody publishes."""
        kinds = {info.topic_type for info in self.get_publishers_info_by_topic(self._topic)}
        kind = next((kind for kind in foreign_audio.KINDS if kind in kinds), "")
        if not kind:
            if kinds:
                self._tell(
                    f"{self._topic} has type {', '.join(sorted(kinds))}; this node takes "
                    f"{', '.join(foreign_audio.KINDS)}"
                )
            return
        try:
            message = foreign_audio.find_type(kind)
        except ImportError as error:
            self._tell(str(error))
            return
        self._input = self.create_subscription(message, self._topic, self._on_audio, INPUT_QOS)
        if kind.rpartition("/")[2] in foreign_audio.BYTES:
            info = foreign_audio.find_type(f"{foreign_audio.PACKAGE}/msg/AudioInfo")
            self._info = self.create_subscription(info, "audio_info", self._on_info, 10)
        self._looking.cancel()
        self.get_logger().info(f"bridging {kind} from {self._topic}")

    def _tell(self, problem: str) -> None:
        """Once, until there is another one."""
        if problem != self._told:
            self.get_logger().error(problem)
            self._told = problem

    def _on_info(self, msg: Any) -> None:
        try:
            self._raw = foreign_audio.check_info(msg)
            self._problem = ""
        except ValueError as error:
            self._problem = str(error)

    def _on_audio(self, msg: Any) -> None:
        raw = self._raw or RawFormat(
            self.get_parameter("sample_rate").value, self.get_parameter("channels").value
        )
        try:
            sound = foreign_audio.to_sound(msg, raw)
            if self._problem:
                raise ValueError(self._problem)
            self._check(sound)
        except ValueError as error:
            self.get_logger().error(
                f"dropped a message on {self._topic}: {error}", throttle_duration_sec=LOG_PERIOD_S
            )
            return
        if len(sound.pcm):
            self._publisher.publish(self._chunk(sound))

    def _check(self, sound: Sound) -> None:
        if not RATES_HZ[0] <= sound.rate_hz <= RATES_HZ[1]:
            raise ValueError(f"{sound.rate_hz} Hz, must be {RATES_HZ[0]} to {RATES_HZ[1]} Hz")
        if not 1 <= sound.channels <= MAX_CHANNELS:
            raise ValueError(f"{sound.channels} channels, must be 1 to {MAX_CHANNELS}")

    def _chunk(self, sound: Sound) -> AudioChunk:
        samples = len(sound.pcm) // sound.channels
        now_s = float(self.get_clock().now().nanoseconds) * 1e-9
        time_s = now_s - samples / sound.rate_hz
        frame_id = ""
        if sound.header is not None:
            frame_id = sound.header.frame_id
            # ros-drivers stamps with a clock of its own, which began when the computer did.
            stamp = sound.header.stamp
            if to_seconds(stamp) and not stamp_problem(stamp, now_s):
                time_s = to_seconds(stamp)
        if self._line is None or self._line.rate_hz != sound.rate_hz:
            self._line = Line(sound.rate_hz)
        first, stamp_s = self._line.place(time_s, samples)
        return AudioChunk(
            header=Header(stamp=to_time(max(0.0, stamp_s)), frame_id=frame_id),
            first_sample=first,
            sample_rate=sound.rate_hz,
            channels=sound.channels,
            data=array.array("h", sound.pcm.tobytes()),
        )


def main() -> int:
    """Exit status: 0."""
    return run_node("audio_bridge", AudioBridgeNode)
