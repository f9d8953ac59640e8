"""Starts the face, with what brings its sound and what shows it.

ros2 launch m2f_node m2f.launch.py audio:=hello.wav style:=happy viewer:=true
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import OpaqueFunction
from launch_ros.actions import Node
from m2f_node.launching import Pieces, declared


def nodes(context: LaunchContext) -> list[Node]:
    """The nodes that the arguments ask for."""
    pieces = Pieces(context)
    return [pieces.face(), *pieces.sources(), *pieces.sinks()]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*declared(), OpaqueFunction(function=nodes)])
