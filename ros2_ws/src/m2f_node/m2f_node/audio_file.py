"""Plays a sound file as AudioChunks: in real time like a microphone, or at once like a TTS."""

from __future__ import annotations

import array
import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rclpy
import soundfile
from m2f_msgs.msg import AudioChunk
from rclpy._rclpy_pybind11 import RCLError
from rclpy.clock import ClockType
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from std_msgs.msg import Header

from m2f_node import parameters
from m2f_node.conversions import MAX_CHANNELS, RATES_HZ, to_time
from m2f_node.parameters import Spec

CHUNK_S = 0.032
BURST_CHUNK_S = 0.5
# A burst goes out this much faster than real time, so that no queue on the way overflows.
BURST_SPEED = 50.0
# A best-effort subscriber knows of this publisher a little after this publisher knows of it, and
# would miss what is sent between.
SETTLE_S = 0.5
SPIN_S = 0.2
# Chunks are kept for receivers that are a little behind.
AUDIO_QOS = QoSProfile(depth=1000, reliability=ReliabilityPolicy.RELIABLE)
SPECS = {
    "file": Spec("", "WAV, FLAC, Ogg, Opus or MP3 file to play."),
    "burst": Spec(False, "Send the whole file at once, as a TTS does."),
    "loop": Spec(False, "Begin again at the end of the file."),
    "frame_id": Spec("", "header.frame_id of the chunks."),
    "subscribers": Spec(
        1, "How many subscribers to wait for before playing; 0 = do not wait.", 0, 1000
    ),
    "wait": Spec(30.0, "How long to wait for the subscribers [s].", 0.0, 86_400.0),
}


@dataclass(frozen=True)
class Sound:
    """Attributes:
    samples: int16 [S, channels].
    rate_hz: samples per second and channel.
    """

    samples: npt.NDArray[np.int16]
    rate_hz: int


def read_sound(path: Path) -> Sound:
    """Reads WAV, FLAC, Ogg Vorbis, Opus or MP3.

    Raises:
        ValueError: naming the file and what is wrong with it.
    """
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path}: not a sound file that can be read ({error})") from error
    if not len(samples):
        raise ValueError(f"{path}: has no samples")
    if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1] or samples.shape[1] > MAX_CHANNELS:
        raise ValueError(
            f"{path}: {samples.shape[1]} channels at {rate_hz} Hz; up to {MAX_CHANNELS} at "
            f"{RATES_HZ[0]} to {RATES_HZ[1]} Hz can be played"
        )
    return Sound(np.clip(np.rint(samples * 32767), -32768, 32767).astype(np.int16), rate_hz)


def chunks(sound: Sound, chunk_s: float, frame_id: str, start_s: float) -> Iterator[AudioChunk]:
    """Cuts a sound into messages stamped with their playback time, the last marked as such.

    Args:
        sound: whole.
        chunk_s: length of a chunk [s].
        frame_id: of the loudspeaker or microphone.
        start_s: playback time of the first sample, on the node's clock [s].
    """
    size = max(1, round(chunk_s * sound.rate_hz))
    total = len(sound.samples)
    for first in range(0, total, size):
        part = sound.samples[first : first + size]
        stamp = to_time(start_s + first / sound.rate_hz)
        yield AudioChunk(
            header=Header(stamp=stamp, frame_id=frame_id),
            first_sample=first,
            sample_rate=sound.rate_hz,
            channels=sound.samples.shape[1],
            data=array.array("h", part.tobytes()),
            last=first + size >= total,
        )


class AudioFileNode(Node):
    """Publishes one file on `audio`, then is done (or begins again with `loop`)."""

    def __init__(self) -> None:
        super().__init__("audio_file")
        parameters.declare(self, SPECS)
        self.path = Path(self.get_parameter("file").value)
        self.burst: bool = self.get_parameter("burst").value
        self.loop: bool = self.get_parameter("loop").value
        self.frame_id: str = self.get_parameter("frame_id").value
        self.subscribers: int = self.get_parameter("subscribers").value
        self.wait_s: float = self.get_parameter("wait").value
        self._publisher: Publisher = self.create_publisher(AudioChunk, "audio", AUDIO_QOS)

    def play(self) -> None:
        """Returns when the last chunk is out.

        Raises:
            ValueError: where the file cannot be played.
            TimeoutError: where nobody subscribes.
        """
        sound = read_sound(self.path)
        self._wait_for_subscribers()
        while rclpy.ok():
            self._play_once(sound)
            if not self.loop:
                return

    def _play_once(self, sound: Sound) -> None:
        seconds = len(sound.samples) / sound.rate_hz
        self.get_logger().info(f"playing {self.path}: {seconds:.2f} s at {sound.rate_hz} Hz")
        chunk_s = BURST_CHUNK_S if self.burst else CHUNK_S
        start_s = self._now_s()
        sent_s = 0.0
        for chunk in chunks(sound, chunk_s, self.frame_id, start_s):
            # A chunk can be sent when its last sample has been "captured". The deadlines are
            # absolute, so that errors do not add up.
            sent_s += len(chunk.data) / (chunk.channels * chunk.sample_rate)
            self._sleep_until(start_s + (sent_s / BURST_SPEED if self.burst else sent_s))
            self._publisher.publish(chunk)
        if self.loop:
            self._sleep_until(start_s + sent_s)
        # Leaving before reliable subscribers have everything would take it from them.
        self._publisher.wait_for_all_acked(Duration(seconds=5))

    def _wait_for_subscribers(self) -> None:
        deadline_s = time.monotonic() + self.wait_s
        if not self.subscribers:
            return
        while (count := self._publisher.get_subscription_count()) < self.subscribers:
            if time.monotonic() > deadline_s:
                raise TimeoutError(
                    f"{count} of {self.subscribers} subscribers to {self._publisher.topic_name} "
                    f"came in {self.wait_s:.0f} s"
                )
            if not rclpy.ok():
                raise ExternalShutdownException
            # rclpy tells nobody of a change in the graph, so look again.
            time.sleep(0.02)
        self._sleep_until(self._now_s() + SETTLE_S)

    def _sleep_until(self, time_s: float) -> None:
        self.get_clock().sleep_until(
            Time(nanoseconds=round(time_s * 1e9), clock_type=ClockType.ROS_TIME)
        )
        if not rclpy.ok():
            raise ExternalShutdownException

    def _now_s(self) -> float:
        return float(self.get_clock().now().nanoseconds) * 1e-9


def main() -> int:
    """Exit status: 0 when everything was sent or the user stopped it, else 1."""
    rclpy.init()
    node = AudioFileNode()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    # Spun beside the playing, for /clock and the parameter services.
    spinner = threading.Thread(target=_spin, args=(executor,), daemon=True)
    spinner.start()
    try:
        node.play()
    except (ValueError, TimeoutError) as error:
        node.get_logger().fatal(str(error))
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()
        spinner.join()
        node.destroy_node()
    return 0


def _spin(executor: SingleThreadedExecutor) -> None:
    # In short turns: a shutdown that comes just before a wait does not wake it.
    with contextlib.suppress(ExternalShutdownException, RCLError):
        while rclpy.ok():
            executor.spin_once(timeout_sec=SPIN_S)
