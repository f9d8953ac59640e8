"""`m2f animate`: what it refuses, and what it writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from media2face.audio.io import AudioError, read_audio
from media2face.cli.animate import write_motion
from media2face.cli.main import main
from media2face.contract import BLENDSHAPE_NAMES
from media2face.face.topology import load_topology
from media2face.types import Motion

MODELS = Path(__file__).resolve().parents[3] / "models"


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    path = tmp_path / "speech.wav"
    soundfile.write(path, 0.1 * np.sin(np.arange(8_000) / 20), 16_000)
    return path


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Runs the command, which must end with code 2 and one line; returns the line."""
    assert main(["animate", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(capsys, tmp_path / "none.wav", "-o", tmp_path / "a.npz")
    assert "none.wav: no such file" in message


def test_not_audio(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "letter.wav"
    path.write_text("Dear reader,")
    assert "not audio" in refused(capsys, path, "-o", tmp_path / "a.npz")


def test_empty_short_and_broken_audio(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.wav"
    for samples, said in (
        (np.zeros(0), "no samples"),
        (np.zeros(100), "shorter than one frame"),
        (np.array([0.0, np.nan] * 4_000), "4000 samples are NaN"),
    ):
        soundfile.write(path, samples, 16_000, subtype="FLOAT")
        assert said in refused(capsys, path, "-o", tmp_path / "a.npz")


def test_output_that_cannot_be(
    speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "unknown suffix '.avi'" in refused(capsys, speech, "-o", tmp_path / "a.avi")
    assert "does not exist" in refused(capsys, speech, "-o", tmp_path / "no" / "a.npz")


def test_options_out_of_range(
    speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.npz"
    assert "--strength nan" in refused(capsys, speech, "-o", out, "--strength", "nan")
    assert "--seed -1" in refused(capsys, speech, "-o", out, "--seed", "-1")


def test_unknown_model(speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refused(capsys, speech, "--model", "nobody", "-o", tmp_path / "a.npz")
    assert "nobody" in message


def test_channels_are_mixed_and_rates_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    left, right = np.full(441, 0.5), np.full(441, -0.25)
    soundfile.write(path, np.column_stack([left, right]), 44_100)
    samples, rate = read_audio(path)
    assert (samples.dtype, samples.shape, rate) == (np.float32, (441,), 44_100)
    np.testing.assert_allclose(samples, 0.125, atol=1e-4)
    soundfile.write(tmp_path / "slow.wav", left, 4_000)
    with pytest.raises(AudioError, match="4000 Hz"):
        read_audio(tmp_path / "slow.wav")


def test_npz_holds_the_promised_arrays_and_replaces_whole(tmp_path: Path) -> None:
    topology = load_topology(MODELS / "gnpfa" / "topology_full.npz")
    frames, count = 3, len(topology.neutral)
    motion = Motion(
        vertices=np.tile(topology.neutral, (frames, 1, 1)),
        blendshapes=np.zeros((frames, 52), np.float32),
        latent=np.zeros((frames, 48), np.float32),
        head_pose=np.tile(np.eye(7, dtype=np.float32)[6], (frames, 1)),
        eyes=np.zeros((frames, 4), np.float32),
    )
    path = tmp_path / "a.npz"
    path.write_bytes(b"old")
    write_motion(path, motion, topology)
    assert list(tmp_path.iterdir()) == [path]
    with np.load(path, allow_pickle=False) as saved:
        shapes = {name: (saved[name].dtype.name, saved[name].shape) for name in saved.files}
        assert tuple(saved["blendshape_names"]) == BLENDSHAPE_NAMES
        assert saved["part_names"].tolist() == list(topology.part_names)
        assert saved["fps"] == 30
    assert shapes["vertices"] == ("float32", (frames, count, 3))
    assert shapes["blendshapes"] == ("float32", (frames, 52))
    assert shapes["head_pose"] == ("float32", (frames, 7))
    assert shapes["eyes"] == ("float32", (frames, 4))
    assert shapes["triangles"] == ("uint32", topology.triangles.shape)
    assert shapes["landmarks68"] == ("uint32", (68,))
    assert set(shapes) == {
        "vertices", "blendshapes", "blendshape_names", "latent", "head_pose", "eyes", "triangles",
        "landmarks68", "fps", "part_names", "part_ranges",
    }  # fmt: skip
