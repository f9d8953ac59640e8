"""Motions as glTF 2.0 (.glb): morph targets, head and eye nodes, textures, one animation.

glTF's axes: x to the face's left, y up, z forward out of the face; metres.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from media2face.backends.base import Identity
from media2face.contract import BLENDSHAPE_NAMES, FRAME_RATE_HZ
from media2face.exporting import paint
from media2face.exporting.files import whole_file
from media2face.exporting.glb import GlbBuilder
from media2face.exporting.shapes import FaceShapes
from media2face.face.topology import Topology
from media2face.render.mesh import SmoothNormals
from media2face.types import Float32, Motion

# An offset that nobody can see is written as none at all.
_SMALLEST_M = 3e-5


def to_gltf(places: Float32) -> Float32:
    """Places or directions [..., 3] from x forward, y left, z up."""
    turned: Float32 = np.ascontiguousarray(places[..., [1, 2, 0]], np.float32)
    return turned


def quaternions_to_gltf(quaternions: Float32) -> Float32:
    """Rotations float32 [T, 4] x y z w to glTF's axes, unit, without jumps of sign."""
    turned = quaternions[:, [1, 2, 0, 3]].astype(np.float64)
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    flips = np.sum(turned[1:] * turned[:-1], axis=1) < 0
    signs = np.concatenate([[1.0], np.where(np.cumsum(flips) % 2, -1.0, 1.0)])
    steady: Float32 = (turned * signs[:, None]).astype(np.float32)
    return steady


def eye_quaternions(yaw: Float32, pitch: Float32) -> Float32:
    """float32 [T, 4] x y z w of Rz(yaw) Ry(pitch), head frame."""
    cy, sy, cp, sp = np.cos(yaw / 2), np.sin(yaw / 2), np.cos(pitch / 2), np.sin(pitch / 2)
    return np.stack([-sy * sp, cy * sp, sy * cp, cy * cp], -1).astype(np.float32)


def write_glb(
    path: Path, motion: Motion, topology: Topology, identity: Identity, shapes: FaceShapes
) -> None:
    """Writes a motion: `blendshapes`, `head_pose` and `eyes` of it, frame k at k / 30 s.

    Args:
        path: of the file, which appears when it is complete.
        motion: at least one frame.
        topology: of the head.
        identity: whose eye centres turn the eyes.
        shapes: the mesh and its 52 morph targets; offsets below 0.03 mm are left out.
    """
    builder = GlbBuilder("media2face")
    scene = _Scene(builder, topology, identity, shapes)
    scene.animate(motion)
    with whole_file(path) as part:
        part.write_bytes(builder.to_bytes())


