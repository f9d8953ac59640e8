"""Finds the map of a head from examples: the face on one side, the joints' values on the other.

For each joint: non-negative least squares on every source with either sign, with a penalty on the
sum of the weights, which leaves few of them; then the least useful are taken out one by one, and
what stays is solved once more without the penalty.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from media2face.rig.map import NAME, Joint, MapError, RigMap
from media2face.rig.sources import SOURCE_INDEX, SOURCE_NAMES, USUAL_HIGH, USUAL_LOW, Float64
from media2face.rig.yaml_lines import Entry, read_yaml

Indices = npt.NDArray[np.intp]

LABEL_COLUMN = "pose"  # of a CSV: the example's name, for people
MIN_SPREAD = 1e-6
# A source is kept where leaving it out adds more than this share of the joint's spread.
WORTH_SHARE = 0.01
MAX_SOURCES = 6
# A guess where nothing is known: the joint's whole range in this time, reached in half of it.
GUESSED_RANGE_S = 0.4


@dataclass(frozen=True)
class Pairs:
    """Examples, N of them.

    Attributes:
        sources: float64 [N, 62] in the order of SOURCE_NAMES.
        names: of the joints.
        values: float64 [N, J]; NaN where an example does not tell of a joint.
    """

    sources: Float64
    names: tuple[str, ...]
    values: Float64


@dataclass(frozen=True)
class JointFit:
    """How well a joint's mix gives the examples.

    Attributes:
        joint: found.
        examples: that told of it.
        rms, worst: difference from them [unit].
        explained: share of their variance in [.., 1].
    """

    joint: Joint
    examples: int
    rms: float
    worst: float
    explained: float


def read_pairs(path: Path) -> Pairs:
    """Reads examples from .csv or .yaml.

    A CSV has a line an example and a column each for sources and joints: a column with a source's
    name is that source, `pose` is the example's name, every other column is a joint. An empty cell
    is 0 for a source, unknown for a joint. A YAML file holds `pairs:`, a field an example, each
    with `sources:` and `joints:`.

    Raises:
        MapError: naming file, line, and what is wrong.
    """
    if path.suffix == ".csv":
        rows = _read_csv(path)
    elif path.suffix in {".yaml", ".yml"}:
        rows = _read_yaml_pairs(path)
    else:
        raise MapError(f"{path}: unknown suffix '{path.suffix}', take .csv or .yaml")
    names = tuple(dict.fromkeys(name for _, joints in rows for name in joints))
    if not names or len(rows) < 2:
        raise MapError(f"{path}: needs two examples or more, and a joint")
    sources = np.zeros((len(rows), len(SOURCE_NAMES)))
    values = np.full((len(rows), len(names)), np.nan)
    for row, (given, joints) in enumerate(rows):
        for name, value in given.items():
            sources[row, SOURCE_INDEX[name]] = value
        for name, value in joints.items():
            values[row, names.index(name)] = value
    return Pairs(sources, names, values)


Row = tuple[dict[str, float], dict[str, float]]


def _read_csv(path: Path) -> list[Row]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file, skipinitialspace=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MapError(f"{path}: cannot be read ({error})") from error
    header = [name.strip() for name in lines[0]] if lines else []
    if len(set(header)) != len(header):
        raise MapError(f"{path}:1: two columns have the same name")
    for name in header:
        if not NAME.fullmatch(name):
            raise MapError(f"{path}:1: '{name}' is no name of a source or joint")
    rows = []
    for number, line in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in line):
            continue
        if len(line) != len(header):
            raise MapError(f"{path}:{number}: {len(line)} cells, the first line has {len(header)}")
        given: dict[str, float] = {}
        joints: dict[str, float] = {}
        for name, cell in zip(header, line, strict=True):
            if name != LABEL_COLUMN and cell.strip():
                (given if name in SOURCE_INDEX else joints)[name] = _cell(
                    f"{path}:{number}: {name}", cell
                )
        rows.append((given, joints))
    return rows


def _cell(where: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        raise MapError(f"{where}: '{cell}' must be a number") from None
    if not np.isfinite(value):
        raise MapError(f"{where}: '{cell}' must be finite")
    return value


def _read_yaml_pairs(path: Path) -> list[Row]:
    root = read_yaml(path)
    root.allow("pairs")
    pairs = root.child("pairs")
    if pairs is None:
        raise root.error("pairs", "pairs: is missing: list the examples under it")
    rows = []
    for name in pairs.keys:
        example = pairs.child(name)
        if example is None:
            raise pairs.error(name, f"{name}: is empty")
        example.allow("sources", "joints")
        given, joints = (_numbers(example.child(part)) for part in ("sources", "joints"))
        for source in given:
            if source not in SOURCE_INDEX:
                raise example.error("sources", f"no source is called '{source}'")
        rows.append((given, joints))
    return rows


def _numbers(entry: Entry | None) -> dict[str, float]:
    return {} if entry is None else {name: entry.finite(name) for name in entry.keys}


def fit(pairs: Pairs, max_sources: int = MAX_SOURCES) -> list[JointFit]:
    """The best mix of each joint.

    Args:
        pairs: examples.
        max_sources: of a joint at the most.

    Raises:
        ValueError: naming a joint that the examples do not move.
        ImportError: where scipy is missing.
    """
    return [
        _fit_joint(name, pairs.sources, column, max_sources)
        for name, column in zip(pairs.names, pairs.values.T, strict=True)
    ]


def _fit_joint(name: str, sources: Float64, column: Float64, max_sources: int) -> JointFit:
    known = np.isfinite(column)
    values, given = column[known], sources[known]
    spread = float(values.std()) if len(values) else 0.0
    if spread < MIN_SPREAD:
        raise ValueError(f"joint {name}: its examples do not move it; add some, or leave it out")
    # In units of what a face uses of each source, so that the penalty is fair to all.
    scale = USUAL_HIGH - USUAL_LOW
    scaled, target = given / scale, values / spread
    candidates = np.flatnonzero(np.ptp(scaled, axis=0) > MIN_SPREAD)
    if not len(candidates):
        raise ValueError(f"joint {name}: no source differs between its examples")
    weights, _ = _solve(scaled[:, candidates], target, penalty=0.03)
    kept = candidates[np.abs(weights) > 1e-4]
    kept = _thin_out(scaled, target, kept, max_sources)
    weights, offset = _solve(scaled[:, kept], target, penalty=0.0)
    order = np.argsort(-np.abs(weights))
    mix = tuple(
        (SOURCE_NAMES[kept[i]], _rounded(weights[i] * spread / scale[kept[i]])) for i in order
    )
    joint = _joint(name, mix, _rounded(offset * spread), values)
    error = given @ _row(mix) + joint.offset - values
    return JointFit(
        joint=joint,
        examples=len(values),
        rms=float(np.sqrt((error**2).mean())),
        worst=float(np.abs(error).max()),
        explained=1 - float((error**2).mean()) / spread**2,
    )


def _solve(scaled: Float64, target: Float64, penalty: float) -> tuple[Float64, float]:
    """Weights of the columns and an offset: least squares, the weights' sum kept small."""
    from scipy.optimize import nnls

    rows, columns = scaled.shape
    ones = np.ones((rows, 1))
    signed = np.hstack([scaled, -scaled, ones, -ones])
    pull = np.full((1, signed.shape[1]), penalty * np.sqrt(rows))
    pull[0, -2:] = 0  # the offset costs nothing
    # So weak that it only decides between mixes that give the same.
    tie = 1e-6 * np.eye(signed.shape[1])
    system = np.vstack([signed, pull, tie])
    wanted = np.concatenate([target, np.zeros(len(system) - rows)])
    found, _ = nnls(system, wanted)
    return found[:columns] - found[columns : 2 * columns], float(found[-2] - found[-1])


