"""Films with sound: H.264 and AAC in an mp4."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from media2face.contract import FRAME_RATE_HZ
from media2face.face.topology import Topology
from media2face.render.camera import Camera
from media2face.render.renderer import Renderer
from media2face.types import Float32, Motion

_AUDIO_RATE_HZ = 48_000  # what every player takes, whatever the source had
_BLOCK_SAMPLES = 1024
_BT709 = 1  # number of the colour space in H.264


def write_video(
    path: Path,
    motion: Motion,
    topology: Topology,
    samples: Float32,
    sample_rate: int,
    *,
    size: int = 512,
    camera: str | Camera = "front",
    progress: bool = True,
) -> None:
    """Draws a motion and writes it with its sound; sample 0 sounds with frame 0.

    The film appears under its name only when it is complete.

    Args:
        path: of the mp4.
        motion: vertices float32 [T, V, 3] (m) and head_pose float32 [T, 7] are drawn.
        topology: the head.
        samples: float32 [S] mono, in [-1, 1].
        sample_rate: of `samples` (Hz).
        size: width and height (px), even.
        camera: a view, or the name of one.
        progress: shows a bar on stderr.
    """
    with Renderer(topology, size, size, camera) as renderer:
        frames = (
            renderer.draw(vertices, pose)
            for vertices, pose in zip(motion.vertices, motion.head_pose, strict=True)
        )
        bar = tqdm(
            frames,
            total=motion.frames,
            desc="rendering",
            unit="frame",
            disable=None if progress else True,
        )
        encode_video(path, bar, samples, sample_rate, size=size)


def encode_video(
    path: Path,
    frames: Iterator[npt.NDArray[np.uint8]],
    samples: Float32,
    sample_rate: int,
    *,
    size: int,
) -> None:
    """Writes pictures uint8 [size, size, 3] at 30 a second with sound; see write_video."""
    if size % 2 or size <= 0:
        raise ValueError(f"video size is {size} px, must be even (4:2:0 colour)")
    # The suffix stays: the container is chosen by it, and by nothing else.
    part = path.with_name(f".{path.stem}.{os.getpid()}.part.mp4")
    try:
        with av.open(str(part), "w", options={"movflags": "+faststart"}) as container:
            _encode(container, frames, samples, sample_rate, size)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _encode(
    container: Any,
    frames: Iterator[npt.NDArray[np.uint8]],
    samples: Float32,
    sample_rate: int,
    size: int,
) -> None:
    video = container.add_stream("libx264", rate=FRAME_RATE_HZ)
    video.width = video.height = size
    video.pix_fmt = "yuv420p"
    video.options = {"crf": "19", "preset": "veryfast"}
    context = video.codec_context
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    sound = container.add_stream("aac", rate=_AUDIO_RATE_HZ, layout="mono")
    sound.bit_rate = 128_000
    blocks = _sound_blocks(samples, sample_rate)
    heard_s = 0.0
    for index, picture in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        container.mux(video.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))
        # Sound keeps pace with the picture, so that the muxer need not hold back either.
        while heard_s <= (index + 1) / FRAME_RATE_HZ and (block := next(blocks, None)):
            heard_s = block.pts / _AUDIO_RATE_HZ
            container.mux(sound.encode(block))
    for block in blocks:
        container.mux(sound.encode(block))
    container.mux(video.encode(None))
    container.mux(sound.encode(None))


def _sound_blocks(samples: Float32, sample_rate: int) -> Iterator[Any]:
    """av.AudioFrame after av.AudioFrame at 48 kHz, stamped from sample 0."""
    resampler = av.AudioResampler(
        format="fltp", layout="mono", rate=_AUDIO_RATE_HZ, frame_size=_BLOCK_SAMPLES
    )
    for first in range(0, len(samples), _BLOCK_SAMPLES):
        block = np.ascontiguousarray(samples[None, first : first + _BLOCK_SAMPLES], np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate = sample_rate
        frame.pts = first
        yield from resampler.resample(frame)
    yield from resampler.resample(None)
