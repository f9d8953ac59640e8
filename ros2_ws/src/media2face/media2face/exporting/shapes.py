"""The decoder's head as blendshapes: what each ARKit weight alone does to the mesh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media2face.backends.base import Backend, Identity
from media2face.contract import BLENDSHAPE_DIM, LATENT_SLICE, MOTION_DIM
from media2face.models import load_manifest
from media2face.types import Float32


@dataclass(frozen=True)
class FaceShapes:
    """base + sum of weights x shapes is a linear picture of the decoder.

    Attributes:
        base: float32 [V, 3] metres, head frame: all weights 0, eyes straight ahead.
        shapes: float32 [52, V, 3] metres: what weight k at 1 adds, order of
            contract.BLENDSHAPE_NAMES.
    """

    base: Float32
    shapes: Float32


def load_mapping(model_folder: Path) -> Callable[[Float32], Float32]:
    """M of GNPFA for a model: weights float32 [N, 52] to latents float32 [N, D].

    Raises:
        ValueError: the model's GNPFA has no mapping.onnx, or a file is damaged.
    """
    from media2face.backends.onnx import make_session

    gnpfa = model_folder / load_manifest(model_folder, "media2face").field("gnpfa")
    session = make_session(load_manifest(gnpfa, "gnpfa").file("mapping.onnx"))

    def to_latent(weights: Float32) -> Float32:
        return np.asarray(session.run(["latent"], {"weights": weights})[0], np.float32)

    return to_latent


def decoder_shapes(
    backend: Backend, identity: Identity, to_latent: Callable[[Float32], Float32]
) -> FaceShapes:
    """Decodes each weight alone at 1, with the rest at 0."""
    weights = np.zeros((1 + BLENDSHAPE_DIM, BLENDSHAPE_DIM), np.float32)
    weights[1:] = np.eye(BLENDSHAPE_DIM)
    motion = np.zeros((len(weights), MOTION_DIM), np.float32)
    motion[:, LATENT_SLICE] = to_latent(weights)
    vertices, _ = backend.decode(identity, motion)
    return FaceShapes(vertices[0], vertices[1:] - vertices[0])
