"""The sound comes with the frame that shows it: against the real session, in simulated time."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import pytest
from media2face.audio.lipsync import Lipsync
from media2face.audio.resample import make_resampler
from media2face.backends import make_backend
from media2face.backends.base import Backend, DenoiserState, WindowInputs
from media2face.config import SessionConfig
from media2face.contract import FRAME_RATE_HZ, frame_to_sample
from media2face.models import find_model
from media2face.streaming.session import FaceSession
from media2face.types import AudioChunk, FaceFrame

RATE_HZ = 16_000
TICK_S = 0.008  # how often frames are polled and blocks of sound are asked for
LEAD_S = 0.03  # a device asks for sound this long before it is heard
HOUR_S = 3600.0  # any begin but 0


@cache
def shipped() -> Backend:
    return make_backend("onnxruntime", find_model("small"))


class Recorder:
    """The shipped model, beside a note of which sample every frame was made from."""

    def __init__(self) -> None:
        self.shown: dict[int, float] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(shipped(), name)

    def denoise(self, inputs: WindowInputs, state: DenoiserState) -> Any:
        geometry = shipped().geometry
        first = inputs.first_frame + geometry.context_frames
        for frame in range(first, first + geometry.hop_frames):
            self.shown[frame] = inputs.audio[frame_to_sample(frame) - inputs.first_sample]
        return shipped().denoise(inputs, state)


@dataclass
class Stage:
    """A face and its sound on one simulated clock."""

    face: FaceSession
    recorder: Recorder
    lipsync: Lipsync
    now_s: float = HOUR_S
    inbox: list[tuple[float, AudioChunk, bool]] = field(default_factory=list)
    frames: list[FaceFrame] = field(default_factory=list)
    played: list[np.ndarray] = field(default_factory=list)
    lost: int = 0  # so many of the first frames with sound do not come to the player
    begin_s: float = HOUR_S + LEAD_S  # when the first played sample is heard

    def speak(self, samples: np.ndarray, at_s: float, burst: bool, gap_s: float = 0.0) -> None:
        """Sends chunks of 32 ms stamped from `at_s` on; half way nothing for `gap_s`."""
        for first in range(0, len(samples), 512):
            part = samples[first : first + 512]
            stamp_s = HOUR_S + at_s + first / RATE_HZ
            arrives_s = HOUR_S + at_s if burst else stamp_s + len(part) / RATE_HZ
            arrives_s += gap_s if first > len(samples) // 2 else 0.0
            stamp_s += gap_s if first > len(samples) // 2 else 0.0
            last = first + 512 >= len(samples)
            self.inbox.append((arrives_s, AudioChunk(part, RATE_HZ, first, stamp_s), last))

    def run(self, seconds: float) -> None:
        self.face.start(self.now_s)
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            for _, chunk, last in [item for item in self.inbox if item[0] <= self.now_s]:
                self.face.accept_audio(chunk)
                self.lipsync.accept_audio(chunk, last)
                if last:
                    self.face.end_utterance()
            self.inbox = [item for item in self.inbox if item[0] > self.now_s]
            while self.face.step(self.now_s):
                pass
            for frame in self.face.poll(self.now_s):
                self.frames.append(frame)
                if self.lost and not frame.idle:
                    self.lost -= 1
                    continue
                self.lipsync.accept_frame(frame.index, frame.presentation_s, frame.idle)
            count = round(TICK_S * RATE_HZ)
            heard_s = self.begin_s + sum(map(len, self.played)) / RATE_HZ
            self.played.append(self.lipsync.render(heard_s, count))
            self.now_s += TICK_S

    def offsets_ms(self) -> np.ndarray:
        """Sound minus frame for every frame that shows audio; NaN where its sample is not played.

        Each sample's value is its own, so a frame's is looked for among those played.
        """
        played = np.concatenate(self.played)
        offsets = []
        for frame in self.frames:
            value = self.recorder.shown.get(frame.index, 0.0)
            if frame.idle or value == 0:
                continue
            places = np.flatnonzero(np.abs(played - value) < 1e-6)
            times_s = self.begin_s + places / RATE_HZ - frame.presentation_s
            nearest = times_s[np.abs(times_s).argmin()] if len(places) else np.nan
            offsets.append(1000 * nearest)
        return np.array(offsets)


def ramp(seconds: float, number: int = 0) -> np.ndarray:
    """Samples that each have a value of their own; none is 0."""
    count = round(seconds * RATE_HZ)
    return ((np.arange(count) + 1 + number * 100_000) / 400_000).astype(np.float32)


def stage(idle: bool, told: bool = True) -> Stage:
    recorder = Recorder()
    face = FaceSession(
        recorder,  # type: ignore[arg-type]
        shipped().prepare_identity("average"),
        SessionConfig(idle=idle),
        make_resampler,
    )
    lipsync = Lipsync(RATE_HZ)
    if told:
        lipsync.set_face(face.delay_s, shipped().geometry.hop_frames)
    return Stage(face, recorder, lipsync)


def assert_in_sync(made: Stage, frames: int, unheard: int = 1) -> None:
    """All but `unheard` of the frames with sound are within 8 ms of it."""
    offsets = made.offsets_ms()
    assert len(offsets) >= frames
    assert np.count_nonzero(~(np.abs(offsets) < 8)) <= unheard, offsets


@pytest.mark.parametrize("idle", [True, False], ids=["idle", "still"])
@pytest.mark.parametrize("burst", [True, False], ids=["burst", "live"])
@pytest.mark.parametrize("at_s", [1.0, 1.013, 1.029])
def test_an_utterance_is_in_sync(idle: bool, burst: bool, at_s: float) -> None:
    made = stage(idle)
    made.speak(ramp(1.5), at_s, burst)
    made.run(4.0)
    assert_in_sync(made, 44)
    assert made.lipsync.stats.jumps <= 1


@pytest.mark.parametrize("idle", [True, False], ids=["idle", "still"])
@pytest.mark.parametrize("lost", [1, 4])
def test_first_frames_that_do_not_come_shift_nothing(idle: bool, lost: int) -> None:
    made = stage(idle)
    made.lost = lost
    made.speak(ramp(1.5), 1.013, burst=True)
    made.run(4.0)
    assert_in_sync(made, 44, unheard=lost)


@pytest.mark.parametrize("idle", [True, False], ids=["idle", "still"])
@pytest.mark.parametrize("pause_s", [-0.6, 0.0, 0.017, 0.9])
def test_a_second_utterance_is_in_sync(idle: bool, pause_s: float) -> None:
    """Sent as a TTS does, before the first has ended, just then, and later."""
    made = stage(idle)
    made.speak(ramp(1.21), 0.5, burst=True)
    made.speak(ramp(1.0, number=1), 0.5 + 1.21 + pause_s, burst=True)
    made.run(5.0)
    assert made.lipsync.stats.utterances == 2
    assert_in_sync(made, 64, unheard=3)


def test_sound_that_stalls_is_in_sync_again_when_it_goes_on() -> None:
    made = stage(idle=True)
    made.speak(ramp(2.0), 0.5, burst=False, gap_s=0.7)
    made.run(5.0)
    offsets = made.offsets_ms()
    assert np.nanmedian(np.abs(offsets[-10:])) < 1000 / FRAME_RATE_HZ


def test_not_knowing_the_delay_only_the_begin_is_lost() -> None:
    made = stage(idle=True, told=False)
    made.speak(ramp(1.5), 1.0, burst=True)
    made.run(4.0)
    assert_in_sync(made, 44, unheard=2)


def test_another_rate_is_resampled() -> None:
    lipsync = Lipsync(48_000)
    lipsync.set_face(0.5, 6)
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(24_000) / 24_000).astype(np.float32)
    lipsync.accept_audio(AudioChunk(tone, 24_000, 0, 10.0), last=True)
    assert not lipsync.render(10.4, 480).any()
    played = np.concatenate([lipsync.render(10.5 + i * 0.01, 480) for i in range(110)])
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    np.testing.assert_allclose(played[500:47_000], expected[500:47_000], atol=0.01)
    assert not played[48_100:].any()
    assert lipsync.stats.jumps == 0


def test_a_reset_face_drops_what_was_waiting() -> None:
    lipsync = Lipsync(RATE_HZ)
    lipsync.set_face(0.5, 6)
    lipsync.accept_frame(100, 10.0, True)
    lipsync.accept_audio(AudioChunk(ramp(1.0), RATE_HZ, 0, 10.0))
    lipsync.accept_frame(0, 10.4, True)
    assert not lipsync.render(10.7, 1600).any()
