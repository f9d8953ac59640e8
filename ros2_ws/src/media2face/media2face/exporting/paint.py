"""Colours for programs that do not run our shaders: textures, tints and baked shade."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from media2face.face.topology import Topology
from media2face.types import Float32

EYE_PARTS = ("eye_left", "eye_right")

# Angles from the optical axis (rad) of the rims of iris and pupil, and linear colours.
_IRIS, _PUPIL = 0.405, 0.150
_SCLERA, _SCLERA_BACK = (0.62, 0.595, 0.57), (0.52, 0.38, 0.35)
_IRIS_INNER, _IRIS_OUTER = (0.235, 0.165, 0.085), (0.085, 0.120, 0.125)
_PUPIL_COLOUR = (0.006, 0.006, 0.006)
# How deep behind the lips light comes (m), what is left of it farther in, and between which
# distances from the middle of the mouth (m) it falls off sideways.
_REACH_M, _DEEPEST, _SIDES_M = 0.014, 0.05, (0.010, 0.026)


@dataclass(frozen=True)
class Paint:
    """A plain material.

    Attributes:
        name: for people.
        colour: linear RGB; white where a texture has the colour.
        roughness: 0 mirror to 1 chalk.
        texture: "skin", "eye" or none.
    """

    name: str
    colour: tuple[float, float, float]
    roughness: float
    texture: str = ""


# By the beginning of a part's name; the first that fits.
_PAINTS = {
    "skin": Paint("skin", (1.0, 1.0, 1.0), 0.58, "skin"),
    "eye_sockets": Paint("sockets", (0.075, 0.033, 0.028), 0.8),
    "eye_": Paint("eye", (1.0, 1.0, 1.0), 0.12, "eye"),
    "teeth": Paint("teeth", (0.64, 0.575, 0.48), 0.3),
    "tongue": Paint("tongue", (0.46, 0.165, 0.155), 0.4),
    "gums": Paint("gums", (0.42, 0.155, 0.150), 0.35),
}
_INSIDE = Paint("inside", (0.20, 0.045, 0.045), 0.6)


def paint_of(part: str) -> Paint:
    """Material of a part of the head, by its name."""
    return next((paint for start, paint in _PAINTS.items() if part.startswith(start)), _INSIDE)


def skin_jpeg(quality: int = 88) -> bytes:
    """The two skin charts side by side, first row at v = 1."""
    from media2face.render.texture import load_skin

    return _encode(load_skin()[::-1, :, :3], "JPEG", quality=quality)


def eye_png(size: int = 256) -> bytes:
    """An eyeball's texture: along u the turn about the optical axis, along v the angle from it
    over pi, first row at v = 1."""
    return _encode((_eye(size)[::-1] * 255).round().astype(np.uint8), "PNG", optimize=True)


def _eye(size: int) -> Float32:
    """float32 [2 size, size, 3] sRGB, row 0 at v = 0."""
    polar = ((np.arange(2 * size) + 0.5) / (2 * size) * np.pi)[:, None, None]
    around = ((np.arange(size) + 0.5) / size * 2 * np.pi)[None, :, None]
    share = polar / _IRIS
    streak = np.sin(around * 41 + 3 * np.sin(around * 7))
    streak = 0.5 + 0.5 * streak * np.sin(around * 23 + 1.7 * np.sin(around * 11))
    iris = _mix(_IRIS_INNER, _IRIS_OUTER, _step(0.42, 0.80, share)) * (0.72 + 0.55 * streak)
    iris = iris * (1 - 0.84 * _step(0.78, 1.0, share))
    white = _mix(_SCLERA, _SCLERA_BACK, _step(0.65, 1.35, polar))
    colour = _mix(iris, white, _step(_IRIS - 0.012, _IRIS + 0.032, polar))
    colour = _mix(_PUPIL_COLOUR, colour, _step(_PUPIL - 0.012, _PUPIL + 0.012, polar))
    return to_srgb(np.broadcast_to(colour, (2 * size, size, 3)))


def mouth_shade(topology: Topology, base: Float32) -> Float32:
    """float32 [V] in [0, 1]: how much light comes to the parts behind the lips of a resting head
    float32 [V, 3] (m); 1 elsewhere."""
    shade = np.ones(len(base), np.float32)
    lips = base[topology.lip_vertices]
    front, middle = lips[:, 0].max() - 0.004, lips[:, 1].mean()
    for name in topology.part_names:
        if not name.startswith(("skin", "eye_")):
            part = topology.part(name)
            depth = np.maximum(front - base[part, 0], 0)
            side = 1 - 0.75 * _step(*_SIDES_M, np.abs(base[part, 1] - middle))
            shade[part] = _DEEPEST + (1 - _DEEPEST) * np.exp(-depth / _REACH_M) * side
    return shade


def vertex_colours(topology: Topology, base: Float32) -> Float32:
    """float32 [V, 3] linear RGB: textures read at the vertices, tints with their baked shade."""
    colours = np.empty_like(base)
    shade = mouth_shade(topology, base)
    for name in topology.part_names:
        part, paint = topology.part(name), paint_of(name)
        if paint.texture:
            colours[part] = _read_texture(paint.texture, topology.uv[part])
        else:
            colours[part] = shade[part, None] * np.array(paint.colour, np.float32)
    return colours


def _read_texture(kind: str, uv: Float32) -> Float32:
    """float32 [N, 3] linear colours of the nearest texels at uv float32 [N, 2]."""
    if kind == "skin":
        from media2face.render.texture import load_skin

        texels: Float32 = load_skin()[..., :3].astype(np.float32) / np.float32(255)
        charts = 2  # side by side
    else:
        texels, charts = _eye(256), 1
    rows, columns = texels.shape[:2]
    x = np.clip(np.floor(uv[:, 0] * columns / charts), 0, columns - 1).astype(np.intp)
    y = np.clip(np.floor(uv[:, 1] * rows), 0, rows - 1).astype(np.intp)
    return to_linear(texels[y, x])


def to_srgb(linear: npt.ArrayLike) -> Float32:
    """Linear light to the sRGB curve, both in [0, 1]."""
    values = np.clip(np.asarray(linear, np.float32), 0, 1)
    curve = 1.055 * np.power(values, 1 / 2.4) - 0.055
    return np.where(values <= 0.0031308, 12.92 * values, curve).astype(np.float32)


def to_linear(srgb: Float32) -> Float32:
    """Inverse of to_srgb."""
    curve = ((srgb + 0.055) / 1.055) ** 2.4
    return np.where(srgb <= 0.04045, srgb / 12.92, curve).astype(np.float32)


def _step(low: float, high: float, value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    t: npt.NDArray[np.float64] = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _mix(
    first: npt.ArrayLike, second: npt.ArrayLike, share: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    return a + (b - a) * share


def _encode(pixels: npt.NDArray[np.uint8], kind: str, **options: object) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, kind, **options)
    return buffer.getvalue()
