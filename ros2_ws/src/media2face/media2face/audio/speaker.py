"""Sound to an output device, asked for by the time at which it will be heard."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from media2face.audio.clock import SampleClock
from media2face.audio.devices import Device
from media2face.types import Float32

LATENCY_S = 0.05  # asked of the device
SILENT_S = 2.0  # a device that asks for nothing for this long has gone

# Time at which the first sample is heard, on the caller's clock, and how many: the samples.
Render = Callable[[float, int], Float32]


class Speaker:
    """An output stream, from opening until it fails or is closed."""

    def __init__(
        self,
        sounddevice: ModuleType,
        device: Device,
        rate_hz: int,
        now: Callable[[], float],
        render: Render,
    ) -> None:
        """Opens the stream.

        Args:
            sounddevice: see devices.load_sounddevice.
            device: to play on.
            rate_hz: samples per second.
            now: seconds on the caller's clock. Called on the device's thread.
            render: gives the sound. Called on the device's thread.

        Raises:
            OSError: why the device cannot be opened.
        """
        self._rate_hz = rate_hz
        self._now = now
        self._render = render
        self._clock = SampleClock(rate_hz)
        self._next_sample = 0
        self._stopped = False
        self._asked_s = time.monotonic()
        self.device = device
        self.underruns = 0
        self.latency_s = 0.0
        try:
            self._stream = sounddevice.OutputStream(
                device=device.index,
                samplerate=rate_hz,
                channels=1,
                dtype="float32",
                blocksize=0,
                latency=LATENCY_S,
                callback=self._on_demand,
                finished_callback=self._on_finished,
            )
            self._stream.start()
        except sounddevice.PortAudioError as error:
            raise OSError(f"{device.name} cannot play at {rate_hz} Hz: {error}") from error

    def failure(self) -> str:
        """Why the stream has ended; empty while it runs."""
        silent_s = time.monotonic() - self._asked_s
        if self._stopped:
            return "the stream has stopped"
        return f"nothing was asked for in {silent_s:.1f} s" if silent_s > SILENT_S else ""

    def close(self) -> None:
        self._stream.close(ignore_errors=True)

    def _on_finished(self) -> None:
        self._stopped = True

    def _on_demand(self, out: Any, frames: int, times: Any, status: Any) -> None:
        """On the device's thread."""
        self._asked_s = time.monotonic()
        if status.output_underflow:
            self.underruns += 1
        wait_s = min(max(0.0, times.outputBufferDacTime - times.currentTime), 2.0)
        heard_s = self._clock.update(self._next_sample, self._now() + wait_s)
        self.latency_s = wait_s
        self._next_sample += frames
        out[:, 0] = np.asarray(self._render(heard_s, frames), np.float32)
