"""Where the training of the GNPFA's generator starts: at what is linear in the heads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from media2face.face.gnpfa import (
    DEVIATION_GAIN,
    TRAIT_CELLS,
    ChartHead,
    Gnpfa,
    NeutralBranch,
)
from media2face.face.topology import CHART_BONES, CoordinateMaps, MapLayout, Topology
from media2face.types import Float32

if TYPE_CHECKING:
    from media2face.training.gnpfa import Codes

LIP_WEIGHT, LID_WEIGHT = 8.0, 6.0
MM = 1000.0


def vertex_weights(topology: Topology) -> Float32:
    """float32 [V]: lips and lids count more, eyeballs (turned, not deformed) nothing."""
    weights = np.ones(len(topology.neutral), np.float32)
    lids = topology.neutral[topology.landmarks68[36:48]]
    near = np.linalg.norm(topology.neutral[:, None] - lids[None], axis=-1).min(1) < 0.006
    weights[near] = LID_WEIGHT
    weights[topology.lip_vertices] = LIP_WEIGHT
    for eye in ("eye_left", "eye_right"):
        weights[topology.part(eye)] = 0.0
    return weights


@torch.no_grad()
def start_generator(
    model: Gnpfa,
    codes: Codes,
    maps: CoordinateMaps,
    neutrals: list[tuple[Tensor, ...]],
    bases: Float32,
) -> None:
    """The generator starts at what is linear in the heads' principal components.

    Args:
        neutrals: of the training persons; bases: their own, [P, K, 3 V].
    """
    branch, std = model.neutral_branch, torch.from_numpy(codes.std / MM)
    branch.code_std.copy_(std)
    model.encoder.code_std.copy_(std)
    model.encoder.vertex_weights.copy_(torch.from_numpy(vertex_weights(codes.rom.topology)))
    traits = _start_traits(branch, neutrals)
    scale = codes.std[:, None, None]
    average = codes.basis.reshape(len(scale), -1, 3) * scale

    def own() -> Iterator[Float32]:
        for basis in tqdm(bases, desc="start", leave=False):
            yield basis.astype(np.float32).reshape(average.shape) * scale

    for head, layout in ((branch.face, maps.face), (branch.back, maps.back)):
        _start_chart(head, layout, average, own, traits)
    _start_bones(branch, codes.rom.topology, neutrals, own, traits)


def _start_traits(branch: NeutralBranch, neutrals: list[tuple[Tensor, ...]]) -> Float32:
    """Every trait has a standard deviation of 1. Returns them, [P, J]."""
    rows = [
        F.avg_pool2d((torch.cat([face, back], 1) - branch.average) * DEVIATION_GAIN, TRAIT_CELLS)
        for face, back, _ in neutrals
    ]
    cells = torch.stack(rows).flatten(1)
    _, scale, axes = torch.linalg.svd(cells, full_matrices=False)
    count = branch.traits.out_features
    branch.traits.weight.copy_(axes[:count] / scale[:count, None] * len(cells) ** 0.5)
    return branch.traits(cells).numpy()


def _columns(scaled: Float32, layout: MapLayout) -> Float32:
    """[K, V, 3] -> [N, 3 K] at a chart's vertices."""
    return scaled[:, layout.vertices].transpose(1, 0, 2).reshape(len(layout.vertices), -1)


def _regressed(traits: Float32, values: Float32) -> tuple[Float32, Float32]:
    """Least squares values [P, ...] = constant + traits @ slopes [J, ...], slightly ridged."""
    design = np.c_[np.ones(len(traits), np.float32), traits]
    flat = values.reshape(len(values), -1)
    ridge = np.diag(np.r_[0, np.full(traits.shape[1], 1.0)])
    solution = np.linalg.solve(design.T @ design + ridge, design.T @ flat).astype(np.float32)
    return solution[0].reshape(values.shape[1:]), solution[1:].reshape(-1, *values.shape[1:])


def _start_chart(
    head: ChartHead,
    layout: MapLayout,
    average: Float32,
    own: Callable[[], Iterator[Float32]],
    traits: Float32,
) -> None:
    """Position channels: principal components over the vertices of the average head's basis and
    of what some heads differ in from it. average: [K, V, 3] mm at one standard deviation."""
    plain = _columns(average, layout)
    some = [_columns(basis, layout) - plain for basis in islice(own(), 30)]
    left, _, _ = np.linalg.svd(np.concatenate([plain, *some], 1), full_matrices=False)
    places = left[:, : head.position.shape[1]] * len(left) ** 0.5
    head.position.copy_(torch.from_numpy(places))
    read = np.linalg.pinv(places)
    mixes = np.stack([(read @ _columns(basis, layout)).T for basis in own()])
    common, personal = _regressed(traits, mixes)
    head.common.copy_(torch.from_numpy(common))
    head.personal.copy_(torch.from_numpy(personal))


def _start_bones(
    branch: NeutralBranch,
    topology: Topology,
    neutrals: list[tuple[Tensor, ...]],
    own: Callable[[], Iterator[Float32]],
    traits: Float32,
) -> None:
    rigid = np.flatnonzero(topology.chart == CHART_BONES)
    found = []
    for (_, _, place), basis in zip(neutrals, own(), strict=True):
        affine = np.zeros((len(basis), 2, 3, 4), np.float32)
        for bone in (0, 1):
            share = topology.bone_weights[rigid, bone]
            rows = np.flatnonzero(share > 0.02)
            design = np.c_[place[rows], np.ones(len(rows))] * share[rows, None]
            moved = basis[:, rigid[rows]].transpose(1, 0, 2).reshape(len(rows), -1)
            solution = np.linalg.lstsq(design, moved, rcond=None)[0]
            affine[:, bone] = solution.T.reshape(-1, 3, 4)
        found.append(affine.ravel())
    constant, slopes = _regressed(traits, np.stack(found))
    branch.bones_constant.copy_(torch.from_numpy(constant))
    branch.bones_head.weight.copy_(torch.from_numpy(slopes.T))
