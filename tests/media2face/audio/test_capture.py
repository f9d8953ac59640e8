"""Devices by name; blocks to chunks; lost samples. No device is needed."""

from __future__ import annotations

import numpy as np
import pytest
from media2face.audio.capture import Block, ChunkMaker, LossMeter
from media2face.audio.clock import SampleClock
from media2face.audio.devices import Device, choose_device
from media2face.audio.gate import GateConfig, VoiceGate

RATE_HZ = 16_000
DEVICES = [
    Device(0, "HDA Intel", 2, 48_000),
    Device(3, "USB Audio", 1, 48_000),
    Device(4, "USB Audio 2", 1, 48_000),
]


@pytest.mark.parametrize(
    ("wanted", "index"), [("intel", 0), ("USB Audio 2", 4), ("usb audio", 3), ("3", 3)]
)
def test_a_device_is_found_by_name_or_index(wanted: str, index: int) -> None:
    assert choose_device(DEVICES, wanted, "input").index == index


@pytest.mark.parametrize(
    ("wanted", "reason"), [("usb", "several"), ("nothing", "HDA Intel"), ("7", "index 7")]
)
def test_else_the_devices_are_listed(wanted: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        choose_device(DEVICES, wanted, "input")
    assert "4: USB Audio 2" in str(caught.value)


class Opened:
    """A detector for which everything is speech."""

    def probability(self, samples: np.ndarray) -> float:
        return 1.0

    def reset(self) -> None:
        pass


def blocks(first: int, count: int, time_s: float) -> list[Block]:
    """Samples that tell their own index, 400 a block."""
    values = (np.arange(first, first + 400 * count) % 10_000).astype(np.float32) / 10_000
    return [
        Block(values[i : i + 400], first + i, time_s + i / RATE_HZ, 0)
        for i in range(0, 400 * count, 400)
    ]


@pytest.mark.parametrize("gated", [False, True])
def test_chunks_keep_index_and_time_of_every_sample(gated: bool) -> None:
    gate = VoiceGate(RATE_HZ, Opened(), GateConfig(attack_ms=0)) if gated else None
    maker = ChunkMaker(RATE_HZ, 512, gate)
    chunks = []
    # 900 samples are lost between the two runs.
    for block in blocks(5000, 30, 100.0) + blocks(5000 + 12_900, 30, 100.0 + 12_900 / RATE_HZ):
        chunks += maker.push(block)
    chunks += maker.end()
    covered = []
    for chunk in chunks:
        index = np.arange(chunk.first_sample, chunk.first_sample + len(chunk.samples))
        covered += list(index)
        assert chunk.stamp_s == pytest.approx(100 + (chunk.first_sample - 5000) / RATE_HZ)
        if not gated or index[0] % 12_900 > 5000 + 1024:
            expected = (index % 10_000 / 10_000).astype(np.float32)
            np.testing.assert_array_equal(chunk.samples, expected)
    assert covered == [*range(5000, 17_000), *range(17_900, 29_900)]
    assert maker.end() == []


def stream(meter: LossMeter, clock: SampleClock, lost_at: int, jitter_s: float) -> list[int]:
    """What the meter finds in 200 blocks of 25 ms, before one of which 0.3 s were lost."""
    rng = np.random.default_rng(0)
    sample, found, time_s = 0, [], 50.0
    for number in range(200):
        time_s += 0.3 if number == lost_at else 0.0
        reported_s = time_s + rng.exponential(jitter_s)
        lost = meter.lost(sample, reported_s, overrun=False)
        sample += lost
        found += [lost] if lost else []
        clock.update(sample, reported_s)
        sample += 400
        time_s += 0.025
    return found


def test_samples_that_a_device_loses_in_silence_are_found() -> None:
    clock = SampleClock(RATE_HZ)
    found = stream(LossMeter(clock, RATE_HZ), clock, lost_at=100, jitter_s=0.002)
    assert len(found) == 1
    assert found[0] == pytest.approx(0.3 * RATE_HZ, abs=0.01 * RATE_HZ)


def test_a_busy_computer_loses_nothing() -> None:
    clock = SampleClock(RATE_HZ)
    assert stream(LossMeter(clock, RATE_HZ), clock, lost_at=-1, jitter_s=0.05) == []


def test_an_overrun_is_counted_at_once() -> None:
    clock = SampleClock(RATE_HZ)
    meter = LossMeter(clock, RATE_HZ)
    assert meter.lost(0, 10.0, overrun=True) == 0
    clock.update(0, 10.0)
    assert meter.lost(32_000, 12.0 + 0.1, overrun=True) == 1600
    assert (meter.overruns, meter.lost_samples) == (1, 1600)
