"""Keeps the head from trembling: a low-pass over its pose that carries on from hop to hop."""

from __future__ import annotations

import numpy as np

from media2face.contract import FRAME_RATE_HZ
from media2face.types import Float32

CUTOFF_HZ = 4.0  # people's heads, and the teacher's, hardly move faster while they talk
_GAIN = 1 - np.exp(-2 * np.pi * CUTOFF_HZ / FRAME_RATE_HZ)


def steady(pose: Float32, memory: Float32) -> tuple[Float32, Float32]:
    """Two equal one-pole filters in a row (80 ms of delay, no overshoot).

    Args:
        pose: float32 [T, C] any units.
        memory: float32 [2, C] what each filter last gave out.

    Returns:
        The steadied pose float32 [T, C], and the memory for the frames that follow.
    """
    first, second = memory
    result = np.empty_like(pose)
    for index, value in enumerate(pose):
        first = first + _GAIN * (value - first)
        second = second + _GAIN * (first - second)
        result[index] = second
    return result, np.stack([first, second]).astype(np.float32)
