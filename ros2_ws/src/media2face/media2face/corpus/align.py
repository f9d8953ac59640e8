"""Phone times of real speech: pocketsphinx for English, the given phone times for Dutch.

Transcribed English is force-aligned; the rest is decoded first and the words found are aligned.
Each clip ends as one JSON file under the work folder, also when it failed, so that a stopped run
goes on where it was. Needs the `train` extra (pocketsphinx) and flite for words outside the
dictionary.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from media2face.corpus.phones import Span, from_arpabet, from_dutch_ipa

TRANSCRIBED = frozenset({"kathleen_en"})
DECODED = frozenset({"librispeech_en", "picovoice_en"})
PHONES_GIVEN = frozenset({"nathalie_nl"})
_FRAME_S = 0.01
# The second pass now and then ends outside its last state; another framing of the audio cures it.
_PADDINGS = (0, 4000, 8000, 3040, 6080)


@dataclass(frozen=True)
class Clip:
    """One row of speech/metadata.csv; `path` is relative to the speech folder."""

    path: str
    set: str
    speaker: str
    language: str
    seconds: float
    licence: str
    text: str


@dataclass(frozen=True)
class Alignment:
    """Phones and words of one clip. `score` is the mean log-likelihood a frame (pocketsphinx
    units, higher is better); `failure` is empty where the clip may be used."""

    path: str
    phones: tuple[Span, ...]
    words: tuple[Span, ...]
    score: float
    failure: str


def read_metadata(speech: Path) -> list[Clip]:
    """All clips of speech/metadata.csv."""
    with (speech / "metadata.csv").open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="|")
        return [Clip(**{**row, "seconds": float(row["seconds"])}) for row in rows]


def cache_file(work: Path, clip: Clip) -> Path:
    """Where the alignment of `clip` is kept."""
    return (work / clip.path).with_suffix(".json")


def load_alignment(work: Path, clip: Clip) -> Alignment | None:
    """The cached alignment of `clip`, None where it was not made yet."""
    file = cache_file(work, clip)
    if not file.exists():
        return None
    data = json.loads(file.read_text(encoding="utf-8"))
    for key in ("phones", "words"):
        data[key] = tuple(Span(*span) for span in data[key])
    return Alignment(**data)


def _save(work: Path, clip: Clip, alignment: Alignment) -> None:
    data = asdict(alignment)
    for key in ("phones", "words"):
        data[key] = [[s["name"], round(s["start_s"], 4), round(s["end_s"], 4)] for s in data[key]]
    file = cache_file(work, clip)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    part.replace(file)


def _failed(clip: Clip, reason: str) -> Alignment:
    return Alignment(clip.path, (), (), 0.0, reason)


def read_audio(file: Path) -> np.ndarray:
    """int16 [S] mono at 16 kHz."""
    import soundfile

    audio, rate = soundfile.read(file, dtype="int16", always_2d=True)
    if rate != 16_000 or audio.shape[1] != 1:
        raise ValueError(f"{file}: {rate} Hz, {audio.shape[1]} channels; expected 16 kHz mono")
    return audio[:, 0]


def normalise_text(text: str) -> list[str]:
    """Lower-case words of a transcript, apostrophes kept."""
    return re.findall(r"[a-z]+(?:'[a-z]+)*", text.lower().replace("’", "'"))


@lru_cache(maxsize=4)
def _decoder(with_language_model: bool) -> Any:
    from pocketsphinx import Decoder

    settings: dict[str, Any] = {"loglevel": "FATAL", "cmn": "batch"}
    return Decoder(**settings) if with_language_model else Decoder(lm=None, **settings)


def letter_to_sound(word: str) -> str:
    """CMU phones of a word by flite's letter-to-sound rules, separated by blanks."""
    flite = shutil.which("flite")
    if flite is None:
        raise RuntimeError("flite is not installed: apt-get install flite (letter-to-sound)")
    command = [flite, "-voice", "kal", "-ps", "-o", "none", "-t", word]
    spoken = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    phones = [from_arpabet(p) for p in spoken]
    cmu = {"ax": "ah"}
    return " ".join(cmu.get(p, p).upper() for p in phones if p != "sil")


def _process(decoder: Any, audio: np.ndarray) -> None:
    decoder.start_utt()
    decoder.process_raw(audio.tobytes(), full_utt=True)
    decoder.end_utt()


def transcribe(audio: np.ndarray) -> list[str]:
    """Words pocketsphinx hears; fillers and pronunciation variants removed."""
    decoder = _decoder(True)
    _process(decoder, audio)
    hypothesis = decoder.hyp()
    return normalise_text(hypothesis.hypstr) if hypothesis else []


