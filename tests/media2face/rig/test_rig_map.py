"""Maps are read as written, and what cannot be is refused with file, line, field and advice."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from media2face.contract import BLENDSHAPE_NAMES
from media2face.rig.map import Joint, MapError, RigMap, load_map, mirror_joint
from media2face.rig.sources import SOURCE_NAMES, mirrored, roll_pitch_yaw, source_vector

NODE_PACKAGE = Path(__file__).parents[3] / "ros2_ws/src/m2f_node"
GOOD = """\
name: test
rate_hz: 50
defaults: {max_velocity: 4, max_acceleration: 60}
joints:
  jaw:
    sources: {jawOpen: 1.0, mouthClose: -0.5}
    curve: [[0, 0], [0.5, 0.8], [1, 1]]
    gain: 0.4
    limits: [0, 0.4]
  lid_left:
    sources: {eyeBlinkLeft: 1, head_yaw: 0.1}
    limits: [-0.1, 0.9]
    neutral: 0.2
  lid_right:
    mirror: lid_left
    reverse: true
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "head.yaml"
    path.write_text(text)
    return path


def test_a_map_is_read_as_written(tmp_path: Path) -> None:
    rig = load_map(written(tmp_path, GOOD))
    assert (rig.name, rig.rate_hz, rig.names) == ("test", 50, ("jaw", "lid_left", "lid_right"))
    jaw, left, right = rig.joints
    assert jaw.sources == (("jawOpen", 1.0), ("mouthClose", -0.5))
    assert (jaw.max_velocity, jaw.neutral, left.neutral) == (4, 0, 0.2)
    assert right.sources == (("eyeBlinkRight", 1.0), ("head_yaw", -0.1))
    assert (right.lower, right.upper, right.neutral, right.gain) == (-0.9, 0.1, -0.2, -1)


@pytest.mark.parametrize(
    ("wrong", "right", "line", "says"),
    [
        ("jawOpen: 1.0", "jawOpn: 1.0", 6, "jaw: sources: no source 'jawOpn'; did you mean jawO"),
        ("jawOpen: 1.0", "jawOpen: wide", 6, "jawOpen: 'wide' must be a number"),
        ("jawOpen: 1.0", "jawOpen: .nan", 6, "jawOpen"),
        ("sources: {jawOpen: 1.0, mouthClose: -0.5}", "sources: {}", 6, "name at least one"),
        ("gain: 0.4", "gian: 0.4", 8, "no field is called 'gian'; there are"),
        ("gain: 0.4", "gain: 1e99", 8, "gain: 1e+99 must be"),
        ("limits: [0, 0.4]", "limits: [0.4, 0]", 9, "[0.4, 0]: the lower must come first"),
        ("limits: [0, 0.4]", "limits: 0.4", 9, "limits: must be a list"),
        ("limits: [0, 0.4]", "limits: [0]", 9, "limits: must be two numbers"),
        ("    limits: [0, 0.4]\n", "", 5, "joint jaw: limits: is missing"),
        ("neutral: 0.2", "neutral: 2", 13, "neutral: 2 is outside the limits [-0.1, 0.9]"),
        ("[0.5, 0.8]", "[0, 0.8]", 7, "curve: its inputs must rise"),
        ("[[0, 0], [0.5, 0.8], [1, 1]]", "[[0, 0]]", 7, "curve: has one point"),
        ("[[0, 0], [0.5, 0.8], [1, 1]]", "[[0, 0, 1]]", 7, "curve: must be a list of pairs"),
        ("mirror: lid_left", "mirror: lid_up", 15, "no joint 'lid_up' to mirror"),
        ("reverse: true", "reverse: maybe", 16, "'maybe' must be true or false"),
        ("max_velocity: 4", "max_velocity: 0", 3, "joint jaw: max_velocity: 0 must be"),
        ("ion: 60", "ion: 1.0e-5", 4, "max_acceleration 1e-05 must be at least"),
        ("rate_hz: 50", "rate_hz: 5000", 2, "rate_hz: 5000 must be 1 to 1000"),
        ("rate_hz: 50", "rate_hz: fast", 2, "rate_hz: 'fast' must be a number"),
        ("rate_hz: 50", "output: servo", 2, "output: 'servo' must be one of joint_states"),
        ("rate_hz: 50", "rate_hz: [50", 3, "not YAML"),
        ("  lid_left:", "  jaw:", 10, "'jaw' is given twice"),
        ("  lid_left:", "  lid left:", 10, "letters, digits"),
        ("joints:", "jionts:", 4, "no field is called 'jionts'"),
    ],
)  # fmt: skip
def test_errors_name_file_line_field_and_advice(
    tmp_path: Path, wrong: str, right: str, line: int, says: str
) -> None:
    assert wrong in GOOD
    path = written(tmp_path, GOOD.replace(wrong, right, 1))
    with pytest.raises(MapError) as error:
        load_map(path)
    assert str(error.value).startswith(f"{path}:{line}: "), error.value
    assert says in str(error.value)


