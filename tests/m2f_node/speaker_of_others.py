"""Publishes messages of others' packages, as their nodes do. Run as a process.

python speaker_of_others.py AudioStamped FORMAT     a tone, in PortAudio's sample format
python speaker_of_others.py AudioDataStamped wave|mp3 [info]
python speaker_of_others.py AudioData wave
python speaker_of_others.py Expression NAME VALENCE AROUSAL
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data

RATE_HZ = 16_000
CHUNK = 512
SECONDS = 2.0
# One MPEG 2 layer III frame: 64 kbit/s, 16 kHz, mono; what is in it does not matter here.
MP3_FRAME = bytes([0xFF, 0xF3, 0x88, 0xC4]) + bytes(72 * 64_000 // RATE_HZ - 4)
FIELDS = {1: "float32_data", 2: "int32_data", 8: "int16_data", 16: "int8_data", 32: "uint8_data"}


def tone() -> np.ndarray:
    """float [S] in [-1, 1]."""
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ)


def in_format(values: np.ndarray, number: int) -> list[Any]:
    """Values in one of PortAudio's sample formats."""
    if number == 1:
        return [float(value) for value in values]
    bits = {2: 32, 8: 16, 16: 8, 32: 8}[number]
    middle = 128 if number == 32 else 0
    return [int(value) for value in np.rint(values * (2 ** (bits - 1) - 1)) + middle]


def typed(node: Node, number: int) -> Any:
    """Makes messages as mgonzs13's audio_capturer_node."""
    from audio_common_msgs.msg import AudioStamped

    def make(first: int) -> Any:
        msg = AudioStamped()
        msg.header.stamp = node.get_clock().now().to_msg()
        msg.header.frame_id = "ear"
        values = in_format(tone()[first : first + CHUNK], number)
        setattr(msg.audio.audio_data, FIELDS[number], values)
        msg.audio.info.format, msg.audio.info.channels = number, 1
        msg.audio.info.rate, msg.audio.info.chunk = RATE_HZ, CHUNK
        return msg

    return AudioStamped, make


def packed(node: Node, name: str, coding: str) -> Any:
    """Makes messages as ros-drivers' audio_capture_node."""
    import audio_common_msgs.msg as messages

    kind = getattr(messages, name)

    def make(first: int) -> Any:
        pcm = np.rint(tone()[first : first + CHUNK] * 32767).astype("<i2").tobytes()
        msg = kind()
        (msg if name == "AudioData" else msg.audio).data = MP3_FRAME if coding == "mp3" else pcm
        if name != "AudioData":  # stamped by a clock that began when the computer did
            msg.header.stamp.sec = int(time.monotonic())
        return msg

    return kind, make


def publish_info(node: Node, coding: str) -> Any:
    from audio_common_msgs.msg import AudioInfo

    publisher = node.create_publisher(AudioInfo, "audio_info", 1)
    msg = AudioInfo(channels=1, sample_rate=RATE_HZ, sample_format="S16LE", coding_format=coding)
    node.create_timer(0.2, lambda: publisher.publish(msg))


def express(node: Node, name: str, valence: str, arousal: str) -> None:
    from hri_msgs.msg import Expression

    publisher = node.create_publisher(Expression, "style/expression", 10)
    msg = Expression(expression=name, valence=float(valence), arousal=float(arousal))
    node.create_timer(0.2, lambda: publisher.publish(msg))
    rclpy.spin(node)


def speak(node: Node, kind: Any, make: Any) -> None:
    """In real time, over and over, best effort as the typed package does."""
    publisher = node.create_publisher(kind, "audio_in", qos_profile_sensor_data)
    place = [0]

    def send() -> None:
        publisher.publish(make(place[0]))
        place[0] = (place[0] + CHUNK) % (round(SECONDS * RATE_HZ) // CHUNK * CHUNK)

    node.create_timer(CHUNK / RATE_HZ, send)
    rclpy.spin(node)


def main() -> None:
    rclpy.init()
    node = Node("speaker_of_others")
    name, *arguments = sys.argv[1:]
    if name == "Expression":
        express(node, *arguments)
    elif name == "AudioStamped":
        speak(node, *typed(node, int(arguments[0])))
    else:
        if "info" in arguments:
            publish_info(node, arguments[0])
        speak(node, *packed(node, name, arguments[0]))


if __name__ == "__main__":
    main()
