"""`m2f corpus`: what the trainings need, made from public data."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def _align(arguments: argparse.Namespace) -> None:
    from media2face.corpus.align import align

    align(
        arguments.shared,
        arguments.work,
        kathleen_minutes=arguments.kathleen_minutes,
        processes=arguments.processes,
    )


def _tts(arguments: argparse.Namespace) -> None:
    from media2face.corpus.tts import synthesise

    synthesise(arguments.work, per_voice=arguments.per_voice)


def _speech(arguments: argparse.Namespace) -> None:
    from media2face.corpus.speech import build

    build(arguments.shared, arguments.out, work=arguments.work, seed=arguments.seed)


def _topology(arguments: argparse.Namespace) -> None:
    from media2face.corpus.topology import build_topology

    for mesh in build_topology(arguments.shared / "facekit" / "facekit.npz", arguments.out)[:2]:
        print(f"{len(mesh.neutral)} vertices, {len(mesh.triangles)} triangles, id {mesh.id}")


def _rom(arguments: argparse.Namespace) -> None:
    from media2face.corpus.rom_set import build

    build(
        arguments.shared,
        arguments.topology,
        arguments.out,
        persons=arguments.persons,
        seed=arguments.seed,
        processes=arguments.processes,
    )


def _lips(arguments: argparse.Namespace) -> None:
    from media2face.corpus.geometry import report

    print(report(arguments.shared))


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `corpus` with its steps; each sets `run`, a function of the parsed arguments."""
    corpus = subparsers.add_parser("corpus", help="make the training corpus")
    steps = corpus.add_subparsers(required=True, metavar="STEP")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--shared", type=Path, default=Path("../shared"), help="data folder")
    work = argparse.ArgumentParser(add_help=False)
    work.add_argument("--work", type=Path, default=Path("work/align"), help="cache folder")

    step = steps.add_parser("align", parents=[shared, work], help="phone times of real speech")
    step.add_argument("--processes", type=int, default=1)
    step.add_argument("--kathleen-minutes", type=float, default=45.0)
    step.set_defaults(run=_align)
    step = steps.add_parser("tts", parents=[work], help="synthetic speech with exact phone times")
    step.add_argument("--per-voice", type=int, default=110, help="sentences a voice")
    step.set_defaults(run=_tts)
    step = steps.add_parser("speech", parents=[shared, work], help="shards of audio and motion")
    step.add_argument("--out", type=Path, default=Path("work/speech"))
    step.add_argument("--seed", type=int, default=0)
    step.set_defaults(run=_speech)
    step = steps.add_parser("topology", parents=[shared], help="the head's mesh and its maps")
    step.add_argument("--out", type=Path, default=Path("models/gnpfa"))
    step.set_defaults(run=_topology)
    step = steps.add_parser("rom", parents=[shared], help="persons with their own blendshapes")
    step.add_argument("--out", type=Path, default=Path("work/rom"))
    step.add_argument("--topology", type=Path, default=Path("models/gnpfa/topology_full.npz"))
    step.add_argument("--persons", type=int, default=480, help="the last 40 are held out")
    step.add_argument("--seed", type=int, default=0)
    step.add_argument("--processes", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    step.set_defaults(run=_rom)
    step = steps.add_parser("lips", parents=[shared], help="lip gap of every phone's shape")
    step.set_defaults(run=_lips)