@pytest.mark.parametrize(
    "content", [b"", b"- a\n- b\n", b"just words", b"\xff\xfe\x00", b"joints:\n", b"x: &a [*a]"]
)
def test_other_files_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.yaml"
    path.write_bytes(content)
    with pytest.raises(MapError, match=r"other\.yaml"):
        load_map(path)
    with pytest.raises(MapError, match="No such file"):
        load_map(tmp_path / "none.yaml")


def test_every_source_has_its_mirror() -> None:
    for name in SOURCE_NAMES:
        other, sign = mirrored(name)
        assert mirrored(other) == (name, sign) and other in SOURCE_NAMES
    assert mirrored("mouthLeft") == ("mouthRight", 1)
    assert mirrored("eye_left_yaw") == ("eye_right_yaw", -1)
    assert mirrored("head_pitch") == ("head_pitch", 1)


def test_a_mirrored_face_moves_the_mirrored_joint_alike() -> None:
    rng = np.random.default_rng(0)
    mix = tuple((name, float(rng.normal())) for name in SOURCE_NAMES)
    left = Joint("left", mix, -100, 100, 0, 1, 1, offset=0.3, gain=2)
    rig = RigMap("two", (left, mirror_joint(left, "right", reverse=False)))
    face = rng.random(len(SOURCE_NAMES))
    turned = np.empty_like(face)
    for index, name in enumerate(SOURCE_NAMES):
        other, sign = mirrored(name)
        turned[SOURCE_NAMES.index(other)] = sign * face[index]
    assert rig.asked(face)[0] == pytest.approx(rig.asked(turned)[1])
    backwards = RigMap("b", (mirror_joint(left, "right", reverse=True),))
    assert backwards.asked(turned)[0] == pytest.approx(-rig.asked(face)[0])


def test_the_mix_is_offset_plus_gain_times_curve(tmp_path: Path) -> None:
    jaw = load_map(written(tmp_path, GOOD))
    weights = np.zeros(52)
    weights[BLENDSHAPE_NAMES.index("jawOpen")] = 0.5
    weights[BLENDSHAPE_NAMES.index("mouthClose")] = 0.5
    face = source_vector(weights, (0, 0, 0, 0, 0, 0, 1), (0, 0, 0, 0))
    assert jaw.asked(face)[0] == pytest.approx(0.4 * 0.8 * 0.25 / 0.5)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("angle", [-1.2, -0.1, 0.0, 0.4])
def test_roll_pitch_yaw_are_turns_about_x_y_z(axis: int, angle: float) -> None:
    quaternion = np.zeros(4)
    quaternion[axis], quaternion[3] = np.sin(angle / 2), np.cos(angle / 2)
    expected = np.zeros(3)
    expected[axis] = angle
    np.testing.assert_allclose(roll_pitch_yaw(7.0 * quaternion), expected, atol=1e-12)


