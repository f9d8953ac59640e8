"""`m2f bench`: how fast it is on this machine, on one CPU thread."""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from media2face.cli.animate import open_backend

ROUNDS = 200
BATCHES = (1, 6, 64)


def add_parser(subparsers: Any) -> None:
    """Adds the command to `m2f`."""
    parts = subparsers.add_parser("bench", help="measure speed").add_subparsers(
        required=True, metavar="WHAT"
    )
    part = parts.add_parser("decoder", help="latents to mesh: milliseconds a frame")
    part.add_argument("--model", metavar="NAME", help="a folder of models/, or a path")
    part.add_argument("--backend", default="auto")
    part.add_argument("-o", "--output", type=Path, metavar="OUT.json")
    part.set_defaults(run=_decoder)


def _decoder(args: argparse.Namespace) -> None:
    """Prints a table; writes it as JSON where asked."""
    import numpy as np
    from tqdm import tqdm

    from media2face.contract import LATENT_SLICE, MOTION_DIM
    from media2face.face.topology import LEVELS

    rows: list[dict[str, Any]] = []
    rng = np.random.default_rng(0)
    for level in LEVELS:
        backend = open_backend(args.model, args.backend, level)
        name = backend.heads.preset_names[1]
        begin = time.perf_counter()
        identity = backend.prepare_identity(name)
        prepared_ms = (time.perf_counter() - begin) * 1e3
        for frames in tqdm(BATCHES, desc=f"{level}, {backend.name}", leave=False):
            motion = np.zeros((frames, MOTION_DIM), np.float32)
            motion[:, LATENT_SLICE] = rng.normal(0, 1, motion[:, LATENT_SLICE].shape)
            times = _time(partial(backend.decode, identity, motion))
            rows.append(
                {
                    "level": level,
                    "vertices": len(identity.neutral),
                    "frames": frames,
                    "p50_ms": round(float(np.percentile(times, 50)) / frames, 3),
                    "p99_ms": round(float(np.percentile(times, 99)) / frames, 3),
                    "identity_ms": round(prepared_ms, 1),
                }
            )
    header = "level  vertices  frames at once  p50 ms/frame  p99 ms/frame  new identity ms"
    print(f"{platform.processor() or platform.machine()}, {backend.name}\n{header}")
    for row in rows:
        print(
            f"{row['level']:5s} {row['vertices']:9d} {row['frames']:15d} {row['p50_ms']:13.3f} "
            f"{row['p99_ms']:13.3f} {row['identity_ms']:16.1f}"
        )
    if args.output is not None:
        args.output.write_text(json.dumps(rows, indent=1))


def _time(call: Callable[[], object]) -> list[float]:
    """Milliseconds of each of ROUNDS calls, after a few to warm up."""
    for _ in range(10):
        call()
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        call()
        times.append((time.perf_counter() - begin) * 1e3)
    return times
