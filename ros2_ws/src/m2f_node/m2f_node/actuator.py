"""Drives the motors of a head: faces in, joint commands out through a map, within its limits.

Two hops: on_frame -> controller.accept, beside a timer controller.step -> publish.
"""

from __future__ import annotations

import array
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from m2f_msgs.msg import FaceFrame
from media2face.rig.map import MapError, load_map
from media2face.rig.motion import Controller, Ticks
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from m2f_node import parameters
from m2f_node.actuator_health import Health
from m2f_node.conversions import stamp_problem, to_seconds
from m2f_node.parameters import Spec
from m2f_node.spinning import run_node

LOG_PERIOD_S = 5.0
# Frames are published reliably; qos_overrides.* parameters choose otherwise.
FRAMES_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
SPECS = {
    "map": Spec(
        "",
        "Map from the face to joints: a .yaml file, or a shipped map's name.",
        read_only=True,
    ),
    "delay_ms": Spec(
        0.0,
        "Show each frame this much after its stamp [ms]. At least the largest latency_ms of the "
        "map and 50 ms more lets joints of different latency move together and smoothly; delay "
        "the sound as much.",
        0.0,
        5000.0,
    ),
    "enabled": Spec(True, "Follow the face; false brings the joints to neutral and holds them."),
}


def find_map(name: str) -> Path:
    """A map's path: `name` itself where it is one, else that of the shipped map of that name.

    Raises:
        MapError: naming the shipped ones.
    """
    shipped = Path(get_package_share_directory("m2f_node"), "config", "rigs")
    if "/" in name or name.endswith((".yaml", ".yml")):
        return Path(name).expanduser()
    path = shipped / f"{name}.yaml"
    if not name or not path.is_file():
        names = ", ".join(sorted(one.stem for one in shipped.glob("*.yaml")))
        raise MapError(
            f"parameter map = '{name}': no shipped map of that name; give the path of a .yaml "
            f"file, or one of {names}"
        )
    return path


class ActuatorNode(Node):
    """See the module. Everything runs on the executor's one thread."""

    def __init__(self) -> None:
        """Raises MapError where the map cannot be used."""
        super().__init__("actuator")
        parameters.declare(self, SPECS)
        self.path = find_map(self.get_parameter("map").value)
        self.rig = load_map(self.path)
        self._controller = Controller(self.rig)
        self._ticks = Ticks(self.rig.period_ns)
        self._health = Health(len(self.rig.joints))
        self._states: Publisher | None = None
        self._trajectories: Publisher | None = None
        if self.rig.output in {"joint_states", "both"}:
            self._states = self.create_publisher(JointState, "joint_states", 10)
        if self.rig.output in {"joint_trajectory", "both"}:
            self._trajectories = self.create_publisher(JointTrajectory, "joint_trajectory", 10)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_subscription(
            FaceFrame,
            "face/frame",
            self._on_frame,
            FRAMES_QOS,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self.create_timer(self.rig.period_ns * 1e-9, self._on_tick)
        self.create_timer(1.0, self._on_diagnostics)
        self.get_logger().info(
            f"map {self.rig.name} ({self.path}): {len(self.rig.joints)} joints at "
            f"{self.rig.rate_hz:g} Hz"
        )

    def _on_frame(self, msg: FaceFrame) -> None:
        now_s = self.get_clock().now().nanoseconds * 1e-9
        stamp_s, health = to_seconds(msg.header.stamp), self._health
        if problem := stamp_problem(msg.header.stamp, now_s):
            health.restamped += 1
            self.get_logger().warning(f"face/frame: {problem}", throttle_duration_sec=LOG_PERIOD_S)
        if stamp_s == 0 or problem:
            stamp_s = now_s
        at, turn = msg.head_pose.position, msg.head_pose.orientation
        pose = (at.x, at.y, at.z, turn.x, turn.y, turn.z, turn.w)
        try:
            self._controller.accept(stamp_s, msg.blendshapes, pose, msg.eyes)
        except ValueError as error:
            health.refused += 1
            health.new_refused += 1
            self.get_logger().warning(
                f"dropped a message on face/frame: {error}", throttle_duration_sec=LOG_PERIOD_S
            )
            return
        health.frames += 1
        health.new_frames += 1

    def _on_tick(self) -> None:
        tick = self._ticks.next(self.get_clock().now().nanoseconds)
        if tick is None:
            return
        time_ns, went_back = tick
        if went_back:
            self.get_logger().warning("the clock went back: frames before that are forgotten")
            self._controller.forget_frames()
        delay_s = self.get_parameter("delay_ms").value * 1e-3
        enabled = self.get_parameter("enabled").value
        commands = self._controller.step(time_ns * 1e-9 - delay_s, enabled)
        self._health.count(commands)
        header = Header(stamp=Time(sec=time_ns // 10**9, nanosec=time_ns % 10**9))
        position = array.array("d", commands.position.tobytes())
        if self._states is not None:
            velocity = array.array("d", commands.velocity.tobytes())
            names = list(self.rig.names)
            self._states.publish(
                JointState(header=header, name=names, position=position, velocity=velocity)
            )
        if self._trajectories is not None:
            self._trajectories.publish(self._trajectory(position))

    def _trajectory(self, position: array.array[float]) -> JointTrajectory:
        """One point, to be reached a period after the message comes (a stamp of zero says so).

        Without velocities: controllers refuse a trajectory whose end still moves.
        """
        point = JointTrajectoryPoint(
            positions=position,
            time_from_start=Duration(nanoseconds=self.rig.period_ns).to_msg(),
        )
        return JointTrajectory(joint_names=list(self.rig.names), points=[point])

    def _on_diagnostics(self) -> None:
        enabled = self.get_parameter("enabled").value
        status = self._health.status(self.rig, enabled, self._controller.waiting_frames)
        status.name = f"{self.get_name()}: joints"
        status.hardware_id = self.get_fully_qualified_name()
        self._health.begin()
        msg = DiagnosticArray(status=[status])
        msg.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(msg)


def main() -> int:
    """Exit status: 1 where the map cannot be used, else 0."""
    return run_node("actuator", ActuatorNode)
