"""Log-mel spectrogram on the absolute sample grid, so that any window gives the same columns."""

from __future__ import annotations

from functools import cache

import numpy as np

from media2face.contract import (
    MEL_BANDS,
    MEL_FFT_SAMPLES,
    MEL_PER_FRAME,
    MEL_WINDOW_SAMPLES,
    SAMPLE_RATE_HZ,
    mel_to_sample,
)
from media2face.types import Float32

LOWEST_HZ, HIGHEST_HZ = 60.0, 7600.0
FLOOR = 1e-6  # power below which a band counts as silent; about -60 dB full scale


@cache
def filter_bank() -> Float32:
    """Triangular mel filters (HTK scale), float32 [bins, F]."""
    mel = np.linspace(_to_mel(LOWEST_HZ), _to_mel(HIGHEST_HZ), MEL_BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.fft.rfftfreq(MEL_FFT_SAMPLES, 1 / SAMPLE_RATE_HZ)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(rising, falling), 0, None).astype(np.float32)


def _to_mel(hz: float) -> float:
    return 2595 * float(np.log10(1 + hz / 700))


def log_mel(audio: Float32, first_sample: int, first_frame: int, frames: int) -> Float32:
    """Log-mel columns of a run of frames.

    Args:
        audio: float32 [S] in [-1, 1], 16 kHz; audio[0] is sample `first_sample`. Samples outside
            it count as silence.
        first_frame: absolute index of the first frame; may be negative.
        frames: T.

    Returns:
        float32 [3 T, F], log10 power, about [-6, 2].
    """
    columns = range(first_frame * MEL_PER_FRAME, (first_frame + frames) * MEL_PER_FRAME)
    half = MEL_WINDOW_SAMPLES // 2
    starts = np.array([mel_to_sample(m) - half - first_sample for m in columns])
    before = max(0, -int(starts[0]))
    after = max(0, int(starts[-1]) + MEL_WINDOW_SAMPLES - len(audio))
    padded = np.pad(audio, (before, after))
    index = starts[:, None] + before + np.arange(MEL_WINDOW_SAMPLES)
    windowed = padded[index] * np.hanning(MEL_WINDOW_SAMPLES).astype(np.float32)
    power = np.abs(np.fft.rfft(windowed, MEL_FFT_SAMPLES)) ** 2 / MEL_WINDOW_SAMPLES
    return np.asarray(np.log10(power.astype(np.float32) @ filter_bank() + FLOOR), np.float32)
