"""`m2f rig`: the map from a face to the joints of a head, checked or found."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from media2face.cli.errors import UserError


def add_parser(subparsers: Any) -> None:
    """Adds the command to `m2f`."""
    tasks = subparsers.add_parser("rig", help="maps from the face to a robot's joints")
    tasks = tasks.add_subparsers(required=True, metavar="TASK")
    check = tasks.add_parser(
        "check",
        help="what a head can show, and what is lost",
        description="Plays a motion through a map and tells what is clipped by the joints' limits "
        "and what is slowed by their velocities and accelerations.",
    )
    check.add_argument("map", type=Path, metavar="MAP.yaml")
    check.add_argument(
        "--motion",
        type=Path,
        metavar="X.npz",
        help="made by m2f animate; by default 8 s of cheerful speech",
    )
    check.add_argument(
        "-o", "--output", type=Path, metavar="X.png", help="by default MAP.png, where you are"
    )
    check.set_defaults(run=run_check)
    fit = tasks.add_parser(
        "fit",
        help="find a map from example poses",
        description="Finds the mix of each joint from examples: a .csv with columns of sources "
        "(ARKit weights, head_yaw ...) and joints, or a .yaml.",
    )
    fit.add_argument("pairs", type=Path, metavar="PAIRS")
    fit.add_argument("-o", "--output", type=Path, required=True, metavar="MAP.yaml")
    fit.add_argument(
        "--max-sources", type=int, default=6, metavar="N", help="of a joint; 6 by default"
    )
    fit.set_defaults(run=run_fit)


def run_check(args: argparse.Namespace) -> None:
    """Prints a table and writes a picture."""
    from media2face.rig import check
    from media2face.rig.map import load_map

    output = args.output or Path(f"{args.map.stem}.png")
    _check_output(output, ".png")
    motion_path = args.motion or check.SAMPLE_MOTION
    try:
        rig = load_map(args.map)
        performance = check.perform(rig, check.read_motion(motion_path))
        reports = check.report(performance)
        print(check.table(reports))
        title = f"{rig.name}: {len(rig.joints)} joints at {rig.rate_hz:g} Hz, {motion_path.name}"
        check.draw(output, performance, reports, title)
    except ValueError as error:
        raise UserError(error) from error
    except ImportError as error:
        raise UserError(
            f"the picture needs the rig extra ({error.name} is missing): "
            "pip install -r requirements/rig.txt"
        ) from error
    broken = sum(check.violations(rig, performance.sent).values())
    print(f"{output}: {len(performance.sent)} commands, {broken} outside limits")


def run_fit(args: argparse.Namespace) -> None:
    """Writes the map and prints how well it gives the examples."""
    from media2face.rig import fit
    from media2face.rig.map import RigMap

    _check_output(args.output, ".yaml", ".yml")
    if args.max_sources < 1:
        raise UserError(f"--max-sources {args.max_sources}: must be 1 or more")
    try:
        fits = fit.fit(fit.read_pairs(args.pairs), args.max_sources)
    except ValueError as error:
        raise UserError(error) from error
    except ImportError as error:
        raise UserError(
            f"fitting needs the rig extra ({error.name} is missing): "
            "pip install -r requirements/rig.txt"
        ) from error
    rig = RigMap(args.output.stem, tuple(one.joint for one in fits))
    args.output.write_text(fit.to_yaml(rig, args.pairs.name), encoding="utf-8")
    print(fit.table(fits))
    print(
        f"{args.output}: {len(fits)} joints. Velocities and accelerations in it are guesses: put "
        "in those of your servos, then m2f rig check"
    )


def _check_output(path: Path, *suffixes: str) -> None:
    if path.suffix not in suffixes:
        raise UserError(f"{path}: unknown suffix {path.suffix!r}, take {suffixes[0]}")
    if not path.parent.is_dir():
        raise UserError(f"{path}: the folder {path.parent} does not exist")