def _thin_out(scaled: Float64, target: Float64, kept: Indices, most: int) -> Indices:
    """Leaves out, one after the other, the sources that are worth the least."""
    while len(kept) > 1:
        now = _residual(scaled[:, kept], target)
        without = [_residual(scaled[:, np.delete(kept, i)], target) for i in range(len(kept))]
        least = int(np.argmin(without))
        if len(kept) <= most and without[least] - now > WORTH_SHARE:
            break
        kept = np.delete(kept, least)
    return kept


def _residual(scaled: Float64, target: Float64) -> float:
    weights, offset = _solve(scaled, target, penalty=0.0)
    return float(np.sqrt(((scaled @ weights + offset - target) ** 2).mean()))


def _joint(name: str, mix: tuple[tuple[str, float], ...], offset: float, values: Float64) -> Joint:
    lower, upper = _rounded(float(values.min())), _rounded(float(values.max()))
    velocity = (upper - lower) / GUESSED_RANGE_S
    return Joint(
        name=name,
        sources=mix,
        lower=lower,
        upper=upper,
        neutral=min(max(offset, lower), upper),
        offset=offset,
        max_velocity=_rounded(velocity),
        max_acceleration=_rounded(2 * velocity / GUESSED_RANGE_S),
    )


def _row(mix: tuple[tuple[str, float], ...]) -> Float64:
    row = np.zeros(len(SOURCE_NAMES))
    for name, weight in mix:
        row[SOURCE_INDEX[name]] = weight
    return row


def _rounded(value: float) -> float:
    return float(f"{round(value, 9):.5g}")


def table(fits: list[JointFit]) -> str:
    """The fits as text, a line a joint."""
    width = max(len("joint"), *(len(one.joint.name) for one in fits))
    lines = [f"{'joint':<{width}}  examples       rms     worst  explained  mix"]
    for one in fits:
        mix = ", ".join(f"{name} {weight:+.3g}" for name, weight in one.joint.sources)
        lines.append(
            f"{one.joint.name:<{width}}  {one.examples:>8}  {one.rms:>8.3g}  {one.worst:>8.3g}  "
            f"{one.explained:>9.1%}  {mix}"
        )
    return "\n".join(lines)


def to_yaml(rig: RigMap, origin: str) -> str:
    """A map as a commented file.

    Args:
        rig: with joints as fit makes them.
        origin: what it was made from, for the first line.
    """
    lines = [
        f"# Found by m2f rig fit from {origin}.",
        "# Limits are the range of the examples. Velocities and accelerations are GUESSED: put",
        "# in those of your servos before you switch the motors on, and add dead_band and",
        "# latency_ms.",
        f"name: {rig.name}",
        f"rate_hz: {rig.rate_hz:g}",
        f"timeout_ms: {rig.timeout_ms:g}",
        f"return_ms: {rig.return_ms:g}",
        f"output: {rig.output}",
        "joints:",
    ]
    for joint in rig.joints:
        mix = ", ".join(f"{name}: {weight!r}" for name, weight in joint.sources)
        lines += [
            f"  {joint.name}:",
            f"    sources: {{{mix}}}",
            f"    offset: {joint.offset!r}",
            f"    limits: [{joint.lower!r}, {joint.upper!r}]",
            f"    neutral: {joint.neutral!r}",
            f"    max_velocity: {joint.max_velocity!r}",
            f"    max_acceleration: {joint.max_acceleration!r}",
        ]
    return "\n".join(lines) + "\n"
