"""GNPFA: a VAE over coordinate maps with identity factored out (PAPER.md section 1). Torch.

Lengths inside the networks are decimetres, so that heads are about one unit. The generator's
UNet turns the neutral coordinate map into a basis of K coordinate maps of displacement, once per
identity; the latent only weighs that basis. A frame then costs one small matrix product.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from media2face.contract import BLENDSHAPE_DIM, LATENT_DIM
from media2face.face.topology import BACK_MAP_SIZE, FACE_MAP_SIZE

METRES_TO_UNITS = 10.0
BONES = 2  # jaw, tongue


@dataclass(frozen=True)
class GnpfaConfig:
    """Sizes of the networks."""

    latent: int = LATENT_DIM
    basis: int = 56
    position_channels: int = 40
    unet_channels: tuple[int, ...] = (16, 32, 48, 64)
    encoder_channels: tuple[int, ...] = (16, 24, 32, 48, 64)
    hidden: int = 256

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1), nn.GroupNorm(4, outputs), nn.SiLU()
    )


class GeometryEncoder(nn.Module):
    """E_geo: displacement from the neutral, as a face coordinate map [B, 3, 128, 128] in units,
    to the mean and log-variance of z [B, D]. Taking the displacement and not the position is
    what keeps the identity out of z."""

    def __init__(self, config: GnpfaConfig) -> None:
        super().__init__()
        channels = (3, *config.encoder_channels)
        self.convolutions = nn.Sequential(*(_block(a, b, 2) for a, b in pairwise(channels)))
        side = FACE_MAP_SIZE >> len(config.encoder_channels)
        self.head = nn.Linear(channels[-1] * side * side, 2 * config.latent)

    def forward(self, displacement: Tensor) -> tuple[Tensor, Tensor]:
        features = self.convolutions(displacement * 5.0).flatten(1)
        mean, log_variance = self.head(features).chunk(2, dim=-1)
        return mean, log_variance.clamp(-12, 4)


class NeutralBranch(nn.Module):
    """UNet from a neutral head to its basis of displacement maps and bone motions.

    forward(face [B, 3, 128, 128], back [B, 3, 64, 64]) in units, returns
    face basis [B, K, 3, 128, 128], back basis [B, K, 3, 64, 64], bones [B, K, 2, 3, 4].
    """

    def __init__(self, config: GnpfaConfig) -> None:
        super().__init__()
        self.basis = config.basis
        c0, c1, c2, c3 = config.unet_channels
        extra = config.position_channels
        self.position_face = nn.Parameter(torch.randn(extra, FACE_MAP_SIZE, FACE_MAP_SIZE) * 0.05)
        self.position_back = nn.Parameter(torch.randn(extra, BACK_MAP_SIZE, BACK_MAP_SIZE) * 0.05)
        self.down0 = _block(3, c0)
        self.down1 = _block(c0, c1, 2)
        self.join = _block(c1 + 3, c1)
        self.down2 = _block(c1, c2, 2)
        self.down3 = _block(c2, c3, 2)
        self.middle = _block(c3, c3)
        self.up2 = _block(c3 + c2, c2)
        self.up1 = _block(c2 + c1, c1)
        self.up0 = _block(c1 + c0, c0)
        self.face_head = nn.Conv2d(c0 + extra, 3 * config.basis, 1)
        self.back_head = nn.Conv2d(c1 + extra, 3 * config.basis, 1)
        self.bones_constant = nn.Parameter(torch.zeros(config.basis * BONES * 12))
        self.bones_head = nn.Linear(c3, config.basis * BONES * 12)

    def forward(self, face: Tensor, back: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        batch = face.shape[0]
        d0 = self.down0(face)
        d1 = self.join(torch.cat([self.down1(d0), back], 1))
        d2 = self.down2(d1)
        middle = self.middle(self.down3(d2))
        u2 = self.up2(torch.cat([_double(middle), d2], 1))
        u1 = self.up1(torch.cat([_double(u2), d1], 1))
        u0 = self.up0(torch.cat([_double(u1), d0], 1))
        place_face = self.position_face.expand(batch, -1, -1, -1)
        place_back = self.position_back.expand(batch, -1, -1, -1)
        face_basis = self.face_head(torch.cat([u0, place_face], 1))
        back_basis = self.back_head(torch.cat([u1, place_back], 1))
        bones = self.bones_constant + self.bones_head(middle.mean((2, 3)))
        return (
            face_basis.view(batch, self.basis, 3, FACE_MAP_SIZE, FACE_MAP_SIZE),
            back_basis.view(batch, self.basis, 3, BACK_MAP_SIZE, BACK_MAP_SIZE),
            bones.view(batch, self.basis, BONES, 3, 4),
        )


def _double(maps: Tensor) -> Tensor:
    return F.interpolate(maps, scale_factor=2.0, mode="nearest")


class ResidualMap(nn.Module):
    """A linear map plus a small network: M, M' and the weights of the basis."""

    def __init__(self, inputs: int, outputs: int, hidden: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.network = nn.Sequential(
            nn.Linear(inputs, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, outputs),
        )
        last = self.network[-1]
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, values: Tensor) -> Tensor:
        return self.linear(values) + self.network(values)


class Gnpfa(nn.Module):
    """All of GNPFA: E_geo (`encoder`), G_geo (`neutral_branch` with `weigh`), M, M'."""

    def __init__(self, config: GnpfaConfig | None = None) -> None:
        super().__init__()
        self.config = config or GnpfaConfig()
        c = self.config
        self.encoder = GeometryEncoder(c)
        self.neutral_branch = NeutralBranch(c)
        self.weigh = ResidualMap(c.latent, c.basis, c.hidden)
        self.to_latent = ResidualMap(BLENDSHAPE_DIM, c.latent, c.hidden)
        self.to_weights = ResidualMap(c.latent, BLENDSHAPE_DIM, c.hidden)

    def decode(self, z: Tensor, basis: Tensor, neutral: Tensor) -> tuple[Tensor, Tensor]:
        """z [T, D], basis [K, 3 V], neutral [3 V] -> vertices [T, 3 V], weights [T, 52]; m."""
        vertices = neutral + self.weigh(z) @ basis
        return vertices, self.to_weights(z).clamp(0, 1)
