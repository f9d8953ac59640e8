"""The action ~/animate: a whole animation offline, beside the live stream."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import replace

from m2f_msgs.action import Animate
from m2f_msgs.msg import StyleSpan
from media2face.audio.resample import make_resampler
from media2face.backends import make_backend
from media2face.backends.base import Backend
from media2face.contract import FRAME_RATE_HZ, frame_count
from media2face.streaming.session import FaceSession
from media2face.types import AudioChunk, FaceFrame, Motion, Style
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
                conv.check_span(span)
            if goal.identity:
                self._face.backend.heads.check(goal.identity)
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
        goal, face = handle.request, self._face
        backend = make_backend(face.settings.backend, face.model_dir, level=face.settings.level)
        identity = backend.prepare_identity(goal.identity or face.identity.name)
        config = replace(face.settings.session, seed=goal.seed, idle=False)
        session = FaceSession(backend, identity, config, make_resampler)
        samples = conv.to_mono(goal.audio, goal.sample_rate, goal.channels)
        session.accept_audio(AudioChunk(samples, goal.sample_rate, 0, 0.0))
        session.end_utterance()
        styles = SpanStyles(goal.styles, backend)
        total = frame_count(len(samples), goal.sample_rate)
        frames: list[FaceFrame] = []
        while len(frames) < total:
            if handle.is_cancel_requested:
                return None
            middle = len(frames) + backend.geometry.hop_frames / 2
            if (style := styles.change(middle / FRAME_RATE_HZ)) is not None:
                session.set_style(style)
            if not session.step(-math.inf):
                raise RuntimeError(f"the stream ended at frame {len(frames)} of {total}")
            frames += session.drain()
            handle.publish_feedback(Animate.Feedback(progress=len(frames) / total))
        return conv.to_motion(frames[:total])


class SpanStyles:
    """The styles of a goal over time, each prompt encoded once; they change from hop to hop."""

    def __init__(self, spans: Sequence[StyleSpan], backend: Backend) -> None:
        self._spans = list(spans)
        self._styles = [
            Prompt(span.prompt.text, span.prompt.strength, span.prompt.transition).encode(backend)
            for span in self._spans
        ]
        self._current = -1

    def change(self, time_s: float) -> Style | None:
        """The style to set for `time_s`, or None where it is the one already set."""
        there = [
            number
            for number, span in enumerate(self._spans)
            if span.begin <= time_s and (span.end <= 0 or time_s < span.end)
        ]
        number = there[-1] if there else -1
        if number == self._current:
            return None
        self._current = number
        return self._styles[number] if number >= 0 else Style()
