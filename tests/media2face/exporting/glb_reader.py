"""Reads a .glb back, independently of what wrote it: just enough for the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

_TYPES = {5126: "<f4", 5123: "<u2", 5125: "<u4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


class Glb:
    """Attributes:
    gltf: the document.
    """

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        assert data[:4] == b"glTF"
        assert int.from_bytes(data[8:12], "little") == len(data)
        size = int.from_bytes(data[12:16], "little")
        self.gltf: dict[str, Any] = json.loads(data[20 : 20 + size])
        self._buffer = data[28 + size :]

    def node(self, name: str) -> tuple[int, dict[str, Any]]:
        """Index of a node, and the node."""
        return next((i, n) for i, n in enumerate(self.gltf["nodes"]) if n["name"] == name)

    def array(self, index: int) -> np.ndarray:
        """An accessor's values [N, K], sparse rows put in."""
        accessor = self.gltf["accessors"][index]
        kind, width = accessor["componentType"], _WIDTHS[accessor["type"]]
        if "bufferView" in accessor:
            values = self._view(accessor["bufferView"], kind).reshape(-1, width).copy()
        else:
            values = np.zeros((accessor["count"], width), _TYPES[kind])
        if sparse := accessor.get("sparse"):
            rows = self._view(sparse["indices"]["bufferView"], sparse["indices"]["componentType"])
            values[rows] = self._view(sparse["values"]["bufferView"], kind).reshape(-1, width)
        assert len(values) == accessor["count"]
        return values

    def _view(self, index: int, kind: int) -> np.ndarray:
        view = self.gltf["bufferViews"][index]
        first = view["byteOffset"]
        return np.frombuffer(self._buffer[first : first + view["byteLength"]], _TYPES[kind])

    def track(self, node: str, path: str) -> tuple[np.ndarray, np.ndarray]:
        """Times [T] (s) and values [T, ...] of an animated property."""
        animation = self.gltf["animations"][0]
        for channel in animation["channels"]:
            if channel["target"] == {"node": self.node(node)[0], "path": path}:
                sampler = animation["samplers"][channel["sampler"]]
                times = self.array(sampler["input"])[:, 0]
                return times, self.array(sampler["output"]).reshape(len(times), -1)
        raise KeyError(f"{path} of {node} is not animated")
