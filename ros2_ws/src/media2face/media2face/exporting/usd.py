"""Motions as USD (.usda): the decoder's own vertices frame by frame, head and eyes as transforms.

Written as text by hand: what is needed is three meshes with time samples, and the USD library
would be a hundred times the size of this file. REP-103 axes as everywhere: x forward, y left,
z up (upAxis Z), metres; time code k is frame k.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from media2face.backends.base import Identity
from media2face.contract import FRAME_RATE_HZ
from media2face.exporting import paint
from media2face.exporting.files import whole_file
from media2face.exporting.gltf import eye_quaternions
from media2face.face.topology import Topology
from media2face.types import Float32, Motion

_HEADER = """#usda 1.0
(
    defaultPrim = "Face"
    upAxis = "Z"
    metersPerUnit = 1
    timeCodesPerSecond = {rate}
    framesPerSecond = {rate}
    startTimeCode = 0
    endTimeCode = {last}
)

def Xform "Face" (
    kind = "component"
)
{{
    def Xform "Head"
    {{
"""


def write_usda(path: Path, motion: Motion, topology: Topology, identity: Identity) -> None:
    """Writes a motion: `vertices`, `head_pose` and `eyes` of it.

    Args:
        path: of the file, which appears when it is complete.
        motion: at least one frame; about 0.25 MB a frame at 10,000 vertices.
        topology: of the head.
        identity: whose eyeballs are turned.
    """
    face, eyes = _parts(topology)
    pose, turns = motion.head_pose, motion.eyes.T
    colours = paint.vertex_colours(topology, identity.neutral)
    with whole_file(path) as part, part.open("w", encoding="ascii") as file:
        file.write(_HEADER.format(rate=FRAME_RATE_HZ, last=motion.frames - 1))
        _write_transform(file, pose[:, :3], pose[:, 3:])
        bar = tqdm(motion.vertices, desc="writing", unit="frame", disable=motion.frames < 300)
        with _mesh_prim(file, "Skin", face, colours):
            _write_points(file, (vertices[face.vertices] for vertices in bar))
        for side, name in enumerate(("EyeLeft", "EyeRight")):
            centre, ball = identity.eye_centres[side], eyes[side]
            with _mesh_prim(file, name, ball, colours):
                turn = eye_quaternions(*turns[2 * side : 2 * side + 2])
                _write_transform(file, np.repeat(centre[None], motion.frames, 0), turn)
                rest = identity.neutral[ball.vertices] - centre
                file.write(f"            point3f[] points = {_rows(rest, 5)}\n")
                file.write(f"            float3[] extent = {_extent(rest)}\n")
        file.write("    }\n}\n")


class _Mesh:
    """Vertices of the head that make up a mesh, and its triangles [F, 3] among them."""

    def __init__(self, triangles: npt.NDArray[np.uint32]) -> None:
        self.vertices, corners = np.unique(triangles, return_inverse=True)
        self.triangles = corners.reshape(-1, 3)


def _parts(topology: Topology) -> tuple[_Mesh, list[_Mesh]]:
    """The face, and the two eyes; vertices that stand in one place are one, so that the surface
    is smooth over the seams of the texture."""
    welded = topology.weld[topology.triangles]
    rest = np.ones(len(welded), bool)
    eyes = []
    for name in paint.EYE_PARTS:
        part = topology.part(name)
        mine = (topology.triangles[:, 0] >= part.start) & (topology.triangles[:, 0] < part.stop)
        rest &= ~mine
        eyes.append(_Mesh(welded[mine]))
    return _Mesh(welded[rest]), eyes


def _write_transform(file: TextIO, places: Float32, quaternions: Float32) -> None:
    """Moves and turns the prim that is being written; float32 [T, 3] and [T, 4] x y z w."""
    unit = quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)
    _write_samples(file, "double3 xformOp:translate", (_row(place, 6) for place in places))
    _write_samples(file, "quatf xformOp:orient", (_row(q, 6) for q in unit[:, [3, 0, 1, 2]]))
    file.write('        uniform token[] xformOpOrder = ["xformOp:translate", "xformOp:orient"]\n')


@contextmanager
def _mesh_prim(file: TextIO, name: str, mesh: _Mesh, colours: Float32) -> Iterator[None]:
    """A mesh with its triangles and colours; its points are written inside."""
    corners = ", ".join(map(str, mesh.triangles.reshape(-1).tolist()))
    counts = ", ".join(["3"] * len(mesh.triangles))
    tints = _rows(colours[mesh.vertices], 3)
    file.write(
        f'        def Mesh "{name}"\n        {{\n'
        '            uniform token subdivisionScheme = "loop"\n'
        f"            int[] faceVertexCounts = [{counts}]\n"
        f"            int[] faceVertexIndices = [{corners}]\n"
        f"            color3f[] primvars:displayColor = {tints} (\n"
        '                interpolation = "vertex"\n'
        "            )\n"
    )
    yield
    file.write("        }\n")


def _write_points(file: TextIO, frames: Iterator[Float32]) -> None:
    """Points float32 [N, 3] a frame, and the boxes about them."""
    extents: list[str] = []

    def points() -> Iterator[str]:
        for vertices in frames:
            extents.append(_extent(vertices))
            yield _rows(vertices, 5)

    _write_samples(file, "point3f[] points", points())
    _write_samples(file, "float3[] extent", iter(extents))


def _extent(vertices: Float32) -> str:
    return _rows(np.stack([vertices.min(axis=0), vertices.max(axis=0)]), 5)


def _write_samples(file: TextIO, name: str, values: Iterator[str]) -> None:
    """An attribute's time samples, one a frame."""
    file.write(f"        {name}.timeSamples = {{\n")
    for frame, value in enumerate(values):
        file.write(f"            {frame}: {value},\n")
    file.write("        }\n")


def _rows(values: Float32, digits: int) -> str:
    """An array of tuples."""
    row = "(" + ", ".join([f"%.{digits}f"] * values.shape[1]) + ")"
    return "[" + ", ".join([row] * len(values)) % tuple(values.reshape(-1).tolist()) + "]"


def _row(values: Float32, digits: int) -> str:
    return _rows(values[None], digits)[1:-1]
