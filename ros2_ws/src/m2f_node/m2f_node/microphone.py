"""Publishes what a microphone hears, speech only where its gate is on.

The device's thread captures and wakes the executor, which gates, cuts and publishes. A timer opens
the device and, when it goes, opens it again: the node outlives unplugging.
"""

from __future__ import annotations

import array
import math
import time

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from m2f_msgs.msg import AudioChunk
from media2face import types
from media2face.audio.capture import Capture, ChunkMaker
from media2face.audio.devices import find_device, load_sounddevice
from media2face.audio.gate import GateConfig, SileroDetector, VoiceGate
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_msgs.msg import Header

from m2f_node import parameters
from m2f_node.audio_file import AUDIO_QOS, CHUNK_S
from m2f_node.conversions import to_time
from m2f_node.parameters import Spec
from m2f_node.sound_level import Level, decibels
from m2f_node.spinning import run_node

WATCH_PERIOD_S = 0.1
RETRY_S, LONGEST_RETRY_S = 0.5, 5.0
NO_SAMPLES = np.zeros(0, np.float32)
GATE = GateConfig()
SPECS = {
    "device": Spec(
        "", "Index, name or part of a name of the input device; empty = default.", read_only=True
    ),
    "rate": Spec(
        16_000, "Samples per second [Hz]; else the device's own.", 8000, 192_000, read_only=True
    ),
    "channels": Spec(1, "Channels to record; they are averaged to one.", 1, 16, read_only=True),
    "frame_id": Spec("", "header.frame_id of the chunks.", read_only=True),
    "gate": Spec(True, "Pass speech only; everything else becomes silence.", read_only=True),
    "gate_open": Spec(
        GATE.open_at, "Probability of speech that opens the gate.", 0.01, 0.99, read_only=True
    ),
    "gate_close": Spec(
        GATE.close_below, "The gate closes below this probability.", 0.01, 0.99, read_only=True
    ),
    "gate_hold_ms": Spec(
        GATE.hold_ms, "Stays open through pauses up to this [ms].", 0.0, 10_000.0, read_only=True
    ),
    "gate_look_back_ms": Spec(
        GATE.look_back_ms,
        "Sound before the moment of opening that passes too; delays the chunks [ms].",
        0.0,
        1000.0,
        read_only=True,
    ),
}


