"""Shared by all tests: what a test needs and is absent makes it skip, with the reason."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Tests of one session see each other's nodes only; 0 to 101 are safe on Linux.
ROS_DOMAIN_ID = str(1 + os.getpid() % 100)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shared", type=Path, default=ROOT.parent / "shared", help="folder with the shared data"
    )


def pytest_configure(config: pytest.Config) -> None:
    os.environ["ROS_DOMAIN_ID"] = ROS_DOMAIN_ID


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    shared: Path = config.getoption("--shared")
    absent = {}
    if not shared.is_dir():
        absent["shared"] = f"no shared data folder {shared}"
    missing = [name for name in ("rclpy", "m2f_msgs") if importlib.util.find_spec(name) is None]
    if missing:
        absent["ros"] = f"{' and '.join(missing)} cannot be imported: run by make test"
    for item in items:
        for marker, reason in absent.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def shared(pytestconfig: pytest.Config) -> Path:
    """The shared data folder; a test that asks for it is marked `shared`."""
    return Path(pytestconfig.getoption("--shared"))
