"""Items of the corpus: aligned clips, short ones joined, synthetic speech, captures, silence."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from media2face.contract import BLENDSHAPE_DIM, SAMPLE_RATE_HZ, frame_count
from media2face.corpus import tts
from media2face.corpus.align import Alignment, Clip, load_alignment, read_audio, read_metadata
from media2face.corpus.phones import Span
from media2face.corpus.prosody import trim_to_sound
from media2face.corpus.split import split_of
from media2face.corpus.visemes import INDEX

# Below this mean log-likelihood a frame the words found are seldom the words spoken.
MIN_SCORE = {"librispeech_en": -30.0, "picovoice_en": -30.0, "kathleen_en": -40.0}
_JOIN_TO_S = 10.0
_JOINED_SETS = frozenset({"kathleen_en", "nathalie_nl", tts.SET_NAME})
# Capture channels without an ARKit twin, as the ARKit shape that looks most like them.
_RAW_CHANNELS = {"raw:mouth_oh_c": ("mouthFunnel", 0.35), "raw:mouth_oo_c": ("mouthPucker", 0.6)}
_SILENCE_CLIPS, _SILENCE_S = 40, 8.0


@dataclass(frozen=True)
class Item:
    """One training item before rendering; audio int16 [S] at 16 kHz, `captured` float32 [T, 52]
    where the mouth was recorded instead of derived from phones."""

    key: str
    set_name: str
    speaker: str
    language: str
    split: str
    licence: str
    text: str
    audio: npt.NDArray[np.int16]
    phones: tuple[Span, ...]
    words: tuple[Span, ...]
    captured: npt.NDArray[np.float32] | None = None


def _slots_heard(clip: Clip, alignment: Alignment) -> bool:
    """Whether most words of the intent's slots were recognised, the check for picovoice_en."""
    heard = {word.name for word in alignment.words}
    slots = json.loads(clip.text).get("slots", {})
    wanted = [word for value in slots.values() for word in str(value).lower().split()]
    return not wanted or sum(word in heard for word in wanted) >= 0.5 * len(wanted)


def is_usable(clip: Clip, alignment: Alignment) -> bool:
    """Whether the alignment can be trusted: found, likely enough, at a human speaking rate."""
    if alignment.failure or alignment.score < MIN_SCORE.get(clip.set, -np.inf):
        return False
    spoken = [p for p in alignment.phones if p.name != "sil"]
    voiced_s = sum(p.end_s - p.start_s for p in spoken)
    if not spoken or not 5 <= len(spoken) / max(voiced_s, 0.1) <= 22:
        return False
    return clip.set != "picovoice_en" or _slots_heard(clip, alignment)


def speech_items(shared: Path, work: Path) -> list[Item]:
    """Every usable aligned clip of shared/speech."""
    speech = shared / "speech"
    items = []
    for clip in read_metadata(speech):
        alignment = load_alignment(work, clip)
        if alignment is None or not is_usable(clip, alignment):
            continue
        audio = read_audio(speech / clip.path)
        items.append(
            Item(clip.path, clip.set, clip.speaker, clip.language,
                 split_of(clip.set, clip.speaker, clip.path), clip.licence, clip.text,
                 audio, trim_to_sound(audio, alignment.phones), alignment.words)
        )  # fmt: skip
    return items


def tts_items(work: Path) -> list[Item]:
    """The synthetic sentences."""
    return [
        Item(f"{tts.SET_NAME}/{u.name}", tts.SET_NAME, u.voice, "en",
             split_of(tts.SET_NAME, u.voice, u.name), tts.LICENCE, u.text, u.audio, u.phones,
             u.words)
        for u in tts.read_utterances(work)
    ]  # fmt: skip


def captured_weights(file: Path) -> npt.NDArray[np.float32]:
    """float32 [T, 52] in [0, 1], contract order, of a capture/facegood_zh take."""
    with np.load(file) as data:
        recorded, names = data["weights"], [str(name) for name in data["names"]]
    out = np.zeros((len(recorded), BLENDSHAPE_DIM), np.float32)
    for column, name in enumerate(names):
        target, gain = _RAW_CHANNELS.get(name, (name, 1.0))
        if target in INDEX:
            out[:, INDEX[target]] += gain * recorded[:, column]
    return np.clip(out, 0, 1)


