"""Speaks with the viewer's page as a browser does, without one."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import msgspec.msgpack
import numpy as np
import viser
import zstandard
from websockets.sync.client import connect

TIMEOUT_S = 20.0
CAMERA = {
    "type": "ViewerCameraMessage",
    "wxyz": (1.0, 0.0, 0.0, 0.0),
    "position": (1.0, 0.0, 0.0),
    "fov": 0.3,
    "near": 0.1,
    "far": 10.0,
    "image_height": 480,
    "image_width": 640,
    "look_at": (0.0, 0.0, 0.0),
    "up_direction": (0.0, 0.0, 1.0),
}


class PageClient:
    """Collects what the page is sent, in `messages`; arrays stand in place of their data."""

    def __init__(self, port: int) -> None:
        self._socket = connect(
            f"ws://127.0.0.1:{port}",
            subprotocols=[f"viser-v{viser.__version__}"],
            max_size=None,
            close_timeout=1,
        )
        self.messages: list[dict[str, Any]] = []
        self._send(CAMERA)  # from then on the page counts as open

    def __enter__(self) -> PageClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def wait_for(
        self, condition: Callable[[dict[str, Any]], Any], after: int = 0
    ) -> dict[str, Any]:
        """The first message that fulfils a condition, of those there and those to come; the first
        `after` do not count."""
        deadline, seen = time.monotonic() + TIMEOUT_S, after
        while True:
            for message in self.messages[seen:]:
                if condition(message):
                    return message
            seen = len(self.messages)
            self._receive(deadline - time.monotonic())

    def control(self, kind: str, label: str) -> str:
        """Id of a control of the page."""

        def wanted(message: dict[str, Any]) -> bool:
            return message["type"] == kind and message["props"]["label"] == label

        return str(self.wait_for(wanted)["uuid"])

    def set(self, uuid: str, value: Any) -> None:
        """Changes a control's value, or presses it."""
        self._send({"type": "GuiUpdateMessage", "uuid": uuid, "updates": {"value": value}})

    def _send(self, message: dict[str, Any]) -> None:
        self._socket.send(msgspec.msgpack.encode(message))

    def _receive(self, timeout_s: float) -> None:
        assert timeout_s > 0, "the page was not sent what was waited for"
        data = self._socket.recv(timeout_s)
        size = int.from_bytes(data[8:16], "little")
        inner = msgspec.msgpack.decode(zstandard.decompress(data[16 : 16 + size]))
        at, buffers = 16 + size, []
        for length in inner["binaryBufferLengths"]:
            at += -at % 8
            buffers.append(data[at : at + length])
            at += length
        self.messages += [_with_arrays(message, buffers) for message in inner["messages"]]


def _with_arrays(value: Any, buffers: list[bytes]) -> Any:
    if isinstance(value, dict):
        if "__binary_index" in value:
            return np.frombuffer(buffers[value["__binary_index"]], np.uint8)
        return {key: _with_arrays(item, buffers) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_arrays(item, buffers) for item in value]
    return value
