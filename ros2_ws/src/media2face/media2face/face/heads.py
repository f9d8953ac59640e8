"""Whose head: presets, seeds, PCA weights and identity files; eyeballs that turn. Numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media2face.face.topology import Topology
from media2face.types import Float32

SEED_SPREAD = 0.85  # standard deviations of the identity modes in a head drawn from a seed
MAX_WEIGHT = 3.0
MESH_SUFFIXES = (".obj", ".ply", ".glb")


@dataclass(frozen=True)
class Head:
    """A neutral head on the full mesh.

    Attributes:
        name: as asked for.
        neutral: float32 [V, 3] metres, head frame.
        eye_centres: float32 [2, 3] metres, left then right.
    """

    name: str
    neutral: Float32
    eye_centres: Float32


class HeadModel:
    """All the heads a GNPFA folder knows: average + weights of its identity modes.

    Attributes:
        preset_names: the heads with a name.
        modes: float32 [M, V, 3] metres at weight 1, which is one standard deviation.
    """

    def __init__(self, path: Path, topology: Topology) -> None:
        """Reads what save_heads wrote. Raises ValueError naming file and field."""
        try:
            raw = dict(np.load(path, allow_pickle=False))
        except (OSError, ValueError) as error:
            raise ValueError(f"{path} is not a readable file of heads: {error}") from error
        for name in ("modes_mm", "centres_mm", "preset_names", "preset_weights"):
            if name not in raw:
                raise ValueError(f"{path}: field {name!r} is missing")
        if raw["modes_mm"].shape[1:] != topology.neutral.shape:
            raise ValueError(
                f"{path}: field 'modes_mm' is {raw['modes_mm'].shape}, "
                f"the topology has {len(topology.neutral)} vertices"
            )
        self.topology = topology
        self.modes = raw["modes_mm"].astype(np.float32) / 1000
        self._centres = raw["centres_mm"].astype(np.float32) / 1000
        self.preset_names = tuple(str(n) for n in raw["preset_names"])
        self._presets = raw["preset_weights"].astype(np.float32)

    def resolve(self, text: str) -> Head:
        """The head that a user's text asks for.

        Args:
            text: the name of a preset; `seed:7`; `pca:0.5,-1.2` (weights of the leading modes, in
                standard deviations); an identity file (.npz, by `m2f identity fit`); or a neutral
                mesh (.obj, .ply, .glb) that a head is then fitted to, which takes seconds.

        Raises:
            ValueError: it is none of these, or what it names is not usable; with the reason.
            ImportError: fitting needs the extra `fit`.
        """
        kind, _, rest = text.partition(":")
        if text in self.preset_names:
            return self._from_weights(text, self._presets[self.preset_names.index(text)])
        if kind == "seed":
            return self._from_weights(text, self._drawn(rest))
        if kind == "pca":
            return self._from_weights(text, self._parsed(rest))
        if Path(text).suffix.lower() in (".npz", *MESH_SUFFIXES):
            return self._from_weights(text, self._from_file(Path(text)))
        raise ValueError(
            f"no identity {text[:80]!r}; known: {', '.join(self.preset_names)}, seed:N, "
            f"pca:W,W,..., or a file (.npz, {', '.join(MESH_SUFFIXES)})"
        )

    def check(self, text: str) -> None:
        """Raises ValueError where `text` names no head or file. Quick: fits nothing."""
        if not (Path(text).suffix.lower() in MESH_SUFFIXES and Path(text).is_file()):
            self.resolve(text)

    def _from_weights(self, name: str, weights: Float32) -> Head:
        count = len(weights)
        neutral = self.topology.neutral + np.tensordot(weights, self.modes[:count], 1)
        centres = self.topology.eye_centres + np.tensordot(weights, self._centres[:count], 1)
        return Head(name, neutral.astype(np.float32), centres.astype(np.float32))

    def _drawn(self, text: str) -> Float32:
        if not text.isdecimal():
            raise ValueError(f"identity 'seed:{text[:20]}': give a whole number, such as seed:7")
        drawn = np.random.default_rng(int(text)).normal(0, SEED_SPREAD, len(self.modes))
        return np.clip(drawn, -2.2, 2.2).astype(np.float32)

    def _parsed(self, text: str) -> Float32:
        try:
            weights = np.array([float(w) for w in text.split(",")], np.float32)
        except ValueError:
            raise ValueError(
                f"identity 'pca:{text[:40]}': give numbers with commas, such as pca:1,-0.5"
            ) from None
        return self._checked(weights, "pca")

    def _checked(self, weights: Float32, where: str) -> Float32:
        if weights.ndim != 1 or not 1 <= len(weights) <= len(self.modes):
            raise ValueError(
                f"{where}: {weights.shape} weights, there are {len(self.modes)} modes"
            )
        if not (np.isfinite(weights).all() and np.abs(weights).max() <= MAX_WEIGHT):
            raise ValueError(f"{where}: weights must lie in [-{MAX_WEIGHT:g}, {MAX_WEIGHT:g}]")
        return weights.astype(np.float32)

    def _from_file(self, path: Path) -> Float32:
        if not path.is_file():
            raise ValueError(f"identity file {path} does not exist")
        if path.suffix.lower() in MESH_SUFFIXES:
            from media2face.face.fit import fit_file  # scipy and trimesh, extra `fit`

            return fit_file(self, path).weights
        return self._checked(load_identity(path), str(path))


def save_heads(path: Path, modes: Float32, centres: Float32, presets: dict[str, Float32]) -> None:
    """Writes the npz that HeadModel reads.

    Args:
        modes: float32 [M, V, 3] and centres: float32 [M, 2, 3], metres at weight 1.
        presets: weights float32 [M] by name; the first is the default.
    """
    np.savez_compressed(
        path,
        modes_mm=(modes * 1000).astype(np.float16),
        centres_mm=(centres * 1000).astype(np.float32),
        preset_names=np.array(tuple(presets)),
        preset_weights=np.stack(tuple(presets.values())).astype(np.float32),
    )


def save_identity(path: Path, weights: Float32) -> None:
    """Writes an identity file: the weights of the identity modes float32 [M]."""
    np.savez(path, identity_weights=weights.astype(np.float32))


def load_identity(path: Path) -> Float32:
    """Reads an identity file. Raises ValueError naming what is wrong with it."""
    try:
        raw = np.load(path, allow_pickle=False)
        return np.asarray(raw["identity_weights"], np.float32)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"{path} is not an identity file (m2f identity fit): {error}") from error


def rotate_eyes(
    vertices: Float32, topology: Topology, neutral: Float32, centres: Float32, eyes: Float32
) -> None:
    """Turns the eyeballs of vertices float32 [T, V, 3] in place; eyes float32 [T, 4] rad."""
    for side, name in enumerate(("eye_left", "eye_right")):
        part = topology.part(name)
        yaw, pitch = eyes[:, 2 * side], eyes[:, 2 * side + 1]
        arm = neutral[part] - centres[side]
        vertices[:, part] = centres[side] + arm @ yaw_pitch_matrix(yaw, pitch).transpose(0, 2, 1)


def yaw_pitch_matrix(yaw: Float32, pitch: Float32) -> Float32:
    """float32 [T, 3, 3] Rz(yaw) Ry(pitch): left positive, down positive."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    zero = np.zeros_like(yaw)
    rows = [[cy * cp, -sy, cy * sp], [sy * cp, cy, sy * sp], [-sp, zero, cp]]
    return np.stack([np.stack(r, -1) for r in rows], -2).astype(np.float32)
