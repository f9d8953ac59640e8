"""Makes the pictures of the documents: python docs/pictures.py AUDIO

Made of LibriSpeech clip 4898-20016-0000, of a speaker that was not trained on.

styles.jpg: prompts on one clip at the same moments. lips.jpg: the mouth frame by frame.
curves.png: lip opening under two prompts against loudness.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from media2face.animate import animate
from media2face.audio.io import read_audio
from media2face.backends import make_backend
from media2face.evaluate.lips import lip_opening_mm, loudness
from media2face.models import find_model
from media2face.render.camera import Camera
from media2face.render.renderer import Renderer
from media2face.render.sheet import film_strip
from media2face.types import Motion, Style

OUT = Path(__file__).parent
PROMPTS = ("", "happy", "sad", "angry", "surprised", "disgusted")
MOMENTS = 7  # the loudest frame of each seventh of the clip
CLOSE = Camera((1.45, 0.3, 0.02), (0.04, 0.0, -0.008), 0.25)
LIP_FRAMES = range(24, 48)
SECONDS = 8


def main() -> None:
    """Command line."""
    samples, rate = read_audio(Path(sys.argv[1]))
    samples = samples[: SECONDS * rate]
    backend = make_backend("auto", find_model())
    motions: dict[str, Motion] = {}
    for prompt in PROMPTS:
        style = Style(backend.encode_style(prompt)) if prompt else Style()
        motions[prompt] = animate(backend, samples, rate, style=style, seed=1)
    loud = loudness(samples, rate, motions[""].frames)
    moments = [
        int(part[loud[part].argmax()]) for part in np.array_split(range(len(loud)), MOMENTS)
    ]
    with Renderer(backend.topology, width=200, height=220, camera=CLOSE) as renderer:
        faces = [
            renderer.draw(motions[p].vertices[k], motions[p].head_pose[k])
            for p in PROMPTS
            for k in moments
        ]
    labels = [p or "no prompt" for p in PROMPTS for _ in moments]
    film_strip(faces, MOMENTS, labels).save(OUT / "styles.jpg", quality=88)
    plain = motions[""]
    with Renderer(backend.topology, width=160, height=160, camera="mouth") as renderer:
        mouths = [renderer.draw(plain.vertices[k], plain.head_pose[k]) for k in LIP_FRAMES]
    times = [f"{k / 30:.2f} s" for k in LIP_FRAMES]
    film_strip(mouths, 8, times).save(OUT / "lips.jpg", quality=88)
    curves(motions, samples, rate, backend.topology.landmarks68)


def curves(
    motions: dict[str, Motion], samples: np.ndarray, rate: int, landmarks: np.ndarray
) -> None:
    """Lip opening under two prompts, and the loudness it should follow."""
    figure, axes = plt.subplots(2, 1, figsize=(9, 4), sharex=True, height_ratios=(1, 2))
    loud = loudness(samples, rate, motions[""].frames)
    time = np.arange(len(loud)) / 30
    axes[0].fill_between(time, loud, color="0.6")
    axes[0].set_ylabel("loudness")
    for prompt in ("happy", "sad"):
        axes[1].plot(time, lip_opening_mm(motions[prompt].vertices, landmarks), label=prompt)
    axes[1].set(xlabel="s", ylabel="lip opening, mm")
    axes[1].legend()
    figure.tight_layout()
    figure.savefig(OUT / "curves.png", dpi=80)


if __name__ == "__main__":
    main()
