"""Shows the whole chain: the real nodes on a sound, the frames they send, and a video of them.

AUDIO and STYLE in the environment choose the sound and the prompt. Writes out/demo.json and
out/demo.mp4; fails where a frame is missing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from ament_index_python.packages import get_package_prefix, get_package_share_directory
from media2face import contract
from media2face.backends import make_backend
from media2face.models import DEFAULT_MODEL, find_model
from media2face.types import Motion
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from tqdm import tqdm

from m2f_node.audio_file import Sound, read_sound
from m2f_node.observer import Observer, Received

# The demo keeps every frame, about 4 MB a second.
LONGEST_S = 300.0
START_TIMEOUT_S = 60.0
SILENCE_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 10.0
OUT = Path("out")


class DemoError(RuntimeError):
    """The chain did not do what it should; the message says what and where to look."""


@contextmanager
def node_process(
    executable: str, log: Path, *parameters: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs an installed node of this package as a process of its own; ends it at the end."""
    path = Path(get_package_prefix("m2f_node"), "lib", "m2f_node", executable)
    command = [str(path), "--ros-args"]
    for parameter in parameters:
        command += ["-p", parameter]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def receive(sound: Sound, path: Path, style: str, logs: Path) -> Received:
    """Starts both nodes and returns what came over DDS, once the last frame is there.

    Raises:
        DemoError: where a node ends early, or frames stop coming; with the end of its log.
    """
    expected = contract.frame_count(len(sound.samples), sound.rate_hz)
    observer = Observer("m2f_demo")
    executor = SingleThreadedExecutor()
    executor.add_node(observer)
    face_log, audio_log = logs / "m2f_node.log", logs / "audio_file.log"
    face_parameters = ("idle:=false", f"style:={_quoted(style)}")
    try:
        with node_process("m2f_node", face_log, *face_parameters) as face:
            begin = time.monotonic()
            while observer.received.topology is None or not observer.publishers_matched():
                if time.monotonic() - begin > START_TIMEOUT_S:
                    raise DemoError(f"m2f_node was not ready in {START_TIMEOUT_S:.0f} s")
                _check_alive(face, face_log)
                executor.spin_once(timeout_sec=0.1)
            # The node's and this process's: none may miss the beginning.
            audio_parameters = (f"file:={_quoted(str(path))}", "subscribers:=2")
            with node_process("audio_file", audio_log, *audio_parameters) as audio:
                _collect(observer, executor, expected, (face, face_log), (audio, audio_log))
    except DemoError as error:
        tail = "\n".join(_tail(face_log) + _tail(audio_log))
        raise DemoError(f"{error}\n{tail}") from None
    finally:
        executor.shutdown()
        observer.destroy_node()
    return observer.received


def _collect(
    observer: Observer,
    executor: SingleThreadedExecutor,
    expected: int,
    face: tuple[subprocess.Popen[bytes], Path],
    audio: tuple[subprocess.Popen[bytes], Path],
) -> None:
    """Spins until the last expected frame and the report after it are there, or none comes."""
    received = observer.received
    last_change, count = time.monotonic(), 0
    with tqdm(total=expected, unit="frame", desc="receiving", disable=None) as bar:
        while not (received.last_index >= expected - 1 and received.reported_after_last()):
            executor.spin_once(timeout_sec=0.1)
            if len(received.frames) > count:
                bar.update(len(received.frames) - count)
                last_change, count = time.monotonic(), len(received.frames)
            _check_alive(*face)
            if audio[0].poll() not in (None, 0):
                raise DemoError(f"audio_file ended with status {audio[0].returncode}")
            if time.monotonic() - last_change > SILENCE_TIMEOUT_S:
                return


def _check_alive(process: subprocess.Popen[bytes], log: Path) -> None:
    if process.poll() is not None:
        raise DemoError(f"{log.stem} ended with status {process.returncode}")


def _tail(log: Path, lines: int = 10) -> list[str]:
    with suppress(OSError):
        return [f"{log.stem}: {line}" for line in log.read_text().splitlines()[-lines:]]
    return []


def _quoted(text: str) -> str:
    """For a parameter on the command line: "yes" or "3" stays a string in quotes."""
    return json.dumps(text, ensure_ascii=False)