class MicrophoneNode(Node):
    """See the module. Everything but `_now_s` and the guard's trigger is on the executor."""

    def __init__(self) -> None:
        """Raises ImportError or ValueError where it can never work; a missing device is waited
        for."""
        super().__init__("microphone")
        parameters.declare(self, SPECS)
        self._sounddevice = load_sounddevice()
        self._gate_config: GateConfig | None = None
        self._detector: SileroDetector | None = None
        if self.get_parameter("gate").value:
            self._gate_config = GateConfig(
                open_at=self.get_parameter("gate_open").value,
                close_below=self.get_parameter("gate_close").value,
                hold_ms=self.get_parameter("gate_hold_ms").value,
                look_back_ms=self.get_parameter("gate_look_back_ms").value,
            )
            self._detector = SileroDetector()
        self._capture: Capture | None = None
        self._chunks: ChunkMaker | None = None
        self._gate: VoiceGate | None = None
        self._level = Level()
        self._problem = "not opened yet"
        self._told = False  # of the problem there is now
        self._retry_s = 0.0
        self._retry_at_s = -math.inf
        self._ended: tuple[int, float] | None = None  # index and time of the next sample
        self._reopened = self._overruns = self._lost = 0
        self._publisher = self.create_publisher(AudioChunk, "audio", AUDIO_QOS)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._arrived = self.create_guard_condition(self._on_blocks)
        # A device does not wait where simulated time stands still.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(WATCH_PERIOD_S, self._on_watch, clock=steady)
        self.create_timer(1.0, self._on_diagnostics, clock=steady)

    def _on_watch(self) -> None:
        """Opens the device, or finds that it has gone."""
        if self._capture is None:
            if time.monotonic() >= self._retry_at_s:
                self._open()
        elif reason := self._capture.failure():
            self._close()
            self._warn(f"{reason}; waiting for the device to come back")
            self._wait()

    def _open(self) -> None:
        try:
            self._open_device()
        except (ValueError, OSError, self._sounddevice.PortAudioError) as error:
            self._warn(f"no microphone: {error}")
            self._wait()

    def _wait(self) -> None:
        """Before the next try; longer each time."""
        self._retry_s = min(max(RETRY_S, 2 * self._retry_s), LONGEST_RETRY_S)
        self._retry_at_s = time.monotonic() + self._retry_s

    def _open_device(self) -> None:
        wanted = self.get_parameter("device").value
        device = find_device(self._sounddevice, wanted, "input", refresh=self._retry_s > 0)
        self._capture = Capture(
            self._sounddevice,
            device,
            self.get_parameter("rate").value,
            self.get_parameter("channels").value,
            self._first_sample,
            self._now_s,
            self._arrived.trigger,
        )
        rate_hz = self._capture.rate_hz
        self._gate = None
        if self._gate_config is not None and self._detector is not None:
            self._gate = VoiceGate(rate_hz, self._detector, self._gate_config)
        self._chunks = ChunkMaker(rate_hz, round(CHUNK_S * rate_hz), self._gate)

    def _first_sample(self, time_s: float, rate_hz: int) -> int:
        """Index of a sample captured at `time_s`: after a pause it has run on with the time."""
        if self._ended is None:
            return 0
        sample, when_s = self._ended
        return sample + max(0, round((time_s - when_s) * rate_hz))

    def _close(self) -> None:
        """Sends what is inside and says that nothing follows."""
        capture, chunks = self._capture, self._chunks
        if capture is None or chunks is None:
            return
        capture.close()
        self._on_blocks()
        self._publish(chunks.end())
        if capture.end is not None:
            self._ended = capture.end
            self._publish([types.AudioChunk(NO_SAMPLES, capture.rate_hz, *capture.end)], last=True)
        self._overruns += capture.overruns
        self._lost += capture.lost_samples
        self._capture = self._chunks = None

    def _on_blocks(self) -> None:
        if self._capture is None or self._chunks is None:
            return
        for block in self._capture.take():
            if self._problem:
                self._on_first_block(self._capture)
            self._level.add(block)
            self._publish(self._chunks.push(block))

    def _on_first_block(self, capture: Capture) -> None:
        self._reopened += self._ended is not None
        self._retry_s, self._problem, self._told = 0.0, "", False
        gate = "speech only" if self._gate else "no gate"
        self.get_logger().info(
            f"listening to {capture.device.name} at {capture.rate_hz} Hz, {gate}"
        )

    def _publish(self, chunks: list[types.AudioChunk], last: bool = False) -> None:
        for chunk in chunks:
            pcm = np.clip(np.rint(chunk.samples * 32768), -32768, 32767).astype(np.int16)
            stamp = to_time(max(0.0, chunk.stamp_s))
            msg = AudioChunk(
                header=Header(stamp=stamp, frame_id=self.get_parameter("frame_id").value),
                first_sample=chunk.first_sample,
                sample_rate=chunk.sample_rate_hz,
                channels=1,
                data=array.array("h", pcm.tobytes()),
                last=last,
            )
            self._publisher.publish(msg)

    def _warn(self, problem: str) -> None:
        """Once for as long as there is no sound; diagnostics go on telling."""
        self._problem = problem
        if not self._told:
            self.get_logger().warning(problem)
            self._told = True

    def _on_diagnostics(self) -> None:
        level, self._level = self._level, Level()
        capture = self._capture
        state, message = DiagnosticStatus.OK, "listening"
        if self._problem:
            state, message = DiagnosticStatus.ERROR, self._problem
        elif level.clipped:
            state, message = DiagnosticStatus.WARN, "the microphone is too loud: it clips"
        values = {
            "device": capture.device.name if capture else "",
            "sample_rate": capture.rate_hz if capture else 0,
            "rms_dbfs": f"{level.rms_db:.1f}",
            "peak_dbfs": f"{decibels(level.peak):.1f}",
            "clipped_samples": level.clipped,
            "overruns": self._overruns + (capture.overruns if capture else 0),
            "lost_samples": self._lost + (capture.lost_samples if capture else 0),
            "reopened": self._reopened,
            "voice": ("speech" if self._gate.state.open else "none") if self._gate else "no gate",
            "speech_probability": f"{self._gate.state.probability:.2f}" if self._gate else "",
        }
        status = DiagnosticStatus(
            level=state,
            name=f"{self.get_name()}: sound",
            hardware_id=self.get_fully_qualified_name(),
            message=message,
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
        )
        report = DiagnosticArray(status=[status])
        report.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(report)

    def destroy_node(self) -> None:
        if self._capture is not None:
            self._capture.close()
        super().destroy_node()

    def _now_s(self) -> float:
        return float(self.get_clock().now().nanoseconds) * 1e-9


def main() -> int:
    """Exit status: 1 where a package is missing or a parameter cannot be, else 0."""
    return run_node("microphone", MicrophoneNode)
