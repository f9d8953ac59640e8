"""Streaming parity and time keeping, with the shipped model."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from media2face.audio.io import read_audio
from media2face.audio.resample import make_resampler
from media2face.backends import make_backend
from media2face.backends.base import Backend
from media2face.config import SessionConfig
from media2face.contract import (
    BLENDSHAPE_NAMES,
    FRAME_RATE_HZ,
    SAMPLE_RATE_HZ,
    frame_count,
    frame_to_sample,
)
from media2face.models import find_model
from media2face.streaming.blinks import blink_cue
from media2face.streaming.session import FaceSession
from media2face.types import AudioChunk, FaceFrame, Float32, Style

SAMPLE = Path(__file__).parents[3] / "ros2_ws/src/m2f_node/samples/hello.opus"


@cache
def backend() -> Backend:
    return make_backend("onnxruntime", find_model("small"))


@cache
def speech(rate_hz: int = SAMPLE_RATE_HZ, seconds: float = 2.5) -> Float32:
    """The start of the shipped sample, at a rate (by plain interpolation: any signal will do)."""
    samples, own = read_audio(SAMPLE)
    count = int(seconds * rate_hz)
    return np.interp(np.arange(count) / rate_hz, np.arange(len(samples)) / own, samples).astype(
        np.float32
    )


def session(seed: int = 3, **settings: object) -> FaceSession:
    config = SessionConfig(seed=seed, idle=False, **settings)  # type: ignore[arg-type]
    return FaceSession(backend(), backend().prepare_identity("average"), config, make_resampler)


def feed(
    face: FaceSession, samples: Float32, rate_hz: int, sizes: list[int] | None = None
) -> list[FaceFrame]:
    """Sends samples in chunks of `sizes` (cyclic), one step after each, then ends."""
    frames: list[FaceFrame] = []
    start, turn = 0, 0
    while start < len(samples):
        size = sizes[turn % len(sizes)] if sizes else len(samples)
        face.accept_audio(AudioChunk(samples[start : start + size], rate_hz, start, 0.0))
        start, turn = start + size, turn + 1
        face.step(-math.inf)
        frames += face.drain()
    return frames + finish(face)


def finish(face: FaceSession) -> list[FaceFrame]:
    face.end_utterance()
    while face.step(-math.inf):
        pass
    return face.drain()


def assert_same(first: list[FaceFrame], second: list[FaceFrame], tolerance: float = 1e-6) -> None:
    assert [f.index for f in first] == [f.index for f in second]
    for name in ("vertices", "blendshapes", "latent", "head_pose", "eyes"):
        a, b = (np.stack([getattr(f, name) for f in frames]) for frames in (first, second))
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
@pytest.mark.parametrize("sizes", [[512], [1, 37, 4001, 160, 9000], [100_000]])
def test_any_split_gives_the_same_face(rate_hz: int, sizes: list[int]) -> None:
    samples = speech(rate_hz)
    whole = feed(session(), samples, rate_hz)
    assert len(whole) == frame_count(len(samples), rate_hz)
    assert_same(whole, feed(session(), samples, rate_hz, sizes))


def test_another_seed_gives_another_face() -> None:
    first, second = (
        feed(session(seed=1), speech(), 16_000),
        feed(session(seed=2), speech(), 16_000),
    )
    assert np.abs(first[40].latent - second[40].latent).max() > 1e-3


def test_reset_is_fresh() -> None:
    used = session()
    used.set_style(Style(backend().encode_style("angry"), 1.0, 0.5))
    feed(used, speech()[::-1].copy(), 16_000, [700])
    used.reset()
    assert_same(feed(used, speech(), 16_000, [512]), feed(session(), speech(), 16_000))


def test_two_sessions_interleaved_equal_each_alone() -> None:
    voices = [speech(), speech()[::-1].copy()]
    faces = [session(seed=5), session(seed=6)]
    found: list[list[FaceFrame]] = [[], []]
    for start in range(0, len(voices[0]), 800):
        for which in (0, 1):
            part = voices[which][start : start + 800]
            faces[which].accept_audio(AudioChunk(part, 16_000, start, 0.0))
            faces[which].step(-math.inf)
            found[which] += faces[which].drain()
    for which in (0, 1):
        alone = feed(session(seed=5 + which), voices[which], 16_000)
        assert_same(found[which] + finish(faces[which]), alone)


def test_later_audio_never_changes_frames_already_out() -> None:
    calm, loud = session(), session()
    head = speech()[:24_000]
    frames: list[list[FaceFrame]] = []
    for face, tail in (
        (calm, np.zeros(16_000)),
        (loud, np.random.default_rng(0).uniform(-1, 1, 16_000)),
    ):
        face.accept_audio(AudioChunk(head, 16_000, 0, 0.0))
        face.accept_audio(AudioChunk(tail.astype(np.float32), 16_000, len(head), 0.0))
        while face.step(-math.inf):
            pass
        frames.append(face.drain())
    geometry = backend().geometry
    whole_hops = 24_000 * 30 // 16_000 - geometry.lookahead_frames
    out = whole_hops // geometry.hop_frames * geometry.hop_frames
    # a frame is out once its hop and the look-ahead were heard; half a mel window more is seen
    out -= geometry.hop_frames
    assert out > 20
    assert_same(frames[0][:out], frames[1][:out])
    assert np.abs(frames[0][-1].latent - frames[1][-1].latent).max() > 1e-3


def test_streamed_frames_appear_as_soon_as_hop_and_lookahead_were_heard() -> None:
    face = session()
    geometry = backend().geometry
    needed = frame_to_sample(geometry.hop_frames + geometry.lookahead_frames)
    face.accept_audio(AudioChunk(speech()[: needed - 1], 16_000, 0, 0.0))
    assert not face.step(-math.inf)
    face.accept_audio(AudioChunk(speech()[needed - 1 : needed], 16_000, needed - 1, 0.0))
    assert face.step(-math.inf)
    assert len(face.drain()) == geometry.hop_frames


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_frame_count_is_exact(rate_hz: int, extra: int) -> None:
    samples = speech(rate_hz, 1.0)[: rate_hz // 2]
    samples = np.pad(samples, (0, 1))[: rate_hz // 2 + extra]
    assert len(feed(session(), samples, rate_hz, [333])) == frame_count(len(samples), rate_hz)


def test_lost_chunk_keeps_time_and_repeated_chunk_is_dropped() -> None:
    samples = speech()
    face = session()
    frames: list[FaceFrame] = []
    for start in range(0, len(samples), 1000):
        chunk = AudioChunk(samples[start : start + 1000], 16_000, start, 0.0)
        if start == 5000:
            continue
        face.accept_audio(chunk)
        face.accept_audio(chunk)
        face.step(-math.inf)
        frames += face.drain()
    holed = samples.copy()
    holed[5000:6000] = 0
    assert_same(frames + finish(face), feed(session(), holed, 16_000))


@pytest.mark.parametrize(
    "bad",
    [
        AudioChunk(np.zeros(100, np.float32), 0, 0, 0.0),
        AudioChunk(np.zeros(100, np.float32), 1_000_000, 0, 0.0),
        AudioChunk(np.zeros((100, 2), np.float32), 16_000, 0, 0.0),
        AudioChunk(np.zeros(100, np.float32), 16_000, -5, 0.0),
    ],
)
def test_bad_chunks_are_refused_and_change_nothing(bad: AudioChunk) -> None:
    face = session()
    face.accept_audio(AudioChunk(speech()[:8000], 16_000, 0, 0.0))
    with pytest.raises(ValueError, match=r"rate|shape|first_sample"):
        face.accept_audio(bad)
    face.accept_audio(AudioChunk(speech()[8000:], 16_000, 8000, 0.0))
    assert_same(finish(face), feed(session(), speech(), 16_000))


@pytest.mark.parametrize("kind", ["nan", "inf", "loud", "zeros", "noise"])
def test_terrible_audio_gives_a_sane_face(kind: str) -> None:
    count = 16_000
    samples = {
        "nan": np.full(count, np.nan),
        "inf": np.full(count, np.inf),
        "loud": speech()[:count] * 1e6,
        "zeros": np.zeros(count),
        "noise": np.random.default_rng(0).uniform(-1, 1, count),
    }[kind].astype(np.float32)
    frames = feed(session(), samples, 16_000)
    vertices = np.stack([f.vertices for f in frames])
    assert len(frames) == 30
    assert np.isfinite(vertices).all()
    assert np.abs(vertices - backend().topology.neutral).max() < 0.08
    for frame in frames:
        assert abs(np.linalg.norm(frame.head_pose[3:]) - 1) < 1e-5
        assert (frame.blendshapes >= 0).all()
        assert (frame.blendshapes <= 1).all()


def test_frames_come_when_due_and_late_ones_are_skipped() -> None:
    face = session(max_late_ms=110.0)
    face.accept_audio(AudioChunk(speech(), 16_000, 0, 100.0))
    while face.step(-math.inf):
        pass
    first = 100.0 + face.delay_s
    assert face.poll(first - 0.001) == []
    assert [f.index for f in face.poll(first + 1e-6)] == [0]
    shown = face.poll(first + 1.0 + 1e-6)
    assert [f.index for f in shown] == list(range(27, 31))
    assert face.stats.skipped_frames == 26
    assert face.stats.starved_ticks == 0


def test_a_missing_frame_is_counted_once_as_starved() -> None:
    face = session()
    face.accept_audio(AudioChunk(speech()[:1000], 16_000, 0, 10.0))
    due = 10.0 + face.delay_s
    assert face.poll(due - 0.01) == []
    assert face.stats.starved_ticks == 0
    for now in (0.001, 0.002, 0.01):
        assert face.poll(due + now) == []
    assert face.stats.starved_ticks == 1
    face.poll(due + 0.05)
    assert face.stats.starved_ticks == 2


def test_overload_skips_hops_and_keeps_sync() -> None:
    face = session()
    face.accept_audio(AudioChunk(speech(), 16_000, 0, 0.0))
    late = face.delay_s + 1.0
    assert face.step(late)
    first = face.poll(late)[0]
    assert first.presentation_s == pytest.approx(first.index / FRAME_RATE_HZ + face.delay_s)
    assert late - first.presentation_s <= 0.150
    assert face.stats.skipped_frames > 0


def test_idle_face_lives_and_speech_follows_in_sync() -> None:
    config = SessionConfig(seed=1, idle=True)
    face = FaceSession(backend(), backend().prepare_identity("average"), config, make_resampler)
    face.start(50.0)
    frames: list[FaceFrame] = []
    now = 50.0
    while now < 53.0:
        while face.step(now):
            pass
        frames += face.poll(now)
        now += 0.01
    assert len(frames) > 60
    assert all(f.idle for f in frames)
    assert [f.index for f in frames] == list(range(len(frames)))
    face.accept_audio(AudioChunk(speech(), 16_000, 0, now))
    face.end_utterance()
    spoken: list[FaceFrame] = []
    until = now + 4.0
    while now < until:
        while face.step(now):
            pass
        spoken += face.poll(now)
        now += 0.01
    heard = [f for f in spoken if not f.idle]
    assert len(heard) == pytest.approx(frame_count(len(speech()), 16_000), abs=1)
    assert heard[0].presentation_s == pytest.approx(53.0 + face.delay_s, abs=0.06)


def test_style_takes_effect_at_the_next_hop_and_fades() -> None:
    plain = feed(session(), speech(), 16_000, [1600])
    face = session()
    frames: list[FaceFrame] = []
    samples = speech()
    for start in range(0, len(samples), 1600):
        if start == 16_000:
            face.set_style(Style(backend().encode_style("furious"), 1.0, 0.3))
        face.accept_audio(AudioChunk(samples[start : start + 1600], 16_000, start, 0.0))
        face.step(-math.inf)
        frames += face.drain()
    frames += finish(face)
    moved = [np.abs(a.latent - b.latent).max() for a, b in zip(plain, frames, strict=True)]
    assert max(moved[:18]) < 1e-6
    assert max(moved[40:]) > 0.2


@pytest.mark.parametrize("kind", ["speech", "silence"])
def test_the_face_blinks_as_people_do(kind: str) -> None:
    samples = np.tile(speech(), 12) if kind == "speech" else np.zeros(480_000, np.float32)
    frames = feed(session(), samples, 16_000)
    for name in ("eyeBlinkLeft", "eyeBlinkRight"):
        closed = np.array([f.blendshapes[BLENDSHAPE_NAMES.index(name)] for f in frames]) > 0.6
        blinks = int((closed[1:] & ~closed[:-1]).sum())
        assert 4 <= blinks <= 13, f"{name}: {blinks} blinks in half a minute"
        assert closed.mean() < 0.08


def test_blinks_do_not_depend_on_the_call() -> None:
    whole = blink_cue(7, 0, 3000)
    parts = [blink_cue(7, start, 6) for start in range(0, 3000, 6)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    assert (whole == 1.0).sum() == 25
    assert np.diff(np.flatnonzero(whole == 1.0)).min() >= 30


def test_frames_are_exact_over_an_hour() -> None:
    assert frame_count(3600 * 16_000, 16_000) == 108_000
    assert frame_to_sample(108_000) == 3600 * 16_000
    steps = np.diff([frame_to_sample(k) for k in range(108_001)])
    assert set(steps.tolist()) == {533, 534}
