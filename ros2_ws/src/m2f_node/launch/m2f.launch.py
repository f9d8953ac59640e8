"""Starts the face, and a sound file played to it when one is given.

ros2 launch m2f_node m2f.launch.py audio:=hello.wav style:=happy
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = {
    "audio": ("", "sound file to play to the face (WAV, FLAC, Ogg, Opus, MP3); empty = none"),
    "burst": ("false", "send the whole file at once, as a TTS does"),
    "loop": ("false", "begin again at the end of the file"),
    "namespace": ("", "namespace of the nodes and their topics"),
    "params_file": (None, "YAML with the parameters of m2f_node"),
    "style": ("", "style prompt in words, such as 'happy'"),
    "identity": ("", "whose head; empty = the model's first"),
    "model": ("", "model name or folder; empty = default"),
    "backend": ("", "auto, onnxruntime or torch"),
    "idle": ("", "true or false: keep the face alive when no audio comes"),
    "autostart": ("", "true or false: become active by itself"),
    "use_sim_time": ("false", "take the time from /clock"),
}
# Given on the command line they win over params_file; left empty they leave it alone.
FACE_PARAMETERS = {
    "style": str,
    "identity": str,
    "model": str,
    "backend": str,
    "idle": bool,
    "autostart": bool,
}


def nodes(context: LaunchContext) -> list[Node]:
    """The nodes that the arguments ask for."""

    def argument(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    def flag(name: str) -> ParameterValue:
        return ParameterValue(LaunchConfiguration(name), value_type=bool)

    given = {
        name: ParameterValue(LaunchConfiguration(name), value_type=kind)
        for name, kind in FACE_PARAMETERS.items()
        if argument(name)
    }
    common = {"package": "m2f_node", "namespace": argument("namespace"), "output": "screen"}
    clock = {"use_sim_time": flag("use_sim_time")}
    face = Node(
        executable="m2f_node",
        name="m2f_node",
        parameters=[LaunchConfiguration("params_file"), given, clock],
        **common,
    )
    if not argument("audio"):
        return [face]
    file = {"file": ParameterValue(LaunchConfiguration("audio"), value_type=str)}
    options = {"burst": flag("burst"), "loop": flag("loop")}
    player = Node(
        executable="audio_file",
        name="audio_file",
        parameters=[file, options, clock],
        **common,
    )
    return [face, player]


def generate_launch_description() -> LaunchDescription:
    default_params = PathJoinSubstitution([FindPackageShare("m2f_node"), "config", "m2f.yaml"])
    declared = [
        DeclareLaunchArgument(
            name, default_value=default_params if value is None else value, description=text
        )
        for name, (value, text) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=nodes)])
