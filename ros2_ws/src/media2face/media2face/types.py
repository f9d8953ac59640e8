"""Values that cross module borders. Frozen; arrays are to be treated as read-only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class AudioChunk:
    """A run of audio as a source delivers it.

    Attributes:
        samples: float32 [S] in [-1, 1], mono.
        sample_rate_hz: rate of `samples`; any rate from 8 to 192 kHz.
        first_sample: index of samples[0] in the source's stream, at the source's rate; a lower
            index than expected starts a new utterance, a higher one is a gap.
        stamp_s: capture (or intended playback) time of samples[0], seconds on the caller's clock.
    """

    samples: Float32
    sample_rate_hz: int
    first_sample: int
    stamp_s: float


@dataclass(frozen=True)
class Style:
    """How the face should feel.

    Attributes:
        code: float32 [P] unit-length style code (see media2face.style), or None for no prompt.
        strength: scales the guidance towards the prompt; 0 = none, 1 = the model's default.
        transition_s: time over which the old style fades into this one.
    """

    code: Float32 | None = None
    strength: float = 1.0
    transition_s: float = 0.3


@dataclass(frozen=True)
class FaceFrame:
    """One face, 1/30 s.

    Attributes:
        index: frame number from the start of the stream.
        presentation_s: when the frame is to be shown, seconds on the caller's clock.
        vertices: float32 [V, 3] metres, head frame (x forward, y left, z up), head pose not
            applied, eyes rotated.
        blendshapes: float32 [52] ARKit weights in [0, 1], order of contract.BLENDSHAPE_NAMES.
        latent: float32 [D] GNPFA expression latent.
        head_pose: float32 [7] of the head frame in the base frame: x y z (m), quaternion x y z w.
        eyes: float32 [4] left yaw, left pitch, right yaw, right pitch (rad); yaw > 0 looks to the
            head's left, pitch > 0 looks down (right-handed about z and y).
        idle: True where no audio was given for the frame and the session filled in silence.
    """

    index: int
    presentation_s: float
    vertices: Float32
    blendshapes: Float32
    latent: Float32
    head_pose: Float32
    eyes: Float32
    idle: bool = False


@dataclass(frozen=True)
class Motion:
    """A whole animation, offline. Arrays as in FaceFrame with a leading [T]."""

    vertices: Float32
    blendshapes: Float32
    latent: Float32
    head_pose: Float32
    eyes: Float32

    @property
    def frames(self) -> int:
        return int(self.latent.shape[0])
