"""The shipped maps."""

from __future__ import annotations

from pathlib import Path

import pytest
from media2face.rig.map import RigMap, load_map

RIGS = Path(__file__).parents[3] / "ros2_ws/src/m2f_node/config/rigs"


@pytest.fixture(params=sorted(path.name for path in RIGS.glob("*.yaml")))
def rig(request: pytest.FixtureRequest) -> RigMap:
    """Each of the shipped maps."""
    return load_map(RIGS / request.param)
