"""Topology, coordinate maps, identities and what the decoder makes of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from media2face.backends import make_backend
from media2face.backends.base import Backend
from media2face.contract import BLENDSHAPE_NAMES, EYES_SLICE, MOTION_DIM
from media2face.face.topology import load_topology
from media2face.models import find_model


@cache
def backend() -> Backend:
    return make_backend("onnxruntime", find_model())


def test_parts_cover_the_mesh_and_triangles_stay_inside_them() -> None:
    topology = backend().topology
    ranges = topology.part_ranges
    assert ranges[0, 0] == 0
    assert ranges[-1, 1] == len(topology.neutral)
    assert (ranges[1:, 0] == ranges[:-1, 1]).all()
    part = np.searchsorted(ranges[:, 1], topology.triangles, side="right")
    assert (part == part[:, :1]).all()


def test_head_frame_is_x_forward_y_left_z_up() -> None:
    topology = backend().topology
    marks = topology.neutral[topology.landmarks68]
    assert marks[30, 0] > marks[0, 0] + 0.05  # the nose is in front of the ear
    assert marks[45, 1] > 0.02 > -0.02 > marks[36, 1]  # 36-41 are the head's right eye
    assert marks[27, 2] > marks[8, 2] + 0.05  # the bridge of the nose is above the chin
    assert 0.2 < np.ptp(topology.neutral[:, 2]) < 0.4  # metres


def test_normals_point_outwards() -> None:
    topology = backend().topology
    for name in ("skin", "eye_left", "eye_right"):
        low, high = topology.part_ranges[topology.part_names.index(name)]
        mine = topology.triangles[
            (topology.triangles >= low).all(1) & (topology.triangles < high).all(1)
        ]
        corner = topology.neutral[mine]
        normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        outward = corner.mean(1) - topology.neutral[low:high].mean(0)
        area = np.linalg.norm(normal, axis=1)
        assert np.average((normal * outward).sum(1) > 0, weights=area) > 0.8, name


def test_maps_carry_smooth_values_to_the_mesh_and_back() -> None:
    topology = backend().topology
    layout = topology.face_map
    field = np.sin(topology.neutral * 20).astype(np.float32)
    error = np.abs(layout.to_mesh(layout.from_mesh(field)) - field[layout.vertices])
    assert error.mean() < 0.01
    lips = np.isin(layout.vertices, topology.lip_vertices)
    assert error[lips].mean() < 0.005


def test_identities_differ_and_share_the_mesh() -> None:
    names = backend().identity_names
    assert len(names) == 8
    heads = [backend().prepare_identity(name) for name in names]
    for head in heads:
        assert head.neutral.shape == backend().topology.neutral.shape
    apart = np.linalg.norm(heads[1].neutral - heads[2].neutral, axis=1)
    assert apart.mean() > 0.002


def test_eyes_turn_left_and_down_and_nothing_else_moves() -> None:
    head = backend().prepare_identity("average")
    motion = np.zeros((2, MOTION_DIM), np.float32)
    motion[1, EYES_SLICE] = (0.3, 0.0, 0.0, 0.2)
    vertices, _ = backend().decode(head, motion)
    topology = backend().topology
    left, right = topology.part("eye_left"), topology.part("eye_right")
    pupil_left = left.start + int(head.neutral[left, 0].argmax())
    pupil_right = right.start + int(head.neutral[right, 0].argmax())
    moved = vertices[1] - vertices[0]
    assert moved[pupil_left, 1] > 0.002  # yaw > 0 looks to the head's left
    assert moved[pupil_right, 2] < -0.001  # pitch > 0 looks down
    assert np.abs(moved[: left.start]).max() < 1e-6


@pytest.mark.shared
def test_decoder_follows_the_public_shapes(shared: Path) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra 'train')")
    from media2face.backends.torch import load_gnpfa
    from media2face.corpus.facekit import load_facekit
    from media2face.corpus.rom import mesh_shapes

    topology = load_topology(find_model("gnpfa") / "topology.npz")
    shapes = mesh_shapes(load_facekit(shared / "facekit" / "facekit.npz"), topology)
    weights = np.zeros((3, 52), np.float32)
    for row, names in enumerate(
        (("jawOpen",), ("mouthSmileLeft", "mouthSmileRight"), ("browInnerUp",))
    ):
        weights[row, [BLENDSHAPE_NAMES.index(n) for n in names]] = 0.6
    with torch.no_grad():
        z = load_gnpfa(find_model("gnpfa")).to_latent(torch.from_numpy(weights)).numpy()
    motion = np.zeros((3, MOTION_DIM), np.float32)
    motion[:, : z.shape[1]] = z
    head = backend().prepare_identity("average")
    vertices, named = backend().decode(head, motion)
    target = head.neutral + np.tensordot(weights, shapes, axes=1)
    error = np.linalg.norm(vertices - target, axis=-1) * 1000
    own = topology.source_vertex >= 0
    assert error[:, own].mean() < 0.4
    assert np.abs(named - weights).mean() < 0.03


def test_a_topology_that_is_no_npz_is_named(tmp_path: Path) -> None:
    path = tmp_path / "topology.npz"
    path.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=r"topology\.npz is not a readable topology"):
        load_topology(path)
