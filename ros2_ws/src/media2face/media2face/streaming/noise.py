"""Noise that depends on (seed, absolute frame) alone, never on the order of calls."""

from __future__ import annotations

import numpy as np

from media2face.contract import MOTION_DIM
from media2face.types import Float32


def frame_noise(seed: int, first_frame: int, frames: int) -> Float32:
    """Standard normal float32 [T, X] for frames first_frame ... first_frame + frames - 1."""
    rows = [
        np.random.Generator(
            np.random.Philox(key=seed, counter=[0, 0, 0, first_frame + i])
        ).standard_normal(MOTION_DIM, np.float32)
        for i in range(frames)
    ]
    return np.stack(rows)
