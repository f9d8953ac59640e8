"""What a face does besides speaking: blinks, gaze, brow beats and head motion."""

from __future__ import annotations

import math

import numpy as np

from media2face.contract import EYES_DIM, FRAME_RATE_HZ, POSE_DIM
from media2face.corpus.emotion import Emotion
from media2face.corpus.prosody import Prosody, frame_times, smooth
from media2face.corpus.visemes import INDEX
from media2face.types import Float32

_DEGREE = math.pi / 180
_CLOSE_S, _OPEN_S = 0.08, 0.16
_MIN_BLINK_GAP_S = 1.0
_VESTIBULAR_GAIN = 0.7
LOOK_FULL_YAW, LOOK_FULL_PITCH = 30 * _DEGREE, 25 * _DEGREE


def blink_times(
    seconds: float, per_minute: float, prosody: Prosody, rng: np.random.Generator
) -> list[float]:
    """Seconds at which the lids are shut; at least a second apart, drawn to phrase ends."""
    mean_gap = 60.0 / per_minute
    ends = np.array([phrase.end_s + 0.05 for phrase in prosody.phrases])
    times: list[float] = []
    # A renewal process entered at a random moment, so that short clips blink at the same rate.
    next_s = rng.uniform(0, mean_gap)
    while next_s < seconds - _OPEN_S:
        at = next_s
        if len(ends):
            nearest = float(ends[np.abs(ends - at).argmin()])
            if abs(nearest - at) < 0.8 and nearest < seconds - _OPEN_S:
                at = nearest
        if at > _CLOSE_S and (not times or at - times[-1] >= _MIN_BLINK_GAP_S):
            times.append(at)
        gap = _MIN_BLINK_GAP_S + rng.gamma(1.6, (mean_gap - _MIN_BLINK_GAP_S) / 1.6)
        next_s += gap
    return times


def blink_curve(frames: int, times: list[float]) -> Float32:
    """float32 [T] in [0, 1]: closing in 80 ms, opening in 160 ms, shut on the nearest frame."""
    curve = np.zeros(frames, np.float32)
    at = frame_times(frames)
    for time_s in times:
        shut_s = round(time_s * FRAME_RATE_HZ) / FRAME_RATE_HZ
        before = np.clip((at - shut_s + _CLOSE_S) / _CLOSE_S, 0, 1)
        after = np.clip((shut_s + _OPEN_S - at) / _OPEN_S, 0, 1)
        ramp = np.minimum(before, after)
        curve = np.maximum(curve, ramp * ramp * (3 - 2 * ramp))
    return curve.astype(np.float32)


def _noise(frames: int, channels: int, sigma_s: float, rng: np.random.Generator) -> Float32:
    """float32 [T, C]: smooth noise of unit variance."""
    margin = int(4 * sigma_s * FRAME_RATE_HZ) + 1
    raw = rng.standard_normal((frames + 2 * margin, channels)).astype(np.float32)
    # White noise through a Gaussian of s frames has variance 1 / (2 sqrt(pi) s).
    gain = math.sqrt(2 * math.sqrt(math.pi) * sigma_s * FRAME_RATE_HZ)
    return gain * smooth(raw, sigma_s)[margin : margin + frames]


def _pulse(times: np.ndarray, centre_s: float, sigma_s: float) -> np.ndarray:
    return np.exp(-0.5 * ((times - centre_s) / sigma_s) ** 2)


def head_motion(
    prosody: Prosody, emotion: Emotion, intensity: float, rng: np.random.Generator
) -> Float32:
    """float32 [T, 6]: rotation vector (rad) and translation (m), head axes.

    Phrases set posture, stressed words nod, and a slow wander and breathing go on in silence.
    """
    frames = len(prosody.loudness)
    times = frame_times(frames)
    mix = lambda value: 1 + (value - 1) * intensity  # noqa: E731
    gain, speed = mix(emotion.head_gain), mix(emotion.head_speed)
    posture = np.zeros((frames, 3), np.float32)
    for phrase in prosody.phrases:
        turn = rng.normal(0, (2.0, 1.4, 3.2)) * gain
        if phrase.question:
            turn += (rng.choice([-1, 1]) * 2.5, -2.0, 0.0)
        posture[times >= phrase.start_s - 0.15] = turn
    angles = smooth(posture, 0.28)
    angles += _noise(frames, 3, 0.7 / speed, rng) * np.array((0.9, 0.9, 1.5)) * gain
    for stress in prosody.stresses:
        if rng.random() < 0.75:
            depth = rng.uniform(2.0, 4.8) * (0.5 + 0.5 * stress.strength) * gain
            angles[:, 1] += depth * _pulse(times, stress.time_s + 0.04, 0.11)
            angles[:, 1] -= 0.35 * depth * _pulse(times, stress.time_s - 0.22, 0.12)
    angles[:, 1] += 0.8 * gain * smooth(prosody.loudness * prosody.speaking, 0.15)
    breath = np.sin(2 * math.pi * (0.24 * speed * times + rng.random()))
    angles[:, 1] += 0.25 * breath
    pose = np.zeros((frames, POSE_DIM), np.float32)
    pose[:, :3] = smooth(angles, 0.04) * _DEGREE + emotion.head_rad() * intensity
    pose[:, 3:] = _noise(frames, 3, 0.9 / speed, rng) * 0.0015 * gain
    pose[:, 3] += emotion.lean_m * intensity
    # The neck turns below the skull: nodding carries the head forward and down a little.
    pose[:, 3] += 0.05 * pose[:, 1]
    pose[:, 5] += 0.0008 * breath - 0.01 * np.abs(pose[:, 1])
    return pose


