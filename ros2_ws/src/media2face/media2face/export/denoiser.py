"""Makes models/<name> from a denoiser's checkpoint: `python -m media2face.export.denoiser`."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch.export import Dim

from media2face.backends.torch import load_gnpfa
from media2face.contract import (
    BLENDSHAPE_DIM,
    BLENDSHAPE_NAMES,
    LATENT_SLICE,
    MEL_BANDS,
    MEL_PER_FRAME,
    MOTION_DIM,
    STYLE_DIM,
)
from media2face.export.graph import export_graph
from media2face.export.manifest import head_commit, write_manifest
from media2face.motion.denoiser import Denoiser, DenoiserConfig

BLINK_LEAN = 0.5  # enough for every cue to become a blink, see docs/LOG.md
STEPS, GUIDANCE_AUDIO, GUIDANCE_STYLE, STRENGTH = 4, 0.0, 1.0, 1.5


def load_checkpoint(path: Path) -> tuple[Denoiser, dict[str, Any]]:
    """The averaged weights of a checkpoint, without the training-only phone head."""
    state = torch.load(path, weights_only=True)
    config = replace(DenoiserConfig(**state["config"]), phones=0)
    model = Denoiser(config)
    kept = {k: v for k, v in state["average"].items() if not k.startswith("phone_head")}
    model.load_state_dict(kept)
    return model.eval(), state


def export(args: argparse.Namespace) -> None:
    """Writes graphs, weights and manifest to args.out."""
    model, state = load_checkpoint(args.work / "checkpoint.pt")
    args.out.mkdir(parents=True, exist_ok=True)
    weights = {k: v.half().contiguous() for k, v in model.state_dict().items()}
    model.load_state_dict({k: v.float() for k, v in weights.items()})
    save_file(weights, args.out / "denoiser.safetensors")
    c = model.config
    export_graph(
        model.audio_encoder,
        (torch.zeros(1, c.audio_frames * MEL_PER_FRAME, MEL_BANDS),),
        args.out / "audio.onnx",
        (["mel"], ["audio"]),
        (None,),
    )
    batch = Dim("batch", min=1)
    export_graph(
        model,
        (
            torch.zeros(3, c.frames, MOTION_DIM),
            torch.zeros(3, c.frames),
            torch.zeros(3, c.frames, c.width),
            torch.zeros(3),
            torch.zeros(3, c.frames, STYLE_DIM),
            torch.zeros(3),
        ),
        args.out / "denoiser.onnx",
        (["motion", "level", "audio", "has_audio", "style", "has_style"], ["clean"]),
        tuple({0: batch} for _ in range(6)),
    )
    _note(model, state, args)


def _note(model: Denoiser, state: dict[str, Any], args: argparse.Namespace) -> None:
    c, scale = model.config, state["scale"]
    rounded = {k: np.round(np.array(v, float), 6).tolist() for k, v in scale.items()}
    write_manifest(
        args.out,
        "media2face",
        ["audio.onnx", "denoiser.onnx", "denoiser.safetensors"],
        gnpfa="../gnpfa",
        style="../style",
        config=asdict(c),
        window={
            "context_frames": c.context_frames,
            "hop_frames": c.hop_frames,
            "lookahead_frames": c.lookahead_frames,
        },
        guidance={
            "audio": args.audio,
            "style": args.style,
            "steps": args.steps,
            "strength": args.strength,
        },
        normalisation=rounded,
        blink=_blink_lean(args.gnpfa, scale),
        licences=[
            "CC-BY-4.0: LibriSpeech (audio)",
            "CC0-1.0: Kathleen, Nathalie (audio, transcripts, Dutch phone times)",
            "Apache-2.0: Picovoice speech-to-intent benchmark (audio)",
            "MIT: FACEGOOD Audio2Face captures (audio, mouth motion)",
            "BSD-like: flite and festival voices (audio)",
        ],
        training={
            "command": "python -m media2face.training.denoiser (resumed: docs/LOG.md)",
            "commit": head_commit(),
            "steps": state["step"],
        },
        metrics={"unseen_speakers": state["history"][-1]["unseen"]},
    )


def _blink_lean(gnpfa: Path, scale: dict[str, Any]) -> list[float]:
    """[X] what is added to the noise for a blink: BLINK_LEAN of its normalised motion."""
    eyes = [BLENDSHAPE_NAMES.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
    weights = torch.zeros(2, BLENDSHAPE_DIM)
    weights[1, eyes] = 1.0
    with torch.no_grad():
        open_eyes, closed = load_gnpfa(gnpfa).to_latent(weights).numpy()
    lean = np.zeros(MOTION_DIM)
    lean[LATENT_SLICE] = closed - open_eyes
    return np.round(BLINK_LEAN * lean / np.array(scale["motion_std"]), 4).tolist()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("work/small"))
    parser.add_argument("--out", type=Path, default=Path("models/small"))
    parser.add_argument("--gnpfa", type=Path, default=Path("models/gnpfa"))
    parser.add_argument("--steps", type=int, default=STEPS, help="DDIM steps a hop")
    parser.add_argument("--audio", type=float, default=GUIDANCE_AUDIO, help="s_A")
    parser.add_argument("--style", type=float, default=GUIDANCE_STYLE, help="s_P")
    parser.add_argument("--strength", type=float, default=STRENGTH, help="of a prompt at 1")
    export(parser.parse_args())


if __name__ == "__main__":
    main()
