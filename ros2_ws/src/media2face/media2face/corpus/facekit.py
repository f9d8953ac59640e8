"""The public morphable head (ICT Face Model Light) in our units, axes and blendshape names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media2face.contract import BLENDSHAPE_DIM, BLENDSHAPE_NAMES
from media2face.types import Float32

CHART_MATERIALS = ("M_Face", "M_BackHead", "M_GumsTongue", "M_Teeth")
TONGUE_OUT_M = 0.03


@dataclass(frozen=True)
class FaceKit:
    """Arrays of facekit.npz. Positions in metres, head frame (x forward, y left, z up).

    Attributes:
        neutral: float32 [N, 3].
        identity: float32 [100, N, 3] PCA deltas; weights are about N(0, 1).
        shapes: float32 [52, N, 3] deltas in the order of contract.BLENDSHAPE_NAMES.
        faces: int32 [F, 4], a triangle has -1 in the 4th place; face_texcoords likewise.
        texcoords: float32 [U, 2].
        face_material: str [F].
        tongue: int64 vertices of the tongue's upper side.
        landmarks68: int64 [68].
        regions: vertex range by name.
    """

    neutral: Float32
    identity: Float32
    shapes: Float32
    faces: np.ndarray
    texcoords: Float32
    face_texcoords: np.ndarray
    face_material: np.ndarray
    tongue: np.ndarray
    landmarks68: np.ndarray
    regions: dict[str, tuple[int, int]]


def to_head_frame(points_cm: np.ndarray) -> Float32:
    """ICT centimetres (x to the head's left, y up, z forward) to metres in the head frame."""
    return np.ascontiguousarray(np.asarray(points_cm, np.float32)[..., [2, 0, 1]] / 100)


def load_facekit(path: Path) -> FaceKit:
    """Reads facekit.npz. Raises FileNotFoundError naming the file."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: give the folder that holds facekit.npz")
    raw = np.load(path)
    regions = {
        str(name): (int(low), int(high))
        for name, (low, high) in zip(raw["region_names"], raw["region_ranges"], strict=True)
    }
    neutral = to_head_frame(raw["neutral"])
    names = [str(n) for n in raw["expression_names"]]
    shapes = _arkit_shapes(names, to_head_frame(raw["expression"]))
    tongue = _tongue_vertices(raw)
    shapes[BLENDSHAPE_NAMES.index("tongueOut")] = _tongue_out(neutral, tongue)
    materials = np.array([str(n) for n in raw["material_names"]])
    return FaceKit(
        neutral=neutral,
        identity=to_head_frame(raw["identity"]),
        shapes=shapes,
        faces=raw["faces"],
        texcoords=raw["texcoords"],
        face_texcoords=raw["face_texcoords"],
        face_material=materials[raw["face_material"]],
        tongue=tongue,
        landmarks68=raw["landmarks68"].astype(np.int64),
        regions=regions,
    )


def _arkit_shapes(names: list[str], deltas: Float32) -> Float32:
    shapes = np.zeros((BLENDSHAPE_DIM, *deltas.shape[1:]), np.float32)
    for index, name in enumerate(BLENDSHAPE_NAMES):
        own = name.replace("Left", "_L").replace("Right", "_R")
        if name in names:
            own = name
        pair = [own] if own in names else [f"{name}_L", f"{name}_R"]
        if name != "tongueOut":
            shapes[index] = sum(deltas[names.index(n)] for n in pair)
    return shapes


def _tongue_vertices(raw: dict[str, np.ndarray]) -> np.ndarray:
    """Vertices of the tongue's upper side: its island in the texture of M_GumsTongue."""
    corner = raw["face_texcoords"]
    uv = raw["texcoords"][corner[:, 0]]
    inside = (uv[:, 0] > 2.48) & (uv[:, 0] < 3.0) & (uv[:, 1] < 0.48)
    tongue = np.unique(raw["faces"][inside])
    return tongue[tongue >= 0]


def _tongue_out(neutral: Float32, tongue: np.ndarray) -> Float32:
    """The kit has no tongueOut: the tip slides forward and a little up, the root stays."""
    delta = np.zeros_like(neutral)
    x = neutral[tongue, 0]
    reach = (x - x.min()) / np.ptp(x)
    delta[tongue] = reach[:, None] * np.array([TONGUE_OUT_M, 0.0, 0.006], np.float32)
    return delta
