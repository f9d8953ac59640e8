"""The binary glTF 2.0 container: accessors into one buffer, and the JSON beside it."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

_COMPONENTS = {"f": 5126, "H": 5123, "I": 5125}
_KINDS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
_ARRAY_BUFFER, _ELEMENT_BUFFER = 34962, 34963
# A value and its index against a value: below this share of moving rows a sparse accessor is
# the smaller one.
_SPARSE_SHARE = 0.8


class GlbBuilder:
    """Collects a document; `gltf` is its JSON as it stands, to be added to by the caller."""

    def __init__(self, generator: str) -> None:
        self.gltf: dict[str, Any] = {"asset": {"version": "2.0", "generator": generator}}
        self._buffer = bytearray()

    def add(self, array: str, item: dict[str, Any]) -> int:
        """Appends to a top-level array of the document; returns the index there."""
        items: list[dict[str, Any]] = self.gltf.setdefault(array, [])
        items.append(item)
        return len(items) - 1

    def attribute(self, values: npt.NDArray[np.float32], bounds: bool = False) -> int:
        """Accessor of a vertex attribute float32 [N] or [N, K]; `bounds` writes min and max."""
        view = self._view(np.ascontiguousarray(values, "<f4").tobytes(), _ARRAY_BUFFER)
        return self._accessor(values, view, bounds)

    def indices(self, triangles: npt.NDArray[np.integer[Any]]) -> int:
        """Accessor of triangles [F, 3]."""
        flat = triangles.reshape(-1)
        flat = flat.astype("<u2" if flat.max() < 65_535 else "<u4")
        return self._accessor(flat, self._view(flat.tobytes(), _ELEMENT_BUFFER), bounds=True)

    def keys(self, values: npt.NDArray[np.float32], bounds: bool = False) -> int:
        """Accessor of an animation's times or values float32 [N] or [N, K]."""
        view = self._view(np.ascontiguousarray(values, "<f4").tobytes())
        return self._accessor(values, view, bounds)

    def offsets(self, values: npt.NDArray[np.float32]) -> int:
        """Accessor of a morph target float32 [N, 3]; rows of zeros take no room."""
        moving = np.flatnonzero(values.any(axis=1))
        if len(moving) > _SPARSE_SHARE * len(values):
            return self.attribute(values, bounds=True)
        accessor = self._accessor(values, None, bounds=True)
        if len(moving):
            index = moving.astype("<u2" if len(values) < 65_536 else "<u4")
            rows = np.ascontiguousarray(values[moving], "<f4")
            self.gltf["accessors"][accessor]["sparse"] = {
                "count": len(moving),
                "indices": {
                    "bufferView": self._view(index.tobytes()),
                    "componentType": _COMPONENTS[index.dtype.char],
                },
                "values": {"bufferView": self._view(rows.tobytes())},
            }
        return accessor

    def texture(self, data: bytes, mime: str, repeat_u: bool = False) -> int:
        """A texture of an encoded picture, clamped at its borders; `repeat_u` joins left and
        right."""
        image = self.add("images", {"bufferView": self._view(data), "mimeType": mime})
        clamp, repeat, linear, mipmaps = 33071, 10497, 9729, 9987
        wrap = {"wrapS": repeat if repeat_u else clamp, "wrapT": clamp}
        sampler = self.add("samplers", {"magFilter": linear, "minFilter": mipmaps, **wrap})
        return self.add("textures", {"source": image, "sampler": sampler})

    def _view(self, data: bytes, target: int | None = None) -> int:
        self._buffer += b"\0" * (-len(self._buffer) % 4)
        view: dict[str, Any] = {
            "buffer": 0, "byteOffset": len(self._buffer), "byteLength": len(data)
        }  # fmt: skip
        if target is not None:
            view["target"] = target
        self._buffer += data
        return self.add("bufferViews", view)

    def _accessor(self, values: npt.NDArray[Any], view: int | None, bounds: bool) -> int:
        rows = values.reshape(len(values), -1)
        accessor: dict[str, Any] = {
            "componentType": _COMPONENTS[values.dtype.char],
            "count": len(values),
            "type": _KINDS[rows.shape[1]],
        }
        if view is not None:
            accessor["bufferView"] = view
        if bounds:
            accessor |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
        return self.add("accessors", accessor)

    def to_bytes(self) -> bytes:
        """The file."""
        self._buffer += b"\0" * (-len(self._buffer) % 4)
        document = {**self.gltf, "buffers": [{"byteLength": len(self._buffer)}]}
        text = json.dumps(document, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        chunks = b"".join(
            struct.pack("<I4s", len(data), kind) + data
            for kind, data in ((b"JSON", text), (b"BIN\0", bytes(self._buffer)))
        )
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
