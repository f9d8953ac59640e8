"""Trains the GNPFA: `python -m media2face.training.gnpfa --shared ../shared --out work/gnpfa`."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from tqdm import trange

from media2face.contract import BLENDSHAPE_DIM
from media2face.corpus.facekit import FaceKit, load_facekit
from media2face.corpus.rom import (
    RomSource,
    head,
    load_captures,
    mesh_shapes,
    sample_expressions,
    sample_identity,
)
from media2face.face.gnpfa import METRES_TO_UNITS, Gnpfa, GnpfaConfig
from media2face.face.topology import CHART_BONES, MapLayout, Topology, load_topology

LIP_WEIGHT, LID_WEIGHT = 8.0, 6.0
KL_WEIGHT, LATENT_WEIGHT, WEIGHTS_WEIGHT = 1e-4, 0.05, 5.0
IDENTITIES = 64  # drawn once; each step takes two of them


@dataclass
class Scene:
    """Everything a step needs, as tensors."""

    topology: Topology
    shapes: Tensor  # [52, V * 3] metres
    shape_maps: Tensor  # [52, 3, H, W] units
    face_maps: Tensor  # [I, 3, H, W] units
    back_maps: Tensor  # [I, 3, h, w] units
    neutrals: Tensor  # [I, V, 3] metres
    vertex_weights: Tensor  # [V]


def make_scene(kit: FaceKit, topology: Topology, rng: np.random.Generator, count: int) -> Scene:
    """Draws `count` identities and lays out their maps."""
    shapes = mesh_shapes(kit, topology)
    heads = [head(kit, topology, sample_identity(rng))[0] for _ in trange(count, desc="heads")]
    neutrals = np.stack(heads)
    weights = np.ones(len(topology.neutral), np.float32)
    weights[topology.lip_vertices] = LIP_WEIGHT
    lids = topology.neutral[topology.landmarks68[36:48]]
    near = np.linalg.norm(topology.neutral[:, None] - lids[None], axis=-1).min(1) < 0.006
    weights[near] = LID_WEIGHT
    return Scene(
        topology=topology,
        shapes=torch.from_numpy(shapes.reshape(BLENDSHAPE_DIM, -1)),
        shape_maps=torch.from_numpy(topology.face_map.from_mesh(shapes) * METRES_TO_UNITS),
        face_maps=torch.from_numpy(topology.face_map.from_mesh(neutrals) * METRES_TO_UNITS),
        back_maps=torch.from_numpy(topology.back_map.from_mesh(neutrals) * METRES_TO_UNITS),
        neutrals=torch.from_numpy(neutrals),
        vertex_weights=torch.from_numpy(weights),
    )


class BasisReader:
    """Differentiable twin of face.heads.vertex_basis."""

    def __init__(self, topology: Topology) -> None:
        self.vertices = len(topology.neutral)
        self.face = self._layout(topology.face_map)
        self.back = self._layout(topology.back_map)
        self.rigid = torch.from_numpy(np.flatnonzero(topology.chart == CHART_BONES))
        self.bone_weights = torch.from_numpy(topology.bone_weights[topology.chart == CHART_BONES])

    @staticmethod
    def _layout(layout: MapLayout) -> tuple[Tensor, Tensor, Tensor]:
        index, weights = layout.bilinear()
        return (
            torch.from_numpy(layout.vertices),
            torch.from_numpy(index),
            torch.from_numpy(weights),
        )

    def __call__(self, face: Tensor, back: Tensor, bones: Tensor, neutral: Tensor) -> Tensor:
        """[K, 3, H, W], [K, 3, h, w], [K, 2, 3, 4], [V, 3] m -> basis [K, V * 3] m."""
        basis = face.new_zeros(face.shape[0], self.vertices, 3)
        for maps, (vertices, index, weights) in ((face, self.face), (back, self.back)):
            values = (maps.flatten(2)[..., index] * weights).sum(-1)
            basis[:, vertices] = values.transpose(1, 2)
        place = neutral[self.rigid] * METRES_TO_UNITS
        place = torch.cat([place, torch.ones_like(place[:, :1])], 1)
        basis[:, self.rigid] = torch.einsum("kbij,nj,nb->kni", bones, place, self.bone_weights)
        return basis.flatten(1) / METRES_TO_UNITS


@torch.no_grad()
def start_from_components(model: Gnpfa, scene: Scene, expressions: Tensor) -> None:
    """Sets the linear parts to principal components of the data: training starts from PCA."""
    c = model.config
    gram = scene.shapes * scene.vertex_weights.repeat_interleave(3).sqrt()
    mean = expressions.mean(0)
    centred = expressions - mean
    left, scale, _ = torch.linalg.svd(gram, full_matrices=False)
    spread = centred @ (left * scale)
    _, std, axes = torch.linalg.svd(spread, full_matrices=False)
    std = std / len(spread) ** 0.5
    to_pc = (left * scale) @ axes.T  # weights -> components
    latent = c.latent
    model.to_latent.linear.weight.copy_((to_pc[:, :latent] / std[:latent]).T)
    model.to_latent.linear.bias.copy_(-(mean @ to_pc[:, :latent]) / std[:latent])
    model.weigh.linear.weight.normal_(0, 0.01)
    model.weigh.linear.weight[:latent] = torch.eye(latent)
    model.weigh.linear.bias.zero_()
    model.weigh.linear.bias[latent] = 1.0
    back_to_weights = torch.linalg.pinv(to_pc)  # components -> weights
    rows = back_to_weights[:latent] * std[:latent, None]
    model.to_weights.linear.weight.copy_(rows.T)
    model.to_weights.linear.bias.copy_(mean)
    table = torch.cat([rows, mean[None], torch.zeros(c.basis - latent - 1, BLENDSHAPE_DIM)])
    _start_maps(model, scene, table)


def _start_maps(model: Gnpfa, scene: Scene, table: Tensor) -> None:
    """table [K, 52]: the weights each basis shape stands for."""
    branch, c = model.neutral_branch, model.config
    back = scene.topology.back_map.from_mesh(
        scene.shapes.view(BLENDSHAPE_DIM, -1, 3).numpy() * METRES_TO_UNITS
    )
    for maps, place, conv, own in (
        (scene.shape_maps, branch.position_face, branch.face_head, c.unet_channels[0]),
        (torch.from_numpy(back), branch.position_back, branch.back_head, c.unet_channels[1]),
    ):
        target = torch.einsum("kw,wchv->kchv", table, maps).flatten(0, 1)
        u, s, v = torch.linalg.svd(target.flatten(1), full_matrices=False)
        keep = c.position_channels
        gain = s[:keep].sqrt().clamp_min(1e-3)
        place.copy_((gain[:, None] * v[:keep]).view_as(place))
        conv.weight.mul_(0.01)
        conv.bias.zero_()
        conv.weight[:, own:, 0, 0] = u[:, :keep] * (s[:keep] / gain)
    branch.bones_head.weight.mul_(0.01)
    branch.bones_head.bias.zero_()
    _start_bones(branch.bones_constant, scene, table)


def _start_bones(constant: Tensor, scene: Scene, table: Tensor) -> None:
    topology = scene.topology
    deltas = (table @ scene.shapes).view(len(table), -1, 3) * METRES_TO_UNITS
    affine = torch.zeros(len(table), 2, 3, 4)
    for bone in (0, 1):
        rows = torch.from_numpy(np.flatnonzero(topology.bone_weights[:, bone] > 0.9))
        place = torch.from_numpy(topology.neutral)[rows] * METRES_TO_UNITS
        place = torch.cat([place, torch.ones(len(rows), 1)], 1)
        for k in range(len(table)):
            affine[k, bone] = torch.linalg.lstsq(place, deltas[k, rows]).solution.T
    constant.copy_(affine.flatten())


def losses(
    model: Gnpfa, scene: Scene, reader: BasisReader, who: int, weights: Tensor
) -> dict[str, Tensor]:
    """The terms of PAPER.md section 1 for one identity and expressions [N, 52]."""
    target = weights @ scene.shapes
    maps = torch.einsum("nw,wchv->nchv", weights, scene.shape_maps)
    mean, log_variance = model.encoder(maps)
    z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
    z_mapped = model.to_latent(weights)
    basis = _basis(model, scene, reader, who)
    per_vertex = scene.vertex_weights.repeat_interleave(3)
    scanned = ((model.weigh(z) @ basis - target) * 1000).square()
    mapped = ((model.weigh(z_mapped) @ basis - target) * 1000).square()
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1).mean()
    back = (model.to_weights(z_mapped) - weights).square().mean()
    back_scanned = (model.to_weights(mean) - weights).square().mean()
    return {
        "scan": (scanned * per_vertex).mean(),
        "mapped": (mapped * per_vertex).mean(),
        "latent": LATENT_WEIGHT * (z_mapped - mean).square().mean(),
        "weights": WEIGHTS_WEIGHT * (back + back_scanned),
        "kl": KL_WEIGHT * kl,
    }


def _basis(model: Gnpfa, scene: Scene, reader: BasisReader, who: int) -> Tensor:
    face, back, bones = model.neutral_branch(
        scene.face_maps[who : who + 1], scene.back_maps[who : who + 1]
    )
    return reader(face[0], back[0], bones[0], scene.neutrals[who])


def train(args: argparse.Namespace) -> None:
    """Runs the training and writes gnpfa.safetensors, config and metrics to args.out."""
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    kit = load_facekit(args.shared / "facekit" / "facekit.npz")
    captures = load_captures(args.shared / "capture")
    fit, held_out = _split(captures)
    topology = load_topology(args.topology)
    scene = make_scene(kit, topology, rng, IDENTITIES)
    model, reader = Gnpfa(GnpfaConfig()), BasisReader(topology)
    start_from_components(model, scene, torch.from_numpy(sample_expressions(fit, 6000, rng)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.rate, weight_decay=1e-5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.rate, args.steps)
    bar = trange(args.steps, desc="gnpfa")
    for step in bar:
        terms: dict[str, Tensor] = {}
        for who in rng.integers(IDENTITIES - 8, size=2):  # the last 8 are held out
            weights = torch.from_numpy(sample_expressions(fit, args.batch, rng))
            for name, value in losses(model, scene, reader, int(who), weights).items():
                terms[name] = terms.get(name, torch.zeros(())) + value / 2
        loss = torch.stack(list(terms.values())).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 25 == 0:
            bar.set_postfix({name: f"{float(value):.4f}" for name, value in terms.items()})
        if step % 500 == 499 or step == args.steps - 1:
            metrics = evaluate(model, scene, reader, held_out)
            bar.write(json.dumps({"step": step + 1, **metrics}))
            _save(model, metrics, args)


def _split(captures: RomSource) -> tuple[RomSource, RomSource]:
    """The last fifth of either kind of capture is held out."""
    a, b = (int(0.8 * len(x)) for x in (captures.full_face, captures.speech))
    return (
        RomSource(captures.full_face[:a], captures.speech[:b]),
        RomSource(captures.full_face[a:], captures.speech[b:]),
    )


@torch.no_grad()
def evaluate(
    model: Gnpfa, scene: Scene, reader: BasisReader, source: RomSource
) -> dict[str, float]:
    """Errors in mm on held-out heads and expressions, through the encoder and through M."""
    rng = np.random.default_rng(99)
    scanned, mapped, names = [], [], []
    for who in range(IDENTITIES - 8, IDENTITIES):
        weights = torch.from_numpy(sample_expressions(source, 64, rng))
        target = weights @ scene.shapes
        basis = _basis(model, scene, reader, who)
        mean, _ = model.encoder(torch.einsum("nw,wchv->nchv", weights, scene.shape_maps))
        for z, found in ((mean, scanned), (model.to_latent(weights), mapped)):
            error = (model.weigh(z) @ basis - target).view(len(weights), -1, 3) * 1000
            found.append(error.norm(dim=-1))
        names.append((model.to_weights(model.to_latent(weights)).clamp(0, 1) - weights).abs())
    lips = torch.from_numpy(scene.topology.lip_vertices)
    scan, mesh = torch.cat(scanned), torch.cat(mapped)
    return {
        "scan_mean_mm": round(float(scan.mean()), 4),
        "scan_lips_mm": round(float(scan[:, lips].mean()), 4),
        "scan_p99_mm": round(float(np.percentile(scan.numpy(), 99)), 4),
        "mapped_mean_mm": round(float(mesh.mean()), 4),
        "mapped_lips_mm": round(float(mesh[:, lips].mean()), 4),
        "weights_mean_abs": round(float(torch.cat(names).mean()), 4),
    }


def _save(model: Gnpfa, metrics: dict[str, float], args: argparse.Namespace) -> None:
    args.out.mkdir(parents=True, exist_ok=True)
    state = {k: v.half().contiguous() for k, v in model.state_dict().items()}
    save_file(state, args.out / "gnpfa.safetensors.part")
    (args.out / "gnpfa.safetensors.part").replace(args.out / "gnpfa.safetensors")
    note = {"config": model.config.to_dict(), "metrics": metrics, "steps": args.steps}
    (args.out / "gnpfa.json").write_text(json.dumps(note, indent=1))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--topology", type=Path, default=Path("models/gnpfa/topology.npz"))
    parser.add_argument("--out", type=Path, default=Path("work/gnpfa"))
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--batch", type=int, default=64, help="expressions an identity")
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