class _Scene:
    """Nodes: head (the pose) > face (the morphing mesh), eye_left, eye_right."""

    def __init__(
        self, builder: GlbBuilder, topology: Topology, identity: Identity, shapes: FaceShapes
    ) -> None:
        self._builder, self._topology, self._shapes = builder, topology, shapes
        self._normals = SmoothNormals(topology.triangles, topology.weld)(shapes.base)
        self._shade = paint.mouth_shade(topology, shapes.base)
        self._textures = {
            "skin": builder.texture(paint.skin_jpeg(), "image/jpeg"),
            "eye": builder.texture(paint.eye_png(), "image/png", repeat_u=True),
        }
        self._materials: dict[str, int] = {}
        self.eyes = [
            self._eye(name, centre)
            for name, centre in zip(paint.EYE_PARTS, identity.eye_centres, strict=True)
        ]
        self.face = builder.add("nodes", {"name": "face", "mesh": self._face()})
        self.head = builder.add("nodes", {"name": "head", "children": [self.face, *self.eyes]})
        builder.gltf |= {"scene": 0, "scenes": [{"nodes": [self.head]}]}

    def _face(self) -> int:
        parts = [name for name in self._topology.part_names if name not in paint.EYE_PARTS]
        return self._builder.add(
            "meshes",
            {
                "name": "face",
                "primitives": [self._primitive(name, morphs=True) for name in parts],
                "weights": [0.0] * len(BLENDSHAPE_NAMES),
                "extras": {"targetNames": list(BLENDSHAPE_NAMES)},
            },
        )

    def _eye(self, name: str, centre: Float32) -> int:
        mesh = {"name": name, "primitives": [self._primitive(name, origin=centre)]}
        node = {"name": name, "mesh": self._builder.add("meshes", mesh)}
        return self._builder.add("nodes", node | {"translation": to_gltf(centre).tolist()})

    def _primitive(
        self, name: str, morphs: bool = False, origin: Float32 | float = 0.0
    ) -> dict[str, Any]:
        builder, topology = self._builder, self._topology
        part, look = topology.part(name), paint.paint_of(name)
        attributes = {
            "POSITION": builder.attribute(to_gltf(self._shapes.base[part] - origin), bounds=True),
            "NORMAL": builder.attribute(to_gltf(self._normals[part])),
        }
        if look.texture:
            # The atlas has the two charts of the skin side by side; glTF counts v downwards.
            wide = 2.0 if look.texture == "skin" else 1.0
            u, v = topology.uv[part].T
            attributes["TEXCOORD_0"] = builder.attribute(np.stack([u / wide, 1 - v], -1))
        else:
            shade = np.repeat(self._shade[part, None], 3, axis=1)
            attributes["COLOR_0"] = builder.attribute(shade)
        own = topology.triangles[:, 0].astype(np.int64) - part.start
        triangles = topology.triangles[(own >= 0) & (own < part.stop - part.start)]
        primitive: dict[str, Any] = {
            "attributes": attributes,
            "indices": builder.indices(triangles.astype(np.int64) - part.start),
            "material": self._material(look),
        }
        if morphs:
            primitive["targets"] = [
                {"POSITION": builder.offsets(to_gltf(_seen(shape[part])))}
                for shape in self._shapes.shapes
            ]
        return primitive

    def _material(self, look: paint.Paint) -> int:
        if look.name not in self._materials:
            surface: dict[str, Any] = {
                "baseColorFactor": [*look.colour, 1.0],
                "metallicFactor": 0.0,
                "roughnessFactor": look.roughness,
            }
            if look.texture:
                surface["baseColorTexture"] = {"index": self._textures[look.texture]}
            self._materials[look.name] = self._builder.add(
                "materials",
                {"name": look.name, "pbrMetallicRoughness": surface, "doubleSided": True},
            )
        return self._materials[look.name]

    def animate(self, motion: Motion) -> None:
        """Adds the animation."""
        builder = self._builder
        times = (np.arange(motion.frames) / FRAME_RATE_HZ).astype(np.float32)
        clock = builder.keys(times, bounds=True)
        eyes = motion.eyes.T
        tracks = [
            (self.head, "translation", to_gltf(motion.head_pose[:, :3])),
            (self.head, "rotation", quaternions_to_gltf(motion.head_pose[:, 3:])),
            (self.face, "weights", np.clip(motion.blendshapes, 0, 1).reshape(-1)),
            *(
                (node, "rotation", quaternions_to_gltf(eye_quaternions(*eyes[side : side + 2])))
                for node, side in zip(self.eyes, (0, 2), strict=True)
            ),
        ]
        channels: list[dict[str, Any]] = []
        samplers: list[dict[str, Any]] = []
        for node, path, values in tracks:
            channels.append({"sampler": len(samplers), "target": {"node": node, "path": path}})
            output = builder.keys(values.astype(np.float32))
            samplers.append({"input": clock, "output": output, "interpolation": "LINEAR"})
        builder.add("animations", {"name": "speech", "channels": channels, "samplers": samplers})


def _seen(offsets: Float32) -> Float32:
    return np.where(np.linalg.norm(offsets, axis=1, keepdims=True) < _SMALLEST_M, 0, offsets)
