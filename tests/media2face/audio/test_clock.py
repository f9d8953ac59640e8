"""Times of samples: smooth, in the long run exact."""

from __future__ import annotations

import numpy as np
import pytest
from media2face.audio.clock import JUMP_AFTER_S, SampleClock

RATE_HZ = 16_000


def test_jitter_is_smoothed_and_drift_followed() -> None:
    clock = SampleClock(RATE_HZ)
    rng = np.random.default_rng(0)
    errors = []
    for block in range(4000):
        sample = 512 * block
        true_s = 100 + sample / RATE_HZ * 1.0001
        smooth_s = clock.update(sample, true_s + rng.uniform(-0.005, 0.005))
        errors.append(smooth_s - true_s)
    assert np.abs(errors[200:]).max() < 0.002


def test_a_single_late_report_is_not_followed_a_jump_is() -> None:
    clock = SampleClock(RATE_HZ)
    clock.update(0, 1.0)
    assert clock.update(RATE_HZ, 2.5) == pytest.approx(2.0)
    assert clock.update(RATE_HZ + 512, 2.032) == pytest.approx(2.032)
    for block in range(200):
        sample = 2 * RATE_HZ + 512 * block
        smooth_s = clock.update(sample, 7.0 + sample / RATE_HZ)
        if 512 * block < JUMP_AFTER_S * RATE_HZ - 512:
            assert smooth_s == pytest.approx(1.0 + sample / RATE_HZ)
    assert smooth_s == pytest.approx(7.0 + sample / RATE_HZ)


def test_before_the_first_report_there_is_no_time() -> None:
    with pytest.raises(RuntimeError, match="first"):
        SampleClock(RATE_HZ).time_s(0)
