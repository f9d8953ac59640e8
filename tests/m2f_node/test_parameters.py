"""Parameters to settings."""

from __future__ import annotations

from typing import Any

import pytest
from m2f_node import parameters

pytestmark = pytest.mark.ros


def settings(**changed: Any) -> parameters.Settings:
    values = {name: spec.default for name, spec in parameters.SPECS.items()} | changed
    return parameters.settings(values.__getitem__)


def test_the_defaults_are_the_library_s() -> None:
    from media2face.config import SessionConfig

    assert settings().session == SessionConfig()


def test_below_zero_takes_the_model_s_guidance() -> None:
    session = settings(guidance_audio=2.5).session
    assert (session.guidance_audio, session.guidance_style) == (2.5, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("backend", "abacus"),
        ("style", "x" * 100_000),
        ("frame_id", ""),
        ("margin_ms", float("nan")),
        ("denoise_steps", 501),
    ],
)
def test_what_cannot_be_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        settings(**{name: value})


def test_every_parameter_is_described() -> None:
    assert all(spec.text.endswith((".", "]", "].")) for spec in parameters.SPECS.values())
