"""Sound files to chunks, and the player as a process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from m2f_msgs.msg import AudioChunk
from m2f_node.audio_file import BURST_CHUNK_S, CHUNK_S, chunks, read_sound
from m2f_node.conversions import to_seconds

pytestmark = pytest.mark.ros


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "opus"])
def test_common_files_are_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tone.{suffix}"
    tone = 0.5 * np.sin(np.arange(4800) * 0.1)
    options = {"format": "OGG", "subtype": "OPUS"} if suffix == "opus" else {}
    soundfile.write(path, np.stack([tone, tone], 1), 48_000, **options)
    sound = read_sound(path)
    assert (sound.samples.dtype, sound.samples.shape, sound.rate_hz) == (
        "int16",
        (4800, 2),
        48_000,
    )
    assert np.abs(sound.samples).max() > 0.4 * 32767


@pytest.mark.parametrize("content", [b"", b"this is not a sound" * 100])
def test_other_files_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.wav"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.wav"):
        read_sound(path)


@pytest.mark.parametrize("chunk_s", [CHUNK_S, BURST_CHUNK_S, 100.0])
def test_chunks_are_the_whole_sound_in_order(sample: Path, chunk_s: float) -> None:
    sound = read_sound(sample)
    made = list(chunks(sound, chunk_s, "mic", start_s=1000.0))
    data = np.concatenate([np.frombuffer(chunk.data, np.int16) for chunk in made])
    np.testing.assert_array_equal(data, sound.samples[:, 0])
    firsts = np.cumsum([0] + [len(chunk.data) for chunk in made[:-1]])
    assert [chunk.first_sample for chunk in made] == list(firsts)
    assert [chunk.last for chunk in made] == [False] * (len(made) - 1) + [True]
    for chunk in made:
        expected_s = 1000.0 + chunk.first_sample / sound.rate_hz
        assert to_seconds(chunk.header.stamp) == pytest.approx(expected_s, abs=1e-6)


@pytest.mark.parametrize("burst", [False, True])
def test_the_player_sends_all_in_time_and_ends(
    start: Callable, client, tmp_path: Path, burst: bool
) -> None:
    path = tmp_path / "noise.wav"
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 16_000)
    soundfile.write(path, noise, 16_000)
    received = client.collect(AudioChunk, "audio")
    player = start("audio_file", f"file:={path}", f"burst:={str(burst).lower()}")
    arrivals: list[float] = []

    def last_came() -> bool:
        now_s = client.node.get_clock().now().nanoseconds * 1e-9
        arrivals.extend([now_s] * (len(received) - len(arrivals)))
        return bool(received) and received[-1].last

    client.spin_until(last_came)
    assert player.wait() == 0
    assert sum(len(chunk.data) for chunk in received) == 16_000
    took_s = arrivals[-1] - to_seconds(received[0].header.stamp)
    # In real time the last chunk can come when its last sample has been played, not before.
    assert took_s < 0.5 if burst else 0.99 < took_s < 1.5


@pytest.mark.parametrize("parameters", [["file:=/nowhere.wav"], []])
def test_the_player_says_what_is_wrong(start: Callable, parameters: list[str]) -> None:
    player = start("audio_file", *parameters)
    assert player.wait() == 1
    assert any("no such file" in line for line in player.lines)


def test_the_player_does_not_wait_for_ever(start: Callable, sample: Path) -> None:
    player = start("audio_file", f"file:={sample}", "wait:=0.2")
    assert player.wait() == 1
    assert any("0 of 1 subscribers" in line for line in player.lines)
