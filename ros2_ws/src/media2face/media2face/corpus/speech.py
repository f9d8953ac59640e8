"""Builds the shards that the denoiser is trained on: audio with the teacher's motion beside it.

One shard is an .npz of up to 64 items of one set. Audio is stored once, motion as renderings: the
first without an emotion, then two emotions. A shard is made again when its items or the teacher
changed, so an interrupted or repeated build does only what is missing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from media2face.contract import EMOTIONS, SAMPLE_RATE_HZ, frame_count
from media2face.corpus import card
from media2face.corpus.phones import PHONE_ID, Span
from media2face.corpus.prosody import frame_times
from media2face.corpus.sources import Item, all_items
from media2face.corpus.split import SPLITS
from media2face.corpus.teacher import Take, perform, speak, speak_captured

RENDERINGS = 3
_ITEMS_PER_SHARD = 64
_TEACHER_FILES = ("teacher", "visemes", "life", "emotion", "prosody", "phones", "speech")


@dataclass(frozen=True)
class CorpusClip:
    """One item of the corpus.

    Attributes:
        key: unique name; set_name, speaker, language, split, text: where it is from.
        audio: int16 [S] mono at 16 kHz.
        blendshapes: float16 [R, T, 52] in [0, 1], contract.BLENDSHAPE_NAMES, 30 Hz.
        head: float16 [R, T, 6] rotation vector (rad), translation (m), head axes.
        eyes: float16 [R, T, 4] left yaw, pitch, right yaw, pitch (rad).
        phone_ids: uint8 [T] index into corpus.phones.PHONES; 0 also where phones are not known.
        phones: phone times, empty for captured takes.
        emotion_ids: uint8 [R] index into contract.EMOTIONS; rendering 0 is neutral.
        intensities: float32 [R] in [0, 1].
    """

    key: str
    set_name: str
    speaker: str
    language: str
    split: str
    text: str
    audio: npt.NDArray[np.int16]
    blendshapes: npt.NDArray[np.float16]
    head: npt.NDArray[np.float16]
    eyes: npt.NDArray[np.float16]
    phone_ids: npt.NDArray[np.uint8]
    phones: tuple[Span, ...]
    emotion_ids: npt.NDArray[np.uint8]
    intensities: npt.NDArray[np.float32]


def phone_track(phones: tuple[Span, ...], frames: int) -> npt.NDArray[np.uint8]:
    """uint8 [T]: phone class that each frame shows, `sil` between phones."""
    times = frame_times(frames)
    track = np.zeros(frames, np.uint8)
    for span in phones:
        track[(times >= span.start_s) & (times < span.end_s)] = PHONE_ID[span.name]
    return track


def _seed_of(key: str, seed: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{key}".encode()).digest()[:6], "big")


def render(item: Item, seed: int) -> tuple[list[Take], list[int], list[float]]:
    """Takes, emotion ids and intensities of an item; a function of (item, seed) only."""
    base = _seed_of(item.key, seed)
    rng = np.random.default_rng(base)
    if item.captured is not None:
        speech = speak_captured(item.audio, item.captured)
    else:
        speech = speak(item.audio, item.phones, item.words)
    emotions = [0, *(int(e) for e in rng.choice(np.arange(1, len(EMOTIONS)), 2, replace=False))]
    intensities = [0.0, *(float(x) for x in rng.uniform(0.45, 1.0, RENDERINGS - 1))]
    takes = [
        perform(speech, EMOTIONS[emotion], intensity, base + i)
        for i, (emotion, intensity) in enumerate(zip(emotions, intensities, strict=True))
    ]
    return takes, emotions, intensities


def _fingerprint(items: list[Item], seed: int) -> str:
    digest = hashlib.sha256(str(seed).encode())
    for name in _TEACHER_FILES:
        digest.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    for item in items:
        digest.update(item.key.encode())
        digest.update(str((item.phones, item.words)).encode())
    return digest.hexdigest()


def _write_shard(file: Path, items: list[Item], seed: int, fingerprint: str) -> None:
    arrays: dict[str, list[np.ndarray]] = {
        name: [] for name in ("audio", "blendshapes", "head", "eyes", "phone_ids")
    }
    rows: list[dict[str, Any]] = []
    for item in items:
        takes, emotions, intensities = render(item, seed)
        frames = frame_count(len(item.audio), SAMPLE_RATE_HZ)
        arrays["audio"].append(item.audio)
        for name in ("blendshapes", "head", "eyes"):
            stack = np.stack([getattr(take, name) for take in takes])
            arrays[name].append(stack.astype(np.float16))
        arrays["phone_ids"].append(phone_track(item.phones, frames))
        rows.append({
            "key": item.key, "set_name": item.set_name, "speaker": item.speaker,
            "language": item.language, "split": item.split, "text": item.text,
            "samples": len(item.audio), "frames": frames, "emotion_ids": emotions,
            "intensities": intensities, "licence": item.licence,
            "phones": [[p.name, round(p.start_s, 4), round(p.end_s, 4)] for p in item.phones],
        })  # fmt: skip
    joined = {
        name: np.concatenate(parts, axis=1 if parts[0].ndim == 3 else 0)
        for name, parts in arrays.items()
    }
    part = file.with_suffix(".part.npz")
    np.savez(part, rows=json.dumps(rows), fingerprint=fingerprint, **joined)
    part.replace(file)


def _is_current(file: Path, fingerprint: str) -> bool:
    if not file.exists():
        return False
    with np.load(file) as data:
        return str(data["fingerprint"]) == fingerprint


def build(shared: Path, out: Path, *, work: Path, seed: int = 0) -> None:
    """Writes the shards, splits.json and the dataset card.

    Args:
        shared: folder that holds speech/ and capture/.
        out: folder of the shards.
        work: cache folder of `align` and `synthesise`; clips without alignment are left out.
        seed: of joins, emotions and performances.
    """
    from tqdm import tqdm

    out.mkdir(parents=True, exist_ok=True)
    items = all_items(shared, work, seed)
    if not items:
        raise RuntimeError(f"no aligned clip under {work}: run `m2f corpus align` first")
    by_set: dict[str, list[Item]] = {}
    for item in items:
        by_set.setdefault(item.set_name, []).append(item)
    kept = set()
    with tqdm(total=len(items), desc="render", unit="item") as bar:
        for set_name, members in by_set.items():
            for start in range(0, len(members), _ITEMS_PER_SHARD):
                group = members[start : start + _ITEMS_PER_SHARD]
                file = out / f"{set_name}-{start // _ITEMS_PER_SHARD:03d}.npz"
                fingerprint = _fingerprint(group, seed)
                if not _is_current(file, fingerprint):
                    _write_shard(file, group, seed, fingerprint)
                kept.add(file)
                bar.update(len(group))
    for stale in set(out.glob("*.npz")) - kept:
        stale.unlink()
    card.write(out, items)


def iterate(shards: Path, split: str) -> Iterator[CorpusClip]:
    """Items of one split ("train", "dev", "test"), shard by shard in name order."""
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; known: {', '.join(SPLITS)}")
    files = sorted(shards.glob("*.npz"))
    if not files:
        raise FileNotFoundError(f"no shards in {shards}: run `m2f corpus speech` first")
    for file in files:
        with np.load(file) as data:
            rows = json.loads(str(data["rows"]))
            if any(row["split"] == split for row in rows):
                yield from _clips(rows, {n: data[n] for n in data.files if n != "rows"}, split)


def _clips(
    rows: list[dict[str, Any]], data: dict[str, np.ndarray], split: str
) -> Iterator[CorpusClip]:
    sample = frame = 0
    for row in rows:
        samples = slice(sample, sample + row["samples"])
        frames = slice(frame, frame + row["frames"])
        sample, frame = samples.stop, frames.stop
        if row["split"] != split:
            continue
        yield CorpusClip(
            key=row["key"], set_name=row["set_name"], speaker=row["speaker"],
            language=row["language"], split=row["split"], text=row["text"],
            audio=data["audio"][samples], blendshapes=data["blendshapes"][:, frames],
            head=data["head"][:, frames], eyes=data["eyes"][:, frames],
            phone_ids=data["phone_ids"][frames],
            phones=tuple(Span(*span) for span in row["phones"]),
            emotion_ids=np.asarray(row["emotion_ids"], np.uint8),
            intensities=np.asarray(row["intensities"], np.float32),
        )  # fmt: skip
