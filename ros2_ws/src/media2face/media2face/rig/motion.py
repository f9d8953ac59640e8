"""From faces to commands that a joint can follow. No thread, no clock: the time comes with a call.

Every command keeps to its joint's limits of position, velocity and acceleration, whatever comes
in. Velocity is the difference of two commands over the period, acceleration that of two
velocities over the period. Where frames, the caller or the time go wrong, joints go to neutral.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from media2face.rig.map import RigMap
from media2face.rig.sources import Float64, source_vector

Bools = npt.NDArray[np.bool_]

MAX_FRAMES = 20_000  # ten minutes ahead, and some
# A joint that was still for this long rests, and then ignores what is within its dead band.
REST_S = 0.3
# Kept from the limits, so that the differences of rounded commands do not exceed them either.
ROUNDING = 1e-6
# How much of a target's own velocity a joint is brought to meet it with. At 1 the fastest ramp is
# followed without a lag, but what is too fast to follow is overshot; at 0 nothing is overshot and
# fast motion lags. Measured on the jaw of a talking face (docs/robots.md).
LEAD = 0.3
# A command this share of the range behind what is asked counts as slowed.
SLOWED_SHARE = 0.02


@dataclass(frozen=True)
class Commands:
    """What the joints are told at one tick. Arrays are of length J, in the order of the map.

    Attributes:
        position: float64 [unit].
        velocity: float64 [unit/s], the position's difference from the last command's.
        asked: float64 [unit], what the face asked for before limits; neutral where stale.
        clipped: where `asked` lies outside the position limits.
        slowed: where the command is behind what was asked for, by velocity or acceleration.
        fresh: where a frame is followed; elsewhere the joint is on its way to neutral.
    """

    position: Float64
    velocity: Float64
    asked: Float64
    clipped: Bools
    slowed: Bools
    fresh: Bools


class Track:
    """The joints' values over time, as the frames give them; linear between frames."""

    def __init__(self, neutral: Float64, timeout_s: float) -> None:
        self._neutral = neutral
        self._timeout_s = timeout_s
        self._stamps: list[float] = []
        self._values: list[Float64] = []

    def __len__(self) -> int:
        return len(self._stamps)

    def add(self, stamp_s: float, values: Float64) -> None:
        """Takes a frame. It replaces those stamped as late or later: a stream began again.

        Args:
            stamp_s: presentation time.
            values: float64 [J].

        Raises:
            ValueError: where the stamp is not finite, or too many frames wait.
        """
        if not np.isfinite(stamp_s):
            raise ValueError("the stamp is not a finite number")
        kept = bisect_left(self._stamps, stamp_s)
        del self._stamps[kept:], self._values[kept:]
        if kept >= MAX_FRAMES:
            raise ValueError(f"{MAX_FRAMES} frames wait to be shown; send them later")
        self._stamps.append(stamp_s)
        self._values.append(values)

    def clear(self) -> None:
        """Forgets every frame."""
        self._stamps.clear()
        self._values.clear()

    def at(self, time_s: float) -> tuple[Float64, bool]:
        """The values at a time, and whether a frame gives them; else they are neutral."""
        after = bisect_right(self._stamps, time_s)
        if after == 0:
            return self._neutral, False
        before_s, value = self._stamps[after - 1], self._values[after - 1]
        if after < len(self._stamps):
            gap_s = self._stamps[after] - before_s
            if gap_s <= self._timeout_s:
                share = (time_s - before_s) / gap_s
                return value + share * (self._values[after] - value), True
        # Not <= with NaN: a time that is none is never fresh.
        fresh = time_s - before_s <= self._timeout_s
        return (value, True) if fresh else (self._neutral, False)

    def forget(self, time_s: float) -> None:
        """Drops the frames that no time from `time_s` on needs."""
        unneeded = bisect_right(self._stamps, time_s) - 1
        if unneeded > 0:
            del self._stamps[:unneeded], self._values[:unneeded]


class DeadBand:
    """Holds a target that has been still, until it leaves the band about where it rested."""

    def __init__(self, band: Float64, neutral: Float64, period_s: float) -> None:
        self._band = band
        self._rest_ticks = max(1, round(REST_S / period_s))
        self._anchor = neutral.copy()
        self._held = neutral.copy()
        self._still = np.full(len(band), self._rest_ticks)

    def hold(self, target: Float64, fresh: Bools) -> Float64:
        """The target to follow, float64 [J]; where not `fresh`, the target as it is."""
        left = (np.abs(target - self._anchor) > self._band) | ~fresh
        self._anchor = np.where(left, target, self._anchor)
        self._still = np.where(left, 0, self._still + 1)
        self._held = np.where(self._still < self._rest_ticks, target, self._held)
        return self._held


