"""The main node: audio and prompts in, faces out. A lifecycle node.

Five hops: on_audio -> to_chunk -> session.accept_audio, beside a worker thread doing session.step
-> backend, beside a timer session.poll -> to_frame -> publish. No network runs in a callback.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from m2f_msgs.msg import AudioChunk, BlendshapeWeights, FaceFrame, FaceTopology, StylePrompt
from m2f_msgs.srv import SetIdentity
from media2face.backends.base import Identity
from rcl_interfaces.msg import SetParametersResult
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.utilities import remove_ros_args
from std_msgs.msg import String
from std_srvs.srv import Trigger

from m2f_node import conversions as conv
from m2f_node import diagnostics, expression, parameters
from m2f_node.animate_server import AnimateServer
from m2f_node.face import Face, Prompt, load_face
from m2f_node.spinning import logged, run_lifecycle_nodes

POLL_PERIOD_S = 0.008
LOG_PERIOD_S = 5.0
FRAMES_QOS = QoSProfile(depth=30, reliability=ReliabilityPolicy.RELIABLE)
LATCHED_QOS = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


class FaceNode(LifecycleNode):
    """See the module. Everything but `*_on_worker` runs on the executor's one thread."""

    def __init__(self, namespace: str | None = None) -> None:
        super().__init__("m2f_node", namespace=namespace)
        parameters.declare(self)
        self.add_on_set_parameters_callback(self._on_set_parameters)
        self._face: Face | None = None
        self._animate: AnimateServer | None = None
        self._active_entities: list[Any] = []
        self._frames = self.create_lifecycle_publisher(FaceFrame, "face/frame", FRAMES_QOS)
        self._poses = self.create_lifecycle_publisher(PoseStamped, "face/head_pose", FRAMES_QOS)
        self._weights = self.create_lifecycle_publisher(
            BlendshapeWeights, "face/blendshapes", FRAMES_QOS
        )
        self._topology = self.create_publisher(FaceTopology, "face/topology", LATCHED_QOS)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.create_service(Trigger, "~/reset", self._on_reset)
        self.create_service(SetIdentity, "~/set_identity", self._on_set_identity)

    @property
    def face(self) -> Face:
        """The loaded face; there is one from configuring to cleaning up."""
        if self._face is None:
            raise RuntimeError("the node is not configured")
        return self._face

    @logged
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Loads the model, warms it up and publishes the topology."""
        try:
            settings = parameters.settings(lambda name: self.get_parameter(name).value)
            face = load_face(settings, self._now_s, self._fail_on_worker)
        except (ValueError, KeyError, OSError, ImportError) as error:
            self.get_logger().error(f"cannot configure: {_text(error)}")
            return TransitionCallbackReturn.FAILURE
        self._face = face
        self._animate = AnimateServer(self, face)
        self._publish_topology(face.identity)
        self.get_logger().info(
            f"model {face.model_dir.name} ({face.backend.model_hash[:12]}) on "
            f"{face.backend.name}, identity {face.identity.name}, "
            f"{len(face.identity.neutral)} vertices"
        )
        return TransitionCallbackReturn.SUCCESS

    @logged
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        super().on_activate(state)
        self.face.failure = ""
        self.face.restart(self._now_s())
        self.face.worker.start()
        # Best effort matches every publisher; qos_overrides.* parameters choose otherwise.
        audio_qos = QoSProfile(
            depth=self.face.settings.audio_queue_depth, reliability=ReliabilityPolicy.BEST_EFFORT
        )
        overriding = QoSOverridingOptions.with_default_policies()
        self._active_entities = [
            self.create_subscription(
                AudioChunk, "audio", self._on_audio, audio_qos, qos_overriding_options=overriding
            ),
            self.create_subscription(String, "style/text", self._on_style_text, 10),
            self.create_subscription(StylePrompt, "style", self._on_style, 10),
            *expression.subscribe(self, lambda: self.face.settings, self._on_style, self._refuse),
            self.create_timer(POLL_PERIOD_S, self._on_poll),
            self.create_timer(1.0, self._on_diagnostics),
        ]
        self.get_logger().info("active")
        return TransitionCallbackReturn.SUCCESS

    @logged
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop()
        return super().on_deactivate(state)

    @logged
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.drop()
        return TransitionCallbackReturn.SUCCESS

    @logged
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.drop()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.drop()
        return TransitionCallbackReturn.SUCCESS

    def _stop(self) -> None:
        for entity in self._active_entities:
            is_timer = hasattr(entity, "cancel")
            (self.destroy_timer if is_timer else self.destroy_subscription)(entity)
        self._active_entities = []
        if self._face is not None:
            self._face.worker.stop()

    def drop(self) -> None:
        """Stops the stream and forgets the model."""
        self._stop()
        if self._animate is not None:
            self._animate.destroy()
        self._animate = self._face = None

    def _on_audio(self, msg: AudioChunk) -> None:
        now_s = self._now_s()
        try:
            if len(msg.data) or not msg.last:
                self.face.session.accept_audio(conv.to_chunk(msg, now_s))
        except ValueError as error:
            self._refuse("audio", error)
            return
        if problem := conv.stamp_problem(msg.header.stamp, now_s):
            self.get_logger().warning(f"audio: {problem}", throttle_duration_sec=LOG_PERIOD_S)
        if msg.last:
            self.face.session.end_utterance()
        self.face.worker.wake()

    def _on_style_text(self, msg: String) -> None:
        settings = self.face.settings
        strength, transition_s = settings.style_strength, settings.style_transition
        self._on_style(StylePrompt(text=msg.data, strength=strength, transition=transition_s))

    def _on_style(self, msg: StylePrompt) -> None:
        try:
            conv.check_prompt(msg)
        except ValueError as error:
            self._refuse("style", error)
            return
        self.face.submit_style(Prompt(msg.text, msg.strength, msg.transition))

    def _refuse(self, topic: str, reason: Exception) -> None:
        self.face.health.dropped_inputs += 1
        self.get_logger().warning(
            f"dropped a message on {topic}: {reason}", throttle_duration_sec=LOG_PERIOD_S
        )

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            self.face.restart(self._now_s())
            response.success, response.message = True, "the stream starts again at frame 0"
        except RuntimeError as error:
            response.message = str(error)
        return response

    def _on_set_identity(
        self, request: SetIdentity.Request, response: SetIdentity.Response
    ) -> SetIdentity.Response:
        try:
            self.face.submit_identity(
                request.name, self._publish_topology, lambda e: self._fail_on_worker(e, False)
            )
            response.success, response.message = True, request.name
        except (RuntimeError, ValueError) as error:
            response.message = _text(error)
        return response

    def _on_set_parameters(self, changed: list[Parameter]) -> SetParametersResult:
        """Refuses what cannot be; a new style is taken at once, the rest when configured next."""
        values = {parameter.name: parameter.value for parameter in changed}

        def value(name: str) -> Any:
            return values[name] if name in values else self.get_parameter(name).value

        try:
            new = parameters.settings(value)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        if self._face is not None and any(name.startswith("style") for name in values):
            self._face.settings = replace(
                self._face.settings,
                style=new.style,
                style_strength=new.style_strength,
                style_transition=new.style_transition,
            )
            self._face.submit_style(Prompt(new.style, new.style_strength, new.style_transition))
        return SetParametersResult(successful=True)

    def _on_poll(self) -> None:
        face = self.face
        for frame in face.session.poll(self._now_s()):
            msg = conv.to_frame(frame, face.backend.topology.id, face.settings.frame_id)
            self._frames.publish(msg)
            self._poses.publish(conv.to_pose_stamped(msg, face.settings.base_frame_id))
            self._weights.publish(conv.to_weights(msg))
            face.health.late_ms.append((self._now_s() - frame.presentation_s) * 1e3)

    def _on_diagnostics(self) -> None:
        name, path = f"{self.get_name()}: face", self.get_fully_qualified_name()
        self._diagnostics.publish(diagnostics.report(self.face, name, path, self._now_s()))

    def _publish_topology(self, identity: Identity) -> None:
        face = self.face
        self._topology.publish(
            conv.to_topology(face.backend, identity, face.settings.frame_id, self._now_s())
        )

    def _fail_on_worker(self, error: Exception, fatal: bool) -> None:
        self.get_logger().error(f"worker: {_text(error)}")
        if fatal and self._face is not None:
            self._face.failure = f"the stream ended: {_text(error)}"

    def _now_s(self) -> float:
        return float(self.get_clock().now().nanoseconds) * 1e-9


def _text(error: Exception) -> str:
    """A KeyError's str() is a repr of its message."""
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)


def main() -> int:
    """One face; or, given namespaces, several in this process: `m2f_node left right`."""
    rclpy.init()
    namespaces = remove_ros_args(sys.argv)[1:] or [None]
    nodes = [FaceNode(namespace) for namespace in namespaces]
    try:
        return run_lifecycle_nodes(nodes)
    finally:
        for node in nodes:
            node.drop()
            node.destroy_node()
        rclpy.try_shutdown()
