"""The seam between the streaming core and whatever runs the networks: one window in, one out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from media2face.types import Float32

if TYPE_CHECKING:
    from media2face.face.heads import Head, HeadModel
    from media2face.face.topology import Topology


@dataclass(frozen=True)
class WindowGeometry:
    """Frames of one denoising window: [context | hop], and audio `lookahead` frames past it."""

    context_frames: int
    hop_frames: int
    lookahead_frames: int

    @property
    def frames(self) -> int:
        return self.context_frames + self.hop_frames

    @property
    def audio_frames(self) -> int:
        return self.context_frames + self.hop_frames + self.lookahead_frames


@dataclass(frozen=True)
class Guidance:
    """How a hop is sampled.

    Attributes:
        audio, style: s_A and s_P of eq. 9.
        steps: DDIM steps.
        strength: how much of the prompt is heard: at 0 the term of s_P does without it, at 1 it is
            eq. 9 as printed, beyond 1 the prompt is exaggerated. The audio's total stays
            s_A + s_P whatever it is.
    """

    audio: float
    style: float
    steps: int
    strength: float = 1.0


@dataclass(frozen=True)
class WindowInputs:
    """One window, [context | hop]; audio goes on for the look-ahead.

    Attributes:
        first_frame: absolute index of the window's first frame; negative before the stream began.
        first_sample: absolute index (16 kHz) of audio[0].
        audio: float32 [S] in [-1, 1]; what lies outside it counts as silence.
        noise: float32 [hop, X] standard normal, a function of (seed, absolute frame).
        blink: float32 [hop] in [0, 1], how far the noise is to lean towards a blink.
        style: float32 [context + hop, P] style code per frame; zeros where there is no prompt.
        guidance: strengths and steps.
    """

    first_frame: int
    first_sample: int
    audio: Float32
    noise: Float32
    blink: Float32
    style: Float32
    guidance: Guidance


@dataclass(frozen=True)
class DenoiserState:
    """What a stream carries from window to window.

    Attributes:
        motion: float32 [context, X] clean past motion, in the model's normalised units.
        carriage: float32 [2, 6] memory of the head's low-pass, see motion.carriage.
    """

    motion: Float32
    carriage: Float32


@dataclass(frozen=True)
class WindowOutputs:
    """float32 [hop, X]: latent, head pose (rotation vector rad, translation m), eyes (rad), in
    physical units."""

    motion: Float32


@dataclass(frozen=True)
class Identity:
    """A head the decoder is ready for; made once by `Backend.prepare_identity`.

    Attributes:
        name: as asked for.
        neutral: float32 [V, 3] metres, head frame.
        basis: float32 [K, 3 V] metres, the generator's neutral branch read at the vertices.
        eye_centres: float32 [2, 3] metres, left then right.
    """

    name: str
    neutral: Float32
    basis: Float32
    eye_centres: Float32


class Backend(Protocol):
    """Runs one model. Not thread-safe: one thread at a time owns a backend and its states."""

    name: str
    geometry: WindowGeometry
    default_guidance: Guidance
    model_hash: str
    topology: Topology
    heads: HeadModel

    def initial_state(self) -> DenoiserState:
        """Context of a stream that has not begun: a face at rest."""
        ...

    def denoise(
        self, inputs: WindowInputs, state: DenoiserState
    ) -> tuple[WindowOutputs, DenoiserState]:
        """One window in, the hop's clean frames out; the denoising loop is inside."""
        ...

    def prepare_identity(self, who: str | Head) -> Identity:
        """Neutral branch of the decoder, for a head or what names one (HeadModel.resolve).

        Raises:
            ValueError: no such head; the message says what there is.
        """
        ...

    def to_latent(self, blendshapes: Float32) -> Float32:
        """M: ARKit weights float32 [T, 52] -> latents float32 [T, D]."""
        ...

    def decode(self, identity: Identity, motion: Float32) -> tuple[Float32, Float32]:
        """motion float32 [T, X] -> vertices float32 [T, V, 3] (m), blendshapes float32 [T, 52]."""
        ...

    def encode_style(self, text: str) -> Float32:
        """float32 [P] style code of a text prompt, unit length. Raises ValueError if empty."""
        ...