def test_roll_pitch_yaw_are_those_of_a_head_on_a_neck_of_yaw_pitch_roll() -> None:
    from media2face.rig.sources import Float64

    def product(a: Float64, b: Float64) -> Float64:
        vector = a[3] * b[:3] + b[3] * a[:3] + np.cross(a[:3], b[:3])
        return np.append(vector, a[3] * b[3] - a[:3] @ b[:3])

    def turn(axis: int, angle: float) -> Float64:
        return np.append(np.eye(3)[axis] * np.sin(angle / 2), np.cos(angle / 2))

    roll, pitch, yaw = 0.2, -0.5, 1.1
    head = product(product(turn(2, yaw), turn(1, pitch)), turn(0, roll))
    np.testing.assert_allclose(roll_pitch_yaw(head), [roll, pitch, yaw], atol=1e-12)


def test_the_shipped_maps_are_what_they_are_said_to_be() -> None:
    rigs = {path.stem: load_map(path) for path in (NODE_PACKAGE / "config/rigs").glob("*.yaml")}
    assert {name: len(rig.joints) for name, rig in rigs.items()} == {
        "inmoov": 9, "jaw_neck": 2, "screen": 10, "android": 27
    }  # fmt: skip
    assert all(rig.name == name for name, rig in rigs.items())


def test_a_resting_face_leaves_every_joint_near_neutral(rig: RigMap) -> None:
    rest = source_vector(np.zeros(52), (0, 0, 0, 0, 0, 0, 1), np.zeros(4))
    span = rig.column("upper") - rig.column("lower")
    assert (np.abs(rig.asked(rest) - rig.column("neutral")) <= 0.01 * span).all()


def test_the_urdf_has_the_joints_and_limits_of_its_map() -> None:
    rig = load_map(NODE_PACKAGE / "config/rigs/inmoov.yaml")
    robot = ET.parse(NODE_PACKAGE / "urdf/inmoov_head.urdf").getroot()
    joints = {joint.attrib["name"]: joint for joint in robot.findall("joint")}
    assert set(joints) == set(rig.names)
    for joint in rig.joints:
        element = joints[joint.name]
        limit = element.find("limit")
        assert limit is not None and element.attrib["type"] == "revolute" and joint.unit == "rad"
        values = tuple(float(limit.attrib[key]) for key in ("lower", "upper", "velocity"))
        assert values == (joint.lower, joint.upper, joint.max_velocity), joint.name


def test_the_urdf_is_one_tree_with_axes_as_documented() -> None:
    robot = ET.parse(NODE_PACKAGE / "urdf/inmoov_head.urdf").getroot()
    links = [link.attrib["name"] for link in robot.findall("link")]
    parents, axes = {}, {}
    for joint in robot.findall("joint"):
        parent, child, axis = (joint.find(tag) for tag in ("parent", "child", "axis"))
        assert parent is not None and child is not None and axis is not None
        parents[child.attrib["link"]] = parent.attrib["link"]
        axes[joint.attrib["name"]] = axis.attrib["xyz"]
    assert len(set(links)) == len(links) == len(parents) + 1
    for link in links:
        path = [link]
        while path[-1] in parents:
            path.append(parents[path[-1]])
            assert len(path) <= len(links)
        assert path[-1] == "base_link"
    for name, axis in axes.items():
        kind = name.rsplit("_", 1)[-1]
        wanted = {"yaw": "0 0 1", "roll": "1 0 0"}.get(kind, "0 1 0")
        assert axis == wanted, name


def test_running_a_head_needs_numpy_and_yaml_alone() -> None:
    code = (
        "import sys; from media2face.rig import motion\n"
        "print(*{'scipy', 'matplotlib', 'onnxruntime', 'soundfile', 'torch'} & set(sys.modules))"
    )
    environment = {"PYTHONPATH": str(NODE_PACKAGE.parent / "media2face"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == ""
