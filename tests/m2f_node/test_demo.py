"""What the demo makes of the frames it got; the whole of it is `make demo`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from m2f_msgs.msg import FaceFrame
from m2f_node.audio_file import Sound
from m2f_node.conversions import flat
from m2f_node.demo import DemoError, check, main, summarise, to_motion
from m2f_node.observer import Received

pytestmark = pytest.mark.ros

FRAMES = 30
SOUND = Sound(np.zeros((16_000, 1), np.int16), 16_000)


def received(indices: list[int], vertex: float = 0.1) -> Received:
    """Frames that came half a second after their sound."""
    got = Received(audio_start_s=100.0)
    for index in indices:
        vertices = np.full((4, 3), vertex, np.float32)
        latent = np.full(48, index, np.float32)
        got.frames.append(FaceFrame(index=index, vertices=flat(vertices), latent=flat(latent)))
        got.arrival_s.append(100.5 + index / 30)
    return got


def test_a_whole_clip_passes_with_its_latency() -> None:
    got = received([*range(FRAMES)])
    summary = summarise(got, SOUND, Path("a.wav"), "")
    check(summary)
    assert (summary["frames_expected"], summary["frames_received"]) == (FRAMES, FRAMES)
    assert summary["first_frame_ms"] == pytest.approx(500, abs=0.01)
    assert summary["latency_ms"]["p99"] == pytest.approx(500, abs=0.01)
    motion = to_motion(got)
    assert motion.vertices.shape == (FRAMES, 4, 3)
    np.testing.assert_array_equal(motion.latent[:, 0], range(FRAMES))


@pytest.mark.parametrize(
    ("got", "word"),
    [
        (received([*range(FRAMES - 1)]), "29 of 30"),
        (received([0, *range(FRAMES - 1)]), "29 of 30"),
        (received([1, 0, *range(2, FRAMES)]), "out of order"),
        (received([*range(FRAMES)], vertex=float("nan")), "not finite"),
        (received([]), "0 of 30"),
    ],
    ids=["missing", "doubled", "swapped", "not finite", "none"],
)
def test_anything_less_fails(got: Received, word: str) -> None:
    with pytest.raises(DemoError, match=word):
        check(summarise(got, SOUND, Path("a.wav"), ""))


def test_a_sound_that_is_not_there_fails_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUDIO", "/nowhere.wav")
    assert main() == 1
    assert "/nowhere.wav: no such file" in capsys.readouterr().err
