"""The main node as a process, over DDS."""

from __future__ import annotations

import array
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from m2f_msgs.msg import AudioChunk, BlendshapeWeights, FaceFrame, FaceTopology, StylePrompt
from m2f_msgs.srv import SetIdentity
from m2f_node.audio_file import AUDIO_QOS, CHUNK_S, Sound, chunks, read_sound
from m2f_node.conversions import to_seconds
from media2face.contract import BLENDSHAPE_NAMES, frame_count
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String
from std_srvs.srv import Trigger

pytestmark = pytest.mark.ros

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
BEST_EFFORT = QoSProfile(depth=1000, reliability=ReliabilityPolicy.BEST_EFFORT)
OUTSIDER = Path(__file__).with_name("outsider.py")


@pytest.fixture
def face(start: Callable) -> Any:
    """An active face that makes no frames unless it is given audio."""
    node = start("m2f_node", "idle:=false")
    node.wait_for("active")
    return node


def speak(client: Any, publisher: Any, sound: Sound, seconds: float = 1.0) -> int:
    """Sends the beginning of a sound at once; returns the frames to expect."""
    samples = sound.samples[: round(seconds * sound.rate_hz)]
    now_s = client.node.get_clock().now().nanoseconds * 1e-9
    for chunk in chunks(Sound(samples, sound.rate_hz), CHUNK_S, "", now_s):
        publisher.publish(chunk)
    return frame_count(len(samples), sound.rate_hz)


def values(reports: list[DiagnosticArray]) -> dict[str, str]:
    return {item.key: item.value for item in reports[-1].status[0].values}


def set_parameter(client: Any, name: str, value: ParameterValue) -> Any:
    request = SetParameters.Request(parameters=[Parameter(name=name, value=value)])
    return client.call(SetParameters, "/m2f_node/set_parameters", request).results[0]


