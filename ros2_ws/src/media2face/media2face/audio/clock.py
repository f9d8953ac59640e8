"""Times of a stream's samples, smoothed: what a device reports jitters, its samples do not."""

from __future__ import annotations

# Share of a deviation that is followed at each report: jitter out, drift in. At the start a plain
# mean settles sooner.
TRACKING = 0.02
OUTLIER_S = 0.02  # a report that is further off comes from a busy computer and is not followed,
JUMP_AFTER_S = 0.5  # unless all of them are for this long: then the stream or the clock has jumped


class SampleClock:
    """Maps a sample index of one stream to seconds on the caller's clock. Not thread-safe."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._start_s = 0.0
        self._reports = 0
        self._outliers_since: int | None = None

    @property
    def started(self) -> bool:
        """There was a report."""
        return self._reports > 0

    def update(self, sample: int, time_s: float) -> float:
        """Takes a report that sample `sample` has time `time_s`; returns its smoothed time."""
        start_s = time_s - sample / self._rate_hz
        deviation_s = start_s - self._start_s
        if not self._reports:
            self._restart(start_s)
        elif abs(deviation_s) <= OUTLIER_S:
            self._reports += 1
            self._outliers_since = None
            self._start_s += max(TRACKING, 1 / self._reports) * deviation_s
        elif self._outliers_since is None:
            self._outliers_since = sample
        elif sample - self._outliers_since >= JUMP_AFTER_S * self._rate_hz:
            self._restart(start_s)
        return self.time_s(sample)

    def time_s(self, sample: int) -> float:
        """Time of any sample, seconds.

        Raises:
            RuntimeError: before the first report.
        """
        if not self._reports:
            raise RuntimeError("SampleClock.time_s() before the first update()")
        return self._start_s + sample / self._rate_hz

    def _restart(self, start_s: float) -> None:
        self._start_s = start_s
        self._reports = 1
        self._outliers_since = None
