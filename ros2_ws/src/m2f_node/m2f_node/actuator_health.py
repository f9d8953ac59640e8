"""What the actuator node says about itself once a second."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from media2face.rig.map import RigMap
from media2face.rig.motion import Commands
from media2face.rig.sources import Float64


@dataclass
class Health:
    """Counts since the last report, but for the totals. Used on the executor's thread alone.

    Attributes:
        frames, refused, restamped: totals: taken; dropped as impossible; with a stamp that
            could not be followed.
        new_frames, new_refused: since the last report.
        ticks: commands sent.
        stale: of them, those without a frame to follow.
        clipped, slowed: of them, those in which a joint was asked for more than its limits give.
    """

    joints: int
    frames: int = 0
    refused: int = 0
    restamped: int = 0
    new_frames: int = 0
    new_refused: int = 0
    ticks: int = 0
    stale: int = 0
    clipped: Float64 = field(init=False)
    slowed: Float64 = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Starts the next second."""
        self.new_frames = self.new_refused = self.ticks = self.stale = 0
        self.clipped, self.slowed = np.zeros(self.joints), np.zeros(self.joints)

    def count(self, commands: Commands) -> None:
        self.ticks += 1
        self.stale += not commands.fresh.all()
        self.clipped += commands.clipped
        self.slowed += commands.slowed

    def status(self, rig: RigMap, enabled: bool, waiting_frames: int) -> DiagnosticStatus:
        level, message = DiagnosticStatus.OK, "following"
        if not enabled:
            message = "not enabled: at neutral"
        elif self.new_refused:
            level, message = DiagnosticStatus.WARN, f"{self.new_refused} frames refused"
        elif self.stale:
            level, message = DiagnosticStatus.WARN, "no frames: going to or at neutral"
        values = {
            "map": rig.name,
            "frames": self.frames,
            "frames_last_second": self.new_frames,
            "frames_waiting": waiting_frames,
            "refused": self.refused,
            "restamped": self.restamped,
            "commands": self.ticks,
            "stale_commands": self.stale,
            "clipped_joints": self._shares(rig, self.clipped),
            "slowed_joints": self._shares(rig, self.slowed),
        }
        return DiagnosticStatus(
            level=level,
            message=message,
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
        )

    def _shares(self, rig: RigMap, ticks: Float64) -> str:
        shares = zip(rig.names, ticks / max(1, self.ticks), strict=True)
        return ", ".join(f"{name} {share:.0%}" for name, share in shares if share > 0)
