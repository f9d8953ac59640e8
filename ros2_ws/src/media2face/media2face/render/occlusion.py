"""How much of the sky each vertex of a resting head sees."""

from __future__ import annotations

import moderngl
import numpy as np

from media2face.face.topology import Topology
from media2face.render.camera import orthographic
from media2face.types import Float32

_DIRECTIONS = 64
_MAP_SIZE = 256
_RADIUS_M = 0.25
_BIAS = 0.010  # in depth units of 2 * radius, hides the mesh's own facets

_VERTEX = """
#version 330
in vec3 in_position;
uniform mat4 matrix;
void main() { gl_Position = matrix * vec4(in_position, 1.0); }
"""
_FRAGMENT = """
#version 330
void main() {}
"""


def ambient_occlusion(ctx: moderngl.Context, topology: Topology, normals: Float32) -> Float32:
    """float32 [V] in [0, 1]: cosine-weighted open part of the hemisphere over each vertex.

    Args:
        ctx: the context to draw depth maps with.
        topology: its neutral head is the one measured.
        normals: float32 [V, 3] of the neutral head.
    """
    rest = topology.neutral
    centre = np.array([0.0, 0.0, -0.02], np.float32)
    program = ctx.program(_VERTEX, _FRAGMENT)
    array = ctx.vertex_array(
        program, [(ctx.buffer(rest), "3f", "in_position")], ctx.buffer(topology.triangles)
    )
    depth = ctx.depth_texture((_MAP_SIZE, _MAP_SIZE))
    target = ctx.framebuffer(depth_attachment=depth)
    ctx.enable_only(moderngl.DEPTH_TEST)
    target.use()
    seen = np.zeros(len(rest), np.float32)
    total = np.full(len(rest), 1e-6, np.float32)
    for direction in _sphere(_DIRECTIONS):
        matrix = orthographic(direction, centre, _RADIUS_M)
        program["matrix"].write(np.ascontiguousarray(matrix.T).tobytes())
        target.clear(depth=1.0)
        array.render()
        nearest = np.frombuffer(depth.read(), np.float32).reshape(_MAP_SIZE, _MAP_SIZE)
        clip = (rest @ matrix[:3, :3].T + matrix[:3, 3]) * 0.5 + 0.5
        column, row = np.clip(clip[:, :2] * _MAP_SIZE, 0, _MAP_SIZE - 1).astype(np.intp).T
        weight = np.clip(normals @ direction, 0, None)
        total += weight
        seen += weight * (clip[:, 2] - _BIAS <= nearest[row, column])
    for resource in (array, target, depth, program):
        resource.release()
    # Half of the dark is given back: light also comes off neighbouring skin.
    return (0.35 + 0.65 * seen / total).astype(np.float32)


def _sphere(count: int) -> Float32:
    """float32 [count, 3] directions spread evenly (Fibonacci spiral)."""
    index = np.arange(count) + 0.5
    z = 1 - 2 * index / count
    angle = np.pi * (1 + 5**0.5) * index
    ring = np.sqrt(1 - z * z)
    return np.column_stack([ring * np.cos(angle), ring * np.sin(angle), z]).astype(np.float32)
