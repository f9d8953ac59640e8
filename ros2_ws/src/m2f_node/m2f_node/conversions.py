"""Messages to the library's types and back: pure functions, no node, no clock."""

from __future__ import annotations

import array
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose, PoseStamped
from m2f_msgs import msg as m2f
from m2f_msgs.action import Animate
from media2face import contract
from media2face.backends.base import Backend, Identity
from media2face.types import AudioChunk, FaceFrame, Float32, Motion
from std_msgs.msg import Header

from m2f_node.parameters import MAX_PROMPT_CHARACTERS

MAX_CHANNELS = 16
RATES_HZ = (8_000, 192_000)
MAX_STAMP_AGE_S = 10.0
MAX_STAMP_AHEAD_S = 600.0
MAX_STRENGTH = 4.0
MAX_TRANSITION_S = 10.0


def to_time(seconds: float) -> Time:
    """Seconds on the node's clock (>= 0) to a stamp, to the nearest nanosecond."""
    sec = int(seconds)
    nanosec = min(round((seconds - sec) * 1e9), 999_999_999)
    return Time(sec=sec, nanosec=nanosec)


def to_seconds(stamp: Time) -> float:
    return float(stamp.sec) + stamp.nanosec * 1e-9


def to_mono(data: Sequence[int], sample_rate: int, channels: int) -> Float32:
    """Interleaved int16 PCM to float32 [S] in [-1, 1], the mean of the channels.

    Raises:
        ValueError: where rate, channels or length cannot be.
    """
    if not RATES_HZ[0] <= sample_rate <= RATES_HZ[1]:
        raise ValueError(f"sample_rate = {sample_rate}, must be {RATES_HZ[0]} to {RATES_HZ[1]} Hz")
    if not 1 <= channels <= MAX_CHANNELS:
        raise ValueError(f"channels = {channels}, must be 1 to {MAX_CHANNELS}")
    if len(data) % channels:
        raise ValueError(f"{len(data)} values in data are not a multiple of {channels} channels")
    pcm = np.frombuffer(data, np.int16) if isinstance(data, array.array) else np.asarray(data)
    mono = pcm.reshape(-1, channels).astype(np.float32).mean(axis=1)
    return (mono / np.float32(32768)).astype(np.float32)


def stamp_problem(stamp: Time, now_s: float) -> str:
    """Why a chunk's stamp cannot be followed; empty when it can. Zero (no stamp) can."""
    stamp_s = to_seconds(stamp)
    if stamp_s == 0 or -MAX_STAMP_AGE_S <= stamp_s - now_s <= MAX_STAMP_AHEAD_S:
        return ""
    where = "ahead of" if stamp_s > now_s else "behind"
    return (
        f"header.stamp is {abs(stamp_s - now_s):.1f} s {where} this node's clock, so the time of "
        "arrival is taken: let the clocks agree (NTP; use_sim_time on both or neither), or leave "
        "the stamp zero"
    )


def to_chunk(msg: m2f.AudioChunk, now_s: float) -> AudioChunk:
    """A chunk for the session.

    Args:
        msg: as received.
        now_s: time of arrival on the node's clock; taken where the message has no stamp, or one
            that cannot be followed (see stamp_problem).

    Raises:
        ValueError: where the message cannot be audio, with the reason.
    """
    samples = to_mono(msg.data, msg.sample_rate, msg.channels)
    stamp_s = to_seconds(msg.header.stamp)
    if stamp_s == 0 or stamp_problem(msg.header.stamp, now_s):
        stamp_s = now_s
    return AudioChunk(samples, msg.sample_rate, msg.first_sample, stamp_s)


def check_prompt(msg: m2f.StylePrompt) -> None:
    """Raises ValueError, with the reason, where a style prompt cannot be followed."""
    if len(msg.text) > MAX_PROMPT_CHARACTERS:
        raise ValueError(
            f"text of {len(msg.text)} characters, must be {MAX_PROMPT_CHARACTERS} at most"
        )
    if len(msg.image.data):
        raise ValueError("this model has no image encoder: give the style as text")
    if not 0 <= msg.strength <= MAX_STRENGTH:
        raise ValueError(f"strength = {msg.strength}, must be 0 to {MAX_STRENGTH}")
    if not 0 <= msg.transition <= MAX_TRANSITION_S:
        raise ValueError(f"transition = {msg.transition} s, must be 0 to {MAX_TRANSITION_S}")


