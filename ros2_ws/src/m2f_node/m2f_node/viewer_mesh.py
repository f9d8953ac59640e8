"""The head as meshes for a screen: parts with colours, textures and where a pose puts them.

numpy only: neither ROS nor the web page is known here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from media2face.face.topology import Topology, load_topology
from media2face.models import find_model
from media2face.render.camera import rotation_matrix
from media2face.render.mesh import Lashes, make_bust
from media2face.render.texture import load_skin
from media2face.types import Float32

Colour = tuple[int, int, int]
# sRGB 0-255 by the beginning of a part's name; what is not named here is skin.
COLOURS: dict[str, Colour] = {
    "skin": (205, 158, 134),
    "mouth_socket": (104, 44, 44),
    "eye_socket": (150, 98, 88),
    "gums": (176, 106, 102),
    "tongue": (184, 98, 96),
    "teeth": (232, 222, 204),
    "eye": (232, 228, 222),
    "lashes": (38, 29, 26),
}
_IN_MOUTH = ("mouth_socket", "gums", "tongue", "teeth")
# Below the first height the neck stays with the body, above the second it follows the head [m].
_NECK_M = (-0.115, -0.045)
# Skin below this height is under the clothes [m].
_COLLAR_M = -0.119
# Teeth before this plane are backed by a copy moved by, which fills the gaps between them [m].
_FRONT_TEETH_M = 0.090
_BACKING_M = np.array([-0.0008, 0.0011, 0.0], np.float32)
_INNER_LIPS = slice(60, 68)  # of the 68 landmarks
BUST_COLOUR: Colour = (44, 49, 58)
# The eye's texture: rings from the optical axis outwards, polar angles in radians.
_PUPIL_RAD, _IRIS_RAD = 0.150, 0.405
_EYE_SIZE = (512, 512)  # polar angle, turn [texels]


@dataclass(frozen=True)
class Patch:
    """One mesh of one colour or texture, a run of the head's vertices.

    Attributes:
        name: of the part.
        vertices: which of the head's.
        triangles: uint32 [F, 3], counted from the first of them.
        colour: where there is no texture.
        texture: "skin", "eye" or "" for none.
        uv: float32 [V, 2] in the texture, v upwards; empty without one.
        shade: uint8 [V] how much light reaches a vertex, 255 = all; empty where all do.
        inside: it lies in the mouth, where light comes through the lips alone.
        twins: uint32 [N, 2] vertices at the same place, which are to share a normal.
    """

    name: str
    vertices: slice
    triangles: npt.NDArray[np.uint32]
    colour: Colour
    texture: str = ""
    uv: Float32 = field(default_factory=lambda: np.empty((0, 2), np.float32))
    shade: npt.NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    inside: bool = False
    twins: npt.NDArray[np.uint32] = field(default_factory=lambda: np.empty((0, 2), np.uint32))


class Head:
    """What a topology says, ready for frames. One thread at a time."""

    def __init__(
        self,
        neutral: Float32,
        triangles: npt.NDArray[np.uint32],
        parts: dict[str, slice],
        lips: Float32,
        topology: Topology | None,
    ) -> None:
        """Args:
        neutral: float32 [V, 3] the head at rest (m, head frame).
        triangles: uint32 [F, 3].
        parts: vertex range by name.
        lips: float32 [3] middle of the lips at rest (m, head frame).
        topology: the same mesh with texture coordinates, or None where no file of it is here.
        """
        self.neutral = np.ascontiguousarray(neutral, np.float32)
        low, high = _NECK_M
        share = np.clip((self.neutral[:, 2:] - low) / (high - low), 0, 1)
        self._follow = (share * share * (3 - 2 * share)).astype(np.float32)
        self._lashes = Lashes(topology) if topology is not None else None
        self.patches = [
            self._patch(name, place, triangles, lips, topology) for name, place in parts.items()
        ]
        self._backing = np.empty(0, np.intp)
        for patch in [patch for patch in self.patches if patch.name.startswith("teeth")]:
            self._back(patch)
        if self._lashes is not None:
            triangles = self._lashes.triangles
            self._append("lashes", len(self._lashes.along), triangles, COLOURS["lashes"])

    def _append(
        self,
        name: str,
        count: int,
        triangles: npt.NDArray[np.uint32],
        colour: Colour,
        **extra: Any,
    ) -> None:
        """A patch of vertices beyond those of the mesh, that follow the head."""
        first = len(self._follow)
        self._follow = np.concatenate([self._follow, np.ones((count, 1), np.float32)])
        self.patches.append(Patch(name, slice(first, first + count), triangles, colour, **extra))

    def _back(self, teeth: Patch) -> None:
        """Fills the gaps between the front teeth by a darker copy behind them."""
        front = self.neutral[teeth.vertices, 0] > _FRONT_TEETH_M
        triangles = teeth.triangles[front[teeth.triangles].all(axis=1)]
        used = np.unique(triangles)
        if not len(used):
            return
        red, green, blue = (round(0.62 * value) for value in teeth.colour)
        self._append(
            f"{teeth.name}_backing",
            len(used),
            np.searchsorted(used, triangles).astype(np.uint32),
            (red, green, blue),
            shade=teeth.shade[used],
            inside=True,
        )
        self._backing = np.concatenate([self._backing, used + teeth.vertices.start])

    def _patch(
        self,
        name: str,
        place: slice,
        triangles: npt.NDArray[np.uint32],
        lips: Float32,
        topology: Topology | None,
    ) -> Patch:
        kind = next((kind for kind in COLOURS if name.startswith(kind)), "skin")
        rest = self.neutral[place]
        mine = triangles[(triangles[:, 0] >= place.start) & (triangles[:, 0] < place.stop)]
        mine = (mine - place.start).astype(np.uint32)
        extra: dict[str, Any] = {}
        if kind == "skin":
            mine = mine[(rest[mine, 2] > _COLLAR_M).any(axis=1)]
            extra["shade"] = _under_the_chin(rest)
        if kind in _IN_MOUTH:
            depth = np.clip((lips[0] - rest[:, 0]) / 0.048, 0, 1)
            side = np.clip((np.abs(rest[:, 1] - lips[1]) - 0.012) / 0.022, 0, 1)
            light = (1 - depth) ** 1.4 * (1 - 0.6 * side)
            extra["shade"] = np.rint(20 + 225 * light).astype(np.uint8)
            extra["inside"] = True
        if topology is not None and kind in ("skin", "eye"):
            uv = topology.uv[place].astype(np.float32)
            extra["texture"] = kind
            extra["uv"] = uv / (2, 1) if kind == "skin" else uv
            extra["uv"] = extra["uv"].astype(np.float32)
        if topology is not None:
            weld = topology.weld[place].astype(np.int64) - place.start
            index = np.arange(len(weld))
            doubled = (weld != index) & (weld >= 0)
            extra["twins"] = np.stack([index[doubled], weld[doubled]], 1).astype(np.uint32)
        return Patch(name, place, mine, COLOURS[kind], **extra)

    def place(self, vertices: Float32, head_pose: Float32) -> Float32:
        """Where everything is in the base frame; the foot of the neck stays with the body.

        Args:
            vertices: float32 [V, 3] (m, head frame), eyes rotated.
            head_pose: float32 [7] x y z (m), quaternion x y z w of the head in the base frame.

        Returns:
            float32 [V + own, 3] (m, base frame), the rows that the patches name.
        """
        parts = [vertices, vertices[self._backing] + _BACKING_M]
        if self._lashes is not None:
            parts.append(self._lashes(vertices))
        vertices = np.concatenate(parts)
        moved = vertices @ rotation_matrix(head_pose[3:]).T + head_pose[:3].astype(np.float32)
        moved -= vertices
        moved *= self._follow
        moved += vertices
        return moved


def vertex_colours(patch: Patch) -> npt.NDArray[np.uint8] | None:
    """uint8 [V, 3] sRGB of a patch's vertices, for what can show no texture; None where they have
    the patch's one colour."""
    if not patch.texture and not len(patch.shade):
        return None
    colours = np.tile(
        np.array(patch.colour, np.uint8), (patch.vertices.stop - patch.vertices.start, 1)
    )
    if patch.texture:
        try:
            picture = eye_texture() if patch.texture == "eye" else load_skin()[::-1, :, :3]
        except ImportError:  # pictures need the extra 'render' or 'viewer'
            return None
        height, width = picture.shape[:2]
        column = np.clip(patch.uv[:, 0] * width, 0, width - 1).astype(np.intp)
        row = np.clip((1 - patch.uv[:, 1]) * height, 0, height - 1).astype(np.intp)
        colours = picture[row, column]
    if len(patch.shade):
        colours = (colours * (patch.shade[:, None] / 255)).astype(np.uint8)
    return colours


