"""Noise schedule and sampler: cosine, x0 prediction, DDIM with two guidance strengths. Numpy."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from media2face.types import Float32

NOISE_STEPS = 500
# predict(x [B, T, X], level [B, T] in [0, 1]) -> x0 [B, T, X]; row b is condition set b
Predict = Callable[[Float32, Float32], Float32]


def alpha_bar(level: np.ndarray) -> np.ndarray:
    """Share of signal power left at noise level t / NOISE_STEPS in [0, 1] (cosine schedule of
    Nichol and Dhariwal 2021, s = 0.008)."""
    s = 0.008
    f = np.cos((np.asarray(level, np.float64) + s) / (1 + s) * np.pi / 2) ** 2
    return np.clip(f / np.cos(s / (1 + s) * np.pi / 2) ** 2, 1e-4, 1.0)


def ddim_levels(steps: int) -> np.ndarray:
    """Levels of a DDIM run, from pure noise to clean: float64 [steps + 1]."""
    return np.linspace(1.0, 0.0, steps + 1)


def ddim(
    predict: Predict, weights: Float32, noise: Float32, context: Float32, steps: int
) -> Float32:
    """Denoises the hop of one window behind its clean context (deterministic DDIM).

    Args:
        predict: the network under each of B condition sets.
        weights: float32 [B] the weights of eq. 9; they sum to 1.
        noise: float32 [H, X] standard normal.
        context: float32 [C, X] clean past frames.
        steps: network evaluations.

    Returns:
        float32 [H, X] clean frames.
    """
    levels = ddim_levels(steps)
    batch, past = len(weights), len(context)
    sample = noise.astype(np.float32)
    for now, then in pairwise(levels):
        window = np.concatenate([context, sample])
        level = np.zeros(len(window), np.float32)
        level[past:] = now
        answers = predict(np.repeat(window[None], batch, 0), np.repeat(level[None], batch, 0))
        clean = np.tensordot(weights, answers[:, past:], axes=1)
        here, next_ = alpha_bar(now), alpha_bar(then)
        epsilon = (sample - np.sqrt(here) * clean) / np.sqrt(1 - here)
        sample = (np.sqrt(next_) * clean + np.sqrt(1 - next_) * epsilon).astype(np.float32)
        if then == 0.0:
            sample = clean.astype(np.float32)
    return sample


def guidance_weights(audio: float, style: float) -> tuple[float, float, float]:
    """Weights of G(X), G(X, A), G(X, A, P) in eq. 9: (1 - s_A - s_P, s_A, s_P)."""
    return 1.0 - audio - style, audio, style