def test_another_node_sees_the_mouth_open_and_close(start: Callable, sample: Path) -> None:
    sound = read_sound(sample)
    expected = frame_count(len(sound.samples), sound.rate_hz)
    start("m2f_node", "idle:=false").wait_for("active")
    command = [sys.executable, str(OUTSIDER), str(expected - 1)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as outsider:
        assert outsider.stdout is not None
        assert outsider.stdout.readline().strip() == "ready"
        start("audio_file", f"file:={sample}").wait()
        seen = json.loads(outsider.stdout.read())
    assert seen["project_code"] == []
    assert seen["indices"] == list(range(expected))
    assert seen["poses"] >= expected - 1
    assert seen["pose_frames"] == ["base_link"]
    np.testing.assert_allclose(np.diff(seen["stamps_ns"]), 1e9 / 30, rtol=0, atol=2000)
    opening = np.array(seen["openings_m"])
    opening -= opening.min()
    wide = opening > 0.5 * np.percentile(opening, 95)
    assert np.percentile(opening, 95) > 0.002, "the mouth hardly opens"
    assert np.count_nonzero(np.diff(wide.astype(int))) >= 6, "the mouth does not move"


@pytest.mark.parametrize("qos", [AUDIO_QOS, BEST_EFFORT], ids=["reliable", "best_effort"])
def test_every_output_comes_for_a_burst(face: Any, client: Any, sample: Path, qos: Any) -> None:
    frames = client.collect(FaceFrame, "face/frame")
    weights = client.collect(BlendshapeWeights, "face/blendshapes")
    topologies = client.collect(FaceTopology, "face/topology", LATCHED)
    reports = client.collect(DiagnosticArray, "/diagnostics")
    publisher = client.publisher(AudioChunk, "audio", qos)
    client.spin_until(lambda: topologies and reports)
    expected = speak(client, publisher, read_sound(sample), 2.0)
    client.spin_until(lambda: len(frames) >= expected and len(weights) >= expected)
    client.spin_until(lambda: values(reports)["frames_out"] == str(expected))
    topology = topologies[-1]
    assert list(topology.blendshape_names) == list(BLENDSHAPE_NAMES)
    assert [frame.index for frame in frames] == list(range(expected))
    for frame, weight in zip(frames, weights, strict=True):
        vertices = np.frombuffer(frame.vertices, np.float32)
        assert len(vertices) == len(topology.neutral)
        assert np.isfinite(vertices).all() and np.abs(vertices).max() < 0.5
        assert frame.topology_id == topology.topology_id
        assert frame.header.frame_id == topology.header.frame_id == "head"
        assert not frame.idle
        np.testing.assert_array_equal(weight.weights, frame.blendshapes)
    assert max(topology.triangles) < len(topology.neutral) // 3
    report = values(reports)
    assert float(report["hop_compute_p99_ms"]) > 0
    assert (report["skipped_frames"], len(report["model_hash"]) >= 12) == ("0", True)


def test_idle_keeps_the_face_alive_and_says_so(start: Callable, client: Any) -> None:
    start("m2f_node")
    frames = client.collect(FaceFrame, "face/frame")
    client.spin_until(lambda: len(frames) >= 30)
    assert all(frame.idle for frame in frames)
    stamps = [to_seconds(frame.header.stamp) for frame in frames]
    np.testing.assert_allclose(np.diff(stamps), 1 / 30, atol=1e-5)


def garbage() -> Iterator[AudioChunk]:
    """Chunks that are no audio, or hardly."""
    loud = array.array("h", [32767, -32768] * 300)
    yield AudioChunk()
    yield AudioChunk(sample_rate=0, channels=1, data=loud)
    yield AudioChunk(sample_rate=2**32 - 1, channels=1, data=loud)
    yield AudioChunk(sample_rate=16_000, channels=0, data=loud)
    yield AudioChunk(sample_rate=16_000, channels=255, data=loud)
    yield AudioChunk(sample_rate=16_000, channels=7, data=loud[:5])
    yield AudioChunk(sample_rate=16_000, channels=1, first_sample=2**64 - 1, data=loud)
    yield AudioChunk(sample_rate=8_000, channels=2, first_sample=2**63, data=loud, last=True)
    yield AudioChunk(last=True)


def test_garbage_is_dropped_and_the_face_goes_on(face: Any, client: Any, sample: Path) -> None:
    frames = client.collect(FaceFrame, "face/frame")
    reports = client.collect(DiagnosticArray, "/diagnostics")
    audio = client.publisher(AudioChunk, "audio", AUDIO_QOS)
    text = client.publisher(String, "style/text")
    prompt = client.publisher(StylePrompt, "style")
    for chunk in garbage():
        audio.publish(chunk)
    for words in ("x" * 100_000, "", "   ", "\x01\ufffd\U0001f600", "happy"):
        text.publish(String(data=words))
    prompt.publish(StylePrompt(text="sad", strength=float("nan")))
    prompt.publish(StylePrompt(text="sad", transition=-1.0))
    client.spin_until(lambda: reports and int(values(reports)["dropped_inputs"]) >= 9)
    face.wait_for("dropped a message on audio")
    client.call(Trigger, "/m2f_node/reset", Trigger.Request())
    expected = speak(client, audio, read_sound(sample))
    client.spin_until(lambda: [frame.index for frame in frames[-expected:]] == [*range(expected)])
    assert reports[-1].status[0].level in (b"\x00", b"\x01")
    assert face.process.poll() is None


def test_reset_begins_again_at_frame_0(face: Any, client: Any, sample: Path) -> None:
    frames = client.collect(FaceFrame, "face/frame")
    audio = client.publisher(AudioChunk, "audio", AUDIO_QOS)
    for _ in range(2):
        frames.clear()
        assert client.call(Trigger, "/m2f_node/reset", Trigger.Request()).success
        expected = speak(client, audio, read_sound(sample))
        client.spin_until(lambda count=expected: len(frames) >= count)
        assert [frame.index for frame in frames] == list(range(expected))


def test_set_identity_changes_the_head(face: Any, client: Any, sample: Path) -> None:
    topologies = client.collect(FaceTopology, "face/topology", LATCHED)
    client.spin_until(lambda: topologies)
    refused = client.call(SetIdentity, "/m2f_node/set_identity", SetIdentity.Request(name="?"))
    assert not refused.success
    assert "known: " in refused.message
    assert "average" in topologies[0].preset_names
    for other in (topologies[0].preset_names[1], "seed:42", "pca:1.5,-1"):
        request = SetIdentity.Request(name=other)
        assert client.call(SetIdentity, "/m2f_node/set_identity", request).success
        client.spin_until(lambda name=other: topologies[-1].identity == name)
    assert topologies[-1].topology_id == topologies[0].topology_id
    assert not np.array_equal(topologies[-1].neutral, topologies[0].neutral)
    frames = client.collect(FaceFrame, "face/frame")
    audio = client.publisher(AudioChunk, "audio", AUDIO_QOS)
    speak(client, audio, read_sound(sample))
    client.spin_until(lambda: frames)
    shown = np.frombuffer(frames[0].vertices, np.float32)
    distances = [
        np.abs(shown - np.frombuffer(topology.neutral, np.float32)).mean()
        for topology in (topologies[0], topologies[-1])
    ]
    assert distances[1] < distances[0]


def change_state(client: Any, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return bool(client.call(ChangeState, "/m2f_node/change_state", request).success)


def state(client: Any) -> int:
    answer = client.call(GetState, "/m2f_node/get_state", GetState.Request())
    return int(answer.current_state.id)


def test_lifecycle_twice_round_with_frames_only_when_active(
    start: Callable, client: Any, sample: Path
) -> None:
    start("m2f_node", "autostart:=false", "idle:=false")
    frames = client.collect(FaceFrame, "face/frame")
    assert state(client) == State.PRIMARY_STATE_UNCONFIGURED
    for _ in range(2):
        assert change_state(client, Transition.TRANSITION_CONFIGURE)
        assert not frames
        assert change_state(client, Transition.TRANSITION_ACTIVATE)
        audio = client.publisher(AudioChunk, "audio", AUDIO_QOS)
        expected = speak(client, audio, read_sound(sample))
        client.spin_until(lambda count=expected: len(frames) >= count)
        assert change_state(client, Transition.TRANSITION_DEACTIVATE)
        client.spin_until(lambda publisher=audio: publisher.get_subscription_count() == 0)
        client.node.destroy_publisher(audio)
        assert change_state(client, Transition.TRANSITION_CLEANUP)
        assert state(client) == State.PRIMARY_STATE_UNCONFIGURED
        frames.clear()
    assert change_state(client, Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)


def test_a_transition_that_is_not_there_does_not_end_the_node(face: Any, client: Any) -> None:
    client.node.create_client(ChangeState, "/m2f_node/change_state")
    requester = client.node.create_client(ChangeState, "/m2f_node/change_state")
    client.spin_until(requester.service_is_ready)
    for transition in (Transition.TRANSITION_CONFIGURE, 250):
        request = ChangeState.Request(transition=Transition(id=transition))
        requester.call_async(request)
    assert state(client) == State.PRIMARY_STATE_ACTIVE
    face.wait_for("a request was refused")
    assert state(client) == State.PRIMARY_STATE_ACTIVE


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        (["model:=no_such_model"], "no_such_model"),
        (["identity:=nobody"], "nobody"),
        (["backend:=abacus"], "abacus"),
    ],
)
def test_what_cannot_start_says_why_and_fails(
    start: Callable, parameters: list[str], reason: str
) -> None:
    node = start("m2f_node", *parameters)
    assert node.wait() == 1
    assert any(reason in line for line in node.lines), node.lines


def test_parameters_are_described_and_checked(face: Any, client: Any) -> None:
    request = DescribeParameters.Request(names=["margin_ms", "backend", "seed"])
    answer = client.call(DescribeParameters, "/m2f_node/describe_parameters", request)
    margin, backend, seed = answer.descriptors
    assert margin.description and margin.floating_point_range[0].to_value == 5000
    assert "torch" in backend.additional_constraints
    assert seed.integer_range[0].from_value == 0

    double, string = ParameterType.PARAMETER_DOUBLE, ParameterType.PARAMETER_STRING
    bad = ParameterValue(type=double, double_value=-5.0)
    assert not set_parameter(client, "margin_ms", bad).successful
    result = set_parameter(client, "backend", ParameterValue(type=string, string_value="abacus"))
    assert not result.successful
    assert "onnxruntime" in result.reason
    happy = ParameterValue(type=string, string_value="happy")
    assert set_parameter(client, "style", happy).successful


def test_sigint_ends_it_cleanly(face: Any) -> None:
    assert face.stop() == 0
    assert not any("Traceback" in line for line in face.lines), face.lines
