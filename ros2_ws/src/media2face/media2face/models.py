"""Model folders: where they are, what is in them, and whether it is intact."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from media2face.contract import CONTRACT_VERSION

DEFAULT_MODEL = "small"


def model_folders() -> list[Path]:
    """Folders that may hold models, nearest to this file first: `models` of a source tree or
    share/media2face/models of the prefix it is installed in; then those of the running python."""
    shared = Path("share", "media2face", "models")
    folders = [
        parent / below
        for parent in Path(__file__).resolve().parents[1:]
        for below in (shared, Path("models"))
    ]
    folders.append(Path(sys.prefix) / shared)
    return [folder for folder in folders if folder.is_dir()]


def find_model(name: str = DEFAULT_MODEL) -> Path:
    """Folder of a model by name, or by path.

    Raises:
        FileNotFoundError: no such model; the message lists those there are.
    """
    if (Path(name) / "manifest.json").is_file():
        return Path(name)
    known: set[str] = set()
    for folder in model_folders():
        if (folder / name / "manifest.json").is_file():
            return folder / name
        known |= {path.parent.name for path in folder.glob("*/manifest.json")}
    listed = ", ".join(sorted(known)) or "none at all"
    raise FileNotFoundError(f"no model {name!r}; installed are: {listed}")


@dataclass(frozen=True)
class Manifest:
    """A model folder's manifest.json, its files checked.

    Attributes:
        folder: where it lies.
        fields: all of the JSON.
        hash: sha256 over the hashes of the files, 12 hex digits.
    """

    folder: Path
    fields: dict[str, Any]
    hash: str

    def file(self, name: str) -> Path:
        """Path of a file that the manifest lists. Raises ValueError naming it if it does not."""
        if name not in self.fields["files"]:
            raise ValueError(f"{self.folder / 'manifest.json'}: 'files' does not list {name!r}")
        return self.folder / name

    def field(self, name: str) -> Any:
        """A required field. Raises ValueError naming file and field."""
        if name not in self.fields:
            raise ValueError(f"{self.folder / 'manifest.json'}: field {name!r} is missing")
        return self.fields[name]


def load_manifest(folder: Path, kind: str) -> Manifest:
    """Reads and checks a model folder.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: names the file and the field that is wrong, or the file whose hash is off.
    """
    path = folder / "manifest.json"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error
    for name, wanted in (("contract_version", CONTRACT_VERSION), ("kind", kind)):
        if fields.get(name) != wanted:
            raise ValueError(
                f"{path}: field {name!r} is {fields.get(name)!r}, this version needs {wanted!r}"
            )
    if not isinstance(fields.get("files"), dict):
        raise ValueError(f"{path}: field 'files' must map file names to sha256")
    digest = hashlib.sha256()
    for name, wanted in sorted(fields["files"].items()):
        if file_hash(folder / name) != wanted:
            raise ValueError(
                f"{folder / name} is damaged: its sha256 is not the manifest's; restore the file"
            )
        digest.update(wanted.encode())
    return Manifest(folder, fields, digest.hexdigest()[:12])


def file_hash(path: Path) -> str:
    """sha256 in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
