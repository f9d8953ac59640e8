"""The teacher on made-up phones: what must hold for every clip, emotion and seed."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from media2face.contract import EMOTIONS, FRAME_RATE_HZ, SAMPLE_RATE_HZ, frame_count
from media2face.corpus.phones import PHONES, Span
from media2face.corpus.prosody import frame_times
from media2face.corpus.teacher import Take, fill_pauses, perform, speak
from media2face.corpus.visemes import INDEX, lip_gap_mm, lip_offset_mm

SYLLABLES = (("m", "aa"), ("b", "iy"), ("p", "uw"), ("f", "ae"), ("w", "ay"), ("s", "eh"))


def made_up(
    seconds: float, seed: int = 0
) -> tuple[np.ndarray, tuple[Span, ...], tuple[Span, ...]]:
    """Audio int16 [S], phones and words: syllables with a pause of 0.8 s after every six."""
    rng = np.random.default_rng(seed)
    audio = rng.normal(0, 4, int(seconds * SAMPLE_RATE_HZ))
    phones, words, at = [], [], 0.4
    while at < seconds - 2.5:
        for consonant, vowel in SYLLABLES:
            first, second = rng.uniform(0.06, 0.1), rng.uniform(0.09, 0.2)
            phones += [Span(consonant, at, at + first)]
            phones += [Span(vowel, at + first, at + first + second)]
            words.append(Span("word", at, at + first + second))
            begin, end = (int(t * SAMPLE_RATE_HZ) for t in (at + first, at + first + second))
            tone = np.sin(2 * np.pi * 140 * np.arange(end - begin) / SAMPLE_RATE_HZ)
            audio[begin:end] += rng.uniform(2000, 9000) * tone
            at += first + second
        at += 0.8
    return np.clip(audio, -32768, 32767).astype(np.int16), tuple(phones), tuple(words)


def take(emotion: str, intensity: float = 1.0, seed: int = 1, seconds: float = 12.0) -> Take:
    return perform(speak(*made_up(seconds)), emotion, intensity, seed)


def test_same_seed_same_face_and_other_seed_other_face() -> None:
    first, again, other = take("happy"), take("happy"), take("happy", seed=2)
    for name in ("blendshapes", "head", "eyes"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
        assert np.abs(getattr(first, name) - getattr(other, name)).max() > 0.01


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_shapes_and_ranges(emotion: str) -> None:
    audio, _, _ = made_up(12.0)
    frames = frame_count(len(audio), SAMPLE_RATE_HZ)
    result = take(emotion)
    assert result.blendshapes.shape == (frames, 52)
    assert result.head.shape == (frames, 6)
    assert result.eyes.shape == (frames, 4)
    for values in (result.blendshapes, result.head, result.eyes):
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    assert result.blendshapes.min() >= 0
    assert result.blendshapes.max() <= 1
    assert np.abs(result.head[:, :3]).max() < np.radians(30)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_lips_meet_in_every_bilabial(emotion: str) -> None:
    audio, phones, _ = made_up(12.0)
    times = frame_times(frame_count(len(audio), SAMPLE_RATE_HZ))
    weights = take(emotion).blendshapes
    gap = lip_gap_mm(weights)
    ahead = lip_offset_mm(weights)
    wide = np.percentile(gap, 95)
    assert wide > 5
    closures = [p for p in phones if p.name in ("p", "b", "m")]
    assert len(closures) > 10
    for phone in closures:
        inside = (times >= phone.start_s - 0.017) & (times <= phone.end_s + 0.017)
        best = np.flatnonzero(inside)[np.abs(gap[inside]).argmin()]
        assert abs(gap[best]) < min(1.0, 0.25 * wide)
        assert abs(ahead[best]) < 1.0


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_mouth_is_shut_and_still_in_pauses(emotion: str) -> None:
    audio, phones, _ = made_up(12.0)
    times = frame_times(frame_count(len(audio), SAMPLE_RATE_HZ))
    sounding = np.zeros(len(times), bool)
    for phone in phones:
        sounding |= (times > phone.start_s - 0.1) & (times < phone.end_s + 0.15)
    weights = take(emotion).blendshapes[~sounding]
    gap = lip_gap_mm(weights)
    assert np.abs(gap).max() < 1.0
    mouth = [i for name, i in INDEX.items() if name.startswith(("mouth", "jaw"))]
    # Emotions ease with the loudness of what was just said, so not quite zero.
    assert weights[:, mouth].std(0).max() < 0.02


def test_lips_touch_the_teeth_in_f() -> None:
    audio, phones, _ = made_up(12.0)
    times = frame_times(frame_count(len(audio), SAMPLE_RATE_HZ))
    weights = take("neutral").blendshapes
    for phone in (p for p in phones if p.name == "f"):
        middle = np.abs(times - (phone.start_s + phone.end_s) / 2).argmin()
        assert weights[middle, INDEX["mouthRollLower"]] > 0.25
        assert lip_gap_mm(weights)[middle] < 3


def test_rounding_starts_before_the_rounded_phone() -> None:
    phones = (Span("s", 0.5, 0.62), Span("t", 0.62, 0.7), Span("uw", 0.7, 0.95))
    flat = (Span("s", 0.5, 0.62), Span("t", 0.62, 0.7), Span("iy", 0.7, 0.95))
    audio = np.random.default_rng(0).normal(0, 500, 24_000).astype(np.int16)
    pucker = [
        perform(speak(audio, p, ()), "neutral", 0, 0).blendshapes[:, INDEX["mouthPucker"]]
        for p in (phones, flat)
    ]
    during_t = round(0.66 * FRAME_RATE_HZ)
    assert pucker[0][during_t] > 0.1
    assert pucker[0][during_t] > pucker[1][during_t] + 0.1


def test_louder_vowels_open_wider() -> None:
    phones = (Span("aa", 0.4, 0.65), Span("t", 0.65, 0.75), Span("aa", 0.75, 1.0))
    audio = np.random.default_rng(0).normal(0, 1, 24_000)
    audio[:10_400] *= 300
    audio[10_400:] *= 6000
    gap = lip_gap_mm(
        perform(speak(audio.astype(np.int16), phones, ()), "neutral", 0, 0).blendshapes
    )
    quiet, loud = (gap[round(t * FRAME_RATE_HZ)] for t in (0.52, 0.88))
    assert loud > 1.4 * quiet


def test_emotions_differ_visibly() -> None:
    faces = {name: take(name).blendshapes.mean(0) for name in EMOTIONS}
    for first in EMOTIONS:
        for second in EMOTIONS:
            if first != second:
                assert np.abs(faces[first] - faces[second]).max() > 0.2, (first, second)


def test_blinks_come_at_a_human_rate_and_apart() -> None:
    gaps, count, minutes = [], 0, 0.0
    for seed in range(12):
        lids = take("neutral", seed=seed, seconds=30).blendshapes[:, INDEX["eyeBlinkLeft"]]
        shut = np.flatnonzero((lids[1:-1] > 0.9) & (lids[1:-1] > lids[:-2])) + 1
        gaps += list(np.diff(shut) / FRAME_RATE_HZ)
        count += len(shut)
        minutes += len(lids) / FRAME_RATE_HZ / 60
    assert 12 <= count / minutes <= 20
    assert min(gaps) >= 0.95


def test_eyes_and_look_weights_agree() -> None:
    result = take("neutral")
    left_yaw = result.eyes[:, 0]
    out = result.blendshapes[:, INDEX["eyeLookOutLeft"]]
    inwards = result.blendshapes[:, INDEX["eyeLookInLeft"]]
    np.testing.assert_allclose((out - inwards) * np.radians(30), left_yaw, atol=1e-5)


def test_unknown_emotion_and_bad_intensity_are_named() -> None:
    speech = speak(*made_up(4.0))
    with pytest.raises(ValueError, match=r"intensity = 1\.5"):
        perform(speech, "happy", 1.5, 0)
    with pytest.raises(KeyError, match="bored"):
        perform(speech, "bored", 1.0, 0)


def test_pauses_are_filled_without_overlap() -> None:
    _, phones, _ = made_up(12.0)
    segments = fill_pauses(phones, 12.0)
    assert {s.name for s in segments} <= set(PHONES)
    assert segments[0].start_s == 0
    assert segments[-1].end_s == 12.0
    for before, after in pairwise(segments):
        assert abs(after.start_s - before.end_s) < 0.021
