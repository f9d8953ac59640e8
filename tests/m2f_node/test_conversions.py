"""Messages to types and back."""

from __future__ import annotations

import array

import numpy as np
import pytest
from m2f_msgs import msg as m2f
from m2f_node import conversions as conv
from media2face.types import FaceFrame

pytestmark = pytest.mark.ros

NOW_S = 1_700_000_000.25


def make_chunk(**fields: object) -> m2f.AudioChunk:
    defaults = {"sample_rate": 48_000, "channels": 2, "data": array.array("h", [100, 300, -4, 4])}
    return m2f.AudioChunk(**(defaults | fields))


def make_frame(vertices: int = 5) -> FaceFrame:
    rng = np.random.default_rng(0)
    return FaceFrame(
        index=7,
        presentation_s=NOW_S,
        vertices=rng.normal(size=(vertices, 3)).astype(np.float32),
        blendshapes=rng.random(52, np.float32),
        latent=rng.normal(size=48).astype(np.float32),
        head_pose=np.array([1, 2, 3, 0, 0, 0.6, 0.8], np.float32),
        eyes=np.array([0.1, 0.2, 0.3, 0.4], np.float32),
        idle=True,
    )


@pytest.mark.parametrize("seconds", [0.0, 0.5, NOW_S, 1.999_999_999_9, 2**31 - 1.0])
def test_times_survive_the_message(seconds: float) -> None:
    assert conv.to_seconds(conv.to_time(seconds)) == pytest.approx(seconds, abs=3e-7)


def test_channels_are_averaged_to_full_scale_one() -> None:
    chunk = conv.to_chunk(make_chunk(first_sample=96), NOW_S)
    np.testing.assert_allclose(chunk.samples, [200 / 32768, 0])
    assert chunk.samples.dtype == np.float32
    assert (chunk.sample_rate_hz, chunk.first_sample) == (48_000, 96)


def test_a_missing_stamp_is_the_time_of_arrival() -> None:
    assert conv.to_chunk(make_chunk(), NOW_S).stamp_s == NOW_S


@pytest.mark.parametrize("offset_s", [-9.0, 0.0, 30.0])
def test_a_plausible_stamp_is_kept(offset_s: float) -> None:
    msg = make_chunk()
    msg.header.stamp = conv.to_time(NOW_S + offset_s)
    assert conv.stamp_problem(msg.header.stamp, NOW_S) == ""
    assert conv.to_chunk(msg, NOW_S).stamp_s == pytest.approx(NOW_S + offset_s, abs=1e-6)


@pytest.mark.parametrize(("offset_s", "word"), [(-3600.0, "behind"), (3600.0, "ahead")])
def test_the_stamp_of_another_clock_is_replaced_and_told(offset_s: float, word: str) -> None:
    msg = make_chunk()
    msg.header.stamp = conv.to_time(NOW_S + offset_s)
    assert word in conv.stamp_problem(msg.header.stamp, NOW_S)
    assert conv.to_chunk(msg, NOW_S).stamp_s == NOW_S


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"sample_rate": 0}, "sample_rate"),
        ({"sample_rate": 4_000_000}, "sample_rate"),
        ({"channels": 0}, "channels"),
        ({"channels": 200}, "channels"),
        ({"channels": 3}, "multiple"),
    ],
)
def test_what_cannot_be_audio_is_refused(fields: dict[str, int], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        conv.to_chunk(make_chunk(**fields), NOW_S)


@pytest.mark.parametrize(
    ("prompt", "word"),
    [
        (m2f.StylePrompt(text="x" * 100_000), "100000"),
        (m2f.StylePrompt(strength=-1.0), "strength"),
        (m2f.StylePrompt(strength=float("nan")), "strength"),
        (m2f.StylePrompt(transition=1e9), "transition"),
    ],
)
def test_prompts_that_cannot_be_followed_are_refused(prompt: m2f.StylePrompt, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        conv.check_prompt(prompt)


def test_an_image_prompt_is_refused_with_the_way_out() -> None:
    prompt = m2f.StylePrompt()
    prompt.image.data = array.array("B", b"jpeg")
    with pytest.raises(ValueError, match="as text"):
        conv.check_prompt(prompt)


def test_an_empty_prompt_and_its_defaults_are_fine() -> None:
    prompt = m2f.StylePrompt()
    conv.check_prompt(prompt)
    assert (prompt.strength, round(prompt.transition, 6)) == (1.0, 0.3)


def test_a_frame_survives_the_message() -> None:
    frame = make_frame()
    msg = conv.to_frame(frame, "abc", "head")
    vertices = np.frombuffer(msg.vertices, np.float32).reshape(-1, 3)
    np.testing.assert_array_equal(vertices, frame.vertices)
    np.testing.assert_array_equal(msg.blendshapes, frame.blendshapes)
    np.testing.assert_array_equal(np.frombuffer(msg.latent, np.float32), frame.latent)
    np.testing.assert_array_equal(msg.eyes, frame.eyes)
    assert (msg.index, msg.topology_id, msg.header.frame_id, msg.idle) == (7, "abc", "head", True)
    assert conv.to_seconds(msg.header.stamp) == pytest.approx(NOW_S, abs=1e-6)
    pose = conv.to_pose_stamped(msg, "base_link")
    assert pose.header.frame_id == "base_link"
    assert (pose.pose.position.z, pose.pose.orientation.w) == pytest.approx((3.0, 0.8))
    np.testing.assert_array_equal(conv.to_weights(msg).weights, frame.blendshapes)


def test_a_result_is_flat_and_holds_vertices_only_when_asked() -> None:
    motion = conv.to_motion([make_frame(), make_frame()])
    short, whole = (conv.to_result(motion, "abc", with_vertices=w) for w in (False, True))
    assert (short.frame_count, short.latent_size, short.vertex_count) == (2, 48, 0)
    assert (len(short.vertices), len(whole.vertices), whole.vertex_count) == (0, 2 * 5 * 3, 5)
    assert (len(short.head_pose), len(short.eyes), len(short.blendshapes)) == (14, 8, 104)
