"""Two faces in one process, each with a head, a prompt and a sound of its own.

ros2 launch m2f_node two_heads.launch.py left_audio:=a.wav right_audio:=b.wav
"""

from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

SIDES = ("left", "right")


def nodes(context: LaunchContext) -> list[Node]:
    """One process with both faces, and a player for each sound given."""

    def argument(name: str) -> str:
        return str(LaunchConfiguration(name).perform(context))

    result = [
        Node(
            package="m2f_node",
            executable="m2f_node",
            arguments=list(SIDES),
            output="screen",
            parameters=[argument("params_file")],
        )
    ]
    for side in SIDES:
        if sound := argument(f"{side}_audio"):
            result.append(
                Node(
                    package="m2f_node",
                    executable="audio_file",
                    name="audio_file",
                    namespace=side,
                    output="screen",
                    parameters=[{"file": str(Path(sound).expanduser())}],
                )
            )
    return result


def generate_launch_description() -> LaunchDescription:
    shipped = PathJoinSubstitution([FindPackageShare("m2f_node"), "config", "two_heads.yaml"])
    arguments = [
        DeclareLaunchArgument(
            "params_file",
            default_value=shipped,
            description="YAML with the parameters of /left/m2f_node and /right/m2f_node",
        )
    ]
    for side in SIDES:
        arguments.append(
            DeclareLaunchArgument(
                f"{side}_audio", default_value="", description=f"sound file for the {side} head"
            )
        )
    return LaunchDescription([*arguments, OpaqueFunction(function=nodes)])
