"""The .glb in three.js in a real browser: it moves, and as the decoder moves."""

from __future__ import annotations

import base64
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from media2face.animate import animate
from media2face.audio.io import read_audio
from media2face.backends import make_backend
from media2face.contract import BLENDSHAPE_NAMES
from media2face.exporting.gltf import write_glb
from media2face.exporting.shapes import decoder_shapes
from media2face.face.topology import Topology
from media2face.models import find_model
from media2face.types import Motion
from PIL import Image

SAMPLE = Path(__file__).parents[2] / "ros2_ws/src/m2f_node/samples/hello.opus"
PAGE = Path(__file__).with_name("gltf.html")
# Upper and lower middle of the inner lips among the 68 landmarks.
LIPS = (62, 66)
VALIDATE = """
const { readFileSync } = require("fs");
require("gltf-validator").validateBytes(new Uint8Array(readFileSync(process.argv[1])))
  .then((report) => console.log(JSON.stringify(report.issues)));
"""


def spoken(path: Path) -> tuple[Motion, Topology]:
    """Writes the sample as a .glb."""
    backend = make_backend("auto", find_model())
    identity = backend.prepare_identity(backend.heads.preset_names[0])
    shapes = decoder_shapes(backend, identity)
    motion = animate(backend, *read_audio(SAMPLE), style=None)
    write_glb(path, motion, backend.topology, identity, shapes)
    return motion, backend.topology


def in_room(motion: Motion, frame: int) -> np.ndarray:
    """Vertices [V, 3] with the head pose applied, in glTF's axes."""
    pose, places = motion.head_pose[frame].astype(np.float64), motion.vertices[frame]
    axis, w = pose[3:6], pose[6]
    turned = places + 2 * np.cross(axis, np.cross(axis, places) + w * places)
    return (turned + pose[:3])[:, [1, 2, 0]]


def shown(moment: dict[str, Any], topology: Topology) -> np.ndarray:
    """Vertices [V, 3] as three.js has them, in the order of the topology."""
    meshes = {name: np.reshape(flat, (-1, 3)) for name, flat in moment["places"].items()}
    face = [meshes.pop(name) for name in sorted(m for m in meshes if m.startswith("face"))]
    places = np.empty_like(topology.neutral)
    for part in topology.part_names:
        places[topology.part(part)] = meshes[part] if part in meshes else face.pop(0)
    return places


def picture(moment: dict[str, Any]) -> Image.Image:
    data = base64.b64decode(moment["picture"].partition(",")[2])
    return Image.open(io.BytesIO(data)).convert("RGB")


def test_three_plays_the_animation(
    site: Path, visit: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    motion, topology = spoken(site / "face.glb")
    (site / "gltf.html").write_bytes(PAGE.read_bytes())
    upper, lower = (int(topology.landmarks68[k]) for k in LIPS)
    opening = np.linalg.norm(motion.vertices[:, upper] - motion.vertices[:, lower], axis=1)
    frames = [int(opening[:-1].argmin()), int(opening[:-1].argmax())]
    # Half a microsecond late, so that rounding does not show the frame before.
    result = visit("gltf.html?t=" + ",".join(f"{f / 30 + 5e-7:.9f}" for f in frames))
    assert "error" not in result, result
    assert result["duration"] == pytest.approx((motion.frames - 1) / 30, abs=1e-4)
    assert all(tuple(names) == BLENDSHAPE_NAMES for names in result["targets"].values())
    assert len(result["targets"]) == len(topology.part_names) - 2

    gaps = []
    for frame, moment in zip(frames, result["moments"], strict=True):
        places = shown(moment, topology)
        errors_mm = np.linalg.norm(places - in_room(motion, frame), axis=1) * 1e3
        assert errors_mm.mean() < 0.2, frame
        gaps.append(np.linalg.norm(places[upper] - places[lower]))
    assert gaps[1] - gaps[0] > 0.8 * (opening.max() - opening.min()) > 0.004

    folder = tmp_path_factory.mktemp("pictures")
    pictures = [picture(moment) for moment in result["moments"]]
    for name, image in zip(("closed", "open"), pictures, strict=True):
        image.save(folder / f"{name}.png")
    print(f"pictures in {folder}")
    shut, wide = (np.asarray(image, np.float32) for image in pictures)
    assert shut.std() > 20, "nothing is drawn"
    assert (np.abs(shut - wide).max(axis=2) > 40).sum() > 500, "nothing moves"


def test_the_reference_validator_finds_nothing(
    npm_package: Callable[[str], Path], tmp_path: Path
) -> None:
    package = npm_package("gltf-validator")
    path = tmp_path / "face.glb"
    spoken(path)
    done = subprocess.run(
        ["node", "-e", VALIDATE, str(path)],
        cwd=package.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    issues = json.loads(done.stdout)
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues
