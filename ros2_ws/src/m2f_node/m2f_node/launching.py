"""The pieces that the launch files are put together from. Imported by them alone: needs launch."""

from __future__ import annotations

from pathlib import Path

from launch import LaunchContext
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

# name: (default, description); None is the shipped parameter file.
ARGUMENTS: dict[str, tuple[str | None, str]] = {
    "audio": ("", "sound file (WAV, FLAC, Ogg, Opus, MP3), or microphone; empty = topic audio"),
    "audio_in": ("", "topic of either audio_common_msgs package to take sound from"),
    "burst": ("false", "send the whole file at once, as a TTS does"),
    "loop": ("false", "begin again at the end of the file"),
    "player": ("false", "play what the face speaks, in time with it"),
    "namespace": ("", "namespace of the nodes and their topics"),
    "params_file": (None, "YAML with parameters of the nodes"),
    "style": ("", "style prompt in words, such as 'happy'"),
    "identity": ("", "whose head: preset, seed:N, pca:W,..., .npz or a mesh; empty = first"),
    "level": ("", "of the mesh: full or light"),
    "model": ("", "model name or folder; empty = default"),
    "backend": ("", "auto, onnxruntime or torch"),
    "idle": ("", "true or false: keep the face alive when no audio comes"),
    "autostart": ("", "true or false: become active by itself"),
    "viewer": ("false", "show the head on a web page, http://localhost:8080"),
    "rig": ("", "actuator map: a shipped one (inmoov, jaw_neck, screen, android) or a file"),
    "marker": ("false", "publish face/marker for RViz"),
    "livelink": ("", "host that is sent Live Link Face packets"),
    "use_sim_time": ("false", "take the time from /clock"),
}
# Given on the command line they win over params_file; left empty they leave it alone.
FACE_PARAMETERS = {
    "style": str,
    "identity": str,
    "level": str,
    "model": str,
    "backend": str,
    "idle": bool,
    "autostart": bool,
}


def declared(**defaults: str) -> list[DeclareLaunchArgument]:
    """Every argument; `defaults` are a launch file's own."""
    shipped = PathJoinSubstitution([FindPackageShare("m2f_node"), "config", "m2f.yaml"])
    result = []
    for name, (value, text) in ARGUMENTS.items():
        default = defaults.get(name, shipped if value is None else value)
        result.append(DeclareLaunchArgument(name, default_value=default, description=text))
    return result


class Pieces:
    """Makes nodes from the arguments as given."""

    def __init__(self, context: LaunchContext) -> None:
        self._context = context

    def text(self, name: str) -> str:
        """An argument's value."""
        return str(LaunchConfiguration(name).perform(self._context))

    def asked(self, name: str) -> bool:
        """A flag's value."""
        return self.text(name).lower() in ("true", "1", "yes", "on")

    def node(
        self, executable: str, renamed: dict[str, str] | None = None, **parameters: str | bool
    ) -> Node:
        """A node of this package: params_file, the clock, `parameters`, `renamed` topics."""
        return Node(
            package="m2f_node",
            executable=executable,
            name=executable,
            namespace=self.text("namespace"),
            output="screen",
            remappings=list((renamed or {}).items()),
            parameters=[
                LaunchConfiguration("params_file"),
                {**parameters, "use_sim_time": self.asked("use_sim_time")},
            ],
        )

    def face(self) -> Node:
        """The face itself."""
        given = {
            name: self.asked(name) if kind is bool else self.text(name)
            for name, kind in FACE_PARAMETERS.items()
            if self.text(name)
        }
        return self.node("m2f_node", **given)

    def sources(self) -> list[Node]:
        """What brings sound: a file, the microphone, somebody else's topic, or nothing."""
        nodes = []
        if self.text("audio") == "microphone":
            nodes.append(self.node("microphone"))
        elif self.text("audio"):
            file = str(Path(self.text("audio")).expanduser())
            options = {"burst": self.asked("burst"), "loop": self.asked("loop")}
            nodes.append(self.node("audio_file", file=file, **options))
        if self.text("audio_in"):
            nodes.append(self.node("audio_bridge", {"audio_in": self.text("audio_in")}))
        return nodes

    def sinks(self) -> list[Node]:
        """What shows, moves or plays the face."""
        nodes = [
            self.node(executable)
            for flag, executable in (
                ("player", "audio_player"),
                ("viewer", "viewer"),
                ("marker", "marker"),
            )
            if self.asked(flag)
        ]
        if self.text("rig"):
            nodes.append(self.node("actuator", map=self.text("rig")))
        if self.text("livelink"):
            nodes.append(self.node("livelink", host=self.text("livelink")))
        return nodes
