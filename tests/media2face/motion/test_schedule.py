"""Eq. 9, the cosine schedule and DDIM."""

from __future__ import annotations

import numpy as np
import pytest
from media2face.motion.schedule import alpha_bar, ddim, ddim_levels, guidance_weights


def test_weights_of_eq_9_are_those_printed_and_sum_to_one() -> None:
    assert guidance_weights(2.5, 1.5) == (-3.0, 2.5, 1.5)
    assert sum(guidance_weights(0.7, 0.9)) == pytest.approx(1.0)


def test_schedule_goes_from_clean_to_noise() -> None:
    levels = np.linspace(0, 1, 501)
    kept = alpha_bar(levels)
    assert kept[0] == pytest.approx(1.0)
    assert kept[-1] < 1e-3
    assert (np.diff(kept) <= 0).all()
    assert ddim_levels(4).tolist() == [1.0, 0.75, 0.5, 0.25, 0.0]


@pytest.mark.parametrize("steps", [1, 4, 50])
def test_ddim_recovers_the_motion_a_perfect_network_predicts(steps: int) -> None:
    rng = np.random.default_rng(0)
    context, truth, noise = (
        rng.normal(size=(3, 5)),
        rng.normal(size=(2, 5)),
        rng.normal(size=(2, 5)),
    )

    def predict(motion: np.ndarray, level: np.ndarray) -> np.ndarray:
        np.testing.assert_allclose(motion[0, :3], context, rtol=1e-6)
        assert (level[:, :3] == 0).all()
        return np.repeat(np.concatenate([context, truth])[None], len(motion), 0)

    weights = np.array(guidance_weights(2.5, 1.5), np.float32)
    found = ddim(predict, weights, noise.astype(np.float32), context.astype(np.float32), steps)
    np.testing.assert_allclose(found, truth, atol=1e-5)


def test_guidance_extrapolates_between_the_branches() -> None:
    def predict(motion: np.ndarray, level: np.ndarray) -> np.ndarray:
        return np.stack([np.full(motion.shape[1:], v) for v in (1.0, 2.0, 4.0)])

    weights = np.array(guidance_weights(2.5, 1.5), np.float32)
    found = ddim(predict, weights, np.zeros((1, 2), np.float32), np.zeros((1, 2), np.float32), 1)
    np.testing.assert_allclose(found, -3 * 1 + 2.5 * 2 + 1.5 * 4)
