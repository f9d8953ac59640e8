"""Style captions: what people write to say how a face should feel, with what it means.

Every wording belongs to one emotion of the contract (or, in `BLENDS`, to a mixture of them) and
to a kind of phrase that fixes its templates. Wordings are split into train and test by a fixed
hash of their stem, so that "gloomy" and "gloomily" always fall on the same side.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from media2face.contract import EMOTIONS
from media2face.corpus.captions_lexicon import BLENDS, LEXICON

_TEMPLATES: dict[str, tuple[str, ...]] = {
    "adj": (
        "{}", "speak in a {} voice", "in a {} voice", "a {} face", "sounding {}", "looking {}",
        "a {} tone", "in a {} tone of voice", "feel {}", "feeling {}", "be {}", "you are {}",
        "as if you were {}", "a {} expression", "a {} person", "talk like a {} man", "you feel {}",
        "a {} woman talking", "she is {}", "he looks {}", "make it {}", "act {}", "{} mood",
        "emotion: {}", "style: {}", "say it in a {} way", "{} facial expression", "I am {}",
        "the speaker is {}", "a {} robot", "please be {}", "the face of a {} person", "{} style",
    ),
    "adv": (
        "{}", "speak {}", "talk {}", "say it {}", "talking {}", "speaking {}", "she speaks {}",
        "look at me {}", "respond {}", "please speak {}", "he answers {}", "say this {}",
    ),
    "noun": (
        "{}", "with {}", "full of {}", "filled with {}", "in a tone of {}", "show {}", "pure {}",
        "express {}", "a face showing {}", "an expression of {}", "a voice of {}",
        "{} in the voice",
        "emotion: {}", "a look of {}", "speak with {}", "the emotion is {}",
    ),
    "verb": (
        "{}", "speak while {}", "as if {}", "like someone who is {}", "you are {}", "she is {}",
        "a person {}", "someone {}", "talk as if you are {}", "the face of someone {}",
    ),
    "past": (
        "as if you {}", "like someone who {}", "someone who {}", "speak like a person who {}",
        "the face of someone who {}", "a person who {}", "you {}", "imagine you {}", "she {}",
    ),
    "idiom": (
        "{}", "speak as if {}", "you are {}", "like {}", "feeling {}", "she is {}", "be {}",
        "someone who is {}", "sounding like {}", "talk like {}", "he looks {}", "I am {}",
    ),
}  # fmt: skip
_MODIFIERS: dict[tuple[str, str], tuple[str, ...]] = {
    ("adj", "slight"): (
        "a bit {}", "slightly {}", "a little {}", "somewhat {}", "mildly {}", "kind of {}",
        "a little bit {}", "faintly {}", "just a touch {}", "vaguely {}", "only slightly {}",
    ),
    ("adj", "medium"): ("{}", "{}", "{}", "quite {}", "rather {}", "pretty {}", "clearly {}"),
    ("adj", "very"): (
        "very {}", "extremely {}", "really {}", "so {}", "incredibly {}", "absolutely {}",
        "totally {}", "very very {}", "super {}", "deeply {}", "insanely {}", "as {} as possible",
        "unbelievably {}", "terribly {}", "completely {}", "intensely {}", "overwhelmingly {}",
    ),
    ("adv", "slight"): ("a bit {}", "slightly {}", "a little {}", "somewhat {}"),
    ("adv", "medium"): ("{}",),
    ("adv", "very"): ("very {}", "really {}", "extremely {}", "so {}", "incredibly {}"),
    ("noun", "slight"): (
        "a hint of {}", "a touch of {}", "a trace of {}", "a little {}", "slight {}", "some {}",
    ),
    ("noun", "medium"): ("{}",),
    ("noun", "very"): (
        "great {}", "overwhelming {}", "extreme {}", "so much {}", "intense {}", "deep {}",
    ),
}  # fmt: skip
_NEGATIONS = (
    "not {}", "not {} at all", "not at all {}", "far from {}", "anything but {}", "never {}",
    "you are not {}", "no longer {}", "don't look {}", "not feeling {}", "she isn't {}",
    "not very {}", "not in the least {}", "I'm not {}", "don't be {}", "neither {} nor excited",
)  # fmt: skip
_NEGATIONS_TEST = ("by no means {}", "definitely not {}", "he is hardly {}", "not {} in any way")
_NEGATABLE = ("happy", "sad", "angry", "surprised", "afraid", "disgusted", "contemptuous")
_NEGATION_WORDS = {
    "happy": "happy, glad, cheerful, pleased, amused, joyful, satisfied, delighted, smiling",
    "sad": "sad, unhappy, depressed, gloomy, miserable, crying, down, sorrowful",
    "angry": "angry, mad, furious, annoyed, irritated, cross, aggressive, hostile",
    "surprised": "surprised, astonished, shocked, amazed, startled, impressed",
    "afraid": "afraid, scared, nervous, anxious, worried, frightened, terrified, fearful",
    "disgusted": "disgusted, revolted, grossed out, repulsed",
    "contemptuous": "contemptuous, arrogant, scornful, mocking, sarcastic, smug",
}
# Stems that everybody uses stay in the train split: a shipped tower has to know them.
_BASIC = (
    "neutral", "happ", "joy", "sad", "angr", "ange", "surpris", "afraid", "fear", "scared",
    "disgust", "contempt", "calm", "mad", "terri", "delight", "depress", "astonish", "sarcas",
    "relax", "furious", "disappoint", "frustrat", "panic", "smil", "mock", "over the moon",
    "a smile", "with a smile", "on cloud nine", "shock", "in shock", "amaze", "excite", "worri",
)  # fmt: skip
_TEST_PERCENT = 14
INTENSITY = {"slight": 0.35, "medium": 0.65, "very": 0.95}
_WEIGHT = {"slight": 0.6, "medium": 0.85, "very": 1.0}


@dataclass(frozen=True)
class Caption:
    """A prompt and its meaning.

    Attributes:
        text: as a user would type it.
        mixture: emotion name -> weight, summing to 1.
        intensity: 0 (neutral) to 1.
        kind: "adj", "adv", "noun", "verb", "past", "idiom", "negation" or "blend".
    """

    text: str
    mixture: dict[str, float]
    intensity: float
    kind: str


@dataclass(frozen=True)
class Wording:
    """One entry of the lexicon; level is "slight", "medium" or "very" when it stands alone."""

    text: str
    emotion: str
    kind: str
    level: str


@lru_cache(maxsize=1)
def wordings() -> tuple[Wording, ...]:
    """Every wording of the lexicon, in a fixed order."""
    levels = {"+": "very", "-": "slight"}
    found = []
    for emotion, kinds in LEXICON.items():
        for kind, block in kinds.items():
            for entry in " ".join(block.split()).split(", "):
                level = levels.get(entry[0], "medium")
                found.append(Wording(entry.lstrip("+-"), emotion, kind, level))
    return tuple(found)


def _in_test(text: str) -> bool:
    """The fixed rule: a wording's stem (or whole phrase) hashed; the basic words are train."""
    if text.startswith(_BASIC):
        return False
    key = text[:4] if " " not in text else text
    return zlib.crc32(key.encode()) % 100 < _TEST_PERCENT


