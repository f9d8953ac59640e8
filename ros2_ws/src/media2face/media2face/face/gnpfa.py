"""GNPFA: a VAE over facial geometry with identity factored out (PAPER.md section 1). Torch.

A face is neutral + a @ basis. The basis [K, 3 V] is the generator's: a UNet reads the neutral
coordinate maps of a head and makes the basis that is its own, once per identity. The codes a [K]
are everybody's; the latent z is a smaller code of them, and M and M' tie it to blendshape weights.
A frame then costs one small network and one matrix product.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from media2face.contract import BLENDSHAPE_DIM, LATENT_DIM
from media2face.face.topology import CHART_BONES, MAP_SIZE, CoordinateMaps, MapLayout, Topology

METRES_TO_UNITS = 10.0  # maps are in decimetres: a head is about one unit
BONES = 2  # jaw, tongue
TRAIT_CELLS = 8  # texels along a side of the cells that traits are read from
DEVIATION_GAIN = 8.0  # heads differ from the average by centimetres; networks like units of one


@dataclass(frozen=True)
class GnpfaConfig:
    """Sizes of the networks: D = latent, K = basis."""

    latent: int = LATENT_DIM
    basis: int = 60
    face_channels: int = 160
    back_channels: int = 48
    bent_channels: int = 24
    feature_channels: int = 10
    traits: int = 80
    unet_channels: tuple[int, ...] = (24, 32, 48, 64)
    hidden: int = 256
    code_hidden: int = 384

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1), nn.GroupNorm(4, outputs), nn.SiLU()
    )


class MapReader(nn.Module):
    """Reads maps [C, size, size] at the vertices of a chart: [C, N]."""

    def __init__(self, layout: MapLayout) -> None:
        super().__init__()
        index, weights = layout.bilinear()
        self.register_buffer("index", torch.from_numpy(index), persistent=False)
        self.register_buffer("weights", torch.from_numpy(weights), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        flat = maps.flatten(1)
        corners = [flat[:, self.index[:, i]] * self.weights[:, i] for i in range(4)]
        return corners[0] + corners[1] + corners[2] + corners[3]


class ChartHead(nn.Module):
    """The basis on one chart. Position channels, a number each at every vertex, hold what heads
    share; they are mixed as the traits of a head say, and the UNet's features of the head, times
    the first of them, bend that locally."""

    def __init__(self, layout: MapLayout, places: int, config: GnpfaConfig) -> None:
        super().__init__()
        features, outputs = config.feature_channels, 3 * config.basis
        self.reader = MapReader(layout)
        self.position = nn.Parameter(torch.zeros(len(layout.vertices), places))
        self.common = nn.Parameter(torch.zeros(outputs, places))
        self.personal = nn.Parameter(torch.zeros(config.traits, outputs, places))
        self.bent = config.bent_channels
        self.bend = nn.Linear(features * (self.bent + 1), outputs, bias=False)
        nn.init.zeros_(self.bend.weight)

    def forward(self, features: Tensor, traits: Tensor) -> Tensor:
        """[C, size, size] and [J] -> [N, 3 K]: mm at a code of one standard deviation."""
        place, own = self.position, self.reader(features).T
        mix = self.common + (traits[:, None, None] * self.personal).sum(0)
        bent = (own[:, :, None] * place[:, None, : self.bent]).flatten(1)
        return place @ mix.T + self.bend(torch.cat([bent, own], 1))


class NeutralBranch(nn.Module):
    """G_geo up to the codes: neutral coordinate maps of a head to its basis.

    forward(face [1, 3, size, size], back [1, 3, size, size], rigid [R, 3]: the neutral places of
    the points that hang on bones) in units, returns the basis [K, 3 V]: metres a metre of code.
    """

    def __init__(self, config: GnpfaConfig, topology: Topology, maps: CoordinateMaps) -> None:
        super().__init__()
        self.basis = config.basis
        c0, c1, c2, c3 = config.unet_channels
        average = np.stack(maps.from_mesh(topology.neutral)).reshape(1, 6, MAP_SIZE, MAP_SIZE)
        self.register_buffer("code_std", torch.ones(config.basis))
        self.register_buffer("average", torch.from_numpy(average * METRES_TO_UNITS))
        self.down0 = _block(6, c0)
        self.down1 = _block(c0, c1, 2)
        self.down2 = _block(c1, c2, 2)
        self.down3 = _block(c2, c3, 2)
        self.middle = _block(c3, c3)
        self.up2 = _block(c3 + c2, c2)
        self.up1 = _block(c2 + c1, c1)
        self.up0 = _block(c1 + c0, c0)
        self.features = nn.Conv2d(c0 + 6, 2 * config.feature_channels, 1)
        self.face = ChartHead(maps.face, config.face_channels, config)
        self.back = ChartHead(maps.back, config.back_channels, config)
        self.bones_constant = nn.Parameter(torch.zeros(config.basis * BONES * 12))
        side = MAP_SIZE // TRAIT_CELLS
        self.traits = nn.Linear(6 * side * side, config.traits, bias=False)
        self.bones_head = nn.Linear(config.traits, config.basis * BONES * 12, bias=False)
        nn.init.zeros_(self.bones_head.weight)
        rigid = np.flatnonzero(topology.chart == CHART_BONES)
        eyes = np.setdiff1d(np.arange(len(topology.chart)), np.r_[
            maps.face.vertices, maps.back.vertices, rigid])  # fmt: skip
        order = np.argsort(np.r_[maps.face.vertices, maps.back.vertices, rigid, eyes])
        # Vertices at one place share one answer, so that no crack opens along seams.
        order = torch.from_numpy(order[topology.weld])
        self.register_buffer("order", order, persistent=False)
        bone_weights = torch.from_numpy(topology.bone_weights[rigid])
        self.register_buffer("bone_weights", bone_weights, persistent=False)
        self.still = len(eyes)  # eyeballs are turned, not deformed

    def forward(self, face: Tensor, back: Tensor, rigid: Tensor) -> Tensor:
        deviation = (torch.cat([face, back], 1) - self.average) * DEVIATION_GAIN
        d0 = self.down0(deviation)
        d1 = self.down1(d0)
        d2 = self.down2(d1)
        middle = self.middle(self.down3(d2))
        u2 = self.up2(torch.cat([_double(middle), d2], 1))
        u1 = self.up1(torch.cat([_double(u2), d1], 1))
        u0 = self.up0(torch.cat([_double(u1), d0], 1))
        own = self.features(torch.cat([u0, deviation], 1))[0]
        half = own.shape[0] // 2
        traits = self.traits(F.avg_pool2d(deviation, TRAIT_CELLS).flatten())
        parts = [self.face(own[:half], traits), self.back(own[half:], traits)]
        bones = (self.bones_constant + self.bones_head(traits)).view(self.basis, BONES, 3, 4)
        place = torch.cat([rigid, torch.ones_like(rigid[:, :1])], 1)
        carried = torch.einsum("kbij,nj->nbki", bones, place)
        parts.append((carried * self.bone_weights[:, :, None, None]).sum(1).flatten(1))
        parts.append(rigid.new_zeros(self.still, 3 * self.basis))
        basis = torch.cat(parts)[self.order].view(-1, self.basis, 3)
        return basis.transpose(0, 1).flatten(1) / (1000.0 * self.code_std[:, None])


def _double(maps: Tensor) -> Tensor:
    return F.interpolate(maps, scale_factor=2.0, mode="nearest")


class ResidualMap(nn.Module):
    """A linear map plus a small network."""

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


class GeometryEncoder(nn.Module):
    """E_geo: a head's displacement from its neutral to the mean and log-variance of z.

    The weights of its first layer are tied to the generator: the displacement is read in the
    head's own basis (weighted least squares), which is what takes the identity out of z.
    """

    def __init__(self, config: GnpfaConfig, vertices: int) -> None:
        super().__init__()
        self.register_buffer("vertex_weights", torch.ones(vertices))
        self.register_buffer("code_std", torch.ones(config.basis))
        self.to_mean = ResidualMap(config.basis, config.latent, config.code_hidden)
        self.to_log_variance = nn.Linear(config.basis, config.latent)

    def codes(self, displacement: Tensor, basis: Tensor) -> Tensor:
        """[B, 3 V] and basis [K, 3 V], both m -> codes [B, K]."""
        weighted = basis * self.vertex_weights.repeat_interleave(3) * 1e6  # square millimetres
        # A code of one standard deviation weighs as much as a micrometre at every vertex.
        ridge = torch.diag(1e-6 * self.vertex_weights.sum() / self.code_std.square())
        return torch.linalg.solve(basis @ weighted.T + ridge, weighted @ displacement.T).T

    def forward(self, displacement: Tensor, basis: Tensor) -> tuple[Tensor, Tensor]:
        return self.from_codes(self.codes(displacement, basis))

    def from_codes(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        scaled = codes / self.code_std
        return self.to_mean(scaled), self.to_log_variance(scaled).clamp(-14, 2)


class Gnpfa(nn.Module):
    """All of GNPFA: E_geo (`encoder`), G_geo (`neutral_branch`, `to_codes`), M (`to_latent`), M'
    (`to_weights`)."""

    def __init__(self, config: GnpfaConfig, topology: Topology, maps: CoordinateMaps) -> None:
        super().__init__()
        self.config = config
        c = config
        self.encoder = GeometryEncoder(c, len(topology.neutral))
        self.neutral_branch = NeutralBranch(c, topology, maps)
        self.to_codes = ResidualMap(c.latent, c.basis, c.code_hidden)
        self.to_latent = ResidualMap(BLENDSHAPE_DIM, c.latent, c.hidden)
        self.to_weights = ResidualMap(c.latent, BLENDSHAPE_DIM, c.hidden)

    def codes(self, z: Tensor) -> Tensor:
        """z [T, D] -> codes [T, K]."""
        return self.to_codes(z) * self.encoder.code_std

    def decode(self, z: Tensor, basis: Tensor, neutral: Tensor) -> tuple[Tensor, Tensor]:
        """z [T, D], basis [K, 3 V], neutral [3 V] -> vertices [T, 3 V], weights [T, 52]; m.

        What of z lies beyond weights of 0 and 1 is taken back: a denoiser overshoots, and a lid
        that is told to close by 1.7 would go through the eye.
        """
        beyond = self.to_weights(z)
        weights = beyond.clamp(0, 1)
        z = z + self.to_latent(weights) - self.to_latent(beyond)
        return neutral + self.codes(z) @ basis, weights
