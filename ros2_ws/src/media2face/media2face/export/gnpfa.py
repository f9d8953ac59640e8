"""Makes models/gnpfa from a trained GNPFA: `python -m media2face.export.gnpfa`."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from torch.export import Dim

from media2face.backends.torch import read_gnpfa
from media2face.contract import BLENDSHAPE_DIM
from media2face.corpus.facekit import load_facekit
from media2face.corpus.personal import PersonalRig
from media2face.corpus.rom import identity_modes, mesh_shapes
from media2face.export.graph import export_graph
from media2face.export.manifest import head_commit, write_manifest
from media2face.face.gnpfa import Gnpfa
from media2face.face.heads import SEED_SPREAD, save_heads
from media2face.face.topology import CHART_BONES, LEVELS, MAP_SIZE, load_topology, topology_file

MODES = 60  # of the head's 100 identity modes: 99.2 % of what they move
# Seeds of heads picked by eye for variety from a contact sheet; spread in deviations a mode.
PRESETS = {"average": None, "ada": 6, "ben": 9, "chloe": 14, "diego": 13, "emeka": 20, "farah": 11,
           "goro": 8}  # fmt: skip


class _Decoder(torch.nn.Module):
    def __init__(self, gnpfa: Gnpfa) -> None:
        super().__init__()
        self.gnpfa = gnpfa

    def forward(self, z: torch.Tensor, basis: torch.Tensor, neutral: torch.Tensor) -> object:
        return self.gnpfa.decode(z, basis, neutral)


def write_heads(facekit: Path, gnpfa: Path) -> None:
    """The identity modes on our mesh, and the named heads."""
    kit, topology = load_facekit(facekit), load_topology(gnpfa / topology_file("full"))
    rig = PersonalRig(topology, mesh_shapes(kit, topology))
    modes, centres = identity_modes(kit, topology, rig)
    presets = {
        name: np.zeros(MODES) if seed is None else _drawn(seed) for name, seed in PRESETS.items()
    }
    save_heads(gnpfa / "identities.npz", modes[:MODES], centres[:MODES], presets)


def _drawn(seed: int) -> np.ndarray:
    return np.clip(np.random.default_rng(seed).normal(0, SEED_SPREAD, MODES), -2.2, 2.2)


def write_graphs(gnpfa: Gnpfa, out: Path) -> None:
    """decoder.onnx, neutral.onnx and mapping.onnx."""
    c, topology = gnpfa.config, load_topology(out / topology_file("full"))
    width, frames = 3 * len(topology.neutral), Dim("frames", min=1)
    export_graph(
        _Decoder(gnpfa),
        (torch.zeros(2, c.latent), torch.zeros(c.basis, width), torch.zeros(width)),
        out / "decoder.onnx",
        (["z", "basis", "neutral"], ["vertices", "blendshapes"]),
        ({0: frames}, {1: Dim("coordinates", min=3)}, {0: Dim("coordinates", min=3)}),
    )
    export_graph(
        gnpfa.neutral_branch,
        (
            torch.zeros(1, 3, MAP_SIZE, MAP_SIZE),
            torch.zeros(1, 3, MAP_SIZE, MAP_SIZE),
            torch.zeros(int((topology.chart == CHART_BONES).sum()), 3),
        ),
        out / "neutral.onnx",
        (["face", "back", "rigid"], ["basis"]),
        (None, None, None),
        shared=out / "gnpfa.safetensors",
    )
    export_graph(
        gnpfa.to_latent,
        (torch.zeros(2, BLENDSHAPE_DIM),),
        out / "mapping.onnx",
        (["weights"], ["latent"]),
        ({0: frames},),
    )


def export(args: argparse.Namespace) -> None:
    """Writes graphs, weights, heads and manifest to args.out."""
    note = json.loads((args.work / "gnpfa.json").read_text())
    gnpfa = read_gnpfa(args.out, note["config"], args.work / "gnpfa.safetensors")
    write_heads(args.shared / "facekit" / "facekit.npz", args.out)
    shutil.copy(args.work / "gnpfa.safetensors", args.out)
    write_graphs(gnpfa, args.out)
    write_manifest(
        args.out,
        "gnpfa",
        [
            *(topology_file(level) for level in LEVELS),
            *("maps.npz", "identities.npz", "decoder.onnx", "neutral.onnx", "mapping.onnx"),
            "gnpfa.safetensors",
        ],
        config=gnpfa.config.to_dict(),
        licences=[
            "MIT: ICT Face Model Light (USC ICT), the head, its identities and shapes",
            "MIT: Live Link Face range of motion (A. Donciu-Julin), expressions",
            "MIT: FACEGOOD Audio2Face captures, expressions",
        ],
        training={"command": note["command"], "commit": head_commit()},
        metrics=note["metrics"],
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--work", type=Path, default=Path("work/gnpfa"))
    parser.add_argument("--out", type=Path, default=Path("models/gnpfa"))
    export(parser.parse_args())


if __name__ == "__main__":
    main()
