"""Builds our head mesh and its coordinate maps from the public morphable head."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import ndimage

from media2face.contract import BLENDSHAPE_NAMES
from media2face.corpus.facekit import CHART_MATERIALS, FaceKit, load_facekit
from media2face.face.topology import (
    CHART_BACK,
    CHART_BONES,
    CHART_EYES,
    CHART_FACE,
    LEVELS,
    MAP_SIZE,
    CoordinateMaps,
    MapLayout,
    Topology,
    load_maps,
    load_topology,
    save_maps,
    save_topology,
    topology_file,
)
from media2face.types import Float32

# Part, share of its triangles that is kept. Borders and the lips and lids are always kept.
PARTS = (
    ("skin", 0.5),
    ("mouth_socket", 0.3),
    ("eye_sockets", 0.3),
    ("gums", 0.25),
    ("tongue", 0.4),
    ("teeth_upper", 0.3),
    ("teeth_lower", 0.3),
)
EYE_SEGMENTS = 24
EYE_SHARE = 0.95  # of the measured radius: the iris must not show through a closed lid
# Polar angles of the eyeball's rings, degrees off the optical axis; dense where the iris ends.
EYE_RINGS_DEG = (8, 14, 20, 25, 29, 33, 38, 46, 56, 68, 82, 100, 125, 152)
UV_WARP = 0.75  # 0 keeps the texture's spacing, 1 gives every band of the map as many vertices
# Parts that the light mesh is collapsed in together, and the share of their triangles it keeps.
LIGHT_GROUPS = (
    (("skin", "mouth_socket", "eye_sockets"), 0.2),
    (("gums",), 0.1),
    (("tongue",), 0.25),
    (("teeth_upper",), 0.12),
    (("teeth_lower",), 0.12),
    (("eye_left",), 0.35),
    (("eye_right",), 0.35),
)


def build_topology(facekit: Path, out: Path) -> tuple[Topology, Topology, CoordinateMaps]:
    """Makes the full mesh, the light mesh and the maps in the folder `out`; as read back."""
    kit = load_facekit(facekit)
    corners = _corner_mesh(kit)
    builder = _Assembler(kit, corners)
    for name, share in PARTS:
        builder.add_part(name, share)
    builder.add_eye("eye_left", *fit_eye(kit, kit.neutral, "eyeball_left"))
    builder.add_eye("eye_right", *fit_eye(kit, kit.neutral, "eyeball_right"))
    full = builder.finish()
    save_topology(out / topology_file("full"), full)
    save_topology(out / topology_file("light"), _lighten(full, kit))
    maps = CoordinateMaps(_layout(full, CHART_FACE), _layout(full, CHART_BACK))
    save_maps(out / "maps.npz", maps)
    meshes = [load_topology(out / topology_file(level)) for level in LEVELS]
    return meshes[0], meshes[1], load_maps(out / "maps.npz")


def fit_eye(kit: FaceKit, neutral: Float32, region: str) -> tuple[Float32, float]:
    """Centre float32 [3] (m) and radius (m) of an eyeball of the head `neutral` [N, 3]."""
    points = neutral[slice(*kit.regions[region])].astype(np.float64)
    matrix = np.c_[2 * points, np.ones(len(points))]
    solution = np.linalg.lstsq(matrix, (points**2).sum(1), rcond=None)[0]
    radius = float(np.sqrt(solution[3] + (solution[:3] ** 2).sum()))
    return solution[:3].astype(np.float32), radius


class _Corners:
    """Mesh whose vertices are the distinct (place, texture coordinate) pairs of the kit."""

    def __init__(self, source: np.ndarray, uv: Float32, triangles: np.ndarray, chart: np.ndarray):
        self.source, self.uv, self.triangles, self.chart = source, uv, triangles, chart


def _corner_mesh(kit: FaceKit) -> _Corners:
    keep = np.isin(kit.face_material, CHART_MATERIALS)
    faces, texture = kit.faces[keep], kit.face_texcoords[keep]
    pairs = np.stack([faces, texture], -1).astype(np.int64)
    first = pairs[:, [0, 1, 2]]
    second = pairs[faces[:, 3] >= 0][:, [0, 2, 3]]
    triangles = np.concatenate([first, second])
    unique, inverse = np.unique(triangles.reshape(-1, 2), axis=0, return_inverse=True)
    uv = kit.texcoords[unique[:, 1]].astype(np.float32)
    return _Corners(unique[:, 0], uv, inverse.reshape(-1, 3), np.floor(uv[:, 0]).astype(int))


class _Assembler:
    def __init__(self, kit: FaceKit, corners: _Corners):
        self.kit, self.corners = kit, corners
        self.attributes = _motion_attributes(kit)[corners.source]
        self.names: list[str] = []
        self.positions: list[Float32] = []
        self.uvs: list[Float32] = []
        self.sources: list[np.ndarray] = []
        self.triangles: list[np.ndarray] = []
        self.eye_centres: list[Float32] = []

    def add_part(self, name: str, share: float) -> None:
        triangles = self.corners.triangles[self._in_part(name)]
        used, local = np.unique(triangles, return_inverse=True)
        source = self.corners.source[used]
        kept = self._simplify(local.reshape(-1, 3), source, self.attributes[used], share)
        rows, renumbered = np.unique(kept, return_inverse=True)
        self._append(
            name,
            self.kit.neutral[source[rows]],
            self.corners.uv[used[rows]],
            source[rows],
            renumbered.reshape(-1, 3),
        )

    def _in_part(self, name: str) -> np.ndarray:
        """bool [F]: a triangle belongs to the part that its last vertex (by row) is of; the row
        order of the kit runs from the face inwards, so rims go to the inner part."""
        corner = self.corners.source[self.corners.triangles]
        low = corner.max(1)
        tongue = np.isin(corner, self.kit.tongue).all(1)
        chart = self.corners.chart[self.corners.triangles[:, 0]]
        if name in ("gums", "tongue"):
            return (chart == 2) & (tongue == (name == "tongue"))
        regions = {
            "skin": ("face", "head_neck"),
            "mouth_socket": ("mouth_socket",),
            "eye_sockets": ("eye_socket_left", "eye_socket_right"),
        }.get(name, (name,))
        ranges = [self.kit.regions[r] for r in regions]
        return np.any([(low >= a) & (low < b) for a, b in ranges], axis=0) & (chart != 2)

    def _simplify(
        self, triangles: np.ndarray, source: np.ndarray, attributes: Float32, share: float
    ) -> np.ndarray:
        return _collapse(
            triangles,
            self.kit.neutral[source],
            attributes,
            share,
            self._locked(source),
            borders=True,
        )

    def _locked(self, source: np.ndarray) -> np.ndarray:
        """bool [N]: landmarks, and the skin of lips and lids, where every vertex is kept."""
        marks = self.kit.landmarks68
        return np.isin(source, marks) | _near_lips(self.kit)[source] | _near_lids(self.kit)[source]

    def add_eye(self, name: str, centre: Float32, radius: float) -> None:
        points, uv, triangles = _eyeball()
        self.eye_centres.append(centre)
        self._append(
            name,
            centre + EYE_SHARE * radius * points,
            uv,
            np.full(len(points), -1, np.int64),
            triangles,
        )

    def _append(
        self, name: str, xyz: Float32, uv: Float32, source: np.ndarray, tri: np.ndarray
    ) -> None:
        offset = sum(len(p) for p in self.positions)
        self.names.append(name)
        self.positions.append(xyz.astype(np.float32))
        self.uvs.append(uv.astype(np.float32))
        self.sources.append(source.astype(np.int64))
        self.triangles.append((tri + offset).astype(np.uint32))

    def finish(self) -> Topology:
        neutral, uv = np.concatenate(self.positions), np.concatenate(self.uvs)
        source, triangles = np.concatenate(self.sources), np.concatenate(self.triangles)
        ends = np.cumsum([len(p) for p in self.positions])
        chart = np.full(len(neutral), CHART_EYES, np.uint8)
        udim = np.floor(uv[:, 0]).astype(int)
        own = source >= 0
        chart[own] = np.choose(udim[own], [CHART_FACE, CHART_BACK, CHART_BONES, CHART_BONES])
        landmarks = _landmark_rows(self.kit, source)
        _, weld = np.unique(np.round(neutral, 6), axis=0, return_inverse=True)
        first = np.full(weld.max() + 1, len(neutral))
        np.minimum.at(first, weld.ravel(), np.arange(len(neutral)))
        lips = np.flatnonzero(own & (chart == CHART_FACE) & _near_lips(self.kit)[source])
        return Topology(
            id="",
            triangles=triangles,
            neutral=neutral,
            uv=uv,
            part_names=tuple(self.names),
            part_ranges=np.stack([np.r_[0, ends[:-1]], ends], 1),
            landmarks68=landmarks,
            weld=first[weld.ravel()].astype(np.uint32),
            full_vertex=np.arange(len(neutral)),
            source_vertex=source,
            chart=chart,
            bone_weights=_bone_weights(self.kit, source, chart),
            eye_centres=np.stack(self.eye_centres),
            lip_vertices=lips,
            upper_face_vertices=np.flatnonzero(
                own & (chart == CHART_FACE) & (neutral[:, 2] > 0.01) & (neutral[:, 0] > 0.06)
            ),
        )


def _lighten(full: Topology, kit: FaceKit) -> Topology:
    """The light mesh: a choice of the full mesh's vertices. Vertices at one place (seams between
    charts and between parts) are collapsed together, so no crack opens."""
    own = full.source_vertex >= 0
    attributes = np.zeros((len(full.neutral), 8), np.float32)
    attributes[own] = _motion_attributes(kit)[full.source_vertex[own]]
    locked = np.isin(full.weld, full.weld[full.landmarks68])
    kept = []
    for names, share in LIGHT_GROUPS:
        ranges = [full.part(name) for name in names]
        corner = full.triangles[:, 0]
        inside = np.any([(corner >= r.start) & (corner < r.stop) for r in ranges], axis=0)
        mine = full.triangles[inside].astype(np.int64)
        kept.append(_collapse(mine, full.neutral, attributes, share, locked, borders=False))
    return _subset(full, np.concatenate(kept))


def _subset(full: Topology, triangles: np.ndarray) -> Topology:
    """The mesh of some triangles over the vertices of `full`."""
    rows = np.unique(np.r_[triangles.ravel(), full.landmarks68])
    new = np.full(len(full.neutral), -1)
    new[rows] = np.arange(len(rows))
    ends = np.searchsorted(rows, full.part_ranges[:, 1])
    _, first, weld = np.unique(full.weld[rows], return_index=True, return_inverse=True)
    return replace(
        full,
        triangles=new[triangles].astype(np.uint32),
        neutral=full.neutral[rows],
        uv=full.uv[rows],
        part_ranges=np.stack([np.r_[0, ends[:-1]], ends], 1),
        landmarks68=new[full.landmarks68].astype(np.uint32),
        weld=first[weld].astype(np.uint32),
        full_vertex=rows,
        source_vertex=full.source_vertex[rows],
        chart=full.chart[rows],
        bone_weights=full.bone_weights[rows],
        lip_vertices=np.flatnonzero(np.isin(rows, full.lip_vertices)),
        upper_face_vertices=np.flatnonzero(np.isin(rows, full.upper_face_vertices)),
    )


def _collapse(
    triangles: np.ndarray,
    places: Float32,
    attributes: Float32,
    share: float,
    locked: np.ndarray,
    borders: bool,
) -> np.ndarray:
    """Quadric edge collapse onto kept vertices; places in metres, attributes in centimetres;
    `borders` keeps every vertex of the open edges."""
    import meshoptimizer  # only needed to make the mesh anew

    indices = triangles.astype(np.uint32).ravel()
    destination = np.zeros_like(indices)
    count = meshoptimizer.simplify_with_attributes(
        destination,
        indices,
        np.ascontiguousarray(places * 100),
        np.ascontiguousarray(attributes),
        np.full(attributes.shape[1], 1.0, np.float32),
        # The binding declares no argument types for this call: what travels on the stack
        # must come typed.
        vertex_attributes_stride=ctypes.c_size_t(attributes.shape[1] * 4),
        attribute_count=ctypes.c_size_t(attributes.shape[1]),
        target_index_count=ctypes.c_size_t(int(len(triangles) * share) * 3),
        target_error=ctypes.c_float(1.0),
        vertex_lock=locked.astype(np.uint8),
        options=meshoptimizer.SIMPLIFY_LOCK_BORDER if borders else 0,
    )
    return destination[:count].reshape(-1, 3).astype(np.int64)


def _motion_attributes(kit: FaceKit) -> Float32:
    """float32 [N, 8]: principal components of the 52 shapes over the vertices, centimetres."""
    flat = kit.shapes.transpose(1, 0, 2).reshape(len(kit.neutral), -1) * 100
    _, _, axes = np.linalg.svd(flat[::7], full_matrices=False)
    return (flat @ axes[:8].T).astype(np.float32)


def _near(kit: FaceKit, landmarks: slice, metres: float) -> np.ndarray:
    """bool [N]: points of the face within a distance of some landmarks."""
    marks = kit.neutral[kit.landmarks68[landmarks]]
    start, end = kit.regions["face"]
    distance = np.linalg.norm(kit.neutral[start:end, None] - marks[None], axis=-1).min(1)
    inside = np.zeros(len(kit.neutral), bool)
    inside[start:end] = distance < metres
    return inside


def _near_lips(kit: FaceKit) -> np.ndarray:
    return _near(kit, slice(48, 68), 0.009)


def _near_lids(kit: FaceKit) -> np.ndarray:
    return _near(kit, slice(36, 48), 0.0045)


def _landmark_rows(kit: FaceKit, source: np.ndarray) -> np.ndarray:
    rows = []
    for number, vertex in enumerate(kit.landmarks68):
        hits = np.flatnonzero(source == vertex)
        if not len(hits):
            raise ValueError(f"landmark {number} (vertex {vertex}) was lost in simplification")
        rows.append(hits[0])
    return np.array(rows, np.uint32)


def _bone_weights(kit: FaceKit, source: np.ndarray, chart: np.ndarray) -> Float32:
    """Share of the jaw's rigid motion in what a point does in jawOpen; the tongue is its own."""
    teeth = slice(*kit.regions["teeth_lower"])
    jaw_open = kit.shapes[BLENDSHAPE_NAMES.index("jawOpen")]
    design = np.c_[kit.neutral, np.ones(len(kit.neutral))]
    affine = np.linalg.lstsq(design[teeth], jaw_open[teeth], rcond=None)[0]
    rigid = design @ affine
    share = np.clip((rigid * jaw_open).sum(1) / np.maximum((rigid**2).sum(1), 1e-8), 0, 1)
    weights = np.zeros((len(source), 2), np.float32)
    bones = np.flatnonzero(chart == CHART_BONES)
    weights[bones, 0] = share[source[bones]]
    tongue = bones[np.isin(source[bones], kit.tongue)]
    weights[tongue] = (0.0, 1.0)
    return weights


