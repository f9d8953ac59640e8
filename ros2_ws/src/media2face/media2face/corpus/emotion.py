"""What eight emotions do to a talking face, at intensity 1."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from media2face.contract import EMOTIONS
from media2face.corpus.visemes import both_sides
from media2face.types import Float32

_DEGREE = math.pi / 180


@dataclass(frozen=True)
class Emotion:
    """Offsets and gains of one emotion.

    Attributes:
        upper: weights of brows, lids, cheeks and nose.
        mouth: weights of lips and jaw that stay while the mouth speaks and rests.
        talking: weights that show only while the mouth is open for speech.
        gap_gain: scales the lip opening of speech.
        head: roll, pitch, yaw offset, degrees (pitch > 0 down).
        lean_m: the head forward of its rest place, metres.
        head_gain: scales nods and turns.
        head_speed: scales how fast the head wanders.
        brow_gain: scales the brow beats on stressed words.
        blinks_per_minute: mean blink rate.
        gaze_down: degrees the gaze is lowered by.
        gaze_rate: scales the rate of saccades.
    """

    upper: dict[str, float] = field(default_factory=dict)
    mouth: dict[str, float] = field(default_factory=dict)
    talking: dict[str, float] = field(default_factory=dict)
    gap_gain: float = 1.0
    head: tuple[float, float, float] = (0.0, 0.0, 0.0)
    lean_m: float = 0.0
    head_gain: float = 1.0
    head_speed: float = 1.0
    brow_gain: float = 1.0
    blinks_per_minute: float = 15.5
    gaze_down: float = 0.0
    gaze_rate: float = 1.0

    def head_rad(self) -> Float32:
        """float32 [3] roll, pitch, yaw offset, radians."""
        return (np.asarray(self.head) * _DEGREE).astype(np.float32)


TABLE: dict[str, Emotion] = {
    "neutral": Emotion(),
    "happy": Emotion(
        upper={"cheekSquint": 0.6, "eyeSquint": 0.35, "browOuterUp": 0.18, "browInnerUp": 0.08},
        mouth={"mouthSmile": 0.62, "mouthDimple": 0.18},
        talking={"mouthUpperUp": 0.14, "mouthLowerDown": 0.05},
        gap_gain=1.12, head=(0.0, -2.0, 0.0), head_gain=1.35, head_speed=1.25, brow_gain=1.3,
        blinks_per_minute=15.0, gaze_rate=1.1,
    ),
    "sad": Emotion(
        upper={"browInnerUp": 0.8, "browDown": 0.12, "eyeSquint": 0.18, "eyeBlink": 0.16},
        mouth={"mouthFrown": 0.62, "mouthShrugLower": 0.3, "mouthPress": 0.08},
        gap_gain=0.75, head=(2.0, 8.0, 0.0), lean_m=-0.004, head_gain=0.5, head_speed=0.6,
        brow_gain=0.4, blinks_per_minute=13.0, gaze_down=8.0, gaze_rate=0.6,
    ),
    "angry": Emotion(
        upper={"browDown": 0.95, "eyeSquint": 0.5, "noseSneer": 0.5, "cheekSquint": 0.2,
               "eyeWide": 0.12},
        mouth={"mouthFrown": 0.3, "mouthPress": 0.35, "jawForward": 0.15, "mouthStretch": 0.1},
        talking={"mouthLowerDown": 0.2, "mouthUpperUp": 0.1},
        gap_gain=1.1, head=(0.0, 5.0, 0.0), lean_m=0.01, head_gain=1.4, head_speed=1.4,
        brow_gain=0.08, blinks_per_minute=12.5, gaze_down=-3.0, gaze_rate=0.7,
    ),
    "surprised": Emotion(
        upper={"browInnerUp": 0.85, "browOuterUp": 0.9, "eyeWide": 0.8},
        mouth={"mouthShrugUpper": 0.05},
        talking={"mouthFunnel": 0.08},
        gap_gain=1.25, head=(0.0, -5.0, 0.0), lean_m=-0.006, head_gain=1.1, head_speed=1.2,
        brow_gain=0.4, blinks_per_minute=12.5, gaze_rate=0.8,
    ),
    "afraid": Emotion(
        upper={"browInnerUp": 0.9, "browOuterUp": 0.3, "browDown": 0.3, "eyeWide": 0.65},
        mouth={"mouthStretch": 0.5, "mouthFrown": 0.18},
        talking={"mouthLowerDown": 0.12},
        gap_gain=0.9, head=(0.0, -3.0, 4.0), lean_m=-0.012, head_gain=0.7, head_speed=1.7,
        brow_gain=0.3, blinks_per_minute=19.0, gaze_rate=1.7,
    ),
    "disgusted": Emotion(
        upper={"noseSneer": 0.85, "browDown": 0.5, "eyeSquint": 0.5, "cheekSquint": 0.45},
        mouth={"mouthUpperUp": 0.3, "mouthFrown": 0.4, "mouthShrugLower": 0.2},
        gap_gain=0.85, head=(-3.0, -4.0, 5.0), lean_m=-0.008, head_gain=0.8, head_speed=0.9,
        brow_gain=0.3, blinks_per_minute=15.0, gaze_down=4.0, gaze_rate=0.8,
    ),
    "contemptuous": Emotion(
        upper={"browOuterUpRight": 0.55, "browDownLeft": 0.35, "eyeSquint": 0.3,
               "cheekSquintLeft": 0.4, "noseSneerLeft": 0.15},
        mouth={"mouthSmileLeft": 0.6, "mouthDimpleLeft": 0.5, "mouthPress": 0.12,
               "mouthLeft": 0.15},
        gap_gain=0.85, head=(6.0, -6.0, -3.0), head_gain=0.7, head_speed=0.8, brow_gain=0.5,
        blinks_per_minute=13.0, gaze_down=5.0, gaze_rate=0.7,
    ),
}  # fmt: skip


def pick(name: str) -> Emotion:
    """The emotion of contract.EMOTIONS called `name`."""
    if name not in TABLE:
        raise KeyError(f"unknown emotion {name!r}; known: {', '.join(EMOTIONS)}")
    return TABLE[name]


def personal(weights: dict[str, float], rng: np.random.Generator) -> Float32:
    """float32 [52]: `weights`, each muscle a little stronger or weaker, sides not quite equal."""
    base = both_sides(weights)
    muscle = both_sides({name: rng.uniform(0.82, 1.15) for name in weights})
    sides = rng.uniform(0.94, 1.06, base.shape)
    return np.clip(base * muscle * sides, 0, 1).astype(np.float32)
