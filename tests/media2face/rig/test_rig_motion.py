"""No command outside limits, whatever comes in; and what comes in is followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from media2face.contract import BLENDSHAPE_DIM, BLENDSHAPE_NAMES, FRAME_RATE_HZ
from media2face.rig import motion
from media2face.rig.check import violations
from media2face.rig.map import Joint, RigMap, load_map
from media2face.rig.motion import Controller, Ticks, stoppable

INMOOV = Path(__file__).parents[3] / "ros2_ws/src/m2f_node/config/rigs/inmoov.yaml"
GOLDEN = Path(__file__).parents[2] / "golden/hello.npz"
REST_POSE = (0, 0, 0, 0, 0, 0, 1)
NONE = {"position": 0, "velocity": 0, "acceleration": 0}
EXTREMES = (np.nan, np.inf, -np.inf, 3.4e38, -3.4e38, 1e300, -1e300, 1e-300, 0.0, 1.0, -1.0)


def frame_of(**weights: float) -> np.ndarray:
    """float64 [52] with some weights set."""
    values = np.zeros(BLENDSHAPE_DIM)
    for name, value in weights.items():
        values[BLENDSHAPE_NAMES.index(name)] = value
    return values


def one_joint(**changes: Any) -> RigMap:
    """A jaw from 0 to 1 at 50 Hz."""
    jaw = Joint("jaw", (("jawOpen", 1.0),), 0.0, 1.0, 0.0, max_velocity=4.0, max_acceleration=60.0)
    return RigMap("one", (replace(jaw, **changes),))


def hostile_frames(seed: int) -> Iterator[tuple[float, Any, Any, Any]]:
    """Offset of the stamp from now (s), weights, pose and eyes: seldom what they should be."""
    rng = np.random.default_rng(seed)
    while True:
        scale = 10.0 ** rng.uniform(-3, 3)
        weights: Any = rng.choice([rng.random(52), rng.integers(0, 2, 52) * 1.0])
        pose: Any = rng.normal(0, scale, 7)
        eyes: Any = rng.normal(0, scale, 4)
        kind = rng.integers(10)
        if kind == 0:
            weights[rng.integers(52)] = rng.choice(EXTREMES)
        elif kind == 1:
            pose = rng.choice(EXTREMES, 7)
        elif kind == 2:
            eyes = rng.choice(EXTREMES, 4)
        elif kind == 3:
            weights, pose, eyes = (rng.choice(EXTREMES, n) for n in (52, 7, 4))
        elif kind == 4:
            weights = rng.random(rng.integers(0, 100))
        elif kind == 5:
            pose, eyes = np.zeros(7), np.zeros((2, 2))
        elif kind == 6:
            weights = weights * scale
        offset_s = rng.choice([0.0, rng.normal(0, 0.05), rng.normal(0, 3), rng.choice(EXTREMES)])
        yield offset_s, weights, pose, eyes


def fuzz(rig: RigMap, inputs: int, seed: int) -> tuple[dict[str, int], np.ndarray, int]:
    """Violations, the commands float64 [T, J], and how many of the inputs were taken."""
    rng = np.random.default_rng(seed)
    frames = hostile_frames(seed)
    controller = Controller(rig)
    commands, taken, given, time_s = [], 0, 0, 1e9
    while given < inputs:
        # Frames come in bursts and stop, so that joints also go back to neutral and out again.
        for _ in range(rng.integers(0, 4) if given // 200 % 3 else int(rng.random() < 0.15)):
            offset_s, *values = next(frames)
            given += 1
            try:
                controller.accept(time_s + offset_s, *values)
                taken += 1
            except ValueError:
                pass
        # The clock jumps and fails now and then as well.
        time_s += rig.period_ns * 1e-9 if rng.random() < 0.98 else rng.normal(0, 0.3)
        broken = rng.random() < 0.005
        step = controller.step(rng.choice(EXTREMES) if broken else time_s, rng.random() < 0.98)
        commands.append(step.position)
    return violations(rig, np.array(commands)), np.array(commands), taken


def test_ten_thousand_hostile_inputs_give_no_command_outside_limits(rig: RigMap) -> None:
    found, commands, taken = fuzz(rig, inputs=10_000, seed=1)
    assert found == NONE
    # It must have been asked hard: many frames taken, and every joint driven far about.
    assert taken > 2000
    span = np.ptp(commands, axis=0) / (rig.column("upper") - rig.column("lower"))
    assert span.min() > 0.5, dict(zip(rig.names, span, strict=True))


@pytest.mark.parametrize(
    ("broken", "seen"),
    [
        (lambda distance, change, period: np.full_like(distance, 1e9), "acceleration"),
        (lambda distance, change, period: 1.02 * stoppable(distance, change, period), None),
    ],
)
def test_the_fuzz_sees_a_broken_brake(
    monkeypatch: pytest.MonkeyPatch, broken: Callable[..., Any], seen: str | None
) -> None:
    monkeypatch.setattr(motion, "stoppable", broken)
    found, _, _ = fuzz(load_map(INMOOV), inputs=1000, seed=1)
    assert found[seen] > 0 if seen else sum(found.values()) > 0


@pytest.mark.parametrize("field", ["max_velocity", "max_acceleration"])
def test_the_fuzz_sees_a_limit_exceeded_by_a_hundredth(field: str) -> None:
    rig = load_map(INMOOV)
    loose = replace(
        rig, joints=tuple(replace(j, **{field: 1.01 * getattr(j, field)}) for j in rig.joints)
    )
    _, commands, _ = fuzz(loose, inputs=1000, seed=1)
    assert violations(rig, commands)[field.removeprefix("max_")] > 0


@pytest.mark.parametrize("rate_hz", [1.0, 30.0, 59.94, 1000.0])
def test_any_limits_at_any_rate_are_kept(rate_hz: float) -> None:
    rng = np.random.default_rng(int(rate_hz))
    joints = []
    for number in range(40):
        low, high = np.sort(rng.uniform(-3, 3, 2))
        velocity, acceleration = 10 ** rng.uniform(-1, 2), 10 ** rng.uniform(-1, 4)
        joints.append(
            Joint(
                f"j{number}",
                (("jawOpen", 1.0),),
                low,
                high,
                rng.uniform(low, high),
                velocity,
                acceleration,
                gain=10,
                offset=-5,
                latency_ms=rng.integers(0, 3) * 40.0,
            )
        )
    rig = RigMap("many", tuple(joints), rate_hz=rate_hz)
    found, _, _ = fuzz(rig, inputs=2000, seed=2)
    assert found == NONE


def test_stoppable_is_exact() -> None:
    rng = np.random.default_rng(0)
    distance, change, period_s = rng.exponential(1, 500), 10 ** rng.uniform(-2, 1, 500), 0.02
    velocity = stoppable(distance, change, period_s)
    travelled = np.zeros(500)
    while (velocity > 0).any():
        travelled += np.maximum(velocity, 0) * period_s
        velocity = velocity - change
    np.testing.assert_allclose(travelled, distance, rtol=1e-9)


def play(controller: Controller, times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Commands float64 [T] of the first joint and whether a frame was followed, bool [T]."""
    steps = [controller.step(time_s) for time_s in times_s]
    return np.array([s.position[0] for s in steps]), np.array([s.fresh[0] for s in steps])


