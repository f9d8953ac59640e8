"""How loud a microphone is, between two reports."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from media2face.audio.capture import Block

SILENCE_DB = -120.0


@dataclass
class Level:
    """Loudness since the last report: sum of squares, samples, highest magnitude, clipped."""

    squares: float = 0.0
    samples: int = 0
    peak: float = 0.0
    clipped: int = 0

    def add(self, block: Block) -> None:
        self.squares += float(np.sum(block.samples.astype(np.float64) ** 2))
        self.samples += len(block.samples)
        self.peak = max(self.peak, float(np.abs(block.samples).max(initial=0.0)))
        self.clipped += block.clipped

    @property
    def rms_db(self) -> float:
        """dB below a full-scale square wave."""
        return decibels(math.sqrt(self.squares / max(1, self.samples)))


def decibels(amplitude: float) -> float:
    """Of full scale, 1."""
    return max(SILENCE_DB, 20 * math.log10(max(amplitude, 1e-9)))
