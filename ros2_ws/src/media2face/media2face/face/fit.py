"""Fits a head to somebody's neutral mesh: any topology, units and axes. Needs the extra `fit`.

The mesh is laid on the average head by iterated closest points from every way of naming its axes;
then similarity and identity modes are solved together, regularised by how rare a head is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path

import numpy as np

from media2face.face.heads import MAX_WEIGHT, HeadModel
from media2face.types import Float32

SURFACE_POINTS = 40_000
COARSE_POINTS, COARSE_ROUNDS = 350, 12
SCALES = (0.75, 1.0, 1.3)  # a mesh with shoulders, or without the back of the head, is off in size
FINE_POINTS, FINE_ROUNDS = 1800, 40
REACH_M = (0.03, 0.006)  # farthest point that still counts, first and last round
RIDGE = 6e-8  # of a weight of one against square metres a point
UNITS_M = (1.0, 0.1, 0.01, 0.001, 0.0254)  # metres, decimetres, centimetres, millimetres, inches
UNIT_SLACK = 0.3
WORST_MM = 1.2
STARTS = 3  # of the ways to lay the mesh on the average head, that are followed to the end


Similarity = tuple[np.ndarray, float, np.ndarray]  # rotation, scale, shift


@dataclass(frozen=True)
class Fit:
    """A fitted head.

    Attributes:
        weights: float32 [M] of the identity modes.
        error_mm: mean distance of the face's points from the mesh.
        rotation, scale, shift: head frame point = scale * rotation @ mesh point + shift.
    """

    weights: Float32
    error_mm: float
    rotation: np.ndarray
    scale: float
    shift: np.ndarray


def fit_file(model: HeadModel, path: Path) -> Fit:
    """Fits a head to a mesh file (.obj, .ply, .glb).

    Raises:
        ValueError: the file is no mesh, or no head; naming the file.
        ImportError: the extra `fit` is not installed.
    """
    try:
        import trimesh
    except ImportError as error:
        raise ImportError(
            "fitting a head to a mesh needs trimesh and scipy: pip install 'media2face[fit]'"
        ) from error
    try:
        mesh = trimesh.load(path, force="mesh", process=False)
        points, faces = trimesh.sample.sample_surface(mesh, SURFACE_POINTS, seed=0)
        normals = mesh.face_normals[faces]
    except Exception as error:  # its readers raise all sorts
        raise ValueError(
            f"{path} is not a readable mesh: {error or type(error).__name__}"
        ) from error
    try:
        return fit_points(model, np.asarray(points, float), np.asarray(normals, float))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def fit_points(model: HeadModel, points: np.ndarray, normals: np.ndarray) -> Fit:
    """Fits a head to points [N, 3] of a surface, in any unit and axes, and their normals.

    Raises:
        ValueError: the points are not finite, or do not look like a head.
    """
    if len(points) < 500 or not np.isfinite(points).all() or np.ptp(points, axis=0).min() <= 0:
        raise ValueError("not a surface: its points are too few, not finite, or all in a plane")
    fits = []
    for start in _lay_on_average(model, points):
        try:
            fits.append(_solve(model, points, normals, *_in_known_unit(start, points)))
        except ValueError:  # this way led astray
            continue
    best = min(fits, key=lambda fit: fit.error_mm, default=None)
    if best is None or best.error_mm > WORST_MM:
        off = "" if best is None else f": {best.error_mm:.1f} mm off after fitting"
        raise ValueError(f"does not look like a head{off}")
    return best


def _in_known_unit(start: Similarity, points: np.ndarray) -> tuple[Similarity, bool]:
    """Heads differ in size: where the mesh fits a unit of length, that decides the scale.

    Returns:
        The similarity, and whether its scale is still free.
    """
    rotation, scale, shift = start
    unit = min(UNITS_M, key=lambda u: abs(np.log(u / scale)))
    if abs(np.log(unit / scale)) > UNIT_SLACK:
        return start, True
    return (rotation, unit, shift + (scale - unit) * rotation @ points.mean(0)), False


def _skin(model: HeadModel, count: int) -> np.ndarray:
    """Vertices of the outer skin, ears and neck thinned out, the same ones every time."""
    topology = model.topology
    part = topology.part("skin")
    place = topology.neutral[part]
    # The face tells people apart; the neck's edge is where meshes are cut off.
    likely = np.where(place[:, 0] > 0.02, 1.0, 0.3) * (place[:, 2] > place[:, 2].min() + 0.02)
    rng = np.random.default_rng(0)
    count = min(count, int((likely > 0).sum()))
    return part.start + rng.choice(len(place), count, replace=False, p=likely / likely.sum())


def _lay_on_average(model: HeadModel, points: np.ndarray) -> list[Similarity]:
    """The similarities that bring the points nearest to the average head, best first."""
    template = model.topology.neutral[_skin(model, COARSE_POINTS)].astype(float)
    thin = points[np.random.default_rng(1).choice(len(points), 4000, replace=False)]
    middle, size = np.median(thin, axis=0), np.sqrt(((thin - thin.mean(0)) ** 2).sum(1).mean())
    own = np.sqrt(((template - template.mean(0)) ** 2).sum(1).mean())
    starts = [
        _closest_similarity(template, thin, turn, own / size * scale, middle)
        for turn in _axis_turns()
        for scale in SCALES
    ]
    return [start for _, start in sorted(starts, key=lambda pair: pair[0])[:STARTS]]


def _axis_turns() -> list[np.ndarray]:
    """The 24 rotations that map axes to axes."""
    turns = []
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        turn = np.eye(3)[list(order)] * np.array(signs)[:, None]
        if np.linalg.det(turn) > 0:
            turns.append(turn)
    return turns


def _closest_similarity(
    template: np.ndarray, points: np.ndarray, turn: np.ndarray, scale: float, middle: np.ndarray
) -> tuple[float, Similarity]:
    """A few rounds of closest points on the best 80 %; mean distance (m), and the similarity."""
    from scipy.spatial import cKDTree

    tree = cKDTree(points)
    shift = template.mean(0) - scale * turn @ middle
    error = np.inf
    for _ in range(COARSE_ROUNDS):
        back = (template - shift) @ turn / scale  # the template, in the mesh's frame
        distance, nearest = tree.query(back)
        keep = np.argsort(distance)[: int(0.8 * len(template))]
        error = float(distance[keep].mean() * scale)
        turn, scale, shift = _similarity(points[nearest[keep]], template[keep])
    return error, (turn, scale, shift)


def _similarity(source: np.ndarray, target: np.ndarray) -> Similarity:
    """Umeyama 1991: target = scale * rotation @ source + shift in least squares."""
    a, b = source - source.mean(0), target - target.mean(0)
    u, _, v = np.linalg.svd(b.T @ a)
    sign = np.array([1, 1, np.sign(np.linalg.det(u @ v))])
    rotation = u * sign @ v
    # From the spread alone: the usual estimate shrinks where correspondences are wrong.
    scale = float(np.sqrt((b**2).sum() / max((a**2).sum(), 1e-12)))
    return rotation, scale, target.mean(0) - scale * rotation @ source.mean(0)


def _solve(
    model: HeadModel,
    points: np.ndarray,
    normals: np.ndarray,
    laid_by: Similarity,
    free_scale: bool,
) -> Fit:
    """Gauss-Newton on point-to-plane distances over rotation, shift, scale and the modes."""
    from scipy.spatial import cKDTree
    from scipy.spatial.transform import Rotation

    rotation, scale, shift = laid_by
    rows = _skin(model, FINE_POINTS)
    average, modes = model.topology.neutral[rows].astype(float), model.modes[:, rows].astype(float)
    laid = scale * points @ rotation.T + shift
    facing = normals @ rotation.T
    weights, error = np.zeros(len(modes)), np.inf
    for round_ in range(FINE_ROUNDS):
        reach = REACH_M[0] * (REACH_M[1] / REACH_M[0]) ** (round_ / (FINE_ROUNDS - 1))
        head = average + np.tensordot(weights, modes, 1)
        distance, nearest = cKDTree(laid).query(head)
        near = distance < reach
        if near.mean() < 0.3:
            raise ValueError("does not look like a head: too little of it lies near one")
        normal, goal = facing[nearest][near], laid[nearest][near]
        gap = ((head[near] - goal) * normal).sum(1)
        error = float(np.abs(gap).mean() * 1000)
        turning = np.cross(goal, normal)  # moving the mesh is moving the head the other way
        growing = (goal * normal).sum(1)
        shaping = np.einsum("mpc,pc->pm", modes[:, near], normal)
        design = np.c_[-turning, -normal, -growing, shaping]
        ridge = np.r_[np.full(7, 1e-12), np.full(len(modes), RIDGE)] * near.sum()
        if not free_scale:
            ridge[6] = 1e6
        right = -design.T @ gap - ridge * np.r_[np.zeros(7), weights]
        step = np.linalg.solve(design.T @ design + np.diag(ridge), right)
        turn, grow = Rotation.from_rotvec(step[:3]).as_matrix(), 1 + step[6]
        laid, facing = grow * laid @ turn.T + step[3:6], facing @ turn.T
        rotation, scale, shift = turn @ rotation, grow * scale, grow * turn @ shift + step[3:6]
        weights = np.clip(weights + step[7:], -MAX_WEIGHT, MAX_WEIGHT)
    return Fit(weights.astype(np.float32), error, rotation, scale, shift)
