"""What the shipped model answers to the shipped sample, kept in hello.npz.

Made by: python tests/golden/golden_motion.py, when a model is replaced on purpose.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from media2face.animate import animate
from media2face.audio.io import read_audio
from media2face.backends import make_backend
from media2face.models import find_model
from media2face.types import Motion, Style

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "ros2_ws/src/m2f_node/samples/hello.opus"
GOLDEN = Path(__file__).with_name("hello.npz")
PROMPT, SEED, SECONDS = "happy", 7, 3


def perform() -> Motion:
    """The first seconds of the sample, happy, on ONNX Runtime."""
    backend = make_backend("onnxruntime", find_model())
    samples, rate = read_audio(SAMPLE)
    style = Style(backend.encode_style(PROMPT))
    return animate(backend, samples[: SECONDS * rate], rate, style=style, seed=SEED)


def main() -> None:
    """Writes the file."""
    motion = perform()
    arrays = {name: getattr(motion, name) for name in ("blendshapes", "head_pose", "eyes")}
    np.savez_compressed(GOLDEN, **arrays, vertices=motion.vertices[::10, ::50])
    print(f"{GOLDEN}: {motion.frames} frames, {GOLDEN.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
