"""`m2f animate`: an audio file in; a motion, a film or a file for other programs out."""

from __future__ import annotations

import argparse
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from media2face.audio.io import AudioError, read_audio
from media2face.cli.errors import UserError
from media2face.contract import BLENDSHAPE_NAMES, FRAME_RATE_HZ, frame_count
from media2face.exporting.files import whole_file
from media2face.types import Float32, Motion, Style

if TYPE_CHECKING:
    from media2face.backends.base import Backend, Identity
    from media2face.face.topology import Topology

_SUFFIXES = {
    ".npz": "the numbers",
    ".mp4": "a film",
    ".glb": "glTF: morph targets, nodes and animation",
    ".csv": "a take of Live Link Face",
    ".usda": "USD: the vertices frame by frame",
}


IDENTITY_HELP = (
    "whose head: a preset's name, seed:N, pca:W,W,..., an identity file (.npz) or a neutral mesh "
    "(.obj, .ply, .glb); the first preset by default"
)


def add_parser(subparsers: Any) -> None:
    """Adds the command to `m2f`."""
    parser = subparsers.add_parser(
        "animate",
        help="make a face move to an audio file",
        description="Makes a face move to an audio file. The suffix of OUT says what is written: "
        + "; ".join(f"{suffix} {what}" for suffix, what in _SUFFIXES.items())
        + ".",
    )
    parser.add_argument("audio", type=Path, metavar="AUDIO", help="WAV, FLAC, Ogg, Opus or MP3")
    parser.add_argument("--style", default="", metavar="TEXT", help='e.g. "happy, whispering"')
    parser.add_argument(
        "--strength", type=float, default=1.0, metavar="F", help="of the style; 0 = none"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="same seed, same face")
    parser.add_argument("--model", metavar="NAME", help="a folder of models/, or a path")
    parser.add_argument("--backend", default="auto", help="auto, onnxruntime, torch ...")
    parser.add_argument("--identity", metavar="WHO", help=IDENTITY_HELP)
    parser.add_argument("--level", default="full", help="of the mesh: full or light")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help=", ".join(_SUFFIXES),
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Runs the command; cheap checks first, so that nothing is computed in vain."""
    _check_output(args.output)
    if not (np.isfinite(args.strength) and 0 <= args.strength <= 10):
        raise UserError(f"--strength {args.strength}: must be in [0, 10]")
    if args.seed < 0:
        raise UserError(f"--seed {args.seed}: must not be negative")
    try:
        samples, rate = read_audio(args.audio)
    except AudioError as error:
        raise UserError(error) from error
    if frame_count(len(samples), rate) == 0:
        raise UserError(f"{args.audio}: shorter than one frame (1/30 s)")
    _check_libraries(args.output.suffix)
    backend = open_backend(args.model, args.backend, args.level)
    identity = prepare(backend, args.identity)
    motion = _animate(backend, samples, rate, args, identity)
    if args.output.suffix == ".mp4":
        from media2face.render.video import write_video

        write_video(args.output, motion, backend.topology, samples, rate)
    else:
        _write(args.output, motion, backend, identity)
    print(f"{args.output}: {motion.frames} frames, {motion.frames / FRAME_RATE_HZ:.2f} s")


def _write(path: Path, motion: Motion, backend: Backend, identity: Identity) -> None:
    """Writes what needs no sound."""
    if path.suffix == ".npz":
        write_motion(path, motion, backend.topology)
    elif path.suffix == ".csv":
        from media2face.exporting.livelink_csv import write_livelink_csv

        write_livelink_csv(path, motion)
    elif path.suffix == ".glb":
        from media2face.exporting.gltf import write_glb
        from media2face.exporting.shapes import decoder_shapes

        write_glb(path, motion, backend.topology, identity, decoder_shapes(backend, identity))
    else:
        from media2face.exporting.usd import write_usda

        write_usda(path, motion, backend.topology, identity)


def write_motion(path: Path, motion: Motion, topology: Topology) -> None:
    """Writes a motion with what is needed to show it; the file appears when it is complete."""
    with whole_file(path) as part:
        np.savez(
            part,
            vertices=motion.vertices.astype(np.float32),
            blendshapes=motion.blendshapes.astype(np.float32),
            blendshape_names=np.array(BLENDSHAPE_NAMES),
            latent=motion.latent.astype(np.float32),
            head_pose=motion.head_pose.astype(np.float32),
            eyes=motion.eyes.astype(np.float32),
            triangles=topology.triangles.astype(np.uint32),
            landmarks68=topology.landmarks68.astype(np.uint32),
            fps=np.float32(FRAME_RATE_HZ),
            part_names=np.array(topology.part_names),
            part_ranges=topology.part_ranges,
        )


def _check_output(path: Path) -> None:
    if path.suffix not in _SUFFIXES:
        raise UserError(f"{path}: unknown suffix {path.suffix!r}, take {', '.join(_SUFFIXES)}")
    if not path.parent.is_dir():
        raise UserError(f"{path}: the folder {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise UserError(f"{path}: the folder {path.parent} is not writable")
    if path.is_dir():
        raise UserError(f"{path}: is a folder")


def open_backend(model: str | None, kind: str, level: str) -> Backend:
    """Loads a model. Raises UserError."""
    from media2face.backends import make_backend
    from media2face.models import find_model

    try:
        return make_backend(kind, find_model(model) if model else find_model(), level=level)
    except (KeyError, ValueError, OSError, ImportError) as error:
        raise UserError(error.args[0] if isinstance(error, KeyError) else error) from error


def prepare(backend: Backend, who: str | None) -> Identity:
    """A head as the user names it (see HeadModel.resolve). Raises UserError."""
    try:
        return backend.prepare_identity(who or backend.heads.preset_names[0])
    except (ValueError, ImportError) as error:
        raise UserError(error) from error


def _animate(
    backend: Backend, samples: Float32, rate: int, args: argparse.Namespace, identity: Identity
) -> Motion:
    from tqdm import tqdm

    from media2face.animate import animate

    code = backend.encode_style(args.style) if args.style.strip() else None
    style = Style(code=code, strength=args.strength)
    with tqdm(total=100, desc="animating", unit="%", bar_format="{l_bar}{bar}| {elapsed}") as bar:

        def show(share: float) -> bool:
            bar.update(round(100 * share) - bar.n)
            return True

        return animate(
            backend, samples, rate, style=style, seed=args.seed, identity=identity, progress=show
        )


def _check_libraries(suffix: str) -> None:
    """Raises UserError where a library of an extra is missing."""
    if suffix == ".mp4":
        check_renderer(suffix)
    elif suffix in (".glb", ".usda") and importlib.util.find_spec("PIL") is None:
        raise UserError(
            f"{suffix} needs the render extra (PIL is missing): pip install 'media2face[render]'"
        )


def check_renderer(suffix: str) -> None:
    """Raises UserError where no picture or film can be made on this machine."""
    try:
        from media2face.render.renderer import RenderError, make_context
        from media2face.render.video import write_video  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"{suffix} needs the render extra ({error.name} is missing): "
            "pip install 'media2face[render]'"
        ) from error
    try:
        make_context().release()
    except RenderError as error:
        raise UserError(error) from error