def summarise(received: Received, sound: Sound, path: Path, style: str) -> dict[str, Any]:
    """What out/demo.json holds; times in milliseconds, -1 where the node never reported."""
    expected = contract.frame_count(len(sound.samples), sound.rate_hz)
    indices = [frame.index for frame in received.frames]
    latency_ms = received.latency_ms()
    report = received.report
    finite = all(np.isfinite(frame.vertices).all() for frame in received.frames)
    return {
        "audio": str(path),
        "style": style,
        "seconds": round(len(sound.samples) / sound.rate_hz, 3),
        "frames_expected": expected,
        "frames_received": len(set(indices)),
        "in_order": indices == sorted(set(indices)),
        "all_finite": finite,
        "vertices": len(received.frames[0].vertices) // 3 if received.frames else 0,
        "first_frame_ms": round(float(latency_ms[0]), 3) if len(latency_ms) else None,
        "latency_ms": _quantiles(latency_ms),
        "hop_compute_ms": {
            "p50": float(report.get("hop_compute_p50_ms", -1)),
            "p99": float(report.get("hop_compute_p99_ms", -1)),
        },
        "half_hop_ms": float(report.get("hop_ms", -2)) / 2,
        "starved": int(report.get("starved_ticks", -1)),
        "skipped": int(report.get("skipped_frames", -1)),
        "backend": report.get("backend", ""),
        "model": report.get("model", ""),
        "model_hash": report.get("model_hash", ""),
    }


def _quantiles(values: np.ndarray) -> dict[str, float | None]:
    if not len(values):
        return {"p50": None, "p99": None}
    p50, p99 = np.percentile(values, [50, 99])
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3)}


def to_motion(received: Received) -> Motion:
    """The frames received, stacked."""
    frames = received.frames

    def stack(rows: list[Any]) -> np.ndarray:
        return np.stack([np.asarray(row, np.float32) for row in rows])

    poses = []
    for frame in frames:
        position, turn = frame.head_pose.position, frame.head_pose.orientation
        poses.append([position.x, position.y, position.z, turn.x, turn.y, turn.z, turn.w])
    return Motion(
        vertices=stack([frame.vertices for frame in frames]).reshape(len(frames), -1, 3),
        blendshapes=stack([frame.blendshapes for frame in frames]),
        latent=stack([frame.latent for frame in frames]),
        head_pose=stack(poses),
        eyes=stack([frame.eyes for frame in frames]),
    )


def check(summary: dict[str, Any]) -> None:
    """Raises DemoError where frames are missing, doubled or not finite."""
    if summary["frames_received"] != summary["frames_expected"] or not summary["in_order"]:
        raise DemoError(
            f"{summary['frames_received']} of {summary['frames_expected']} frames received "
            f"({'in' if summary['in_order'] else 'out of'} order, {summary['skipped']} skipped): "
            "see out/demo.json"
        )
    if not summary["all_finite"]:
        raise DemoError("a frame has vertices that are not finite: see out/demo.json")


def show(summary: dict[str, Any]) -> None:
    """The one-screen summary."""
    latency, hop = summary["latency_ms"], summary["hop_compute_ms"]
    print(
        f"""
  sound      {summary["audio"]} ({summary["seconds"]} s), style "{summary["style"]}"
  frames     {summary["frames_received"]} of {summary["frames_expected"]} received, \
{summary["vertices"]} vertices, {summary["skipped"]} skipped, {summary["starved"]} starved ticks
  latency    p50 {latency["p50"]} ms, p99 {latency["p99"]} ms (sound to face, real time)
  hop        p50 {hop["p50"]} ms, p99 {hop["p99"]} ms of {2 * summary["half_hop_ms"]:.0f} ms
  model      {summary["model"]} {summary["model_hash"][:12]} on {summary["backend"]}
"""
    )


def run(audio: str, style: str) -> None:
    """Everything; see the module."""
    sample = Path(get_package_share_directory("m2f_node"), "samples", "hello.opus")
    path = Path(audio or sample).expanduser().resolve()
    sound = read_sound(path)
    seconds = len(sound.samples) / sound.rate_hz
    if not 1 / contract.FRAME_RATE_HZ <= seconds <= LONGEST_S:
        raise DemoError(
            f"{path} lasts {seconds:.2f} s; the demo takes from one frame to {LONGEST_S:.0f} s "
            "(m2f animate takes longer ones)"
        )
    OUT.mkdir(exist_ok=True)
    rclpy.init()
    try:
        with tempfile.TemporaryDirectory() as logs:
            received = receive(sound, path, style, Path(logs))
    finally:
        rclpy.try_shutdown()
    summary = summarise(received, sound, path, style)
    summary_path = OUT / "demo.json"
    summary_path.write_text(json.dumps(summary, indent=2) + "\n")
    check(summary)
    video_path = OUT / "demo.mp4"
    _render(received, sound, video_path)
    show(summary)
    print(f"{video_path.resolve()}\n{summary_path.resolve()}")


def _render(received: Received, sound: Sound, path: Path) -> None:
    from media2face.render.video import write_video  # needs the extra 'render'

    topology = make_backend("auto", find_model(DEFAULT_MODEL)).topology
    samples = sound.samples.astype(np.float32).mean(axis=1) / 32768
    write_video(path, to_motion(received), topology, samples, sound.rate_hz)


def main() -> int:
    # Other faces on this network are none of the demo's, unless the caller chose the domain.
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    try:
        run(os.environ.get("AUDIO", ""), os.environ.get("STYLE", ""))
    except (DemoError, ValueError, OSError) as error:
        print(f"demo failed: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        print("demo stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
