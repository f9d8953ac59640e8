"""How good the GNPFA is, on heads and expressions it never saw: `m2f eval gnpfa`. Needs torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from media2face.backends.torch import load_gnpfa
from media2face.contract import BLENDSHAPE_DIM, BLENDSHAPE_NAMES
from media2face.corpus.personal import Person
from media2face.corpus.phones import BILABIALS, PHONES
from media2face.corpus.rom_set import RomSet
from media2face.corpus.teacher import enforce_gap
from media2face.corpus.visemes import target_matrix
from media2face.face.gnpfa import METRES_TO_UNITS, Gnpfa
from media2face.face.heads import HeadModel
from media2face.face.topology import CHART_BONES, load_maps, topology_file
from media2face.types import Float32

EXPRESSIONS_A_PERSON = 48
PCA_A_PERSON = 12
PROBE_EXPRESSIONS = 300
SHARED_EXPRESSIONS = 24
CLOSED_MM = -0.1  # lips of p, b and m press on each other


@dataclass
class Case:
    """One held-out person: true displacements float32 [N, 3 V] mm at weights [N, 52], and the
    generator's basis of its neutral."""

    person: Person
    weights: Float32
    moved: Float32
    basis: Tensor


class Examiner:
    """Runs a GNPFA on the held-out part of the range-of-motion set."""

    def __init__(self, gnpfa: Path, shared: Path, rom: Path) -> None:
        self.rom = RomSet(shared, gnpfa / topology_file("full"), rom)
        self.model: Gnpfa = load_gnpfa(gnpfa)
        self.topology = self.rom.topology
        self.heads = HeadModel(gnpfa / "identities.npz", self.topology)
        self._maps = load_maps(gnpfa / "maps.npz")
        self._rigid = self.topology.chart == CHART_BONES
        torch.set_grad_enabled(False)

    def basis(self, neutral: Float32) -> Tensor:
        """Generator's basis [K, 3 V] of a neutral [V, 3]."""
        face, back = self._maps.from_mesh(neutral)
        inputs = (face[None], back[None], neutral[self._rigid])
        return self.model.neutral_branch(*(torch.from_numpy(x * METRES_TO_UNITS) for x in inputs))

    def moved(self, person: Person, weights: Float32) -> Float32:
        """True displacements [N, 3 V] mm."""
        posed = self.rom.rig.pose(person, weights) - person.neutral
        return (posed * 1000).reshape(len(weights), -1)

    def encode(self, moved: Float32, basis: Tensor) -> Tensor:
        """E_geo: displacements in mm to z."""
        return self.model.encoder(torch.from_numpy(moved) / 1000, basis)[0]

    def decode(self, z: Tensor, basis: Tensor) -> Float32:
        """Displacements [N, 3 V] mm."""
        return (self.model.decode(z, basis, torch.zeros(basis.shape[1]))[0] * 1000).numpy()

    def map(self, weights: Float32) -> Tensor:
        """M."""
        return self.model.to_latent(torch.from_numpy(weights))

    def cases(self) -> Iterator[Case]:
        """The held-out persons, each with held-out expressions of its own."""
        rng = np.random.default_rng(7)
        for number in tqdm(self.rom.held_out_persons, desc="held-out heads"):
            person = self.rom.person(number)
            rows = rng.integers(len(self.rom.held_out), size=EXPRESSIONS_A_PERSON)
            weights = self.rom.held_out[rows]
            yield Case(person, weights, self.moved(person, weights), self.basis(person.neutral))


def distances(difference: Float32) -> Float32:
    """[N, 3 V] -> [N, V]."""
    return np.linalg.norm(difference.reshape(len(difference), -1, 3), axis=-1)