@lru_cache(maxsize=1)
def _test_pattern() -> re.Pattern[str]:
    texts = {w.text for w in wordings()} | set(BLENDS)
    held_out = sorted((t for t in texts if _in_test(t)), key=len, reverse=True)
    negations = [n.replace("{}", r"[\w ]+") for n in _NEGATIONS_TEST]
    parts = [re.escape(t.lower()) for t in held_out] + negations
    return re.compile(r"(?<![\w-])(?:" + "|".join(parts) + r")(?![\w-])")


@lru_cache(maxsize=65536)
def split_of(caption: str) -> str:
    """ "test" when the caption holds a held-out wording, else "train"."""
    plain = " ".join(caption.lower().split())
    return "test" if _test_pattern().search(plain) else "train"


@lru_cache(maxsize=8)
def _of_split(split: str) -> tuple[Wording, ...]:
    if split not in ("train", "test"):
        raise ValueError(f"split = {split!r}, must be 'train' or 'test'")
    return tuple(w for w in wordings() if split_of(w.text) == split)


@lru_cache(maxsize=64)
def _candidates(emotion: str, level: str, split: str) -> tuple[Wording, ...]:
    """Wordings that can say `emotion` at `level`, by a modifier or on their own."""
    if emotion not in EMOTIONS:
        raise ValueError(f"emotion = {emotion!r}, must be one of {', '.join(EMOTIONS)}")
    mine = [w for w in _of_split(split) if w.emotion == emotion]
    if emotion == "neutral":
        return tuple(mine)
    modifiable = ("adj", "adv", "noun")
    fits = [w for w in mine if w.level == level or (w.kind in modifiable and w.level == "medium")]
    return tuple(fits or mine)


def _pick(items: tuple[str, ...], rng: np.random.Generator) -> str:
    return items[int(rng.integers(len(items)))]


