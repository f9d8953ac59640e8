"""Builds the range-of-motion set (PAPER.md 1): `m2f corpus rom`.

One file a person, so that a run that was stopped goes on where it was. The last persons and the
last fifth of the captures are held out.
"""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from tqdm import tqdm

from media2face.corpus.facekit import load_facekit
from media2face.corpus.personal import Hinge, Person, PersonalRig
from media2face.corpus.rom import (
    RomSource,
    identity_modes,
    load_captures,
    mesh_shapes,
    sample_expressions,
    sample_identity,
)
from media2face.face.topology import load_topology
from media2face.types import Float32

HELD_OUT_PERSONS = 40
TRAIN_EXPRESSIONS, HELD_OUT_EXPRESSIONS = 40_000, 4_000
SPREADS = (0.6, 0.8, 1.0)  # standard deviations of the identity modes, persons in turn


@dataclass(frozen=True)
class RomPaths:
    """Where the set's files lie."""

    folder: Path

    @property
    def expressions(self) -> Path:
        return self.folder / "expressions.npz"

    def person(self, number: int) -> Path:
        return self.folder / f"person_{number:04d}.npz"


def build(
    shared: Path, topology: Path, out: Path, *, persons: int, seed: int, processes: int
) -> None:
    """Writes the set to `out`; what is there already is kept."""
    if persons <= HELD_OUT_PERSONS:
        raise ValueError(f"--persons {persons} leaves none to train on: give more than 40")
    out.mkdir(parents=True, exist_ok=True)
    paths = RomPaths(out)
    _write_expressions(paths, load_captures(shared / "capture"), seed)
    missing = [n for n in range(persons) if not paths.person(n).exists()]
    jobs = [(shared, topology, out, seed, number) for number in missing]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        bar = tqdm(total=persons, initial=persons - len(missing), desc="persons")
        for _ in pool.imap_unordered(_write_person, jobs):
            bar.update()
        bar.close()


def _write_expressions(paths: RomPaths, captures: RomSource, seed: int) -> None:
    if paths.expressions.exists():
        return
    fit, held_out = _split(captures)
    rng = np.random.default_rng((seed, 1))
    np.savez_compressed(
        paths.expressions,
        train=sample_expressions(fit, TRAIN_EXPRESSIONS, rng).astype(np.float16),
        held_out=sample_expressions(held_out, HELD_OUT_EXPRESSIONS, rng).astype(np.float16),
    )


def _split(captures: RomSource) -> tuple[RomSource, RomSource]:
    """The last fifth of either kind of capture is held out."""
    a, b = (int(0.8 * len(x)) for x in (captures.full_face, captures.speech))
    return (
        RomSource(captures.full_face[:a], captures.speech[:b]),
        RomSource(captures.full_face[a:], captures.speech[b:]),
    )


@cache
def _workshop(shared: Path, topology: Path) -> tuple[PersonalRig, Float32, Float32]:
    kit = load_facekit(shared / "facekit" / "facekit.npz")
    mesh = load_topology(topology)
    rig = PersonalRig(mesh, mesh_shapes(kit, mesh))
    return rig, *identity_modes(kit, mesh, rig)


def _write_person(job: tuple[Path, Path, Path, int, int]) -> None:
    shared, topology, out, seed, number = job
    rig, modes, centres = _workshop(shared, topology)
    spread = SPREADS[number % len(SPREADS)]
    weights = sample_identity(np.random.default_rng((seed, 2, number)), spread)
    person = rig.personalise(
        rig.topology.neutral + np.tensordot(weights, modes, 1),
        rig.topology.eye_centres + np.tensordot(weights, centres, 1),
    )
    part = out / f"person_{number:04d}.part.npz"
    np.savez(
        part,
        identity=weights,
        neutral=person.neutral,
        eye_centres=person.eye_centres,
        shapes_mm=(person.shapes * 1000).astype(np.float16),
        hinge_pivot=person.hinge.pivot,
    )
    part.replace(RomPaths(out).person(number))


class RomSet:
    """Reads a built set."""

    def __init__(self, shared: Path, topology: Path, folder: Path) -> None:
        """Raises FileNotFoundError with the command that makes the set."""
        self.paths = RomPaths(folder)
        self.numbers = sorted(int(p.stem[-4:]) for p in folder.glob("person_????.npz"))
        if not self.paths.expressions.exists() or len(self.numbers) <= HELD_OUT_PERSONS:
            raise FileNotFoundError(f"no range-of-motion set in {folder}: run `m2f corpus rom`")
        kit, self.topology = (
            load_facekit(shared / "facekit" / "facekit.npz"),
            load_topology(topology),
        )
        self.rig = PersonalRig(self.topology, mesh_shapes(kit, self.topology))
        with np.load(self.paths.expressions) as raw:
            self.train, self.held_out = (raw[n].astype(np.float32) for n in ("train", "held_out"))
        self.train_persons = self.numbers[:-HELD_OUT_PERSONS]
        self.held_out_persons = self.numbers[-HELD_OUT_PERSONS:]

    def person(self, number: int) -> Person:
        """Reads one."""
        with np.load(self.paths.person(number)) as raw:
            average = self.rig.average.hinge
            return Person(
                raw["neutral"],
                raw["eye_centres"],
                raw["shapes_mm"].astype(np.float32) / 1000,
                Hinge(average.turn, raw["hinge_pivot"], average.slide),
            )
