"""The measures themselves, and the shipped model on people it was not trained on."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from media2face.animate import animate
from media2face.audio.io import read_audio
from media2face.backends import make_backend
from media2face.corpus.split import split_of
from media2face.evaluate.lips import lip_opening_mm, lip_report, loudness
from media2face.models import find_model
from media2face.types import Style

RATE_HZ = 16_000


def bursts() -> np.ndarray:
    """Four seconds: noise for half a second, silence for half a second, and so on."""
    time = np.arange(4 * RATE_HZ) / RATE_HZ
    noise = np.random.default_rng(0).normal(0, 0.1, len(time))
    return (noise * (time % 1.0 < 0.5)).astype(np.float32)


def test_lips_that_follow_the_voice_are_told_from_lips_that_do_not() -> None:
    samples = bursts()
    loud = loudness(samples, RATE_HZ, 120)
    following = lip_report(10 * loud / loud.max(), samples, RATE_HZ)
    assert following.slcc == pytest.approx(1.0)
    assert following.silent_share < 0.05
    late = lip_report(np.roll(10 * loud / loud.max(), 2), samples, RATE_HZ)
    assert late.best_lag_ms == pytest.approx(2000 / 30)
    babbling = np.random.default_rng(1).uniform(0, 10, 120).astype(np.float32)
    random = lip_report(babbling, samples, RATE_HZ)
    assert abs(random.slcc) < 0.3
    assert random.silent_share > 0.3


def test_a_mouth_that_never_moves_scores_nothing() -> None:
    report = lip_report(np.full(120, 5.0, np.float32), bursts(), RATE_HZ)
    assert report.slcc == 0.0
    assert report.silent_share == pytest.approx(1.0)


def unseen_clips(shared: Path, count: int) -> list[Path]:
    """Clips of LibriSpeech speakers that the split keeps from training, and that are not short."""
    with (shared / "speech" / "metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="|"))
    kept = [
        shared / "speech" / row["path"]
        for row in rows
        if row["set"] == "librispeech_en"
        and split_of(row["set"], row["speaker"], row["path"]) == "test"
        and float(row["seconds"]) > 5
    ]
    return sorted(kept)[:count]


@pytest.mark.shared
def test_lips_follow_people_never_trained_on(shared: Path) -> None:
    backend = make_backend("onnxruntime", find_model())
    reports = []
    for path in unseen_clips(shared, 8):
        samples, rate = read_audio(path)
        motion = animate(backend, samples[: 10 * rate], rate, seed=0)
        opening = lip_opening_mm(motion.vertices, backend.topology.landmarks68)
        reports.append(lip_report(opening, samples[: 10 * rate], rate))
    assert len(reports) == 8
    assert np.median([r.slcc for r in reports]) > 0.4
    assert np.nanmedian([r.silent_share for r in reports]) < 0.15
    assert abs(np.median([r.best_lag_ms for r in reports])) <= 34


@pytest.mark.shared
def test_a_prompt_changes_the_face_and_leaves_the_lips_in_time(shared: Path) -> None:
    backend = make_backend("onnxruntime", find_model())
    samples, rate = read_audio(unseen_clips(shared, 1)[0])
    samples = samples[: 6 * rate]
    faces, openings = {}, {}
    for prompt in ("happy", "sad"):
        motion = animate(backend, samples, rate, style=Style(backend.encode_style(prompt)), seed=0)
        faces[prompt] = dict(
            zip(("smile", "brow"), motion.blendshapes[60:, [23, 43]].mean(0), strict=True)
        )
        openings[prompt] = lip_opening_mm(motion.vertices, backend.topology.landmarks68)
    assert faces["happy"]["smile"] > faces["sad"]["smile"] + 0.15
    assert np.corrcoef(openings["happy"], openings["sad"])[0, 1] > 0.7
