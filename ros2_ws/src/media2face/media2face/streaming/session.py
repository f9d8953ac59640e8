"""One streaming face: audio in on one side, frames due out on the other.

Threads: accept_audio, end_utterance, set_style, set_identity, reset and poll may be called from
any thread and are cheap. step may be called from one thread only, the one that owns the backend.
The session starts no thread and reads no clock.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from media2face.backends.base import (
    Backend,
    DenoiserState,
    Guidance,
    Identity,
    WindowInputs,
)
from media2face.config import SessionConfig
from media2face.contract import (
    EYES_SLICE,
    FRAME_RATE_HZ,
    LATENT_SLICE,
    MEL_WINDOW_SAMPLES,
    POSE_SLICE,
    SAMPLE_RATE_HZ,
    STYLE_DIM,
    frame_to_sample,
)
from media2face.streaming.audio_buffer import AudioBuffer, Resampler, checked
from media2face.streaming.blinks import blink_cue
from media2face.streaming.noise import frame_noise
from media2face.streaming.style_track import StyleTrack
from media2face.types import AudioChunk, FaceFrame, Float32, Style

PAUSED_S = 5.0  # a stall this long moves the clock instead of skipping frames
REANCHOR_S = 0.1  # audio that comes this much later than its index says moves the clock
ABANDONED_S = 1.0  # an utterance without new audio for this long is over
RECENT_HOPS = 300


@dataclass
class SessionStats:
    """Counters since the last reset.

    Attributes:
        frames_out: frames polled.
        starved_ticks: frames that were due and not there yet, each counted once.
        skipped_frames: frames never shown because they were too late.
        hop_compute_ms: compute time of the latest hops.
        buffered_frames: frames made and not yet due.
    """

    frames_out: int = 0
    starved_ticks: int = 0
    skipped_frames: int = 0
    hop_compute_ms: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_HOPS))
    buffered_frames: int = 0


class FaceSession:
    """A face that follows one stream of audio. See the module for who may call what."""

    def __init__(
        self,
        backend: Backend,
        identity: Identity,
        config: SessionConfig,
        make_resampler: Callable[[int], Resampler],
    ) -> None:
        self._backend = backend
        self._identity = identity
        self._config = config
        self._make_resampler = make_resampler
        self._lock = threading.Lock()
        self._generation = 0  # a hop computed before a reset belongs to nobody
        self._clear()

    def _clear(self) -> None:
        geometry = self._backend.geometry
        self._generation += 1
        self._audio = AudioBuffer(self._make_resampler)
        self._styles = StyleTrack()
        self._state = self._backend.initial_state()
        self._style_history = np.zeros((geometry.context_frames, STYLE_DIM), np.float32)
        self._next_frame = 0
        self._origin_s: float | None = None
        self._ready: deque[FaceFrame] = deque()
        self._shown_frame = 0  # frame that poll expects next
        self._starved_frame = -1
        self.stats = SessionStats()

    # ---- from any thread -------------------------------------------------------------------

    def start(self, now_s: float) -> None:
        """Starts the clock without audio, so that an idle face lives before it first speaks."""
        with self._lock:
            if self._origin_s is None and self._config.idle:
                self._origin_s = now_s

    def accept_audio(self, chunk: AudioChunk) -> None:
        """Takes the next chunk.

        Raises:
            ValueError: what is wrong with the chunk; the session stays as it was.
        """
        chunk = checked(chunk)
        with self._lock:
            if self._audio.starts_utterance(chunk):
                self._begin_utterance(chunk)
            elif self._origin_s is not None:
                late = chunk.stamp_s - (self._origin_s + self._audio.source_time_s(chunk))
                if late > REANCHOR_S:
                    self._origin_s += late
            self._audio.append(chunk)

    def end_utterance(self) -> None:
        """No more audio in this utterance; its last frames are made against silence."""
        with self._lock:
            self._audio.close()

    def set_style(self, style: Style) -> None:
        """Takes effect at the next hop. Raises ValueError on a bad style."""
        with self._lock:
            self._styles.set(style, self._next_frame)

    def set_identity(self, identity: Identity) -> None:
        """Takes effect at the next hop."""
        with self._lock:
            self._identity = identity

    def reset(self) -> None:
        """Back to the state of a new session; identity and settings stay, the style goes."""
        with self._lock:
            self._clear()

    def poll(self, now_s: float) -> list[FaceFrame]:
        """The frames due by `now_s`, in order; too late ones are left out and counted."""
        with self._lock:
            due: list[FaceFrame] = []
            while self._ready and self._ready[0].presentation_s <= now_s:
                frame = self._ready.popleft()
                self._shown_frame = frame.index + 1
                if now_s - frame.presentation_s > self._config.max_late_ms / 1000:
                    self.stats.skipped_frames += 1
                else:
                    due.append(frame)
            self._count_starved(now_s)
            self.stats.frames_out += len(due)
            self.stats.buffered_frames = len(self._ready)
            return due

    def drain(self) -> list[FaceFrame]:
        """All frames that are made, due or not: for offline use."""
        with self._lock:
            frames = list(self._ready)
            self._ready.clear()
            self._shown_frame = self._next_frame
            self.stats.frames_out += len(frames)
            return frames

    @property
    def finished(self) -> bool:
        """The utterance was ended and all its frames were polled."""
        with self._lock:
            end = self._audio.utterance_end_frame
            return not self._audio.open and not self._ready and self._next_frame >= end

    @property
    def identity(self) -> Identity:
        """The head in use."""
        return self._identity

    # ---- the worker's ----------------------------------------------------------------------

    def step(self, now_s: float) -> bool:
        """Makes the next hop if its audio is there; returns whether it did anything."""
        with self._lock:
            plan = self._plan(now_s)
            if plan is None:
                return False
            inputs, state, identity, generation = plan
        began = perf_counter()
        outputs, new_state = self._backend.denoise(inputs, state)
        vertices, blendshapes = self._backend.decode(identity, outputs.motion)
        took_ms = (perf_counter() - began) * 1000
        with self._lock:
            if generation == self._generation:
                self._take(outputs.motion, vertices, blendshapes, new_state)
                self.stats.hop_compute_ms.append(took_ms)
        return True

    def _plan(self, now_s: float) -> tuple[WindowInputs, DenoiserState, Identity, int] | None:
        geometry = self._backend.geometry
        if self._origin_s is None or not self._has_audio(now_s):
            return None
        while self._too_late(now_s):
            self._next_frame += geometry.hop_frames
            self.stats.skipped_frames += geometry.hop_frames
            self._shown_frame = max(self._shown_frame, self._next_frame)
            if not self._has_audio(now_s):
                return None
        first = self._next_frame - geometry.context_frames
        first_sample = max(0, frame_to_sample(first) - MEL_WINDOW_SAMPLES)
        self._audio.forget(first_sample)
        codes, strengths = self._styles.at(self._next_frame, geometry.hop_frames)
        codes = codes * (strengths > 0)[:, None]
        history = np.concatenate([self._style_history, codes])
        self._style_history = history[-geometry.context_frames :]
        inputs = WindowInputs(
            first_frame=first,
            first_sample=first_sample,
            audio=self._audio.window(first_sample, self._samples_needed()),
            noise=frame_noise(self._config.seed, self._next_frame, geometry.hop_frames),
            blink=blink_cue(self._config.seed, self._next_frame, geometry.hop_frames),
            style=history,
            guidance=self._guidance(float(strengths.mean())),
        )
        return inputs, self._state, self._identity, self._generation

    def _samples_needed(self) -> int:
        geometry = self._backend.geometry
        last = self._next_frame + geometry.hop_frames + geometry.lookahead_frames
        return frame_to_sample(last)

    def _has_audio(self, now_s: float) -> bool:
        if self._audio.end < self._samples_needed():
            self._fill(self._samples_needed(), now_s)
        return self._audio.end >= self._samples_needed()

    def _fill(self, needed: int, now_s: float) -> None:
        """Silence where audio is known not to come, or is so late that an idle face goes on."""
        assert self._origin_s is not None
        config, end = self._config, self._audio.utterance_end_frame
        missing_s = now_s - (self._origin_s + needed / SAMPLE_RATE_HZ)
        if self._audio.open:
            if missing_s > ABANDONED_S:
                self._audio.close()
            elif not config.idle or missing_s < config.idle_after_ms / 1000:
                return
        unfinished = self._next_frame < end
        if unfinished or (config.idle and missing_s > 0):
            self._audio.fill_silence(needed)

    def _guidance(self, strength: float) -> Guidance:
        default, config = self._backend.default_guidance, self._config
        audio = default.audio if config.guidance_audio is None else config.guidance_audio
        style = default.style if config.guidance_style is None else config.guidance_style
        return Guidance(
            audio, style, config.denoise_steps or default.steps, strength * default.strength
        )

    def _too_late(self, now_s: float) -> bool:
        """Overload: the whole next hop could only come too late to be shown."""
        last = self._next_frame + self._backend.geometry.hop_frames - 1
        behind_s = now_s - self._presentation_s(last) - self._config.max_late_ms / 1000
        if behind_s > PAUSED_S and self._origin_s is not None:
            self._origin_s += behind_s
            return False
        return behind_s > 0

    def _take(
        self, motion: Float32, vertices: Float32, blendshapes: Float32, state: DenoiserState
    ) -> None:
        poses = motion[:, POSE_SLICE]
        head = _pose_to_wire(poses)
        last = len(motion)
        if not self._audio.open and not self._config.idle:
            last = min(last, self._audio.utterance_end_frame - self._next_frame)
        for offset in range(last):
            index = self._next_frame + offset
            self._ready.append(
                FaceFrame(
                    index=index,
                    presentation_s=self._presentation_s(index),
                    vertices=vertices[offset],
                    blendshapes=blendshapes[offset],
                    latent=motion[offset, LATENT_SLICE],
                    head_pose=head[offset],
                    eyes=motion[offset, EYES_SLICE],
                    idle=self._audio.is_idle(frame_to_sample(index)),
                )
            )
        self._next_frame += len(motion)
        self._state = state
        self.stats.buffered_frames = len(self._ready)

    # ---- time ------------------------------------------------------------------------------

    @property
    def delay_s(self) -> float:
        """From the capture of a sample to the presentation of its frame."""
        geometry = self._backend.geometry
        frames = geometry.hop_frames + geometry.lookahead_frames
        return frames / FRAME_RATE_HZ + self._config.margin_ms / 1000

    def _presentation_s(self, frame: int) -> float:
        assert self._origin_s is not None
        return self._origin_s + frame / FRAME_RATE_HZ + self.delay_s

    def _begin_utterance(self, chunk: AudioChunk) -> None:
        self._audio.close()
        hop = self._backend.geometry.hop_frames
        frame = max(self._next_frame, self._audio.end * FRAME_RATE_HZ // SAMPLE_RATE_HZ)
        while frame_to_sample(frame) < self._audio.end:
            frame += 1
        if self._origin_s is None:
            self._origin_s = chunk.stamp_s
        elif self._config.idle:
            wanted = int((chunk.stamp_s - self._origin_s) * FRAME_RATE_HZ)
            frame = max(frame, min(wanted, frame + 10 * FRAME_RATE_HZ))
        else:
            frame = -(-max(frame, self._audio.utterance_end_frame) // hop) * hop
            due_s = chunk.stamp_s - frame / FRAME_RATE_HZ
            self._origin_s = max(self._origin_s, due_s)
        self._audio.begin(chunk, frame)

    def _count_starved(self, now_s: float) -> None:
        if self._origin_s is None or self._ready or not np.isfinite(now_s):
            return
        first = max(self._shown_frame, self._starved_frame + 1)
        due = int((now_s - self._presentation_s(first)) * FRAME_RATE_HZ) + first
        if not (self._audio.open or self._config.idle):
            due = min(due, self._audio.utterance_end_frame - 1)
        if due >= first and self._presentation_s(first) < now_s:
            self.stats.starved_ticks += due - first + 1
            self._starved_frame = due


def _pose_to_wire(pose: Float32) -> Float32:
    """Head pose float32 [T, 6] (rotation vector, translation) to float32 [T, 7]: xyz, xyzw."""
    rotation, translation = pose[:, :3], pose[:, 3:]
    angle = np.linalg.norm(rotation, axis=1, keepdims=True)
    # sin(a / 2) / a tends to 1/2 at rest
    scale = np.where(angle > 1e-6, np.sin(angle / 2) / np.maximum(angle, 1e-6), 0.5)
    return np.concatenate([translation, rotation * scale, np.cos(angle / 2)], 1).astype(np.float32)
