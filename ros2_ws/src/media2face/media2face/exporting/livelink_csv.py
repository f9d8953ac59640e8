"""Takes as the Live Link Face app saves them: one row a frame, one column a value."""

from __future__ import annotations

import csv
from pathlib import Path

from media2face.contract import FRAME_RATE_HZ
from media2face.exporting.files import whole_file
from media2face.exporting.livelink import RATE_HZ, VALUE_DIM, VALUE_NAMES, to_values
from media2face.types import Motion

# In its files (not in its packets) the app puts right before left in these two pairs.
_SWAPPED = {"JawLeft": "JawRight", "MouthLeft": "MouthRight"}
_SWAPPED |= {right: left for left, right in _SWAPPED.items()}
COLUMNS = tuple(_SWAPPED.get(name, name) for name in VALUE_NAMES)


def timecode(frame: int) -> str:
    """Hours:minutes:seconds:frames.thousandths of our frame, in the app's frames (60 a second)."""
    seconds, rest = divmod(frame, FRAME_RATE_HZ)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}:{rest * RATE_HZ // FRAME_RATE_HZ:02}.000"


def write_livelink_csv(path: Path, motion: Motion) -> None:
    """Writes a motion; the first row is at timecode 0. The head's translation has no column."""
    values = to_values(motion.blendshapes, motion.head_pose, motion.eyes)
    order = [VALUE_NAMES.index(name) for name in COLUMNS]
    with whole_file(path) as part, part.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["Timecode", "BlendShapeCount", *COLUMNS])
        for frame, row in enumerate(values[:, order].tolist()):
            writer.writerow([timecode(frame), VALUE_DIM, *(f"{value:.10f}" for value in row)])
