"""When to play what a face speaks, so that every sound comes with the frame that shows it.

The face shows an utterance some hundred milliseconds after its chunks are stamped, from a whole
frame on. A frame tells its index, its presentation time and whether it shows audio at all, but it
comes when it is due, too late to begin with its sound. So the begin is foretold from the chunk's
stamp, the face's delay and the frames before, and put right by the first frame of the utterance.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from media2face.audio.resample import Resampler
from media2face.contract import FRAME_RATE_HZ
from media2face.streaming.audio_buffer import AudioBuffer
from media2face.types import AudioChunk, Float32

# Sound runs on by its own clock within this distance of where it should be; beyond it, it jumps.
TOLERANCE_S = 0.006
FADE_S = 0.004  # from the old place to the new one
RECENT_S = 0.5  # without a frame for this long the face does not idle: it starts at once
LONGEST_MISS_S = 1.0  # frames that a busy computer loses at the begin of an utterance
KEPT_S = 1.0  # sound kept behind the place that plays
OVER_S = 2.0  # an utterance that ended this long ago, or should have, is dropped
RECENT_OFFSETS = 1000


@dataclass
class Utterance:
    """One run of audio and when it is shown.

    Attributes:
        line: its samples at the output's rate, from 0.
        stamp_s: of its first sample, as the chunk says.
        joined: it was under way when the first chunk came.
        frames: how many frames its audio covers so far.
        closed: no more audio follows.
        show_s: presentation time of its first sample, foretold or seen; None = not known.
        first_frame: index of the frame that shows its beginning, once seen.
        paused_frames: frames without audio that the face put in since.
        cursor: sample of `line` that plays next; None before it plays.
    """

    line: AudioBuffer
    stamp_s: float
    joined: bool
    frames: float = 0.0
    closed: bool = False
    show_s: float | None = None
    first_frame: int | None = None
    paused_frames: int = 0
    cursor: int | None = None


@dataclass
class LipsyncStats:
    """Attributes:
    utterances: played or playing.
    jumps: how often sound was moved to its frame after it had begun.
    offsets_ms: sound minus frame of the latest blocks; positive = the sound is late.
    """

    utterances: int = 0
    jumps: int = 0
    offsets_ms: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_OFFSETS))


class Lipsync:
    """Sound and frames of one face in, sound at its time out. Any thread may call anything."""

    def __init__(self, rate_hz: int) -> None:
        """`rate_hz` is the output's."""
        self._rate_hz = rate_hz
        self._lock = threading.Lock()
        self._utterances: deque[Utterance] = deque()
        self._delay_s: float | None = None
        self._hop_frames = 1
        self._grid_s: float | None = None  # presentation time of frame 0, by the latest frame
        self._last_frame = (-1, -math.inf, False)  # index, presentation time, idle
        self._began = False
        self.stats = LipsyncStats()

    def set_face(self, delay_s: float, hop_frames: int) -> None:
        """What the face says of itself: from a stamp to its frame, and frames made at once."""
        with self._lock:
            self._delay_s = delay_s
            self._hop_frames = max(1, hop_frames)

    def accept_audio(self, chunk: AudioChunk, last: bool = False) -> None:
        """Takes the next chunk, as FaceSession does."""
        with self._lock:
            current = self._utterances[-1] if self._utterances else None
            if len(chunk.samples):
                if current is None or current.closed or current.line.starts_utterance(chunk):
                    current = self._begin(chunk, current)
                held = current.line.source_time_s(chunk)
                current.line.append(chunk)
                end_s = held + len(chunk.samples) / chunk.sample_rate_hz
                current.frames = max(current.frames, end_s * FRAME_RATE_HZ)
            if last and current is not None:
                current.line.close()
                current.closed = True

    def _begin(self, chunk: AudioChunk, before: Utterance | None) -> Utterance:
        if before is not None and not before.closed:
            before.line.close()
            before.closed = True
        line = AudioBuffer(lambda rate_hz: Resampler(rate_hz, self._rate_hz))
        line.begin(chunk, 0)
        joined = not self._began and chunk.first_sample > 0
        utterance = Utterance(line, chunk.stamp_s, joined)
        utterance.show_s = self._foretell(utterance, before)
        self._utterances.append(utterance)
        self._began = True
        self.stats.utterances += 1
        return utterance

    def _foretell(self, utterance: Utterance, before: Utterance | None) -> float | None:
        """When the face will show the beginning, by the rules of FaceSession."""
        if self._delay_s is None:
            return None
        show_s = utterance.stamp_s + self._delay_s
        if utterance.joined:
            return show_s - 0.5 / FRAME_RATE_HZ  # somewhere within the frame before
        idling = self._last_frame[1] > show_s - self._delay_s - RECENT_S and self._last_frame[2]
        if idling and self._grid_s is not None:
            frame = math.floor((show_s - self._grid_s) * FRAME_RATE_HZ + 1e-6)
            show_s = self._grid_s + frame / FRAME_RATE_HZ
        if before is not None and before.show_s is not None:
            step = 1 if idling else self._hop_frames
            frames = math.ceil(before.frames / step - 1e-6) * step + before.paused_frames
            show_s = max(show_s, before.show_s + frames / FRAME_RATE_HZ)
        return show_s

    def accept_frame(self, index: int, presentation_s: float, idle: bool) -> None:
        """Takes what a frame tells of time."""
        with self._lock:
            if index <= self._last_frame[0]:  # the face was reset
                self._utterances.clear()
            missed = index > self._last_frame[0] + 1
            self._grid_s = presentation_s - index / FRAME_RATE_HZ
            self._last_frame = (index, presentation_s, idle)
            utterance = self._shown_by(index, presentation_s, idle, missed)
            if utterance is None:
                return
            first = utterance.first_frame
            assert first is not None
            if idle:
                utterance.paused_frames += 1
            else:
                shown = index - first - utterance.paused_frames
                utterance.show_s = presentation_s - shown / FRAME_RATE_HZ

    def _shown_by(
        self, index: int, presentation_s: float, idle: bool, missed: bool
    ) -> Utterance | None:
        """The utterance that frame `index` belongs to; the first frame after one begins a new."""
        for utterance in self._utterances:
            if utterance.joined:
                continue
            if utterance.first_frame is None:
                if idle:
                    return None
                utterance.first_frame = index
                if missed and utterance.show_s is not None:
                    # The first frames may be among those that did not come.
                    since_s = presentation_s - utterance.show_s
                    if 0 < since_s < LONGEST_MISS_S:
                        utterance.first_frame -= min(index, round(since_s * FRAME_RATE_HZ))
                return utterance
            length = math.ceil(utterance.frames - 1e-6) + utterance.paused_frames
            # Where more audio is to follow, a frame without audio waits for it.
            if index < utterance.first_frame + length or (idle and not utterance.closed):
                return utterance
        return None

    def render(self, time_s: float, count: int) -> Float32:
        """float32 [count] at the output's rate, the first of which is heard at `time_s`."""
        mixed = np.zeros(count, np.float32)
        with self._lock:
            for utterance in self._utterances:
                if utterance.show_s is not None:
                    self._play(utterance, utterance.show_s, time_s, mixed)
            while self._utterances and self._is_over(self._utterances[0], time_s):
                self._utterances.popleft()
        return np.clip(mixed, -1, 1)

    def _play(self, utterance: Utterance, show_s: float, time_s: float, mixed: Float32) -> None:
        wanted = round((time_s - show_s) * self._rate_hz)
        count, line = len(mixed), utterance.line
        if wanted + count <= 0:
            return
        place = wanted if utterance.cursor is None else utterance.cursor
        jumps = abs(wanted - place) > TOLERANCE_S * self._rate_hz
        if jumps:
            fade = min(count, round(FADE_S * self._rate_hz))
            out = line.window(place, place + fade) * np.linspace(1, 0, fade, dtype=np.float32)
            sound = line.window(wanted, wanted + count)
            sound[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
            sound[:fade] += out
            mixed += sound
            place = wanted
            self.stats.jumps += 1
        else:
            mixed += line.window(place, place + count)
        if place < line.end:
            self.stats.offsets_ms.append((wanted - place) / self._rate_hz * 1000)
        utterance.cursor = place + count
        line.forget(utterance.cursor - round(KEPT_S * self._rate_hz))

    def _is_over(self, utterance: Utterance, time_s: float) -> bool:
        if utterance.show_s is None:
            return time_s - utterance.stamp_s > OVER_S + utterance.frames / FRAME_RATE_HZ
        frames = utterance.frames + utterance.paused_frames
        over_s = time_s - (utterance.show_s + frames / FRAME_RATE_HZ)
        return over_s > OVER_S and (utterance.closed or len(self._utterances) > 1)
