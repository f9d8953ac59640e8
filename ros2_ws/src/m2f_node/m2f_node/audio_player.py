"""Plays what the face speaks, each sound at the time of the frame that shows it.

To a loudspeaker, or into a WAV file by the node's clock. See media2face.audio.lipsync for how a
sound's time is known.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import soundfile
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from m2f_msgs.msg import AudioChunk, FaceFrame
from media2face.audio.devices import find_device, load_sounddevice
from media2face.audio.lipsync import Lipsync
from media2face.audio.speaker import Speaker
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from m2f_node import parameters
from m2f_node.conversions import to_chunk, to_seconds
from m2f_node.diagnostics import quantiles
from m2f_node.parameters import Spec
from m2f_node.spinning import run_node

OUTPUTS = ("speaker", "file")
WATCH_PERIOD_S = 0.1
RETRY_S, LONGEST_RETRY_S = 0.5, 5.0
FILE_BLOCK_S = 0.01
LONGEST_PAUSE_S = 5.0  # a clock that goes on by more has jumped: the file does not
LOG_PERIOD_S = 5.0
AUDIO_QOS = QoSProfile(depth=1000, reliability=ReliabilityPolicy.BEST_EFFORT)
FRAMES_QOS = QoSProfile(depth=30, reliability=ReliabilityPolicy.RELIABLE)
SPECS = {
    "output": Spec("speaker", "Where the sound goes.", choices=OUTPUTS, read_only=True),
    "device": Spec(
        "", "Index, name or part of a name of the output device; empty = default.", read_only=True
    ),
    "file": Spec("", "WAV file to write where output is 'file'.", read_only=True),
    "rate": Spec(
        48_000, "Samples per second that are played [Hz].", 8000, 192_000, read_only=True
    ),
    "delay_ms": Spec(
        0.0,
        "Play each sound this much after its frame's stamp [ms], where motors or a picture come "
        "late; below 0 where the loudspeaker does.",
        -1000.0,
        5000.0,
    ),
}


class WavFile:
    """A sink that is as fast as the clock: what is heard by now has been written."""

    def __init__(self, path: Path, rate_hz: int, start_s: float) -> None:
        """Raises OSError where the file cannot be written."""
        try:
            self._file = soundfile.SoundFile(path, "w", rate_hz, 1, "PCM_16", format="WAV")
        except (soundfile.LibsndfileError, TypeError) as error:
            raise OSError(f"parameter file = '{path}': cannot be written ({error})") from error
        self._rate_hz = rate_hz
        self._block = round(FILE_BLOCK_S * rate_hz)
        self._written = 0
        self.start_s = start_s

    def write_until(self, now_s: float, lipsync: Lipsync, delay_s: float) -> None:
        """Renders the blocks that are heard by `now_s`."""
        heard_s = self.start_s + self._written / self._rate_hz
        if not -LONGEST_PAUSE_S < now_s - heard_s < LONGEST_PAUSE_S:
            self.start_s += now_s - heard_s
            heard_s = now_s
        while heard_s + FILE_BLOCK_S <= now_s:
            self._file.write(lipsync.render(heard_s - delay_s, self._block))
            self._written += self._block
            heard_s = self.start_s + self._written / self._rate_hz

    def close(self) -> None:
        self._file.close()


class AudioPlayerNode(Node):
    """See the module. The device's thread renders; everything else is on the executor."""

    def __init__(self) -> None:
        """Raises ImportError, ValueError or OSError where it can never work."""
        super().__init__("audio_player")
        parameters.declare(self, SPECS)
        self._rate_hz: int = self.get_parameter("rate").value
        output = self.get_parameter("output").value
        if output not in OUTPUTS:
            raise ValueError(f"parameter output = '{output}', must be {' or '.join(OUTPUTS)}")
        self._lipsync = Lipsync(self._rate_hz)
        self._speaker: Speaker | None = None
        self._file: WavFile | None = None
        self._problem, self._told = "", False
        self._retry_s, self._retry_at_s = 0.0, -math.inf
        self._underruns = 0
        # Devices go on where simulated time stands still.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        if output == "file":
            path = Path(self.get_parameter("file").value).expanduser()
            self._file = WavFile(path, self._rate_hz, self._now_s())
            self.create_timer(FILE_BLOCK_S, self._on_file)
            self.get_logger().info(f"writing {path}")
        else:
            self._sounddevice = load_sounddevice()
            self._problem = "not opened yet"
            self.create_timer(WATCH_PERIOD_S, self._on_watch, clock=steady)
        overriding = QoSOverridingOptions.with_default_policies()
        self.create_subscription(
            AudioChunk, "audio", self._on_audio, AUDIO_QOS, qos_overriding_options=overriding
        )
        self.create_subscription(
            FaceFrame, "face/frame", self._on_frame, FRAMES_QOS, qos_overriding_options=overriding
        )
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_face_diagnostics, 10)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_timer(1.0, self._on_diagnostics, clock=steady)

    def _on_audio(self, msg: AudioChunk) -> None:
        try:
            chunk = to_chunk(msg, self._now_s())
        except ValueError as error:
            self.get_logger().warning(
                f"dropped a message on audio: {error}", throttle_duration_sec=LOG_PERIOD_S
            )
            return
        self._lipsync.accept_audio(chunk, msg.last)

    def _on_frame(self, msg: FaceFrame) -> None:
        self._lipsync.accept_frame(msg.index, to_seconds(msg.header.stamp), msg.idle)

    def _on_face_diagnostics(self, msg: DiagnosticArray) -> None:
        """The face of this namespace tells its delay and hop."""
        for status in msg.status:
            values = {item.key: item.value for item in status.values}
            space = status.hardware_id.rpartition("/")[0] or "/"
            if space == self.get_namespace() and "delay_ms" in values and "hop_ms" in values:
                hop_frames = round(float(values["hop_ms"]) * FaceFrame.FRAME_RATE_HZ / 1000)
                self._lipsync.set_face(float(values["delay_ms"]) / 1000, hop_frames)

    def _on_file(self) -> None:
        assert self._file is not None
        self._file.write_until(self._now_s(), self._lipsync, self._delay_s())

    def _render(self, heard_s: float, count: int) -> np.ndarray:
        """On the device's thread."""
        return self._lipsync.render(heard_s - self._delay_s(), count)

    def _on_watch(self) -> None:
        """Opens the device, or finds that it has gone."""
        if self._speaker is None:
            if time.monotonic() >= self._retry_at_s:
                self._open()
        elif reason := self._speaker.failure():
            self._speaker.close()
            self._underruns += self._speaker.underruns
            self._speaker = None
            self._fail(f"{reason}; waiting for the device to come back")

    def _open(self) -> None:
        wanted = self.get_parameter("device").value
        try:
            device = find_device(self._sounddevice, wanted, "output", refresh=self._retry_s > 0)
            self._speaker = Speaker(
                self._sounddevice, device, self._rate_hz, self._now_s, self._render
            )
        except (ValueError, OSError, self._sounddevice.PortAudioError) as error:
            self._fail(f"no loudspeaker: {error}")
            return
        self._retry_s, self._problem, self._told = 0.0, "", False
        self.get_logger().info(f"playing on {device.name} at {self._rate_hz} Hz")

    def _fail(self, problem: str) -> None:
        """Tells it once, and waits before the next try."""
        self._problem = problem
        if not self._told:
            self.get_logger().warning(problem)
            self._told = True
        self._retry_s = min(max(RETRY_S, 2 * self._retry_s), LONGEST_RETRY_S)
        self._retry_at_s = time.monotonic() + self._retry_s

    def _on_diagnostics(self) -> None:
        stats, speaker = self._lipsync.stats, self._speaker
        p50, p99 = quantiles([abs(offset) for offset in list(stats.offsets_ms)])
        state = DiagnosticStatus.ERROR if self._problem else DiagnosticStatus.OK
        values = {
            "output": speaker.device.name if speaker else self.get_parameter("output").value,
            "utterances": stats.utterances,
            "offset_p50_ms": f"{p50:.2f}",
            "offset_p99_ms": f"{p99:.2f}",
            "jumps": stats.jumps,
            "underruns": self._underruns + (speaker.underruns if speaker else 0),
            "latency_ms": f"{speaker.latency_s * 1000:.1f}" if speaker else "0",
            "start_stamp": f"{self._file.start_s:.6f}" if self._file else "",
        }
        status = DiagnosticStatus(
            level=state,
            name=f"{self.get_name()}: sound",
            hardware_id=self.get_fully_qualified_name(),
            message=self._problem or "playing",
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
        )
        report = DiagnosticArray(status=[status])
        report.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(report)

    def destroy_node(self) -> None:
        for sink in (self._speaker, self._file):
            if sink is not None:
                sink.close()
        super().destroy_node()

    def _delay_s(self) -> float:
        return float(self.get_parameter("delay_ms").value) * 1e-3

    def _now_s(self) -> float:
        return float(self.get_clock().now().nanoseconds) * 1e-9


def main() -> int:
    """Exit status: 1 where a package is missing or a parameter cannot be, else 0."""
    return run_node("audio_player", AudioPlayerNode)
