"""Geometry that the renderer makes itself: normals, lid rims, lashes, the bust."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from media2face.face.rims import UPPER_LIDS, rim
from media2face.face.topology import Topology
from media2face.types import Float32


class SmoothNormals:
    """Area-weighted vertex normals of a fixed triangle list, welded over coincident vertices."""

    def __init__(self, triangles: npt.NDArray[np.uint32], weld: npt.NDArray[np.uint32]) -> None:
        """Sorts the triangle corners by welded vertex once.

        Args:
            triangles: uint32 [F, 3].
            weld: uint32 [V], the vertex that stands for each vertex.
        """
        self._triangles = triangles.astype(np.intp)
        corners = weld[triangles].ravel()
        order = np.argsort(corners, kind="stable")
        present, self._starts = np.unique(corners[order], return_index=True)
        self._face_of_corner = order // 3
        row = np.zeros(len(weld), np.intp)
        row[present] = np.arange(len(present))
        self._row_of_vertex = row[weld]

    def __call__(self, vertices: Float32) -> Float32:
        """float32 [V, 3] unit normals of vertices float32 [V, 3]."""
        a, b, c = (vertices[self._triangles[:, i]] for i in range(3))
        e, f = b - a, c - a
        faces = np.empty_like(e)
        for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
            faces[:, i] = e[:, j] * f[:, k] - e[:, k] * f[:, j]
        sums = np.add.reduceat(faces[self._face_of_corner], self._starts, axis=0)
        sums[:, 0] += 1e-12  # m^2; a vertex whose faces cancel looks ahead instead of nowhere
        sums /= np.sqrt(np.einsum("ij,ij->i", sums, sums))[:, None] + np.float32(1e-20)
        return sums[self._row_of_vertex].astype(np.float32)


class Lashes:
    """Two strips that stand on the upper lid rims and follow them from frame to frame."""

    def __init__(self, topology: Topology) -> None:
        self._rims = [rim(topology, marks) for marks in UPPER_LIDS]
        self._eyes = [topology.part("eye_left"), topology.part("eye_right")]
        self.triangles = self._connect()
        self.along = np.concatenate([self._share(rim) for rim in self._rims])

    def _share(self, rim: npt.NDArray[np.intp]) -> Float32:
        share = np.linspace(0, 1, len(rim))
        return np.column_stack(
            [np.tile(share, 2), np.repeat([0.0, 1.0], len(rim))]
        ).astype(np.float32)  # fmt: skip

    def _connect(self) -> npt.NDArray[np.uint32]:
        triangles, first = [], 0
        for path in self._rims:
            i = first + np.arange(len(path) - 1)
            j = i + len(path)
            triangles += [np.stack([i, i + 1, j], 1), np.stack([i + 1, j + 1, j], 1)]
            first += 2 * len(path)
        return np.concatenate(triangles).astype(np.uint32)

    def __call__(self, vertices: Float32) -> Float32:
        """float32 [N, 3] strip positions (m, head frame), in the order of `along`."""
        strips = []
        for sign, path, eye in zip((1, -1), self._rims, self._eyes, strict=True):
            root = vertices[path]
            away = root - vertices[eye].mean(axis=0)
            away /= np.linalg.norm(away, axis=1, keepdims=True)
            share = np.linspace(0, 1, len(path))[:, None]
            # Outer lashes are longer and sweep outwards; all curl up.
            away += share * (0, 0.55 * sign, 0) + (0, 0, 0.14)
            length = 0.0014 + 0.0052 * share * (1.35 - share)
            strips += [root - 0.0006 * away, root + length * away]
        return np.concatenate(strips).astype(np.float32)


# Rings of the turtleneck and shoulders from the top edge down: height, centre x, half depth
# (x), half width (y), in metres in the base frame, fitted around the neck of our head.
_RINGS = np.array(
    [
        (-0.122, -0.012, 0.058, 0.070),
        (-0.101, -0.010, 0.0635, 0.0705),
        (-0.098, -0.010, 0.067, 0.074),
        (-0.106, -0.011, 0.072, 0.081),
        (-0.120, -0.016, 0.081, 0.100),
        (-0.132, -0.020, 0.087, 0.122),
        (-0.146, -0.024, 0.092, 0.152),
        (-0.164, -0.026, 0.097, 0.181),
        (-0.190, -0.026, 0.104, 0.200),
        (-0.225, -0.026, 0.112, 0.210),
        (-0.300, -0.026, 0.122, 0.214),
        (-0.420, -0.026, 0.125, 0.214),
    ],
    np.float32,
)


def make_bust(
    around: int = 72, between: int = 4
) -> tuple[Float32, Float32, npt.NDArray[np.uint32]]:
    """Dark turtleneck that hides where the neck ends.

    Returns:
        positions float32 [N, 3] (m, base frame), occlusion float32 [N] in [0, 1] and triangles
        uint32 [M, 3], counter-clockwise from outside.
    """
    knots = np.arange(len(_RINGS))
    fine = np.linspace(0, len(_RINGS) - 1, (len(_RINGS) - 1) * between + 1)
    rings = np.stack([np.interp(fine, knots, column) for column in _RINGS.T], axis=1)
    for _ in range(between):  # rounds the corners of the piecewise profile
        rings[1:-1] = 0.25 * rings[:-2] + 0.5 * rings[1:-1] + 0.25 * rings[2:]
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    z, x, depth, width = (rings[:, i, None] for i in range(4))
    positions = np.stack(
        [
            x + depth * np.cos(angle),
            width * np.sin(angle),
            np.broadcast_to(z, (len(rings), around)),
        ],
        axis=-1,
    ).reshape(-1, 3)
    occlusion = np.clip(0.35 + (np.arange(len(rings)) / between) * 0.22, 0, 1)
    first = np.arange(len(rings) - 1)[:, None] * around
    i = np.arange(around)
    j = (i + 1) % around
    a, b, c, d = first + i, first + j, first + around + j, first + around + i
    triangles = np.concatenate(
        [np.stack([a, d, c], -1).reshape(-1, 3), np.stack([a, c, b], -1).reshape(-1, 3)]
    )
    return (
        positions.astype(np.float32),
        np.repeat(occlusion, around).astype(np.float32),
        triangles.astype(np.uint32),
    )
