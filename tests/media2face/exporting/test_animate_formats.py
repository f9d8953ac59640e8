"""`m2f animate` writes each of the formats, by the suffix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from media2face.cli.main import main
from media2face.corpus.rom import read_livelink


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("audio") / "speech.wav"
    soundfile.write(path, 0.1 * np.sin(np.arange(16_000) / 20), 16_000)
    return path


@pytest.mark.parametrize(
    ("suffix", "start"), [(".glb", b"glTF"), (".csv", b"Timecode,"), (".usda", b"#usda 1.0")]
)
def test_each_suffix_gets_its_format(
    speech: Path, tmp_path: Path, request: pytest.FixtureRequest, suffix: str, start: bytes
) -> None:
    if suffix == ".glb":
        request.getfixturevalue("shapes")  # skips where the model has none
    path = tmp_path / f"a{suffix}"
    assert main(["animate", str(speech), "-o", str(path)]) == 0
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]
    if suffix == ".csv":
        assert read_livelink(path).shape == (30, 52)


def test_a_suffix_that_is_not_known_names_those_that_are(
    speech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["animate", str(speech), "-o", str(tmp_path / "a.fbx")]) == 2
    message = capsys.readouterr().err
    assert "'.fbx'" in message
    assert all(suffix in message for suffix in (".npz", ".mp4", ".glb", ".csv", ".usda"))
