"""The node's parameters: declared with descriptions and ranges, mapped by one function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from media2face.backends import BACKENDS
from media2face.config import SessionConfig
from media2face.face.topology import LEVELS
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

MAX_PROMPT_CHARACTERS = 1000


@dataclass(frozen=True)
class Spec:
    """One parameter.

    Attributes:
        default: value and, by its type, the parameter's type.
        text: what it does, with its unit.
        low, high: inclusive range of a number, or None.
        choices: allowed strings, or None.
        read_only: set at the start only.
    """

    default: bool | int | float | str
    text: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] | None = None
    read_only: bool = False


SESSION = SessionConfig()  # its defaults are the node's
SPECS: dict[str, Spec] = {
    "autostart": Spec(True, "Configure and activate on start; read once."),
    "model": Spec("", "Name of a shipped model or a folder with a manifest; empty = default."),
    "backend": Spec("auto", "What runs the networks.", choices=BACKENDS),
    "identity": Spec(
        "",
        "Whose head: a preset's name, seed:N, pca:W,W,..., an identity file (.npz) or a neutral "
        "mesh (.obj, .ply, .glb); empty = the model's first. At run time: ~/set_identity.",
    ),
    "level": Spec("full", "Of the mesh: about 10,500 or 2,300 vertices.", choices=LEVELS),
    "style": Spec("", "Style prompt in words at the start, such as 'happy'; empty = none."),
    "style_strength": Spec(1.0, "Scales the guidance of text prompts; 1 = default.", 0.0, 4.0),
    "style_transition": Spec(0.3, "Fade from one text prompt to the next [s].", 0.0, 10.0),
    "frame_id": Spec("head", "Frame of vertices and eyes: x forward, y left, z up."),
    "base_frame_id": Spec("base_link", "Frame in which the head pose is given."),
    "audio_queue_depth": Spec(1000, "Audio chunks kept while the node is busy.", 1, 100_000),
    "seed": Spec(
        SESSION.seed, "Seed of the noise: same audio, prompts and seed, same face.", 0, 2**53
    ),
    "denoise_steps": Spec(0, "DDIM steps a hop; 0 = the model's default.", 0, 500),
    "guidance_audio": Spec(-1.0, "s_A of eq. 9; below 0 = the model's default.", -1.0, 20.0),
    "guidance_style": Spec(-1.0, "s_P of eq. 9; below 0 = the model's default.", -1.0, 20.0),
    "margin_ms": Spec(
        SESSION.margin_ms,
        "From the moment a frame can be computed to its presentation [ms].",
        0.0,
        5000.0,
    ),
    "idle": Spec(
        SESSION.idle, "Fill in silence when no audio comes, so that the face stays alive."
    ),
    "idle_after_ms": Spec(
        SESSION.idle_after_ms,
        "Audio may be this late before silence is filled in [ms].",
        0.0,
        60_000.0,
    ),
    "max_late_ms": Spec(
        SESSION.max_late_ms, "A frame later than this is skipped [ms].", 0.0, 60_000.0
    ),
}


@dataclass(frozen=True)
class Settings:
    """The parameters, checked. Attributes as in SPECS."""

    autostart: bool
    model: str
    backend: str
    identity: str
    level: str
    style: str
    style_strength: float
    style_transition: float
    frame_id: str
    base_frame_id: str
    audio_queue_depth: int
    session: SessionConfig


def declare(node: Node, specs: Mapping[str, Spec] = SPECS) -> None:
    """Declares every parameter of `specs` on `node`."""
    for name, spec in specs.items():
        node.declare_parameter(name, spec.default, _descriptor(name, spec))


def _descriptor(name: str, spec: Spec) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(name=name, description=spec.text, read_only=spec.read_only)
    if spec.choices:
        descriptor.additional_constraints = f"one of: {', '.join(spec.choices)}"
    if spec.low is not None and spec.high is not None:
        if isinstance(spec.default, int):
            descriptor.integer_range = [
                IntegerRange(from_value=int(spec.low), to_value=int(spec.high))
            ]
        else:
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=spec.low, to_value=spec.high)
            ]
    return descriptor


def settings(get: Callable[[str], Any]) -> Settings:
    """The one mapping from parameters to settings.

    Args:
        get: value of the parameter with a name.

    Raises:
        ValueError: with the parameter's name and what it must be.
    """
    for name, choices in (("backend", BACKENDS), ("level", LEVELS)):
        if get(name) not in choices:
            raise ValueError(
                f"parameter {name} = '{get(name)}', must be one of {', '.join(choices)}"
            )
    if len(get("style")) > MAX_PROMPT_CHARACTERS:
        raise ValueError(f"parameter style is longer than {MAX_PROMPT_CHARACTERS} characters")
    for name in ("frame_id", "base_frame_id"):
        if not get(name):
            raise ValueError(f"parameter {name} is empty, must be the name of a frame")
    return Settings(
        autostart=get("autostart"),
        model=get("model"),
        backend=get("backend"),
        identity=get("identity"),
        level=get("level"),
        style=get("style"),
        style_strength=get("style_strength"),
        style_transition=get("style_transition"),
        frame_id=get("frame_id"),
        base_frame_id=get("base_frame_id"),
        audio_queue_depth=get("audio_queue_depth"),
        session=SessionConfig(
            seed=get("seed"),
            denoise_steps=get("denoise_steps"),
            guidance_audio=_or_default(get("guidance_audio")),
            guidance_style=_or_default(get("guidance_style")),
            margin_ms=get("margin_ms"),
            idle=get("idle"),
            idle_after_ms=get("idle_after_ms"),
            max_late_ms=get("max_late_ms"),
        ),
    )


def _or_default(value: float) -> float | None:
    return None if value < 0 else value
