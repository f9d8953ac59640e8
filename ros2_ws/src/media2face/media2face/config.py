"""Run-time settings. Facts of a model live in its manifest, ROS parameters map onto these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SessionConfig:
    """Settings of one streaming face.

    Attributes:
        seed: noise is a function of (seed, absolute frame) only.
        denoise_steps: DDIM steps a hop; 0 takes the model's default.
        guidance_audio: s_A of eq. 9; None takes the model's default.
        guidance_style: s_P of eq. 9; None takes the model's default.
        margin_ms: time between the moment a frame can be computed at the earliest and its
            presentation; covers the compute time of one hop and the way there.
        idle: fill in silence when no audio comes, so that the face keeps blinking and breathing.
        idle_after_ms: how long past its due time audio may be missing before silence is filled in.
        max_late_ms: a frame later than this is skipped instead of shown.
    """

    seed: int = 0
    denoise_steps: int = 0
    guidance_audio: float | None = None
    guidance_style: float | None = None
    margin_ms: float = 120.0
    idle: bool = True
    idle_after_ms: float = 200.0
    max_late_ms: float = 150.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("denoise_steps", 0, 500),
            ("margin_ms", 0, 5000),
            ("idle_after_ms", 0, 60_000),
            ("max_late_ms", 0, 60_000),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"SessionConfig.{name} = {value}, must be in [{low}, {high}]")
        for name in ("guidance_audio", "guidance_style"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 20:
                raise ValueError(f"SessionConfig.{name} = {value}, must be in [0, 20]")
