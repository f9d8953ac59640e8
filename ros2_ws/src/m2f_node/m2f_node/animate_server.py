"""The action ~/animate: a whole animation offline, beside the live stream."""

from __future__ import annotations

import threading

from m2f_msgs.action import Animate
from media2face.animate import animate
from media2face.backends import make_backend
from media2face.backends.base import Backend
from media2face.types import Motion, Style
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.lifecycle import LifecycleNode
from rclpy.task import Future

from m2f_node import conversions as conv
from m2f_node.face import Face, Prompt

MAX_MINUTES = 10.0


class AnimateServer:
    """One animation at a time, each in a thread and with a backend of its own."""

    def __init__(self, node: LifecycleNode, face: Face) -> None:
        """Serves the action on `node`; settings, model and identity are those of `face`."""
        self._node = node
        self._face = face
        self._busy = threading.Lock()
        self._server = ActionServer(
            node,
            Animate,
            "~/animate",
            self._execute,
            goal_callback=self._on_goal,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
        )

    def destroy(self) -> None:
        self._server.destroy()

    def _on_goal(self, goal: Animate.Goal) -> GoalResponse:
        try:
            samples = conv.to_mono(goal.audio, goal.sample_rate, goal.channels)
            if not 0 < len(samples) <= MAX_MINUTES * 60 * goal.sample_rate:
                raise ValueError(
                    f"{len(samples)} samples, must be more than 0 and at most "
                    f"{MAX_MINUTES:.0f} minutes"
                )
            for span in goal.styles:
                conv.check_prompt(span.prompt)
        except ValueError as error:
            self._node.get_logger().warning(f"refused a goal of ~/animate: {error}")
            return GoalResponse.REJECT
        if not self._busy.acquire(blocking=False):
            self._node.get_logger().warning("refused a goal of ~/animate: one is being made")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    async def _execute(self, handle: ServerGoalHandle) -> Animate.Result:
        """Waits for the thread without blocking the executor, which goes on serving the stream."""
        executor = self._node.executor
        done: Future[Motion | Exception | None] = Future(executor=executor)

        def run() -> None:
            try:
                outcome: Motion | Exception | None = self._animate(handle)
            except Exception as error:  # reported to the client below
                outcome = error
            done.set_result(outcome)
            executor.wake()

        threading.Thread(target=run, name="m2f_animate", daemon=True).start()
        outcome = await done
        self._busy.release()
        goal = handle.request
        if isinstance(outcome, Motion):
            handle.succeed()
            return conv.to_result(outcome, self._face.backend.topology.id, goal.with_vertices)
        if outcome is None:
            handle.canceled()
            return Animate.Result(message="cancelled")
        self._node.get_logger().error(f"~/animate failed: {outcome}")
        handle.abort()
        return Animate.Result(message=str(outcome))

    def _animate(self, handle: ServerGoalHandle) -> Motion | None:
        """The motion, or None where the client cancelled. On the goal's own thread."""
        goal = handle.request

        def progress(share: float) -> bool:
            handle.publish_feedback(Animate.Feedback(progress=share))
            return not handle.is_cancel_requested

        face = self._face
        backend = make_backend(face.settings.backend, face.model_dir)
        style = _whole_style(goal, backend)
        motion = animate(
            backend,
            conv.to_mono(goal.audio, goal.sample_rate, goal.channels),
            goal.sample_rate,
            style=style,
            seed=goal.seed,
            identity=goal.identity or face.identity.name,
            progress=progress,
        )
        return None if handle.is_cancel_requested else motion


def _whole_style(goal: Animate.Goal, backend: Backend) -> Style:
    """The style of the goal's one span; no prompt where it has none."""
    if not goal.styles:
        return Style()
    prompt = goal.styles[0].prompt
    return Prompt(prompt.text, prompt.strength, prompt.transition).encode(backend)