def capture_items(shared: Path) -> list[Item]:
    """The facegood_zh takes, audio and weights cut to their common length."""
    items = []
    for file in sorted((shared / "capture" / "facegood_zh").glob("*.npz")):
        weights = captured_weights(file)
        audio = read_audio(file.with_suffix(".opus"))
        audio = audio[: len(weights) * SAMPLE_RATE_HZ // 30]
        weights = weights[: frame_count(len(audio), SAMPLE_RATE_HZ)]
        items.append(
            Item(f"facegood_zh/{file.stem}", "facegood_zh", "facegood", "zh",
                 split_of("facegood_zh", "facegood", file.stem), "MIT", "", audio, (), (),
                 weights)
        )  # fmt: skip
    return items


def silence_items(seed: int) -> list[Item]:
    """Rooms without speech, from digital silence to audible hiss, for an idle face."""
    items = []
    for index in range(_SILENCE_CLIPS):
        rng = np.random.default_rng((seed, 77, index))
        level = 0.0 if index % 4 == 0 else 10 ** (rng.uniform(-85, -45) / 20)
        hiss = rng.standard_normal(int(_SILENCE_S * SAMPLE_RATE_HZ))
        colour = rng.uniform(0, 0.95)
        for k in range(1, 4):
            hiss[k:] += colour**k * hiss[:-k]
        audio = np.clip(hiss / hiss.std() * level * 32767, -32768, 32767).astype(np.int16)
        split = "test" if index % 10 == 9 else "train"
        items.append(
            Item(f"silence/{index:03d}", "silence", "none", "none", split, "CC0-1.0", "", audio,
                 (), ())
        )  # fmt: skip
    return items


def _moved(spans: tuple[Span, ...], by_s: float) -> tuple[Span, ...]:
    return tuple(Span(s.name, s.start_s + by_s, s.end_s + by_s) for s in spans)


def join(parts: list[Item], seed: int) -> Item:
    """Clips of one speaker in a row, with pauses of room noise before, between and after."""
    # By name, so that clips added elsewhere change nothing here.
    rng = np.random.default_rng((seed, *parts[0].key.encode()))
    floor = min(_noise_floor(part.audio) for part in parts)
    audio: list[np.ndarray] = []
    phones: tuple[Span, ...] = ()
    words: tuple[Span, ...] = ()
    at = 0
    for part in parts:
        pause_s = rng.uniform(1.2, 3.0) if rng.random() < 0.12 else rng.uniform(0.25, 0.8)
        audio += [_room(pause_s, floor, rng), part.audio]
        at += len(audio[-2])
        phones += _moved(part.phones, at / SAMPLE_RATE_HZ)
        words += _moved(part.words, at / SAMPLE_RATE_HZ)
        at += len(part.audio)
    audio.append(_room(rng.uniform(0.3, 0.8), floor, rng))
    text = " ".join(part.text for part in parts)
    return replace(parts[0], text=text, audio=np.concatenate(audio), phones=phones, words=words)


def _noise_floor(audio: np.ndarray) -> float:
    blocks = audio[: len(audio) // 160 * 160].reshape(-1, 160).astype(np.float32)
    return float(np.percentile(np.sqrt((blocks**2).mean(1)), 5))


def _room(seconds: float, rms: float, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    noise = rng.standard_normal(int(seconds * SAMPLE_RATE_HZ)) * rms
    return np.clip(np.round(noise), -32768, 32767).astype(np.int16)


def join_short(items: Iterable[Item], seed: int) -> list[Item]:
    """Joins clips of the one-speaker sets to items of about ten seconds."""
    waiting: dict[tuple[str, str], list[Item]] = {}
    out = []
    for item in items:
        if item.set_name not in _JOINED_SETS:
            out.append(item)
            continue
        group = waiting.setdefault((item.speaker, item.split), [])
        group.append(item)
        if sum(len(part.audio) for part in group) >= _JOIN_TO_S * SAMPLE_RATE_HZ:
            out.append(join(group, seed))
            group.clear()
    return out + [join(group, seed) for group in waiting.values() if group]


def all_items(shared: Path, work: Path, seed: int) -> list[Item]:
    """Everything the corpus is made of, in a fixed order."""
    spoken = join_short([*speech_items(shared, work), *tts_items(work)], seed)
    return [*spoken, *capture_items(shared), *silence_items(seed)]
