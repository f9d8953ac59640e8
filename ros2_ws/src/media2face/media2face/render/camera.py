"""Where the picture is taken from: named views, and the matrices of OpenGL."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from media2face.types import Float32


@dataclass(frozen=True)
class Camera:
    """A view. Metres, base frame (x forward out of the face, y left, z up).

    Attributes:
        position: of the camera.
        target: point in the middle of the picture.
        height: visible height at the target's distance.
    """

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    height: float

    def matrix(self, aspect: float) -> Float32:
        """float32 [4, 4] base frame to clip space; `aspect` is width / height."""
        distance = float(np.linalg.norm(np.subtract(self.position, self.target)))
        near, far = distance - 0.7, distance + 0.7
        focal = 2.0 * distance / self.height
        projection = np.array(
            [
                [focal / aspect, 0, 0, 0],
                [0, focal, 0, 0],
                [0, 0, -(far + near) / (far - near), -2 * far * near / (far - near)],
                [0, 0, -1, 0],
            ]
        )
        return (projection @ look_at(self.position, self.target)).astype(np.float32)


CAMERAS: dict[str, Camera] = {
    "front": Camera((1.55, 0.0, 0.0), (0.0, 0.0, -0.018), 0.375),
    "three_quarter": Camera((1.25, 0.85, 0.06), (0.01, 0.0, -0.018), 0.375),
    "face": Camera((1.25, 0.12, 0.0), (0.05, 0.0, -0.012), 0.25),
    "mouth": Camera((0.95, 0.10, -0.03), (0.10, 0.0, -0.036), 0.13),
}


def look_at(position: tuple[float, float, float], target: tuple[float, float, float]) -> Float32:
    """float32 [4, 4] from the base frame to a camera that looks along its own -z, y up."""
    backward = np.subtract(position, target)
    backward = backward / np.linalg.norm(backward)
    right = np.cross((0.0, 0.0, 1.0), backward)
    right /= np.linalg.norm(right)
    view = np.eye(4)
    view[:3, :3] = right, np.cross(backward, right), backward
    view[:3, 3] = -view[:3, :3] @ np.asarray(position)
    return view.astype(np.float32)


def orthographic(direction: Float32, centre: Float32, radius: float) -> Float32:
    """float32 [4, 4] clip matrix of a light from `direction` that covers a ball (m)."""
    position = np.asarray(centre) + np.asarray(direction) * 2 * radius
    scale = np.diag([1 / radius, 1 / radius, -1 / radius, 1.0])
    scale[2, 3] = -2.0
    view = look_at(tuple(position), tuple(np.asarray(centre, np.float64)))
    return (scale @ view).astype(np.float32)


def rotation_matrix(quaternion: Float32) -> Float32:
    """float32 [3, 3] of a quaternion x y z w; any length but zero."""
    x, y, z, w = np.asarray(quaternion, np.float64) / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ],
        np.float32,
    )
