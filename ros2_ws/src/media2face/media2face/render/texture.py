"""The painted skin: made once from the head topology, shipped as `skin.webp`, read at run time.

The picture is an atlas of two square charts side by side: the face, and the back of the head with
the neck. What crosses from one chart to the other (skin tone, hair) is a function of the place on
the resting head and of nothing else, so the seam does not show.

    python -m media2face.render.texture models/gnpfa/topology_full.npz

paints it anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from media2face.face.rims import LOWER_LIDS, UPPER_LIDS, rim
from media2face.face.topology import Topology, load_topology
from media2face.types import Float32

SKIN_FILE = Path(__file__).with_name("skin.webp")
CHART_SIZE = 1024

# sRGB, 0-255.
_SKIN = (194, 142, 116)
_FLUSH = (198, 116, 100)
_LIP = (172, 92, 88)
_LIP_LINE = (120, 54, 54)
_HAIR = (37, 30, 27)
_SHADE = (146, 96, 84)
_LASH = (44, 30, 26)
# Alpha is gloss: 0 hair, 0.5 skin, 1 wet.
_GLOSS_SKIN, _GLOSS_LIP = 0.5, 0.86

# Hairline: height (cm, head frame) above which hair grows, by the angle from straight ahead.
_HAIRLINE_DEGREES = (0, 16, 30, 42, 52, 60, 68, 76, 84, 96, 106, 116, 126, 150, 180)
_HAIRLINE_CM = (10.0, 10.3, 10.5, 9.6, 7.2, 5.4, 3.4, 2.6, 5.2, 5.4, 3.0, -1.5, -3.2, -4.6, -4.9)


def load_skin() -> npt.NDArray[np.uint8]:
    """uint8 [1024, 2048, 4] RGB and gloss; first row at v = 0 as OpenGL wants it."""
    from PIL import Image

    with Image.open(SKIN_FILE) as image:
        return np.ascontiguousarray(np.asarray(image.convert("RGBA"))[::-1])


def hair_cover(places_cm: Float32) -> Float32:
    """float32 [...] in [0, 1], how much hair grows at places float32 [..., 3] (cm, head frame)."""
    forward, left, up = np.moveaxis(places_cm, -1, 0)
    angle = np.degrees(np.arctan2(np.abs(left), forward + 1.0))
    line = np.interp(angle, _HAIRLINE_DEGREES, _HAIRLINE_CM)
    cover = _smooth(-0.8, 1.2, up - line)
    ear = np.sqrt(((forward - 0.3) / 2.7) ** 2 + ((up - 1.2) / 3.7) ** 2)
    on_ear = _smooth(6.6, 7.3, np.abs(left)) * _smooth(1.12, 0.92, ear)
    return (cover * (1 - on_ear)).astype(np.float32)


def paint_skin(topology: Topology, size: int = CHART_SIZE) -> npt.NDArray[np.uint8]:
    """Paints the atlas; the same for the same topology.

    Args:
        topology: its neutral head and its uv are used.
        size: texels along a side of a chart.

    Returns:
        uint8 [size, 2 * size, 4] RGB and gloss, first row at v = 1.
    """
    places = np.concatenate([_place_map(topology, c, size) for c in (0, 1)], axis=1) * 100
    colour = np.empty((*places.shape[:2], 3), np.float32)
    colour[:] = _SKIN
    gloss = np.full(places.shape[:2], _GLOSS_SKIN, np.float32)
    _tint(colour, topology, places)
    _paint_lids(colour, topology, places)
    _paint_lips(colour, gloss, topology, size)
    _paint_brows(colour, gloss, topology, size)
    _paint_pores(colour, gloss, places)
    _paint_hair(colour, gloss, places)
    rgba = np.concatenate([colour, gloss[..., None] * 255], axis=2)
    return np.clip(np.rint(rgba), 0, 255).astype(np.uint8)[::-1]


def _tint(colour: Float32, topology: Topology, places: Float32) -> None:
    """Blood and pigment under the skin: slow patches, cheeks, nose, ears, under the eyes."""
    forward, left, up = np.moveaxis(places, -1, 0)
    side = np.abs(left)
    patches = _noise(places / 2.6, 1) + 0.5 * _noise(places / 1.1, 2)
    colour *= 1 + patches[..., None] * np.array([0.018, 0.030, 0.034], np.float32)
    flush = 0.34 * _blob((side - 4.4) / 2.0, (up + 0.3) / 1.8) * (forward > 3)
    flush += 0.40 * _blob(left / 1.3, (up - 0.3) / 1.0, (forward - 12.8) / 1.2)
    flush += 0.14 * _blob(left / 1.8, (up + 6.6) / 1.2) * (forward > 5)
    flush += 0.36 * _smooth(7.5, 8.6, side) * (up > -6)
    flush *= 1 + 0.35 * _noise(places / 0.7, 3)
    _blend(colour, _FLUSH, np.clip(flush, 0, 1))
    # Forehead and neck are a little sallower than the middle of the face.
    sallow = 0.30 * _smooth(6.0, 9.0, up) + 0.22 * _smooth(-6.0, -10.0, up)
    _blend(colour, (196, 150, 120), sallow)
    points = topology.neutral[topology.landmarks68.astype(np.intp)] * 100
    for inner, outer in ((42, 45), (39, 36)):
        middle = 0.62 * points[inner] + 0.38 * points[outer]
        tear = _blob((left - middle[1]) / 1.25, (up - middle[2] + 0.85) / 0.42)
        _blend(colour, _SHADE, 0.28 * tear * (forward > 6))
    fold = np.abs(side - (1.9 - 0.42 * (up + 1.0)))  # from the nose wing to the mouth's corner
    _blend(colour, _SHADE, 0.12 * _blob(fold / 0.30, (up + 1.8) / 1.2) * (forward > 8))


def _paint_lids(colour: Float32, topology: Topology, places: Float32) -> None:
    """Warm lids, a dark lash line along the upper rim, a faint one along the lower."""
    from scipy.spatial import cKDTree

    for marks in zip(UPPER_LIDS, LOWER_LIDS, strict=True):
        upper_rim, lower_rim = (rim(topology, path) for path in marks)
        top, bottom = topology.neutral[upper_rim] * 100, topology.neutral[lower_rim] * 100
        edge = np.concatenate([top, bottom])
        inner, outer = top[0], top[-1]
        near = (np.abs(places - edge.mean(axis=0)) < (2.4, 2.4, 2.0)).all(axis=2)
        at = places[near]
        upper, _ = cKDTree(_dense(top)).query(at)
        lower, _ = cKDTree(_dense(bottom)).query(at)
        along = np.clip((at[:, 1] - inner[1]) / (outer[1] - inner[1]), 0, 1.15)
        patch = colour[near]
        lid = np.exp(-((upper / 0.75) ** 2)) * (at[:, 2] > edge[:, 2].mean() - 0.2)
        _blend(patch, (168, 106, 92), 0.42 * lid)
        _blend(patch, (176, 104, 94), 0.35 * np.exp(-((lower / 0.28) ** 2)))
        reach = 0.085 + 0.085 * along
        _blend(patch, _LASH, 0.92 * np.exp(-((upper / reach) ** 4)) * _smooth(-0.05, 0.3, along))
        _blend(patch, _LASH, 0.45 * np.exp(-((lower / 0.065) ** 4)) * _smooth(0.1, 0.6, along))
        colour[near] = patch


def _paint_lips(colour: Float32, gloss: Float32, topology: Topology, size: int) -> None:
    """Lips inside the outer lip landmarks, darker towards the line where they meet."""
    from scipy.ndimage import gaussian_filter

    uv = topology.uv[topology.landmarks68.astype(np.intp)]
    outer, inner = _closed_curve(uv[48:60]), _closed_curve(uv[60:68])
    middle = uv[48:60].mean(axis=0)
    body = gaussian_filter(_fill(middle + (outer - middle) * (1.015, 1.05), size), size / 190)
    meeting = gaussian_filter(_fill(inner, size), size / 120)
    grid = np.linspace(0, 1, size, dtype=np.float32)
    u = grid[None, :] + 0.004 * np.sin(grid[:, None] * 60)
    creases = np.sin(u * 900 + 5 * np.sin(u * 170)) * np.sin(u * 410)
    face = colour[:, :size]
    _blend(face, _LIP, 0.74 * body)
    _blend(face, _LIP_LINE, 0.62 * meeting)
    face *= 1 + (0.035 * creases * body)[..., None]
    gloss[:, :size] += (_GLOSS_LIP - _GLOSS_SKIN) * body * (1 + 0.25 * creases)


def _paint_brows(colour: Float32, gloss: Float32, topology: Topology, size: int) -> None:
    """Two brows of single hairs over a soft shade, from the nose outwards."""
    from PIL import Image, ImageDraw
    from scipy.ndimage import gaussian_filter

    uv = topology.uv[topology.landmarks68.astype(np.intp)]
    fine = 2 * size
    image = Image.new("L", (fine, fine))
    pen = ImageDraw.Draw(image)
    for ridge in (uv[21:16:-1], uv[22:27]):
        rng = np.random.default_rng(7)  # the same hairs on both sides
        outward = np.sign(ridge[-1, 0] - ridge[0, 0])
        for _ in range(760):
            along = rng.beta(1.05, 1.1)
            # Sparse and low at the nose, full in the middle, a thin tail.
            width = 0.0150 * min(1.0, 0.36 + 2.2 * along) * (1 - 0.80 * along**1.8)
            root = _along(ridge, along)
            root[1] += width * (rng.uniform(-1, 1) - 0.50) - 0.002
            lean = np.radians(74 - 84 * min(1.0, along * 1.7 + 0.05) + rng.normal(0, 9))
            length = (0.014 + 0.009 * rng.random()) * (0.62 + 0.9 * min(along, 0.4) - 0.3 * along)
            tip = root + length * np.array([outward * np.cos(lean), np.sin(lean)])
            bend = (root + tip) / 2 + (0.0014 * outward, 0.0012)
            line = [tuple(p * fine) for p in (root, bend, tip)]
            pen.line(line, fill=int(rng.uniform(150, 250) * min(1.0, 0.55 + 3 * along)), width=2)
    hairs = np.asarray(image.resize((size, size), Image.Resampling.BOX), np.float32) / 255
    shade = np.clip(gaussian_filter(hairs, size / 200) * 1.25, 0, 1)
    cover = np.clip(0.62 * shade + 0.62 * hairs, 0, 0.93)
    _blend(colour[:, :size], _HAIR, cover)
    gloss[:, :size] *= 1 - 0.8 * cover


def _paint_pores(colour: Float32, gloss: Float32, places: Float32) -> None:
    """Grain at the size of pores and a few freckles."""
    grain = _noise(places / 0.075, 4) + 0.7 * _noise(places / 0.16, 5)
    colour *= 1 + 0.016 * grain[..., None]
    gloss *= 1 + 0.10 * grain
    freckles = _smooth(0.80, 0.95, _noise(places / 0.22, 6)) * (places[..., 2] > -5)
    _blend(colour, _SHADE, 0.16 * freckles)


def _paint_hair(colour: Float32, gloss: Float32, places: Float32) -> None:
    """Cropped hair: strands that break up the hairline."""
    forward, left, up = np.moveaxis(places, -1, 0)
    # Strands run back and down: noise that is long along the growth and short across it.
    strand = _noise(np.stack([forward * 1.6, left * 9.0, up * 2.6], -1), 8)
    strand += 0.7 * _noise(np.stack([forward * 4.0, left * 16.0, up * 6.0], -1), 9)
    ragged = 0.30 * _noise(places / 0.9, 10) + 0.34 * strand
    cover = hair_cover(places)
    edge = np.clip(cover * 1.25 - 0.22 + ragged * _smooth(1.0, 0.5, cover), 0, 1)
    edge *= _smooth(0.0, 0.45, cover)
    tone = np.array(_HAIR, np.float32) * (1 + 0.24 * strand[..., None])
    alpha = (0.94 * edge * edge * (3 - 2 * edge))[..., None]
    colour += alpha * (tone - colour)
    gloss *= 1 - 0.9 * alpha[..., 0]


def _place_map(topology: Topology, chart: int, size: int) -> Float32:
    """float32 [size, size, 3] place (m) on the resting skin per texel; row 0 at v = 0.

    Texels outside the chart take the nearest place inside, so filtering sees no border.
    """
    from scipy.ndimage import distance_transform_edt

    skin = topology.part("skin")
    triangles = topology.triangles[topology.triangles[:, 0] < skin.stop].astype(np.intp)
    uv = topology.uv[triangles] - (chart, 0)
    middle = uv.mean(axis=1)[:, 0]
    keep = (middle > 0) & (middle < 1)
    places = np.zeros((size, size, 3), np.float32)
    inside = np.zeros((size, size), bool)
    for corners, xyz in zip(uv[keep] * size - 0.5, topology.neutral[triangles[keep]], strict=True):
        low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, size)
        x, y = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
        (ax, ay), (bx, by), (cx, cy) = corners
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if abs(area) < 1e-9:
            continue
        b = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) / area
        c = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) / area
        hit = (b >= -1e-4) & (c >= -1e-4) & (b + c <= 1 + 1e-4)
        b, c, x, y = b[hit], c[hit], x[hit], y[hit]
        places[y, x] = np.outer(1 - b - c, xyz[0]) + np.outer(b, xyz[1]) + np.outer(c, xyz[2])
        inside[y, x] = True
    rows, columns = distance_transform_edt(~inside, return_distances=False, return_indices=True)
    return places[rows, columns]


def _dense(points: Float32) -> Float32:
    """Points of an arc, joined by finer steps."""
    at = np.linspace(0, len(points) - 1, 400)
    return np.stack([np.interp(at, np.arange(len(points)), c) for c in points.T], axis=1)


def _closed_curve(points: Float32, per_segment: int = 16) -> Float32:
    """float32 [N, 2] closed Catmull-Rom curve through points [M, 2]."""
    t = np.linspace(0, 1, per_segment, endpoint=False)[:, None, None]
    before, start, end, after = (np.roll(points, shift, axis=0) for shift in (1, 0, -1, -2))
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return curve.transpose(1, 0, 2).reshape(-1, 2)


def _along(line: Float32, share: float) -> Float32:
    """Point float32 [2] at a share of a polyline's parameter."""
    at = share * (len(line) - 1)
    return np.array([np.interp(at, np.arange(len(line)), c) for c in line.T])