def gaze(
    head: Float32, prosody: Prosody, emotion: Emotion, intensity: float, rng: np.random.Generator
) -> Float32:
    """float32 [T, 4]: left yaw, left pitch, right yaw, right pitch (rad).

    Fixations of 0.6-3 s with jumps of 2-8 degrees, back to the listener every other time; the
    eyes turn against the head so that what they look at stays put.
    """
    frames = len(head)
    rate = 1 + (emotion.gaze_rate - 1) * intensity
    target = np.zeros((frames, 2))
    at, where = 0, np.zeros(2)
    while at < frames:
        stay = max(5, int(rng.uniform(0.6, 3.0) / rate * FRAME_RATE_HZ))
        target[at : at + stay] = where
        at += stay
        if np.abs(where).max() > 0.5 and rng.random() < 0.65:
            where = np.zeros(2)
        else:
            angle, size = rng.uniform(0, 2 * math.pi), rng.uniform(2, 8)
            where = size * np.array((math.cos(angle), 0.6 * math.sin(angle)))
    # One frame half way makes a jump two frames long.
    target[1:] = 0.35 * target[:-1] + 0.65 * target[1:]
    drift = _noise(frames, 2, 0.25, rng) * 0.15
    yaw = (target + drift)[:, 0] * _DEGREE - _VESTIBULAR_GAIN * (
        head[:, 2] - emotion.head_rad()[2] * intensity
    )
    pitch = (target + drift)[:, 1] * _DEGREE - _VESTIBULAR_GAIN * (
        head[:, 1] - emotion.head_rad()[1] * intensity
    )
    pitch = pitch + emotion.gaze_down * _DEGREE * intensity
    verge = 0.6 * _DEGREE
    eyes = np.empty((frames, EYES_DIM), np.float32)
    eyes[:, 0], eyes[:, 2] = yaw - verge, yaw + verge
    eyes[:, 1] = eyes[:, 3] = pitch
    return np.clip(eyes, -35 * _DEGREE, 35 * _DEGREE).astype(np.float32)


def look_weights(eyes: Float32, weights: Float32) -> None:
    """Writes the eyeLook* channels that go with `eyes` [T, 4] into `weights` [T, 52]."""
    for side, column, outward in (("Left", 0, 1.0), ("Right", 2, -1.0)):
        yaw = eyes[:, column] * outward / LOOK_FULL_YAW
        pitch = eyes[:, column + 1] / LOOK_FULL_PITCH
        weights[:, INDEX[f"eyeLookOut{side}"]] = np.clip(yaw, 0, 1)
        weights[:, INDEX[f"eyeLookIn{side}"]] = np.clip(-yaw, 0, 1)
        weights[:, INDEX[f"eyeLookDown{side}"]] = np.clip(pitch, 0, 1)
        weights[:, INDEX[f"eyeLookUp{side}"]] = np.clip(-pitch, 0, 1)


def brow_beats(
    prosody: Prosody, emotion: Emotion, intensity: float, rng: np.random.Generator
) -> Float32:
    """float32 [T, 2]: inner and outer brow raise on stressed words and questions."""
    frames = len(prosody.loudness)
    times = frame_times(frames)
    gain = 1 + (emotion.brow_gain - 1) * intensity
    raise_ = np.zeros((frames, 2))
    for stress in prosody.stresses:
        if rng.random() < 0.6:
            height = rng.uniform(0.18, 0.42) * (0.5 + 0.5 * stress.strength)
            shape = _pulse(times, stress.time_s - 0.03, rng.uniform(0.12, 0.22))
            raise_ += height * shape[:, None] * np.array((0.8, 1.0))
    for phrase in prosody.phrases:
        if phrase.question:
            start = max(phrase.start_s, phrase.end_s - 0.9)
            held = ((times >= start) & (times <= phrase.end_s + 0.15)).astype(np.float32)
            raise_ += 0.45 * smooth(held, 0.12)[:, None]
    raise_ += 0.04 * np.abs(_noise(frames, 1, 0.8, rng))
    return np.clip(raise_ * gain, 0, 0.8).astype(np.float32)