def test_a_motion_within_the_limits_is_followed_without_lag() -> None:
    controller = Controller(one_joint())
    frames_s = np.arange(90) / FRAME_RATE_HZ
    wave = 0.5 + 0.3 * np.sin(2 * np.pi * 0.8 * frames_s)
    for time_s, value in zip(frames_s, wave, strict=True):
        controller.accept(time_s, frame_of(jawOpen=value), REST_POSE, (0, 0, 0, 0))
    times_s = np.arange(0, 2.9, 0.02)
    position, _ = play(controller, times_s)
    expected = np.interp(times_s, frames_s, wave)
    np.testing.assert_allclose(position[25:], expected[25:], atol=0.003)


def test_a_step_is_made_as_fast_as_the_limits_allow_and_without_overshoot() -> None:
    controller = Controller(one_joint())
    controller.accept(0, frame_of(jawOpen=0.5), REST_POSE, (0, 0, 0, 0))
    position, _ = play(controller, np.arange(0, 0.25, 0.02))
    assert position.max() <= 0.5 + 1e-12
    # v / a + distance / v = 0.067 + 0.125 s, and the ticks' rounding
    assert position[10] == pytest.approx(0.5)


def test_latency_is_compensated_joint_by_joint() -> None:
    slow, quick = one_joint(latency_ms=100.0).joints[0], one_joint().joints[0]
    rig = RigMap("two", (replace(slow, name="slow"), quick))
    controller = Controller(rig)
    for frame in range(60):
        value = 0.3 + 0.2 * np.sin(frame / 10)
        controller.accept(frame / 30, frame_of(jawOpen=value), REST_POSE, (0, 0, 0, 0))
    both = np.array([controller.step(time_s).position for time_s in np.arange(0, 1.8, 0.02)])
    np.testing.assert_allclose(both[30:-5, 0], both[35:, 1], atol=1e-9)


