"""Heads at run time: presets, the basis at the vertices, eyeballs that turn. Numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media2face.face.topology import CHART_BONES, Topology
from media2face.types import Float32


@dataclass(frozen=True)
class HeadPresets:
    """Named neutral heads.

    Attributes:
        names: one a head.
        neutral: float32 [I, V, 3] metres, head frame.
        eye_centres: float32 [I, 2, 3] metres, left then right.
    """

    names: tuple[str, ...]
    neutral: Float32
    eye_centres: Float32

    def index(self, name: str) -> int:
        """Raises KeyError with the known names."""
        if name not in self.names:
            raise KeyError(f"no identity {name!r}; there are {', '.join(self.names)}")
        return self.names.index(name)


def save_presets(path: Path, topology: Topology, presets: HeadPresets) -> None:
    """Writes the npz that load_presets reads; float16 offsets from the average head, 10 um."""
    offset = ((presets.neutral - topology.neutral) * 1000).astype(np.float16)
    np.savez_compressed(
        path,
        names=np.array(presets.names),
        offset_mm=offset,
        eye_centres=presets.eye_centres.astype(np.float32),
    )


def load_presets(path: Path, topology: Topology) -> HeadPresets:
    """Raises ValueError naming the file where it does not fit the topology."""
    raw = np.load(path, allow_pickle=False)
    if raw["offset_mm"].shape[1:] != topology.neutral.shape:
        raise ValueError(
            f"{path}: field 'offset_mm' is {raw['offset_mm'].shape}, "
            f"the topology has {len(topology.neutral)} vertices"
        )
    neutral = topology.neutral + raw["offset_mm"].astype(np.float32) / 1000
    return HeadPresets(tuple(str(n) for n in raw["names"]), neutral, raw["eye_centres"])


def vertex_basis(
    topology: Topology, neutral: Float32, face: Float32, back: Float32, bones: Float32
) -> Float32:
    """Reads the neutral branch's output at the vertices.

    Args:
        neutral: float32 [V, 3] metres.
        face, back: float32 [K, 3, H, W] displacement maps, decimetres.
        bones: float32 [K, 2, 3, 4] affine motions of jaw and tongue, decimetres.

    Returns:
        float32 [K, 3 V] metres.
    """
    basis = np.zeros((len(face), *neutral.shape), np.float32)
    basis[:, topology.face_map.vertices] = topology.face_map.to_mesh(face)
    basis[:, topology.back_map.vertices] = topology.back_map.to_mesh(back)
    rigid = topology.chart == CHART_BONES
    places = np.c_[neutral[rigid] * 10, np.ones(rigid.sum(), np.float32)]
    basis[:, rigid] = np.einsum(
        "kbij,nj,nb->kni", bones, places, topology.bone_weights[rigid], optimize=True
    )
    return (basis / 10).reshape(len(face), -1).astype(np.float32)


def rotate_eyes(
    vertices: Float32, topology: Topology, neutral: Float32, centres: Float32, eyes: Float32
) -> None:
    """Turns the eyeballs of vertices float32 [T, V, 3] in place; eyes float32 [T, 4] rad."""
    for side, name in enumerate(("eye_left", "eye_right")):
        part = topology.part(name)
        yaw, pitch = eyes[:, 2 * side], eyes[:, 2 * side + 1]
        arm = neutral[part] - centres[side]
        vertices[:, part] = centres[side] + arm @ yaw_pitch_matrix(yaw, pitch).transpose(0, 2, 1)


def yaw_pitch_matrix(yaw: Float32, pitch: Float32) -> Float32:
    """float32 [T, 3, 3] Rz(yaw) Ry(pitch): left positive, down positive."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    zero = np.zeros_like(yaw)
    rows = [[cy * cp, -sy, cy * sp], [sy * cp, cy, sy * sp], [-sp, zero, cp]]
    return np.stack([np.stack(r, -1) for r in rows], -2).astype(np.float32)