def _fill(outline: Float32, size: int) -> Float32:
    """float32 [size, size] mask of a polygon in uv, row 0 at v = 0."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (size * 2, size * 2))
    ImageDraw.Draw(image).polygon([tuple(p * size * 2) for p in outline], fill=255)
    return np.asarray(image.resize((size, size), Image.Resampling.BOX), np.float32) / 255


def _noise(at: Float32, seed: int) -> Float32:
    """float32 [...] smooth value noise in about [-1, 1] on a unit lattice at float32 [..., 3]."""
    lattice = np.random.default_rng(seed).uniform(-1, 1, 1 << 16).astype(np.float32)
    cell = np.floor(at).astype(np.int64)
    x, y, z = np.moveaxis((at - cell).astype(np.float32), -1, 0)
    x, y, z = (t * t * (3 - 2 * t) for t in (x, y, z))
    total = np.zeros(at.shape[:-1], np.float32)
    for i in (0, 1):
        for j in (0, 1):
            for k in (0, 1):
                c = np.add(cell, (i, j, k))
                key = (c[..., 0] * 73856093) ^ (c[..., 1] * 19349663) ^ (c[..., 2] * 83492791)
                weight = (x if i else 1 - x) * (y if j else 1 - y) * (z if k else 1 - z)
                total += weight * lattice[(key ^ (key >> 13)) & 0xFFFF]
    return total * 1.5


def _smooth(low: float, high: float, value: Float32) -> Float32:
    """Smooth step; falls where low > high."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _blob(*offsets: Float32) -> Float32:
    """Gaussian bump of offsets in units of its width."""
    return np.exp(-sum(offset * offset for offset in offsets))


def _blend(colour: Float32, tone: tuple[int, int, int], alpha: Float32) -> None:
    """Mixes a tone in, in place."""
    colour += np.asarray(alpha, np.float32)[..., None] * (np.array(tone, np.float32) - colour)


def main() -> None:
    """Paints `skin.webp` from a topology file."""
    from PIL import Image

    parser = argparse.ArgumentParser(description="Paint the skin texture.")
    parser.add_argument("topology", type=Path, help="topology_full.npz of the head")
    args = parser.parse_args()
    image = Image.fromarray(paint_skin(load_topology(args.topology)))
    image.save(SKIN_FILE, quality=80, method=6, alpha_quality=50)
    print(f"{SKIN_FILE}: {SKIN_FILE.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
