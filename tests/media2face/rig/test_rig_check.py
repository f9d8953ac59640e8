"""The report tells what is lost, and the picture shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from media2face.cli.main import main
from media2face.rig import check
from media2face.rig.map import Joint, RigMap, load_map

RIGS = Path(__file__).parents[3] / "ros2_ws/src/m2f_node/config/rigs"
GOLDEN = Path(__file__).parents[2] / "golden/hello.npz"
JAW = Joint("jaw", (("jawOpen", 1.0),), 0.0, 1.0, 0.0, max_velocity=50.0, max_acceleration=5000.0)


def report(joint: Joint) -> check.JointReport:
    performance = check.perform(RigMap("one", (joint,)), check.read_motion(GOLDEN))
    return check.report(performance)[0]


def test_a_joint_that_can_do_all_loses_nothing() -> None:
    one = report(JAW)
    assert (one.clipped, one.slowed) == (0, 0) and one.lost < 0.01
    assert (one.face_low, one.face_high) == (0, 1)
    assert one.sent_high == pytest.approx(one.asked_high, abs=0.01)


def test_a_short_joint_clips_and_a_slow_one_lags() -> None:
    opening = np.load(GOLDEN)["blendshapes"][:, 17]
    short = report(replace(JAW, upper=0.1))
    assert short.clipped == pytest.approx((opening > 0.1).mean(), abs=0.03)
    assert short.sent_high == 0.1 and short.slowed == 0
    slow = report(replace(JAW, max_velocity=0.3))
    assert slow.slowed > 0.3 and slow.lost > 0.3 and slow.clipped == 0
    assert slow.top_speed == pytest.approx(30 * np.abs(np.diff(opening)).max(), rel=0.05)


def test_latency_alone_loses_nothing_when_frames_come_early() -> None:
    assert report(replace(JAW, latency_ms=80.0)).lost < 0.01


def test_the_judge_counts_each_kind_of_violation() -> None:
    rig = RigMap("one", (replace(JAW, max_velocity=1.0, max_acceleration=10.0),), rate_hz=10.0)
    assert check.violations(rig, np.array([[0.05], [0.1], [0.1]])) == {
        "position": 0, "velocity": 0, "acceleration": 0
    }  # fmt: skip
    found = check.violations(rig, np.array([[0.05], [0.25], [1.1], [np.nan], [1.0]]))
    assert found["position"] == 2 and found["velocity"] == 2 and found["acceleration"] == 2


@pytest.mark.parametrize(
    ("name", "arguments"), [("jaw_neck", []), ("inmoov", ["--motion", str(GOLDEN)])]
)
def test_the_command_prints_a_table_and_draws(
    name: str, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="the picture needs matplotlib")
    rig = load_map(RIGS / f"{name}.yaml")
    picture = tmp_path / "x.png"
    status = main(["rig", "check", str(RIGS / f"{name}.yaml"), "-o", str(picture), *arguments])
    assert status == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in rig.names) and "0 outside limits" in printed
    data = picture.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) > 10_000
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    assert width == 1400 and height > 100 * len(rig.joints)


@pytest.mark.parametrize("arrays", [{}, {"eyes": np.zeros((3, 4))}, "text"])
def test_what_is_no_motion_is_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray] | str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.npz"
    path.write_text("no zip") if isinstance(arrays, str) else np.savez(path, **arrays)
    command = ["rig", "check", str(RIGS / "inmoov.yaml"), "--motion", str(path)]
    assert main([*command, "-o", str(tmp_path / "x.png")]) == 2
    assert "m.npz" in capsys.readouterr().err


def test_a_bad_map_is_refused_by_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("name: x\njoints: {jaw: {limits: [1, 0]}}\n")
    assert main(["rig", "check", str(path), "-o", str(tmp_path / "x.png")]) == 2
    assert "bad.yaml:2: joint jaw: " in capsys.readouterr().err
