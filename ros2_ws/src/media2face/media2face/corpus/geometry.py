"""Checks the teacher's lip shapes on the real mouth of the ICT Face Model Light."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from media2face.corpus.facekit import load_facekit
from media2face.corpus.phones import BILABIALS, PHONES
from media2face.corpus.teacher import enforce_gap
from media2face.corpus.visemes import lip_gap_mm, target_matrix
from media2face.types import Float32

# Multi-PIE inner lip landmarks: upper and the lower one that faces it.
LIP_PAIRS = ((61, 67), (62, 66), (63, 65))


def lip_rig(facekit: Path) -> tuple[Float32, Float32]:
    """Inner lips as a linear rig, head frame.

    Returns:
        neutral float32 [3, 2, 3] mm (pair, upper and lower, xyz) and deltas float32
        [52, 3, 2, 3] mm per weight.
    """
    kit = load_facekit(facekit)
    points = kit.landmarks68[np.asarray(LIP_PAIRS)]
    return kit.neutral[points] * 1000, kit.shapes[:, points] * 1000


def measure_gap(neutral: Float32, deltas: Float32, weights: Float32) -> tuple[Float32, Float32]:
    """Signed vertical gap and distance, float32 [T, 3] mm each, of weights [T, 52]."""
    lips = neutral + np.tensordot(weights, deltas, 1)
    apart = lips[:, :, 0] - lips[:, :, 1]
    return apart[..., 2], np.linalg.norm(apart, axis=-1)


def report(shared: Path) -> str:
    """A table: lip gap of every phone's full shape, bilabials with the gap closed."""
    neutral, deltas = lip_rig(shared / "facekit" / "facekit.npz")
    weights = target_matrix()
    closed = np.array([name in BILABIALS or name == "sil" for name in PHONES])
    aim = np.where(closed, 0.1, np.maximum(lip_gap_mm(weights), 0.1)).astype(np.float32)
    enforce_gap(weights, aim)
    vertical, distance = measure_gap(neutral, deltas, weights)
    lines = ["phone  vertical gap mm (side middle side)  distance mm (middle)"]
    for name, up, far in zip(PHONES, vertical, distance, strict=True):
        lines.append(f"{name:5s}  {up[0]:6.2f} {up[1]:6.2f} {up[2]:6.2f}  {far[1]:6.2f}")
    return "\n".join(lines)
