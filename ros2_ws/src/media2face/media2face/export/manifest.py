"""Writes the manifest of a model folder."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from media2face.contract import CONTRACT_VERSION
from media2face.models import file_hash


def write_manifest(folder: Path, kind: str, files: list[str], **fields: Any) -> None:
    """Writes manifest.json with the hashes of `files`, which lie in `folder`."""
    body = {
        "contract_version": CONTRACT_VERSION,
        "kind": kind,
        **fields,
        "files": {name: file_hash(folder / name) for name in files},
    }
    text = json.dumps(body, indent=2, ensure_ascii=False) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")


def head_commit() -> str:
    """The commit a model is made at, for its manifest; "unknown" outside a checkout."""
    found = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"
