"""Pictures of `m2f eval gnpfa`: errors on the face, one expression on many heads, latent walks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from media2face.contract import BLENDSHAPE_DIM, BLENDSHAPE_NAMES
from media2face.evaluate.gnpfa import Examiner
from media2face.render.renderer import Renderer
from media2face.render.sheet import film_strip
from media2face.types import Float32

STILL = np.array([0, 0, 0, 0, 0, 0, 1], np.float32)
WALKS, STEPS = 4, (-2.0, -1.0, 0.0, 1.0, 2.0)
EXPRESSIONS: dict[str, dict[str, float]] = {
    "rest": {},
    "smile": {"mouthSmile": 0.9, "cheekSquint": 0.6},
    "ah": {"jawOpen": 0.7},
    "m": {"jawOpen": 0.15, "mouthClose": 0.15, "mouthPress": 0.3},
    "oo": {"mouthPucker": 0.9, "jawOpen": 0.1},
    "blink": {"eyeBlink": 1.0},
}


def weights_of(actions: dict[str, float]) -> Float32:
    """float32 [52]; a name without its side means both sides."""
    row = np.zeros(BLENDSHAPE_DIM, np.float32)
    for action, weight in actions.items():
        for name in (action, f"{action}Left", f"{action}Right"):
            if name in BLENDSHAPE_NAMES:
                row[BLENDSHAPE_NAMES.index(name)] = weight
    return row


def error_maps(examiner: Examiner, by_vertex: dict[str, Float32], path: Path) -> None:
    """Mean error of each vertex by method, on the front of the face."""
    from matplotlib import pyplot

    topology = examiner.topology
    skin = topology.part("skin")
    corner = topology.neutral[topology.triangles]
    front = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])[:, 0] > 0
    shown = topology.triangles[front & (topology.triangles[:, 0] < skin.stop)]
    figure, axes = pyplot.subplots(1, len(by_vertex), figsize=(3.4 * len(by_vertex), 4))
    for axis, (name, error) in zip(axes, by_vertex.items(), strict=True):
        drawn = axis.tripcolor(
            topology.neutral[:, 1], topology.neutral[:, 2], shown, error,
            shading="gouraud", cmap="viridis", vmin=0, vmax=0.5,
        )  # fmt: skip
        axis.set_title(name, fontsize=9)
        axis.set_aspect("equal")
        axis.axis("off")
    figure.colorbar(drawn, ax=axes, label="mean error, mm", shrink=0.7)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def expressions_on_heads(examiner: Examiner, path: Path, size: int = 240) -> None:
    """Each expression (a row) on each named head (a column), through M and G_geo."""
    z = examiner.map(np.stack([weights_of(actions) for actions in EXPRESSIONS.values()]))
    names = examiner.heads.preset_names
    columns = []
    for name in names:
        neutral = examiner.heads.resolve(name).neutral
        moved = examiner.decode(z, examiner.basis(neutral)) / 1000
        columns.append(neutral + moved.reshape(len(z), -1, 3))
    labels = [f"{name}, {what}" for what in EXPRESSIONS for name in names]
    with Renderer(examiner.topology, size, size, "face") as renderer:
        frames = [renderer.draw(column[row], STILL) for row in range(len(z)) for column in columns]
    film_strip(frames, len(names), labels).save(path)


def latent_walks(examiner: Examiner, path: Path, size: int = 240) -> None:
    """Along the directions in which z varies most, from -2 to 2 deviations, average head."""
    z = examiner.map(examiner.rom.held_out)
    middle = examiner.map(np.zeros((1, BLENDSHAPE_DIM), np.float32))[0]
    _, scale, axes = torch.linalg.svd(z - z.mean(0), full_matrices=False)
    std = scale / len(z) ** 0.5
    basis = examiner.basis(examiner.topology.neutral)
    frames, labels = [], []
    with Renderer(examiner.topology, size, size, "face") as renderer:
        for walk in range(WALKS):
            line = torch.stack([middle + step * std[walk] * axes[walk] for step in STEPS])
            moved = examiner.decode(line, basis).reshape(len(STEPS), -1, 3) / 1000
            for step, displacement in zip(STEPS, moved, strict=True):
                frames.append(renderer.draw(examiner.topology.neutral + displacement, STILL))
                labels.append(f"direction {walk + 1}, {step:+.0f} sd")
    film_strip(frames, len(STEPS), labels).save(path)


def names_plot(truth: Float32, answer: Float32, path: Path) -> None:
    """M' against the truth: every weight, and the mean error of each shape."""
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(13, 5.5), width_ratios=(1, 2))
    left.plot(truth[::4].ravel(), answer[::4].ravel(), ".", markersize=1, alpha=0.3)
    left.plot([0, 1], [0, 1], color="black", linewidth=0.7)
    left.set(xlabel="weight", ylabel="M'(M(weight))", aspect="equal")
    right.bar(BLENDSHAPE_NAMES, np.abs(answer - truth).mean(0))
    right.tick_params(axis="x", labelrotation=90, labelsize=7)
    right.set_ylabel("mean absolute error")
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
