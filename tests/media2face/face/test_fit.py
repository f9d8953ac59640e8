"""Heads fitted to meshes of another topology, unit and frame."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from media2face.cli.main import main
from media2face.face.heads import HeadModel, load_identity
from media2face.face.topology import load_topology
from media2face.models import find_model

trimesh = pytest.importorskip("trimesh", reason="the extra 'fit' is not installed")
pytest.importorskip("scipy", reason="the extra 'fit' is not installed")


@cache
def heads() -> HeadModel:
    folder = find_model("gnpfa")
    return HeadModel(folder / "identities.npz", load_topology(folder / "topology_full.npz"))


def write_mesh(path: Path, who: str, unit: float, axes: np.ndarray) -> np.ndarray:
    """The skin of a head, remeshed, in another unit and frame; returns its vertices (m)."""
    topology = heads().topology
    skin = topology.part("skin")
    places = heads().resolve(who).neutral[: skin.stop].astype(float)
    triangles = topology.triangles[topology.triangles[:, 0] < skin.stop]
    mesh = trimesh.Trimesh(places @ axes.T / unit + (3, -5, 2), triangles, process=True)
    mesh.subdivide().export(path)
    return places


TILTED = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]) @ np.array(
    [[0.98, -0.199, 0], [0.199, 0.98, 0], [0, 0, 1]]
)


@pytest.mark.parametrize(
    ("who", "name", "unit", "axes"),
    [
        ("seed:5", "y_up_cm.obj", 0.01, np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])),
        ("ben", "ours_mm.ply", 0.001, np.eye(3)),
        ("chloe", "tilted_m.glb", 1.0, TILTED),
    ],
)
def test_a_head_is_found_whatever_its_unit_and_axes(
    tmp_path: Path, who: str, name: str, unit: float, axes: np.ndarray
) -> None:
    truth = write_mesh(tmp_path / name, who, unit, axes)
    found = heads().resolve(str(tmp_path / name)).neutral[: len(truth)]
    face = truth[:, 0] > 0.06
    error_mm = np.linalg.norm(found - truth, axis=1)[face].mean() * 1000
    average = heads().topology.neutral[: len(truth)]
    plain_mm = np.linalg.norm(average - truth, axis=1)[face].mean() * 1000
    assert error_mm < 1.5
    assert error_mm < plain_mm / 2


@pytest.mark.parametrize("shape", ["ball", "box", "flat"])
def test_what_is_no_head_is_refused(tmp_path: Path, shape: str) -> None:
    mesh = {
        "ball": lambda: trimesh.creation.icosphere(subdivisions=3),
        "box": lambda: trimesh.creation.box((1, 2, 3)),
        "flat": lambda: trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]]),
    }[shape]()
    path = tmp_path / f"{shape}.obj"
    mesh.export(path)
    with pytest.raises(ValueError, match=rf"{shape}\.obj: .*(not a surface|look like a head)"):
        heads().resolve(str(path))


def test_garbage_is_refused_by_name(tmp_path: Path) -> None:
    for name in ("bad.obj", "bad.ply", "bad.glb"):
        (tmp_path / name).write_bytes(b"\x00 this is no mesh")
        with pytest.raises(ValueError, match=name):
            heads().resolve(str(tmp_path / name))


def test_fit_command_writes_an_identity(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_mesh(tmp_path / "me.obj", "diego", 0.01, np.eye(3))
    out = tmp_path / "me.npz"
    assert main(["identity", "fit", str(tmp_path / "me.obj"), "-o", str(out)]) == 0
    assert "1 unit of the mesh = 0.01 m" in capsys.readouterr().out
    assert np.isfinite(load_identity(out)).all()
    assert main(["identity", "fit", str(tmp_path / "gone.obj"), "-o", str(out)]) == 2
    assert "gone.obj does not exist" in capsys.readouterr().err


def test_contact_sheet(tmp_path: Path) -> None:
    pytest.importorskip("moderngl", reason="the render extra is not installed")
    image = pytest.importorskip("PIL.Image", reason="the render extra is not installed")
    path = tmp_path / "sheet.png"
    assert main(["identity", "sheet", "ada", "seed:3", "-o", str(path)]) == 0
    pixels = np.asarray(image.open(path).convert("RGB"), float)
    half = pixels.shape[1] // 2
    assert np.abs(pixels[:384, :half] - pixels[:384, -half:]).mean() > 1.0
