"""Both packages called audio_common_msgs, from another process, over DDS."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import lookalikes
import numpy as np
import pytest
from m2f_msgs.msg import AudioChunk
from m2f_node.audio_bridge import Line
from m2f_node.conversions import to_seconds
from m2f_node.foreign_audio import find_type, from_bytes, is_mp3
from speaker_of_others import MP3_FRAME, RATE_HZ
from std_msgs.msg import String

pytestmark = pytest.mark.ros

SPEAKER = Path(__file__).with_name("speaker_of_others.py")


@pytest.fixture
def speak() -> Iterator[Callable[..., None]]:
    """Starts another process that publishes what its arguments say."""
    started: list[subprocess.Popen[bytes]] = []

    def _speak(*arguments: str) -> None:
        started.append(subprocess.Popen([sys.executable, str(SPEAKER), *arguments]))

    yield _speak
    for process in started:
        process.kill()
        process.wait()


def assert_a_tone_in_time(chunks: list[AudioChunk], client: Any, coarse: bool = False) -> None:
    """440 Hz at half scale, indices without holes, stamps that follow them and the clock."""
    assert {(chunk.sample_rate, chunk.channels, len(chunk.data)) for chunk in chunks} == {
        (RATE_HZ, 1, 512)
    }
    for one, following in pairwise(chunks):
        assert following.first_sample >= one.first_sample + 512
    sound = np.concatenate([np.frombuffer(chunk.data, np.int16) for chunk in chunks[:20]]) / 32768
    assert np.abs(sound).max() == pytest.approx(0.5, abs=0.02)
    assert np.abs(np.fft.rfft(sound)).argmax() * RATE_HZ / len(sound) == pytest.approx(440, abs=5)
    now_s = client.node.get_clock().now().nanoseconds * 1e-9
    assert -0.1 < now_s - to_seconds(chunks[-1].header.stamp) < 2.0


@pytest.mark.parametrize("number", [1, 2, 8, 16, 32])
def test_typed_arrays_of_every_format(
    start: Callable, client: Any, speak: Callable, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    lookalikes.source(lookalikes.build(lookalikes.MGONZS13), monkeypatch)
    chunks = client.collect(AudioChunk, "audio")
    node = start("audio_bridge")
    speak("AudioStamped", str(number))
    node.wait_for("bridging audio_common_msgs/msg/AudioStamped")
    client.spin_until(lambda: len(chunks) >= 30)
    assert_a_tone_in_time(chunks, client)
    assert chunks[0].header.frame_id == "ear"


@pytest.mark.parametrize(
    "arguments", [("AudioDataStamped", "wave", "info"), ("AudioData", "wave")]
)
def test_bytes(
    start: Callable,
    client: Any,
    speak: Callable,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
) -> None:
    lookalikes.source(lookalikes.build(lookalikes.DRIVERS), monkeypatch)
    chunks = client.collect(AudioChunk, "audio")
    node = start("audio_bridge")
    speak(*arguments)
    node.wait_for(f"bridging audio_common_msgs/msg/{arguments[0]} ")
    client.spin_until(lambda: len(chunks) >= 30)
    assert_a_tone_in_time(chunks, client)


@pytest.mark.parametrize("arguments", [("AudioDataStamped", "mp3", "info"), ("AudioData", "mp3")])
def test_mp3_is_refused_with_what_to_set(
    start: Callable, speak: Callable, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    lookalikes.source(lookalikes.build(lookalikes.DRIVERS), monkeypatch)
    node = start("audio_bridge")
    speak(*arguments)
    assert "MP3" in node.wait_for("format:=wave") or "mp3" in node.wait_for("format:=wave")
    assert node.stop() == 0


def test_a_type_that_is_not_installed_is_named_with_its_package(
    start: Callable, speak: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = lookalikes.build(lookalikes.MGONZS13)
    node = start("audio_bridge")  # before the package is sourced
    lookalikes.source(prefix, monkeypatch)
    speak("AudioStamped", "8")
    assert "mgonzs13" in node.wait_for("messages of type audio_common_msgs/msg/AudioStamped need")


def test_the_other_package_of_the_same_name_is_told_apart(
    start: Callable, speak: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        lookalikes.source(lookalikes.build(lookalikes.MGONZS13), context)
        node = start("audio_bridge")
    lookalikes.source(lookalikes.build(lookalikes.DRIVERS), monkeypatch)
    speak("AudioDataStamped", "wave")
    assert "is mgonzs13's" in node.wait_for("cannot be in one workspace")


def test_another_type_on_the_topic_is_named(start: Callable, client: Any) -> None:
    node = start("audio_bridge")
    client.node.create_publisher(String, "audio_in", 10)
    node.wait_for("audio_in has type std_msgs/msg/String")


def test_nothing_of_others_is_imported() -> None:
    code = (
        "import sys, m2f_node.audio_bridge, m2f_node.expression; "
        "print([name for name in sys.modules if name.startswith(('audio_common', 'hri_msgs'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(ImportError, match="mgonzs13"):
        find_type("audio_common_msgs/msg/AudioStamped")
    with pytest.raises(ImportError, match="ros-drivers"):
        find_type("audio_common_msgs/msg/AudioData")


def test_bytes_that_are_no_samples_are_refused() -> None:
    assert is_mp3(MP3_FRAME)
    assert is_mp3(MP3_FRAME * 3)
    assert is_mp3(b"ID3" + bytes(100))
    rng = np.random.default_rng(0)
    for _ in range(200):
        noise = rng.integers(-3000, 3000, 512).astype("<i2")
        noise[0] = -1025  # looks like the beginning of an MPEG header
        assert not is_mp3(noise.tobytes())
    with pytest.raises(ValueError, match="S16LE"):
        from_bytes(bytes(7), 1)
    with pytest.raises(ValueError, match="WAV"):
        from_bytes(b"RIFF" + bytes(40), 1)


def test_a_pause_of_the_source_is_one_of_the_indices() -> None:
    line = Line(RATE_HZ)
    places = [line.place(10.0 + 0.032 * number, 512) for number in range(100)]
    assert [first for first, _ in places] == [512 * number for number in range(100)]
    first, time_s = line.place(10.0 + 0.032 * 100 + 3.0, 512)
    assert first == pytest.approx(512 * 100 + 3 * RATE_HZ, abs=160)
    assert time_s == pytest.approx(16.2, abs=0.01)


def test_a_sentence_at_once_counts_on() -> None:
    line = Line(RATE_HZ)
    places = [line.place(10.0 + 0.0005 * number, 512) for number in range(100)]
    assert [first for first, _ in places] == [512 * number for number in range(100)]
