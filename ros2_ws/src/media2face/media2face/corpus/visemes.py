"""Mouth shapes of the phones: targets, how far they reach, and what they do to the lip gap.

The gap between the inner lips is linear in the weights of a blendshape rig, so the table below
lets the teacher compute it, close it exactly and keep it under every emotion. The numbers were
measured on the ICT Face Model Light; `media2face.corpus.geometry` measures them again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from media2face.contract import BLENDSHAPE_DIM, BLENDSHAPE_NAMES
from media2face.corpus.phones import BILABIALS, LABIODENTALS, PHONES, VOWELS
from media2face.types import Float32

INDEX: dict[str, int] = {name: i for i, name in enumerate(BLENDSHAPE_NAMES)}
JAW_OPEN = INDEX["jawOpen"]
MOUTH_CLOSE = INDEX["mouthClose"]
ROLL_LOWER, ROLL_UPPER = INDEX["mouthRollLower"], INDEX["mouthRollUpper"]

# Upper minus lower inner lip in mm, mean of the middle (landmarks 62, 66; weight one half) and
# the sides (61, 67 and 63, 65): vertical gap, and how far the upper lip is in front.
_NEUTRAL_MM = (0.80, 0.375)
_LIPS_MM: dict[str, tuple[float, float]] = {
    "jawOpen": (29.87, 17.6), "mouthClose": (-37.64, -13.6), "mouthFunnel": (11.56, -0.95),
    "mouthPucker": (-1.10, -2.08), "jawForward": (1.15, -8.52),
    "mouthRollLower": (-2.79, 11.53), "mouthRollUpper": (1.64, -10.35),
    "mouthShrugLower": (-6.52, -5.24), "mouthShrugUpper": (4.74, 0.96),
    "cheekPuff": (-0.19, -1.65), "mouthLeft": (-0.51, -0.81), "mouthRight": (-0.51, -0.81),
    "mouthLowerDown": (3.03, 0.55), "mouthUpperUp": (3.51, -0.17), "mouthPress": (-1.14, -0.9),
    "mouthSmile": (-0.06, -0.64), "mouthFrown": (-0.12, -0.46), "mouthDimple": (-0.68, 0.34),
    "mouthStretch": (-0.17, -0.25), "cheekSquint": (0.19, -0.34), "noseSneer": (3.15, -0.18),
}  # fmt: skip


def both_sides(weights: dict[str, float]) -> Float32:
    """float32 [52]; a name without Left/Right that the rig has only in pairs sets both sides."""
    out = np.zeros(BLENDSHAPE_DIM, np.float32)
    for name, weight in weights.items():
        names = (name,) if name in INDEX else (f"{name}Left", f"{name}Right")
        for each in names:
            out[INDEX[each]] = weight
    return out


NEUTRAL_GAP = _NEUTRAL_MM[0]


def gap_of(name: str) -> float:
    """mm by which a full weight of `name` (Left/Right left out) opens the lips."""
    return _LIPS_MM[name][0]


def lip_gap_mm(weights: Float32) -> Float32:
    """Signed vertical lip gap in mm of weights [..., 52], mean of the middle and the sides."""
    per_weight = both_sides({name: mm[0] for name, mm in _LIPS_MM.items()})
    return (_NEUTRAL_MM[0] + weights @ per_weight).astype(np.float32)


def lip_offset_mm(weights: Float32) -> Float32:
    """How far the upper lip is in front of the lower one, mm, of weights [..., 52]."""
    per_weight = both_sides({name: mm[1] for name, mm in _LIPS_MM.items()})
    return (_NEUTRAL_MM[1] + weights @ per_weight).astype(np.float32)


def offset_of(name: str) -> float:
    """mm by which a full weight of `name` brings the upper lip in front of the lower one."""
    return _LIPS_MM[name][1]


# Full targets at normal loudness. Diphthongs are two phones, see DIPHTHONGS.
_CLOSED = {"jawOpen": 0.05, "mouthRollLower": 0.13, "mouthRollUpper": 0.15, "mouthPress": 0.2}
_LABIODENTAL = {"jawOpen": 0.05, "mouthRollLower": 0.36, "mouthUpperUp": 0.14}
_ALVEOLAR = {"jawOpen": 0.09, "mouthLowerDown": 0.14, "mouthStretch": 0.06}
_HISS = {"jawOpen": 0.05, "mouthLowerDown": 0.18, "mouthUpperUp": 0.08, "mouthStretch": 0.16}
_HUSH = {"jawOpen": 0.05, "mouthFunnel": 0.32, "mouthPucker": 0.16, "mouthShrugUpper": 0.05}
_VELAR = {"jawOpen": 0.14, "mouthLowerDown": 0.1}
_DENTAL = {"jawOpen": 0.1, "mouthLowerDown": 0.14, "tongueOut": 0.15}
TARGETS: dict[str, dict[str, float]] = {
    "sil": {},
    "aa": {"jawOpen": 0.38, "mouthLowerDown": 0.18, "mouthUpperUp": 0.08},
    "ae": {"jawOpen": 0.32, "mouthLowerDown": 0.24, "mouthUpperUp": 0.12, "mouthStretch": 0.2,
           "mouthSmile": 0.08},
    "ah": {"jawOpen": 0.27, "mouthLowerDown": 0.16, "mouthUpperUp": 0.06},
    "ao": {"jawOpen": 0.3, "mouthFunnel": 0.26, "mouthPucker": 0.18},
    "ax": {"jawOpen": 0.18, "mouthLowerDown": 0.12, "mouthUpperUp": 0.03},
    "eh": {"jawOpen": 0.25, "mouthLowerDown": 0.22, "mouthUpperUp": 0.1, "mouthStretch": 0.18},
    "er": {"jawOpen": 0.14, "mouthFunnel": 0.22, "mouthPucker": 0.24},
    "ih": {"jawOpen": 0.17, "mouthLowerDown": 0.2, "mouthUpperUp": 0.08, "mouthStretch": 0.18},
    "iy": {"jawOpen": 0.11, "mouthLowerDown": 0.22, "mouthUpperUp": 0.1, "mouthStretch": 0.32,
           "mouthSmile": 0.16},
    "uh": {"jawOpen": 0.15, "mouthFunnel": 0.24, "mouthPucker": 0.28},
    "uw": {"jawOpen": 0.08, "mouthFunnel": 0.16, "mouthPucker": 0.58},
    "yy": {"jawOpen": 0.07, "mouthFunnel": 0.18, "mouthPucker": 0.52, "mouthLowerDown": 0.06},
    "oe": {"jawOpen": 0.17, "mouthFunnel": 0.26, "mouthPucker": 0.32},
    "w": {"jawOpen": 0.04, "mouthFunnel": 0.06, "mouthPucker": 0.72},
    "r": {"jawOpen": 0.09, "mouthFunnel": 0.2, "mouthPucker": 0.3},
    "y": {"jawOpen": 0.1, "mouthLowerDown": 0.16, "mouthStretch": 0.2, "mouthSmile": 0.06},
    "l": {"jawOpen": 0.17, "mouthLowerDown": 0.14, "tongueOut": 0.05},
    "hh": {"jawOpen": 0.2, "mouthLowerDown": 0.1},
    "p": _CLOSED, "b": _CLOSED, "m": _CLOSED, "f": _LABIODENTAL, "v": _LABIODENTAL,
    "t": _ALVEOLAR, "d": _ALVEOLAR, "n": _ALVEOLAR, "s": _HISS, "z": _HISS,
    "sh": _HUSH, "zh": _HUSH, "ch": _HUSH, "jh": _HUSH,
    "k": _VELAR, "g": _VELAR, "ng": _VELAR, "x": _VELAR, "th": _DENTAL, "dh": _DENTAL,
}  # fmt: skip
# Phone -> its two parts; the first takes 55 % of the time.
DIPHTHONGS: dict[str, tuple[str, str]] = {
    "aw": ("aa", "uh"), "ay": ("aa", "ih"), "ey": ("eh", "iy"), "ow": ("ao", "uw"),
    "oy": ("ao", "iy"),
}  # fmt: skip
ROUNDED = frozenset(
    ("w", "uw", "ow", "oy", "sh", "ch", "zh", "jh", "r", "ao", "uh", "er", "yy", "oe")
)
# Hisses need their jaw; hh takes the shape of its neighbours.
_CONSONANT_HEIGHT = {"s": 0.8, "z": 0.8, "sh": 0.8, "ch": 0.8, "jh": 0.8, "zh": 0.8, "hh": 0.3}

JAW_GROUP, ROUND_GROUP, LIP_GROUP = 0, 1, 2
_ROUND_CHANNELS = ("mouthFunnel", "mouthPucker", "mouthShrugUpper")


@dataclass(frozen=True)
class Reach:
    """Dominance of a phone over one channel group: height, and time constants before the phone
    (anticipation) and after it (carry-over), seconds."""

    height: float
    before_s: float
    after_s: float


def reach(phone: str, group: int) -> Reach:
    """How strongly and how far `phone` pulls the channels of `group`."""
    if phone == "sil":
        return Reach(1.0, 0.045, 0.045)
    if group == ROUND_GROUP:
        if phone in ROUNDED:
            return Reach(1.0, 0.075, 0.055)
        return Reach(0.8 if phone in VOWELS else 0.25, 0.035, 0.035)
    if phone in VOWELS:
        return Reach(1.0, 0.05, 0.05)
    if phone in BILABIALS or phone in LABIODENTALS:
        return Reach(1.2, 0.03, 0.03)
    return Reach(_CONSONANT_HEIGHT.get(phone, 0.6), 0.035, 0.035)


def target_matrix() -> Float32:
    """float32 [phones, 52]: the target of every phone class; a diphthong has its first part's."""
    rows = [both_sides(TARGETS[DIPHTHONGS.get(name, (name,))[0]]) for name in PHONES]
    return np.stack(rows)


def channel_groups() -> np.ndarray:
    """int64 [52]: dominance group of every channel."""
    groups = np.full(BLENDSHAPE_DIM, LIP_GROUP)
    groups[[INDEX["jawOpen"], INDEX["jawForward"]]] = JAW_GROUP
    groups[[INDEX[name] for name in _ROUND_CHANNELS]] = ROUND_GROUP
    return groups
