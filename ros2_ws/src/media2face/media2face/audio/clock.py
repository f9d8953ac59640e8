"""Times of a stream's samples, smoothed: what a device reports jitters, its samples do not."""

from __future__ import annotations

TRACKING = 0.02  # share of a deviation that is followed at each report: jitter out, drift in
JUMP_S = 0.1  # a deviation beyond this is a jump of the clock or of the stream, followed at once


class SampleClock:
    """Maps a sample index of one stream to seconds on the caller's clock. Not thread-safe."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._start_s: float | None = None

    def update(self, sample: int, time_s: float) -> float:
        """Takes a report that sample `sample` has time `time_s`; returns its smoothed time."""
        start_s = time_s - sample / self._rate_hz
        if self._start_s is None or abs(start_s - self._start_s) > JUMP_S:
            self._start_s = start_s
        else:
            self._start_s += TRACKING * (start_s - self._start_s)
        return self.time_s(sample)

    def time_s(self, sample: int) -> float:
        """Time of any sample, seconds.

        Raises:
            RuntimeError: before the first report.
        """
        if self._start_s is None:
            raise RuntimeError("SampleClock.time_s() before the first update()")
        return self._start_s + sample / self._rate_hz
