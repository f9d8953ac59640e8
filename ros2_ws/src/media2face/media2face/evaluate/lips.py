"""Do the lips follow the voice, and rest when it rests? Measures on one clip's motion."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from media2face.contract import FRAME_RATE_HZ
from media2face.types import Float32

INNER_LIP_MIDDLES = (62, 66)
SILENCE_DB = -35.0  # below the clip's loud parts (95th percentile)
SETTLE_FRAMES = 4  # lips may take this long to close when the voice stops
LONGEST_LAG_FRAMES = 3


@dataclass(frozen=True)
class LipReport:
    """Figures of one clip.

    Attributes:
        slcc: correlation of lip opening with loudness (SLCC).
        best_lag_ms: shift of the opening against the loudness at which they agree best;
            positive: the lips come later.
        opening_p95_mm: 95th percentile of the distance of the inner lip middles.
        silent_share: mean opening in the silent parts as a share of the 95th percentile; NaN if
            nothing is silent.
        closed_mm: 2nd percentile of the opening: the closed mouth.
    """

    slcc: float
    best_lag_ms: float
    opening_p95_mm: float
    silent_share: float
    closed_mm: float

    def to_dict(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


def lip_opening_mm(vertices: Float32, landmarks68: np.ndarray) -> Float32:
    """Distance of the inner lip middles float32 [T] mm, of vertices float32 [T, V, 3] m."""
    upper, lower = (landmarks68[i] for i in INNER_LIP_MIDDLES)
    return np.linalg.norm(vertices[:, upper] - vertices[:, lower], axis=1) * 1000


def loudness(samples: Float32, sample_rate_hz: int, frames: int) -> Float32:
    """Root mean square float32 [T] of the audio within +-1/30 s of each frame."""
    half = sample_rate_hz // FRAME_RATE_HZ
    padded = np.pad(samples.astype(np.float64) ** 2, half)
    total = np.r_[0.0, np.cumsum(padded)]
    centre = np.round(np.arange(frames) * sample_rate_hz / FRAME_RATE_HZ).astype(int)
    low = np.minimum(centre, len(samples))
    return np.sqrt((total[low + 2 * half] - total[low]) / (2 * half)).astype(np.float32)


def lip_report(opening_mm: Float32, samples: Float32, sample_rate_hz: int) -> LipReport:
    """Figures of one clip from its lip opening float32 [T] and its audio."""
    loud = loudness(samples, sample_rate_hz, len(opening_mm))
    lags = range(-LONGEST_LAG_FRAMES, LONGEST_LAG_FRAMES + 1)
    agreement = {lag: _correlation(opening_mm, loud, lag) for lag in lags}
    wide = float(np.percentile(opening_mm, 95))
    silent = silent_frames(loud)
    rest = float(opening_mm[silent].mean() / wide) if silent.any() and wide > 0 else float("nan")
    return LipReport(
        slcc=agreement[0],
        best_lag_ms=max(agreement, key=agreement.__getitem__) * 1000 / FRAME_RATE_HZ,
        opening_p95_mm=wide,
        silent_share=rest,
        closed_mm=float(np.percentile(opening_mm, 2)),
    )


def silent_frames(loud: Float32) -> np.ndarray:
    """bool [T]: quiet for at least SETTLE_FRAMES before and one frame after."""
    threshold = np.percentile(loud, 95) * 10 ** (SILENCE_DB / 20)
    quiet = loud < threshold
    settled = quiet.copy()
    for shift in range(1, SETTLE_FRAMES + 1):
        settled[shift:] &= quiet[:-shift]
    settled[:-2] &= quiet[2:]
    return settled


def _correlation(opening: Float32, loud: Float32, lag: int) -> float:
    a, b = opening, loud
    if lag > 0:
        a, b = opening[lag:], loud[:-lag]
    elif lag < 0:
        a, b = opening[:lag], loud[-lag:]
    if len(a) < 3 or a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
