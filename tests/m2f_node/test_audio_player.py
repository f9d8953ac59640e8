"""The player with the real face: how far its sound is from the frames, measured in what it plays.

What was played is known by comparing it with the sound that was spoken; what a frame shows, by
counting from the first frame that is not idle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
import soundfile
import soxr
from diagnostic_msgs.msg import DiagnosticArray
from m2f_msgs.msg import AudioChunk, FaceFrame
from m2f_node.audio_file import AUDIO_QOS, read_sound
from m2f_node.conversions import to_seconds
from sound_server import SoundServer

pytestmark = pytest.mark.ros

RATE_HZ = 16_000
PIECE_S = 0.5
WITHIN_MS = 20.0
LOOP_MS = 150.0
LONG_S = 90.0
ALIKE = 0.9  # correlation of a piece that was played whole with what was spoken


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    made = SoundServer(tmp_path, monkeypatch)
    yield made
    made.stop()


def values(reports: list[DiagnosticArray], name: str) -> dict[str, str]:
    """Values of the latest report of that name."""
    for array in reversed(reports):
        for status in array.status:
            if status.name == name:
                return {item.key: item.value for item in status.values}
    return {}


def offsets_ms(
    frames: list[FaceFrame], spoken: np.ndarray, played: np.ndarray, played_s: float
) -> np.ndarray:
    """Sound minus frame for each half second of speech.

    Args:
        frames: of one utterance, and idle ones before it.
        spoken: float [S], 16 kHz.
        played: float [S'], 16 kHz.
        played_s: when played[0] was heard.
    """
    stamps = {frame.index: to_seconds(frame.header.stamp) for frame in frames}
    first = min(frame.index for frame in frames if not frame.idle)
    piece = round(PIECE_S * RATE_HZ)
    found = []
    for begin in range(0, len(spoken) - piece, piece):
        part = spoken[begin : begin + piece]
        frame = first + round(begin / RATE_HZ * 30)
        if np.sqrt(np.mean(part**2)) < 0.02 or frame not in stamps:
            continue
        around = round((stamps[frame] - played_s) * RATE_HZ)
        low = max(0, around - RATE_HZ // 2)
        window = played[low : around + piece + RATE_HZ // 2]
        if len(window) < piece:
            continue
        products = scipy.signal.correlate(window, part, "valid", method="fft")
        place = int(products.argmax())
        match = window[place : place + piece]
        if products[place] < ALIKE * np.linalg.norm(part) * np.linalg.norm(match):
            continue  # not played whole: the device or this computer was too slow
        heard_s = played_s + (low + place) / RATE_HZ
        beside_s = begin / RATE_HZ - (frame - first) / 30  # the piece begins beside the frame
        found.append(1000 * (heard_s - stamps[frame] - beside_s))
    if len(found) < 3:
        pytest.skip("this computer is too busy to play: hardly any of the sound came whole")
    return np.array(found)


def spoken_by(sound: Any) -> np.ndarray:
    return soxr.resample(sound.samples[:, 0] / 32768, sound.rate_hz, RATE_HZ)


def over(frames: list[FaceFrame], shown: int) -> bool:
    """Whether the frames of an utterance, `shown` long, have come."""
    real = [frame.index for frame in frames if not frame.idle]
    return bool(real) and frames[-1].index >= real[0] + shown - 3


@pytest.mark.parametrize("idle", ["true", "false"])
@pytest.mark.parametrize("burst", ["true", "false"])
def test_a_file_is_in_sync(
    start: Callable, client: Any, sample: Path, tmp_path: Path, idle: str, burst: str
) -> None:
    frames = client.collect(FaceFrame, "face/frame")
    reports = client.collect(DiagnosticArray, "/diagnostics")
    # Late frames are shown here: what is measured is when, not whether.
    start("m2f_node", f"idle:={idle}", "max_late_ms:=60000.0").wait_for("active")
    path = tmp_path / "played.wav"
    player = start("audio_player", "output:=file", f"file:={path}", f"rate:={RATE_HZ}")
    player.wait_for("writing")
    client.spin_until(lambda: values(reports, "audio_player: sound"))
    start("audio_file", f"file:={sample}", f"burst:={burst}", "subscribers:=2")
    sound = read_sound(sample)
    spoken = spoken_by(sound)
    shown = round(len(spoken) / RATE_HZ * 30)
    client.spin_until(lambda: over(frames, shown), LONG_S)
    client.spin_until(lambda: values(reports, "audio_player: sound")["utterances"] == "1")
    report = values(reports, "audio_player: sound")
    assert player.stop() == 0, "\n".join(player.lines)
    played, rate_hz = soundfile.read(path)
    assert rate_hz == RATE_HZ
    offsets = offsets_ms(frames, spoken, played, float(report["start_stamp"]))
    print("offsets [ms]:", np.round(offsets, 2))
    assert np.abs(offsets).max() < WITHIN_MS
    assert float(report["offset_p99_ms"]) < WITHIN_MS


def test_a_loudspeaker_stays_in_sync_as_a_microphone_hears_it(
    server: SoundServer, start: Callable, client: Any, sample: Path
) -> None:
    frames = client.collect(FaceFrame, "face/frame")
    reports = client.collect(DiagnosticArray, "/diagnostics")
    heard = client.collect(AudioChunk, "ear/audio")
    start("m2f_node", "max_late_ms:=60000.0").wait_for("active")
    ear = ("-r", "audio:=ear/audio", "-r", "__node:=ear")
    start("microphone", "device:=pulse", "gate:=false", arguments=ear)
    start("audio_player", "device:=pulse").wait_for("playing on pulse")
    client.spin_until(lambda: values(reports, "audio_player: sound") and len(heard) > 60)
    start("audio_file", f"file:={sample}", "subscribers:=2")
    spoken = spoken_by(read_sound(sample))
    shown = round(len(spoken) / RATE_HZ * 30)
    client.spin_until(lambda: over(frames, shown), LONG_S)
    count = len(heard)
    client.spin_until(lambda: len(heard) > count + 40)
    played = np.concatenate([np.frombuffer(chunk.data, np.int16) for chunk in heard]) / 32768
    first_sample = heard[0].first_sample
    played_s = np.median(
        [
            to_seconds(one.header.stamp) - (one.first_sample - first_sample) / RATE_HZ
            for one in heard
        ]
    )
    offsets = offsets_ms(frames, spoken, played, float(played_s))
    print("offsets [ms]:", np.round(offsets, 2))
    # The loop's own delay is what the sound server guesses (-12 ms in most runs, 88 in one); what
    # the player owes is that it stays.
    assert np.ptp(offsets) < WITHIN_MS
    assert np.abs(offsets).max() < LOOP_MS


def test_the_loudspeaker_comes_back(server: SoundServer, start: Callable, client: Any) -> None:
    node = start("audio_player", "device:=pulse")
    node.wait_for("playing on pulse")
    server.stop()
    node.wait_for("waiting for the device")
    server.start()
    client.spin_until(lambda: sum("playing on pulse" in line for line in node.lines) >= 2)
    assert node.stop() == 0


def test_garbage_is_dropped(start: Callable, client: Any, tmp_path: Path) -> None:
    node = start("audio_player", "output:=file", f"file:={tmp_path / 'x.wav'}")
    publisher = client.publisher(AudioChunk, "audio", AUDIO_QOS)

    def refused() -> bool:
        # The subscriber knows of the publisher a little later than the other way round.
        publisher.publish(AudioChunk(sample_rate=1, channels=0))
        return any("dropped a message on audio: sample_rate = 1" in line for line in node.lines)

    client.spin_until(refused)
    assert node.stop() == 0


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        (["output:=radio"], "output = 'radio'"),
        (["output:=file", "file:=/nowhere/x.wav"], "/nowhere/x.wav"),
        (["output:=file"], "parameter file"),
    ],
)
def test_what_cannot_start_says_why(start: Callable, parameters: list[str], reason: str) -> None:
    node = start("audio_player", *parameters)
    assert node.wait() == 1
    assert any(reason in line for line in node.lines), node.lines
