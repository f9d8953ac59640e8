"""The range-of-motion set: resumable, seeded, expressions that exclude each other kept apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from media2face.contract import BLENDSHAPE_NAMES
from media2face.models import find_model

pytest.importorskip("scipy", reason="scipy is not installed (extra 'train')")

SHARED = Path(__file__).resolve().parents[4] / "shared"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="no shared data folder"),
]


def test_set_is_built_resumed_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from media2face.corpus import rom_set

    monkeypatch.setattr(rom_set, "HELD_OUT_PERSONS", 1)
    monkeypatch.setattr(rom_set, "TRAIN_EXPRESSIONS", 300)
    monkeypatch.setattr(rom_set, "HELD_OUT_EXPRESSIONS", 100)
    topology = find_model("gnpfa") / "topology_full.npz"

    def build(folder: Path, persons: int) -> None:
        rom_set.build(SHARED, topology, folder, persons=persons, seed=3, processes=1)

    build(tmp_path / "a", 2)
    first = (tmp_path / "a" / "person_0000.npz").stat().st_mtime_ns
    build(tmp_path / "a", 3)
    assert (tmp_path / "a" / "person_0000.npz").stat().st_mtime_ns == first
    build(tmp_path / "b", 3)
    rom = rom_set.RomSet(SHARED, topology, tmp_path / "a")
    again = rom_set.RomSet(SHARED, topology, tmp_path / "b")
    assert (rom.train_persons, rom.held_out_persons) == ([0, 1], [2])
    for number in rom.numbers:
        np.testing.assert_array_equal(rom.person(number).shapes, again.person(number).shapes)
    np.testing.assert_array_equal(rom.train, again.train)
    assert rom.train.shape == (300, 52)
    assert 0 <= rom.train.min() <= rom.train.max() <= 1
    wide, blink = (
        rom.train[:, BLENDSHAPE_NAMES.index(n)] for n in ("eyeWideLeft", "eyeBlinkLeft")
    )
    assert (np.minimum(wide, blink) == 0).all()


def test_a_missing_set_names_the_command(tmp_path: Path) -> None:
    from media2face.corpus.rom_set import RomSet

    with pytest.raises(FileNotFoundError, match="m2f corpus rom"):
        RomSet(SHARED, find_model("gnpfa") / "topology_full.npz", tmp_path)
