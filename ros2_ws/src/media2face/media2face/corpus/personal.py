"""A person's own blendshapes and how they move: the ground truth of the GNPFA (PAPER.md 1).

The public head is linear: every head gets the same deltas. Here each head gets its own shapes by
deformation transfer (Sumner and Popovic 2004, in the Poisson form of Botsch et al. 2006), and
what is not linear in a face is put on top: the jaw turns about its hinge, lids slide over the
eyeball, lips and lids that meet on the average head meet on every head and never pass through
each other, teeth and tongue are carried by jaw and tongue. Lengths are metres, head frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra
from scipy.sparse.linalg import splu
from scipy.spatial.transform import Rotation

from media2face.contract import BLENDSHAPE_DIM, BLENDSHAPE_NAMES
from media2face.face.rims import LOWER_LIDS, LOWER_LIP, UPPER_LIDS, UPPER_LIP, rim
from media2face.face.topology import CHART_BONES, Topology
from media2face.types import Float32

SKIN_PARTS = ("skin", "mouth_socket", "eye_sockets")
STILL_M = 2e-4  # where no shape moves a point farther, deformation transfer pins it
LIP_SPREAD_M, LID_SPREAD_M = 0.006, 0.004  # reach of the corrections at the rims
LIP_OPEN_M = 0.003  # lips this much farther apart than at rest are left as transferred
LIP_STEP_M = 0.0004  # closed lips stand at most this far behind one another
EYE_CLEARANCE_M = 8e-4  # of the lids from the eyeball
PAIRS = 25
CORNER_SHARE = 0.1  # of the width, at either corner, where rims run into each other
JAW = BLENDSHAPE_NAMES.index("jawOpen")
BLINKS = tuple(BLENDSHAPE_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right"))


@dataclass(frozen=True)
class Hinge:
    """What jawOpen = 1 does to the lower jaw: a turn about an axis, and a slide along it.

    Attributes:
        turn: float64 [3] rotation vector, rad.
        pivot: float64 [3] a point of the axis.
        slide: float64 [3].
    """

    turn: np.ndarray
    pivot: np.ndarray
    slide: np.ndarray

    def moved(self, share: Float32, points: Float32) -> Float32:
        """Displacement float32 [N, P, 3] of points [P, 3] at shares [N] of the motion."""
        turned = Rotation.from_rotvec(share[:, None] * self.turn).as_matrix() - np.eye(3)
        arm = points - self.pivot
        result = np.einsum("nij,pj->npi", turned, arm) + share[:, None, None] * self.slide
        return result.astype(np.float32)


@dataclass(frozen=True)
class Person:
    """One head with its own shapes.

    Attributes:
        neutral: float32 [V, 3].
        eye_centres: float32 [2, 3].
        shapes: float32 [52, V, 3] displacement of each shape at weight 1; linear part.
        hinge: of the jaw.
    """

    neutral: Float32
    eye_centres: Float32
    shapes: Float32
    hinge: Hinge


class _Rims:
    """Points of two rims that face each other, and how a correction there spreads."""

    def __init__(
        self, topology: Topology, upper: tuple[int, ...], lower: tuple[int, ...], reach: float
    ) -> None:
        paths = [rim(topology, upper), rim(topology, lower)]
        ends = np.sort(topology.neutral[paths[0][[0, -1]], 1])
        inset = CORNER_SHARE * np.ptp(ends)
        across = np.linspace(ends[0] + inset, ends[1] - inset, PAIRS, dtype=np.float32)
        (first, self.upper), (second, self.lower) = (
            _resampled(topology, path, across) for path in paths
        )
        self.rows = (first, second)
        graph = _edge_graph(topology)
        far = [dijkstra(graph, indices=np.unique(r), min_only=True) for r in self.rows]
        self.spread = [
            _spread(topology, r, w, mine, other, reach)
            for r, w, mine, other in (
                (self.rows[0], self.upper, far[0], far[1]),
                (self.rows[1], self.lower, far[1], far[0]),
            )
        ]

    def gap(self, vertices: Float32) -> Float32:
        """float32 [N, PAIRS, 3] upper minus lower point of vertices [N, V, 3]."""
        upper = np.einsum("npkc,pk->npc", vertices[:, self.rows[0]], self.upper)
        return upper - np.einsum("npkc,pk->npc", vertices[:, self.rows[1]], self.lower)

    def widen(self, vertices: Float32, change: Float32, upper_share: float) -> None:
        """Adds `change` [N, PAIRS, 3] to the gap, in place, spread over the skin around it."""
        for (rows, spread), share in zip(self.spread, (upper_share, upper_share - 1), strict=True):
            vertices[:, rows] += share * np.einsum("vp,npc->nvc", spread, change)


def _resampled(
    topology: Topology, path: np.ndarray, across: Float32
) -> tuple[np.ndarray, Float32]:
    """Two vertices [PAIRS, 2] and weights [PAIRS, 2] of a path where it is `across` (m, left)."""
    lateral = topology.neutral[path, 1]
    order = np.argsort(lateral, kind="stable")
    at = np.clip(np.searchsorted(lateral[order], across), 1, len(path) - 1)
    low, high = order[at - 1], order[at]
    share = (across - lateral[low]) / np.maximum(lateral[high] - lateral[low], 1e-9)
    share = np.clip(share, 0, 1).astype(np.float32)
    return np.stack([path[low], path[high]], 1), np.stack([1 - share, share], 1)


def _edge_graph(topology: Topology) -> sparse.csr_matrix:
    """Welded edges of the skin parts with their lengths."""
    triangles = topology.weld[topology.triangles[_skin_triangles(topology)]].astype(np.int64)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    length = np.linalg.norm(np.diff(topology.neutral[edges], axis=1)[:, 0], axis=1) + 1e-9
    size = len(topology.neutral)
    graph = sparse.coo_matrix((length, edges.T), (size, size)).tocsr()
    return graph.maximum(graph.T)


def _skin_triangles(topology: Topology) -> np.ndarray:
    return topology.triangles[:, 0] < topology.part(SKIN_PARTS[-1]).stop


def _spread(
    topology: Topology,
    rows: np.ndarray,
    weights: Float32,
    mine: np.ndarray,
    other: np.ndarray,
    reach: float,
) -> tuple[np.ndarray, Float32]:
    """Vertices nearer to this rim than to the other, and for each the share [P, PAIRS] it takes
    of the corrections."""
    mine, other = mine[topology.weld], other[topology.weld]
    near = np.flatnonzero((mine < 2.5 * reach) & (mine <= other))
    points = np.einsum("pkc,pk->pc", topology.neutral[rows], weights)
    apart = np.linalg.norm(topology.neutral[near][:, None] - points[None], axis=-1)
    kernel = np.exp(-0.5 * (apart / (0.25 * reach)) ** 2) + 1e-12
    fall = np.exp(-0.5 * (mine[near] / reach) ** 2)
    return near, (fall[:, None] * kernel / kernel.sum(1, keepdims=True)).astype(np.float32)


class _Transfer:
    """Deformation transfer of the average head's shapes to another head of the same mesh."""

    def __init__(self, topology: Topology, shapes: Float32) -> None:
        triangles = topology.weld[topology.triangles[_skin_triangles(topology)]]
        self.rows, corners = np.unique(triangles, return_inverse=True)
        self.triangles = corners.reshape(-1, 3)
        place = topology.neutral[self.rows].astype(np.float64)
        area = np.linalg.norm(_normals(place[self.triangles]), axis=-1)
        self.triangles = self.triangles[area > 1e-12]
        frames = np.linalg.inv(_frames(place[self.triangles]))
        self.change = np.stack(
            [
                (_frames((place + delta[self.rows])[self.triangles]) @ frames - np.eye(3))
                for delta in shapes
            ]
        ).astype(np.float32)  # [52, F, 3, 3]
        greatest = np.linalg.norm(shapes[:, self.rows], axis=-1).max(0)
        self.pins = np.exp(-greatest / STILL_M)
        self.weld = np.searchsorted(self.rows, topology.weld)
        self.skin = np.isin(topology.weld, self.rows)

    def __call__(self, neutral: Float32) -> Float32:
        """Neutral [V, 3] -> shapes [52, V, 3], zero off the skin."""
        place = neutral[self.rows].astype(np.float64)
        count, corner = len(self.rows), place[self.triangles]
        laplace = sparse.diags(self.pins + 1e-9).tocsc()
        right = np.zeros((count, BLENDSHAPE_DIM * 3))
        for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
            first, second = corner[:, a] - corner[:, c], corner[:, b] - corner[:, c]
            cross = np.linalg.norm(np.cross(first, second), axis=-1)
            weight = np.clip((first * second).sum(-1) / np.maximum(cross, 1e-12), 0.05, 5.0)
            i, j = self.triangles[:, a], self.triangles[:, b]
            ends, both = np.r_[i, j, i, j], np.r_[i, j, j, i]
            values = np.r_[weight, weight, -weight, -weight]
            laplace = laplace + sparse.coo_matrix((values, (ends, both)), (count, count))
            edge = (corner[:, a] - corner[:, b]) * weight[:, None]
            pull = np.einsum("sfij,fj->fsi", self.change, edge.astype(np.float32))
            flat = pull.reshape(len(edge), -1)
            ones, faces = np.ones(len(i)), np.arange(len(i))
            side = sparse.coo_matrix((np.r_[ones, -ones], (np.r_[i, j], np.r_[faces, faces])))
            right += side @ flat
        moved = splu(laplace.tocsc()).solve(right).reshape(count, BLENDSHAPE_DIM, 3)
        shapes = np.zeros((BLENDSHAPE_DIM, *neutral.shape), np.float32)
        shapes[:, self.skin] = moved[self.weld[self.skin]].transpose(1, 0, 2)
        return shapes


