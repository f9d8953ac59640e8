"""`m2f bench`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from media2face.cli.main import main


def test_bench_decoder_prints_and_writes_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "decoder.json"
    assert main(["bench", "decoder", "-o", str(path)]) == 0
    rows = json.loads(path.read_text())
    assert {(row["level"], row["frames"]) for row in rows} == {
        (level, frames) for level in ("full", "light") for frames in (1, 6, 64)
    }
    assert all(0 < row["p50_ms"] <= row["p99_ms"] for row in rows)
    full, light = (
        next(r["p50_ms"] for r in rows if r["level"] == level and r["frames"] == 64)
        for level in ("full", "light")
    )
    assert light < full
    assert "10545" in capsys.readouterr().out
