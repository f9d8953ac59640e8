"""Sound from an input device as runs of samples with exact indices and capture times."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from media2face.audio.clock import SampleClock
from media2face.audio.devices import Device
from media2face.audio.gate import VoiceGate
from media2face.types import AudioChunk, Float32

LATENCY_S = 0.05  # asked of the device: less loses samples on PulseAudio
CLIPPED = 32_700  # of 32768; a sample at or beyond this counts as clipped
SILENT_S = 1.5  # a device that delivers nothing for this long has gone,
FIRST_S = 4.0  # but one that was just opened may take longer
SMALLEST_LOSS_S = 0.005
# Lost samples that the device does not tell of show as blocks that all come later than they
# should; a busy computer delays some of them only.
WATCH_S = 0.4
UNTOLD_LOSS_S = 0.05
SETTLE_S = 1.0  # a device that was just opened reports times that are far off


@dataclass(frozen=True)
class Block:
    """A run of samples as a device delivers it.

    Attributes:
        samples: float32 [S] in [-1, 1], mono.
        first_sample: index of samples[0]; lost samples are counted.
        time_s: capture time of samples[0] on the caller's clock, smoothed.
        clipped: how many samples were at the end of the scale in any channel.
    """

    samples: Float32
    first_sample: int
    time_s: float
    clipped: int


class LossMeter:
    """Finds how many samples a stream lost from the times that its blocks should have had."""

    def __init__(self, clock: SampleClock, rate_hz: int) -> None:
        """`clock` is the stream's; whoever updates it does so after asking here."""
        self._clock = clock
        self._rate_hz = rate_hz
        self._late_s: deque[tuple[float, float]] = deque()
        self._first_s: float | None = None
        self.overruns = 0
        self.lost_samples = 0

    def lost(self, sample: int, time_s: float, overrun: bool) -> int:
        """Samples lost just before a block.

        Args:
            sample: index of the block's first sample if none were lost.
            time_s: its capture time as reported.
            overrun: the device says that samples were lost.
        """
        if self._first_s is None or not self._clock.started:
            self._first_s = time_s
        if time_s - self._first_s < SETTLE_S:
            return 0
        late_s = time_s - self._clock.time_s(sample)
        self._late_s.append((time_s, late_s))
        while time_s - self._late_s[0][0] > WATCH_S:
            self._late_s.popleft()
        least_s = min(late for _, late in self._late_s)
        watched = time_s - self._late_s[0][0] > 0.75 * WATCH_S
        lost_s = 0.0
        if overrun:
            self.overruns += 1
            lost_s = late_s if late_s > SMALLEST_LOSS_S else 0.0
        elif watched and least_s > UNTOLD_LOSS_S:
            lost_s = least_s
        lost = round(lost_s * self._rate_hz)
        self.lost_samples += lost
        if lost:
            self._late_s.clear()
        return lost


