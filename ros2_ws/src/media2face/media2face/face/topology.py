"""The mesh all heads share: connectivity, texture coordinates, parts, and its coordinate maps."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media2face.types import Float32

FACE_MAP_SIZE = 128
BACK_MAP_SIZE = 64

CHART_FACE, CHART_BACK, CHART_BONES, CHART_EYES = range(4)


@dataclass(frozen=True)
class MapLayout:
    """How vertices and the texels of one coordinate map exchange positions.

    Attributes:
        size: texels along a side.
        vertices: int64 [N] the vertices of this chart.
        uv: float32 [N, 2] their place in the map, in [0, 1]; u to the right, v upwards.
        texel_vertices: int64 [size * size, 3] the triangle a texel lies in (outside the chart,
            the triangle of the nearest texel inside).
        texel_weights: float32 [size * size, 3] barycentric.
        inside: bool [size * size].
    """

    size: int
    vertices: np.ndarray
    uv: Float32
    texel_vertices: np.ndarray
    texel_weights: Float32
    inside: np.ndarray

    def from_mesh(self, vertices: Float32) -> Float32:
        """float32 [..., V, 3] -> coordinate map float32 [..., 3, size, size]."""
        texels = np.einsum(
            "...nkc,nk->...cn", vertices[..., self.texel_vertices, :], self.texel_weights
        )
        return texels.reshape(*texels.shape[:-1], self.size, self.size).astype(np.float32)

    def bilinear(self) -> tuple[np.ndarray, Float32]:
        """Flat texel indices int64 [N, 4] and weights float32 [N, 4] that read the map at uv."""
        xy = np.clip(self.uv * self.size - 0.5, 0, self.size - 1)
        low = np.minimum(np.floor(xy).astype(np.int64), self.size - 2)
        frac = (xy - low).astype(np.float32)
        x, y = low[:, 0], low[:, 1]
        index = np.stack([y, y, y + 1, y + 1], 1) * self.size + np.stack([x, x + 1, x, x + 1], 1)
        fx, fy = frac[:, 0], frac[:, 1]
        weights = np.stack([(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy], 1)
        return index, weights

    def to_mesh(self, maps: Float32) -> Float32:
        """Coordinate maps float32 [..., C, size, size] -> values at `vertices` [..., N, C]."""
        index, weights = self.bilinear()
        flat = maps.reshape(*maps.shape[:-2], self.size * self.size)
        return np.einsum("...cnk,nk->...nc", flat[..., index], weights).astype(np.float32)


@dataclass(frozen=True)
class Topology:
    """The mesh.

    Attributes:
        id: short hash of the connectivity; messages carry it.
        triangles: uint32 [F, 3], counter-clockwise from outside.
        neutral: float32 [V, 3] the average head, metres, head frame.
        uv: float32 [V, 2] texture coordinates; charts: face [0, 1], back of the head and mouth
            cavity u in [1, 2], gums and tongue [2, 3], teeth [3, 4], eyeballs: (turn, polar angle
            / pi) about the optical axis.
        part_names, part_ranges: P names and int64 [P, 2] vertex ranges, contiguous.
        landmarks68: uint32 [68] vertex nearest each Multi-PIE landmark.
        weld: uint32 [V] first vertex with the same place (seams double vertices).
        source_vertex: int64 [V] row in the public head, -1 for our own eyeballs.
        chart: uint8 [V] one of CHART_*: which coordinate map (or bones, or eye) moves it.
        bone_weights: float32 [V, 2] share of the jaw's and the tongue's motion (CHART_BONES).
        face_map, back_map: the coordinate maps.
        eye_centres: float32 [2, 3] of `neutral`; left, right.
        lip_vertices: int64, outer and inner lips. upper_face_vertices: int64, for FDD.
    """

    id: str
    triangles: np.ndarray
    neutral: Float32
    uv: Float32
    part_names: tuple[str, ...]
    part_ranges: np.ndarray
    landmarks68: np.ndarray
    weld: np.ndarray
    source_vertex: np.ndarray
    chart: np.ndarray
    bone_weights: Float32
    face_map: MapLayout
    back_map: MapLayout
    eye_centres: Float32
    lip_vertices: np.ndarray
    upper_face_vertices: np.ndarray

    def part(self, name: str) -> slice:
        """Vertex slice of a part. Raises KeyError with the known names."""
        if name not in self.part_names:
            raise KeyError(f"no part {name!r}; there are {', '.join(self.part_names)}")
        low, high = self.part_ranges[self.part_names.index(name)]
        return slice(int(low), int(high))


_PLAIN = (
    "triangles", "neutral", "uv", "part_ranges", "landmarks68", "weld", "source_vertex", "chart",
    "bone_weights", "eye_centres", "lip_vertices", "upper_face_vertices",
)  # fmt: skip
_MAP = ("vertices", "uv", "texel_vertices", "texel_weights", "inside")


def save_topology(path: Path, topology: Topology) -> None:
    """Writes the npz that load_topology reads."""
    arrays = {name: getattr(topology, name) for name in _PLAIN}
    arrays["part_names"] = np.array(topology.part_names)
    for prefix in ("face_map", "back_map"):
        layout = getattr(topology, prefix)
        arrays |= {f"{prefix}.{name}": getattr(layout, name) for name in _MAP}
    for name, array in arrays.items():
        if array.dtype == np.int64 and name != "source_vertex":
            arrays[name] = array.astype(np.uint16)
    for name in ("face_map.texel_weights", "back_map.texel_weights"):
        arrays[name] = arrays[name].astype(np.float16)
    np.savez_compressed(path, **arrays)


def load_topology(path: Path) -> Topology:
    """Reads a topology. Raises ValueError naming the file and the field that is wrong."""
    try:
        raw = dict(np.load(path, allow_pickle=False))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is not a readable topology file: {error}") from error
    missing = [n for n in (*_PLAIN, "part_names") if n not in raw]
    if missing:
        raise ValueError(f"{path}: field {missing[0]!r} is missing")
    index_fields = ("part_ranges", "lip_vertices", "upper_face_vertices", "source_vertex")
    fields = {n: raw[n].astype(np.int64) if n in index_fields else raw[n] for n in _PLAIN}
    if fields["triangles"].max() >= len(fields["neutral"]):
        raise ValueError(f"{path}: field 'triangles' names a vertex that does not exist")
    return Topology(
        id=hashlib.sha256(fields["triangles"].tobytes()).hexdigest()[:12],
        part_names=tuple(str(n) for n in raw["part_names"]),
        face_map=_load_map(raw, "face_map"),
        back_map=_load_map(raw, "back_map"),
        **fields,
    )


def _load_map(raw: dict[str, np.ndarray], prefix: str) -> MapLayout:
    inside = raw[f"{prefix}.inside"]
    return MapLayout(
        size=round(inside.size**0.5),
        vertices=raw[f"{prefix}.vertices"].astype(np.int64),
        uv=raw[f"{prefix}.uv"],
        texel_vertices=raw[f"{prefix}.texel_vertices"].astype(np.int64),
        texel_weights=raw[f"{prefix}.texel_weights"].astype(np.float32),
        inside=inside,
    )
