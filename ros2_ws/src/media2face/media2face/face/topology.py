"""The mesh all heads share: connectivity, texture coordinates, parts, and its coordinate maps."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media2face.types import Float32

MAP_SIZE = 128  # texels along a side of either coordinate map
LEVELS = ("full", "light")
SMOOTHING = 1e-2  # of a map between the vertices it has to pass through
FIT_STEPS = 60

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

    def sample(self, vertices: Float32) -> Float32:
        """The surface at the texel centres: float32 [..., V, 3] -> [..., 3, size, size]."""
        texels = np.einsum(
            "...nkc,nk->...cn", vertices[..., self.texel_vertices, :], self.texel_weights
        )
        return texels.reshape(*texels.shape[:-1], self.size, self.size).astype(np.float32)

    def from_mesh(self, vertices: Float32) -> Float32:
        """Coordinate map float32 [3, size, size] of vertices float32 [V, 3].

        The smoothest map that `to_mesh` reads the vertices from: the least squares of its reading
        and of its second differences, by conjugate gradients from `sample`.
        """
        index, weights = self.bilinear()
        texels = self.size * self.size
        maps = self.sample(vertices).reshape(3, texels).astype(np.float64)

        def normal(x: np.ndarray) -> np.ndarray:
            read = np.einsum("cnk,nk->cn", x[:, index], weights)
            return _scatter(read, index, weights, texels) + SMOOTHING * self._bend(x)

        target = vertices[self.vertices].T.astype(np.float64)
        residual = _scatter(target, index, weights, texels) - normal(maps)
        step, power = residual.copy(), (residual**2).sum()
        for _ in range(FIT_STEPS):
            moved = normal(step)
            length = power / max((step * moved).sum(), 1e-30)
            maps += length * step
            residual -= length * moved
            power, last = (residual**2).sum(), power
            step = residual + power / max(last, 1e-30) * step
        return maps.reshape(3, self.size, self.size).astype(np.float32)

    def _bend(self, flat: np.ndarray) -> np.ndarray:
        """Gradient of half the squared second differences along both axes; [C, texels]."""
        maps = flat.reshape(-1, self.size, self.size)
        result = np.zeros_like(maps)
        for x, out in ((maps, result), (maps.swapaxes(1, 2), result.swapaxes(1, 2))):
            second = x[:, 2:] - 2 * x[:, 1:-1] + x[:, :-2]
            out[:, 2:] += second
            out[:, 1:-1] -= 2 * second
            out[:, :-2] += second
        return result.reshape(len(flat), -1)

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


def _scatter(values: np.ndarray, index: np.ndarray, weights: Float32, texels: int) -> np.ndarray:
    """Transpose of a bilinear reading: [C, N] at the vertices -> [C, texels]."""
    spread = values[:, :, None] * weights
    return np.stack([np.bincount(index.ravel(), row.ravel(), minlength=texels) for row in spread])


@dataclass(frozen=True)
class CoordinateMaps:
    """The two maps of the full mesh: the face, and the back of the head with the cavities."""

    face: MapLayout
    back: MapLayout

    def from_mesh(self, vertices: Float32) -> tuple[Float32, Float32]:
        """Both maps float32 [3, size, size] of vertices float32 [V, 3]."""
        return self.face.from_mesh(vertices), self.back.from_mesh(vertices)


@dataclass(frozen=True)
class Topology:
    """The mesh, at one level of detail.

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
        full_vertex: int64 [V] the vertex of the full mesh each one is.
        source_vertex: int64 [V] row in the public head, -1 for our own eyeballs.
        chart: uint8 [V] one of CHART_*: which coordinate map (or bones, or eye) moves it.
        bone_weights: float32 [V, 2] share of the jaw's and the tongue's motion (CHART_BONES).
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
    full_vertex: np.ndarray
    source_vertex: np.ndarray
    chart: np.ndarray
    bone_weights: Float32
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
    "triangles", "neutral", "uv", "part_ranges", "landmarks68", "weld", "full_vertex",
    "source_vertex", "chart", "bone_weights", "eye_centres", "lip_vertices",
    "upper_face_vertices",
)  # fmt: skip
_INDICES = ("part_ranges", "full_vertex", "lip_vertices", "upper_face_vertices", "source_vertex")
_MAP = ("vertices", "uv", "texel_vertices", "texel_weights", "inside")


def topology_file(level: str) -> str:
    """Name of a level's file in a GNPFA folder. Raises ValueError with the known levels."""
    if level not in LEVELS:
        raise ValueError(f"no mesh level {level!r}; there are {', '.join(LEVELS)}")
    return f"topology_{level}.npz"


def save_topology(path: Path, topology: Topology) -> None:
    """Writes the npz that load_topology reads."""
    arrays = {name: getattr(topology, name) for name in _PLAIN}
    arrays["part_names"] = np.array(topology.part_names)
    np.savez_compressed(path, **{name: _small(array) for name, array in arrays.items()})


def save_maps(path: Path, maps: CoordinateMaps) -> None:
    """Writes the npz that load_maps reads."""
    arrays = {
        f"{prefix}.{name}": _small(getattr(layout, name))
        for prefix, layout in (("face", maps.face), ("back", maps.back))
        for name in _MAP
    }
    for name in ("face.texel_weights", "back.texel_weights"):
        arrays[name] = arrays[name].astype(np.float16)
    np.savez_compressed(path, **arrays)


def _small(array: np.ndarray) -> np.ndarray:
    fits = array.dtype == np.int64 and array.min() >= 0 and array.max() < 1 << 16
    return array.astype(np.uint16) if fits else array


def load_topology(path: Path) -> Topology:
    """Reads a topology. Raises ValueError naming the file and the field that is wrong."""
    raw = _read(path, (*_PLAIN, "part_names"))
    fields = {n: raw[n].astype(np.int64) if n in _INDICES else raw[n] for n in _PLAIN}
    if fields["triangles"].max() >= len(fields["neutral"]):
        raise ValueError(f"{path}: field 'triangles' names a vertex that does not exist")
    return Topology(
        id=hashlib.sha256(fields["triangles"].tobytes()).hexdigest()[:12],
        part_names=tuple(str(n) for n in raw["part_names"]),
        **fields,
    )


def load_maps(path: Path) -> CoordinateMaps:
    """Reads the coordinate maps. Raises ValueError naming the file and the field."""
    raw = _read(path, [f"{prefix}.{name}" for prefix in ("face", "back") for name in _MAP])
    return CoordinateMaps(_load_map(raw, "face"), _load_map(raw, "back"))


def _read(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    try:
        raw = dict(np.load(path, allow_pickle=False))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is not a readable topology file: {error}") from error
    missing = [name for name in names if name not in raw]
    if missing:
        raise ValueError(f"{path}: field {missing[0]!r} is missing")
    return raw


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