def test_it_returns_to_neutral_when_frames_stop_gently_and_stays(rig: RigMap) -> None:
    controller = Controller(rig)
    period_s = rig.period_ns * 1e-9
    rng = np.random.default_rng(3)
    commands = []
    for tick in range(400):
        if tick * period_s < 1.0:
            face = rng.random(52), rng.normal(0, 0.4, 7), rng.normal(0, 0.4, 4)
            controller.accept(tick * period_s, *face)
        commands.append(controller.step(tick * period_s))
    positions = np.array([c.position for c in commands])
    neutral = rig.column("neutral")
    assert np.abs(positions[round(0.9 / period_s)] - neutral).max() > 0.005
    after = round((1.0 + rig.timeout_ms * 1e-3 + 1.2 * rig.return_ms * 1e-3 + 0.5) / period_s)
    np.testing.assert_array_equal(positions[after:], np.tile(neutral, (400 - after, 1)))
    assert not commands[-1].fresh.any()
    # Once braked, no joint hurries back.
    slow = round((1.0 + rig.timeout_ms * 1e-3 + 0.3) / period_s)
    speed = np.abs(np.diff(positions[slow:], axis=0)).max(axis=0) / period_s
    assert (
        speed <= 1.001 * (rig.column("upper") - rig.column("lower")) / rig.return_ms * 1e3
    ).all()
    assert violations(rig, positions) == NONE


def test_disabled_it_goes_to_neutral_and_enabled_again_it_follows() -> None:
    controller = Controller(one_joint())
    for tick in range(300):
        controller.accept(tick * 0.02, frame_of(jawOpen=0.8), REST_POSE, (0, 0, 0, 0))
        position = controller.step(tick * 0.02, enabled=not 100 <= tick < 200).position[0]
        if tick in {99, 299}:
            assert position == pytest.approx(0.8)
        if tick == 199:
            assert position == 0.0


def test_the_dead_band_holds_a_resting_joint_and_no_moving_one() -> None:
    controller = Controller(one_joint(dead_band=0.02))
    frames_s = np.arange(300) / FRAME_RATE_HZ
    # trembles about 0.5 by less than the band, then moves slowly, then rests elsewhere
    tremble = 0.5 + 0.008 * np.sin(frames_s * 40)
    values = np.where(frames_s < 4, tremble, np.clip(0.5 + 0.1 * (frames_s - 4), 0, 0.8))
    for time_s, value in zip(frames_s, values, strict=True):
        controller.accept(time_s, frame_of(jawOpen=value), REST_POSE, (0, 0, 0, 0))
    times_s = np.arange(0, 9.9, 0.02)
    position, _ = play(controller, times_s)
    at_rest = position[(times_s > 1.5) & (times_s < 4)]
    assert np.ptp(at_rest) == 0 and abs(at_rest[0] - 0.5) < 0.02
    moving = (times_s > 5) & (times_s < 7)
    np.testing.assert_allclose(
        position[moving], np.interp(times_s[moving], frames_s, values), atol=0.002
    )
    assert position[-1] == pytest.approx(0.8, abs=0.02)


