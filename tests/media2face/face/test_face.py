"""Topology, coordinate maps, identities and what the decoder makes of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from media2face.backends import make_backend
from media2face.backends.base import Backend
from media2face.contract import BLENDSHAPE_NAMES, EYES_SLICE, LATENT_SLICE, MOTION_DIM
from media2face.face.heads import save_identity
from media2face.face.topology import load_maps, load_topology
from media2face.models import find_model


@cache
def backend(level: str = "full") -> Backend:
    return make_backend("onnxruntime", find_model(), level=level)


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


def test_maps_carry_the_mesh_and_bring_it_back() -> None:
    """The mean error is what the issue of the head's mesh asks for: under 0.1 mm."""
    topology = backend().topology
    maps = load_maps(find_model("gnpfa") / "maps.npz")
    errors = []
    for layout in (maps.face, maps.back):
        back = layout.to_mesh(layout.from_mesh(topology.neutral))
        errors.append(np.linalg.norm(back - topology.neutral[layout.vertices], axis=-1))
    assert np.concatenate(errors).mean() < 1e-4
    assert errors[0][np.isin(maps.face.vertices, topology.lip_vertices)].mean() < 5e-5


def test_the_light_mesh_is_the_same_head_of_fewer_vertices() -> None:
    full, light = backend().topology, backend("light").topology
    assert len(light.neutral) < len(full.neutral) / 4
    assert light.part_names == full.part_names
    assert light.id != full.id
    np.testing.assert_array_equal(
        full.full_vertex[full.landmarks68], light.full_vertex[light.landmarks68]
    )
    motion = np.random.default_rng(0).normal(0, 0.5, (2, MOTION_DIM)).astype(np.float32)
    motion[:, -4:] *= 0.2
    posed = [b.decode(b.prepare_identity("ada"), motion) for b in (backend(), backend("light"))]
    np.testing.assert_allclose(posed[0][0][:, light.full_vertex], posed[1][0], atol=1e-6)
    np.testing.assert_array_equal(posed[0][1], posed[1][1])


def test_no_crack_between_parts_and_charts() -> None:
    """Vertices at one place of the neutral are at one place whatever the face does."""
    for level in ("full", "light"):
        topology = backend(level).topology
        weights = np.zeros((1, 52), np.float32)
        weights[0, [BLENDSHAPE_NAMES.index(n) for n in ("jawOpen", "mouthSmileLeft")]] = 0.8
        motion = np.zeros((1, MOTION_DIM), np.float32)
        motion[:, LATENT_SLICE] = backend(level).to_latent(weights)
        posed = backend(level).decode(backend(level).prepare_identity("ben"), motion)[0][0]
        apart = np.linalg.norm(posed - posed[topology.weld], axis=-1)
        assert apart.max() < 5e-4, level


def test_identities_differ_and_share_the_mesh() -> None:
    names = backend().heads.preset_names
    assert len(names) == 8
    heads = [backend().prepare_identity(name) for name in names]
    for head in heads:
        assert head.neutral.shape == backend().topology.neutral.shape
    apart = [
        np.linalg.norm(a.neutral - b.neutral, axis=1).mean()
        for i, a in enumerate(heads)
        for b in heads[:i]
    ]
    assert min(apart) > 0.0015


def test_identity_by_seed_and_by_weights() -> None:
    heads = backend().heads
    seven = heads.resolve("seed:7").neutral
    np.testing.assert_array_equal(seven, heads.resolve("seed:7").neutral)
    assert np.abs(seven - heads.resolve("seed:8").neutral).max() > 0.002
    np.testing.assert_array_equal(heads.resolve("pca:0").neutral, backend().topology.neutral)
    moved = heads.resolve("pca:0,-1.5").neutral - backend().topology.neutral
    np.testing.assert_allclose(moved, -1.5 * heads.modes[1], atol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nobody", "no identity 'nobody'; known: average, ada"),
        ("", "no identity ''; known: average"),
        ("seed:x", "give a whole number, such as seed:7"),
        ("pca:1,two", "give numbers with commas"),
        ("pca:1,nan", r"weights must lie in \[-3, 3\]"),
        ("pca:9", r"weights must lie in \[-3, 3\]"),
        ("pca:" + ",".join("0" * 500), "500,.* weights, there are"),
        ("gone.npz", "identity file gone.npz does not exist"),
        ("gone.obj", "identity file gone.obj does not exist"),
    ],
)
def test_a_wrong_identity_says_what_there_is(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        backend().heads.resolve(text)


def test_identity_files_are_read_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "me.npz"
    weights = np.array([0.5, -1.0, 0.25], np.float32)
    save_identity(path, weights)
    expected = backend().heads.resolve("pca:0.5,-1,0.25").neutral
    np.testing.assert_allclose(backend().heads.resolve(str(path)).neutral, expected, atol=1e-7)
    path.write_bytes(b"garbage")
    with pytest.raises(ValueError, match="is not an identity file"):
        backend().heads.resolve(str(path))


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
def test_decoder_follows_persons_own_shapes(shared: Path) -> None:
    """A head the training never drew, posed by its own blendshapes, against M and G_geo."""
    pytest.importorskip("scipy", reason="scipy is not installed (extra 'train')")
    from media2face.corpus.facekit import load_facekit
    from media2face.corpus.personal import PersonalRig
    from media2face.corpus.rom import mesh_shapes

    topology, heads = backend().topology, backend().heads
    kit = load_facekit(shared / "facekit" / "facekit.npz")
    rig = PersonalRig(topology, mesh_shapes(kit, topology))
    head = heads.resolve("seed:123456")
    person = rig.personalise(head.neutral, head.eye_centres)
    weights = np.zeros((4, 52), np.float32)
    for row, names in enumerate(
        (
            ("jawOpen",),
            ("mouthSmileLeft", "mouthSmileRight"),
            ("browInnerUp", "jawOpen", "mouthPucker"),
            ("eyeBlinkLeft", "eyeBlinkRight"),
        )
    ):
        weights[row, [BLENDSHAPE_NAMES.index(n) for n in names]] = 0.6
    motion = np.zeros((4, MOTION_DIM), np.float32)
    motion[:, LATENT_SLICE] = backend().to_latent(weights)
    vertices, named = backend().decode(backend().prepare_identity(head), motion)
    error = np.linalg.norm(vertices - rig.pose(person, weights), axis=-1) * 1000
    assert error.mean() < 0.3
    assert error[:, topology.lip_vertices].mean() < 0.4
    assert np.abs(named - weights).mean() < 0.03


def test_a_topology_that_is_no_npz_is_named(tmp_path: Path) -> None:
    path = tmp_path / "topology_full.npz"
    path.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=r"topology_full\.npz is not a readable topology"):
        load_topology(path)
