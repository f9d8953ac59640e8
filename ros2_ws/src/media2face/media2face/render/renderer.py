"""Off-screen picture of the head through OpenGL (EGL, no display needed)."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

from media2face.face.topology import Topology
from media2face.render import shaders
from media2face.render.camera import CAMERAS, Camera, orthographic, rotation_matrix
from media2face.render.mesh import Lashes, SmoothNormals, make_bust
from media2face.render.occlusion import ambient_occlusion
from media2face.render.texture import hair_cover, load_skin
from media2face.types import Float32

_KEY_DIRECTION = np.array([0.72, 0.46, 0.52], np.float32) / np.float32(1.0012)
_SHADOW_SIZE = 512
_SHADOW_CENTRE = np.array([0.0, 0.0, -0.03], np.float32)
_SHADOW_RADIUS_M = 0.24
_SAMPLES = 4
# Below the first height the neck stays with the body, above the second it follows the head.
_NECK_M = (-0.115, -0.045)
# Between these heights necks narrow or widen to the average one, whose shirt everybody wears.
_SHIRT_M = (-0.108, -0.075)
# Skin below this height is under the clothes and is not drawn.
_COLLAR_M = -0.119
_FRONT_TEETH_M = 0.090  # teeth before this plane are backed by a copy moved by
_TEETH_BACKING_M = (-0.0008, 0.0011, 0.0)

_MATERIALS = {
    "skin": 0,
    "mouth_socket": 1,
    "eye_socket": 2,
    "gums": 3,
    "tongue": 4,
    "teeth": 5,
    "eye_left": 6,
    "eye_right": 6,
}


class RenderError(RuntimeError):
    """No picture can be made on this machine; the message says what to install."""


def make_context() -> moderngl.Context:
    """Stand-alone OpenGL 3.3 context; RenderError where the system has no EGL."""
    try:
        return moderngl.create_context(standalone=True, backend="egl", require=330)
    except Exception as error:  # moderngl raises bare Exception
        raise RenderError(
            f"no off-screen OpenGL through EGL ({error}); install it, e.g. on Debian or Ubuntu: "
            "apt install libegl1 libgl1 libgl1-mesa-dri"
        ) from error


class Renderer:
    """Draws one topology. One thread owns a renderer; close it or use it as a context manager."""

    def __init__(
        self,
        topology: Topology,
        width: int = 512,
        height: int = 512,
        camera: str | Camera = "front",
    ) -> None:
        """Compiles the shaders and uploads what does not change from frame to frame.

        Args:
            topology: the head.
            width: of the picture (px).
            height: of the picture (px).
            camera: a view, or the name of one in CAMERAS.
        """
        if isinstance(camera, str) and camera not in CAMERAS:
            raise ValueError(f"no camera {camera!r}; there are {', '.join(CAMERAS)}")
        self.camera = CAMERAS[camera] if isinstance(camera, str) else camera
        self.size = (width, height)
        self._topology = topology
        height = topology.neutral[:, 2]
        low, high = _SHIRT_M
        self._collar = np.clip((high - height) / (high - low), 0, 1).astype(np.float32)
        self._normals = SmoothNormals(topology.triangles, topology.weld)
        self._context = make_context()
        self._make_targets()
        self._make_head()
        self._make_surroundings()
        self._set_constants()

    def __enter__(self) -> Renderer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Frees the graphics memory."""
        self._context.release()

    def _make_targets(self) -> None:
        ctx = self._context
        samples = min(_SAMPLES, ctx.max_samples)
        self._multisampled = ctx.framebuffer(
            [ctx.renderbuffer(self.size, 4, samples=samples)],
            ctx.depth_renderbuffer(self.size, samples=samples),
        )
        self._resolved = ctx.framebuffer([ctx.renderbuffer(self.size, 4)])
        self._shadow_map = ctx.depth_texture((_SHADOW_SIZE, _SHADOW_SIZE))
        self._shadow_map.compare_func = "<="
        self._shadow_map.repeat_x = self._shadow_map.repeat_y = False
        self._shadow = ctx.framebuffer(depth_attachment=self._shadow_map)

    def _make_head(self) -> None:
        ctx, topology = self._context, self._topology
        rest = topology.neutral
        low, high = _NECK_M
        follow = np.clip((rest[:, 2] - low) / (high - low), 0, 1)
        material = _vertex_materials(topology)
        static = np.column_stack(
            [
                topology.uv,
                material,
                ambient_occlusion(ctx, topology, self._normals(rest)),
                follow * follow * (3 - 2 * follow),
                hair_cover(rest * 100) * (material == _MATERIALS["skin"]),
            ]
        ).astype(np.float32)
        self._dynamic = ctx.buffer(reserve=rest.nbytes * 2, dynamic=True)
        self._skin = ctx.program(shaders.SKIN_VERTEX, shaders.SKIN_FRAGMENT)
        self._mouth = ctx.program(shaders.MOUTH_VERTEX, shaders.PLAIN_FRAGMENT)
        self._eyes = ctx.program(shaders.EYE_VERTEX, shaders.EYE_FRAGMENT)
        self._depth = ctx.program(shaders.DEPTH_VERTEX, shaders.DEPTH_FRAGMENT)
        fixed = ctx.buffer(static)
        triangles = topology.triangles.astype(np.uint32)
        is_skin = material[triangles[:, 0]] == _MATERIALS["skin"]
        is_eye = material[triangles[:, 0]] == _MATERIALS["eye_left"]
        dressed = (rest[triangles, 2] < _COLLAR_M).all(axis=1)
        is_front_tooth = (material[triangles] == _MATERIALS["teeth"]).all(axis=1)
        is_front_tooth &= (rest[triangles, 0] > _FRONT_TEETH_M).all(axis=1)
        posed = (self._dynamic, "3f 3f", "in_position", "in_normal")
        skin_index = ctx.buffer(triangles[is_skin & ~dressed])
        self._skin_array = ctx.vertex_array(
            self._skin,
            [posed, (fixed, "2f 4x 1f 1f 1f", "in_uv", "in_ao", "in_follow", "in_hair")],
            skin_index,
        )
        mouth = [posed, (fixed, "8x 1f 4x 1f 4x", "in_material", "in_follow")]
        self._mouth_array = ctx.vertex_array(
            self._mouth, mouth, ctx.buffer(triangles[~is_skin & ~is_eye])
        )
        self._teeth_array = ctx.vertex_array(
            self._mouth, mouth, ctx.buffer(triangles[is_front_tooth])
        )
        self._eyes_array = ctx.vertex_array(
            self._eyes,
            [posed, (fixed, "2f 8x 1f 4x", "in_uv", "in_follow")],
            ctx.buffer(triangles[is_eye]),
        )
        self._depth_array = ctx.vertex_array(
            self._depth,
            [(self._dynamic, "3f 12x", "in_position"), (fixed, "16x 1f 4x", "in_follow")],
            skin_index,
        )
        self._make_lashes()
        skin = load_skin()
        self._skin_map = ctx.texture((skin.shape[1], skin.shape[0]), 4, skin.tobytes())
        self._skin_map.build_mipmaps()
        self._skin_map.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        self._skin_map.repeat_x = self._skin_map.repeat_y = False

    def _make_lashes(self) -> None:
        ctx = self._context
        self._lashes = Lashes(self._topology)
        self._lash = ctx.program(shaders.LASH_VERTEX, shaders.LASH_FRAGMENT)
        self._lash_places = ctx.buffer(reserve=12 * len(self._lashes.along), dynamic=True)
        self._lash_array = ctx.vertex_array(
            self._lash,
            [
                (self._lash_places, "3f", "in_position"),
                (ctx.buffer(self._lashes.along), "2f", "in_along"),
            ],
            ctx.buffer(self._lashes.triangles),
        )

    def _make_surroundings(self) -> None:
        ctx = self._context
        positions, occlusion, triangles = make_bust()
        normals = SmoothNormals(triangles, np.arange(len(positions), dtype=np.uint32))(positions)
        self._bust = ctx.program(shaders.BUST_VERTEX, shaders.PLAIN_FRAGMENT)
        vertices = ctx.buffer(np.column_stack([positions, normals, occlusion]).astype(np.float32))
        self._bust_array = ctx.vertex_array(
            self._bust,
            [(vertices, "3f 3f 1f", "in_position", "in_normal", "in_ao")],
            ctx.buffer(triangles),
        )
        self._backdrop = ctx.program(shaders.BACKDROP_VERTEX, shaders.BACKDROP_FRAGMENT)
        corners = np.array([-1, -1, 3, -1, -1, 3], np.float32)
        self._backdrop_array = ctx.vertex_array(
            self._backdrop, [(ctx.buffer(corners), "2f", "in_position")]
        )

    def _set_constants(self) -> None:
        aspect = self.size[0] / self.size[1]
        camera = self.camera.matrix(aspect)
        light = orthographic(_KEY_DIRECTION, _SHADOW_CENTRE, _SHADOW_RADIUS_M)
        for program in (self._skin, self._mouth, self._eyes, self._bust, self._lash):
            _set(program, "camera_matrix", camera.T)
            _set(program, "light_matrix", light.T)
            _set(program, "camera_position", np.array(self.camera.position, np.float32))
            _set(program, "key_direction", _KEY_DIRECTION)
            if "shadow_map" in program:
                program["shadow_map"] = 1
        _set(self._depth, "light_matrix", light.T)
        _set(self._backdrop, "aspect", np.float32(aspect))
        self._skin["skin_map"] = 0

    def draw(self, vertices: Float32, head_pose: Float32) -> npt.NDArray[np.uint8]:
        """One picture.

        Args:
            vertices: float32 [V, 3] metres, head frame, eyes rotated.
            head_pose: float32 [7] x y z (m), quaternion x y z w of the head in the base frame.

        Returns:
            uint8 [H, W, 3] sRGB, first row on top.
        """
        expected = self._topology.neutral.shape
        if vertices.shape != expected:
            raise ValueError(f"vertices are {vertices.shape}, the topology has {expected}")
        collared = vertices + self._collar[:, None] * (self._topology.neutral - vertices)
        with self._context:  # another renderer may have been current
            return self._draw(np.ascontiguousarray(collared, np.float32), head_pose)

    def _draw(self, vertices: Float32, head_pose: Float32) -> npt.NDArray[np.uint8]:
        self._dynamic.write(np.concatenate([vertices, self._normals(vertices)], axis=1))
        self._lash_places.write(self._lashes(vertices))
        self._pose(np.asarray(head_pose, np.float32))
        self._shade_openings(vertices)
        ctx = self._context
        ctx.enable_only(moderngl.DEPTH_TEST)
        self._shadow.use()
        self._shadow.clear(depth=1.0)
        self._depth_array.render()
        self._multisampled.use()
        self._multisampled.clear(depth=1.0)
        self._skin_map.use(0)
        self._shadow_map.use(1)
        ctx.enable(moderngl.CULL_FACE)
        self._skin_array.render()
        self._eyes_array.render()
        ctx.disable(moderngl.CULL_FACE)
        self._draw_mouth()
        self._bust_array.render()
        self._backdrop_array.render()
        ctx.enable(moderngl.BLEND)
        self._lash_array.render()
        ctx.disable(moderngl.BLEND)
        ctx.copy_framebuffer(self._resolved, self._multisampled)
        width, height = self.size
        image = np.frombuffer(self._resolved.read(components=3), np.uint8)
        return image.reshape(height, width, 3)[::-1]

    def _draw_mouth(self) -> None:
        """The cavity, and behind its front teeth a darker copy that fills the gaps between."""
        self._mouth["shift"], self._mouth["dim"] = (0.0, 0.0, 0.0), 1.0
        self._mouth_array.render()
        self._mouth["shift"], self._mouth["dim"] = _TEETH_BACKING_M, 0.55
        self._teeth_array.render()

    def _pose(self, head_pose: Float32) -> None:
        rotation = rotation_matrix(head_pose[3:])
        for program in (self._skin, self._mouth, self._eyes, self._lash, self._depth):
            _set(program, "head_rotation", rotation.T)
            _set(program, "head_position", head_pose[:3])

    def _shade_openings(self, vertices: Float32) -> None:
        """Tells the shader where this frame's lips and lids are."""
        points = vertices[self._topology.landmarks68.astype(np.intp)]
        lips = points[60:68].mean(axis=0)
        _set(self._mouth, "lips", lips)
        _set(self._mouth, "opening", np.float32(np.linalg.norm(points[62] - points[66])))
        _set(self._mouth, "upper_lip", np.float32(points[61:64, 2].mean()))
        # Multi-PIE: 36-41 the right eye from its outer corner, 42-47 the left from its inner.
        left = _lid_parabolas(points[[42, 43, 44, 45, 46, 47]])
        right = _lid_parabolas(points[[36, 37, 38, 39, 40, 41]])
        _set(self._eyes, "lids", np.stack([left.T, right.T]))


def _lid_parabolas(ring: Float32) -> Float32:
    """float32 [3, 3]: upper lid, lower lid (z as a parabola in y) and (y first, y last, 0)."""
    upper = np.polyfit(ring[[0, 1, 2, 3], 1], ring[[0, 1, 2, 3], 2], 2)
    lower = np.polyfit(ring[[0, 4, 5, 3], 1], ring[[0, 4, 5, 3], 2], 2)
    return np.stack([upper, lower, [ring[0, 1], ring[3, 1], 0.0]]).astype(np.float32)


def _vertex_materials(topology: Topology) -> npt.NDArray[np.float32]:
    """float32 [V] material number by part name."""
    material = np.zeros(len(topology.neutral), np.float32)
    for name, (first, last) in zip(topology.part_names, topology.part_ranges, strict=True):
        material[first:last] = next(
            (number for prefix, number in _MATERIALS.items() if name.startswith(prefix)), 0
        )
    return material


def _set(program: Any, name: str, value: npt.NDArray[Any]) -> None:
    """Writes a uniform; the compiler may have left out one that nothing reads."""
    if name in program:
        program[name].write(np.ascontiguousarray(value, np.float32).tobytes())
