"""The head's low-pass."""

from __future__ import annotations

import numpy as np
from media2face.motion.carriage import steady


def test_it_goes_on_from_hop_to_hop() -> None:
    pose = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
    memory = np.zeros((2, 6), np.float32)
    whole, end = steady(pose, memory)
    parts = []
    for start in range(0, 60, 6):
        part, memory = steady(pose[start : start + 6], memory)
        parts.append(part)
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)
    np.testing.assert_allclose(memory, end, atol=1e-6)


def test_a_nod_passes_and_a_tremble_does_not() -> None:
    time = np.arange(120) / 30
    gains = {}
    for hz in (1.0, 15.0):
        wave = np.cos(2 * np.pi * hz * time).astype(np.float32)[:, None]
        gains[hz] = np.abs(steady(wave, np.zeros((2, 1), np.float32))[0][60:]).max()
    assert gains[1.0] > 0.85
    assert gains[15.0] < 0.2


def test_a_step_does_not_overshoot() -> None:
    result, _ = steady(np.ones((30, 1), np.float32), np.zeros((2, 1), np.float32))
    assert result.max() <= 1.0
    assert result[5, 0] > 0.9
