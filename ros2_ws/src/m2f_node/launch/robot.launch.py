"""A robot's head: the face on the light mesh, the actuators of a map, and the robot's loudspeaker.

ros2 launch m2f_node robot.launch.py rig:=inmoov audio_in:=/tts/audio
ros2 launch m2f_node robot.launch.py rig:=my_head.yaml audio:=microphone player:=false
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
    own = declared(rig="jaw_neck", level="light", player="true")
    return LaunchDescription([*own, OpaqueFunction(function=nodes)])