class Capture:
    """An input stream, from opening until it fails or is closed.

    The device's own thread calls `on_block` after each block; `take` gives the blocks.
    """

    def __init__(
        self,
        sounddevice: ModuleType,
        device: Device,
        rate_hz: int,
        channels: int,
        first_sample: Callable[[float, int], int],
        now: Callable[[], float],
        on_block: Callable[[], None],
    ) -> None:
        """Opens the stream.

        Args:
            sounddevice: see devices.load_sounddevice.
            device: to record from.
            rate_hz: wanted; a device that cannot takes its own, see `rate_hz`.
            channels: to record; they are averaged.
            first_sample: index of the first sample, given its capture time and the rate; called
                on the device's thread.
            now: seconds on the caller's clock. Called on the device's thread.
            on_block: see above.

        Raises:
            OSError: why the device cannot be opened.
        """
        self._now = now
        self._on_block = on_block
        self._lock = threading.Lock()
        self._blocks: deque[Block] = deque()
        self._first_sample = first_sample
        self._next_sample = 0
        self._failure = ""
        self._heard_s: float | None = None
        self._opened_s = time.monotonic()
        self.device = device
        self.rate_hz, self._stream = self._open(sounddevice, rate_hz, channels)
        self._clock = SampleClock(self.rate_hz)
        self._loss = LossMeter(self._clock, self.rate_hz)
        try:
            self._stream.start()
        except sounddevice.PortAudioError as error:
            self._stream.close()
            raise OSError(f"{device.name} does not start: {error}") from error

    def _open(self, sounddevice: ModuleType, rate_hz: int, channels: int) -> tuple[int, Any]:
        """The rate that the device takes and its stream."""
        reason = ""
        for rate in dict.fromkeys((rate_hz, self.device.rate_hz)):
            try:
                stream = sounddevice.InputStream(
                    device=self.device.index,
                    samplerate=rate,
                    channels=channels,
                    dtype="int16",
                    blocksize=0,
                    latency=LATENCY_S,
                    callback=self._on_samples,
                    finished_callback=self._on_finished,
                )
            except sounddevice.PortAudioError as error:
                reason = reason or str(error)
            else:
                return rate, stream
        raise OSError(
            f"{self.device.name} cannot record {channels} channels at {rate_hz} Hz: {reason}"
        )

    @property
    def overruns(self) -> int:
        """How many times the device said that it lost samples."""
        return self._loss.overruns

    @property
    def lost_samples(self) -> int:
        """How many samples are missing in all."""
        return self._loss.lost_samples

    @property
    def end(self) -> tuple[int, float] | None:
        """Index and capture time of the sample that comes next; None before the first block."""
        if not self._clock.started:
            return None
        return self._next_sample, self._clock.time_s(self._next_sample)

    def take(self) -> list[Block]:
        """The blocks that came since the last call. One thread only."""
        with self._lock:
            blocks = list(self._blocks)
            self._blocks.clear()
        return blocks

    def failure(self) -> str:
        """Why the stream has ended; empty while it runs."""
        heard_s = self._heard_s
        silent_s = time.monotonic() - (self._opened_s if heard_s is None else heard_s)
        if not self._failure and silent_s > (FIRST_S if heard_s is None else SILENT_S):
            return f"nothing has come for {silent_s:.1f} s"
        return self._failure

    def close(self) -> None:
        """Ends the stream; what `take` has not given yet stays."""
        self._stream.close(ignore_errors=True)

    def _on_finished(self) -> None:
        self._failure = self._failure or "the stream has stopped"
        self._on_block()

    def _on_samples(self, data: Any, frames: int, times: Any, status: Any) -> None:
        """On the device's thread."""
        now_s = self._now()
        self._heard_s = time.monotonic()
        # The first sample is at least as old as the block is long; some drivers say otherwise.
        age_s = frames / self.rate_hz
        if times.inputBufferAdcTime > 0 and times.currentTime - times.inputBufferAdcTime < 1:
            age_s = max(age_s, times.currentTime - times.inputBufferAdcTime)
        if not self._clock.started:
            self._next_sample = self._first_sample(now_s - age_s, self.rate_hz)
        lost = self._loss.lost(self._next_sample, now_s - age_s, bool(status.input_overflow))
        self._next_sample += lost
        levels = np.abs(data.astype(np.int32)).max(axis=1)
        block = Block(
            samples=(data.astype(np.float32).mean(axis=1) / np.float32(32768)),
            first_sample=self._next_sample,
            time_s=self._clock.update(self._next_sample, now_s - age_s),
            clipped=int(np.count_nonzero(levels >= CLIPPED)),
        )
        self._next_sample += frames
        with self._lock:
            self._blocks.append(block)
        self._on_block()


class ChunkMaker:
    """Blocks to chunks of equal length, through a gate where there is one. Not thread-safe.

    A chunk's index and stamp are those of the sound in it, however late the gate lets it out.
    """

    def __init__(self, rate_hz: int, chunk_samples: int, gate: VoiceGate | None) -> None:
        self._rate_hz = rate_hz
        self._size = chunk_samples
        self._gate = gate
        self._held: Float32 = np.zeros(0, np.float32)
        self._first_sample = 0  # of _held
        self._skip = 0  # samples that the gate gives before it gives what went in
        self._expected: int | None = None
        self._origin_s = 0.0

    def push(self, block: Block) -> list[AudioChunk]:
        """The chunks that are complete with this block. A gap in the indices stays one."""
        chunks = [] if block.first_sample == self._expected else self.end()
        if self._expected is None:
            self._first_sample = block.first_sample
            self._skip = self._gate.delay_samples if self._gate else 0
        self._expected = block.first_sample + len(block.samples)
        self._origin_s = block.time_s - block.first_sample / self._rate_hz
        self._hold(self._gate.push(block.samples) if self._gate else block.samples)
        while len(self._held) >= self._size:
            chunks.append(self._cut(self._size))
        return chunks

    def end(self) -> list[AudioChunk]:
        """What is still inside; the next block starts afresh."""
        if self._expected is None:
            return []
        if self._gate:
            self._hold(self._gate.flush())
        self._expected = None
        chunks = []
        while len(self._held):
            chunks.append(self._cut(min(self._size, len(self._held))))
        return chunks

    def _hold(self, samples: Float32) -> None:
        skipped = min(self._skip, len(samples))
        self._skip -= skipped
        self._held = np.concatenate([self._held, samples[skipped:]])

    def _cut(self, count: int) -> AudioChunk:
        stamp_s = self._origin_s + self._first_sample / self._rate_hz
        chunk = AudioChunk(self._held[:count], self._rate_hz, self._first_sample, stamp_s)
        self._held = self._held[count:]
        self._first_sample += count
        return chunk
