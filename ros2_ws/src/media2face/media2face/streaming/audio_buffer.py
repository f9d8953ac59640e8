"""Audio of one stream on one 16 kHz sample line, whatever way it arrives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from media2face.contract import SAMPLE_RATE_HZ, frame_count, frame_to_sample
from media2face.types import AudioChunk, Float32

LONGEST_GAP_S = 1.0  # lost or repeated samples up to this belong to the same utterance
RATES_HZ = (8_000, 192_000)


class Resampler(Protocol):
    """See media2face.audio.resample."""

    def push(self, samples: Float32, last: bool = False) -> Float32: ...


class AudioBuffer:
    """Joins chunks to a gapless line of 16 kHz samples and forgets what is no longer needed.

    An utterance is a run of chunks with consecutive sample indices; it starts on a frame. Lost
    chunks become silence of the same length, repeated samples are dropped, an index that begins
    again at 0 or jumps by more than a second starts a new utterance. Not thread-safe.
    """

    def __init__(self, make_resampler: Callable[[int], Resampler]) -> None:
        self._make_resampler = make_resampler
        self._resampler: Resampler | None = None
        self._rate_hz = 0
        self._next_source_sample = 0
        self._utterance_source_samples = 0
        self._utterance_frame = 0
        self._samples = np.zeros(0, np.float32)
        self._start = 0
        self._idle_spans: list[tuple[int, int]] = []

    @property
    def end(self) -> int:
        """Sample after the last one held."""
        return self._start + len(self._samples)

    @property
    def open(self) -> bool:
        """An utterance is under way."""
        return self._resampler is not None

    @property
    def utterance_end_frame(self) -> int:
        """Frame after the last one that the audio of the current (or last) utterance covers."""
        if not self._rate_hz:
            return 0
        return self._utterance_frame + frame_count(self._utterance_source_samples, self._rate_hz)

    def starts_utterance(self, chunk: AudioChunk) -> bool:
        """Whether the chunk does not continue what came before: it jumps further than chunks get
        lost or repeated, or begins again at 0."""
        ahead = chunk.first_sample - self._next_source_sample
        again = chunk.first_sample == 0 and self._next_source_sample > len(chunk.samples)
        far = abs(ahead) > LONGEST_GAP_S * chunk.sample_rate_hz
        return not self.open or chunk.sample_rate_hz != self._rate_hz or again or far

    def begin(self, chunk: AudioChunk, frame: int) -> None:
        """Starts an utterance at absolute frame `frame`, at or after `end`."""
        self.close()
        self.fill_silence(frame_to_sample(frame))
        self._resampler = self._make_resampler(chunk.sample_rate_hz)
        self._rate_hz = chunk.sample_rate_hz
        self._next_source_sample = chunk.first_sample
        self._utterance_source_samples = 0
        self._utterance_frame = frame

    def append(self, chunk: AudioChunk) -> None:
        """Adds a chunk of the current utterance; bridges a gap, drops what is there already."""
        if self._resampler is None:
            raise RuntimeError("append() before begin()")
        ahead = chunk.first_sample - self._next_source_sample
        samples = chunk.samples[max(0, -ahead) :]
        if ahead > 0:
            samples = np.concatenate([np.zeros(ahead, np.float32), samples])
        self._next_source_sample += len(samples)
        self._utterance_source_samples += len(samples)
        self._extend(self._resampler.push(samples))

    def source_time_s(self, chunk: AudioChunk) -> float:
        """Place of a chunk of the current utterance on the stream's line, seconds."""
        since = chunk.first_sample - self._next_source_sample + self._utterance_source_samples
        return frame_to_sample(self._utterance_frame) / SAMPLE_RATE_HZ + since / self._rate_hz

    def close(self) -> None:
        """Ends the utterance: what the resampler still holds comes out."""
        if self._resampler is not None:
            self._extend(self._resampler.push(np.zeros(0, np.float32), last=True))
            self._resampler = None

    def fill_silence(self, until: int) -> None:
        """Appends silence up to sample `until`; remembers that it was nobody's audio."""
        if until > self.end:
            self._idle_spans.append((self.end, until))
            self._extend(np.zeros(until - self.end, np.float32))

    def is_idle(self, sample: int) -> bool:
        """Whether a sample is silence that was filled in."""
        return any(low <= sample < high for low, high in self._idle_spans)

    def window(self, first: int, last: int) -> Float32:
        """float32 copy of samples [first, last); what is not held counts as silence."""
        result = np.zeros(last - first, np.float32)
        low, high = max(first, self._start), min(last, self.end)
        if high > low:
            result[low - first : high - first] = self._samples[
                low - self._start : high - self._start
            ]
        return result

    def forget(self, before: int) -> None:
        """Drops samples before `before`."""
        drop = min(max(0, before - self._start), len(self._samples))
        self._samples = self._samples[drop:]
        self._start += drop
        self._idle_spans = [span for span in self._idle_spans if span[1] > self._start]

    def _extend(self, samples: Float32) -> None:
        self._samples = np.concatenate([self._samples, samples])


def checked(chunk: AudioChunk) -> AudioChunk:
    """The chunk made safe: mono float32 in [-1, 1], NaN and infinity as silence.

    Raises:
        ValueError: a rate outside 8-192 kHz, a negative index, samples not one-dimensional.
    """
    low, high = RATES_HZ
    if not low <= chunk.sample_rate_hz <= high:
        raise ValueError(f"sample rate {chunk.sample_rate_hz} Hz, must be {low} to {high} Hz")
    if chunk.first_sample < 0:
        raise ValueError(f"first_sample {chunk.first_sample} is negative")
    if chunk.samples.ndim != 1:
        raise ValueError(f"samples have shape {chunk.samples.shape}, must be mono [S]")
    samples = np.nan_to_num(chunk.samples.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    return AudioChunk(
        np.clip(samples, -1, 1), chunk.sample_rate_hz, chunk.first_sample, chunk.stamp_s
    )
