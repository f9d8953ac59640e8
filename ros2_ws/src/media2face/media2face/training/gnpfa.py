"""Trains the GNPFA on the range-of-motion set: `python -m media2face.training.gnpfa`.

Three stages, each of which has a known target and is therefore quick:
1. codes: K weighted principal components of the average head's motion; every other head's own
   basis is the least-squares answer to the same codes.
2. generator: the UNet learns those bases from the neutral maps.
3. latent: E_geo, M, M' and the codes of z, with the losses of eq. 1-2 and the KL term. Code space
   is orthonormal in the weighted square millimetres of the mesh, so its errors are geometry.
A few steps of all networks on posed meshes end it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm, trange

from media2face.contract import LATENT_DIM
from media2face.corpus.personal import BLINKS, Person, PersonalRig
from media2face.corpus.rom_set import RomSet
from media2face.face.gnpfa import (
    METRES_TO_UNITS,
    Gnpfa,
    GnpfaConfig,
    NeutralBranch,
)
from media2face.face.topology import CHART_BONES, CoordinateMaps, Topology, load_maps
from media2face.training.gnpfa_start import MM, start_generator, vertex_weights
from media2face.types import Float32

KL_WEIGHT, LATENT_WEIGHT, WEIGHTS_WEIGHT = 6e-4, 0.02, 20.0
EXPRESSIONS_A_PERSON = 400
OVERSHOT = 6000
POSED = 200  # meshes at a time, for memory
COMMAND = (
    "python -m media2face.training.gnpfa --latent {0.latent} --generator-steps "
    "{0.generator_steps} --latent-steps {0.latent_steps} --posed-steps {0.posed_steps}"
)


def displacement_mm(rig: PersonalRig, person: Person, weights: Float32) -> Float32:
    """float32 [N, 3 V] of a person at weights [N, 52]."""
    parts = [
        (rig.pose(person, weights[i : i + POSED]) - person.neutral).reshape(
            -1, person.neutral.size
        )
        for i in range(0, len(weights), POSED)
    ]
    return np.concatenate(parts) * np.float32(MM)


class Codes:
    """Weighted principal components of the average head's motion (not centred: rest is 0).

    Attributes:
        basis: float32 [K, 3 V] millimetres.
        std: float32 [K] root mean square of the codes.
    """

    def __init__(self, rom: RomSet, count: int, rng: np.random.Generator) -> None:
        self.rom = rom
        self._root = np.sqrt(np.repeat(vertex_weights(rom.topology), 3))
        sample = rom.train[rng.choice(len(rom.train), 2500, replace=False)]
        moved = displacement_mm(rom.rig, rom.rig.average, sample) * self._root
        power, axes = np.linalg.eigh(moved @ moved.T)
        axes = moved.T @ axes[:, ::-1][:, :count]
        self._axes = (axes / np.linalg.norm(axes, axis=0)).astype(np.float32)
        self.std = np.sqrt(power[::-1][:count] / len(sample)).astype(np.float32)
        spread = np.divide(1, self._root, out=np.zeros_like(self._root), where=self._root > 0)
        self.basis = (self._axes * spread[:, None]).T.copy()

    def __call__(self, weights: Float32) -> Float32:
        """Codes float32 [N, K] of weights [N, 52]."""
        average = self.rom.rig.average
        parts = [
            (displacement_mm(self.rom.rig, average, weights[i : i + POSED]) * self._root)
            @ self._axes
            for i in trange(0, len(weights), POSED, desc="codes", leave=False)
        ]
        return np.concatenate(parts)

    def basis_of(self, person: Person, weights: Float32, codes: Float32) -> Float32:
        """The person's own basis, float32 [K, 3 V] mm: least squares from the average's."""
        moved = displacement_mm(self.rom.rig, person, weights)
        scaled = codes / self.std
        ridge = 0.3 * np.eye(len(self.std), dtype=np.float32)
        right = scaled.T @ (moved - codes @ self.basis)
        change = np.linalg.solve(scaled.T @ scaled + ridge, right)
        return self.basis + change / self.std[:, None]


def person_bases(codes: Codes, path: Path, rng: np.random.Generator) -> Float32:
    """float16 [persons, K, 3 V] mm on disk; made once, about half a second a person."""
    rom = codes.rom
    shape = (len(rom.numbers), *codes.basis.shape)
    if path.exists():
        return np.load(path, mmap_mode="r")
    part = path.with_suffix(".part.npy")
    store = np.lib.format.open_memmap(part, "w+", np.float16, shape)
    weights = rom.train[rng.choice(len(rom.train), EXPRESSIONS_A_PERSON, replace=False)]
    table = codes(weights)
    for row, number in enumerate(tqdm(rom.numbers, desc="bases")):
        store[row] = codes.basis_of(rom.person(number), weights, table)
    store.flush()
    part.replace(path)
    return np.load(path, mmap_mode="r")


class Neutrals:
    """Neutral maps of the persons, as the generator reads them; made when first asked for."""

    def __init__(self, rom: RomSet, maps: CoordinateMaps) -> None:
        self._rom, self._maps = rom, maps
        self._known: dict[int, tuple[Tensor, ...]] = {}
        self._rigid = np.flatnonzero(rom.topology.chart == CHART_BONES)

    def __call__(self, number: int) -> tuple[Tensor, ...]:
        """face [1, 3, size, size], back likewise, rigid [R, 3]; units."""
        if number not in self._known:
            neutral = self._rom.person(number).neutral
            places = (*(m[None] for m in self._maps.from_mesh(neutral)), neutral[self._rigid])
            self._known[number] = tuple(torch.from_numpy(p * METRES_TO_UNITS) for p in places)
        return self._known[number]


def mixture(rng: np.random.Generator) -> Float32:
    """Shares float32 [3] of three persons: they add up to 1, and so do their squares, so that the
    mixed head is as far from the average as its parts."""
    angle = rng.uniform(0, 2 * np.pi) + np.arange(3) * 2 * np.pi / 3
    return (1 / 3 + 2 / 3 * np.cos(angle)).astype(np.float32)


def _by_start(branch: NeutralBranch) -> tuple[list[Tensor], list[Tensor]]:
    """Parameters that start near where they belong, and the rest."""
    started = {"position", "common", "personal", "traits", "bones_constant", "bones_head"}
    fine, free = [], []
    for name, parameter in branch.named_parameters():
        (fine if started & set(name.split(".")) else free).append(parameter)
    return fine, free


def _mixed(parts: Sequence[Tensor], shares: Float32) -> Tensor:
    return torch.stack([float(c) * part for c, part in zip(shares, parts, strict=True)]).sum(0)


class Trainer:
    """The stages, on one model."""

    def __init__(self, args: argparse.Namespace) -> None:
        torch.manual_seed(args.seed)
        self.args, self.rng = args, np.random.default_rng(args.seed)
        self.rom = RomSet(args.shared, args.gnpfa / "topology_full.npz", args.rom)
        self.maps = load_maps(args.gnpfa / "maps.npz")
        config = GnpfaConfig(latent=args.latent)
        args.out.mkdir(parents=True, exist_ok=True)
        self.codes = Codes(self.rom, config.basis, self.rng)
        self.model = Gnpfa(config, self.rom.topology, self.maps)
        self.neutrals = Neutrals(self.rom, self.maps)
        weights = torch.from_numpy(vertex_weights(self.rom.topology)).repeat_interleave(3)
        self.vertex_share = weights / weights.sum() * 3
        if args.keep_latents:
            old = load_file(args.keep_latents / "gnpfa.safetensors")
            own = {k.removeprefix("to_latent."): v.float() for k, v in old.items()
                   if k.startswith("to_latent.")}  # fmt: skip
            self.model.to_latent.load_state_dict(own)
            self.model.to_latent.requires_grad_(False)

    def train_generator(self) -> None:
        """Stage 2: square millimetres between predicted and own bases, codes at their spread.

        Deformation transfer is nearly linear in the neutral (0.05 mm off where heads differ by
        0.38), so mixed heads with mixed bases are true enough, and there is no end of them.
        """
        bases = person_bases(self.codes, self.args.out / "bases.npy", self.rng)
        many = len(self.rom.train_persons)
        known = [self.neutrals(n) for n in tqdm(self.rom.train_persons, desc="neutral maps")]
        start_generator(self.model, self.codes, self.maps, known, bases[:many])
        print(f"linear start: held out {self._generator_error(bases):.4f} mm2", flush=True)
        branch, steps = self.model.neutral_branch, self.args.generator_steps
        fine, free = _by_start(branch)
        rates = [self.args.rate / 20, self.args.rate]
        optimizer = torch.optim.AdamW([{"params": fine}, {"params": free}], weight_decay=1e-4)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, steps)
        std = torch.from_numpy(self.codes.std)[:, None]
        bar, mean = trange(steps, desc="generator"), 0.0
        for step in bar:
            rows = self.rng.choice(many, 3, replace=False)
            shares = mixture(self.rng)
            inputs = zip(*(self.neutrals(self.rom.numbers[row]) for row in rows), strict=True)
            own = [torch.from_numpy(bases[row].astype(np.float32)) for row in rows]
            error = branch(*(_mixed(parts, shares) for parts in inputs)) - _mixed(own, shares)
            loss = ((error * std).square().sum(0) * self.vertex_share).sum() / 3
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(branch.parameters(), 0.1)
            optimizer.step()
            schedule.step()
            mean += 0.02 * (float(loss) - mean) if step else float(loss)
            if step % 50 == 0:
                bar.set_postfix(train=f"{mean:.4f}")
            if step % 500 == 499:
                bar.write(f"step {step + 1}: held out {self._generator_error(bases):.4f} mm2")

    @torch.no_grad()
    def _generator_error(self, bases: Float32) -> float:
        std = torch.from_numpy(self.codes.std)[:, None]
        errors = []
        for row in range(len(self.rom.train_persons), len(self.rom.numbers)):
            found = self.model.neutral_branch(*self.neutrals(self.rom.numbers[row]))
            target = torch.from_numpy(bases[row].astype(np.float32))
            square = ((found - target) * std).square().sum(0) * self.vertex_share
            errors.append(float(square.sum() / 3))
        return float(np.mean(errors))

    def train_latent(self) -> None:
        """Stage 3, in code space, on fresh draws of the set's expressions."""
        drawn = np.concatenate([self.rom.train, self._overshot(OVERSHOT)])
        weights, table = torch.from_numpy(drawn), torch.from_numpy(self.codes(drawn)) / MM
        model, steps = self.model, self.args.latent_steps
        self._start_latent(weights, table)
        nets = (model.encoder, model.to_codes, model.to_latent, model.to_weights)
        free = [p for net in nets for p in net.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(free, lr=1e-3, weight_decay=1e-5)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, steps)
        bar = trange(steps, desc="latent")
        for step in bar:
            pick = torch.from_numpy(self.rng.integers(len(weights), size=512))
            noise = 0.01 * model.encoder.code_std * torch.randn(512, len(self.codes.std))
            terms = self._terms(weights[pick], table[pick], table[pick] + noise)
            loss = torch.stack(list(terms.values())).sum()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(free, 1.0)
            optimizer.step()
            schedule.step()
            if step % 100 == 0:
                bar.set_postfix({name: f"{float(value):.4f}" for name, value in terms.items()})

    def _terms(self, weights: Tensor, codes: Tensor, seen: Tensor) -> dict[str, Tensor]:
        """Losses of PAPER.md section 1 for expressions whose codes [N, K] E_geo sees as `seen`.
        Errors of codes are square millimetres, vertex weights applied, a vertex."""
        model = self.model
        mean, log_variance = model.encoder.from_codes(seen)
        z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        mapped = model.to_latent(weights)
        per_vertex = MM**2 / model.encoder.vertex_weights.sum()
        errors = {
            "scan": (model.codes(z) - codes).square().sum(-1).mean() * per_vertex,
            "mapped": (model.codes(mapped) - codes).square().sum(-1).mean() * per_vertex,
        }
        back = (model.to_weights(mapped) - weights).square().mean()
        back_scanned = (model.to_weights(mean) - weights).square().mean()
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1).mean()
        return errors | {
            "latent": LATENT_WEIGHT * (mapped - mean).square().mean(),
            "weights": WEIGHTS_WEIGHT * (back + back_scanned),
            "kl": KL_WEIGHT * kl,
        }

    @torch.no_grad()
    def _start_latent(self, weights: Tensor, codes: Tensor) -> None:
        """The linear parts start at least squares; z at the leading codes, or where a kept M
        says."""
        model, scaled = self.model, codes / self.model.encoder.code_std
        latent = model.config.latent
        z = model.to_latent(weights) if self.args.keep_latents else scaled[:, :latent]
        pairs = [
            (model.encoder.to_mean, scaled, z),
            (model.to_codes, z, scaled),
            (model.to_weights, z, weights),
        ]
        if not self.args.keep_latents:
            pairs.append((model.to_latent, weights, z))
        ones = torch.ones(len(z), 1)
        for net, inputs, outputs in pairs:
            solution = torch.linalg.lstsq(torch.cat([inputs, ones], 1), outputs).solution
            net.linear.weight.copy_(solution[:-1].T)
            net.linear.bias.copy_(solution[-1])
        model.encoder.to_log_variance.weight.zero_()
        model.encoder.to_log_variance.bias.fill_(-8.0)

    def train_posed(self) -> None:
        """All networks on posed meshes of persons; M stays."""
        model, steps = self.model, self.args.posed_steps
        if steps == 0:
            return
        model.to_latent.requires_grad_(False)
        fine, free = _by_start(model.neutral_branch)
        nets = (model.encoder, model.to_codes, model.to_weights)
        groups = [fine, free, [p for net in nets for p in net.parameters()]]
        rates = [self.args.rate / 100, self.args.rate / 10, self.args.rate / 2]
        optimizer = torch.optim.AdamW([{"params": group} for group in groups], weight_decay=1e-5)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, steps)
        bar = trange(steps, desc="posed")
        for step in bar:
            number = int(self.rng.choice(self.rom.train_persons))
            drawn = np.concatenate([self._draw(self.rom.train, 56), self._overshot(8)])
            terms = self._posed_terms(number, drawn)
            loss = torch.stack(list(terms.values())).sum()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(list(chain(*groups)), 1.0)
            optimizer.step()
            schedule.step()
            if step % 20 == 0:
                bar.set_postfix({name: f"{float(value):.4f}" for name, value in terms.items()})

    def _draw(self, expressions: Float32, count: int) -> Float32:
        return expressions[self.rng.integers(len(expressions), size=count)]

    def _overshot(self, count: int) -> Float32:
        """Blinks beyond 1, as a denoiser makes them: the lids are to stay shut, not to cross."""
        weights = self._draw(self.rom.train, count).copy()
        weights[:, list(BLINKS)] = self.rng.uniform(0.8, 1.6, (count, 1))
        return weights

    def _posed_terms(self, number: int, expressions: Float32) -> dict[str, Tensor]:
        model = self.model
        moved = displacement_mm(self.rom.rig, self.rom.person(number), expressions)
        target, weights = torch.from_numpy(moved), torch.from_numpy(expressions)
        basis = model.neutral_branch(*self.neutrals(number))
        codes = model.encoder.codes(target / MM, basis.detach())
        terms = self._terms(weights, codes, codes)
        for name, z in (
            ("scan", model.encoder.from_codes(codes)[0]),
            ("mapped", model.to_latent(weights)),
        ):
            error = (model.codes(z) @ basis * MM - target).square().mean(0)
            terms[name] = error.mean() * 3 + (error * self.vertex_share).sum()
        return terms

    @torch.no_grad()
    def evaluate(self, persons: list[int], expressions: Float32) -> dict[str, float]:
        """Errors in mm through E_geo and through M."""
        scanned, mapped, names = [], [], []
        rng = np.random.default_rng(99)
        for number in persons:
            weights = expressions[rng.integers(len(expressions), size=48)]
            moved = displacement_mm(self.rom.rig, self.rom.person(number), weights)
            target, known = torch.from_numpy(moved), torch.from_numpy(weights)
            basis = self.model.neutral_branch(*self.neutrals(number))
            mean, _ = self.model.encoder(target / MM, basis)
            for z, found in ((mean, scanned), (self.model.to_latent(known), mapped)):
                error = (self.model.codes(z) @ basis * MM - target).view(len(known), -1, 3)
                found.append(error.norm(dim=-1))
            back = self.model.to_weights(self.model.to_latent(known)).clamp(0, 1)
            names.append((back - known).abs())
        return _metrics(self.rom.topology, torch.cat(scanned), torch.cat(mapped), torch.cat(names))

    def restore(self, state: dict[str, Tensor], generator_alone: bool) -> None:
        """Takes over what a stage left; the generator does not depend on the size of z."""
        if generator_alone:
            own = ("neutral_branch.", "encoder.code_std", "encoder.vertex_weights")
            state = {name: value for name, value in state.items() if name.startswith(own)}
        self.model.load_state_dict(state, strict=not generator_alone)

    def save(self, metrics: dict[str, float]) -> None:
        """Writes gnpfa.safetensors (float16) and gnpfa.json."""
        out = self.args.out
        state = {k: v.half().contiguous() for k, v in self.model.state_dict().items()}
        save_file(state, out / "gnpfa.safetensors.part")
        (out / "gnpfa.safetensors.part").replace(out / "gnpfa.safetensors")
        note = {"command": COMMAND.format(self.args), "config": self.model.config.to_dict()}
        note["metrics"] = metrics
        (out / "gnpfa.json").write_text(json.dumps(note, indent=1))


