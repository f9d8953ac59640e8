"""Phone classes of the corpus and the maps from every source's phone names onto them.

ARPAbet in lower case, plus `sil`, `ax` (schwa), `yy` and `oe` (front rounded vowels, high and
mid) and `x` (velar and uvular fricatives), which Dutch, German and Mandarin need.
"""

from __future__ import annotations

from dataclasses import dataclass

PHONES: tuple[str, ...] = (
    "sil", "aa", "ae", "ah", "ao", "aw", "ax", "ay", "b", "ch", "d", "dh", "eh", "er", "ey", "f",
    "g", "hh", "ih", "iy", "jh", "k", "l", "m", "n", "ng", "ow", "oy", "p", "r", "s", "sh", "t",
    "th", "uh", "uw", "v", "w", "y", "z", "zh", "yy", "oe", "x",
)  # fmt: skip
PHONE_ID: dict[str, int] = {name: index for index, name in enumerate(PHONES)}
VOWELS = frozenset(
    ("aa", "ae", "ah", "ao", "aw", "ax", "ay", "eh", "er", "ey", "ih", "iy", "ow", "oy", "uh",
     "uw", "yy", "oe")
)  # fmt: skip
BILABIALS = frozenset(("p", "b", "m"))
LABIODENTALS = frozenset(("f", "v"))

# CMU dictionary, flite and festival names that are not a class name once in lower case.
_ARPABET_EXTRA = {
    "pau": "sil", "h#": "sil", "brth": "sil", "ssil": "sil", "axr": "er", "ix": "ih", "dx": "d",
    "el": "l", "em": "m", "en": "n", "nx": "n", "hv": "hh", "ux": "uw", "q": "sil",
}  # fmt: skip
_IPA = {
    "SIL": "sil", "SPN": "sil", "ə": "ax", "ɪ": "ih", "i": "iy", "y": "yy", "ʏ": "oe", "ø": "oe",
    "œ": "oe", "e": "ey", "ɛ": "eh", "ɛi": "ey", "œy": "oe", "a": "aa", "ɑ": "aa", "ɑu": "aw",
    "ɔ": "ao", "o": "ow", "u": "uw", "p": "p", "b": "b", "m": "m", "f": "f", "v": "v", "ɱ": "v",
    "t": "t", "d": "d", "s": "s", "z": "z", "n": "n", "l": "l", "k": "k", "ɡ": "g", "ŋ": "ng",
    "x": "x", "ɣ": "x", "ɹ": "r", "ʃ": "sh", "ʒ": "zh", "j": "y", "c": "ch", "h": "hh", "w": "w",
    "ʔ": "sil",
}  # fmt: skip


@dataclass(frozen=True)
class Span:
    """A phone class or a word from start_s to end_s, seconds from the start of the clip."""

    name: str
    start_s: float
    end_s: float


def from_arpabet(name: str) -> str:
    """Class of a CMU, flite or festival phone. KeyError names an unknown phone."""
    low = name.lower().rstrip("012")
    low = _ARPABET_EXTRA.get(low, low)
    if low not in PHONE_ID:
        raise KeyError(f"no phone class for the ARPAbet phone {name!r}; add it to phones.py")
    return low


def from_dutch_ipa(name: str) -> str:
    """Class of an IPA phone of the Dutch transcripts; stress and length marks are ignored."""
    bare = name.strip("ˈˌː")
    if bare not in _IPA:
        raise KeyError(f"no phone class for the IPA phone {name!r}; add it to phones.py")
    return _IPA[bare]
