"""Offline: a whole clip through the same session that streams."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from media2face.audio.resample import make_resampler
from media2face.backends.base import Backend, Identity
from media2face.config import SessionConfig
from media2face.contract import BLENDSHAPE_DIM, EYES_DIM, LATENT_DIM, frame_count
from media2face.streaming.session import FaceSession
from media2face.types import AudioChunk, FaceFrame, Float32, Motion, Style


def animate(
    backend: Backend,
    samples: Float32,
    sample_rate_hz: int,
    *,
    style: Style | None = None,
    seed: int = 0,
    identity: Identity | None = None,
    progress: Callable[[float], bool] | None = None,
) -> Motion:
    """Animates a clip.

    Args:
        samples: float32 [S] in [-1, 1], mono, any rate from 8 to 192 kHz.
        identity: a prepared head; None takes the first preset.
        progress: called with the share done in [0, 1]; False ends the work early.

    Returns:
        T = floor(30 S / rate) frames; fewer if it was ended early.

    Raises:
        ValueError: bad audio or style.
    """
    if identity is None:
        identity = backend.prepare_identity(backend.heads.preset_names[0])
    session = FaceSession(backend, identity, SessionConfig(seed=seed, idle=False), make_resampler)
    session.set_style(style or Style())
    session.accept_audio(AudioChunk(samples, sample_rate_hz, 0, 0.0))
    session.end_utterance()
    total = frame_count(len(samples), sample_rate_hz)
    frames: list[FaceFrame] = []
    while len(frames) < total and session.step(-math.inf):
        frames += session.drain()
        if progress is not None and not progress(len(frames) / max(1, total)):
            break
    return _stack(backend, frames[:total])


def _stack(backend: Backend, frames: list[FaceFrame]) -> Motion:
    shapes: dict[str, tuple[int, ...]] = {
        "vertices": backend.topology.neutral.shape,
        "blendshapes": (BLENDSHAPE_DIM,),
        "latent": (LATENT_DIM,),
        "head_pose": (7,),
        "eyes": (EYES_DIM,),
    }
    return Motion(
        **{
            name: np.array([getattr(f, name) for f in frames], np.float32).reshape(-1, *shape)
            for name, shape in shapes.items()
        }
    )
