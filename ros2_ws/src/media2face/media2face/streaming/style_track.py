"""Which style holds on which frame, with fades between them."""

from __future__ import annotations

import numpy as np

from media2face.contract import FRAME_RATE_HZ, STYLE_DIM
from media2face.types import Float32, Style


class StyleTrack:
    """Style code and strength per frame; a change fades in from the frame it is set at."""

    def __init__(self) -> None:
        self._old_code: Float32 = np.zeros(STYLE_DIM, np.float32)
        self._old_strength = 0.0
        self._code: Float32 = self._old_code
        self._strength = 0.0
        self._start = 0
        self._length = 1

    def set(self, style: Style, frame: int) -> None:
        """Fades from what holds at `frame` to `style`.

        Raises:
            ValueError: a code of the wrong length or not finite, a negative strength or time.
        """
        if style.code is not None and (
            style.code.shape != (STYLE_DIM,) or not np.isfinite(style.code).all()
        ):
            raise ValueError(f"style code must be {STYLE_DIM} finite numbers")
        if not (0 <= style.strength <= 10 and 0 <= style.transition_s <= 60):
            raise ValueError(
                f"style strength {style.strength} must be in [0, 10], "
                f"transition {style.transition_s} s in [0, 60]"
            )
        codes, strengths = self.at(frame, 1)
        self._old_code, self._old_strength = codes[0], float(strengths[0])
        if style.code is None:
            self._code, self._strength = self._old_code, 0.0
        else:
            self._code, self._strength = style.code.astype(np.float32), style.strength
        if self._old_strength == 0.0:
            self._old_code = self._code
        self._start = frame
        self._length = max(1, round(style.transition_s * FRAME_RATE_HZ))

    def at(self, first: int, frames: int) -> tuple[Float32, Float32]:
        """Codes float32 [T, P] and strengths float32 [T]."""
        index = np.arange(first, first + frames)
        share = np.clip((index - self._start + 1) / self._length, 0, 1).astype(np.float32)
        code = self._old_code + (self._code - self._old_code) * share[:, None]
        strength = self._old_strength + (self._strength - self._old_strength) * share
        return code.astype(np.float32), strength.astype(np.float32)