def force_align(
    audio: np.ndarray, words: list[str], *, pad_samples: int = 0
) -> tuple[list[Span], list[Span], float]:
    """Phones, words and score of an utterance whose words are known.

    Raises RuntimeError if it fails; another padding of faint noise around the audio often helps.
    """
    decoder = _decoder(False)
    hiss = np.random.default_rng(0).normal(0, 3, (2, pad_samples)).astype(np.int16)
    audio = np.concatenate([hiss[0], audio, hiss[1]])
    pad = pad_samples // 160
    for word in words:
        if decoder.lookup_word(word) is None:
            decoder.add_word(word, letter_to_sound(word), True)
    decoder.set_align_text(" ".join(words))
    _process(decoder, audio)
    if decoder.hyp() is None:
        raise RuntimeError("the words do not fit the audio")
    decoder.set_alignment()
    _process(decoder, audio)
    phones: list[Span] = []
    spoken: list[Span] = []
    score = frames = 0.0
    # Iterated in place: entries kept beyond their iterator point to freed memory.
    for word in decoder.get_alignment():
        name, start, end = word.name, word.start - pad, word.start - pad + word.duration
        if name[0] in "<[+":
            phones.append(Span("sil", start * _FRAME_S, end * _FRAME_S))
            continue
        spoken.append(Span(re.sub(r"\(\d+\)$", "", name), start * _FRAME_S, end * _FRAME_S))
        score += word.score
        frames += word.duration
        for phone in word:
            begin, stop = phone.start - pad, phone.start - pad + phone.duration
            phones.append(Span(from_arpabet(phone.name), begin * _FRAME_S, stop * _FRAME_S))
    return phones, spoken, score / max(frames, 1.0)


def align_clip(speech: Path, clip: Clip) -> Alignment:
    """Alignment of one clip of an English set; failures are reported in the result."""
    audio = read_audio(speech / clip.path)
    words = normalise_text(clip.text) if clip.set in TRANSCRIBED else transcribe(audio)
    if len(words) < 2:
        return _failed(clip, "fewer than two words were recognised")
    failure = ""
    for pad_samples in _PADDINGS:
        try:
            phones, spoken, score = force_align(audio, words, pad_samples=pad_samples)
        except RuntimeError as error:
            failure = f"alignment failed: {error}"
        else:
            return Alignment(clip.path, tuple(phones), tuple(spoken), score, "")
    return _failed(clip, failure)


def dutch_alignments(speech: Path, clips: list[Clip]) -> list[tuple[Clip, Alignment]]:
    """Alignments of nathalie_nl from its own phones.jsonl."""
    by_id = {Path(clip.path).stem: clip for clip in clips if clip.set == "nathalie_nl"}
    found = []
    for line in (speech / "nathalie_nl" / "phones.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["id"] not in by_id:
            continue
        phones, words = [], []
        for word in row["words"]:
            spans = [
                Span(from_dutch_ipa(p["phone"]), p["start"], p["start"] + p["duration"])
                for p in word["phones"]
            ]
            phones += spans
            if spans and word["word"] != "<eps>":
                words.append(Span(word["word"], spans[0].start_s, spans[-1].end_s))
        clip = by_id[row["id"]]
        found.append((clip, Alignment(clip.path, tuple(phones), tuple(words), 0.0, "")))
    return found


def _align_to_cache(speech: Path, work: Path, clip: Clip) -> None:
    # Recorded first: pocketsphinx can take the process down, and then this is what stays.
    _save(work, clip, _failed(clip, "the aligner did not come back"))
    _save(work, clip, align_clip(speech, clip))


def choose_clips(clips: list[Clip], kathleen_minutes: float) -> list[Clip]:
    """Clips to align, the most useful first; kathleen_en is evenly thinned to its minutes."""
    order = ("librispeech_en", "kathleen_en", "picovoice_en")
    chosen = []
    for name in order:
        rows = sorted((c for c in clips if c.set == name), key=lambda c: c.path)
        if name == "kathleen_en":
            total = sum(c.seconds for c in rows) / 60
            keep = min(1.0, kathleen_minutes / total) if total else 0.0
            rows = [c for i, c in enumerate(rows) if int((i + 1) * keep) > int(i * keep)]
        chosen += rows
    return chosen


def align(shared: Path, work: Path, *, kathleen_minutes: float = 45.0, processes: int = 1) -> None:
    """Aligns every chosen clip that has no cached alignment yet.

    Args:
        shared: folder that holds speech/.
        work: cache folder, one JSON file a clip.
        kathleen_minutes: how much of the one-speaker set to use.
        processes: worker processes.
    """
    from tqdm import tqdm

    speech = shared / "speech"
    clips = read_metadata(speech)
    for clip, alignment in dutch_alignments(speech, clips):
        if not cache_file(work, clip).exists():
            _save(work, clip, alignment)
    todo = [c for c in choose_clips(clips, kathleen_minutes) if not cache_file(work, c).exists()]
    with tqdm(total=len(todo), desc="align", unit="clip") as bar:
        while todo:
            try:
                with ProcessPoolExecutor(processes) as pool:
                    jobs = [pool.submit(_align_to_cache, speech, work, clip) for clip in todo]
                    for job in as_completed(jobs):
                        job.result()
                        bar.update()
            except BrokenProcessPool:
                bar.write("a worker died; going on with the clips that are left")
            todo = [clip for clip in todo if not cache_file(work, clip).exists()]
