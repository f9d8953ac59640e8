"""The actuator node as a process, over DDS: within limits, whatever comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from m2f_msgs.msg import FaceFrame
from m2f_node.actuator import find_map
from m2f_node.conversions import to_seconds, to_time
from media2face.contract import BLENDSHAPE_NAMES
from media2face.rig.check import violations
from media2face.rig.map import RigMap, load_map
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory

pytestmark = pytest.mark.ros

PERIOD_NS = 20_000_000  # of jaw_neck's commands
NONE = {"position": 0, "velocity": 0, "acceleration": 0}
EXTREMES = np.array([np.nan, np.inf, -np.inf, 3.4e38, -3.4e38, 0.0, 1.0, -1.0], np.float32)
JAW = BLENDSHAPE_NAMES.index("jawOpen")


def face(stamp: Time, jaw: float = 0.0) -> FaceFrame:
    """A frame with the jaw open this much, everything else at rest."""
    msg = FaceFrame()
    msg.header.stamp = stamp
    msg.blendshapes[JAW] = jaw
    msg.head_pose.orientation.w = 1.0
    return msg


def hostile_face(rng: np.random.Generator, now_s: float) -> FaceFrame:
    """A frame of which anything may be wrong."""
    offset_s = rng.choice([0.0, rng.normal(0, 0.1), rng.normal(0, 20), -now_s, 1e8])
    msg = face(to_time(max(0.0, now_s + offset_s)))
    msg.blendshapes = rng.random(52).astype(np.float32)
    msg.eyes = rng.normal(0, 0.5, 4).astype(np.float32)
    kind = rng.integers(8)
    if kind == 0:
        msg.blendshapes = rng.choice(EXTREMES, 52)
    elif kind == 1:
        msg.blendshapes[rng.integers(52)] = np.nan
    elif kind == 2:
        msg.eyes = rng.choice(EXTREMES, 4)
    x, y, z, w, yaw = rng.normal(0, 1, 5)
    turn = msg.head_pose.orientation
    turn.x, turn.y, turn.z, turn.w = (
        (float(value) for value in rng.choice(EXTREMES, 4)) if kind == 3 else (x, y, z, w)
    )
    msg.head_pose.position.x = float(rng.choice(EXTREMES)) if kind == 4 else yaw
    return msg


def now_s(client: Any) -> float:
    return float(client.node.get_clock().now().nanoseconds * 1e-9)


def positions(states: list[JointState]) -> np.ndarray:
    """float64 [T, J]."""
    return np.array([state.position for state in states])


def values(reports: list[DiagnosticArray]) -> dict[str, str]:
    return {item.key: item.value for item in reports[-1].status[0].values} if reports else {}


def moved(rig: RigMap, states: list[JointState]) -> float:
    """The share of its range that the least moved joint has used."""
    span = rig.column("upper") - rig.column("lower")
    return float((np.ptp(positions(states), axis=0) / span).min()) if states else 0.0


@pytest.mark.parametrize("name", ["inmoov", "jaw_neck", "screen", "android"])
def test_a_burst_of_hostile_frames_gives_no_command_outside_limits(
    start: Callable, client: Any, name: str
) -> None:
    rig = load_map(find_map(name))
    states = client.collect(JointState, "joint_states")
    reports = client.collect(DiagnosticArray, "/diagnostics")
    start("actuator", f"map:={name}").wait_for(f"map {name}")
    frames = client.publisher(FaceFrame, "face/frame")
    client.spin_until(lambda: states)
    rng = np.random.default_rng(5)
    sent = 0
    while sent < 300:
        for _ in range(rng.integers(1, 6)):
            frames.publish(hostile_face(rng, now_s(client)))
            sent += 1
        seen = len(states)
        client.spin_until(lambda seen=seen: len(states) >= seen + rng.integers(1, 4))

    def counted() -> bool:
        counts = values(reports)
        return sum(int(counts.get(key, 0)) for key in ("frames", "refused")) == sent

    client.spin_until(counted)
    counts = values(reports)
    assert int(counts["frames"]) > 100 and int(counts["refused"]) > 60
    assert int(counts["restamped"]) > 30
    assert violations(rig, positions(states)) == NONE
    assert moved(rig, states) > 0.25


def test_it_follows_the_face_and_returns_to_neutral_when_frames_stop(
    start: Callable, client: Any
) -> None:
    rig = load_map(find_map("inmoov"))
    states = client.collect(JointState, "joint_states")
    reports = client.collect(DiagnosticArray, "/diagnostics")
    start("actuator", "map:=inmoov").wait_for("9 joints at 50 Hz")
    frames = client.publisher(FaceFrame, "face/frame")
    begin_s = now_s(client)
    for number in range(30):  # a second, all at once
        frames.publish(face(to_time(begin_s + number / 30), jaw=0.9))
    jaw = rig.names.index("jaw")
    client.spin_until(lambda: states and states[-1].position[jaw] == pytest.approx(0.38))
    assert tuple(states[-1].name) == rig.names
    client.spin_until(lambda: to_seconds(states[-1].header.stamp) > begin_s + 1.0)
    assert states[-1].position[jaw] == pytest.approx(0.38)
    neutral = list(rig.column("neutral"))
    client.spin_until(lambda: list(states[-1].position) == neutral)
    took_s = to_seconds(states[-1].header.stamp) - begin_s - 29 / 30
    assert 0.3 < took_s < 0.3 + 1.0 + 0.3
    client.spin_until(
        lambda: reports and reports[-1].status[0].level == DiagnosticStatus.WARN
        and "no frames" in reports[-1].status[0].message
    )  # fmt: skip
    assert values(reports)["frames"] == "30"
    assert reports[-1].status[0].name == "actuator: joints"
    assert violations(rig, positions(states)) == NONE


class Simulation:
    """An actuator node under simulated time, which goes on from command to command."""

    def __init__(self, start: Callable, client: Any, begin_ns: int) -> None:
        self.client, self.time_ns = client, begin_ns
        self.states: list[JointState] = client.collect(JointState, "joint_states")
        self.reports: list[DiagnosticArray] = client.collect(DiagnosticArray, "/diagnostics")
        self.node = start("actuator", "map:=jaw_neck", "use_sim_time:=true")
        self.frames = client.publisher(FaceFrame, "face/frame")
        self._clock = client.publisher(Clock, "/clock")
        self.step()

    def tell_time(self) -> None:
        stamp = Time(sec=self.time_ns // 10**9, nanosec=self.time_ns % 10**9)
        self._clock.publish(Clock(clock=stamp))

    def step(self) -> None:
        """A period passes, and its command comes."""
        seen = len(self.states)
        self.time_ns += PERIOD_NS

        def came() -> bool:
            # Again and again: the clock is best effort, and the first may find nobody listening.
            self.tell_time()
            return len(self.states) > seen

        self.client.spin_until(came)

    def until(self, time_s: float) -> None:
        while self.time_ns < time_s * 1e9:
            self.step()

    def play(self) -> dict[int, tuple[float, ...]]:
        """The commands to two seconds of a face, by their stamps [ns]."""
        rng = np.random.default_rng(0)
        for number in range(60):
            self.frames.publish(face(to_time(103.0 + number / 30), jaw=float(rng.random())))
        self.until(106.0)
        assert values(self.reports)["frames"] == "60"
        stamps = (state.header.stamp for state in self.states)
        nanoseconds = [stamp.sec * 10**9 + stamp.nanosec for stamp in stamps]
        return dict(zip(nanoseconds, map(tuple, positions(self.states)), strict=True))

    def close(self) -> None:
        self.node.stop()
        for publisher in (self.frames, self._clock):
            self.client.node.destroy_publisher(publisher)


def test_played_again_a_recording_gives_the_same_commands(start: Callable, client: Any) -> None:
    rig = load_map(find_map("jaw_neck"))
    commands = []
    for begin_ns in (100_000_000_000, 100_013_700_000):  # the timers of two runs never agree
        simulation = Simulation(start, client, begin_ns)
        commands.append(simulation.play())
        assert violations(rig, positions(simulation.states)) == NONE
        simulation.close()
    first, second = commands
    common = sorted(first.keys() & second.keys())
    assert len(common) > 280 and all(stamp % rig.period_ns == 0 for stamp in common)
    assert [first[stamp] for stamp in common] == [second[stamp] for stamp in common]
    assert np.ptp([first[stamp][0] for stamp in common]) > 0.2


def test_a_clock_that_goes_back_moves_nothing_abruptly(start: Callable, client: Any) -> None:
    rig = load_map(find_map("jaw_neck"))
    simulation = Simulation(start, client, 100_000_000_000)
    for number in range(50):
        simulation.frames.publish(face(to_time(100.0 + number / 10), jaw=0.9))
    simulation.until(102.5)
    assert simulation.states[-1].position[0] == pytest.approx(0.5)
    simulation.time_ns, seen = 20_000_000_000, len(simulation.states)

    def goes_on() -> bool:
        # The timer takes a period or two of the new time to fire again.
        simulation.time_ns += PERIOD_NS
        simulation.tell_time()
        return len(simulation.states) > seen

    client.spin_until(goes_on)
    simulation.node.wait_for("the clock went back")
    simulation.until(23.0)
    assert simulation.states[-1].position[0] == 0.0  # the frames are 80 s ahead now
    assert violations(rig, positions(simulation.states)) == NONE


def test_it_lives_in_a_namespace(start: Callable, client: Any) -> None:
    states = client.collect(JointState, "/robot1/joint_states")
    start("actuator", "map:=jaw_neck", arguments=("-r", "__ns:=/robot1")).wait_for("jaw_neck")
    frames = client.publisher(FaceFrame, "/robot1/face/frame")
    frames.publish(face(Time(), jaw=0.9))  # no stamp: it is shown at once
    client.spin_until(lambda: states and states[-1].position[0] > 0.1)


def test_a_trajectory_has_one_point_a_period_ahead_without_velocities(
    start: Callable, client: Any
) -> None:
    rig = load_map(find_map("android"))
    states = client.collect(JointState, "joint_states")
    trajectories = client.collect(JointTrajectory, "joint_trajectory")
    start("actuator", "map:=android").wait_for("map android")
    frames = client.publisher(FaceFrame, "face/frame")
    for number in range(30):
        frames.publish(face(to_time(now_s(client) + number / 30), jaw=number / 30))
    client.spin_until(lambda: states and states[-1].position[0] > 0.05)
    last = states[-1].position
    client.spin_until(lambda: any(msg.points[0].positions == last for msg in trajectories))
    msg = trajectories[-1]
    assert tuple(msg.joint_names) == rig.names and len(msg.points) == 1
    assert (msg.header.stamp.sec, msg.header.stamp.nanosec) == (0, 0)
    assert msg.points[0].time_from_start.nanosec == rig.period_ns
    assert not msg.points[0].velocities
    sent = np.array([trajectory.points[0].positions for trajectory in trajectories])
    assert violations(rig, sent) == NONE


def test_parameters(start: Callable, client: Any) -> None:
    states = client.collect(JointState, "joint_states")
    start("actuator", "map:=jaw_neck").wait_for("jaw_neck")
    names = ["map", "delay_ms", "enabled"]
    described = client.call(
        DescribeParameters,
        "/actuator/describe_parameters",
        DescribeParameters.Request(names=names),
    ).descriptors
    assert [one.read_only for one in described] == [True, False, False]
    assert described[1].floating_point_range[0].to_value == 5000.0
    assert all(one.description for one in described)

    def set_parameter(name: str, **value: Any) -> bool:
        request = SetParameters.Request(
            parameters=[Parameter(name=name, value=ParameterValue(**value))]
        )
        answer = client.call(SetParameters, "/actuator/set_parameters", request)
        return bool(answer.results[0].successful)

    double, string = ParameterType.PARAMETER_DOUBLE, ParameterType.PARAMETER_STRING
    assert not set_parameter("delay_ms", type=double, double_value=1e9)
    assert not set_parameter("map", type=string, string_value="inmoov")
    frames = client.publisher(FaceFrame, "face/frame")
    begin_s = now_s(client)
    for number in range(90):
        frames.publish(face(to_time(begin_s + number / 4), jaw=0.9))
    client.spin_until(lambda: states and states[-1].position[0] == pytest.approx(0.5))
    assert set_parameter("enabled", type=ParameterType.PARAMETER_BOOL, bool_value=False)
    client.spin_until(lambda: states[-1].position[0] == 0.0)
    assert set_parameter("enabled", type=ParameterType.PARAMETER_BOOL, bool_value=True)
    client.spin_until(lambda: states[-1].position[0] == pytest.approx(0.5))


def test_a_map_that_cannot_be_is_refused(start: Callable, tmp_path: Path) -> None:
    path = tmp_path / "head.yaml"
    path.write_text("name: x\njoints:\n  jaw: {limits: [0, 1]}\n")
    for value, says in (
        (str(path), "head.yaml:3: joint jaw: sources: is missing"),
        ("nobody", "one of android, inmoov, jaw_neck, screen"),
        (str(tmp_path / "none.yaml"), "none.yaml: cannot be read (No such file"),
    ):
        node = start("actuator", f"map:={value}")
        assert node.wait() == 1
        node.wait_for(says)
        assert not any("Traceback" in line for line in node.lines)
    assert start("actuator").wait() == 1
