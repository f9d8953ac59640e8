"""hri_msgs/Expression to style, alone and through the running face."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lookalikes
import numpy as np
import pytest
from m2f_msgs.msg import FaceFrame
from m2f_node.expression import PROMPTS, to_prompt
from media2face.backends import make_backend
from media2face.contract import BLENDSHAPE_NAMES, EMOTIONS
from media2face.models import DEFAULT_MODEL, find_model

pytestmark = pytest.mark.ros

SPEAKER = Path(__file__).with_name("speaker_of_others.py")
# What the face can show, for what may be asked.
SHOWN = {
    "neutral": "neutral asleep",
    "happy": "happy excited",
    "sad": "sad despaired guilty disappointed rejected bored tired",
    "angry": "angry annoyed furious",
    "surprised": "surprised confused amazed",
    "afraid": "scared pleading vulnerable embarrassed horrified",
    "disgusted": "disgusted",
    "contemptuous": "skeptical suspicious",
}


def expression(
    name: str = "", valence: float = 0, arousal: float = 0, confidence: float = 0
) -> Any:
    """The fields of the message."""
    return SimpleNamespace(
        expression=name, valence=valence, arousal=arousal, confidence=confidence
    )


def test_every_name_is_shown_as_the_nearest_emotion() -> None:
    backend = make_backend("onnxruntime", find_model(DEFAULT_MODEL))
    codes = np.stack([backend.encode_style(emotion) for emotion in EMOTIONS])
    meant = {name: emotion for emotion, names in SHOWN.items() for name in names.split()}
    assert set(meant) == set(PROMPTS)
    assert len(PROMPTS) == 25
    for name, emotion in meant.items():
        code = backend.encode_style(to_prompt(expression(name), 1.0, 0.3).text)
        assert EMOTIONS[int((codes @ code).argmax())] == emotion, name


@pytest.mark.parametrize(
    ("valence", "arousal", "text"),
    [(0, 0, "neutral"), (0.9, 0.3, "happy"), (-0.8, -0.5, "sad"), (-0.8, 0.7, "angry")],
)
def test_without_a_name_valence_and_arousal_say_it(
    valence: float, arousal: float, text: str
) -> None:
    assert to_prompt(expression("", valence, arousal), 1.0, 0.3).text == text


def test_strength_follows_the_name_and_the_confidence() -> None:
    plain = to_prompt(expression("angry"), 1.5, 0.7)
    assert (plain.strength, plain.transition) == pytest.approx((1.5, 0.7))
    assert to_prompt(expression("annoyed"), 1.0, 0.3).strength < plain.strength
    assert to_prompt(expression("ANGRY ", confidence=0.5), 1.0, 0.3).strength == 0.5


@pytest.mark.parametrize(
    ("msg", "reason"),
    [
        (expression("hangry"), "hangry"),
        (expression("", valence=2.0), "valence"),
        (expression("happy", arousal=float("nan")), "arousal"),
        (expression("happy", confidence=-1.0), "confidence"),
    ],
)
def test_what_cannot_be_is_refused(msg: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        to_prompt(msg, 1.0, 0.3)


def smile(frame: FaceFrame) -> float:
    return float(frame.blendshapes[BLENDSHAPE_NAMES.index("mouthSmileLeft")])


def test_the_face_smiles_when_it_is_told_to(
    start: Callable, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookalikes.source(lookalikes.build(lookalikes.HRI), monkeypatch)
    frames = client.collect(FaceFrame, "face/frame")
    start("m2f_node").wait_for("active")
    client.spin_until(lambda: len(frames) > 30)
    before = np.mean([smile(frame) for frame in frames[-10:]])
    command = [sys.executable, str(SPEAKER), "Expression", "happy", "0", "0"]
    with subprocess.Popen(command) as speaker:
        client.spin_until(lambda: np.mean([smile(frame) for frame in frames[-5:]]) > before + 0.15)
        speaker.kill()


def test_what_it_does_not_know_it_says(start: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    lookalikes.source(lookalikes.build(lookalikes.HRI), monkeypatch)
    node = start("m2f_node")
    node.wait_for("active")
    with subprocess.Popen(
        [sys.executable, str(SPEAKER), "Expression", "hangry", "0", "0"]
    ) as speaker:
        node.wait_for("dropped a message on style/expression: expression = 'hangry'")
        speaker.kill()
