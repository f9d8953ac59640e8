"""The shipped model on both backends, and damaged models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from media2face.animate import animate
from media2face.audio.io import read_audio
from media2face.backends import make_backend
from media2face.backends.base import WindowInputs
from media2face.contract import MOTION_DIM, STYLE_DIM, frame_to_sample
from media2face.models import find_model
from media2face.types import Style

SAMPLE = Path(__file__).parents[3] / "ros2_ws/src/m2f_node/samples/hello.opus"


def test_torch_and_onnx_runtime_agree() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed (extra 'train')")
    samples, rate = read_audio(SAMPLE)
    motions = []
    for kind in ("onnxruntime", "torch"):
        backend = make_backend(kind, find_model())
        style = Style(backend.encode_style("happy"))
        motions.append(animate(backend, samples[: 2 * rate], rate, style=style, seed=4))
    first, second = motions
    assert first.frames == 60
    for name in ("vertices", "blendshapes", "latent", "head_pose", "eyes"):
        difference = np.abs(getattr(first, name) - getattr(second, name)).max()
        assert difference < 1e-4, name


def test_a_window_is_placed_by_its_sample_index_alone() -> None:
    """However much audio before the window comes along, and wherever it is cut."""
    backend = make_backend("onnxruntime", find_model())
    geometry, samples = backend.geometry, read_audio(SAMPLE)[0]
    first_frame = 25
    end = frame_to_sample(first_frame + geometry.audio_frames)
    found = []
    for margin in (400, 1111, frame_to_sample(first_frame)):
        start = frame_to_sample(first_frame) - margin
        inputs = WindowInputs(
            first_frame=first_frame,
            first_sample=start,
            audio=samples[start:end],
            noise=np.zeros((geometry.hop_frames, MOTION_DIM), np.float32),
            blink=np.zeros(geometry.hop_frames, np.float32),
            style=np.zeros((geometry.frames, STYLE_DIM), np.float32),
            guidance=backend.default_guidance,
        )
        found.append(backend.denoise(inputs, backend.initial_state())[0].motion)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_unknown_backend_model_and_identity_are_named() -> None:
    with pytest.raises(ValueError, match="no backend 'abacus'; there are auto"):
        make_backend("abacus", find_model())
    with pytest.raises(FileNotFoundError, match=r"no model 'nobody'; installed are: .*small"):
        find_model("nobody")
    with pytest.raises(ValueError, match="no identity 'nobody'; known: average"):
        make_backend("auto", find_model()).prepare_identity("nobody")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the model folders that a test may damage."""
    for name in ("small", "gnpfa", "style"):
        shutil.copytree(find_model(name), tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    "victim", ["small/denoiser.onnx", "gnpfa/decoder.onnx", "style/style.onnx"]
)
def test_a_damaged_file_is_named(copy: Path, victim: str) -> None:
    path = copy / victim
    path.write_bytes(path.read_bytes()[:-100] + b"x" * 100)
    with pytest.raises(ValueError, match=f"{path.name} is damaged"):
        make_backend("onnxruntime", copy / "small")


@pytest.mark.parametrize("victim", ["small/audio.onnx", "gnpfa/topology_full.npz"])
def test_a_missing_file_is_named(copy: Path, victim: str) -> None:
    (copy / victim).unlink()
    with pytest.raises(FileNotFoundError, match=Path(victim).name):
        make_backend("onnxruntime", copy / "small")


@pytest.mark.parametrize(
    ("field", "value"), [("contract_version", 999), ("kind", "soup"), ("files", None)]
)
def test_a_wrong_field_is_named(copy: Path, field: str, value: object) -> None:
    path = copy / "small" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest[field] = value
    path.write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=f"manifest.json: field '{field}'"):
        make_backend("onnxruntime", copy / "small")


def test_a_manifest_that_is_no_json_is_named(copy: Path) -> None:
    (copy / "small" / "manifest.json").write_text("{")
    with pytest.raises(ValueError, match="is not valid JSON"):
        make_backend("onnxruntime", copy / "small")
