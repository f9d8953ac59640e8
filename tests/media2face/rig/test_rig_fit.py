"""A known map is found again from examples that it made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from media2face.cli.main import main
from media2face.rig.map import MapError, RigMap, load_map
from media2face.rig.sources import SOURCE_INDEX, SOURCE_NAMES, USUAL_HIGH, USUAL_LOW

pytest.importorskip("scipy", reason="fitting needs scipy")

from media2face.rig.fit import Pairs, fit, read_pairs

TRUTH = {
    "jaw": ({"jawOpen": 0.4, "mouthClose": -0.3}, 0.02),
    "lid": ({"eyeBlinkLeft": 0.8, "eye_left_pitch": 0.5, "eyeWideLeft": -0.2}, 0.15),
    "neck": ({"head_yaw": 1.0}, 0.0),
}


def examples(count: int, noise: float, seed: int = 0) -> Pairs:
    """Poses of every source at random within its usual range, and what TRUTH makes of them."""
    rng = np.random.default_rng(seed)
    sources = rng.uniform(USUAL_LOW, USUAL_HIGH, (count, len(SOURCE_NAMES)))
    values = np.stack(
        [
            offset + sum(weight * sources[:, SOURCE_INDEX[name]] for name, weight in mix.items())
            for mix, offset in TRUTH.values()
        ],
        axis=1,
    )
    return Pairs(sources, tuple(TRUTH), values + rng.normal(0, noise, values.shape))


def as_csv(pairs: Pairs) -> str:
    lines = [",".join(["pose", *SOURCE_NAMES, *pairs.names])]
    for number, (given, values) in enumerate(zip(pairs.sources, pairs.values, strict=True)):
        cells = [f"p{number}", *(f"{value:.9g}" for value in [*given, *values])]
        lines.append(",".join(cells))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(("noise", "tolerance"), [(0.0, 1e-3), (0.01, 0.03)])
def test_a_known_map_is_found_again(noise: float, tolerance: float) -> None:
    for found in fit(examples(80, noise)):
        mix, offset = TRUTH[found.joint.name]
        assert {name for name, _ in found.joint.sources} == set(mix)
        for name, weight in found.joint.sources:
            assert weight == pytest.approx(mix[name], abs=tolerance)
        assert found.joint.offset == pytest.approx(offset, abs=tolerance)
        assert found.rms < noise * 1.1 + 1e-4


def test_with_fewer_examples_than_sources_the_mix_stays_small() -> None:
    for found in fit(examples(25, 0.0)):
        assert len(found.joint.sources) <= 6
        assert found.explained > 0.97


def test_the_number_of_sources_can_be_bounded() -> None:
    for found in fit(examples(80, 0.0), max_sources=1):
        assert len(found.joint.sources) == 1
    lid = fit(examples(80, 0.0), max_sources=1)[1]
    assert lid.joint.sources[0][0] == "eyeBlinkLeft" and 0.5 < lid.explained < 0.99


def test_the_command_writes_a_map_that_loads_and_does_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = examples(60, 0.0)
    table, out = tmp_path / "pairs.csv", tmp_path / "head.yaml"
    table.write_text(as_csv(pairs))
    assert main(["rig", "fit", str(table), "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in TRUTH) and "100.0%" in printed
    rig: RigMap = load_map(out)
    made = np.array([rig.asked(row) for row in pairs.sources])
    np.testing.assert_allclose(made, pairs.values, atol=1e-3)
    assert rig.joints[0].lower == pytest.approx(pairs.values[:, 0].min(), rel=1e-4)


def test_yaml_examples_are_the_same_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "pairs.yaml"
    path.write_text(
        "pairs:\n"
        "  rest: {joints: {jaw: 0.0, lid: 0.1}}\n"
        "  open: {sources: {jawOpen: 1.0}, joints: {jaw: 0.4}}\n"
        "  half: {sources: {jawOpen: 0.5}, joints: {jaw: 0.2, lid: 0.1}}\n"
        "  blink: {sources: {eyeBlinkLeft: 1.0}, joints: {jaw: 0.0, lid: 0.9}}\n"
    )
    table = tmp_path / "pairs.csv"
    table.write_text(
        "pose, jawOpen, eyeBlinkLeft, jaw, lid\n"
        "rest, 0, 0, 0, 0.1\nopen, 1, , 0.4,\nhalf, 0.5, , 0.2, 0.1\n\nblink, , 1, 0, 0.9\n"
    )
    first, second = read_pairs(path), read_pairs(table)
    assert first.names == second.names
    np.testing.assert_array_equal(first.sources, second.sources)
    np.testing.assert_array_equal(first.values, second.values)
    jaw, lid = fit(first)
    assert jaw.joint.sources == (("jawOpen", 0.4),) and (jaw.examples, lid.examples) == (4, 3)
    assert lid.joint.sources[0] == ("eyeBlinkLeft", pytest.approx(0.8, abs=1e-3))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "needs two examples"),
        ("jawOpen,jaw\n0,0\n", "needs two examples"),
        ("jawOpen,jaw\n0,0\n1,wide\n", r"pairs.csv:3: jaw: 'wide' must be a number"),
        ("jawOpen,jaw\n0,0\n1,nan\n", r"pairs.csv:3: jaw: 'nan' must be finite"),
        ("jawOpen,jaw\n0,0\n1\n", r"pairs.csv:3: 1 cells"),
        ("jaw,jaw\n0,0\n1,1\n", "two columns"),
        ("jawOpen,my jaw\n0,0\n1,1\n", "'my jaw' is no name"),
    ],
)
def test_bad_examples_are_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(MapError, match=says):
        read_pairs(path)


def test_a_joint_that_never_moves_is_named() -> None:
    pairs = examples(20, 0.0)
    pairs.values[:, 1] = 0.3
    with pytest.raises(ValueError, match="joint lid: its examples do not move it"):
        fit(pairs)