def _metrics(topology: Topology, scan: Tensor, mesh: Tensor, names: Tensor) -> dict[str, float]:
    lips = torch.from_numpy(topology.lip_vertices)
    values = {
        "scan_mean_mm": scan.mean(),
        "scan_lips_mm": scan[:, lips].mean(),
        "scan_p99_mm": np.percentile(scan.numpy(), 99),
        "mapped_mean_mm": mesh.mean(),
        "mapped_lips_mm": mesh[:, lips].mean(),
        "mapped_p99_mm": np.percentile(mesh.numpy(), 99),
        "weights_mean_abs": names.mean(),
    }
    return {name: round(float(value), 4) for name, value in values.items()}


def train(args: argparse.Namespace) -> None:
    """Runs the stages and writes the model to args.out. A stage that was done is not done again:
    what it left in args.out is read instead."""
    trainer = Trainer(args)
    held_out = trainer.rom.held_out_persons, trainer.rom.held_out
    for stage in (trainer.train_generator, trainer.train_latent, trainer.train_posed):
        store = args.out / f"{stage.__name__}.safetensors"
        if store.exists():
            trainer.restore(load_file(store), stage == trainer.train_generator)
            continue
        stage()
        save_file({k: v.contiguous() for k, v in trainer.model.state_dict().items()}, store)
        metrics = trainer.evaluate(*held_out)
        print(stage.__name__, json.dumps(metrics), flush=True)
        trainer.save(metrics)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--gnpfa", type=Path, default=Path("models/gnpfa"), help="mesh and maps")
    parser.add_argument("--rom", type=Path, default=Path("work/rom"))
    parser.add_argument("--out", type=Path, default=Path("work/gnpfa"))
    parser.add_argument("--latent", type=int, default=LATENT_DIM)
    parser.add_argument(
        "--keep-latents",
        type=Path,
        help="folder of an earlier gnpfa.safetensors whose M stays, and with it what z means: "
        "denoisers trained on it go on working",
    )
    parser.add_argument("--generator-steps", type=int, default=1500)
    parser.add_argument("--latent-steps", type=int, default=8000)
    parser.add_argument("--posed-steps", type=int, default=450, help="0 = none")
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
