"""The launch file: the description it makes, and a real `ros2 launch` with its topics.

`launch` comes with an installed ROS 2, not with the wheels; without it these tests skip.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ament_index_python.packages import get_package_share_directory
from m2f_msgs.msg import FaceFrame
from sensor_msgs.msg import JointState

pytest.importorskip("launch", reason="ros2 launch is not part of the ROS 2 wheels")
pytest.importorskip("launch_ros", reason="launch_ros is not part of the ROS 2 wheels")

pytestmark = pytest.mark.ros

STOP_TIMEOUT_S = 15


def launch_file(name: str) -> str:
    return str(Path(get_package_share_directory("m2f_node"), "launch", name))


def launched_nodes(name: str, **arguments: str) -> list[Any]:
    """The nodes that a launch file starts when given these arguments."""
    from launch import LaunchContext
    from launch.actions import DeclareLaunchArgument, OpaqueFunction
    from launch.launch_description_sources import get_launch_description_from_python_launch_file

    description = get_launch_description_from_python_launch_file(launch_file(name))
    context = LaunchContext()
    context.launch_configurations.update(arguments)
    nodes: list[Any] = []
    for entity in description.entities:
        if isinstance(entity, DeclareLaunchArgument | OpaqueFunction):
            nodes += entity.visit(context) or []
    return nodes


def executables(name: str, **arguments: str) -> list[str]:
    return [node.node_executable for node in launched_nodes(name, **arguments)]


@pytest.mark.parametrize("name", ["m2f.launch.py", "robot.launch.py", "two_heads.launch.py"])
def test_every_argument_is_described(name: str) -> None:
    from launch.actions import DeclareLaunchArgument
    from launch.launch_description_sources import get_launch_description_from_python_launch_file

    description = get_launch_description_from_python_launch_file(launch_file(name))
    declared = [item for item in description.entities if isinstance(item, DeclareLaunchArgument)]
    assert len(declared) >= 3
    assert all(argument.description for argument in declared)


def test_arguments_choose_the_nodes() -> None:
    name = "m2f.launch.py"
    assert executables(name) == ["m2f_node"]
    assert executables(name, audio="hello.wav", burst="true") == ["m2f_node", "audio_file"]
    assert executables(name, audio="microphone") == ["m2f_node", "microphone"]
    assert executables(name, audio_in="/tts/audio") == ["m2f_node", "audio_bridge"]
    everything = {"player": "true", "viewer": "true", "marker": "true", "rig": "inmoov"}
    assert executables(name, livelink="10.0.0.2", **everything) == [
        *("m2f_node", "audio_player", "viewer", "marker", "actuator", "livelink")
    ]
    assert executables("robot.launch.py") == ["m2f_node", "audio_player", "actuator"]
    two = executables("two_heads.launch.py", left_audio="a.wav", right_audio="b.wav")
    assert two == ["m2f_node", "audio_file", "audio_file"]


@contextmanager
def ros2_launch(name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real launch; SIGINT ends it (SIGTERM would leave its nodes behind)."""
    command = ["ros2", "launch", "m2f_node", name, *arguments]
    # A session of its own keeps the signal from the tests themselves.
    process = subprocess.Popen(command, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_TIMEOUT_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.skipif(shutil.which("ros2") is None, reason="no ros2 command")
@pytest.mark.parametrize("burst", ["true", "false"])
def test_a_launched_face_speaks_in_its_namespace(client: Any, sample: Path, burst: str) -> None:
    frames = client.collect(FaceFrame, "/robot/face/frame")
    with ros2_launch(
        "m2f.launch.py",
        f"audio:={sample}",
        f"burst:={burst}",
        "namespace:=robot",
        "idle:=false",
        "style:=happy",
    ):
        client.spin_until(lambda: len(frames) >= 60, timeout_s=60)
    # What came before this process had found the publisher is not for it.
    first = frames[0].index
    assert [frame.index for frame in frames[:60]] == list(range(first, first + 60))


@pytest.mark.skipif(shutil.which("ros2") is None, reason="no ros2 command")
def test_a_launched_robot_moves_its_joints(client: Any, sample: Path) -> None:
    states = client.collect(JointState, "/joint_states")
    with ros2_launch("robot.launch.py", f"audio:={sample}", "player:=false", "rig:=inmoov"):
        client.spin_until(lambda: len(states) >= 300, timeout_s=90)
    jaw = [state.position[state.name.index("jaw")] for state in states]
    assert max(jaw) - min(jaw) > 0.05


@pytest.mark.skipif(shutil.which("ros2") is None, reason="no ros2 command")
def test_two_launched_heads_speak(client: Any, sample: Path) -> None:
    frames = [client.collect(FaceFrame, f"/{side}/face/frame") for side in ("left", "right")]
    with ros2_launch("two_heads.launch.py", f"left_audio:={sample}", f"right_audio:={sample}"):
        client.spin_until(lambda: all(len(f) >= 100 for f in frames), timeout_s=90)
    assert frames[0][50].topology_id == frames[1][50].topology_id
    assert frames[0][50].vertices != frames[1][50].vertices
