"""A person's own blendshapes: deformation transfer, and what is not linear in a face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from media2face.contract import BLENDSHAPE_DIM, BLENDSHAPE_NAMES
from media2face.face.topology import Topology, load_topology
from media2face.models import find_model
from media2face.types import Float32

pytest.importorskip("scipy", reason="scipy is not installed (extra 'train')")

SHARED = Path(__file__).resolve().parents[4] / "shared"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="no shared data folder"),
]


@dataclass
class Workshop:
    topology: Topology
    rig: object
    shapes: Float32
    modes: Float32
    centres: Float32


@cache
def workshop() -> Workshop:
    from media2face.corpus.facekit import load_facekit
    from media2face.corpus.personal import PersonalRig
    from media2face.corpus.rom import identity_modes, mesh_shapes

    kit = load_facekit(SHARED / "facekit" / "facekit.npz")
    topology = load_topology(find_model("gnpfa") / "topology_full.npz")
    shapes = mesh_shapes(kit, topology)
    rig = PersonalRig(topology, shapes)
    return Workshop(topology, rig, shapes, *identity_modes(kit, topology, rig))


def person(seed: int):  # type: ignore[no-untyped-def]
    w = workshop()
    weights = np.random.default_rng(seed).normal(0, 0.8, len(w.modes))
    return w.rig.personalise(
        (w.topology.neutral + np.tensordot(weights, w.modes, 1)).astype(np.float32),
        (w.topology.eye_centres + np.tensordot(weights, w.centres, 1)).astype(np.float32),
    )


def row(**actions: float) -> Float32:
    weights = np.zeros((1, BLENDSHAPE_DIM), np.float32)
    for action, value in actions.items():
        for name in (action, f"{action}Left", f"{action}Right"):
            if name in BLENDSHAPE_NAMES:
                weights[0, BLENDSHAPE_NAMES.index(name)] = value
    return weights


def test_transfer_to_the_average_head_gives_its_own_shapes_back() -> None:
    w = workshop()
    own = w.rig.personalise(w.topology.neutral, w.topology.eye_centres)
    skin = slice(0, w.topology.part("eye_sockets").stop)
    assert np.abs(own.shapes[:, skin] - w.shapes[:, skin]).max() < 3e-4


def test_shapes_differ_from_head_to_head_and_grow_with_it() -> None:
    w = workshop()
    large = w.rig.personalise(w.topology.neutral * 1.2, w.topology.eye_centres * 1.2)
    jaw, chin = BLENDSHAPE_NAMES.index("jawOpen"), int(w.topology.landmarks68[8])
    np.testing.assert_allclose(large.shapes[jaw, chin], 1.2 * w.shapes[jaw, chin], atol=1e-4)
    apart = np.linalg.norm(person(1).shapes - person(2).shapes, axis=-1)
    assert apart.max() > 1e-3


def test_the_jaw_turns_on_an_arc() -> None:
    w = workshop()
    someone = person(3)
    steps = np.concatenate([row(jawOpen=share) for share in (0.0, 0.5, 1.0)])
    teeth = w.rig.pose(someone, steps)[:, w.topology.part("teeth_lower")]
    reach = np.linalg.norm(teeth - someone.hinge.pivot, axis=-1)
    assert np.ptp(reach, axis=0).max() < 1e-3  # as far from the hinge in every pose
    chord = np.linalg.norm(teeth[1] - (teeth[0] + teeth[2]) / 2, axis=-1)
    assert chord.mean() > 5e-4  # what a linear jaw would be wrong by
    distances = [np.linalg.norm(t[::50] - t[:1], axis=-1) for t in teeth]
    np.testing.assert_allclose(distances[2], distances[0], atol=1e-4)  # teeth do not bend


def test_lids_slide_over_the_eye_and_close_it() -> None:
    w = workshop()
    someone = person(4)
    posed = w.rig.pose(someone, np.concatenate([row(eyeBlink=v) for v in (0, 0.5, 1.0, 1.4)]))
    marks = w.topology.landmarks68.astype(int)
    opening = posed[:, marks[[37, 43]], 2] - posed[:, marks[[41, 47]], 2]
    assert (opening[0] > 0.004).all()
    assert (np.abs(opening[2:]) < 1e-3).all()  # shut, and not crossed beyond 1
    ball = someone.neutral[w.topology.part("eye_left")] - someone.eye_centres[0]
    radius = np.linalg.norm(ball, axis=-1).max()
    lid = posed[1:3, marks[[43, 44]]] - someone.eye_centres[0]
    assert np.linalg.norm(lid, axis=-1).min() > radius - 1e-4


@pytest.mark.parametrize("seed", range(8))
def test_lips_that_meet_do_so_on_every_head(seed: int) -> None:
    rig, someone = workshop().rig, person(seed)
    assert rig.lip_gap(someone.neutral[None]).min() > -1e-4
    closed = np.concatenate(
        [row(jawOpen=v, mouthClose=v) for v in (0.1, 0.3, 0.6)] + [row(mouthPress=1, mouthRoll=1)]
    )
    gap = rig.lip_gap(rig.pose(someone, closed))
    assert gap[:3].max() < 6e-4
    assert gap.min() > -3e-4
    assert rig.lip_gap(rig.pose(someone, row(jawOpen=1.0))).max() > 0.02
