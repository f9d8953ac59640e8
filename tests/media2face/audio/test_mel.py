"""Mel columns are a function of the absolute sample, and resampling of the whole signal."""

from __future__ import annotations

import numpy as np
import pytest
from media2face.audio.mel import filter_bank, log_mel
from media2face.audio.resample import Resampler
from media2face.contract import MEL_BANDS, frame_to_sample, mel_to_sample


def tone(hz: float, seconds: float = 1.0, rate_hz: int = 16_000) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz)).astype(
        np.float32
    )


def test_every_third_column_is_a_frame() -> None:
    assert [mel_to_sample(3 * k) for k in range(500)] == [frame_to_sample(k) for k in range(500)]


@pytest.mark.parametrize("hz", [200.0, 1000.0, 4000.0])
def test_a_tone_lights_its_band(hz: float) -> None:
    mel = log_mel(tone(hz), 0, 5, 10)
    assert mel.shape == (30, MEL_BANDS)
    bins = np.fft.rfftfreq(512, 1 / 16_000)
    expected = filter_bank()[np.abs(bins - hz).argmin()].argmax()
    assert abs(int(mel.mean(0).argmax()) - int(expected)) <= 1


def test_a_window_cut_anywhere_gives_the_same_columns() -> None:
    audio = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)
    whole = log_mel(audio, 0, 20, 10)
    start = frame_to_sample(20) - 300
    np.testing.assert_array_equal(whole, log_mel(audio[start:], start, 20, 10))


def test_before_and_after_the_audio_is_silence() -> None:
    mel = log_mel(tone(440.0, 0.5), 0, -10, 60)
    assert (mel[:20] == mel[0]).all()
    assert (mel[-20:] == mel[0]).all()
    assert mel.max() > mel[0].max() + 2


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 48_000])
def test_resampling_in_chunks_is_resampling_the_whole(rate_hz: int) -> None:
    audio = tone(440.0, 0.7, rate_hz)
    whole = Resampler(rate_hz).push(audio, last=True)
    stream = Resampler(rate_hz)
    parts = [stream.push(audio[i : i + 97]) for i in range(0, len(audio), 97)]
    joined = np.concatenate([*parts, stream.push(np.zeros(0, np.float32), last=True)])
    np.testing.assert_allclose(joined, whole, atol=1e-6)
    assert abs(len(whole) - 0.7 * 16_000) <= 2
