"""Live Link Face: its 61 values, and the UDP packets that carry them to Unreal and others.

Layout of a packet, all big-endian: version (uint8, 6), device id and subject (int32 length and
characters each), frame number (int32) and subframe (float32) at a rate (int32 / int32), the count
61 (uint8), 61 float32. Angles are radians; yaw > 0 turns to the face's own right, pitch > 0 looks
down, roll > 0 tilts the head to the face's own left shoulder: the signs of the app's own takes.
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from media2face.contract import BLENDSHAPE_DIM, BLENDSHAPE_NAMES
from media2face.types import Float32

VERSION = 6
DEFAULT_PORT = 11111
RATE_HZ = 60  # of the app's timecode, whatever the rate of the frames

ANGLE_NAMES = tuple(
    f"{part}{angle}"
    for part in ("Head", "LeftEye", "RightEye")
    for angle in ("Yaw", "Pitch", "Roll")
)
# The contract's order is the packets' order.
VALUE_NAMES = tuple(n[0].upper() + n[1:] for n in BLENDSHAPE_NAMES) + ANGLE_NAMES
VALUE_DIM = len(VALUE_NAMES)

_TIME = struct.Struct(">ifii")
_VALUES = struct.Struct(f">B{VALUE_DIM}f")
_MAX_TEXT = 1024


@dataclass(frozen=True)
class Packet:
    """One frame on the wire.

    Attributes:
        device_id: of the sender, a UUID of 36 characters where the sender is the app.
        subject: name under which the receiver lists the face.
        frame, subframe: time since midnight in frames of `rate`, and the part of a frame.
        rate: frames a second as a fraction.
        values: float32 [61], order of VALUE_NAMES.
    """

    device_id: str
    subject: str
    frame: int
    subframe: float
    rate: tuple[int, int]
    values: Float32


def make_device_id(subject: str) -> str:
    """The same id for the same subject, so that a receiver knows a restarted sender again."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"m2f.{subject}")).upper()


def to_values(blendshapes: Float32, head_pose: Float32, eyes: Float32) -> Float32:
    """Live Link values of faces.

    Args:
        blendshapes: float32 [..., 52].
        head_pose: float32 [..., 7] x y z (m), quaternion x y z w.
        eyes: float32 [..., 4] left yaw, left pitch, right yaw, right pitch (rad), ours.

    Returns:
        float32 [..., 61], order of VALUE_NAMES.
    """
    yaw, pitch, roll = _yaw_pitch_roll(head_pose[..., 3:])
    none = np.zeros_like(yaw)
    left_yaw, left_pitch, right_yaw, right_pitch = np.moveaxis(eyes, -1, 0)
    # Ours are right-handed about z up, y left and x forward; theirs turn the other way about the
    # two axes that lie in the face's plane of symmetry.
    angles = [-yaw, pitch, -roll, -left_yaw, left_pitch, none, -right_yaw, right_pitch, none]
    return np.concatenate([blendshapes, np.stack(angles, -1)], -1).astype(np.float32)


def _yaw_pitch_roll(quaternion: Float32) -> tuple[npt.NDArray[np.float64], ...]:
    """Angles [...] (rad) of Rz(yaw) Ry(pitch) Rx(roll) from [..., 4] x y z w of any length > 0."""
    x, y, z, w = np.moveaxis(np.asarray(quaternion, np.float64), -1, 0)
    square = x * x + y * y + z * z + w * w
    sine = np.clip(2 * (w * y - z * x) / square, -1, 1)
    return (
        np.arctan2(2 * (w * z + x * y), w * w + x * x - y * y - z * z),
        np.arcsin(sine),
        np.arctan2(2 * (w * x + y * z), w * w - x * x - y * y + z * z),
    )


def mend(values: Float32, last: Float32) -> Float32:
    """float32 [61] that can be sent: what is not finite is as in `last`, weights are in [0, 1]."""
    mended = np.where(np.isfinite(values), values, last)
    sizes = [BLENDSHAPE_DIM, len(ANGLE_NAMES)]
    low, high = np.repeat([0, -np.pi], sizes), np.repeat([1, np.pi], sizes)
    return np.clip(mended, low, high).astype(np.float32)


def encode(packet: Packet) -> bytes:
    """Bytes of a packet. Raises ValueError naming the field that cannot be sent."""
    if packet.values.shape != (VALUE_DIM,) or not np.isfinite(packet.values).all():
        raise ValueError(f"values must be {VALUE_DIM} finite numbers")
    texts = []
    for name in ("device_id", "subject"):
        text = getattr(packet, name).encode()
        if not 0 < len(text) <= _MAX_TEXT:
            raise ValueError(f"{name} has {len(text)} bytes, must have 1 to {_MAX_TEXT}")
        texts.append(struct.pack(">i", len(text)) + text)
    time = _TIME.pack(packet.frame, packet.subframe, *packet.rate)
    values = _VALUES.pack(VALUE_DIM, *packet.values.tolist())
    return bytes([VERSION]) + b"".join(texts) + time + values


def decode(data: bytes) -> Packet:
    """The packet in `data`. Raises ValueError saying what is wrong and where."""
    if data[:1] != bytes([VERSION]):
        raise ValueError(f"version {data[:1].hex() or 'missing'}, must be {VERSION:02x}")
    device_id, at = _read_text(data, 1, "device id")
    subject, at = _read_text(data, at, "subject")
    if len(data) != at + _TIME.size + _VALUES.size:
        raise ValueError(f"{len(data)} bytes, must be {at + _TIME.size + _VALUES.size}")
    frame, subframe, numerator, denominator = _TIME.unpack_from(data, at)
    count, *values = _VALUES.unpack_from(data, at + _TIME.size)
    if count != VALUE_DIM:
        raise ValueError(f"{count} values, must be {VALUE_DIM}")
    rate = (numerator, denominator)
    return Packet(device_id, subject, frame, subframe, rate, np.array(values, np.float32))


def _read_text(data: bytes, at: int, name: str) -> tuple[str, int]:
    """A text with its length before it, and the place after it."""
    length = int.from_bytes(data[at : at + 4], "big", signed=True)
    end = at + 4 + length
    if not 0 <= length <= _MAX_TEXT or end > len(data):
        raise ValueError(f"the {name} at byte {at} has an impossible length of {length}")
    return data[at + 4 : end].decode("utf-8"), end
