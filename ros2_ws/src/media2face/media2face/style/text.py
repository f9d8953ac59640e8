"""Text prompt -> style code, by ONNX Runtime and word pieces; no torch, no network."""

from __future__ import annotations

import unicodedata
from collections import OrderedDict
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from media2face.backends.onnx import make_session
from media2face.contract import EMOTIONS, STYLE_DIM
from media2face.models import load_manifest
from media2face.types import Float32

MAX_TOKENS = 64
# A prompt is cut here before it is tokenised, so that its cost is bounded; 64 word pieces of
# ordinary text are about 300 characters.
MAX_CHARACTERS = 1000
_CACHE_SIZE = 256


def clean_prompt(text: str) -> str:
    """The prompt without control characters and lone surrogates, blanks collapsed.

    Raises:
        ValueError: when nothing is left.
    """
    kept = (" " if unicodedata.category(c)[0] == "C" else c for c in text[:MAX_CHARACTERS])
    plain = " ".join("".join(kept).split())
    if not plain:
        raise ValueError("style prompt is empty; for no style pass no prompt at all")
    return plain


class TextEncoder:
    """The shipped text tower. Not thread-safe: one thread owns it.

    Args:
        folder: models/style, with manifest.json, style.onnx and tokenizer.json.

    Raises:
        ValueError: naming the file and field of the model that is wrong.
        FileNotFoundError: when a file of the model is missing.
    """

    def __init__(self, folder: Path) -> None:
        manifest = load_manifest(folder, "style")
        if manifest.field("dims")["style"] != STYLE_DIM:
            raise ValueError(f"{folder / 'manifest.json'}: field 'dims.style' must be {STYLE_DIM}")
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        self._session = make_session(folder / "style.onnx")
        self._cache: OrderedDict[str, tuple[Float32, Float32, float]] = OrderedDict()

    def encode(self, text: str) -> Float32:
        """Style code float32 [P] of unit length; the same text always gives the same code.

        Raises:
            ValueError: when the prompt is empty.
        """
        return self._run(text)[0].copy()

    def describe(self, text: str) -> tuple[dict[str, float], float]:
        """What the tower read: emotion name -> weight (sum 1), and the intensity in [0, 1]."""
        _, emotions, intensity = self._run(text)
        return dict(zip(EMOTIONS, emotions.tolist(), strict=True)), intensity

    def _run(self, text: str) -> tuple[Float32, Float32, float]:
        plain = clean_prompt(text)
        if plain in self._cache:
            self._cache.move_to_end(plain)
            return self._cache[plain]
        ids = np.asarray([self._tokenizer.encode(plain).ids], dtype=np.int64)
        code, emotions, intensity = self._session.run(
            ["code", "emotions", "intensity"], {"ids": ids}
        )
        self._cache[plain] = (code[0], emotions[0], float(intensity[0]))
        if len(self._cache) > _CACHE_SIZE:
            self._cache.popitem(last=False)
        return self._cache[plain]
