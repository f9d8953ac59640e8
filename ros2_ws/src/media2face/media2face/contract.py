"""The numbers every part agrees on: rates, names, dimensions, window geometry.

Letters used for dimensions, here and in docstrings:
  B batch, S samples, M mel columns, F mel bands, T frames, V vertices, D latent, X motion state,
  P style code.

Time is an integer sample index at 16 kHz from the start of the stream. Frame k shows sample
round(k * 16000 / 30); mel column m is centred on sample round(m * 16000 / 90), so frame k and
column 3 k share their sample.

Axes follow REP-103 in the head frame: x forward out of the face, y left, z up; metres, radians.
"""

from __future__ import annotations

CONTRACT_VERSION = 1

SAMPLE_RATE_HZ = 16_000
FRAME_RATE_HZ = 30
MEL_PER_FRAME = 3
MEL_RATE_HZ = FRAME_RATE_HZ * MEL_PER_FRAME
MEL_BANDS = 80
MEL_WINDOW_SAMPLES = 400
MEL_FFT_SAMPLES = 512

LATENT_DIM = 48
POSE_DIM = 6  # head rotation vector (rad), head translation (m)
EYES_DIM = 4  # left yaw, left pitch, right yaw, right pitch (rad)
MOTION_DIM = LATENT_DIM + POSE_DIM + EYES_DIM
LATENT_SLICE = slice(0, LATENT_DIM)
POSE_SLICE = slice(LATENT_DIM, LATENT_DIM + POSE_DIM)
EYES_SLICE = slice(LATENT_DIM + POSE_DIM, MOTION_DIM)

STYLE_DIM = 64

BLENDSHAPE_NAMES: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft",
    "eyeSquintLeft", "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight",
    "eyeLookOutRight", "eyeLookUpRight", "eyeSquintRight", "eyeWideRight", "jawForward",
    "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft",
    "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft",
    "mouthPressRight", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft",
    "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft",
    "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft",
    "noseSneerRight", "tongueOut",
)  # fmt: skip
BLENDSHAPE_DIM = len(BLENDSHAPE_NAMES)

EMOTIONS: tuple[str, ...] = (
    "neutral", "happy", "sad", "angry", "surprised", "afraid", "disgusted", "contemptuous",
)  # fmt: skip


def frame_to_sample(frame: int) -> int:
    """16 kHz sample that frame `frame` shows: round(frame * 16000 / 30), halves upwards."""
    return (frame * 3200 + 3) // 6


def mel_to_sample(column: int) -> int:
    """16 kHz sample at the centre of mel column `column`; column 3 k is frame k's sample."""
    return (column * 3200 + 9) // 18


def frame_count(samples: int, sample_rate_hz: int) -> int:
    """Frames in a clip: floor(30 * samples / rate), exact for any rate."""
    return samples * FRAME_RATE_HZ // sample_rate_hz
