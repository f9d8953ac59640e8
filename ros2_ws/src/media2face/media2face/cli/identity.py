"""`m2f identity`: heads. Fits one to a mesh, and draws them on a contact sheet."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from media2face.cli.animate import open_backend, prepare
from media2face.cli.errors import UserError


def add_parser(subparsers: Any) -> None:
    """Adds the command to `m2f`."""
    steps = subparsers.add_parser("identity", help="make and look at heads").add_subparsers(
        required=True, metavar="STEP"
    )
    step = steps.add_parser("fit", help="fit a head to a neutral mesh of any topology")
    step.add_argument("mesh", type=Path, metavar="MESH", help=".obj, .ply or .glb")
    step.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.npz")
    step.add_argument("--model", metavar="NAME", help="a folder of models/, or a path")
    step.set_defaults(run=_fit)
    step = steps.add_parser("sheet", help="a picture of heads: presets, seeds, files")
    step.add_argument("who", nargs="*", metavar="WHO", help="as for --identity; default: presets")
    step.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.png|jpg")
    step.add_argument("--model", metavar="NAME", help="a folder of models/, or a path")
    step.set_defaults(run=_sheet)


def _fit(args: argparse.Namespace) -> None:
    from media2face.face.fit import fit_file
    from media2face.face.heads import save_identity

    if args.output.suffix != ".npz":
        raise UserError(f"{args.output}: an identity file ends in .npz")
    if not args.mesh.is_file():
        raise UserError(f"{args.mesh} does not exist")
    backend = open_backend(args.model, "auto", "full")
    try:
        fit = fit_file(backend.heads, args.mesh)
    except (ValueError, ImportError) as error:
        raise UserError(error) from error
    save_identity(args.output, fit.weights)
    print(
        f"{args.output}: face {fit.error_mm:.2f} mm from the mesh in the mean; "
        f"1 unit of the mesh = {fit.scale:.6g} m"
    )


def _sheet(args: argparse.Namespace) -> None:
    import numpy as np
    from tqdm import tqdm

    from media2face.cli.animate import check_renderer

    check_renderer(args.output.suffix)
    from media2face.render.renderer import Renderer
    from media2face.render.sheet import film_strip

    backend = open_backend(args.model, "auto", "full")
    names = args.who or list(backend.heads.preset_names)
    still = np.array([0, 0, 0, 0, 0, 0, 1], np.float32)
    pictures = []
    with Renderer(backend.topology, 384, 384, "three_quarter") as renderer:
        for name in tqdm(names, desc="heads", unit="head"):
            pictures.append(renderer.draw(prepare(backend, name).neutral, still))
    film_strip(pictures, 4, names).save(args.output)
    print(args.output)
