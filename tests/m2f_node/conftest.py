"""Nodes as real processes, and a client in the test's process that talks to them over DDS."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

# Importable without ROS; the tests that use these are marked `ros` and skip where it is absent.
try:
    import rclpy
    from ament_index_python.packages import get_package_prefix, get_package_share_directory
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.node import Node
except ImportError:
    collect_ignore_glob = ["test_*.py"]

TIMEOUT_S = 30.0


class NodeProcess:
    """An installed executable of m2f_node, its output line by line."""

    def __init__(self, executable: str, *parameters: str, arguments: tuple[str, ...] = ()) -> None:
        path = Path(get_package_prefix("m2f_node"), "lib", "m2f_node", executable)
        command = [str(path), "--ros-args", *arguments]
        for parameter in parameters:
            command += ["-p", parameter]
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip())
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, text: str, timeout_s: float = TIMEOUT_S) -> str:
        """The first line of output with `text` in it."""

        def found() -> str | None:
            return next((line for line in self.lines if text in line), None)

        with self._changed:
            self._changed.wait_for(lambda: found() or not self._reader.is_alive(), timeout_s)
        line = found()
        assert line is not None, f"no '{text}' in the output:\n" + "\n".join(self.lines)
        return line

    def wait(self, timeout_s: float = TIMEOUT_S) -> int:
        """Exit status, once the process has ended by itself."""
        status = self.process.wait(timeout_s)
        self._reader.join(timeout_s)
        return status

    def stop(self) -> int:
        """Exit status after SIGINT."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


@pytest.fixture
def start() -> Iterator[Callable[..., NodeProcess]]:
    """Starts executables of m2f_node; what still runs at the end of the test is stopped."""
    started: list[NodeProcess] = []

    def _start(*args: Any, **kwargs: Any) -> NodeProcess:
        started.append(NodeProcess(*args, **kwargs))
        return started[-1]

    yield _start
    with ExitStack() as stack:  # one that does not end must not keep the others from it
        for node in started:
            stack.callback(node.stop)


class Client:
    """A node in this process, spun by whoever waits."""

    def __init__(self) -> None:
        rclpy.init()
        self.node = Node("test_client")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)

    def spin_until(self, condition: Callable[[], Any], timeout_s: float = TIMEOUT_S) -> Any:
        """Spins until `condition` is true and returns its value."""
        deadline = time.monotonic() + timeout_s
        while not (value := condition()):
            assert time.monotonic() < deadline, "the event waited for did not come"
            self._executor.spin_once(timeout_sec=0.05)
        return value

    def collect(self, kind: Any, topic: str, qos: Any = 1000) -> list[Any]:
        """The list that messages on `topic` are appended to."""
        messages: list[Any] = []
        self.node.create_subscription(kind, topic, messages.append, qos)
        return messages

    def publisher(self, kind: Any, topic: str, qos: Any = 1000) -> Any:
        """A publisher that somebody listens to already."""
        publisher = self.node.create_publisher(kind, topic, qos)
        self.spin_until(lambda: publisher.get_subscription_count() > 0)
        return publisher

    def call(self, kind: Any, name: str, request: Any) -> Any:
        """The answer of a service."""
        client = self.node.create_client(kind, name)
        self.spin_until(client.service_is_ready)
        future = client.call_async(request)
        self.spin_until(future.done)
        return future.result()

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown()


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client()
    yield made
    made.close()


@pytest.fixture(scope="session")
def sample() -> Path:
    """The sound that is shipped with the nodes: speech, a pause, speech."""
    return Path(get_package_share_directory("m2f_node"), "samples", "hello.opus")
