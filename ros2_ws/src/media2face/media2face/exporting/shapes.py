"""The decoder's head as blendshapes: what each ARKit weight alone does to the mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from media2face.backends.base import Backend, Identity
from media2face.contract import BLENDSHAPE_DIM, LATENT_SLICE, MOTION_DIM
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


def decoder_shapes(backend: Backend, identity: Identity) -> FaceShapes:
    """Decodes each weight alone at 1, with the rest at 0."""
    weights = np.zeros((1 + BLENDSHAPE_DIM, BLENDSHAPE_DIM), np.float32)
    weights[1:] = np.eye(BLENDSHAPE_DIM)
    motion = np.zeros((len(weights), MOTION_DIM), np.float32)
    motion[:, LATENT_SLICE] = backend.to_latent(weights)
    vertices, _ = backend.decode(identity, motion)
    return FaceShapes(vertices[0], vertices[1:] - vertices[0])
