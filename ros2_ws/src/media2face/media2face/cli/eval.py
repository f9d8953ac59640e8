"""`m2f eval`: lips against the voices of some clips, and the GNPFA on what it never saw."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from media2face.audio.io import AudioError, read_audio
from media2face.cli.errors import UserError


def add_parser(subparsers: Any) -> None:
    """Adds the command to `m2f`."""
    evaluations = subparsers.add_parser("eval", help="measure a model").add_subparsers(
        required=True, metavar="WHAT"
    )
    parser = evaluations.add_parser(
        "lips",
        help="lips against loudness, clip by clip",
        description="Correlation of lip opening with loudness (SLCC), rest in silence, lag.",
    )
    parser.add_argument("audio", type=Path, nargs="+", metavar="AUDIO")
    parser.add_argument("--model", default="small", metavar="NAME")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--style", default="", metavar="TEXT")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT.json")
    parser.set_defaults(run=_lips)
    parser = evaluations.add_parser(
        "gnpfa",
        help="the expression space on held-out heads and expressions",
        description="Errors against PCA and linear blendshapes, identity left in z, transfer, "
        "M', closed lips; a table (JSON and Markdown) and pictures. Needs the range-of-motion "
        "set (m2f corpus rom) and the extras train and render.",
    )
    parser.add_argument("--gnpfa", type=Path, default=Path("models/gnpfa"), metavar="FOLDER")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), metavar="FOLDER")
    parser.add_argument("--rom", type=Path, default=Path("work/rom"), metavar="FOLDER")
    parser.add_argument("-o", "--output", type=Path, default=Path("out/gnpfa"), metavar="FOLDER")
    parser.set_defaults(run=_gnpfa)


def _gnpfa(args: argparse.Namespace) -> None:
    """Writes table.json, table.md and four pictures; prints the table."""
    try:
        from media2face.evaluate import gnpfa, gnpfa_pictures
    except ImportError as error:
        raise UserError(f"{error.name} is missing: pip install 'media2face[train]'") from error
    try:
        examiner = gnpfa.Examiner(args.gnpfa, args.shared, args.rom)
    except (OSError, ValueError) as error:
        raise UserError(error) from error
    args.output.mkdir(parents=True, exist_ok=True)
    table, by_vertex = gnpfa.accuracy(examiner)
    names, truth, answer = gnpfa.names_back(examiner)
    results: dict[str, dict[str, Any]] = {
        "accuracy": table,
        "identity": gnpfa.identity_in_latent(examiner),
        "transfer": gnpfa.transfer(examiner),
        "names": names,
        "bilabials": gnpfa.bilabials(examiner),
    }
    (args.output / "table.json").write_text(json.dumps(results, indent=1))
    text = gnpfa.as_markdown(results)
    (args.output / "table.md").write_text(text)
    gnpfa_pictures.error_maps(examiner, by_vertex, args.output / "errors.png")
    gnpfa_pictures.names_plot(truth, answer, args.output / "names.png")
    gnpfa_pictures.expressions_on_heads(examiner, args.output / "heads.png")
    gnpfa_pictures.latent_walks(examiner, args.output / "walks.png")
    print(f"{text}\n{args.output}: table.json, table.md, errors, names, heads and walks (png)")


def _lips(args: argparse.Namespace) -> None:
    """Prints a table; writes it as JSON where asked."""
    from tqdm import tqdm

    from media2face.animate import animate
    from media2face.backends import make_backend
    from media2face.evaluate.lips import lip_opening_mm, lip_report
    from media2face.models import find_model
    from media2face.types import Style

    try:
        backend = make_backend(args.backend, find_model(args.model))
    except (ValueError, OSError, ImportError) as error:
        raise UserError(error) from error
    style = Style(backend.encode_style(args.style)) if args.style.strip() else Style()
    rows: dict[str, dict[str, float]] = {}
    for path in tqdm(args.audio, desc="clips", unit="clip"):
        try:
            samples, rate = read_audio(path)
        except AudioError as error:
            raise UserError(error) from error
        motion = animate(backend, samples, rate, style=style, seed=args.seed)
        opening = lip_opening_mm(motion.vertices, backend.topology.landmarks68)
        rows[str(path)] = lip_report(opening, samples, rate).to_dict()
    names = list(next(iter(rows.values())))
    median = {name: float(np.nanmedian([row[name] for row in rows.values()])) for name in names}
    width = max(len(Path(path).name) for path in rows)
    print(f"{'clip':<{width}}", *(f"{name:>15}" for name in names))
    for path, row in rows.items():
        print(f"{Path(path).name:<{width}}", *(f"{row[name]:15.3f}" for name in names))
    print(f"{'median':<{width}}", *(f"{median[name]:15.3f}" for name in names))
    if args.output is not None:
        args.output.write_text(json.dumps({"median": median, "clips": rows}, indent=1))
