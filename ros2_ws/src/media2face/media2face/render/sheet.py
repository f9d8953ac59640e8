"""Film strips: several pictures on one sheet, with labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image

_GAP_PX = 4
_LABEL_PX = 22


def film_strip(
    frames: list[npt.NDArray[np.uint8]], columns: int, labels: Sequence[str] = ()
) -> Image.Image:
    """Lays pictures out row by row.

    Args:
        frames: uint8 [H, W, 3] each, one size.
        columns: pictures in a row.
        labels: written under the pictures; as many as there are pictures, or none.

    Returns:
        A PIL image.
    """
    from PIL import Image, ImageDraw, ImageFont

    if not frames:
        raise ValueError("a film strip needs at least one picture")
    if labels and len(labels) != len(frames):
        raise ValueError(f"{len(labels)} labels for {len(frames)} pictures")
    height, width = frames[0].shape[:2]
    columns = min(columns, len(frames))
    rows = -(-len(frames) // columns)
    step_x, step_y = width + _GAP_PX, height + _GAP_PX + (_LABEL_PX if labels else 0)
    sheet = Image.new("RGB", (columns * step_x - _GAP_PX, rows * step_y - _GAP_PX), (24, 26, 30))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=15)
    for index, frame in enumerate(frames):
        x, y = index % columns * step_x, index // columns * step_y
        sheet.paste(Image.fromarray(np.ascontiguousarray(frame)), (x, y))
        if labels:
            at = (x + width // 2, y + height + _LABEL_PX // 2)
            pen.text(at, labels[index], fill=(226, 228, 232), font=font, anchor="mm")
    return sheet