def check_span(msg: m2f.StyleSpan) -> None:
    """As check_prompt, for a prompt with a range of time."""
    check_prompt(msg.prompt)
    if not (math.isfinite(msg.begin) and math.isfinite(msg.end) and msg.begin >= 0):
        raise ValueError(f"span from {msg.begin} to {msg.end} s, must begin at 0 or later")


def flat(values: npt.NDArray[Any]) -> array.array[float]:
    """Any float array as the buffer that a float32[] field takes without a copy by element."""
    return array.array("f", np.ascontiguousarray(values, np.float32).tobytes())


def to_pose(head_pose: Float32) -> Pose:
    """float32 [7] x y z (m), quaternion x y z w, to a pose."""
    pose = Pose()
    x, y, z, qx, qy, qz, qw = (float(value) for value in head_pose)
    pose.position.x, pose.position.y, pose.position.z = x, y, z
    pose.orientation.x, pose.orientation.y = qx, qy
    pose.orientation.z, pose.orientation.w = qz, qw
    return pose


def to_frame(frame: FaceFrame, topology_id: str, frame_id: str) -> m2f.FaceFrame:
    return m2f.FaceFrame(
        header=Header(stamp=to_time(frame.presentation_s), frame_id=frame_id),
        index=frame.index,
        topology_id=topology_id,
        vertices=flat(frame.vertices),
        blendshapes=np.asarray(frame.blendshapes, np.float32),
        latent=flat(frame.latent),
        eyes=np.asarray(frame.eyes, np.float32),
        head_pose=to_pose(frame.head_pose),
        idle=frame.idle,
    )


def to_pose_stamped(frame: m2f.FaceFrame, base_frame_id: str) -> PoseStamped:
    header = Header(stamp=frame.header.stamp, frame_id=base_frame_id)
    return PoseStamped(header=header, pose=frame.head_pose)


def to_weights(frame: m2f.FaceFrame) -> m2f.BlendshapeWeights:
    return m2f.BlendshapeWeights(header=frame.header, index=frame.index, weights=frame.blendshapes)


def to_topology(
    backend: Backend, identity: Identity, frame_id: str, now_s: float
) -> m2f.FaceTopology:
    """The latched description of the mesh, with the neutral face of `identity`."""
    topology = backend.topology
    return m2f.FaceTopology(
        header=Header(stamp=to_time(now_s), frame_id=frame_id),
        topology_id=topology.id,
        identity=identity.name,
        preset_names=list(backend.heads.preset_names),
        neutral=flat(identity.neutral),
        triangles=_uint32(topology.triangles),
        part_names=list(topology.part_names),
        part_ranges=_uint32(topology.part_ranges),
        landmarks68=np.asarray(topology.landmarks68, np.uint32),
        blendshape_names=list(contract.BLENDSHAPE_NAMES),
    )


def _uint32(values: npt.NDArray[Any]) -> array.array[int]:
    return array.array("I", np.ascontiguousarray(values, np.uint32).tobytes())


def to_result(motion: Motion, topology_id: str, with_vertices: bool) -> Animate.Result:
    """An offline motion, flat."""
    return Animate.Result(
        frame_count=motion.frames,
        topology_id=topology_id,
        blendshapes=flat(motion.blendshapes),
        latent_size=motion.latent.shape[1],
        latent=flat(motion.latent),
        head_pose=flat(motion.head_pose),
        eyes=flat(motion.eyes),
        vertex_count=motion.vertices.shape[1] if with_vertices else 0,
        vertices=flat(motion.vertices) if with_vertices else array.array("f"),
    )


def to_motion(frames: Sequence[FaceFrame]) -> Motion:
    """Frames one after the other, at least one, stacked."""
    return Motion(
        vertices=np.stack([frame.vertices for frame in frames]),
        blendshapes=np.stack([frame.blendshapes for frame in frames]),
        latent=np.stack([frame.latent for frame in frames]),
        head_pose=np.stack([frame.head_pose for frame in frames]),
        eyes=np.stack([frame.eyes for frame in frames]),
    )
