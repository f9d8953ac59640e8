"""Streaming resampling by soxr."""

from __future__ import annotations

import numpy as np
import soxr

from media2face.contract import SAMPLE_RATE_HZ
from media2face.types import Float32


class Resampler:
    """From one rate to another; the split into chunks does not change what comes out in all."""

    def __init__(self, sample_rate_hz: int, to_rate_hz: int = SAMPLE_RATE_HZ) -> None:
        self._stream = None
        if sample_rate_hz != to_rate_hz:
            self._stream = soxr.ResampleStream(
                sample_rate_hz, to_rate_hz, 1, dtype="float32", quality="HQ"
            )

    def push(self, samples: Float32, last: bool = False) -> Float32:
        """float32 [S] in, float32 [S'] out, later than the input by the filter's delay; `last`
        flushes what is still inside."""
        if self._stream is None:
            return samples
        return np.asarray(self._stream.resample_chunk(samples, last=last), np.float32)


def make_resampler(sample_rate_hz: int) -> Resampler:
    """What FaceSession asks for when a source's rate is known."""
    return Resampler(sample_rate_hz)