def _noise(text: str, rng: np.random.Generator) -> str:
    """Case and punctuation as people type them."""
    roll = rng.random()
    if roll < 0.12:
        text = text.upper()
    elif roll < 0.3:
        text = text.capitalize()
    return text + _pick(("", "", "", "", "", ".", "!", "!!", "...", ","), rng)


def _phrase(wording: Wording, level: str, rng: np.random.Generator) -> str:
    """The wording with the modifier that brings it to `level`."""
    plain = wording.emotion == "neutral" or wording.level != "medium"
    if plain or (wording.kind, level) not in _MODIFIERS:
        return wording.text
    return _pick(_MODIFIERS[wording.kind, level], rng).format(wording.text)


def _fill(kind: str, phrase: str, rng: np.random.Generator) -> str:
    """A template round the phrase; the bare phrase often, as that is what people type most."""
    template = "{}" if rng.random() < 0.3 and kind != "past" else _pick(_TEMPLATES[kind], rng)
    text = template.format(phrase)
    return re.sub(r"\ba (?=[aeiou])", "an ", text)


def _level_of(intensity: float) -> str:
    return "slight" if intensity < 0.5 else "medium" if intensity < 0.8 else "very"


def _meaning(emotion: str, level: str) -> tuple[dict[str, float], float]:
    if emotion == "neutral":
        return {"neutral": 1.0}, 0.0
    weight = _WEIGHT[level]
    mixture = {emotion: weight}
    if weight < 1:
        mixture["neutral"] = 1 - weight
    return mixture, INTENSITY[level]


def draw_plain(emotion: str, level: str, rng: np.random.Generator, split: str) -> Caption:
    """A caption of one emotion at level "slight", "medium" or "very"."""
    pool = _candidates(emotion, level, split)
    for _ in range(50):
        kinds = sorted({w.kind for w in pool})
        kind = "adj" if "adj" in kinds and rng.random() < 0.35 else _pick(tuple(kinds), rng)
        some = [w for w in pool if w.kind == kind]
        wording = some[int(rng.integers(len(some)))]
        text = _noise(_fill(kind, _phrase(wording, level, rng), rng), rng)
        said = wording.level if wording.level != "medium" else level
        said = said if (kind, level) in _MODIFIERS else wording.level
        if split_of(text) == split:
            return Caption(text, *_meaning(emotion, said), kind)
    raise RuntimeError(f"no {split} caption found for {emotion} at {level}")


def draw_negation(rng: np.random.Generator, split: str) -> Caption:
    """ "not happy at all" leans to sad, "not sad" to neutral and happy, the others to neutral."""
    for _ in range(200):
        emotion = _pick(_NEGATABLE, rng)
        word = _pick(tuple(_NEGATION_WORDS[emotion].split(", ")), rng)
        patterns = _NEGATIONS if split == "train" else _NEGATIONS + _NEGATIONS_TEST * 4
        text = _noise(_pick(patterns, rng).format(word), rng)
        if split_of(text) != split:
            continue
        if emotion == "happy":
            return Caption(text, {"sad": 0.75, "neutral": 0.25}, 0.5, "negation")
        mixture = {"neutral": 0.75, "happy": 0.25} if emotion == "sad" else {"neutral": 1.0}
        return Caption(text, mixture, 0.1 if emotion == "sad" else 0.0, "negation")
    raise RuntimeError(f"no {split} negation found")


def draw_blend(rng: np.random.Generator, split: str) -> Caption:
    """A wording between two or three emotions."""
    names = tuple(b for b in BLENDS if split_of(b) == split)
    for _ in range(50):
        name = _pick(names, rng)
        total = sum(BLENDS[name].values())
        mixture = {emotion: weight / total for emotion, weight in BLENDS[name].items()}
        text = _noise(_fill("adj", name, rng), rng)
        if split_of(text) == split:
            return Caption(text, mixture, 0.6 * (1 - mixture.get("neutral", 0.0)), "blend")
    raise RuntimeError(f"no {split} blend found")


def draw(rng: np.random.Generator, split: str) -> Caption:
    """Any caption: emotions and levels evenly, with negations and blends among them."""
    roll = rng.random()
    if roll < 0.12:
        return draw_negation(rng, split)
    if roll < 0.17:
        return draw_blend(rng, split)
    level = _pick(("slight", "medium", "medium", "very"), rng)
    return draw_plain(_pick(EMOTIONS, rng), level, rng, split)


def sample_caption(emotion: str, intensity: float, rng: np.random.Generator, split: str) -> str:
    """A caption that says `emotion` at `intensity` (0 to 1; ignored for neutral).

    Raises:
        ValueError: for an emotion that the contract does not have, or an unknown split.
    """
    return draw_plain(emotion, _level_of(intensity), rng, split).text
