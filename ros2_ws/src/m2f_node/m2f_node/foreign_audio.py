"""Messages of the two packages called audio_common_msgs, to sound: pure functions.

Neither package is imported: ros-drivers' (AudioData, AudioDataStamped: bytes) and mgonzs13's
(Audio, AudioStamped: typed arrays) cannot be installed together, and what a message is shows in
its type's name and fields.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

PACKAGE = "audio_common_msgs"
# Those that say when, first.
TYPED = ("AudioStamped", "Audio")
BYTES = ("AudioDataStamped", "AudioData")
KINDS = tuple(f"{PACKAGE}/msg/{name}" for name in (*TYPED, *BYTES))
DRIVERS = "ros-drivers' audio_common (sudo apt-get install ros-$ROS_DISTRO-audio-common-msgs)"
MGONZS13 = "mgonzs13's audio_common (github.com/mgonzs13/audio_common, built in your workspace)"
# PortAudio's sample formats: field of AudioData, and its full scale and middle.
FORMATS = {
    1: ("float32_data", np.float32, 1.0, 0.0),
    2: ("int32_data", np.int32, 2.0**31, 0.0),
    8: ("int16_data", np.int16, 2.0**15, 0.0),
    16: ("int8_data", np.int8, 2.0**7, 0.0),
    32: ("uint8_data", np.uint8, 2.0**7, 128.0),
}
MPEG_KBPS = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG 1
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),  # MPEG 2, 2.5
}
MPEG_HZ = (44_100, 48_000, 32_000)
MPEG_DIVISOR = {3: 1, 2: 2, 0: 4}  # of the rate, by version


@dataclass(frozen=True)
class Sound:
    """Attributes:
    pcm: int16 [S * channels], interleaved.
    rate_hz: samples per second and channel.
    channels: interleaved.
    header: of the message, or None where its type has none.
    """

    pcm: npt.NDArray[np.int16]
    rate_hz: int
    channels: int
    header: Any


@dataclass(frozen=True)
class RawFormat:
    """What bytes do not tell: samples per second and channel, channels."""

    rate_hz: int
    channels: int


def find_type(kind: str) -> Any:
    """The class of an interface such as "audio_common_msgs/msg/AudioStamped".

    Raises:
        ImportError: what to install.
    """
    package, _, name = kind.replace("/msg/", "/").partition("/")
    typed = name in TYPED
    wanted, other = (MGONZS13, "ros-drivers'") if typed else (DRIVERS, "mgonzs13's")
    try:
        module = importlib.import_module(f"{package}.msg")
    except ImportError as error:
        raise ImportError(f"messages of type {kind} need {wanted}: {error}") from error
    found = getattr(module, name, None)
    fields = found.get_fields_and_field_types() if found is not None else {}
    if found is None or (name == "AudioData" and "data" not in fields):
        raise ImportError(
            f"messages of type {kind} come from {wanted}, but the {package} found here is "
            f"{other}; the two cannot be in one workspace: run this node where the right one is "
            "sourced"
        )
    return found


def to_sound(msg: Any, raw: RawFormat) -> Sound:
    """Any of the four messages to sound; `raw` is taken where it is bytes.

    Raises:
        ValueError: what is wrong, and what to set at the sender.
    """
    header = getattr(msg, "header", None)
    if header is not None:
        msg = msg.audio
    if hasattr(msg, "audio_data"):
        return _typed(msg, header)
    return Sound(from_bytes(bytes(msg.data), raw.channels), raw.rate_hz, raw.channels, header)


def _typed(msg: Any, header: Any) -> Sound:
    info = msg.info
    if info.format not in FORMATS:
        known = ", ".join(str(number) for number in FORMATS)
        raise ValueError(
            f"info.format = {info.format} is none of PortAudio's sample formats {known}: set "
            "format:=8 (16-bit integers) in audio_capturer_node"
        )
    if info.channels < 1 or info.rate < 1:
        raise ValueError(f"info.channels = {info.channels}, info.rate = {info.rate} Hz")
    field, kind, scale, middle = FORMATS[info.format]
    values = np.asarray(getattr(msg.audio_data, field), kind)
    if len(values) % info.channels:
        raise ValueError(f"{len(values)} values are not a multiple of {info.channels} channels")
    if kind == np.int16:
        return Sound(values, info.rate, info.channels, header)
    # nan_to_num: a float message may hold anything
    level = np.nan_to_num((values.astype(np.float64) - middle) / scale, posinf=0.0, neginf=0.0)
    pcm = np.clip(np.rint(level * 32768), -32768, 32767).astype(np.int16)
    return Sound(pcm, info.rate, info.channels, header)


def from_bytes(data: bytes, channels: int) -> npt.NDArray[np.int16]:
    """Little-endian 16-bit PCM; bytes of another kind are refused.

    Raises:
        ValueError: what to set in audio_capture.
    """
    if is_mp3(data):
        raise ValueError(
            "the bytes are MP3, which is audio_capture's default: start it with format:=wave "
            "(and sample_rate:=16000 channels:=1), or set the parameter format to wave"
        )
    if data[:4] == b"RIFF":
        raise ValueError(
            "the bytes are a WAV file: audio_capture must send bare samples (dst:=appsink)"
        )
    if len(data) % (2 * channels):
        raise ValueError(
            f"{len(data)} bytes are not 16-bit samples of {channels} channels: set depth:=16 and "
            "sample_format:=S16LE in audio_capture, and the parameter channels here"
        )
    return np.frombuffer(data, "<i2")


def check_info(info: Any) -> RawFormat:
    """What ros-drivers' AudioInfo tells of the bytes beside it.

    Raises:
        ValueError: what to set in audio_capture.
    """
    if info.coding_format.lower() not in ("", "wave", "wav", "raw"):
        raise ValueError(
            f"audio_info says the bytes are {info.coding_format}: start audio_capture with "
            "format:=wave"
        )
    if info.sample_format.upper() not in ("", "S16LE"):
        raise ValueError(
            f"audio_info says the samples are {info.sample_format}: start audio_capture with "
            "sample_format:=S16LE depth:=16"
        )
    return RawFormat(int(info.sample_rate), int(info.channels))


def is_mp3(data: bytes) -> bool:
    """Whether bytes are MPEG layer III frames, by two headers in a row or one whole frame."""
    if data[:3] == b"ID3":
        return True
    length = _mp3_frame(data)
    return length > 0 and (len(data) == length or _mp3_frame(data[length : length + 4]) > 0)


def _mp3_frame(data: bytes) -> int:
    """Length of the MP3 frame that begins here; 0 where none does."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return 0
    version, layer = data[1] >> 3 & 3, data[1] >> 1 & 3
    rate, bitrate = data[2] >> 2 & 3, data[2] >> 4
    if version not in MPEG_DIVISOR or layer != 1 or rate == 3 or not 0 < bitrate < 15:
        return 0
    first = version == 3
    rate_hz = MPEG_HZ[rate] // MPEG_DIVISOR[version]
    samples_per_bit = 144 if first else 72
    return samples_per_bit * MPEG_KBPS[first][bitrate] * 1000 // rate_hz + (data[2] >> 1 & 1)
