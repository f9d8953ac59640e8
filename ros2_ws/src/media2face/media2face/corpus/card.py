"""The dataset card and the list of splits that lie beside the shards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from media2face.contract import SAMPLE_RATE_HZ
from media2face.corpus.sources import Item
from media2face.corpus.split import SPLITS

_INTRO = """# Speech with motion of a rule-based teacher

Audio of the sets below, 16 kHz mono; beside it face motion at 30 Hz made by rules from phone
times, loudness, pitch and an emotion (media2face.corpus.teacher), except facegood_zh, whose mouth
and jaw were captured. Each item has three renderings: neutral and two emotions. The motion is not
that of the people who speak.

| set | language | licence | train h | dev h | test h | items |
|---|---|---|---|---|---|---|
"""


def write(out: Path, items: list[Item]) -> None:
    """Writes README.md, corpus.json (hours) and splits.json (key -> split) into `out`."""
    table: dict[str, dict[str, Any]] = {}
    for item in items:
        empty = {
            "language": item.language,
            "licence": item.licence,
            "items": 0,
            "hours": dict.fromkeys(SPLITS, 0.0),
            "clips": dict.fromkeys(SPLITS, 0),
        }
        row = table.setdefault(item.set_name, empty)
        row["items"] += 1
        row["clips"][item.split] += 1
        row["hours"][item.split] += len(item.audio) / SAMPLE_RATE_HZ / 3600
    text = _INTRO
    for name, row in table.items():
        hours = " | ".join(f"{row['hours'][split]:.2f}" for split in SPLITS)
        text += f"| {name} | {row['language']} | {row['licence']} | {hours} | {row['items']} |\n"
    total = {s: sum(row["hours"][s] for row in table.values()) for s in SPLITS}
    text += "| all | | | " + " | ".join(f"{total[s]:.2f}" for s in SPLITS) + f" | {len(items)} |\n"
    (out / "README.md").write_text(text, encoding="utf-8")
    (out / "corpus.json").write_text(json.dumps(table, indent=1), encoding="utf-8")
    splits = {item.key: item.split for item in items}
    (out / "splits.json").write_text(json.dumps(splits, indent=0), encoding="utf-8")
