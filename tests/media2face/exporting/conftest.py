"""A short spoken motion of the shipped model, and its blendshapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from media2face.animate import animate
from media2face.audio.io import read_audio
from media2face.backends import make_backend
from media2face.backends.base import Identity
from media2face.exporting.shapes import FaceShapes, decoder_shapes
from media2face.face.topology import Topology
from media2face.models import find_model
from media2face.types import Motion

SAMPLE = Path(__file__).parents[3] / "ros2_ws/src/m2f_node/samples/hello.opus"
SECONDS = 3


class Clip(NamedTuple):
    """Arguments of the writers, and the backend they come from."""

    motion: Motion
    topology: Topology
    identity: Identity
    backend: Any


@pytest.fixture(scope="session")
def clip() -> Clip:
    """The second head of the model says the beginning of the sample."""
    backend = make_backend("auto", find_model())
    identity = backend.prepare_identity(backend.heads.preset_names[1])
    samples, rate = read_audio(SAMPLE)
    motion = animate(backend, samples[: SECONDS * rate], rate, identity=identity)
    return Clip(motion, backend.topology, identity, backend)


@pytest.fixture(scope="session")
def shapes(clip: Clip) -> FaceShapes:
    """The decoder's 52 shapes on that head."""
    return decoder_shapes(clip.backend, clip.identity)