def _normals(corner: np.ndarray) -> np.ndarray:
    return np.cross(corner[..., 1, :] - corner[..., 0, :], corner[..., 2, :] - corner[..., 0, :])


def _frames(corner: np.ndarray) -> np.ndarray:
    """[F, 3, 3] columns: two edges and the normal, scaled as Sumner and Popovic do."""
    normal = _normals(corner)
    normal = normal / np.sqrt(np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-14))
    edges = corner[..., 1:, :] - corner[..., :1, :]
    return np.stack([edges[..., 0, :], edges[..., 1, :], normal], -1)


class PersonalRig:
    """Makes persons, and poses them. One for a mesh."""

    def __init__(self, topology: Topology, shapes: Float32) -> None:
        """shapes: float32 [52, V, 3] of the average head, linear."""
        self.topology, self._shapes = topology, shapes
        self._transfer = _Transfer(topology, shapes)
        self._bones = np.flatnonzero(topology.chart == CHART_BONES)
        self._affine = _bone_affines(topology, shapes)
        teeth = topology.part("teeth_lower")
        self._hinge = _hinge(topology.neutral[teeth], shapes[JAW, teeth])
        self._jaw_share = self._shares_of_jaw()
        self._lips = _Rims(topology, UPPER_LIP, LOWER_LIP, LIP_SPREAD_M)
        self._lids = [
            _Rims(topology, upper, lower, LID_SPREAD_M)
            for upper, lower in zip(UPPER_LIDS, LOWER_LIDS, strict=True)
        ]
        blinking = [np.linalg.norm(shapes[b], axis=-1) for b in BLINKS]
        self._lid_shares = [np.clip(2 * b / b.max(), 0, 1) for b in blinking]
        ear = np.abs(topology.neutral - self._hinge.pivot)[:, [0, 2]]
        self._at_hinge = np.argsort((ear**2).sum(1) + 10.0 * (topology.chart > 0))[:60]
        self.average = Person(topology.neutral, topology.eye_centres, shapes, self._hinge)
        self._rest_gap = np.maximum(self._lips.gap(topology.neutral[None])[0, :, 2], 1e-5)

    def settle_lips(self, deltas: Float32) -> None:
        """Takes out of float32 [N, V, 3] displacements what opens or closes the lips, in place:
        heads differ in their lips, but rest with them as far apart as the average head."""
        change = np.zeros((len(deltas), PAIRS, 3), np.float32)
        change[..., 2] = -self._lips.gap(deltas)[..., 2]
        self._lips.widen(deltas, change, upper_share=0.5)

    def lip_gap(self, vertices: Float32) -> Float32:
        """Height float32 [N, PAIRS] of the mouth's opening from corner to corner, metres, of
        vertices [N, V, 3]; below zero the lips pass through each other."""
        return self._lips.gap(vertices)[..., 2]

    def _shares_of_jaw(self) -> Float32:
        """float32 [V] how much of the jaw's turn each skin point takes part in."""
        rigid = self._hinge.moved(np.ones(1, np.float32), self.topology.neutral)[0]
        moved = self._shapes[JAW]
        share = (rigid * moved).sum(-1) / np.maximum((rigid**2).sum(-1), 1e-8)
        share[self.topology.chart >= CHART_BONES] = 0
        return np.clip(share, 0, 1).astype(np.float32)

    def personalise(self, neutral: Float32, eye_centres: Float32) -> Person:
        """A head's own shapes. About a second."""
        offset = (neutral - self.topology.neutral)[self._at_hinge].mean(0)
        offset[1] = 0.0  # the axis runs from ear to ear
        hinge = Hinge(self._hinge.turn, self._hinge.pivot + offset, self._hinge.slide)
        return Person(neutral, eye_centres, self._transfer(neutral), hinge)

    def pose(self, person: Person, weights: Float32) -> Float32:
        """Vertices float32 [N, V, 3] of a person at weights float32 [N, 52]."""
        vertices = self._linear(person, weights)
        self._move_bones(person, weights, vertices)
        for eye in range(2):
            self._slide_lid(person, weights, vertices, eye)
            self._close_lid(person, weights, vertices, eye)
        self._close_lips(person, weights, vertices)
        return vertices

    def _linear(self, person: Person, weights: Float32) -> Float32:
        """Sum of the shapes, with the jaw on its arc."""
        moved = weights @ person.shapes.reshape(BLENDSHAPE_DIM, -1)
        vertices = person.neutral + moved.reshape(len(weights), -1, 3)
        rows = np.flatnonzero(self._jaw_share > 0.02)
        jaw, points = weights[:, JAW], person.neutral[rows]
        whole = person.hinge.moved(np.ones(1, np.float32), points)
        bow = person.hinge.moved(jaw, points) - jaw[:, None, None] * whole
        vertices[:, rows] += self._jaw_share[rows, None] * bow
        return vertices

    def _move_bones(self, person: Person, weights: Float32, vertices: Float32) -> None:
        """Teeth, gums and tongue ride on jaw and tongue; both ride on the hinge."""
        rows, place = self._bones, person.neutral[self._bones]
        centre = place.mean(0) - self.topology.neutral[rows].mean(0)
        own = np.c_[place - centre, np.ones(len(place), np.float32)]
        rest = weights.copy()
        rest[:, JAW] = 0
        share = self.topology.bone_weights[rows]
        affine = np.einsum("nw,wbij->nbij", rest, self._affine)
        moved = np.einsum("nbij,pj,pb->npi", affine, own, share, optimize=True)
        carried = share[:, 0] + share[:, 1]
        vertices[:, rows] = (
            place + moved + carried[:, None] * person.hinge.moved(weights[:, JAW], place)
        )

    def _slide_lid(self, person: Person, weights: Float32, vertices: Float32, eye: int) -> None:
        """Keeps the lid at the distance from the eye's centre that its shapes give it at their
        ends, instead of on the chord between them."""
        share = self._lid_shares[eye]
        rows = np.flatnonzero(share > 0.02)
        centre, rest = person.eye_centres[eye], person.neutral[rows]
        ball = person.neutral[self.topology.part(("eye_left", "eye_right")[eye])] - centre
        least = np.linalg.norm(ball, axis=-1).max() + EYE_CLEARANCE_M
        radius = np.linalg.norm(rest - centre, axis=-1)
        ends = np.linalg.norm(rest + person.shapes[:, rows] - centre, axis=-1) - radius
        wanted = np.maximum(radius + weights @ ends, np.minimum(radius, least))
        arm = vertices[:, rows] - centre
        length = np.linalg.norm(arm, axis=-1)
        scale = 1 + share[rows] * (wanted / np.maximum(length, 1e-6) - 1)
        vertices[:, rows] = centre + arm * scale[..., None]

    def _close_lid(self, person: Person, weights: Float32, vertices: Float32, eye: int) -> None:
        """A full blink closes the eye, and no lid passes through the other."""
        rims = self._lids[eye]
        gap = rims.gap(vertices)[..., 2]
        shut = self._gap_when_shut(person, eye)
        aim = np.maximum(gap - weights[:, BLINKS[eye], None] * shut, 0)
        change = np.zeros((*gap.shape, 3), np.float32)
        change[..., 2] = aim - gap
        rims.widen(vertices, change, upper_share=0.7)

    def _gap_when_shut(self, person: Person, eye: int) -> Float32:
        weights = np.zeros((1, BLENDSHAPE_DIM), np.float32)
        weights[0, BLINKS[eye]] = 1
        vertices = self._linear(person, weights)
        self._slide_lid(person, weights, vertices, eye)
        return self._lids[eye].gap(vertices)[0, :, 2]

    def _close_lips(self, person: Person, weights: Float32, vertices: Float32) -> None:
        """Where the average head's lips touch, everybody's do; none pass through each other."""
        gap = self._lips.gap(vertices)
        average = self._lips.gap(self._linear(self.average, weights))[..., 2]
        trust = np.clip((average - self._rest_gap) / LIP_OPEN_M, 0, 1)
        aim_up = np.maximum((1 - trust) * average + trust * gap[..., 2], 0)
        closed = 1 - np.clip(aim_up / self._rest_gap, 0, 1)
        step = np.clip(gap[..., 0], -LIP_STEP_M, LIP_STEP_M)
        change = np.zeros_like(gap)
        change[..., 0] = closed * (step - gap[..., 0])
        change[..., 2] = aim_up - gap[..., 2]
        self._lips.widen(vertices, change, upper_share=0.5)


def _hinge(points: Float32, moved: Float32) -> Hinge:
    """The screw motion nearest to points + moved."""
    source, target = points.astype(np.float64), (points + moved).astype(np.float64)
    rotation, _ = Rotation.align_vectors(target - target.mean(0), source - source.mean(0))
    turn = rotation.as_rotvec()
    axis = turn / np.linalg.norm(turn)
    shift = target.mean(0) - rotation.apply(source.mean(0))
    slide = axis * (shift @ axis)
    pivot = np.linalg.lstsq(np.eye(3) - rotation.as_matrix(), shift - slide, rcond=None)[0]
    return Hinge(turn, pivot, slide)


def _bone_affines(topology: Topology, shapes: Float32) -> Float32:
    """float32 [52, 2, 3, 4] affine displacement of jaw and tongue in each shape."""
    result = np.zeros((BLENDSHAPE_DIM, 2, 3, 4), np.float32)
    for bone in (0, 1):
        rows = np.flatnonzero(topology.bone_weights[:, bone] > 0.9)
        design = np.c_[topology.neutral[rows], np.ones(len(rows))]
        solve = np.linalg.pinv(design)
        result[:, bone] = np.einsum("jp,spi->sij", solve, shapes[:, rows])
    return result
