"""The map from a face to joints: a YAML file, read into frozen, checked values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from media2face.rig.sources import SOURCE_INDEX, SOURCE_NAMES, Float64, mirrored
from media2face.rig.yaml_lines import Entry, MapError, read_yaml

UNITS = ("rad", "m", "ratio")
OUTPUTS = ("joint_states", "joint_trajectory", "both")
LARGEST = 1e6  # of any number in a map; far beyond every robot, small enough for float64
SMALLEST_RATE = 1e-6  # of a velocity or an acceleration limit
RESOLUTION = 1e-8  # share of the largest position that a period's change must come to
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class FieldError(ValueError):
    """A value that cannot be. Attribute `field` names it."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field = field


@dataclass(frozen=True)
class Joint:
    """One joint: value = offset + gain * curve(sum of weight * source), kept within limits.

    Attributes:
        name: of the joint, as in the URDF.
        sources: (name, weight) of what is mixed; names of media2face.rig.sources.SOURCE_NAMES.
        lower, upper: position limits [unit].
        neutral: where it rests, and goes when frames stop [unit].
        max_velocity: [unit/s].
        max_acceleration: [unit/s^2].
        curve: (in, out) points of a piecewise linear curve, `in` rising; held beyond its ends.
            Empty = none.
        gain, offset: [unit], applied after the curve.
        unit: rad, m, or ratio (a parameter of a screen face).
        dead_band: a joint at rest stays until it is asked to move further than this [unit].
        latency_ms: from a command to the motion; the command is taken this much ahead.
    """

    name: str
    sources: tuple[tuple[str, float], ...]
    lower: float
    upper: float
    neutral: float
    max_velocity: float
    max_acceleration: float
    curve: tuple[tuple[float, float], ...] = ()
    gain: float = 1.0
    offset: float = 0.0
    unit: str = "rad"
    dead_band: float = 0.0
    latency_ms: float = 0.0

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise FieldError("name", f"'{self.name}' must be letters, digits and _")
        for source, weight in self.sources:
            if source not in SOURCE_INDEX:
                raise FieldError("sources", f"no source '{source}'; {_nearest(source)}")
            _check_range("sources", weight, -LARGEST, LARGEST)
        if not self.sources:
            raise FieldError("sources", "is empty: name at least one, such as {jawOpen: 1.0}")
        for field in ("gain", "offset", "lower", "upper", "neutral"):
            _check_range(field, getattr(self, field), -LARGEST, LARGEST)
        if not self.lower < self.upper:
            raise FieldError(
                "limits", f"[{self.lower:g}, {self.upper:g}]: the lower must come first"
            )
        if not self.lower <= self.neutral <= self.upper:
            raise FieldError(
                "neutral",
                f"{self.neutral:g} is outside the limits [{self.lower:g}, {self.upper:g}]",
            )
        _check_range("max_velocity", self.max_velocity, SMALLEST_RATE, LARGEST)
        _check_range("max_acceleration", self.max_acceleration, SMALLEST_RATE, LARGEST)
        _check_range("dead_band", self.dead_band, 0.0, self.upper - self.lower)
        _check_range("latency_ms", self.latency_ms, 0.0, 2000.0)
        if self.unit not in UNITS:
            raise FieldError("unit", f"'{self.unit}' must be one of {', '.join(UNITS)}")
        self._check_curve()

    def _check_curve(self) -> None:
        if len(self.curve) == 1:
            raise FieldError("curve", "has one point, give two or more, or leave it out")
        for x, y in self.curve:
            _check_range("curve", x, -LARGEST, LARGEST)
            _check_range("curve", y, -LARGEST, LARGEST)
        for (before, _), (after, _) in zip(self.curve, self.curve[1:], strict=False):
            if not before < after:
                raise FieldError(
                    "curve", f"its inputs must rise, but {after:g} comes after {before:g}"
                )


