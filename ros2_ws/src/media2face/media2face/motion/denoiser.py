"""The Media2Face denoiser: a transformer over motion windows, conditioned on audio and style.

PAPER.md section 3, with one noise level per frame (DESIGN: diffusion forcing), so that clean past
frames are context. Torch; what runs is its ONNX export.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from media2face.contract import MEL_BANDS, MEL_PER_FRAME, MOTION_DIM, STYLE_DIM

BLOCKED = -1e4  # finite, so that exported half-precision graphs stay finite too


@dataclass(frozen=True)
class DenoiserConfig:
    """Sizes. Frames: context + hop = the window; audio goes lookahead frames further."""

    width: int = 192
    layers: int = 4
    heads: int = 4
    feed_forward: int = 576
    audio_reach: int = 1  # frame i attends to audio i - reach .. i + reach (alignment mask)
    context_frames: int = 30
    hop_frames: int = 6
    lookahead_frames: int = 6
    phones: int = 0  # classes of the auxiliary phone head, training only

    @property
    def frames(self) -> int:
        return self.context_frames + self.hop_frames

    @property
    def audio_frames(self) -> int:
        return self.frames + self.lookahead_frames

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


class _ConvBlock(nn.Module):
    def __init__(self, width: int, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        pad = (kernel - 1) // 2 * dilation
        self.conv = nn.Conv1d(width, width, kernel, padding=pad, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:  # [B, width, T]
        normal = self.norm(x.transpose(1, 2)).transpose(1, 2)
        return x + F.gelu(self.conv(normal))


class AudioEncoder(nn.Module):
    """Normalised log-mel [B, 3 (N + L), F] to one feature a frame, [B, N, width]."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        width = config.width
        self.frames = config.frames
        self.first = nn.Conv1d(MEL_BANDS, width, 5, padding=2)
        self.fine = nn.Sequential(_ConvBlock(width, 3), _ConvBlock(width, 3, 2))
        self.to_frames = nn.Conv1d(width, width, MEL_PER_FRAME + 2, MEL_PER_FRAME, padding=1)
        self.coarse = nn.Sequential(
            _ConvBlock(width, 5), _ConvBlock(width, 5), _ConvBlock(width, 5)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, mel: Tensor) -> Tensor:
        fine = self.fine(F.gelu(self.first(mel.transpose(1, 2))))
        frames = self.coarse(F.gelu(self.to_frames(fine)))
        return self.norm(frames[:, :, : self.frames].transpose(1, 2))


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, memory: Tensor, bias: Tensor) -> Tensor:
        """x [B, T, W], memory [B, S, W], bias [heads or 1, T, S] added to the scores."""
        batch, frames, width = x.shape
        q, k, v = (
            layer(source).view(batch, -1, self.heads, width // self.heads).transpose(1, 2)
            for layer, source in ((self.query, x), (self.key, memory), (self.value, memory))
        )
        scores = q @ k.transpose(2, 3) * (width // self.heads) ** -0.5 + bias
        mixed = scores.softmax(-1) @ v
        return self.out(mixed.transpose(1, 2).reshape(batch, frames, width))


class _Layer(nn.Module):
    """Self-attention over the window, style-aware cross-attention, feed-forward; each behind a
    norm whose scale and shift come from the frame's noise level."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        width = config.width
        self.norms = nn.ModuleList(nn.LayerNorm(width, elementwise_affine=False) for _ in range(3))
        self.modulation = nn.Linear(width, 6 * width)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)
        self.own = _Attention(width, config.heads)
        self.cross = _Attention(width, config.heads)
        self.wide = nn.Linear(width, config.feed_forward)
        self.narrow = nn.Linear(config.feed_forward, width)

    def forward(
        self, x: Tensor, level: Tensor, memory: Tensor, near: Tensor, aligned: Tensor
    ) -> Tensor:
        scale0, shift0, scale1, shift1, scale2, shift2 = self.modulation(level).chunk(6, -1)
        h = self.norms[0](x) * (1 + scale0) + shift0
        x = x + self.own(h, h, near)
        h = self.norms[1](x) * (1 + scale1) + shift1
        x = x + self.cross(h, memory, aligned)
        h = self.norms[2](x) * (1 + scale2) + shift2
        return x + self.narrow(F.gelu(self.wide(h)))


class Denoiser(nn.Module):
    """G(X_t, t, A, P) -> X0 over one window; see forward."""

    def __init__(self, config: DenoiserConfig | None = None) -> None:
        super().__init__()
        self.config = config or DenoiserConfig()
        c = self.config
        self.audio_encoder = AudioEncoder(c)
        self.motion_in = nn.Linear(MOTION_DIM, c.width)
        self.level_in = nn.Sequential(
            nn.Linear(64, c.width), nn.SiLU(), nn.Linear(c.width, c.width), nn.SiLU()
        )
        self.style_in = nn.Linear(STYLE_DIM, c.width)
        self.no_audio = nn.Parameter(torch.zeros(c.width))
        self.no_style = nn.Parameter(torch.zeros(c.width))
        # bias per head for each distance between two frames of the window
        self.distance_bias = nn.Parameter(torch.zeros(c.heads, 2 * c.frames - 1))
        self.layers = nn.ModuleList(_Layer(c) for _ in range(c.layers))
        self.norm = nn.LayerNorm(c.width)
        self.motion_out = nn.Linear(c.width, MOTION_DIM)
        self.phone_head = nn.Linear(c.width, c.phones) if c.phones else None
        self.register_buffer("distance", self._distances(), persistent=False)
        self.register_buffer("aligned", self._alignment(), persistent=False)

    def _distances(self) -> Tensor:
        index = torch.arange(self.config.frames)
        return index[:, None] - index[None] + self.config.frames - 1

    def _alignment(self) -> Tensor:
        """Alignment mask [1, N, 2 N]: frame i sees audio around i and its own style."""
        index = torch.arange(self.config.frames)
        apart = (index[:, None] - index[None]).abs()
        seen = torch.cat([apart <= self.config.audio_reach, apart == 0], 1)
        return torch.where(seen, 0.0, BLOCKED)[None]

    def forward(
        self,
        motion: Tensor,
        level: Tensor,
        audio: Tensor,
        has_audio: Tensor,
        style: Tensor,
        has_style: Tensor,
    ) -> Tensor:
        """Predicts the clean window.

        Args:
            motion: [B, N, X] noised, normalised motion.
            level: [B, N] noise level of each frame in [0, 1]; 0 is clean.
            audio: [B, N, width] from the audio encoder.
            has_audio, has_style: [B] 1 or 0: the condition masks.
            style: [B, N, P]; a frame of zeros has no prompt.

        Returns:
            [B, N, X] x0, normalised.
        """
        a = has_audio[:, None, None]
        prompted = style.abs().amax(-1, keepdim=True) > 0
        p = has_style[:, None, None] * prompted.to(style.dtype)
        heard = audio * a + self.no_audio * (1 - a)
        felt = self.style_in(style) * p + self.no_style * (1 - p)
        memory = torch.cat([heard, felt], 1)
        noise = self.level_in(_waves(level))
        near = self.distance_bias[:, self.distance]
        # the aligned features also enter directly: attention alone is slow to find them
        x = self.motion_in(motion) + heard + felt
        for layer in self.layers:
            x = layer(x, noise, memory, near, self.aligned)
        return self.motion_out(self.norm(x))


def _waves(level: Tensor) -> Tensor:
    """Sinusoids of the noise level [B, N] -> [B, N, 64]."""
    rates = torch.exp(torch.linspace(0.0, 6.0, 32, device=level.device))
    angle = level[..., None] * rates
    return torch.cat([angle.sin(), angle.cos()], -1)
