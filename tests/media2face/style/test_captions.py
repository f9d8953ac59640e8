"""The captions: every emotion and level, and a split that never leaks."""

from __future__ import annotations

import numpy as np
import pytest
from media2face.contract import EMOTIONS
from media2face.corpus import captions


def test_every_wording_has_one_emotion() -> None:
    seen: dict[str, str] = {}
    for wording in captions.wordings():
        assert seen.setdefault(wording.text, wording.emotion) == wording.emotion, wording
    assert set(seen.values()) == set(EMOTIONS)


@pytest.mark.parametrize("split", ["train", "test"])
def test_drawn_captions_stay_in_their_split(split: str) -> None:
    rng = np.random.default_rng(3)
    for _ in range(2000):
        item = captions.draw(rng, split)
        assert captions.split_of(item.text) == split
        assert abs(sum(item.mixture.values()) - 1) < 1e-9
        assert 0 <= item.intensity <= 1


def test_inflections_fall_on_the_same_side() -> None:
    for group in (("gloomy", "gloomily", "gloom"), ("nervous", "nervously", "nervousness")):
        assert len({captions.split_of(word) for word in group}) == 1


@pytest.mark.parametrize("emotion", EMOTIONS)
@pytest.mark.parametrize("intensity", [0.2, 0.65, 1.0])
def test_sample_caption_is_varied_and_repeatable(emotion: str, intensity: float) -> None:
    def texts() -> list[str]:
        rng = np.random.default_rng(0)
        return [captions.sample_caption(emotion, intensity, rng, "train") for _ in range(200)]

    assert texts() == texts()
    assert len(set(texts())) > 120


def test_unknown_names_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="hungry"):
        captions.sample_caption("hungry", 0.5, rng, "train")
    with pytest.raises(ValueError, match="split"):
        captions.sample_caption("happy", 0.5, rng, "validation")
