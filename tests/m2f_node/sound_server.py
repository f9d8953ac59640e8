"""A PulseAudio of the test's own with a loudspeaker that plays to nowhere; its monitor is the
microphone. Real devices to sounddevice, on a machine without a sound card."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from media2face.audio.devices import list_devices, load_sounddevice

START_S = 10.0


class SoundServer:
    """Runs while it is `started`; `pactl` talks to it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Skips the test where PulseAudio or its way through ALSA and PortAudio is missing."""
        self._folder = folder
        self._socket = folder / "native"
        self._process: subprocess.Popen[bytes] | None = None
        if not shutil.which("pulseaudio") or not shutil.which("paplay"):
            pytest.skip("no PulseAudio: apt-get install pulseaudio pulseaudio-utils")
        for name, value in (
            ("PULSE_SERVER", f"unix:{self._socket}"),
            ("PULSE_RUNTIME_PATH", str(folder)),
            ("PULSE_COOKIE", str(folder / "cookie")),
        ):
            monkeypatch.setenv(name, value)
        try:
            sounddevice = load_sounddevice()
        except ImportError as error:
            pytest.skip(str(error))
        self.start()
        names = [device.name for device in list_devices(sounddevice, "input", refresh=True)]
        if "pulse" not in names:
            self.stop()
            pytest.skip("ALSA does not know PulseAudio: apt-get install libasound2-plugins")

    def start(self) -> None:
        """Returns when the server answers."""
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1"]
        command += [
            "--use-pid-file=no",
            "--log-level=error",
            "--realtime=no",
            "--high-priority=no",
        ]
        command += ["-L", "module-null-sink sink_name=nowhere rate=48000"]
        command += ["-L", f"module-native-protocol-unix socket={self._socket}"]
        environment = {key: value for key, value in os.environ.items() if key != "PULSE_SERVER"}
        self._process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while subprocess.run(["pactl", "info"], capture_output=True, check=False).returncode:
            assert self._process.poll() is None, "PulseAudio has ended"
            assert time.monotonic() < deadline, "PulseAudio does not answer"
            time.sleep(0.05)  # there is nothing to wait on but its answer

    def stop(self) -> None:
        """Pulls the plug."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def play(self, samples: np.ndarray, rate_hz: int) -> subprocess.Popen[bytes]:
        """Starts to play float32 [S] in [-1, 1]."""
        path = self._folder / "played.wav"
        soundfile.write(path, samples, rate_hz)
        return subprocess.Popen(["paplay", str(path)])
