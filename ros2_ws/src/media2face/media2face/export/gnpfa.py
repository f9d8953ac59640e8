"""Makes models/gnpfa from a trained GNPFA: `python -m media2face.export.gnpfa`."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from torch.export import Dim

from media2face.corpus.facekit import load_facekit
from media2face.corpus.rom import head, sample_identity
from media2face.export.graph import export_graph
from media2face.export.manifest import head_commit, write_manifest
from media2face.face.gnpfa import Gnpfa
from media2face.face.heads import HeadPresets, save_presets
from media2face.face.topology import BACK_MAP_SIZE, FACE_MAP_SIZE, Topology, load_topology
from media2face.training.denoiser import load_gnpfa_file

# Seeds of heads picked by eye for variety from a contact sheet; spread in deviations a mode.
PRESETS: dict[str, tuple[int, float]] = {
    "average": (0, 0.0),
    "ada": (6, 0.85),
    "ben": (9, 0.85),
    "chloe": (14, 0.85),
    "diego": (13, 0.85),
    "emeka": (20, 0.85),
    "farah": (11, 0.85),
    "goro": (8, 0.85),
}


class _Decoder(torch.nn.Module):
    def __init__(self, gnpfa: Gnpfa) -> None:
        super().__init__()
        self.gnpfa = gnpfa

    def forward(self, z: torch.Tensor, basis: torch.Tensor, neutral: torch.Tensor) -> object:
        return self.gnpfa.decode(z, basis, neutral)


def make_presets(facekit: Path, topology: Topology) -> HeadPresets:
    """The named heads."""
    kit = load_facekit(facekit)
    heads = [
        head(kit, topology, sample_identity(np.random.default_rng(seed), spread))
        for seed, spread in PRESETS.values()
    ]
    return HeadPresets(
        tuple(PRESETS), np.stack([h[0] for h in heads]), np.stack([h[1] for h in heads])
    )


def export(args: argparse.Namespace) -> None:
    """Writes graphs, weights, presets and manifest to args.out."""
    gnpfa = load_gnpfa_file(args.work)
    topology = load_topology(args.out / "topology.npz")
    save_presets(
        args.out / "identities.npz",
        topology,
        make_presets(args.shared / "facekit" / "facekit.npz", topology),
    )
    c, width = gnpfa.config, 3 * len(topology.neutral)
    frames = Dim("frames", min=1)
    export_graph(
        _Decoder(gnpfa),
        (torch.zeros(2, c.latent), torch.zeros(c.basis, width), torch.zeros(width)),
        args.out / "decoder.onnx",
        (["z", "basis", "neutral"], ["vertices", "blendshapes"]),
        ({0: frames}, {1: Dim("coordinates", min=3)}, {0: Dim("coordinates", min=3)}),
    )
    export_graph(
        gnpfa.neutral_branch,
        (
            torch.zeros(1, 3, FACE_MAP_SIZE, FACE_MAP_SIZE),
            torch.zeros(1, 3, BACK_MAP_SIZE, BACK_MAP_SIZE),
        ),
        args.out / "neutral.onnx",
        (["face", "back"], ["face_basis", "back_basis", "bones"]),
        (None, None),
    )
    shutil.copy(args.work / "gnpfa.safetensors", args.out)
    note = json.loads((args.work / "gnpfa.json").read_text())
    write_manifest(
        args.out,
        "gnpfa",
        ["topology.npz", "identities.npz", "decoder.onnx", "neutral.onnx", "gnpfa.safetensors"],
        config=c.to_dict(),
        licences=[
            "MIT: ICT Face Model Light (USC ICT), the head, its identities and shapes",
            "MIT: Live Link Face range of motion (A. Donciu-Julin), expressions",
            "MIT: FACEGOOD Audio2Face captures, expressions",
        ],
        training={
            "command": f"python -m media2face.training.gnpfa --steps {note['steps']}",
            "commit": head_commit(),
        },
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
