"""The .usda is read by USD itself and holds the decoder's vertices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from media2face.exporting.usd import write_usda
from media2face.types import Motion

FRAMES = 12


@pytest.fixture(scope="module")
def motion(clip) -> Motion:
    """The last frames of the clip: speech."""
    fields = ("vertices", "blendshapes", "latent", "head_pose", "eyes")
    return Motion(**{name: getattr(clip.motion, name)[-FRAMES:] for name in fields})


@pytest.fixture(scope="module")
def path(clip, motion: Motion, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("usd") / "a.usda"
    write_usda(path, motion, clip.topology, clip.identity)
    return path


def test_the_text_is_what_it_says(path: Path) -> None:
    text = path.read_text(encoding="ascii")
    assert text.startswith("#usda 1.0\n")
    assert text.count("{") == text.count("}")
    assert text.count("point3f[] points") == 3
    assert path.stat().st_size / FRAMES < 400_000


def test_usd_reads_the_stage(path: Path, clip, motion: Motion) -> None:
    usd = pytest.importorskip("pxr.Usd", reason="usd-core is not installed: pip install usd-core")
    from pxr import UsdGeom

    stage = usd.Stage.Open(str(path))
    assert UsdGeom.GetStageUpAxis(stage) == "Z"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1
    assert (stage.GetTimeCodesPerSecond(), stage.GetFramesPerSecond()) == (30, 30)
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (0, FRAMES - 1)
    assert stage.GetDefaultPrim().GetPath() == "/Face"

    topology = clip.topology
    eyes = ("eye_left", "eye_right")
    meshes = {"/Face/Head/Skin": [n for n in topology.part_names if n not in eyes]}
    meshes |= {"/Face/Head/EyeLeft": eyes[:1], "/Face/Head/EyeRight": eyes[1:]}
    for name, parts in meshes.items():
        mesh = UsdGeom.Mesh(stage.GetPrimAtPath(name))
        ranges = [topology.part(part) for part in parts]
        inside = np.concatenate([np.arange(r.start, r.stop) for r in ranges])
        triangles = topology.weld[topology.triangles[np.isin(topology.triangles[:, 0], inside)]]
        corners = np.array(mesh.GetFaceVertexIndicesAttr().Get())
        assert set(mesh.GetFaceVertexCountsAttr().Get()) == {3}
        assert len(corners) == triangles.size
        for frame in (0, FRAMES - 1):
            points = np.array(mesh.GetPointsAttr().Get(frame))
            low, high = np.array(mesh.GetExtentAttr().Get(frame))
            np.testing.assert_allclose(points.min(axis=0), low, atol=1e-6)
            np.testing.assert_allclose(points.max(axis=0), high, atol=1e-6)
            assert len(mesh.GetDisplayColorAttr().Get()) == len(points)
            to_room = np.array(UsdGeom.XformCache(frame).GetLocalToWorldTransform(mesh.GetPrim()))
            room = np.c_[points, np.ones(len(points))] @ to_room
            expected = in_room(motion, frame)[triangles.reshape(-1)]
            np.testing.assert_allclose(room[corners, :3], expected, atol=2e-5)


def in_room(motion: Motion, frame: int) -> np.ndarray:
    """Vertices [V, 3] of a frame with the head pose applied."""
    x, y, z, qx, qy, qz, qw = motion.head_pose[frame].astype(np.float64)
    axis = np.array([qx, qy, qz])
    places = motion.vertices[frame].astype(np.float64)
    turned = places + 2 * np.cross(axis, np.cross(axis, places) + qw * places)
    return turned + np.array([x, y, z])
