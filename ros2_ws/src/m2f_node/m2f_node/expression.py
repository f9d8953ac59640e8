"""Style from hri_msgs/Expression, where that package is installed: the conventional way in ROS 2
to say how somebody looks, by one of 25 names or by valence and arousal."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

from m2f_msgs.msg import StylePrompt
from rclpy.node import Node
from rclpy.subscription import Subscription

from m2f_node.parameters import Settings

# Words that the model's text tower was taught, and how strongly, for each of the names.
PROMPTS: dict[str, tuple[str, float]] = {
    "neutral": ("neutral", 1.0),
    "angry": ("angry", 1.0),
    "sad": ("sad", 1.0),
    "happy": ("happy", 1.0),
    "surprised": ("surprised", 1.0),
    "disgusted": ("disgusted", 1.0),
    "scared": ("scared", 1.0),
    "pleading": ("pleading, sad and anxious", 0.8),
    "vulnerable": ("vulnerable, sad and anxious", 0.7),
    "despaired": ("in despair, very sad", 1.2),
    "guilty": ("guilty and sad", 0.7),
    "disappointed": ("disappointed and sad", 0.7),
    "embarrassed": ("embarrassed and a bit anxious", 0.6),
    "horrified": ("horrified", 1.3),
    "skeptical": ("skeptical and contemptuous", 0.7),
    "annoyed": ("annoyed", 0.7),
    "furious": ("furious", 1.3),
    "suspicious": ("suspicious and contemptuous", 0.7),
    "rejected": ("rejected and sad", 0.9),
    "bored": ("bored and a bit gloomy", 0.5),
    "tired": ("tired and a bit sad", 0.5),
    "asleep": ("calm and neutral", 1.0),
    "confused": ("confused and a bit surprised", 0.6),
    "amazed": ("amazed", 1.2),
    "excited": ("excited and happy", 1.2),
}
# Where no name is given: the nearest of these in the plane of valence and arousal.
PLANE: dict[str, tuple[float, float]] = {
    "neutral": (0.0, 0.0),
    "happy": (0.8, 0.4),
    "excited": (0.7, 0.9),
    "surprised": (0.1, 0.9),
    "scared": (-0.6, 0.8),
    "angry": (-0.7, 0.6),
    "disgusted": (-0.8, 0.2),
    "sad": (-0.7, -0.4),
    "tired": (-0.1, -0.8),
}


def to_prompt(msg: Any, strength: float, transition_s: float) -> StylePrompt:
    """A style for an hri_msgs/Expression.

    Args:
        msg: as received. Its name wins over valence and arousal; a confidence above 0 scales the
            strength, 0 counts as not given.
        strength: of a plain prompt.
        transition_s: fade from the style before.

    Raises:
        ValueError: a name that is not one of the 25, or numbers out of range.
    """
    for name, low in (("valence", -1), ("arousal", -1), ("confidence", 0)):
        value = getattr(msg, name)
        if not (math.isfinite(value) and low <= value <= 1):
            raise ValueError(f"{name} = {value}, must be in [{low}, 1]")
    name = msg.expression.strip().lower()
    if not name:
        name = _nearest(msg.valence, msg.arousal)
    if name not in PROMPTS:
        raise ValueError(
            f"expression = '{msg.expression[:80]}', must be one of {', '.join(PROMPTS)}, or empty "
            "with valence and arousal"
        )
    text, scale = PROMPTS[name]
    sure = msg.confidence if msg.confidence > 0 else 1.0
    return StylePrompt(text=text, strength=strength * scale * sure, transition=transition_s)


def _nearest(valence: float, arousal: float) -> str:
    """Name in PLANE that is nearest."""
    return min(PLANE, key=lambda name: math.dist(PLANE[name], (valence, arousal)))


def subscribe(
    node: Node,
    settings: Callable[[], Settings],
    on_style: Callable[[StylePrompt], None],
    refuse: Callable[[str, Exception], None],
) -> list[Subscription]:
    """A subscription to style/expression on `node`; none where hri_msgs is not installed.

    Args:
        node: whose topic it is.
        settings: those of text prompts now.
        on_style: takes the prompts.
        refuse: told the topic and why a message was dropped.
    """
    try:
        message = importlib.import_module("hri_msgs.msg").Expression
    except (ImportError, AttributeError):
        return []

    latest: list[StylePrompt] = []

    def on_expression(msg: Any) -> None:
        now = settings()
        try:
            prompt = to_prompt(msg, now.style_strength, now.style_transition)
        except ValueError as error:
            refuse("style/expression", error)
            return
        # A source that repeats itself must not undo what came on another topic since.
        if latest != [prompt]:
            latest[:] = [prompt]
            on_style(prompt)

    return [node.create_subscription(message, "style/expression", on_expression, 10)]
