"""Networks on ONNX Runtime."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

# Read when the library is loaded; else it keeps a telemetry database below HOME.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime as ort

from media2face.models import load_manifest
from media2face.types import Float32


def make_session(path: Path, threads: int = 1) -> ort.InferenceSession:
    """A CPU session that does not spin while it waits. Raises ValueError naming the file."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own exception types share no public base
        raise ValueError(f"{path} is not a graph that ONNX Runtime can load: {error}") from error


class OnnxNetworks:
    """Implements backends.model.Networks."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        manifest = load_manifest(folder, "media2face")
        face = load_manifest(folder / manifest.field("gnpfa"), "gnpfa")
        self._audio = make_session(manifest.file("audio.onnx"), threads)
        self._denoiser = make_session(manifest.file("denoiser.onnx"), threads)
        self._neutral = make_session(face.file("neutral.onnx"), threads)
        self._mapping = make_session(face.file("mapping.onnx"), threads)
        self._decoder = make_session(face.file("decoder.onnx"), threads)

    def encode_audio(self, mel: Float32) -> Float32:
        return _run(self._audio, mel)[0]

    def denoise(
        self,
        motion: Float32,
        level: Float32,
        audio: Float32,
        has_audio: Float32,
        style: Float32,
        has_style: Float32,
    ) -> Float32:
        return _run(self._denoiser, motion, level, audio, has_audio, style, has_style)[0]

    def neutral_branch(self, face: Float32, back: Float32, rigid: Float32) -> Float32:
        return _run(self._neutral, face, back, rigid)[0]

    def to_latent(self, weights: Float32) -> Float32:
        return _run(self._mapping, weights)[0]

    def decode(self, z: Float32, basis: Float32, neutral: Float32) -> tuple[Float32, Float32]:
        vertices, blendshapes = _run(self._decoder, z, basis, neutral)
        return vertices, blendshapes


def _run(session: ort.InferenceSession, *arrays: Float32) -> list[Float32]:
    names = [node.name for node in session.get_inputs()]
    feed = {n: np.ascontiguousarray(a, np.float32) for n, a in zip(names, arrays, strict=True)}
    return [np.asarray(out) for out in session.run(None, feed)]
