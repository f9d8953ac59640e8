"""Networks in eager PyTorch, from the safetensors: for training's sake, and to check exports."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors.torch import load_file

from media2face.face.gnpfa import Gnpfa, GnpfaConfig
from media2face.face.topology import load_maps, load_topology, topology_file
from media2face.models import load_manifest
from media2face.motion.denoiser import Denoiser, DenoiserConfig
from media2face.types import Float32

M = TypeVar("M", bound=torch.nn.Module)


def load_gnpfa(folder: Path) -> Gnpfa:
    """The GNPFA of a model folder, in evaluation mode."""
    manifest = load_manifest(folder, "gnpfa")
    return read_gnpfa(folder, manifest.field("config"), manifest.file("gnpfa.safetensors"))


def read_gnpfa(mesh: Path, config: dict[str, Any], weights: Path) -> Gnpfa:
    """A GNPFA from its weights and the folder with its mesh and maps, in evaluation mode."""
    topology, maps = load_topology(mesh / topology_file("full")), load_maps(mesh / "maps.npz")
    return _load(Gnpfa(GnpfaConfig(**_tuples(config)), topology, maps), weights)


def load_denoiser(folder: Path) -> Denoiser:
    """The denoiser of a model folder, in evaluation mode."""
    manifest = load_manifest(folder, "media2face")
    model = Denoiser(DenoiserConfig(**manifest.field("config")))
    return _load(model, manifest.file("denoiser.safetensors"))


def _load(model: M, path: Path) -> M:
    state = {name: value.float() for name, value in load_file(path).items()}
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ValueError(f"{path} does not fit the manifest's config: {error}") from error
    return model.eval()


def _tuples(config: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}


class TorchNetworks:
    """Implements backends.model.Networks."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        torch.set_num_threads(threads)
        manifest = load_manifest(folder, "media2face")
        self._denoiser = load_denoiser(folder)
        self._gnpfa = load_gnpfa(folder / manifest.field("gnpfa"))

    def encode_audio(self, mel: Float32) -> Float32:
        return _call(self._denoiser.audio_encoder, mel)[0]

    def denoise(
        self,
        motion: Float32,
        level: Float32,
        audio: Float32,
        has_audio: Float32,
        style: Float32,
        has_style: Float32,
    ) -> Float32:
        return _call(self._denoiser, motion, level, audio, has_audio, style, has_style)[0]

    def neutral_branch(self, face: Float32, back: Float32, rigid: Float32) -> Float32:
        return _call(self._gnpfa.neutral_branch, face, back, rigid)[0]

    def to_latent(self, weights: Float32) -> Float32:
        return _call(self._gnpfa.to_latent, weights)[0]

    def decode(self, z: Float32, basis: Float32, neutral: Float32) -> tuple[Float32, Float32]:
        vertices, blendshapes = _call(self._gnpfa.decode, z, basis, neutral)
        return vertices, blendshapes


@torch.inference_mode()
def _call(function: object, *arrays: Float32) -> list[Float32]:
    tensors = [torch.from_numpy(np.ascontiguousarray(a, np.float32)) for a in arrays]
    result = function(*tensors)  # type: ignore[operator]
    outputs = result if isinstance(result, tuple) else (result,)
    return [out.numpy() for out in outputs]
