"""The .glb is the decoder's face: names, places, axes, movement."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from glb_reader import Glb
from media2face.contract import BLENDSHAPE_NAMES
from media2face.exporting.gltf import write_glb
from media2face.exporting.shapes import FaceShapes

EYES = ("eye_left", "eye_right")


@pytest.fixture(scope="module")
def path(clip, shapes: FaceShapes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("glb") / "a.glb"
    write_glb(path, clip.motion, clip.topology, clip.identity, shapes)
    assert list(path.parent.iterdir()) == [path]
    return path


@pytest.fixture(scope="module")
def glb(path: Path) -> Glb:
    return Glb(path)


def matrices(quaternions: np.ndarray) -> np.ndarray:
    """[T, 3, 3] of x y z w."""
    x, y, z, w = quaternions.T.astype(np.float64)
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], -1),
            np.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], -1),
            np.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], -1),
        ],
        -2,
    )


def morphed(glb: Glb, weights: np.ndarray) -> np.ndarray:
    """Places [T, N, 3] of the face mesh in glTF's axes, its parts one after the other."""
    mesh = glb.gltf["meshes"][glb.node("face")[1]["mesh"]]
    parts = []
    for primitive in mesh["primitives"]:
        targets = np.stack([glb.array(t["POSITION"]) for t in primitive["targets"]])
        base = glb.array(primitive["attributes"]["POSITION"])
        parts.append(base + np.tensordot(weights, targets, 1))
    return np.concatenate(parts, axis=1)


def test_trimesh_loads_it_with_the_names_of_the_targets(path: Path, clip) -> None:
    trimesh = pytest.importorskip("trimesh")
    scene = trimesh.load(path)
    assert {"head", "face", *EYES} <= set(scene.graph.nodes)
    faces = [mesh for name, mesh in scene.geometry.items() if name.startswith("face")]
    assert len(faces) == len(clip.topology.part_names) - 2
    for mesh in faces:
        assert tuple(mesh.metadata["targetNames"]) == BLENDSHAPE_NAMES
    total = sum(len(mesh.triangles) for mesh in scene.geometry.values())
    assert total == len(clip.topology.triangles)
    # At rest, y is up and z is forward, and left is left.
    left, right = (scene.geometry[name].vertices.mean(axis=0) for name in EYES)
    assert np.abs([left, right]).max() < 0.01  # about their own centres
    assert scene.graph["eye_left"][0][0, 3] > 0.02 > -0.02 > scene.graph["eye_right"][0][0, 3]
    low, high = scene.bounds
    assert high[1] - low[1] > 0.2 and high[2] > 0.1


def test_weights_give_the_vertices_of_the_decoder(glb: Glb, clip) -> None:
    times, weights = glb.track("face", "weights")
    np.testing.assert_allclose(times, np.arange(clip.motion.frames) / 30, atol=1e-6)
    np.testing.assert_allclose(weights, clip.motion.blendshapes, atol=1e-6)
    keep = np.ones(len(clip.topology.neutral), bool)
    for name in EYES:
        keep[clip.topology.part(name)] = False
    expected = clip.motion.vertices[:, keep][..., [1, 2, 0]]
    errors_mm = np.linalg.norm(morphed(glb, weights) - expected, axis=2) * 1e3
    assert errors_mm.mean() < 0.4
    assert np.percentile(errors_mm, 99) < 2.5  # targets are linear, jaw and lids are not
    moved_mm = np.linalg.norm(expected - expected.mean(axis=0), axis=2) * 1e3
    assert errors_mm.mean() < 0.4 * moved_mm.mean()


def test_single_weights_give_the_shapes_of_the_decoder(glb: Glb, clip, shapes) -> None:
    keep = np.ones(len(clip.topology.neutral), bool)
    for name in EYES:
        keep[clip.topology.part(name)] = False
    expected = (shapes.base + shapes.shapes)[:, keep][..., [1, 2, 0]]
    np.testing.assert_allclose(morphed(glb, np.eye(52)), expected, atol=4e-5)


def test_eyes_turn_as_the_decoder_turns_them(glb: Glb, clip) -> None:
    for name in EYES:
        _, node = glb.node(name)
        primitive = glb.gltf["meshes"][node["mesh"]]["primitives"][0]
        ball = glb.array(primitive["attributes"]["POSITION"])
        _, quaternions = glb.track(name, "rotation")
        places = ball @ matrices(quaternions).transpose(0, 2, 1) + node["translation"]
        expected = clip.motion.vertices[:, clip.topology.part(name)][..., [1, 2, 0]]
        np.testing.assert_allclose(places, expected, atol=1e-5)


def test_the_head_follows_its_pose(glb: Glb, clip) -> None:
    _, node = glb.node("head")
    assert {glb.gltf["nodes"][child]["name"] for child in node["children"]} == {"face", *EYES}
    _, places = glb.track("head", "translation")
    _, quaternions = glb.track("head", "rotation")
    np.testing.assert_allclose(places, clip.motion.head_pose[:, [1, 2, 0]], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(quaternions, axis=1), 1, atol=1e-6)
    assert (np.sum(quaternions[1:] * quaternions[:-1], axis=1) > 0).all()
    # A place in the head comes to the same place of the room either way.
    point = np.array([0.1, 0.03, 0.02])
    room = matrices(clip.motion.head_pose[:, 3:]) @ point + clip.motion.head_pose[:, :3]
    ours = matrices(quaternions) @ point[[1, 2, 0]] + places
    np.testing.assert_allclose(ours, room[:, [1, 2, 0]], atol=1e-6)


def test_it_is_textured_and_of_a_sane_size(glb: Glb, path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image")
    names = {material["name"] for material in glb.gltf["materials"]}
    assert {"skin", "eye", "teeth", "tongue"} <= names
    sizes = []
    for image in glb.gltf["images"]:
        view = glb.gltf["bufferViews"][image["bufferView"]]
        data = glb._buffer[view["byteOffset"] :][: view["byteLength"]]
        sizes.append(image_module.open(io.BytesIO(data)).size)
    assert sizes == [(2048, 1024), (256, 512)]
    for mesh in glb.gltf["meshes"]:
        for primitive in mesh["primitives"]:
            if "TEXCOORD_0" in primitive["attributes"]:
                uv = glb.array(primitive["attributes"]["TEXCOORD_0"])
                assert uv.min() >= 0 and uv.max() <= 1
    assert path.stat().st_size < 9e6


def test_bounds_are_those_of_the_values(glb: Glb) -> None:
    for index, accessor in enumerate(glb.gltf["accessors"]):
        if "min" in accessor:
            values = glb.array(index)
            np.testing.assert_array_equal(values.min(axis=0), np.float32(accessor["min"]))
            np.testing.assert_array_equal(values.max(axis=0), np.float32(accessor["max"]))
