"""Loudness, pitch, phrases and stresses of a clip: what head, brows and opening follow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from media2face.contract import FRAME_RATE_HZ, SAMPLE_RATE_HZ, frame_count
from media2face.corpus.phones import Span
from media2face.types import Float32

PAUSE_S = 0.15
_WINDOW = 1024


@dataclass(frozen=True)
class Phrase:
    """Speech between two pauses; `question` where the pitch rises at its end."""

    start_s: float
    end_s: float
    question: bool


@dataclass(frozen=True)
class Stress:
    """An emphasised word: where its loudness peaks and how much it stands out, 0..1."""

    time_s: float
    strength: float


@dataclass(frozen=True)
class Prosody:
    """Attributes:
    loudness: float32 [T] in [0, 1], 0 the quiet and 1 the loud speech of this clip.
    speaking: float32 [T], 1 while phones sound, 0 in pauses over 150 ms.
    phrases, stresses: in time order.
    """

    loudness: Float32
    speaking: Float32
    phrases: tuple[Phrase, ...]
    stresses: tuple[Stress, ...]


def frame_times(frames: int) -> np.ndarray:
    """float64 [T] seconds that the frames show."""
    samples = (np.arange(frames) * 3200 + 3) // 6
    return samples / SAMPLE_RATE_HZ


def _windows(audio: np.ndarray, frames: int) -> Float32:
    half = _WINDOW // 2
    padded = np.pad(audio.astype(np.float32) / 32768, (half, half + SAMPLE_RATE_HZ // 10))
    starts = (np.arange(frames) * 3200 + 3) // 6
    return np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[starts]


def smooth(values: Float32, sigma_s: float) -> Float32:
    """Gaussian low-pass along time, float32 [T] or [T, C], edges held."""
    sigma = sigma_s * FRAME_RATE_HZ
    radius = max(1, int(3 * sigma + 0.5))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    pad = [(radius, radius)] + [(0, 0)] * (values.ndim - 1)
    padded = np.pad(values, pad, mode="edge")
    view = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=0)
    return (view @ kernel).astype(np.float32)


def level_db(windows: Float32) -> Float32:
    """float32 [T]: RMS of each Hann-weighted window in dB."""
    weighted = windows * np.hanning(_WINDOW).astype(np.float32)
    return (10 * np.log10((weighted**2).mean(1) + 1e-9)).astype(np.float32)


def pitch_hz(windows: Float32) -> Float32:
    """float32 [T]: fundamental frequency by autocorrelation, NaN where unvoiced."""
    spectrum = np.fft.rfft(windows * np.hanning(_WINDOW).astype(np.float32), 2 * _WINDOW)
    corr = np.fft.irfft(np.abs(spectrum) ** 2)[:, :_WINDOW]
    low, high = SAMPLE_RATE_HZ // 400, SAMPLE_RATE_HZ // 70
    lags = np.arange(low, high)
    # A Hann window's own autocorrelation falls off with the lag; undone so that octaves stay put.
    norm = corr[:, low:high] / (corr[:, :1] + 1e-9) / (1 - lags / _WINDOW)
    best = norm.argmax(1)
    hz = (SAMPLE_RATE_HZ / lags[best]).astype(np.float32)
    hz[norm.max(1) < 0.5] = np.nan
    return hz


def speech_runs(phones: tuple[Span, ...]) -> list[tuple[float, float]]:
    """Runs of phones without a pause of PAUSE_S or more between them, (start_s, end_s)."""
    runs: list[tuple[float, float]] = []
    for span in phones:
        if span.name == "sil":
            continue
        if runs and span.start_s - runs[-1][1] < PAUSE_S:
            runs[-1] = (runs[-1][0], span.end_s)
        else:
            runs.append((span.start_s, span.end_s))
    return runs


def quiet_runs(audio: np.ndarray) -> list[tuple[float, float]]:
    """Stretches of PAUSE_S or more at the level of the room, (start_s, end_s). int16 [S]."""
    blocks = audio[: len(audio) // 160 * 160].reshape(-1, 160).astype(np.float32)
    if len(blocks) < 20:
        return []
    level = 10 * np.log10((blocks**2).mean(1) + 1)
    level = np.convolve(np.pad(level, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    floor, loud = np.percentile(level, [5, 95])
    quiet = level < floor + max(5.0, 0.15 * (loud - floor))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(np.int8), [0]])))
    runs = [(start * 0.01, end * 0.01) for start, end in edges.reshape(-1, 2)]
    return [(start, end) for start, end in runs if end - start >= PAUSE_S]


def trim_to_sound(audio: np.ndarray, phones: tuple[Span, ...]) -> tuple[Span, ...]:
    """Takes pauses out of phones that an aligner stretched over them; sounds are kept whole.

    A phone that reaches into a quiet stretch keeps its part outside it, one that lies within is
    cut to 80 ms on the side of the nearer sound.
    """
    runs = quiet_runs(audio)
    out = []
    for phone in phones:
        start, end = phone.start_s, phone.end_s
        for low, high in runs:
            overlap = min(end, high) - max(start, low)
            if phone.name == "sil" or overlap < 0.05 or end - start <= 0.12:
                continue
            before, after = low - start, end - high
            least = 0.04 if max(before, after) > 0 else 0.08
            if before > after:
                end = max(low, start + least)
            else:
                start = min(high, end - least)
        out.append(Span(phone.name, start, end))
    return tuple(out)


def _is_question(pitch: Float32, times: np.ndarray, start_s: float, end_s: float) -> bool:
    inside = (times >= start_s) & (times <= end_s)
    voiced = pitch[inside & ~np.isnan(pitch)]
    last = pitch[inside & (times > end_s - 0.35) & ~np.isnan(pitch)]
    if len(voiced) < 8 or len(last) < 4:
        return False
    return bool(np.median(last[-3:]) > 1.15 * np.median(voiced))


def _stresses(words: tuple[Span, ...], loudness: Float32, times: np.ndarray) -> list[Stress]:
    peaks = []
    for word in words:
        inside = np.flatnonzero((times >= word.start_s) & (times < word.end_s))
        if len(inside) and word.end_s - word.start_s > 0.15:
            best = inside[loudness[inside].argmax()]
            peaks.append((float(loudness[best]), float(times[best])))
    chosen: list[Stress] = []
    for strength, time_s in sorted(peaks, reverse=True):
        if strength < 0.6:
            break
        if all(abs(time_s - other.time_s) > 0.45 for other in chosen):
            chosen.append(Stress(time_s, (strength - 0.5) * 2))
    return sorted(chosen, key=lambda stress: stress.time_s)


def phones_from_level(audio: np.ndarray) -> tuple[Span, ...]:
    """Stretches of sound as phones `ax`, for speech whose phones are not known. int16 [S]."""
    frames = frame_count(len(audio), SAMPLE_RATE_HZ)
    level = smooth(level_db(_windows(audio, frames)), 0.03)
    threshold = np.percentile(level, 95) - 28
    times = frame_times(frames + 1)
    loud = np.flatnonzero(level > max(threshold, np.percentile(level, 5) + 6))
    runs: list[Span] = []
    for k in loud:
        if runs and times[k] - runs[-1].end_s < 0.1:
            runs[-1] = Span("ax", runs[-1].start_s, float(times[k + 1]))
        else:
            runs.append(Span("ax", float(times[k]), float(times[k + 1])))
    return tuple(run for run in runs if run.end_s - run.start_s > 0.06)


def words_from_loudness(loudness: Float32) -> tuple[Span, ...]:
    """One word of 0.2 s around each loudness peak, for speech whose words are not known."""
    times = frame_times(len(loudness))
    inner = loudness[1:-1]
    peaks = 1 + np.flatnonzero((inner > loudness[:-2]) & (inner >= loudness[2:]))
    return tuple(Span("", times[k] - 0.1, times[k] + 0.1) for k in peaks)


def analyse(
    audio: np.ndarray, phones: tuple[Span, ...], words: tuple[Span, ...] | None
) -> Prosody:
    """Prosody of a clip.

    Args:
        audio: int16 [S] at 16 kHz.
        phones: phone times; pauses are what they leave free.
        words: word times, or None where they are not known.
    """
    frames = frame_count(len(audio), SAMPLE_RATE_HZ)
    times = frame_times(frames)
    windows = _windows(audio, frames)
    runs = speech_runs(phones)
    speaking = np.zeros(frames, np.float32)
    for start_s, end_s in runs:
        speaking[(times >= start_s) & (times <= end_s)] = 1
    level = level_db(windows)
    inside = level[speaking > 0] if speaking.any() else level
    low, high = np.percentile(inside, [15, 95]) if len(inside) else (-60.0, -20.0)
    loudness = np.clip((level - low) / max(high - low, 6.0), 0, 1).astype(np.float32)
    calm = smooth(loudness, 0.035)
    pitch = pitch_hz(windows)
    phrases = tuple(Phrase(s, e, _is_question(pitch, times, s, e)) for s, e in runs)
    spoken = words if words is not None else words_from_loudness(smooth(loudness, 0.06))
    return Prosody(calm, speaking, phrases, tuple(_stresses(spoken, calm, times)))