def _eyeball() -> tuple[Float32, Float32, np.ndarray]:
    """Unit sphere with its pole on +x: points [N, 3], uv [N, 2], triangles [F, 3]."""
    polar = np.radians(EYE_RINGS_DEG)
    turn = np.arange(EYE_SEGMENTS + 1) / EYE_SEGMENTS
    angle = 2 * np.pi * turn
    ring = np.stack(
        [
            np.repeat(np.cos(polar)[:, None], len(turn), 1),
            -np.sin(polar)[:, None] * np.sin(angle)[None],
            np.sin(polar)[:, None] * np.cos(angle)[None],
        ],
        -1,
    ).reshape(-1, 3)
    ring_uv = np.stack(np.meshgrid(turn, polar / np.pi), -1).reshape(-1, 2)
    points = np.concatenate([ring, [[1, 0, 0], [-1, 0, 0]]]).astype(np.float32)
    uv = np.concatenate([ring_uv, [[0.5, 0.0], [0.5, 1.0]]]).astype(np.float32)
    count, width = len(polar), len(turn)
    grid = np.arange(count * width).reshape(count, width)
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]
    front, back = len(points) - 2, len(points) - 1
    triangles = [np.stack([a, c, b], -1), np.stack([b, c, d], -1)]
    caps = [
        np.stack([np.full(width - 1, front), grid[0, :-1], grid[0, 1:]], -1),
        np.stack([np.full(width - 1, back), grid[-1, 1:], grid[-1, :-1]], -1),
    ]
    return points, uv, np.concatenate([t.reshape(-1, 3) for t in (*triangles, *caps)])