def test_a_frame_that_is_none_is_refused_and_changes_nothing() -> None:
    controller = Controller(one_joint())
    controller.accept(0.0, frame_of(jawOpen=0.5), REST_POSE, (0, 0, 0, 0))
    good = frame_of(jawOpen=0.9)
    for stamp_s, weights, pose, eyes, reason in [
        (0.1, frame_of(jawOpen=np.nan), REST_POSE, (0,) * 4, r"blendshapes\[17\]"),
        (0.1, good[:51], REST_POSE, (0,) * 4, r"blendshapes has shape \(51,\)"),
        (0.1, good, (0,) * 7, (0,) * 4, "quaternion 0 0 0 0"),
        (0.1, good, REST_POSE, (0, 0, np.inf, 0), r"eyes\[2\]"),
        (np.nan, good, REST_POSE, (0,) * 4, "stamp"),
    ]:
        with pytest.raises(ValueError, match=reason):
            controller.accept(stamp_s, weights, pose, eyes)
    position, _ = play(controller, np.arange(0, 0.3, 0.02))
    assert position[-1] == pytest.approx(0.5)


def test_a_stream_that_begins_again_replaces_what_was_ahead() -> None:
    controller = Controller(one_joint())
    for time_s in (5.0, 5.1, 5.2):
        controller.accept(time_s, frame_of(jawOpen=0.9), REST_POSE, (0, 0, 0, 0))
    controller.accept(1.0, frame_of(jawOpen=0.2), REST_POSE, (0, 0, 0, 0))
    position, fresh = play(controller, np.arange(1.0, 6.0, 0.02))
    assert position.max() == pytest.approx(0.2) and position[-1] == 0.0
    assert fresh[:15].all() and not fresh[20:].any()


def test_frames_far_apart_are_not_joined_by_a_slow_motion() -> None:
    controller = Controller(one_joint())
    controller.accept(0.0, frame_of(jawOpen=0.2), REST_POSE, (0, 0, 0, 0))
    controller.accept(5.0, frame_of(jawOpen=0.9), REST_POSE, (0, 0, 0, 0))
    position, fresh = play(controller, np.arange(0.0, 5.3, 0.02))
    assert position[150] == 0.0 and not fresh[150]
    assert position[-1] == pytest.approx(0.9)


def test_the_golden_motion_drives_every_map(rig: RigMap) -> None:
    clip = np.load(GOLDEN)
    controller = Controller(rig)
    for frame in range(len(clip["eyes"])):
        face = (clip[name][frame] for name in ("blendshapes", "head_pose", "eyes"))
        controller.accept(frame / FRAME_RATE_HZ, *face)
    times_s = np.arange(0, 3, rig.period_ns * 1e-9)
    positions = np.array([controller.step(time_s).position for time_s in times_s])
    assert violations(rig, positions) == NONE
    mouth = next(index for index, name in enumerate(rig.names) if name.startswith(("jaw", "mou")))
    opened = np.ptp(positions[:, mouth]) / (rig.joints[mouth].upper - rig.joints[mouth].lower)
    assert opened > 0.3


def test_ticks_are_whole_periods_whatever_the_timer_does() -> None:
    rng = np.random.default_rng(0)
    period_ns = 20_000_000
    ticks = Ticks(period_ns)
    now_ns = 1_700_000_000_123_456_789
    times = []
    for call in range(500):
        tick = ticks.next(now_ns + call * period_ns + int(rng.integers(-4_000_000, 4_000_000)))
        assert tick is not None and not tick[1]
        times.append(tick[0])
    assert set(np.diff(times)) == {period_ns} and times[0] % period_ns == 0
    assert ticks.next(now_ns + 499 * period_ns) is None
    assert ticks.next(now_ns)[1]
