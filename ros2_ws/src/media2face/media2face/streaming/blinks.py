"""When the face blinks: a function of (seed, absolute frame) alone, like the noise.

A blink is a rare event, and a sampler of few steps answers rare events with their mean: it never
blinks. So the noise of a few frames is made to lean towards a blink, and the denoiser, which has
seen blinks, draws it into the motion. This module says when, the model's manifest says whereto.
"""

from __future__ import annotations

import numpy as np

from media2face.types import Float32

# One blink falls somewhere in each cell: 15 a minute, 1.2 to 6.8 s apart, as in people at ease.
CELL_FRAMES = 120
MARGIN_FRAMES = (
    18  # no blink this near to a cell's border, so two are never closer than twice that
)
PULSE = np.array([0.35, 0.9, 1.0, 0.85, 0.55, 0.3, 0.12], np.float32)


def blink_cue(seed: int, first_frame: int, frames: int) -> Float32:
    """How far the noise leans towards a blink on each frame: float32 [T] in [0, 1]."""
    cue = np.zeros(frames, np.float32)
    for cell in range(
        (first_frame - len(PULSE)) // CELL_FRAMES, (first_frame + frames) // CELL_FRAMES + 1
    ):
        if cell < 0:
            continue
        # the third word keeps these draws apart from those of streaming.noise
        draws = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 1, cell]))
        onset = cell * CELL_FRAMES + int(
            draws.integers(MARGIN_FRAMES, CELL_FRAMES - MARGIN_FRAMES)
        )
        for offset, value in enumerate(PULSE):
            place = onset + offset - first_frame
            if 0 <= place < frames:
                cue[place] = value
    return cue
