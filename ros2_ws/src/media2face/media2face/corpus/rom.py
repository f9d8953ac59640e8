"""Range of motion: random heads and random expressions to train the GNPFA on (PAPER.md 1)."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media2face.contract import BLENDSHAPE_DIM, BLENDSHAPE_NAMES
from media2face.corpus.facekit import FaceKit
from media2face.corpus.personal import PersonalRig
from media2face.corpus.topology import fit_eye
from media2face.corpus.visemes import target_matrix
from media2face.face.topology import Topology
from media2face.types import Float32

# Of two shapes that pull the same skin opposite ways, the weaker one is dropped.
EXCLUSIVE = (
    ("eyeBlinkLeft", "eyeWideLeft"),
    ("eyeBlinkRight", "eyeWideRight"),
    ("eyeLookUpLeft", "eyeLookDownLeft"),
    ("eyeLookUpRight", "eyeLookDownRight"),
    ("eyeLookInLeft", "eyeLookOutLeft"),
    ("eyeLookInRight", "eyeLookOutRight"),
    ("jawLeft", "jawRight"),
    ("mouthLeft", "mouthRight"),
    ("mouthSmileLeft", "mouthFrownLeft"),
    ("mouthSmileRight", "mouthFrownRight"),
    ("mouthStretchLeft", "mouthPucker"),
    ("mouthStretchRight", "mouthPucker"),
    ("browDownLeft", "browOuterUpLeft"),
    ("browDownRight", "browOuterUpRight"),
    ("tongueOut", "mouthClose"),
)
_INDEX = {name: index for index, name in enumerate(BLENDSHAPE_NAMES)}


@dataclass(frozen=True)
class RomSource:
    """Captured expressions, float32 [N, 52] each."""

    full_face: Float32
    speech: Float32


def load_captures(folder: Path) -> RomSource:
    """Reads the Live Link Face takes and the facegood takes below `folder`."""
    livelink = [read_livelink(p) for p in sorted((folder / "livelink_rom").glob("*.csv"))]
    facegood = [read_facegood(p)[0] for p in sorted((folder / "facegood_zh").glob("*.npz"))]
    if not livelink or not facegood:
        raise FileNotFoundError(f"{folder}: no livelink_rom/*.csv or no facegood_zh/*.npz there")
    return RomSource(np.concatenate(livelink), np.concatenate(facegood))


def read_livelink(path: Path) -> Float32:
    """Weights float32 [T, 52] of a Live Link Face CSV, in our order."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    columns = {name.lower(): index for index, name in enumerate(rows[0])}
    order = [columns[name.lower()] for name in BLENDSHAPE_NAMES]
    body = [[float(row[i]) for i in order] for row in rows[1:] if len(row) == len(rows[0])]
    return np.clip(np.array(body, np.float32), 0, 1)


def read_facegood(path: Path) -> tuple[Float32, float]:
    """Weights float32 [T, 52] in our order (names it lacks are zero) and the frame rate."""
    raw = np.load(path)
    known = {name.lower(): index for name, index in _INDEX.items()}
    weights = np.zeros((len(raw["weights"]), BLENDSHAPE_DIM), np.float32)
    for column, name in enumerate(raw["names"]):
        if str(name).lower() in known:
            weights[:, known[str(name).lower()]] = raw["weights"][:, column]
    return np.clip(weights, 0, 1), float(raw["fps"])


def sample_expressions(source: RomSource, count: int, rng: np.random.Generator) -> Float32:
    """Random weights float32 [count, 52]: captures, captures with extras, sparse, captured
    speech, mixed visemes, and facial actions left and right together (as FACS combines them)."""
    kind = rng.choice(6, count, p=(0.25, 0.2, 0.15, 0.15, 0.1, 0.15))
    weights = source.full_face[rng.integers(len(source.full_face), size=count)].copy()
    speech = source.speech[rng.integers(len(source.speech), size=count)]
    sparse = _sparse(count, rng)
    gain = rng.uniform(0.5, 1.3, (count, 1)).astype(np.float32)
    for number, other in (
        (1, weights * gain + sparse * 0.7),
        (2, sparse),
        (3, speech * gain + 0.3 * sparse),
        (4, _visemes(count, rng) * gain),
        (5, _actions(count, rng)),
    ):
        weights = np.where((kind == number)[:, None], other, weights)
    return plausible(np.clip(weights, 0, 1).astype(np.float32))


