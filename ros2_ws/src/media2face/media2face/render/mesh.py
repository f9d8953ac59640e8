"""Geometry that the renderer makes itself: smooth normals and the bust under the head."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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


# Rings of the turtleneck and shoulders from the top edge down: height, centre x, half depth
# (x), half width (y), in metres in the base frame, fitted around the neck of our head.
_RINGS = np.array(
    [
        (-0.122, -0.014, 0.060, 0.076),
        (-0.101, -0.012, 0.067, 0.078),
        (-0.099, -0.012, 0.071, 0.082),
        (-0.107, -0.013, 0.075, 0.088),
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
