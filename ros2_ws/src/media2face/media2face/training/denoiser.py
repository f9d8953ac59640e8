"""Trains the denoiser: `python -m media2face.training.denoiser --out work/small`.

Needs the corpus shards, the style codes and an exported GNPFA; resumes from its last checkpoint.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import trange

from media2face.backends.torch import load_gnpfa
from media2face.contract import LATENT_SLICE
from media2face.corpus.phones import PHONES
from media2face.face.gnpfa import METRES_TO_UNITS, Gnpfa
from media2face.face.topology import (
    CHART_BONES,
    CoordinateMaps,
    Topology,
    load_maps,
    load_topology,
    topology_file,
)
from media2face.motion.denoiser import Denoiser, DenoiserConfig
from media2face.motion.schedule import alpha_bar
from media2face.training.motion_data import (
    Batch,
    Scale,
    StyleTable,
    WindowSampler,
    fit_scale,
    load_clips,
)

VELOCITY, SMOOTH, GEOMETRY, PHONE = 1.0, 0.01, 0.6, 0.1
SHAKE = 5.0  # head and eyes move smoothly: errors of their acceleration show as trembling
DROP_STYLE, DROP_AUDIO = 0.3, 0.1
UNKNOWN_PHONE = 255


@dataclass(frozen=True)
class LipProbe:
    """Points of the average head where errors are seen: float32 [K, 3 N] basis, millimetres."""

    basis: Tensor
    gnpfa: Gnpfa
    mean: Tensor
    std: Tensor

    def __call__(self, motion: Tensor) -> Tensor:
        """Normalised motion [B, N, X] -> displacements [B, N, 3 n] mm."""
        latent = motion[..., LATENT_SLICE] * self.std + self.mean
        return self.gnpfa.codes(latent) @ self.basis


def make_probe(gnpfa: Gnpfa, topology: Topology, maps: CoordinateMaps, scale: Scale) -> LipProbe:
    """Every fourth lip vertex, the landmarks and a spread over the rest of the face."""
    rigid = topology.neutral[topology.chart == CHART_BONES]
    inputs = (*(m[None] for m in maps.from_mesh(topology.neutral)), rigid)
    with torch.no_grad():
        basis = gnpfa.neutral_branch(*(torch.from_numpy(m * METRES_TO_UNITS) for m in inputs))
    marks = topology.landmarks68.astype(np.int64)
    spread = maps.face.vertices[::40]
    points = np.concatenate([topology.lip_vertices[::4], marks[17:68], marks[60:68], spread])
    picked = basis.view(len(basis), -1, 3)[:, torch.from_numpy(points)].flatten(1) * 1000
    return LipProbe(
        picked.detach(),
        copy.deepcopy(gnpfa).requires_grad_(False),
        torch.from_numpy(scale.motion_mean[LATENT_SLICE]),
        torch.from_numpy(scale.motion_std[LATENT_SLICE]),
    )


def draw_levels(size: int, config: DenoiserConfig) -> Tensor:
    """Noise levels [B, N]: half the windows have a clean past (as when streaming), a quarter one
    common level (the paper's way), a quarter a level of its own for each frame."""
    frames = config.frames
    common = torch.rand(size, 1).expand(size, frames)
    own = torch.rand(size, frames)
    kind = torch.rand(size, 1)
    past = torch.full((size, 1), config.context_frames)
    ragged = torch.randint(0, config.frames - 1, (size, 1))
    past = torch.where(torch.rand(size, 1) < 0.7, past, ragged)
    clean = torch.arange(frames)[None] < past
    # a little noise on the past, honestly labelled, so that own errors do not build up
    faint = 0.06 * torch.rand(size, 1) * (torch.rand(size, 1) < 0.5)
    streamed = torch.where(clean, faint.expand(size, frames), common)
    return torch.where(kind < 0.5, streamed, torch.where(kind < 0.75, common, own))


def step_losses(model: Denoiser, batch: Batch, probe: LipProbe) -> dict[str, Tensor]:
    """PAPER.md section 3: x0, velocity, smoothness; besides, lips in millimetres, the head's
    acceleration and phones."""
    size = len(batch.motion)
    level = draw_levels(size, model.config)
    kept = torch.from_numpy(alpha_bar(level.numpy())).float()[..., None]
    kept = torch.where(level[..., None] == 0, torch.ones_like(kept), kept)
    noised = kept.sqrt() * batch.motion + (1 - kept).sqrt() * torch.randn_like(batch.motion)
    drop_both = torch.rand(size) < DROP_AUDIO
    # Prompts are dropped where the window ends without one: so no prompt means a calm face, and
    # not an average of all emotions.
    calm = (batch.style[:, -1] == 0).all(-1)
    has_style = (~drop_both & ~(calm & (torch.rand(size) < DROP_STYLE))).float()
    # bfloat16 matrix products: 2.5 times as fast on a CPU that has them, a little slower elsewhere
    with torch.autocast("cpu", torch.bfloat16):
        features = model.audio_encoder(batch.mel)
        answer = model(noised, level, features, (~drop_both).float(), batch.style, has_style)
    features, answer = features.float(), answer.float()
    error = answer - batch.motion
    geometry = probe(answer) - probe(batch.motion)
    second = answer[:, 2:] - 2 * answer[:, 1:-1] + answer[:, :-2]
    carriage = error[..., LATENT_SLICE.stop :]
    shake = carriage[:, 2:] - 2 * carriage[:, 1:-1] + carriage[:, :-2]
    heard = (batch.phones != UNKNOWN_PHONE).all(1)
    terms = {
        "x0": error.square().mean(),
        "velocity": VELOCITY * (error[:, 1:] - error[:, :-1]).square().mean(),
        "smooth": SMOOTH * second.square().mean(),
        "shake": SHAKE * shake.square().mean(),
        "geometry": GEOMETRY * geometry.square().mean(),
    }
    if model.phone_head is not None and heard.any():
        logits = model.phone_head(features[heard])
        terms["phone"] = PHONE * F.cross_entropy(
            logits.flatten(0, 1), batch.phones[heard].flatten()
        )
    return terms


@torch.no_grad()
def validate(model: Denoiser, sampler: WindowSampler, probe: LipProbe) -> dict[str, float]:
    """Losses on unseen speakers with fixed draws."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        rng = np.random.default_rng(1)
        sums: dict[str, float] = {}
        for _ in range(6):
            for name, value in step_losses(model, sampler.batch(64, rng), probe).items():
                sums[name] = sums.get(name, 0.0) + float(value) / 6
    return {name: round(value, 4) for name, value in sums.items()}


def load_styles(path: Path) -> StyleTable:
    """Codes written by training.style."""
    raw = np.load(path)
    plain = raw["mixture"].max(1) > 0.8
    return StyleTable(raw["codes"][plain], raw["emotion"][plain], raw["intensity"][plain])


def read_scale(fields: dict[str, Any]) -> Scale:
    """The scale of a checkpoint: training goes on in the units it began with."""
    arrays = ("motion_mean", "motion_std", "rest")
    return Scale(**{k: np.array(v, np.float32) if k in arrays else v for k, v in fields.items()})


class Trainer:
    """Model, average, optimiser and their checkpoint."""

    def __init__(self, args: argparse.Namespace) -> None:
        torch.manual_seed(args.seed)
        self.args = args
        self.config = DenoiserConfig(phones=len(PHONES))
        gnpfa = load_gnpfa(args.gnpfa).requires_grad_(False)
        clips = load_clips(args.corpus, "train", gnpfa, self.config)
        unseen = load_clips(args.corpus, "dev", gnpfa, self.config)
        self.checkpoint = args.out / "checkpoint.pt"
        saved = None
        if self.checkpoint.is_file():
            saved = torch.load(self.checkpoint, weights_only=True)
        self.scale = read_scale(saved["scale"]) if saved else fit_scale(clips, gnpfa)
        styles = load_styles(args.styles)
        self.train_set = WindowSampler(clips, self.scale, styles, self.config)
        self.unseen_set = WindowSampler(unseen, self.scale, styles, self.config)
        topology = load_topology(args.gnpfa / topology_file("full"))
        self.probe = make_probe(gnpfa, topology, load_maps(args.gnpfa / "maps.npz"), self.scale)
        self.model = Denoiser(self.config)
        self.average = copy.deepcopy(self.model).requires_grad_(False).eval()
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=args.rate, weight_decay=0.02, betas=(0.9, 0.99)
        )
        self.step = 0
        self.history: list[dict[str, Any]] = []
        if saved:
            self._resume(saved)

    def _resume(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.history = state["step"], state["history"]

    def save(self) -> None:
        """Checkpoint and scale; written aside and renamed."""
        self.args.out.mkdir(parents=True, exist_ok=True)
        part = self.checkpoint.with_suffix(".part")
        torch.save(
            {
                "model": self.model.state_dict(),
                "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "step": self.step,
                "history": self.history,
                "config": self.config.to_dict(),
                "scale": {k: np.asarray(v).tolist() for k, v in asdict(self.scale).items()},
            },
            part,
        )
        part.replace(self.checkpoint)

    def rate(self) -> float:
        """Warm-up, then cosine to a twentieth."""
        args = self.args
        warm = min(1.0, (self.step + 1) / 200)
        done = min(1.0, self.step / args.steps)
        return float(args.rate * warm * (0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * done))))

    def run(self) -> None:
        """Trains until args.steps."""
        args = self.args
        rng = np.random.default_rng(args.seed + self.step)
        bar = trange(self.step, args.steps, desc="denoiser", initial=self.step, total=args.steps)
        for _ in bar:
            for group in self.optimizer.param_groups:
                group["lr"] = self.rate()
            terms = step_losses(self.model, self.train_set.batch(args.batch, rng), self.probe)
            self.optimizer.zero_grad()
            torch.stack(list(terms.values())).sum().backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.step += 1
            self._update_average()
            if self.step % 20 == 0:
                bar.set_postfix({k: f"{float(v):.3f}" for k, v in terms.items()})
            if self.step % args.check_every == 0 or self.step == args.steps:
                unseen = validate(self.average, self.unseen_set, self.probe)
                row = {"step": self.step, "time": round(time.time()), "unseen": unseen}
                self.history.append(row)
                bar.write(json.dumps(row))
                self.save()

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(0.998, (1 + self.step) / (20 + self.step))
        for mean, now in zip(self.average.parameters(), self.model.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path("work/speech"))
    parser.add_argument("--styles", type=Path, default=Path("work/style/codes.npz"))
    parser.add_argument("--gnpfa", type=Path, default=Path("models/gnpfa"))
    parser.add_argument("--out", type=Path, default=Path("work/small"))
    parser.add_argument("--steps", type=int, default=9700)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=6e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check-every", type=int, default=250)
    Trainer(parser.parse_args()).run()


if __name__ == "__main__":
    main()
