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

pytest.importorskip("launch", reason="ros2 launch is not part of the ROS 2 wheels")
pytest.importorskip("launch_ros", reason="launch_ros is not part of the ROS 2 wheels")

pytestmark = pytest.mark.ros

STOP_TIMEOUT_S = 15


def launch_file() -> Path:
    return Path(get_package_share_directory("m2f_node"), "launch", "m2f.launch.py")


def launched_nodes(**arguments: str) -> list[Any]:
    """The nodes that the launch file starts when given these arguments."""
    from launch import LaunchContext
    from launch.actions import DeclareLaunchArgument, OpaqueFunction
    from launch.launch_description_sources import get_launch_description_from_python_launch_file

    description = get_launch_description_from_python_launch_file(str(launch_file()))
    context = LaunchContext()
    context.launch_configurations.update(arguments)
    nodes: list[Any] = []
    for entity in description.entities:
        if isinstance(entity, DeclareLaunchArgument | OpaqueFunction):
            nodes += entity.visit(context) or []
    return nodes


def test_every_argument_is_described() -> None:
    from launch.actions import DeclareLaunchArgument
    from launch.launch_description_sources import get_launch_description_from_python_launch_file

    description = get_launch_description_from_python_launch_file(str(launch_file()))
    declared = [item for item in description.entities if isinstance(item, DeclareLaunchArgument)]
    names = {argument.name for argument in declared}
    assert {
        "audio",
        "burst",
        "style",
        "identity",
        "model",
        "backend",
        "idle",
        "namespace",
    } <= names
    assert all(argument.description for argument in declared)


def test_a_sound_adds_the_player() -> None:
    assert [node.node_executable for node in launched_nodes()] == ["m2f_node"]
    both = launched_nodes(audio="hello.wav", burst="true")
    assert [node.node_executable for node in both] == ["m2f_node", "audio_file"]


@contextmanager
def ros2_launch(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real launch; SIGINT ends it (SIGTERM would leave its nodes behind)."""
    command = ["ros2", "launch", "m2f_node", "m2f.launch.py", *arguments]
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
        f"audio:={sample}",
        f"burst:={burst}",
        "namespace:=robot",
        "idle:=false",
        "style:=happy",
    ):
        client.spin_until(lambda: len(frames) >= 60, timeout_s=60)
    assert [frame.index for frame in frames[:60]] == list(range(60))
