"""Sound devices by name, through sounddevice (PortAudio); imported late, it is an extra."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Literal

Kind = Literal["input", "output"]


@dataclass(frozen=True)
class Device:
    """Attributes:
    index: PortAudio's; changes when devices are plugged.
    name: as PortAudio gives it.
    channels: most that it has in the direction asked for.
    rate_hz: its own rate.
    """

    index: int
    name: str
    channels: int
    rate_hz: int


def load_sounddevice() -> ModuleType:
    """The module sounddevice.

    Raises:
        ImportError: saying what to install.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise ImportError(
            "sound devices need the package sounddevice, which is in the extra 'mic': "
            f"pip install -r requirements/mic.txt ({error})"
        ) from error
    except OSError as error:  # what sounddevice raises where it does not find PortAudio
        raise ImportError(
            "sound devices need the system library PortAudio: "
            f"sudo apt-get install libportaudio2 ({error})"
        ) from error
    module: ModuleType = sounddevice
    return module


def list_devices(sounddevice: ModuleType, kind: Kind, refresh: bool = False) -> list[Device]:
    """The devices that can record or play.

    Args:
        sounddevice: see load_sounddevice.
        kind: what they can do.
        refresh: look anew for what was plugged in or out; only while no stream is open.
    """
    if refresh:
        # PortAudio makes its list when it starts and has no other way to renew it.
        sounddevice._terminate()
        sounddevice._initialize()
    return [
        Device(
            index,
            str(entry["name"]),
            int(entry[f"max_{kind}_channels"]),
            round(entry["default_samplerate"]),
        )
        for index, entry in enumerate(sounddevice.query_devices())
        if entry[f"max_{kind}_channels"] > 0
    ]


def default_device(sounddevice: ModuleType, kind: Kind) -> Device:
    """The system's default.

    Raises:
        ValueError: where there is none.
    """
    index = sounddevice.default.device[kind]
    for device in list_devices(sounddevice, kind):
        if device.index == index:
            return device
    raise ValueError(f"the system has no default {kind} device")


def choose_device(devices: list[Device], wanted: str, kind: Kind) -> Device:
    """The device with this index, this name, or this part of a name (in any case).

    Raises:
        ValueError: naming the devices there are, where none or several match.
    """
    listed = "".join(f"\n  {device.index}: {device.name}" for device in devices) or " none"
    if wanted.isdecimal():
        for device in devices:
            if device.index == int(wanted):
                return device
        raise ValueError(f"no {kind} device has index {wanted}; there are:{listed}")
    matching = [device for device in devices if wanted.lower() in device.name.lower()]
    exact = [device for device in matching if wanted.lower() == device.name.lower()]
    if len(exact or matching) == 1:
        return (exact or matching)[0]
    if matching:
        names = "".join(f"\n  {device.index}: {device.name}" for device in matching)
        raise ValueError(f"several {kind} devices have '{wanted}' in their name:{names}")
    raise ValueError(f"no {kind} device has '{wanted}' in its name; there are:{listed}")


def find_device(sounddevice: ModuleType, wanted: str, kind: Kind, refresh: bool = False) -> Device:
    """The device that `wanted` names (see choose_device); empty = the system's default.

    Raises:
        ValueError: where there is none.
    """
    devices = list_devices(sounddevice, kind, refresh)
    if not wanted:
        return default_device(sounddevice, kind)
    return choose_device(devices, wanted, kind)
