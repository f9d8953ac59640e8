"""What a joint can be driven by: the values of one face frame, flat, with names and mirrors."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from media2face.contract import BLENDSHAPE_DIM, BLENDSHAPE_NAMES, EYES_DIM

Float64 = npt.NDArray[np.float64]

HEAD_NAMES = ("head_roll", "head_pitch", "head_yaw", "head_x", "head_y", "head_z")
EYE_NAMES = ("eye_left_yaw", "eye_left_pitch", "eye_right_yaw", "eye_right_pitch")
SOURCE_NAMES: tuple[str, ...] = (*BLENDSHAPE_NAMES, *HEAD_NAMES, *EYE_NAMES)
SOURCE_INDEX = {name: index for index, name in enumerate(SOURCE_NAMES)}
# Those that change sign when left and right are exchanged (REP-103: y to the left, z up).
LATERAL = frozenset({"head_roll", "head_yaw", "head_y", "eye_left_yaw", "eye_right_yaw"})

HEAD_POSE_DIM = 7
# What a face can show. Values outside are brought here, so that a mix is always finite.
SOURCE_LOW: Float64 = np.array([0.0] * BLENDSHAPE_DIM + [-math.pi] * 3 + [-1.0] * 3 + [-1.5] * 4)
SOURCE_HIGH: Float64 = np.array([1.0] * BLENDSHAPE_DIM + [math.pi] * 3 + [1.0] * 3 + [1.5] * 4)
# What a talking face uses, for drawing ranges: weights, rad, m, rad.
USUAL_LOW: Float64 = np.array([0.0] * BLENDSHAPE_DIM + [-0.5] * 3 + [-0.02] * 3 + [-0.5] * 4)
USUAL_HIGH: Float64 = np.array([1.0] * BLENDSHAPE_DIM + [0.5] * 3 + [0.02] * 3 + [0.5] * 4)


def mirrored(source: str) -> tuple[str, float]:
    """The source with left and right exchanged, and the sign (+1, -1) that its value takes."""
    other = source
    for left, right in (("Left", "Right"), ("left", "right")):
        if left in source:
            other = source.replace(left, right)
        elif right in source:
            other = source.replace(right, left)
    return other, -1.0 if source in LATERAL else 1.0


def source_vector(
    blendshapes: npt.ArrayLike, head_pose: npt.ArrayLike, eyes: npt.ArrayLike
) -> Float64:
    """One frame's values in the order of SOURCE_NAMES, each brought into SOURCE_LOW..HIGH.

    Args:
        blendshapes: [52] ARKit weights in the order of the contract.
        head_pose: [7] of the head in its base: x y z (m), quaternion x y z w of any length.
        eyes: [4] left yaw, left pitch, right yaw, right pitch (rad).

    Returns:
        float64 [62].

    Raises:
        ValueError: naming what has a wrong length, is not finite, or is no rotation.
    """
    weights = _checked("blendshapes", blendshapes, BLENDSHAPE_DIM)
    pose = _checked("head_pose", head_pose, HEAD_POSE_DIM)
    gaze = _checked("eyes", eyes, EYES_DIM)
    values = np.concatenate([weights, roll_pitch_yaw(pose[3:]), pose[:3], gaze])
    return np.asarray(np.clip(values, SOURCE_LOW, SOURCE_HIGH), np.float64)


def _checked(name: str, values: npt.ArrayLike, length: int) -> Float64:
    array = np.asarray(values, np.float64)
    if array.shape != (length,):
        raise ValueError(f"{name} has shape {array.shape}, must be ({length},)")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}[{int(np.argmin(np.isfinite(array)))}] is not a finite number")
    return array


def roll_pitch_yaw(quaternion: Float64) -> Float64:
    """Quaternion [4] x y z w to float64 [3] (rad): about the fixed x, then y, then z (REP-103).

    Raises:
        ValueError: where its length is zero.
    """
    largest = float(np.abs(quaternion).max())
    if largest < 1e-6:
        raise ValueError("head_pose has the quaternion 0 0 0 0, which is no rotation")
    scaled = quaternion / largest  # so that the squares of huge values stay finite
    x, y, z, w = scaled / np.linalg.norm(scaled)
    return np.array(
        [
            math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y)),
            math.asin(min(1.0, max(-1.0, 2 * (w * y - z * x)))),
            math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)),
        ]
    )
