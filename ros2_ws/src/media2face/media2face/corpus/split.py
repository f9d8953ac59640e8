"""Who is trained on and who is kept for measuring, fixed by name."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath

SPLITS: tuple[str, ...] = ("train", "dev", "test")
TEST_TTS_VOICE = "awb"
TEST_TAKE = "1114_2_05"
_TEST_PERCENT, _DEV_PERCENT = 10, 5


def _by_hash(key: str) -> str:
    place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % 100
    if place < _TEST_PERCENT:
        return "test"
    return "dev" if place < _TEST_PERCENT + _DEV_PERCENT else "train"


def split_of(set_name: str, speaker: str, path: str) -> str:
    """Split of a clip.

    librispeech_en goes by speaker; picovoice_en by clip, its speakers being unknown (so one may
    be on both sides); the TTS voice awb and one facegood take are test; one-speaker sets train.
    """
    stem = PurePosixPath(path).stem
    if set_name == "librispeech_en":
        return _by_hash(f"{set_name}/{speaker}")
    if set_name == "picovoice_en":
        return _by_hash(f"{set_name}/{stem}")
    if set_name == "tts_en":
        return "test" if speaker.endswith(TEST_TTS_VOICE) else "train"
    if set_name == "facegood_zh":
        return "test" if stem == TEST_TAKE else "train"
    return "train"