@dataclass(frozen=True)
class RigMap:
    """A whole head.

    Attributes:
        name: of the head.
        joints: at least one, names unique.
        rate_hz: commands a second.
        timeout_ms: without a frame for this long, the head goes back to neutral.
        return_ms: time that a joint takes for its whole range on the way back to neutral, or
            more where its limits ask for it.
        output: joint_states, joint_trajectory or both.
    """

    name: str
    joints: tuple[Joint, ...]
    rate_hz: float = 50.0
    timeout_ms: float = 300.0
    return_ms: float = 1000.0
    output: str = "joint_states"

    def __post_init__(self) -> None:
        _check_range("rate_hz", self.rate_hz, 1.0, 1000.0)
        _check_range("timeout_ms", self.timeout_ms, 10.0, 60_000.0)
        _check_range("return_ms", self.return_ms, 10.0, 60_000.0)
        if self.output not in OUTPUTS:
            raise FieldError("output", f"'{self.output}' must be one of {', '.join(OUTPUTS)}")
        if not self.joints:
            raise FieldError("joints", "is empty: a head has at least one")
        if len(set(self.names)) != len(self.joints):
            raise FieldError("joints", "two joints have the same name")
        for joint in self.joints:
            self._check_resolution(joint)

    def _check_resolution(self, joint: Joint) -> None:
        """Limits so tight that float64 positions cannot keep them are refused."""
        period_s = self.period_ns * 1e-9
        finest = RESOLUTION * max(abs(joint.lower), abs(joint.upper))
        for field, power in (("max_velocity", 1), ("max_acceleration", 2)):
            least = finest / period_s**power
            if getattr(joint, field) < least:
                raise FieldError(
                    "joints",
                    f"joint {joint.name}: {field} {getattr(joint, field):g} must be at least "
                    f"{least:g} for limits this wide at {self.rate_hz:g} Hz",
                )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(joint.name for joint in self.joints)

    @property
    def period_ns(self) -> int:
        """Time from one command to the next."""
        return round(1e9 / self.rate_hz)

    def column(self, field: str) -> Float64:
        """float64 [J] one number of every joint."""
        return np.array([getattr(joint, field) for joint in self.joints], np.float64)

    def asked(self, sources: Float64) -> Float64:
        """What the face asks of the joints, before any limit.

        Args:
            sources: float64 [62] from sources.source_vector.

        Returns:
            float64 [J] rad, m or ratio.
        """
        return np.array(
            [
                joint.offset + joint.gain * shape(joint, mix)
                for joint, mix in zip(self.joints, self._weights @ sources, strict=True)
            ]
        )

    @cached_property
    def _weights(self) -> Float64:
        """float64 [J, 62] of the sources in the joints' mixes."""
        weights = np.zeros((len(self.joints), len(SOURCE_NAMES)))
        for row, joint in zip(weights, self.joints, strict=True):
            for name, weight in joint.sources:
                row[SOURCE_INDEX[name]] += weight
        return weights


def shape(joint: Joint, mix: float) -> float:
    """The curve of `joint` at `mix`; `mix` itself where it has none."""
    if not joint.curve:
        return float(mix)
    return float(np.interp(mix, [x for x, _ in joint.curve], [y for _, y in joint.curve]))


def mirror_joint(joint: Joint, name: str, reverse: bool) -> Joint:
    """The joint on the other side: `joint` with left and right exchanged in its sources.

    Args:
        joint: the one to mirror.
        name: of the new one.
        reverse: whether it turns the other way, so that all its values are negated.
    """
    sources = []
    for source, weight in joint.sources:
        other, sign = mirrored(source)
        sources.append((other, sign * weight))
    made = replace(joint, name=name, sources=tuple(sources))
    if not reverse:
        return made
    return replace(
        made,
        gain=-joint.gain,
        offset=-joint.offset,
        lower=-joint.upper,
        upper=-joint.lower,
        neutral=-joint.neutral,
    )


def load_map(path: Path) -> RigMap:
    """Reads a map.

    Raises:
        MapError: naming file, line, joint and field, what is wrong and what to do.
    """
    root = read_yaml(path)
    root.allow("name", "rate_hz", "timeout_ms", "return_ms", "output", "defaults", "joints")
    head = {name: root.number(name) for name in ("rate_hz", "timeout_ms", "return_ms")}
    values: dict[str, Any] = {name: value for name, value in head.items() if value is not None}
    for name in ("name", "output"):
        if (text := root.text(name)) is not None:
            values[name] = text
    values.setdefault("name", path.stem)
    joints = _read_joints(root)
    try:
        return RigMap(joints=joints, **values)
    except FieldError as error:
        raise root.error(error.field, error) from error


