"""Synthetic speech with exact phone times: flite and festival voices.

Needs the system packages flite, festival, festvox-kallpc16k, festvox-kdlpc16k and
festvox-us-slt-hts. Voices that are not installed are named and left out; none at all is an error.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media2face.corpus.align import read_audio
from media2face.corpus.phones import Span, from_arpabet
from media2face.corpus.sentences import SENTENCES

APT_PACKAGES = "flite festival festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts"
SET_NAME = "tts_en"
LICENCE = "made with flite / festival voices (CMU, BSD-like)"
FLITE_VOICES: tuple[str, ...] = ("kal16", "awb", "rms", "slt")
FESTIVAL_VOICES: tuple[str, ...] = ("kal_diphone", "ked_diphone", "cmu_us_slt_arctic_hts")


@dataclass(frozen=True)
class Utterance:
    """One synthetic sentence; audio int16 [S] at 16 kHz."""

    name: str
    voice: str
    audio: np.ndarray
    phones: tuple[Span, ...]
    words: tuple[Span, ...]
    text: str


def _spans(ends: list[tuple[str, float]]) -> list[Span]:
    """Phones from (name, end_s) pairs."""
    out, at = [], 0.0
    for name, end_s in ends:
        out.append(Span(from_arpabet(name), at, end_s))
        at = end_s
    return out


def _words(phones: list[Span]) -> list[Span]:
    """Stand-in words of the stretches between pauses: from each vowel half way to the next.

    The voices give phone times only; stresses need no more than syllables.
    """
    from media2face.corpus.phones import VOWELS

    vowels = [p for p in phones if p.name in VOWELS]
    return [Span(p.name, p.start_s - 0.06, p.end_s + 0.06) for p in vowels]


def flite_utterance(voice: str, text: str, stretch: float, wav: Path) -> list[Span]:
    """Speaks `text` into `wav`; returns its phones."""
    command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch}", "-psdur"]
    command += ["-o", str(wav), "-t", text]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    ends = [item.rsplit(":", 1) for item in printed.split()]
    return _spans([(name, float(end)) for name, end in ends])


_SCHEME = """(Parameter.set 'Duration_Stretch {stretch})
(define (say text wav segs)
  (let ((u (utt.synth (eval (list 'Utterance 'Text text)))))
    (utt.wave.resample u 16000)
    (utt.save.wave u wav 'riff)
    (utt.save.segs u segs)))
(voice_{voice})
"""


def festival_utterances(voice: str, texts: list[str], stretch: float, folder: Path) -> None:
    """Speaks every text into folder/<index>.wav with its phones in folder/<index>.seg."""
    script = _SCHEME.format(voice=voice, stretch=stretch)
    for index, text in enumerate(texts):
        quoted = text.replace('"', "")
        script += f'(say "{quoted}" "{folder}/{index}.wav" "{folder}/{index}.seg")\n'
    file = folder / "say.scm"
    file.write_text(script, encoding="utf-8")
    subprocess.run(["festival", "-b", str(file)], check=True, capture_output=True)


def read_segments(file: Path) -> list[Span]:
    """Phones of a festival segment file."""
    lines = file.read_text(encoding="utf-8").split("#", 1)[1].split("\n")
    rows = [line.split() for line in lines if line.strip()]
    return _spans([(row[2], float(row[0])) for row in rows])


def _installed() -> list[tuple[str, str]]:
    """(program, voice) pairs that can speak here."""
    found = []
    if shutil.which("flite"):
        listed = subprocess.run(["flite", "-lv"], capture_output=True, text=True, check=True)
        found += [("flite", v) for v in FLITE_VOICES if v in listed.stdout.split()]
    if shutil.which("festival"):
        roots = [Path("/usr/share/festival/voices"), Path("/usr/local/share/festival/voices")]
        have = {p.name for root in roots if root.exists() for p in root.glob("*/*")}
        found += [("festival", v) for v in FESTIVAL_VOICES if v in have]
    if not found:
        raise RuntimeError(f"no synthetic voice found: apt-get install {APT_PACKAGES}")
    return found


def _save(folder: Path, name: str, voice: str, text: str, wav: Path, phones: list[Span]) -> None:
    audio = read_audio(wav)
    row = {
        "name": name, "voice": voice, "text": text,
        "phones": [[p.name, p.start_s, p.end_s] for p in phones],
    }  # fmt: skip
    np.savez(folder / f"{name}.part.npz", audio=audio, row=json.dumps(row))
    (folder / f"{name}.part.npz").replace(folder / f"{name}.npz")


def synthesise(work: Path, *, per_voice: int = 110, seed: int = 0) -> None:
    """Speaks `per_voice` sentences with every voice into work/tts/; made files are kept.

    Args:
        work: cache folder.
        per_voice: sentences a voice, drawn without replacement; rates vary by 20 %.
        seed: which sentences and rates.
    """
    from tqdm import tqdm

    folder = work / "tts"
    folder.mkdir(parents=True, exist_ok=True)
    for program, voice in tqdm(_installed(), desc="tts", unit="voice"):
        rng = np.random.default_rng((seed, *voice.encode()))
        order = rng.permutation(len(SENTENCES))[:per_voice]
        for group in range(0, len(order), 10):
            stretch = round(float(rng.uniform(0.88, 1.2)), 3)
            todo = {f"{program}_{voice}_{i:03d}": SENTENCES[i] for i in order[group : group + 10]}
            todo = {n: t for n, t in todo.items() if not (folder / f"{n}.npz").exists()}
            if todo:
                _speak(program, voice, todo, stretch, folder)


def _speak(program: str, voice: str, todo: dict[str, str], stretch: float, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        at = Path(temporary)
        if program == "festival":
            festival_utterances(voice, list(todo.values()), stretch, at)
        for index, (name, text) in enumerate(todo.items()):
            wav = at / f"{index}.wav"
            if program == "flite":
                phones = flite_utterance(voice, text, stretch, wav)
            else:
                phones = read_segments(at / f"{index}.seg")
            _save(folder, name, f"{program}_{voice}", text, wav, phones)


def read_utterances(work: Path) -> list[Utterance]:
    """Everything `synthesise` made, in name order."""
    out = []
    for file in sorted((work / "tts").glob("*.npz")):
        with np.load(file) as data:
            row = json.loads(str(data["row"]))
            phones = [Span(*span) for span in row["phones"]]
            out.append(
                Utterance(row["name"], row["voice"], data["audio"], tuple(phones),
                          tuple(_words(phones)), row["text"])
            )  # fmt: skip
    return out
