"""The action ~/animate, over DDS."""

from __future__ import annotations

import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from m2f_msgs.action import Animate
from m2f_msgs.msg import FaceFrame, StylePrompt, StyleSpan
from m2f_node.audio_file import read_sound
from media2face.contract import frame_count
from rclpy.action import ActionClient

pytestmark = pytest.mark.ros


@pytest.fixture
def action(start: Callable, client: Any) -> Any:
    """A client of the action of a node that shows an idle face meanwhile."""
    start("m2f_node").wait_for("active")
    made = ActionClient(client.node, Animate, "/m2f_node/animate")
    client.spin_until(made.server_is_ready)
    return made


def make_goal(sample: Path, seconds: float, **fields: Any) -> Animate.Goal:
    sound = read_sound(sample)
    samples = sound.samples[: round(seconds * sound.rate_hz)]
    data = array.array("h", samples.tobytes())
    return Animate.Goal(audio=data, sample_rate=sound.rate_hz, channels=1, **fields)


def send(client: Any, action: Any, goal: Animate.Goal, feedback: list[float] | None = None) -> Any:
    """The goal handle, accepted or not."""

    def keep(msg: Any) -> None:
        if feedback is not None:
            feedback.append(msg.feedback.progress)

    future = action.send_goal_async(goal, feedback_callback=keep)
    client.spin_until(future.done)
    return future.result()


def finish(client: Any, handle: Any) -> Any:
    future = handle.get_result_async()
    client.spin_until(future.done)
    return future.result()


def test_a_motion_with_progress_beside_the_stream(client: Any, action: Any, sample: Path) -> None:
    frames = client.collect(FaceFrame, "face/frame")
    progress: list[float] = []
    goal = make_goal(sample, 3.0, with_vertices=True)
    handle = send(client, action, goal, progress)
    assert handle.accepted
    answer = finish(client, handle)
    result = answer.result
    expected = frame_count(len(goal.audio), goal.sample_rate)
    assert answer.status == GoalStatus.STATUS_SUCCEEDED, result.message
    assert result.frame_count == expected
    vertices = np.frombuffer(result.vertices, np.float32)
    assert vertices.shape == (expected * result.vertex_count * 3,)
    assert np.isfinite(vertices).all()
    assert len(result.blendshapes) == expected * 52
    assert len(result.latent) == expected * result.latent_size
    assert (len(result.head_pose), len(result.eyes)) == (expected * 7, expected * 4)
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    client.spin_until(lambda: frames)


def test_the_same_goal_gives_the_same_motion_and_styles_change_it(
    client: Any, action: Any, sample: Path
) -> None:
    def motion(**fields: Any) -> np.ndarray:
        answer = finish(client, send(client, action, make_goal(sample, 2.0, **fields)))
        assert answer.status == GoalStatus.STATUS_SUCCEEDED, answer.result.message
        return np.reshape(answer.result.latent, (answer.result.frame_count, -1))

    plain, again = motion(seed=3), motion(seed=3)
    np.testing.assert_array_equal(plain, again)
    span = StyleSpan(prompt=StylePrompt(text="angry", transition=0.1), begin=1.0)
    styled = motion(seed=3, styles=[span])
    np.testing.assert_array_equal(styled[:20], plain[:20])
    assert np.abs(styled[40:] - plain[40:]).max() > 0.05


@pytest.mark.parametrize(
    "fields",
    [
        {"identity": "nobody"},
        {"styles": [StyleSpan(prompt=StylePrompt(text="x" * 100_000))]},
        {"styles": [StyleSpan(begin=float("nan"))]},
    ],
)
def test_goals_that_cannot_be_are_rejected(
    client: Any, action: Any, sample: Path, fields: dict[str, Any]
) -> None:
    assert not send(client, action, make_goal(sample, 1.0, **fields)).accepted


def test_goals_without_audio_are_rejected(client: Any, action: Any) -> None:
    assert not send(client, action, Animate.Goal()).accepted
    empty = Animate.Goal(sample_rate=16_000, channels=1)
    assert not send(client, action, empty).accepted


def test_a_goal_can_be_cancelled_and_the_next_is_taken(
    client: Any, action: Any, sample: Path
) -> None:
    long = make_goal(sample, 8.0)
    long.audio = array.array("h", long.audio.tobytes() * 20)
    progress: list[float] = []
    handle = send(client, action, long, progress)
    assert not send(client, action, make_goal(sample, 1.0)).accepted, "one at a time"
    client.spin_until(lambda: progress)
    cancelled = handle.cancel_goal_async()
    client.spin_until(cancelled.done)
    assert finish(client, handle).status == GoalStatus.STATUS_CANCELED
    assert max(progress) < 1
    next_one = send(client, action, make_goal(sample, 1.0))
    assert finish(client, next_one).status == GoalStatus.STATUS_SUCCEEDED