class Limiter:
    """Follows targets within the limits; at every tick it could still stop short of them."""

    def __init__(self, rig: RigMap) -> None:
        self._period_s = rig.period_ns * 1e-9
        self._lower, self._upper = rig.column("lower"), rig.column("upper")
        self._max_velocity = rig.column("max_velocity") * (1 - ROUNDING)
        # Change of velocity from one tick to the next.
        self._max_change = rig.column("max_acceleration") * (1 - ROUNDING) * self._period_s
        self._return_velocity = (self._upper - self._lower) / (rig.return_ms * 1e-3)
        self._position = rig.column("neutral")
        self._velocity = np.zeros(len(rig.joints))
        self._target = self._position.copy()
        self._followed = np.zeros(len(rig.joints), bool)

    def step(self, target: Float64, fresh: Bools) -> tuple[Float64, Float64]:
        """One tick.

        Args:
            target: float64 [J] finite, within the position limits.
            fresh: where a moving target is followed; elsewhere it is approached gently.

        Returns:
            Position and velocity of the command, float64 [J] each.
        """
        period_s, change = self._period_s, self._max_change
        fast = np.where(fresh, self._max_velocity, self._return_velocity)
        fast = np.minimum(fast, self._max_velocity)
        moving = np.where(fresh & self._followed, (target - self._target) / period_s, 0.0)
        moving = np.clip(LEAD * moving, -fast, fast)
        behind = target - moving * period_s - self._position
        wanted = moving + np.sign(behind) * stoppable(np.abs(behind), change, period_s)
        wanted = np.clip(wanted, -fast, fast)
        velocity = np.clip(wanted, self._velocity - change, self._velocity + change)
        velocity = np.clip(
            velocity,
            -stoppable(self._position - self._lower, change, period_s),
            stoppable(self._upper - self._position, change, period_s),
        )
        position = np.clip(self._position + velocity * period_s, self._lower, self._upper)
        self._velocity = (position - self._position) / period_s
        self._position, self._target, self._followed = position, target, fresh
        return position.copy(), self._velocity.copy()


def stoppable(distance: Float64, change: Float64, period_s: float) -> Float64:
    """The highest velocity of the next tick from which a joint can stop within a distance.

    From v it goes v, v - c, v - 2 c ... for one period each, c the change of velocity a tick. With
    u = v / c and n = floor(u), that is (n + 1) u - n (n + 1) / 2 steps of c periods in all;
    here it is solved for u.

    Args:
        distance: float64 [J] >= 0 [unit].
        change: float64 [J] > 0, the most that the velocity may change from tick to tick [unit/s].
        period_s: of a tick.

    Returns:
        float64 [J] [unit/s].
    """
    steps = np.maximum(distance, 0.0) / (change * period_s)
    whole = np.floor((np.sqrt(8 * steps + 1) - 1) / 2)
    return np.asarray(change * (steps + whole * (whole + 1) / 2) / (whole + 1), np.float64)


class Controller:
    """Frames in, commands out, at the rate of the map. One thread at a time."""

    def __init__(self, rig: RigMap) -> None:
        self.rig = rig
        self._neutral = rig.column("neutral")
        self._lower, self._upper = rig.column("lower"), rig.column("upper")
        self._track = Track(self._neutral, rig.timeout_ms * 1e-3)
        self._dead_band = DeadBand(rig.column("dead_band"), self._neutral, rig.period_ns * 1e-9)
        self._limiter = Limiter(rig)
        latency_s = rig.column("latency_ms") * 1e-3
        # Joints of the same latency are read from the track together.
        self._latencies = [(float(s), latency_s == s) for s in np.unique(latency_s)]
        self._slack = SLOWED_SHARE * (self._upper - self._lower) + rig.column("dead_band")

    @property
    def waiting_frames(self) -> int:
        """Frames that are kept, to be shown or just shown."""
        return len(self._track)

    def accept(
        self,
        stamp_s: float,
        blendshapes: npt.ArrayLike,
        head_pose: npt.ArrayLike,
        eyes: npt.ArrayLike,
    ) -> None:
        """Takes a frame; arguments as in sources.source_vector, `stamp_s` its presentation time.

        Raises:
            ValueError: what is wrong with the frame; the controller stays as it was.
        """
        self._track.add(stamp_s, self.rig.asked(source_vector(blendshapes, head_pose, eyes)))

    def forget_frames(self) -> None:
        """For a clock that went back: forgets the frames; the joints stay where they are."""
        self._track.clear()

    def step(self, time_s: float, enabled: bool = True) -> Commands:
        """The commands of one tick, a period after those of the last.

        Args:
            time_s: presentation time that the joints without latency show now. Any time may
                come; a command is never more than a period's motion from the last one.
            enabled: False brings the joints to neutral.
        """
        asked, fresh = self._neutral.copy(), np.zeros(len(self._neutral), bool)
        for latency_s, joints in self._latencies if enabled else ():
            values, known = self._track.at(time_s + latency_s)
            asked[joints], fresh[joints] = values[joints], known
        self._track.forget(time_s)
        target = np.clip(asked, self._lower, self._upper)
        clipped = asked != target
        held = self._dead_band.hold(target, fresh)
        position, velocity = self._limiter.step(held, fresh)
        slowed = fresh & (np.abs(position - target) > self._slack)
        return Commands(position, velocity, asked, clipped, slowed, fresh)


class Ticks:
    """When to send the next command: at whole periods of the clock, whenever the timer fires.

    So the commands to the same frames are the same, when a recording is played again.
    """

    def __init__(self, period_ns: int) -> None:
        self._period_ns = period_ns
        self._phase_ns: int | None = None
        self._last: int | None = None

    def next(self, now_ns: int) -> tuple[int, bool] | None:
        """The tick that is due.

        Args:
            now_ns: the clock's time, a whole period after the last call's, more or less.

        Returns:
            Time of the tick [ns], within a period of `now_ns`, and whether the clock went back
            since the last one. None where this period's tick has been.
        """
        if self._phase_ns is None:
            half_ns = self._period_ns // 2
            self._phase_ns = (now_ns + half_ns) % self._period_ns - half_ns
        # The nearest, so that a timer that trembles about the border neither skips nor repeats.
        number = (now_ns - self._phase_ns + self._period_ns // 2) // self._period_ns
        if number == self._last:
            return None
        went_back = self._last is not None and number < self._last
        self._last = number
        return number * self._period_ns, went_back
