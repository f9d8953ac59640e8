"""Windows of audio, motion and style for the denoiser, cut from the corpus shards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from media2face.audio.mel import log_mel
from media2face.contract import (
    EYES_SLICE,
    LATENT_SLICE,
    MEL_BANDS,
    MEL_PER_FRAME,
    MOTION_DIM,
    POSE_SLICE,
    STYLE_DIM,
)
from media2face.corpus.speech import CorpusClip, iterate
from media2face.face.gnpfa import Gnpfa
from media2face.motion.denoiser import DenoiserConfig
from media2face.types import Float32

CHANGE_SHARE = 0.6  # of the windows show a change of style
# Of those have a past that belies the prompt, or that shows a mood where there is no prompt: the
# face is to come back from it. Else what a stream once slips into, it stays in. Most of them end
# in rendering 0, the neutral one.
CORRECTION_SHARE = 0.6


@dataclass
class Clip:
    """One clip, ready to be cut.

    Attributes:
        mel: float16 [3 (C + T + L), F]: silence before the clip and after it is included.
        motion: float32 [R, T, X] physical units, R renderings.
        phones: uint8 [T].
        emotions: [R] ids; intensities: [R].
    """

    mel: np.ndarray
    motion: Float32
    phones: np.ndarray
    emotions: np.ndarray
    intensities: np.ndarray


@dataclass(frozen=True)
class Scale:
    """Normalisation, and the face at rest (physical units)."""

    motion_mean: Float32
    motion_std: Float32
    mel_mean: float
    mel_std: float
    rest: Float32


@dataclass(frozen=True)
class StyleTable:
    """Codes float32 [N, P] of captions with their emotion ids [N] and intensities [N]."""

    codes: Float32
    emotions: np.ndarray
    intensities: np.ndarray

    def pick(self, emotion: int, intensity: float, rng: np.random.Generator) -> Float32:
        """Code of a random caption that names the emotion at about the intensity."""
        rows = np.flatnonzero(self.emotions == emotion)
        distance = np.abs(self.intensities[rows] - intensity)
        near = rows[distance <= np.quantile(distance, 0.25) + 1e-6]
        return self.codes[rng.choice(near)]


@torch.no_grad()
def to_motion(gnpfa: Gnpfa, weights: np.ndarray, head: np.ndarray, eyes: np.ndarray) -> Float32:
    """[..., T, 52], [..., T, 6], [..., T, 4] -> float32 [..., T, X] with z = M(w)."""
    motion = np.zeros((*weights.shape[:-1], MOTION_DIM), np.float32)
    motion[..., LATENT_SLICE] = gnpfa.to_latent(torch.from_numpy(weights.astype(np.float32)))
    motion[..., POSE_SLICE], motion[..., EYES_SLICE] = head, eyes
    return motion


def load_clips(folder: Path, split: str, gnpfa: Gnpfa, config: DenoiserConfig) -> list[Clip]:
    """All clips of a split with their features."""
    return [
        _prepare(clip, gnpfa, config)
        for clip in tqdm(iterate(folder, split), desc=f"{split} clips", unit="clip")
        if clip.head.shape[1] > config.hop_frames
    ]


def _prepare(clip: CorpusClip, gnpfa: Gnpfa, config: DenoiserConfig) -> Clip:
    audio = clip.audio.astype(np.float32) / 32768
    frames = clip.head.shape[1]
    span = config.context_frames + frames + config.lookahead_frames
    mel = log_mel(audio, 0, -config.context_frames, span)
    motion = to_motion(gnpfa, clip.blendshapes, clip.head, clip.eyes)
    phones = clip.phone_ids if clip.phones else np.full(frames, 255, np.uint8)
    return Clip(mel.astype(np.float16), motion, phones, clip.emotion_ids, clip.intensities)


def fit_scale(clips: list[Clip], gnpfa: Gnpfa) -> Scale:
    """Mean and deviation over the training clips."""
    motion = np.concatenate([c.motion[:, ::5].reshape(-1, MOTION_DIM) for c in clips])
    mel = np.concatenate([c.mel[::7] for c in clips]).astype(np.float32)
    rest = to_motion(gnpfa, np.zeros((1, 52)), np.zeros((1, 6)), np.zeros((1, 4)))[0]
    # a floor under the deviation, so that a channel that hardly moves is not blown up
    std = np.maximum(motion.std(0), 0.02 * motion.std(0).max())
    std[POSE_SLICE] = np.maximum(motion.std(0)[POSE_SLICE], 1e-3)
    std[EYES_SLICE] = np.maximum(motion.std(0)[EYES_SLICE], 1e-2)
    return Scale(
        motion.mean(0).astype(np.float32),
        std.astype(np.float32),
        float(mel.mean()),
        float(mel.std()),
        rest,
    )


@dataclass
class Batch:
    """Tensors of one step; letters as in contract."""

    mel: Tensor  # [B, M, F] normalised
    motion: Tensor  # [B, N, X] normalised
    style: Tensor  # [B, N, P], zeros where there is no prompt
    phones: Tensor  # [B, N] int64, 255 where unknown


class WindowSampler:
    """Draws windows: a clip by the root of its length, a rendering, a place, and audio noise."""

    def __init__(
        self, clips: list[Clip], scale: Scale, styles: StyleTable, config: DenoiserConfig
    ) -> None:
        self.clips, self.scale, self.styles, self.config = clips, scale, styles, config
        lengths = np.array([c.motion.shape[1] for c in clips], float)
        self.chances = np.sqrt(lengths) / np.sqrt(lengths).sum()

    def batch(self, size: int, rng: np.random.Generator) -> Batch:
        """`size` windows; styles carry the prompt of their rendering where it has one."""
        rows = [self._window(i, rng) for i in rng.choice(len(self.clips), size, p=self.chances)]
        mel, motion, style, phones = (np.stack(x) for x in zip(*rows, strict=True))
        scale = self.scale
        return Batch(
            mel=torch.from_numpy((mel - scale.mel_mean) / scale.mel_std),
            motion=torch.from_numpy((motion - scale.motion_mean) / scale.motion_std),
            style=torch.from_numpy(style),
            phones=torch.from_numpy(phones.astype(np.int64)),
        )

    def _window(self, which: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        c, clip = self.config, self.clips[which]
        frames = clip.motion.shape[1]
        start = int(rng.integers(-c.context_frames, frames - c.frames + 1))
        index = np.arange(start, start + c.frames)
        phones = np.where(index < 0, 0, clip.phones[np.clip(index, 0, frames - 1)])
        low = (start + c.context_frames) * MEL_PER_FRAME
        mel = clip.mel[low : low + c.audio_frames * MEL_PER_FRAME].astype(np.float32)
        change = rng.random() < CHANGE_SHARE
        correct = change and rng.random() < CORRECTION_SHARE
        take = int(rng.integers(len(clip.motion)))
        if correct and rng.random() < 0.6:
            take = 0
        motion, style = self._performance(clip, index, take, rng)
        if change:
            motion, style = self._changed(clip, index, motion, style, correct, rng)
        return augment(mel, rng), motion, style, phones

    def _performance(
        self, clip: Clip, index: np.ndarray, take: int, rng: np.random.Generator
    ) -> tuple[Float32, Float32]:
        """One rendering's motion [N, X] and style codes [N, P]; at rest before the clip."""
        last = clip.motion.shape[1] - 1
        motion = np.where(
            (index < 0)[:, None], self.scale.rest, clip.motion[take, np.clip(index, 0, last)]
        )
        emotion, intensity = int(clip.emotions[take]), float(clip.intensities[take])
        code = np.zeros(STYLE_DIM, np.float32)
        if emotion > 0 or rng.random() < 0.4:
            code = self.styles.pick(emotion, intensity, rng)
        return motion.astype(np.float32), np.repeat(code[None], len(index), 0).astype(np.float32)

    def _changed(
        self,
        clip: Clip,
        index: np.ndarray,
        motion: Float32,
        style: Float32,
        correct: bool,
        rng: np.random.Generator,
    ) -> tuple[Float32, Float32]:
        """Fades from another rendering of the same audio, or from rest, into this one. Without
        such windows the clean past alone would tell the style, and a new prompt change nothing."""
        if not correct and rng.random() < 0.35:
            before = np.repeat(self.scale.rest[None], len(index), 0)
            old_style = np.where(rng.random() < 0.5, style, np.zeros_like(style))
        else:
            take = int(rng.integers(int(correct), len(clip.motion)))
            before, old_style = self._performance(clip, index, take, rng)
        onset, length = rng.integers(0, self.config.frames), rng.integers(3, 18)
        share = np.clip((np.arange(len(index)) - onset + 1) / length, 0, 1)[:, None]
        ease = share * share * (3 - 2 * share)
        # as streaming.style_track has it: a prompt that comes or goes keeps its code meanwhile
        if correct:
            codes = style
        elif np.any(old_style) and np.any(style):
            codes = old_style + (style - old_style) * share
        else:
            codes = np.where(share > 0, style, 0) + np.where(share < 1, old_style, 0)
        return (
            (before + (motion - before) * ease).astype(np.float32),
            codes.astype(np.float32),
        )


def augment(mel: Float32, rng: np.random.Generator) -> Float32:
    """Gain of +-8 dB, a gentle spectral tilt and, half the time, coloured noise; log10 power."""
    gain = rng.uniform(-0.8, 0.8) + rng.uniform(-0.4, 0.4) * np.linspace(-1, 1, MEL_BANDS)
    power = 10 ** (mel + gain)
    if rng.random() < 0.5:
        colour = np.cumsum(rng.normal(0, 0.08, MEL_BANDS))
        level = np.log10(power.mean() + 1e-9) - rng.uniform(1.0, 3.5)
        power = power + 10 ** (level + colour - colour.mean()) * rng.exponential(1, mel.shape)
    return np.log10(np.maximum(power, 1e-6)).astype(np.float32)
