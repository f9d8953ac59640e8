"""What a head can show of a face's motion: ranges, what is clipped, what is slowed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from media2face.contract import BLENDSHAPE_DIM, EYES_DIM, FRAME_RATE_HZ
from media2face.rig.map import Joint, RigMap, shape
from media2face.rig.motion import Controller
from media2face.rig.sources import (
    HEAD_POSE_DIM,
    SOURCE_INDEX,
    USUAL_HIGH,
    USUAL_LOW,
    Float64,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SAMPLE_MOTION = Path(__file__).with_name("speech.npz")
# Share of a range: of smaller motions nothing much is lost.
LEAST_SPREAD = 0.05
_COLUMNS = {"blendshapes": BLENDSHAPE_DIM, "head_pose": HEAD_POSE_DIM, "eyes": EYES_DIM}
_ASKED, _SENT, _LIMIT = "#9aa0a6", "#1a73e8", "#d93025"


@dataclass(frozen=True)
class JointReport:
    """What becomes of one joint in a motion.

    Attributes:
        joint: of the map.
        face_low, face_high: what any usual face could ask for [unit].
        asked_low, asked_high: what the motion asked for [unit].
        sent_low, sent_high: what was commanded [unit].
        clipped, slowed: share of the commands in [0, 1], see motion.Commands.
        top_speed: highest velocity that was asked for [unit/s].
        lost: rms of asked minus sent, over the standard deviation of asked, but not over less
            than a twentieth of the joint's range; 0 = all is shown.
    """

    joint: Joint
    face_low: float
    face_high: float
    asked_low: float
    asked_high: float
    sent_low: float
    sent_high: float
    clipped: float
    slowed: float
    top_speed: float
    lost: float


@dataclass(frozen=True)
class Performance:
    """A motion played by a head. Arrays [T, J], a row a command.

    Attributes:
        rig: the head.
        times_s: float64 [T].
        asked: float64 [unit], by the face, before limits.
        sent: float64 [unit].
        clipped, slowed: bool, see motion.Commands.
    """

    rig: RigMap
    times_s: Float64
    asked: Float64
    sent: Float64
    clipped: npt.NDArray[np.bool_]
    slowed: npt.NDArray[np.bool_]


def read_motion(path: Path) -> dict[str, Float64]:
    """Weights, head pose and eyes of a motion as `m2f animate -o x.npz` writes it, [T, n] each.

    Raises:
        ValueError: naming the file and what is wrong with it.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name], np.float64) for name in _COLUMNS}
    except KeyError as error:
        raise ValueError(f"{path}: {error.args[0]}; make it by m2f animate") from error
    except (OSError, ValueError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or "is no .npz file of numbers"
        raise ValueError(f"{path}: {reason}; make it by m2f animate") from error
    frames = len(arrays["eyes"])
    for name, columns in _COLUMNS.items():
        if arrays[name].shape != (frames, columns) or frames < 2:
            raise ValueError(
                f"{path}: {name} has shape {arrays[name].shape}, must be (frames, {columns}) "
                "with two frames or more"
            )
        if not np.isfinite(arrays[name]).all():
            raise ValueError(f"{path}: {name} has values that are not finite")
    return arrays


def perform(rig: RigMap, motion: dict[str, Float64]) -> Performance:
    """Plays a motion with the frames known ahead, as the node does when they come early."""
    controller = Controller(rig)
    frames = len(motion["eyes"])
    for frame in range(frames):
        controller.accept(frame / FRAME_RATE_HZ, *(motion[name][frame] for name in _COLUMNS))
    ahead_s = max(joint.latency_ms for joint in rig.joints) * 1e-3
    # The head moves `latency` after its commands; the time shown is that of the head.
    times_s = np.arange(0.0, frames / FRAME_RATE_HZ, rig.period_ns * 1e-9)
    steps = [controller.step(time_s - ahead_s) for time_s in times_s]
    return Performance(
        rig=rig,
        times_s=times_s,
        asked=np.array([step.asked for step in steps]),
        sent=np.array([step.position for step in steps]),
        clipped=np.array([step.clipped for step in steps]),
        slowed=np.array([step.slowed for step in steps]),
    )


def violations(rig: RigMap, positions: Float64) -> dict[str, int]:
    """Commands that the limits of their joints forbid: plain differences, no tolerance.

    Args:
        rig: whose limits.
        positions: float64 [T, J] of the commands, a period apart, after a rest at neutral.
    """
    period_s = rig.period_ns * 1e-9
    whole = np.concatenate([np.tile(rig.column("neutral"), (2, 1)), positions])
    velocity = np.diff(whole, axis=0) / period_s
    acceleration = np.diff(velocity, axis=0) / period_s
    outside = (positions < rig.column("lower")) | (positions > rig.column("upper"))
    return {
        "position": int((outside | ~np.isfinite(positions)).sum()),
        "velocity": int((np.abs(velocity) > rig.column("max_velocity")).sum()),
        "acceleration": int((np.abs(acceleration) > rig.column("max_acceleration")).sum()),
    }


def face_range(joint: Joint) -> tuple[float, float]:
    """What the usual range of every source could ask of a joint [unit]."""
    low = high = 0.0
    for name, weight in joint.sources:
        index = SOURCE_INDEX[name]
        ends = (weight * USUAL_LOW[index], weight * USUAL_HIGH[index])
        low, high = low + min(ends), high + max(ends)
    # A curve need not be monotone: its corners between the ends count too.
    mixes = [low, high, *(x for x, _ in joint.curve if low < x < high)]
    values = [joint.offset + joint.gain * shape(joint, mix) for mix in mixes]
    return min(values), max(values)


def report(performance: Performance) -> list[JointReport]:
    """One report for each joint."""
    rig, period_s = performance.rig, performance.rig.period_ns * 1e-9
    reports = []
    for index, joint in enumerate(rig.joints):
        asked, sent = performance.asked[:, index], performance.sent[:, index]
        spread = max(float(asked.std()), LEAST_SPREAD * (joint.upper - joint.lower))
        rms = float(np.sqrt(((asked - sent) ** 2).mean()))
        reports.append(
            JointReport(
                joint,
                *face_range(joint),
                *(float(asked.min()), float(asked.max())),
                *(float(sent.min()), float(sent.max())),
                clipped=float(performance.clipped[:, index].mean()),
                slowed=float(performance.slowed[:, index].mean()),
                top_speed=float(np.abs(np.diff(asked)).max()) / period_s,
                lost=rms / spread,
            )
        )
    return reports


def table(reports: list[JointReport]) -> str:
    """The reports as text, a line a joint."""
    width = max(len("joint"), *(len(one.joint.name) for one in reports))
    lines = [
        f"{'joint':<{width}}  unit   limits                the face can ask      "
        "the motion asked      sent                  clipped  slowed    lost  asked/max speed"
    ]
    for one in reports:
        joint = one.joint
        ranges = (
            (joint.lower, joint.upper),
            (one.face_low, one.face_high),
            (one.asked_low, one.asked_high),
            (one.sent_low, one.sent_high),
        )
        cells = "  ".join(f"{f'{low:.3g} .. {high:.3g}':<20}" for low, high in ranges)
        lines.append(
            f"{joint.name:<{width}}  {joint.unit:<5}  {cells}  {one.clipped:>6.1%}  "
            f"{one.slowed:>6.1%}  {one.lost:>6.1%}  {one.top_speed:.3g} / {joint.max_velocity:g}"
        )
    return "\n".join(lines)


def draw(path: Path, performance: Performance, reports: list[JointReport], title: str) -> None:
    """Writes a picture: for each joint its ranges, and the motion as asked for and as sent.

    Raises:
        ImportError: where matplotlib is missing.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = len(reports)
    figure = Figure(figsize=(14, 1.1 + 1.05 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, 2, squeeze=False, width_ratios=(1, 2.2))
    for index, (one, (left, right)) in enumerate(zip(reports, axes, strict=True)):
        _draw_ranges(left, one)
        _draw_motion(right, one, performance, index)
        right.tick_params(labelbottom=index == rows - 1)
    axes[0, 0].set_title("ranges", fontsize=10)
    axes[0, 1].set_title("the motion", fontsize=10)
    axes[-1, 1].set_xlabel("s")
    _legend(figure, title)
    figure.savefig(path, dpi=100)


def _draw_ranges(axes: Axes, one: JointReport) -> None:
    joint = one.joint
    bars = (
        (2, one.face_low, one.face_high, "#dadce0"),
        (1, one.asked_low, one.asked_high, _ASKED),
        (0, one.sent_low, one.sent_high, _SENT),
    )
    for height, low, high, colour in bars:
        axes.barh(height, high - low, 0.7, left=low, color=colour)
    axes.axvspan(joint.lower, joint.upper, color="#e6f4ea", zorder=0)
    for limit in (joint.lower, joint.upper):
        axes.axvline(limit, color=_LIMIT, linewidth=1)
    axes.axvline(joint.neutral, color="black", linewidth=1, linestyle=":")
    shown = [value for _, *ends, _ in bars for value in ends] + [joint.lower, joint.upper]
    margin = 0.03 * (max(shown) - min(shown))
    axes.set_xlim(min(shown) - margin, max(shown) + margin)
    axes.set_yticks([2, 1, 0], ["face", "asked", "sent"], fontsize=7)
    axes.set_ylabel(
        f"{joint.name}\n[{joint.unit}]", rotation=0, ha="right", va="center", fontsize=9
    )
    axes.tick_params(axis="x", labelsize=7)


def _draw_motion(axes: Axes, one: JointReport, performance: Performance, index: int) -> None:
    joint, times_s = one.joint, performance.times_s
    asked, sent = performance.asked[:, index], performance.sent[:, index]
    axes.plot(times_s, asked, color=_ASKED, linewidth=1.5)
    axes.plot(times_s, sent, color=_SENT, linewidth=1)
    for mask, colour in (
        (performance.clipped[:, index], _LIMIT),
        (performance.slowed[:, index], "#f9ab00"),
    ):
        low, high = axes.get_ylim()
        axes.fill_between(times_s, low, high, where=mask, color=colour, alpha=0.25, linewidth=0)
        axes.set_ylim(low, high)
    low, high = axes.get_ylim()
    for limit in (joint.lower, joint.upper):
        if low <= limit <= high:
            axes.axhline(limit, color=_LIMIT, linewidth=0.8)
    axes.set_xlim(times_s[0], times_s[-1])
    axes.tick_params(labelsize=7)
    text = f"clipped {one.clipped:.0%}\nslowed {one.slowed:.0%}\nlost {one.lost:.0%}"
    axes.text(1.01, 0.5, text, transform=axes.transAxes, va="center", fontsize=8)


def _legend(figure: Any, title: str) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    figure.suptitle(title, fontsize=12)
    handles = [
        Patch(color="#e6f4ea", label="within limits"),
        Line2D([], [], color=_LIMIT, label="limit"),
        Line2D([], [], color="black", linestyle=":", label="neutral"),
        Patch(color="#dadce0", label="a face can ask"),
        Patch(color=_ASKED, label="the motion asked"),
        Patch(color=_SENT, label="sent"),
        Patch(color=_LIMIT, alpha=0.25, label="clipped"),
        Patch(color="#f9ab00", alpha=0.25, label="slowed"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8)