def _under_the_chin(rest: Float32) -> npt.NDArray[np.uint8]:
    """uint8 [V] how much light reaches the skin: the head keeps it from the neck."""
    high = _step(-0.112, -0.072, rest[:, 2])
    behind = 1 - _step(0.02, 0.085, rest[:, 0] + 0.35 * (rest[:, 2] + 0.075))
    return np.rint(255 * (1 - 0.36 * (1 - high) * behind)).astype(np.uint8)


def read_topology(topology_id: str, model: str = "gnpfa") -> Topology | None:
    """The installed mesh with this id, or None; the messages carry no texture coordinates."""
    try:
        folder = find_model(model)
    except (ValueError, OSError):
        return None
    for path in sorted(Path(folder).glob("topology*.npz")):
        try:
            topology = load_topology(path)
        except ValueError:
            continue
        if topology.id == topology_id:
            return topology
    return None


def bust() -> tuple[Float32, npt.NDArray[np.uint32]]:
    """A dark turtleneck that hides where the neck ends: float32 [N, 3] (m, base frame),
    uint32 [M, 3]."""
    positions, _, triangles = make_bust()
    return positions, triangles


def eye_texture() -> npt.NDArray[np.uint8]:
    """uint8 [H, W, 3] sRGB: columns go round the optical axis, rows from the back (first) to the
    pupil (last)."""
    height, width = _EYE_SIZE
    polar = np.pi * (1 - (np.arange(height) + 0.5) / height)[:, None]
    turn = 2 * np.pi * ((np.arange(width) + 0.5) / width)[None, :]
    streak = 0.5 + 0.5 * np.sin(24 * turn + 3 * np.sin(7 * turn)) * np.sin(
        17 * turn + 2 * np.sin(5 * turn)
    )
    r = polar / _IRIS_RAD
    inner, outer = np.array([122, 92, 58.0]), np.array([66, 88, 92.0])
    mix = _step(0.42, 0.80, r)[..., None]
    iris = (inner * (1 - mix) + outer * mix) * (0.68 + 0.55 * streak[..., None])
    iris = iris * (1 - 0.78 * _step(0.80, 1.0, r)[..., None])
    white, back = np.array([226, 221, 215.0]), np.array([200, 152, 144.0])
    mix = _step(0.65, 1.35, polar)[..., None]
    sclera = white * (1 - mix) + back * mix
    edge = _step(_IRIS_RAD - 0.012, _IRIS_RAD + 0.035, polar)[..., None]
    colour = iris * (1 - edge) + sclera * edge
    colour = colour * _step(_PUPIL_RAD - 0.012, _PUPIL_RAD + 0.012, polar)[..., None]
    return np.clip(colour + 4, 0, 255).astype(np.uint8)


def backdrop(height: int = 360, width: int = 640) -> npt.NDArray[np.uint8]:
    """uint8 [H, W, 3] sRGB: a soft light behind the head."""
    y = np.linspace(-1, 1, height)[:, None] + 0.1
    x = np.linspace(-1, 1, width)[None, :] * (width / height)
    share = _step(0.05, 1.7, np.sqrt(x * x + y * y))[..., None]
    near, far = np.array([126, 138, 147.0]), np.array([46, 54, 64.0])
    noise = np.random.default_rng(1).uniform(-0.7, 0.7, (height, width, 1))  # against banding
    return np.rint(near * (1 - share) + far * share + noise).astype(np.uint8)


def _step(low: float, high: float, value: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Smooth step."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def lips_middle(neutral: Float32, landmarks68: npt.NDArray[Any]) -> Float32:
    """float32 [3] middle of the inner lips (m, head frame)."""
    return neutral[np.asarray(landmarks68, np.intp)[_INNER_LIPS]].mean(axis=0)
