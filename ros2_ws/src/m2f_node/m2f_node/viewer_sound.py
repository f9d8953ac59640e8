"""Chunks of sound gathered into blocks that are worth a message to a browser."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from m2f_msgs.msg import AudioChunk

from m2f_node.conversions import to_chunk

BLOCK_S = 0.096


@dataclass(frozen=True)
class Block:
    """Attributes:
    pcm: int16 [S] mono.
    rate_hz: its rate.
    stamp_s: capture time of pcm[0] on the node's clock.
    first: an utterance begins here.
    """

    pcm: npt.NDArray[np.int16]
    rate_hz: int
    stamp_s: float
    first: bool


class Blocks:
    """Joins chunks as they come. One thread."""

    def __init__(self) -> None:
        self._parts: list[npt.NDArray[np.int16]] = []
        self._samples = 0
        self._rate_hz = 0
        self._next_sample = -1
        self._stamp_s = 0.0
        self._first = True

    def add(self, msg: AudioChunk, now_s: float) -> list[Block]:
        """The blocks that are full, or end with this chunk.

        Raises:
            ValueError: where the message cannot be audio, with the reason.
        """
        done: list[Block] = []
        if len(msg.data):
            chunk = to_chunk(msg, now_s)
            if msg.first_sample != self._next_sample or msg.sample_rate != self._rate_hz:
                done += self._flush()
                self._first = True
            if not self._parts:
                self._stamp_s = chunk.stamp_s
            self._rate_hz = msg.sample_rate
            self._parts.append(np.rint(chunk.samples * 32767).astype(np.int16))
            self._samples += len(chunk.samples)
            self._next_sample = msg.first_sample + len(chunk.samples)
        if msg.last or self._samples >= BLOCK_S * self._rate_hz:
            done += self._flush()
        if msg.last:
            self._next_sample = -1
        return done

    def _flush(self) -> list[Block]:
        if not self._parts:
            return []
        block = Block(np.concatenate(self._parts), self._rate_hz, self._stamp_s, self._first)
        self._parts, self._samples, self._first = [], 0, False
        return [block]