def _visemes(count: int, rng: np.random.Generator) -> Float32:
    """Two phones' shapes, mixed."""
    table = target_matrix()
    first, second = (table[rng.integers(len(table), size=count)] for _ in range(2))
    share = rng.random((count, 1)).astype(np.float32)
    return share * first + (1 - share) * second


def _actions(count: int, rng: np.random.Generator) -> Float32:
    """One to five facial actions; most of them on both sides alike."""
    names = sorted({re.sub("(Left|Right)$", "", name) for name in BLENDSHAPE_NAMES})
    sides = [[i for n, i in _INDEX.items() if re.sub("(Left|Right)$", "", n) == a] for a in names]
    weights = np.zeros((count, BLENDSHAPE_DIM), np.float32)
    for row in weights:
        for action in rng.choice(len(names), rng.integers(1, 6), replace=False):
            row[sides[action]] = rng.random()
    return weights * rng.choice((1.0, 1.0, 0.6), (count, BLENDSHAPE_DIM)).astype(np.float32)


def _sparse(count: int, rng: np.random.Generator) -> Float32:
    active = rng.random((count, BLENDSHAPE_DIM)) < rng.uniform(0.03, 0.15, (count, 1))
    weights = (active * rng.random((count, BLENDSHAPE_DIM))).astype(np.float32)
    for index, name in enumerate(BLENDSHAPE_NAMES):
        if name.endswith("Right") and name.replace("Right", "Left") in _INDEX:
            same = rng.random(count) < 0.6
            left = weights[:, _INDEX[name.replace("Right", "Left")]]
            weights[same, index] = left[same]
    closed = rng.random(count) < 0.15
    weights[closed, _INDEX["jawOpen"]] = rng.random(closed.sum()) * 0.4
    weights[closed, _INDEX["mouthClose"]] = weights[closed, _INDEX["jawOpen"]]
    return weights


def plausible(weights: Float32) -> Float32:
    """Drops the weaker of two opposed shapes and keeps mouthClose at most jawOpen."""
    result = weights.copy()
    for first, second in EXCLUSIVE:
        a, b = result[:, _INDEX[first]], result[:, _INDEX[second]]
        result[:, _INDEX[first]] = np.where(a >= b, a, 0)
        result[:, _INDEX[second]] = np.where(a >= b, 0, b)
    jaw = result[:, _INDEX["jawOpen"]]
    result[:, _INDEX["mouthClose"]] = np.minimum(result[:, _INDEX["mouthClose"]], jaw)
    return result


def sample_identity(rng: np.random.Generator, spread: float = 0.8) -> Float32:
    """Weights float32 [100] of the identity modes, within +-2.2 deviations."""
    return np.clip(rng.normal(0, spread, 100), -2.2, 2.2).astype(np.float32)


def identity_modes(kit: FaceKit, topology: Topology, rig: PersonalRig) -> tuple[Float32, Float32]:
    """How each identity mode moves our mesh, float32 [100, V, 3], and its eye centres, float32
    [100, 2, 3]; metres at weight 1. The lips stay as far apart as on the average head."""
    own = topology.source_vertex >= 0
    modes = np.zeros((len(kit.identity), *topology.neutral.shape), np.float32)
    centres = np.zeros((len(kit.identity), 2, 3), np.float32)
    modes[:, own] = kit.identity[:, topology.source_vertex[own]]
    for eye, (part, region) in enumerate(
        (("eye_left", "eyeball_left"), ("eye_right", "eyeball_right"))
    ):
        rows = topology.part(part)
        centre, radius = fit_eye(kit, kit.neutral, region)
        for number, mode in enumerate(kit.identity):
            moved, size = fit_eye(kit, kit.neutral + mode, region)
            arm = topology.neutral[rows] - centre
            centres[number, eye] = moved - centre
            modes[number, rows] = moved - centre + arm * (size / radius - 1)
    rig.settle_lips(modes)
    return modes, centres


def mesh_shapes(kit: FaceKit, topology: Topology) -> Float32:
    """The 52 shapes on our mesh, float32 [52, V, 3] metres; zero on the eyeballs."""
    shapes = np.zeros((BLENDSHAPE_DIM, len(topology.neutral), 3), np.float32)
    own = topology.source_vertex >= 0
    shapes[:, own] = kit.shapes[:, topology.source_vertex[own]]
    return shapes