def _read_joints(root: Entry) -> tuple[Joint, ...]:
    defaults = root.child("defaults")
    if defaults is not None:
        defaults.allow(*_READERS)
    section = root.child("joints")
    if section is None:
        raise root.error("joints", "joints: is missing: list the joints of the head under it")
    entries = {name: _entry(section, name) for name in section.keys}
    made: dict[str, Joint] = {}
    for name, entry in entries.items():
        if "mirror" not in entry.keys:
            made[name] = _plain_joint(name, entry, defaults)
    for name, entry in entries.items():
        if "mirror" in entry.keys:
            made[name] = _mirror_joint(name, entry, made)
    return tuple(made[name] for name in entries)


def _entry(section: Entry, name: str) -> Entry:
    entry = section.child(name)
    if entry is None:
        raise section.error(name, f"joint {name}: is empty; give it sources and limits")
    return entry


def _plain_joint(name: str, entry: Entry, defaults: Entry | None) -> Joint:
    entry.allow(*_READERS)
    values = _fields(defaults) if defaults is not None else {}
    values.update(_fields(entry))
    for field, needed in _NEEDED.items():
        if needed not in values:
            raise entry.error(None, f"{field}: is missing; every joint needs it")
    values.setdefault("neutral", min(max(0.0, values["lower"]), values["upper"]))
    try:
        return Joint(name=name, **values)
    except FieldError as error:
        inherited = defaults is not None and error.field in values.keys() - _fields(entry).keys()
        if defaults is not None and inherited:
            raise defaults.error(error.field, f"joint {name}: {error}") from error
        raise entry.error(error.field, error) from error


def _mirror_joint(name: str, entry: Entry, made: dict[str, Joint]) -> Joint:
    entry.allow("mirror", "reverse", *_READERS)
    of = entry.text("mirror")
    if of not in made or of == name:
        raise entry.error(
            "mirror", f"mirror: no joint '{of}' to mirror; name one that is no mirror itself"
        )
    try:
        joint = mirror_joint(made[of], name, bool(entry.flag("reverse")))
        return replace(joint, **_fields(entry))
    except FieldError as error:
        raise entry.error(error.field, error) from error


def _fields(entry: Entry) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field, reader in _READERS.items():
        if field in entry.keys:
            values.update(reader(entry, field))
    return values


def _number(entry: Entry, field: str) -> dict[str, Any]:
    return {field: entry.number(field)}


def _limits(entry: Entry, field: str) -> dict[str, Any]:
    limits = entry.numbers(field)
    if len(limits) != 2:
        raise entry.error(field, f"{field}: must be two numbers, [lower, upper]")
    return {"lower": limits[0], "upper": limits[1]}


def _sources(entry: Entry, field: str) -> dict[str, Any]:
    mix = entry.child(field)
    if mix is None:
        return {"sources": ()}
    return {"sources": tuple((name, mix.finite(name)) for name in mix.keys)}


# Field of a joint in the file -> what reads it into arguments of Joint.
_READERS: dict[str, Callable[[Entry, str], dict[str, Any]]] = {
    "sources": _sources,
    "curve": lambda entry, field: {field: entry.pairs(field)},
    "gain": _number,
    "offset": _number,
    "unit": lambda entry, field: {field: entry.text(field)},
    "limits": _limits,
    "neutral": _number,
    "max_velocity": _number,
    "max_acceleration": _number,
    "dead_band": _number,
    "latency_ms": _number,
}
_NEEDED = {
    "sources": "sources",
    "limits": "lower",
    "max_velocity": "max_velocity",
    "max_acceleration": "max_acceleration",
}


def _check_range(field: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise FieldError(field, f"{value:g} must be {low:g} to {high:g}")


def _nearest(source: str) -> str:
    import difflib

    near = difflib.get_close_matches(source, SOURCE_NAMES, 3, 0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return "it must be an ARKit weight, head_roll .. head_z or eye_left_yaw .. eye_right_pitch"


__all__ = ["FieldError", "Joint", "MapError", "RigMap", "load_map", "mirror_joint", "shape"]
