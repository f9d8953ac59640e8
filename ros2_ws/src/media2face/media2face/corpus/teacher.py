"""Rule-based talking face: phones, loudness and an emotion in, weights, head and eyes out.

Lips follow dominance-based coarticulation: every phone pulls each channel group towards its
target, strongest in its middle, and the pulls are averaged. What the lips must do exactly (meet
for p b m, stay shut in pauses, keep their timing under an emotion) is enforced afterwards on the
lip gap, which is linear in the weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from media2face.contract import BLENDSHAPE_DIM, EMOTIONS, SAMPLE_RATE_HZ, frame_count
from media2face.corpus import life
from media2face.corpus.emotion import personal, pick
from media2face.corpus.phones import BILABIALS, LABIODENTALS, PHONE_ID, VOWELS, Span
from media2face.corpus.prosody import (
    Prosody,
    analyse,
    frame_times,
    phones_from_level,
    smooth,
    speech_runs,
)
from media2face.corpus.visemes import (
    DIPHTHONGS,
    INDEX,
    JAW_OPEN,
    MOUTH_CLOSE,
    NEUTRAL_GAP,
    ROLL_LOWER,
    ROLL_UPPER,
    both_sides,
    channel_groups,
    gap_of,
    lip_gap_mm,
    lip_offset_mm,
    offset_of,
    reach,
    target_matrix,
)
from media2face.types import Float32

REST_GAP_MM = 0.1
_LABIODENTAL_GAP_MM = 1.6
_OPEN_LEAD_S, _CLOSE_LAG_S = 0.07, 0.1
_OPENING = ("jawOpen", "mouthLowerDown", "mouthUpperUp")
_YIELDING = ("mouthUpperUp", "mouthLowerDown", "mouthShrugUpper", "mouthFunnel")


@dataclass(frozen=True)
class SpeechMotion:
    """The part of a take that the words fix, shared by all its renderings.

    Attributes:
        prosody: of the clip.
        weights: float32 [T, 52] mouth and jaw of neutral speech, the gap not yet enforced.
        gap_mm: float32 [T] lip gap to reach.
        contact: float32 [T], 1 where lips meet or the lip touches the teeth.
        talking: float32 [T], 1 in speech, 0 in pauses, with soft edges.
    """

    prosody: Prosody
    weights: Float32
    gap_mm: Float32
    contact: Float32
    talking: Float32


@dataclass(frozen=True)
class Take:
    """float32 blendshapes [T, 52] in [0, 1]; head [T, 6] rotation vector (rad), translation (m);
    eyes [T, 4] left yaw, pitch, right yaw, pitch (rad). 30 frames a second, head axes."""

    blendshapes: Float32
    head: Float32
    eyes: Float32


def fill_pauses(phones: tuple[Span, ...], seconds: float) -> list[Span]:
    """Phones in time order with `sil` wherever nothing sounds; diphthongs in two parts."""
    out: list[Span] = []
    at = 0.0
    for span in sorted(phones, key=lambda s: s.start_s):
        if span.name == "sil" or span.end_s <= span.start_s:
            continue
        if span.start_s - at > 0.02:
            out.append(Span("sil", at, span.start_s))
        if span.name in DIPHTHONGS:
            cut = span.start_s + 0.55 * (span.end_s - span.start_s)
            first, second = DIPHTHONGS[span.name]
            out += [Span(first, span.start_s, cut), Span(second, cut, span.end_s)]
        else:
            out.append(span)
        at = span.end_s
    if seconds - at > 0.02 or not out:
        out.append(Span("sil", at, seconds))
    return out


def _blend(segments: list[Span], times: np.ndarray) -> Float32:
    """float32 [T, 52]: dominance-weighted mean of the targets."""
    targets = target_matrix()[[PHONE_ID[s.name] for s in segments]]
    groups = channel_groups()
    starts = np.array([s.start_s for s in segments])
    ends = np.array([s.end_s for s in segments])
    centre, core = (starts + ends) / 2, 0.25 * (ends - starts)
    # A pause pulls with its whole length, a sound mostly with its middle.
    silent = np.array([s.name == "sil" for s in segments])
    core = np.where(silent, np.maximum(0.0, (ends - starts) / 2 - 0.04), core)
    vowel = np.array([s.name in VOWELS for s in segments])
    reduced = np.where(vowel, np.clip((ends - starts) / 0.085, 0.6, 1.0), 1.0)
    away = times[None] - centre[:, None]
    outside = np.maximum(np.abs(away) - core[:, None], 0.0)
    out = np.zeros((len(times), BLENDSHAPE_DIM), np.float32)
    for group in np.unique(groups):
        reaches = [reach(s.name, int(group)) for s in segments]
        before = np.array([r.before_s for r in reaches])[:, None]
        after = np.array([r.after_s for r in reaches])[:, None]
        height = np.array([r.height for r in reaches])[:, None]
        pull = height * np.exp(-outside / np.where(away < 0, before, after)) + 1e-9
        channels = np.flatnonzero(groups == group)
        mean = (pull.T @ (targets[:, channels] * reduced[:, None])) / pull.sum(0)[:, None]
        out[:, channels] = mean
    return out


def _contact(segments: list[Span], names: frozenset[str], times: np.ndarray) -> Float32:
    """float32 [T]: 1 on at least one frame at the middle of each phone in `names`, soft edges."""
    track = np.zeros(len(times))
    for span in segments:
        if span.name not in names:
            continue
        length = span.end_s - span.start_s
        # A stop's time includes its burst, when the lips have parted already.
        centre = span.start_s + (0.5 if span.name in ("m", "f", "v") else 0.42) * length
        hold = min(max(0.25 * length, 0.0175), 0.06)
        ramp = np.clip(1 - (np.abs(times - centre) - hold) / 0.05, 0, 1)
        track = np.maximum(track, ramp * ramp * (3 - 2 * ramp))
    return track.astype(np.float32)


def talking_curve(phones: tuple[Span, ...], times: np.ndarray) -> Float32:
    """float32 [T]: opens 70 ms before speech, shut 100 ms after it."""
    curve = np.zeros(len(times))
    for start_s, end_s in speech_runs(phones):
        ramp = np.minimum(
            np.clip((times - start_s + _OPEN_LEAD_S) / _OPEN_LEAD_S, 0, 1),
            np.clip((end_s + _CLOSE_LAG_S - times) / _CLOSE_LAG_S, 0, 1),
        )
        curve = np.maximum(curve, ramp * ramp * (3 - 2 * ramp))
    return curve.astype(np.float32)


def speak(audio: np.ndarray, phones: tuple[Span, ...], words: tuple[Span, ...]) -> SpeechMotion:
    """Mouth and jaw of a clip whose phones are known.

    Args:
        audio: int16 [S] at 16 kHz.
        phones: phone classes of corpus.phones with times.
        words: word times.
    """
    prosody = analyse(audio, phones, words)
    times = frame_times(frame_count(len(audio), SAMPLE_RATE_HZ))
    segments = fill_pauses(phones, len(audio) / SAMPLE_RATE_HZ)
    talking = talking_curve(phones, times)
    shut = _contact(segments, BILABIALS, times)
    bite = _contact(segments, LABIODENTALS, times)
    weights = _blend(segments, times)
    gain = 0.6 + 0.7 * prosody.loudness
    opening = both_sides(dict.fromkeys(_OPENING, 1.0)) > 0
    weights[:, opening] *= (gain * (1 - 0.85 * shut) * (1 - 0.5 * bite))[:, None]
    weights[:, INDEX["mouthFunnel"]] *= 1 - 0.8 * shut
    # Lips and teeth take their shape whatever the neighbours ask for.
    for track, phone in ((shut, "m"), (bite, "f")):
        target = target_matrix()[PHONE_ID[phone]].copy()
        target[opening & (target > 0)] = 0
        weights = np.maximum(weights, track[:, None] * target)
    weights *= talking[:, None]
    gap = np.maximum(lip_gap_mm(weights), REST_GAP_MM)
    gap = gap + bite * (np.minimum(gap, _LABIODENTAL_GAP_MM) - gap)
    gap = REST_GAP_MM + (gap - REST_GAP_MM) * talking * (1 - shut)
    return SpeechMotion(prosody, weights, gap.astype(np.float32), np.maximum(shut, bite), talking)


def speak_captured(audio: np.ndarray, weights: Float32) -> SpeechMotion:
    """Mouth and jaw of a captured take; weights float32 [T, 52] as recorded, in [0, 1]."""
    phones = phones_from_level(audio)
    prosody = analyse(audio, phones, None)
    talking = talking_curve(phones, frame_times(len(prosody.loudness)))
    weights = weights[: len(talking)]
    gap = np.maximum(lip_gap_mm(weights), REST_GAP_MM)
    contact = np.clip(1.5 - gap / 2, 0, 1) * talking
    return SpeechMotion(prosody, weights, gap, contact.astype(np.float32), talking)


def enforce_gap(weights: Float32, gap_mm: Float32) -> None:
    """Changes weights [T, 52] in place so that the lips are `gap_mm` [T] apart.

    Too wide is taken half from the jaw, the rest by mouthClose; too narrow opens the jaw. Where
    the lips meet, the one in front (under some emotions) is rolled in until they face each other.
    """
    jaw_mm, close_mm = gap_of("jawOpen"), gap_of("mouthClose")
    # A lower lip behind the upper one is right for f and v, so that is undone at contact only.
    near, touching = (np.clip((far - gap_mm) / (far - REST_GAP_MM), 0, 1) for far in (5.0, 1.0))
    # Rolling changes the gap a little and closing the offset; three rounds settle both.
    for _ in range(3):
        ahead = lip_offset_mm(weights)
        weights[:, ROLL_LOWER] += np.maximum(-ahead, 0) * near / offset_of("mouthRollLower")
        weights[:, ROLL_UPPER] += np.maximum(ahead, 0) * touching / -offset_of("mouthRollUpper")
        excess = lip_gap_mm(weights) - gap_mm
        from_jaw = np.clip(excess / jaw_mm, 0, 0.5 * weights[:, JAW_OPEN])
        from_jaw = np.where(excess < 0, excess / jaw_mm, from_jaw)
        weights[:, JAW_OPEN] -= from_jaw
        weights[:, MOUTH_CLOSE] += np.maximum(excess - from_jaw * jaw_mm, 0) / -close_mm


def _add_emotion(
    speech: SpeechMotion, weights: Float32, name: str, intensity: float, rng: np.random.Generator
) -> Float32:
    """Adds the emotion to `weights` in place; returns the lip gap [T] mm to enforce."""
    emotion = pick(name)
    swell = 0.93 + 0.07 * smooth(speech.prosody.loudness * speech.talking, 0.3)
    upper = personal(emotion.upper, rng) * intensity
    mouth = personal(emotion.mouth, rng) * intensity
    talk = personal(emotion.talking, rng) * intensity
    yielding = both_sides(dict.fromkeys(_YIELDING, 0.8)) + both_sides({"mouthSmile": 0.3})
    give_way = 1 - speech.contact[:, None] * yielding
    rounded = weights[:, INDEX["mouthPucker"]] + weights[:, INDEX["mouthFunnel"]]
    wide = both_sides({"mouthSmile": 0.9, "mouthStretch": 0.9, "mouthDimple": 0.9}) > 0
    added = (swell[:, None] * upper + mouth) * give_way
    added += talk * (speech.talking * (1 - speech.contact))[:, None]
    added[:, wide] *= np.clip(1 - 0.9 * rounded, 0.4, 1)[:, None]
    weights += added.astype(np.float32)
    gain = 1 + (emotion.gap_gain - 1) * intensity
    # Bared teeth may widen the opening of speech by a part of what they would do alone.
    shown = np.clip(lip_gap_mm(added.astype(np.float32)) - NEUTRAL_GAP, 0, 4)
    extra = 0.5 * shown * speech.talking * (1 - speech.contact)
    return REST_GAP_MM + (speech.gap_mm - REST_GAP_MM) * gain + extra


def perform(speech: SpeechMotion, emotion: str, intensity: float, seed: int) -> Take:
    """One rendering of a clip.

    Args:
        speech: from `speak` or `speak_captured`.
        emotion: name in contract.EMOTIONS.
        intensity: 0 (as neutral) to 1.
        seed: two seeds give two different performances of the same words.
    """
    if not 0 <= intensity <= 1:
        raise ValueError(f"intensity = {intensity}, must be in [0, 1]")
    style = pick(emotion)
    rng = np.random.default_rng((seed, EMOTIONS.index(emotion)))
    weights = speech.weights.copy()
    gap = _add_emotion(speech, weights, emotion, intensity, rng)
    enforce_gap(weights, gap)
    head = life.head_motion(speech.prosody, style, intensity, rng)
    eyes = life.gaze(head, speech.prosody, style, intensity, rng)
    life.look_weights(eyes, weights)
    inner, outer = life.brow_beats(speech.prosody, style, intensity, rng).T
    weights[:, INDEX["browInnerUp"]] += inner * (1 - weights[:, INDEX["browInnerUp"]])
    seconds = len(weights) / 30
    rate = 15.5 + (style.blinks_per_minute - 15.5) * intensity
    blink = life.blink_curve(len(weights), life.blink_times(seconds, rate, speech.prosody, rng))
    for side in ("Left", "Right"):
        brow = INDEX[f"browOuterUp{side}"]
        weights[:, brow] += outer * (1 - weights[:, brow])
        lid = INDEX[f"eyeBlink{side}"]
        weights[:, lid] += (1 - weights[:, lid]) * blink
        weights[:, INDEX[f"eyeWide{side}"]] *= 1 - blink
    return Take(np.clip(weights, 0, 1).astype(np.float32), head, eyes)