class Pca:
    """Principal components of the training persons' displacements, as many as z has numbers."""

    def __init__(self, examiner: Examiner, size: int) -> None:
        rng, rom = np.random.default_rng(3), examiner.rom
        sample = []
        for number in tqdm(rom.train_persons, desc="PCA"):
            weights = rom.train[rng.integers(len(rom.train), size=PCA_A_PERSON)]
            sample.append(examiner.moved(rom.person(number), weights))
        data = np.concatenate(sample)
        self.mean = data.mean(0)
        data -= self.mean
        _, axes = np.linalg.eigh(data @ data.T)
        components = data.T @ axes[:, -size:]
        self.components = components / np.linalg.norm(components, axis=0)

    def __call__(self, moved: Float32) -> Float32:
        """The nearest displacements it can make."""
        return (moved - self.mean) @ self.components @ self.components.T + self.mean


def accuracy(examiner: Examiner) -> tuple[dict[str, dict[str, float]], dict[str, Float32]]:
    """Table of errors (mm) by method, and the mean error of each vertex by method."""
    pca = Pca(examiner, examiner.model.config.latent)
    shapes = examiner.rom.rig.average.shapes.reshape(BLENDSHAPE_DIM, -1) * 1000
    found: dict[str, list[Float32]] = {}
    for case in examiner.cases():
        answers = {
            "GNPFA, E_geo -> G_geo": examiner.decode(
                examiner.encode(case.moved, case.basis), case.basis
            ),
            "GNPFA, M -> G_geo": examiner.decode(examiner.map(case.weights), case.basis),
            f"PCA of displacements, {pca.components.shape[1]}": pca(case.moved),
            "linear blendshapes, true weights": case.weights @ shapes,
        }
        for name, answer in answers.items():
            found.setdefault(name, []).append(distances(answer - case.moved).astype(np.float16))
    lips = examiner.topology.lip_vertices
    table, by_vertex = {}, {}
    for name, parts in found.items():
        error = np.concatenate(parts).astype(np.float32)
        table[name] = {
            "mean_mm": float(error.mean()),
            "lips_mm": float(error[:, lips].mean()),
            "p99_mm": float(np.percentile(error, 99)),
        }
        by_vertex[name] = error.mean(0)
    return table, by_vertex


def identity_in_latent(examiner: Examiner) -> dict[str, float]:
    """A probe that guesses the head from z, as the VAE draws it and from its mean alone, and the
    share of z's variance between heads."""
    rng, rom = np.random.default_rng(11), examiner.rom
    people = [rom.person(n) for n in rom.held_out_persons]
    bases = [examiner.basis(p.neutral) for p in people]
    means, drawn = [], []
    torch.manual_seed(0)
    for person, basis in zip(tqdm(people, desc="probe"), bases, strict=True):
        weights = rom.held_out[rng.integers(len(rom.held_out), size=PROBE_EXPRESSIONS)]
        moved = torch.from_numpy(examiner.moved(person, weights)) / 1000
        mean, log_variance = examiner.model.encoder(moved, basis)
        means.append(mean)
        drawn.append(mean + torch.randn_like(mean) * (0.5 * log_variance).exp())
    hundred = [*rom.held_out_persons, *rom.train_persons[:60]]
    weights = rom.held_out[rng.integers(len(rom.held_out), size=SHARED_EXPRESSIONS)]
    same = []
    for number in tqdm(hundred, desc="same expressions"):
        person = rom.person(number)
        same.append(
            examiner.encode(examiner.moved(person, weights), examiner.basis(person.neutral))
        )
    stack = torch.stack(same)  # [heads, expressions, D]
    between = stack.var(0).mean()
    return {
        "probe_of_z": _probe(torch.stack(drawn)),
        "probe_of_its_mean": _probe(torch.stack(means)),
        "probe_chance": 1 / len(people),
        "variance_between_heads": float(between / stack.flatten(0, 1).var(0).mean()),
        "heads": len(hundred),
    }


