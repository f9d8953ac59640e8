"""What the node says about itself once a second."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from media2face.contract import FRAME_RATE_HZ

from m2f_node.conversions import to_time

if TYPE_CHECKING:
    from m2f_node.face import Face

RECENT_FRAMES = 30 * FRAME_RATE_HZ


@dataclass
class Health:
    """Counts between two reports. Used on the executor's thread alone.

    Attributes:
        late_ms: publication minus presentation time of the recent frames [ms].
        dropped_inputs: messages refused since the node was configured.
        starved, skipped: totals at the report before.
    """

    late_ms: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_FRAMES))
    dropped_inputs: int = 0
    starved: int = 0
    skipped: int = 0


def quantiles(values: list[float]) -> tuple[float, float]:
    """Median and 99th percentile; zeros where there is nothing yet."""
    if not values:
        return 0.0, 0.0
    p50, p99 = np.percentile(np.asarray(values), [50, 99])
    return float(p50), float(p99)


def report(face: Face, name: str, node_path: str, now_s: float) -> DiagnosticArray:
    """One status of `face`, whose health takes over the totals; `now_s` on the node's clock."""
    stats, health, backend = face.session.stats, face.health, face.backend
    hop_p50, hop_p99 = quantiles(list(stats.hop_compute_ms))
    late_p50, late_p99 = quantiles(list(health.late_ms))
    hop_ms = 1000.0 * backend.geometry.hop_frames / FRAME_RATE_HZ
    starved, skipped = stats.starved_ticks - health.starved, stats.skipped_frames - health.skipped
    health.starved, health.skipped = stats.starved_ticks, stats.skipped_frames
    level, message = DiagnosticStatus.OK, "running"
    if face.failure:
        level, message = DiagnosticStatus.ERROR, face.failure
    elif skipped > 0:
        level, message = DiagnosticStatus.WARN, f"{skipped} frames skipped to stay in sync"
    elif starved > 0:
        level, message = DiagnosticStatus.WARN, f"audio or compute was late {starved} times"
    elif hop_p99 > hop_ms:
        level, message = DiagnosticStatus.WARN, "a hop takes longer than it lasts"
    values = {
        "frames_out": str(stats.frames_out),
        "buffered_frames": str(stats.buffered_frames),
        "starved_ticks": str(stats.starved_ticks),
        "skipped_frames": str(stats.skipped_frames),
        "dropped_inputs": str(health.dropped_inputs),
        "hop_ms": f"{hop_ms:.3f}",
        "hop_compute_p50_ms": f"{hop_p50:.3f}",
        "hop_compute_p99_ms": f"{hop_p99:.3f}",
        "delay_ms": f"{face.session.delay_s * 1e3:.3f}",
        "late_p50_ms": f"{late_p50:.3f}",
        "late_p99_ms": f"{late_p99:.3f}",
        "backend": backend.name,
        "model": face.model_dir.name,
        "model_hash": backend.model_hash,
        "identity": face.identity.name,
    }
    status = DiagnosticStatus(
        level=level,
        name=name,
        hardware_id=node_path,
        message=message,
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )
    array = DiagnosticArray(status=[status])
    array.header.stamp = to_time(now_s)
    return array