def _warp(values: np.ndarray) -> np.ndarray:
    """Monotone map of [0, 1] that spends texels in proportion to the vertices there."""
    bins = np.linspace(0, 1, 513)
    density = ndimage.gaussian_filter1d(np.histogram(values, bins)[0].astype(float), 4.0)
    share = UV_WARP * density / density.sum() + (1 - UV_WARP) / len(density)
    return np.interp(values, bins, np.r_[0, np.cumsum(share)])


def _layout(mesh: Topology, which: int) -> MapLayout:
    rows = np.flatnonzero(mesh.chart == which)
    local = mesh.uv[rows] - np.floor(mesh.uv[rows]).min(0)
    place = np.stack([_warp(local[:, axis]) for axis in (0, 1)], 1).astype(np.float32)
    map_uv = np.zeros_like(mesh.uv)
    map_uv[rows] = place
    mine = mesh.triangles[(mesh.chart[mesh.triangles] == which).all(1)]
    texel_vertices, texel_weights, inside = _rasterise(map_uv, mine, MAP_SIZE)
    return MapLayout(MAP_SIZE, rows, place, texel_vertices, texel_weights, inside)


def _rasterise(
    uv: Float32, triangles: np.ndarray, size: int
) -> tuple[np.ndarray, Float32, np.ndarray]:
    """For each texel its triangle's vertices and barycentric weights; dilated past the edges."""
    owner = np.zeros((size, size, 3), np.int64)
    weights = np.zeros((size, size, 3), np.float32)
    inside = np.zeros((size, size), bool)
    for triangle in triangles.astype(np.int64):
        corner = uv[triangle] * size - 0.5
        low = np.maximum(np.ceil(corner.min(0)).astype(int), 0)
        high = np.minimum(np.floor(corner.max(0)).astype(int), size - 1)
        if (low > high).any():
            continue
        edge = np.stack([corner[1] - corner[0], corner[2] - corner[0]], 1)
        if abs(np.linalg.det(edge)) < 1e-9:
            continue
        xs, ys = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
        offset = np.stack([xs.ravel(), ys.ravel()], 0) - corner[0][:, None]
        second = np.linalg.solve(edge, offset)
        bary = np.stack([1 - second.sum(0), second[0], second[1]], 1)
        hit = (bary >= -1e-6).all(1)
        x, y = xs.ravel()[hit], ys.ravel()[hit]
        owner[y, x], weights[y, x], inside[y, x] = triangle, bary[hit], True
    _, (near_y, near_x) = ndimage.distance_transform_edt(~inside, return_indices=True)
    return (
        owner[near_y, near_x].reshape(-1, 3),
        weights[near_y, near_x].reshape(-1, 3),
        inside.ravel(),
    )