def _probe(latents: Tensor) -> float:
    """Accuracy of a small network on the last third of each head's latents [heads, N, D]."""
    heads, count, width = latents.shape
    flat = latents.flatten(0, 1)
    latents = (latents - flat.mean(0)) / flat.std(0)
    cut = 2 * count // 3
    label = torch.arange(heads)[:, None].expand(heads, count)
    with torch.enable_grad():
        torch.manual_seed(0)
        net = torch.nn.Sequential(
            torch.nn.Linear(width, 128), torch.nn.ReLU(), torch.nn.Linear(128, heads)
        )
        optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
        x, y = latents[:, :cut].flatten(0, 1), label[:, :cut].flatten()
        for _ in range(60):
            for pick in torch.randperm(len(x)).split(256):
                loss = torch.nn.functional.cross_entropy(net(x[pick]), y[pick])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    guess = net(latents[:, cut:].flatten(0, 1)).argmax(-1)
    return float((guess == label[:, cut:].flatten()).float().mean())


def transfer(examiner: Examiner) -> dict[str, float]:
    """Expressions read off one held-out head and made on the next, against its own shapes (mm)."""
    errors, last = [], None
    for case in examiner.cases():
        if last is not None:
            z = examiner.encode(last.moved, last.basis)
            truth = examiner.moved(case.person, last.weights)
            errors.append(distances(examiner.decode(z, case.basis) - truth))
        last = case
    error = np.concatenate(errors)
    lips = examiner.topology.lip_vertices
    return {"mean_mm": float(error.mean()), "lips_mm": float(error[:, lips].mean())}


def names_back(examiner: Examiner) -> tuple[dict[str, float], Float32, Float32]:
    """M'(M(w)) on held-out expressions: errors, the true weights and the answers [N, 52]."""
    weights = examiner.rom.held_out
    answer = examiner.model.to_weights(examiner.map(weights)).clamp(0, 1).numpy()
    error = np.abs(answer - weights)
    worst = int(error.mean(0).argmax())
    return (
        {
            "mean_abs": float(error.mean()),
            f"worst, {BLENDSHAPE_NAMES[worst]}": float(error.mean(0)[worst]),
        },
        weights,
        answer,
    )


def bilabials(examiner: Examiner) -> dict[str, dict[str, float]]:
    """Lip gap and interpenetration (mm) of p, b, m on the named heads, through M."""
    weights = target_matrix()[[PHONES.index(p) for p in sorted(BILABIALS)]]
    enforce_gap(weights, np.full(len(weights), CLOSED_MM, np.float32))
    z, rows = examiner.map(weights), {}
    for name in examiner.heads.preset_names:
        neutral = examiner.heads.resolve(name).neutral
        moved = examiner.decode(z, examiner.basis(neutral)).reshape(len(z), -1, 3) / 1000
        gap = examiner.rom.rig.lip_gap(neutral + moved) * 1000
        rows[name] = {
            "gap_mm": float(np.maximum(gap, 0).max()),
            "interpenetration_mm": float(np.maximum(-gap, 0).max()),
        }
    return rows


def as_markdown(results: dict[str, dict[str, Any]]) -> str:
    """The results as tables."""
    lines = ["| held-out heads and expressions | mean mm | lips mm | 99th percentile mm |"]
    lines.append("|---|---|---|---|")
    for name, row in results["accuracy"].items():
        values = (row["mean_mm"], row["lips_mm"], row["p99_mm"])
        lines.append(f"| {name} | " + " | ".join(f"{v:.3f}" for v in values) + " |")
    lines += ["", "| measure | value |", "|---|---|"]
    for group in ("identity", "transfer", "names"):
        lines += [f"| {group}: {name} | {v:.4g} |" for name, v in results[group].items()]
    lines += ["", "| p, b, m on | gap mm | interpenetration mm |", "|---|---|---|"]
    for name, row in results["bilabials"].items():
        lines.append(f"| {name} | {row['gap_mm']:.3f} | {row['interpenetration_mm']:.3f} |")
    return "\n".join(lines)
