"""The model over whatever evaluates its networks: windows, guidance, decoding. Numpy only."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from media2face.audio.mel import log_mel
from media2face.backends.base import (
    DenoiserState,
    Guidance,
    Identity,
    WindowGeometry,
    WindowInputs,
    WindowOutputs,
)
from media2face.contract import EYES_SLICE, LATENT_SLICE, POSE_SLICE
from media2face.face.heads import Head, HeadModel, rotate_eyes
from media2face.face.topology import CHART_BONES, load_maps, load_topology, topology_file
from media2face.models import load_manifest
from media2face.motion.carriage import steady
from media2face.motion.schedule import ddim, guidance_weights
from media2face.style.text import TextEncoder
from media2face.types import Float32


class Networks(Protocol):
    """The networks themselves; all arrays float32 numpy."""

    def encode_audio(self, mel: Float32) -> Float32:
        """[1, M, F] normalised -> [1, N, width]."""
        ...

    def denoise(
        self,
        motion: Float32,
        level: Float32,
        audio: Float32,
        has_audio: Float32,
        style: Float32,
        has_style: Float32,
    ) -> Float32:
        """See motion.denoiser.Denoiser.forward."""
        ...

    def neutral_branch(self, face: Float32, back: Float32, rigid: Float32) -> Float32:
        """See face.gnpfa.NeutralBranch.forward."""
        ...

    def to_latent(self, weights: Float32) -> Float32:
        """M: blendshape weights [N, 52] -> latents [N, D]."""
        ...

    def decode(self, z: Float32, basis: Float32, neutral: Float32) -> tuple[Float32, Float32]:
        """See face.gnpfa.Gnpfa.decode."""
        ...


class ModelBackend:
    """Implements backends.base.Backend."""

    def __init__(self, name: str, folder: Path, networks: Networks, level: str) -> None:
        manifest = load_manifest(folder, "media2face")
        face = load_manifest(folder / manifest.field("gnpfa"), "gnpfa")
        style = load_manifest(folder / manifest.field("style"), "style")
        self.name = name
        self.model_hash = f"{manifest.hash}-{face.hash}-{style.hash}"
        self.geometry = WindowGeometry(**manifest.field("window"))
        self.default_guidance = Guidance(**manifest.field("guidance"))
        full = load_topology(face.file(topology_file("full")))
        self.topology = load_topology(face.file(topology_file(level)))
        self.heads = HeadModel(face.file("identities.npz"), full)
        self._maps = load_maps(face.file("maps.npz"))
        self._rigid = full.chart == CHART_BONES
        scale = manifest.field("normalisation")
        self._motion_mean = np.array(scale["motion_mean"], np.float32)
        self._motion_std = np.array(scale["motion_std"], np.float32)
        self._mel_mean, self._mel_std = float(scale["mel_mean"]), float(scale["mel_std"])
        self._rest = np.array(scale["rest"], np.float32)
        self._blink = np.array(manifest.field("blink"), np.float32)
        self._networks = networks
        self._text = TextEncoder(style.folder)

    def initial_state(self) -> DenoiserState:
        """A face at rest."""
        rest = (self._rest - self._motion_mean) / self._motion_std
        return DenoiserState(
            motion=np.repeat(rest[None], self.geometry.context_frames, 0),
            carriage=np.repeat(self._rest[None, POSE_SLICE], 2, 0),
        )

    def denoise(
        self, inputs: WindowInputs, state: DenoiserState
    ) -> tuple[WindowOutputs, DenoiserState]:
        """One window: audio features once, then the DDIM loop over the guided network."""
        geometry = self.geometry
        mel = log_mel(inputs.audio, inputs.first_sample, inputs.first_frame, geometry.audio_frames)
        audio = self._networks.encode_audio((mel[None] - self._mel_mean) / self._mel_std)
        weights, has_audio, has_style = _branches(inputs)
        batch = len(weights)
        audio = np.repeat(audio, batch, 0)
        style = np.repeat(inputs.style[None], batch, 0)

        def predict(motion: Float32, level: Float32) -> Float32:
            return self._networks.denoise(motion, level, audio, has_audio, style, has_style)

        noise = inputs.noise + inputs.blink[:, None] * self._blink
        hop = ddim(predict, weights, noise, state.motion, inputs.guidance.steps)
        past = np.concatenate([state.motion, hop])[-geometry.context_frames :]
        motion = hop * self._motion_std + self._motion_mean
        motion[:, POSE_SLICE], carriage = steady(motion[:, POSE_SLICE], state.carriage)
        return WindowOutputs(motion), DenoiserState(past, carriage)

    def prepare_identity(self, who: str | Head) -> Identity:
        """Runs the generator's neutral branch; the level's vertices are kept of its answer."""
        head = self.heads.resolve(who) if isinstance(who, str) else who
        face, back = self._maps.from_mesh(head.neutral)
        rigid = head.neutral[self._rigid]
        basis = self._networks.neutral_branch(face[None] * 10, back[None] * 10, rigid * 10)
        rows = self.topology.full_vertex
        kept = basis.reshape(len(basis), -1, 3)[:, rows].reshape(len(basis), -1)
        return Identity(head.name, head.neutral[rows], kept, head.eye_centres)

    def to_latent(self, blendshapes: Float32) -> Float32:
        """M of the GNPFA."""
        return self._networks.to_latent(blendshapes)

    def decode(self, identity: Identity, motion: Float32) -> tuple[Float32, Float32]:
        """Latents to vertices and weights; then the eyeballs turn."""
        flat, blendshapes = self._networks.decode(
            motion[:, LATENT_SLICE], identity.basis, identity.neutral.reshape(-1)
        )
        vertices = flat.reshape(len(motion), -1, 3)
        rotate_eyes(
            vertices,
            self.topology,
            identity.neutral,
            identity.eye_centres,
            motion[:, EYES_SLICE],
        )
        return vertices, blendshapes

    def encode_style(self, text: str) -> Float32:
        """Text tower. Raises ValueError on an empty prompt."""
        return self._text.encode(text)


def _branches(inputs: WindowInputs) -> tuple[Float32, Float32, Float32]:
    """Weights of eq. 9 and condition masks [B]; branches of weight zero are left out."""
    guidance = inputs.guidance
    none, audio, both = guidance_weights(guidance.audio, guidance.style)
    heard = guidance.strength if np.any(inputs.style) else 0.0
    table = [(none, 0, 0), (audio + both * (1 - heard), 1, 0), (both * heard, 1, 1)]
    kept = np.array([row for row in table if row[0] != 0], np.float32)
    return kept[:, 0], kept[:, 1], kept[:, 2]
