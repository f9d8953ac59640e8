"""Running a lifecycle node to its end."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TypeVar

import rclpy
from rclpy._rclpy_pybind11 import RCLError
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.node import Node

ENDING_S = 0.3

AnyNode = TypeVar("AnyNode", bound=LifecycleNode)
Transition = Callable[[AnyNode, LifecycleState], TransitionCallbackReturn]


def logged(transition: Transition[AnyNode]) -> Transition[AnyNode]:
    """Logs what a transition raises; rclpy itself swallows it and reports ERROR alone."""

    @wraps(transition)
    def wrapped(node: AnyNode, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(node, state)
        except Exception:
            node.get_logger().error(f"{transition.__name__} failed:\n{traceback.format_exc()}")
            raise

    return wrapped


def run_lifecycle_nodes(nodes: Sequence[LifecycleNode]) -> int:
    """Spins `nodes` until SIGINT, SIGTERM or shutdown; those whose parameter `autostart` says so
    are made active first.

    Returns:
        Exit status: 1 where autostart fails, else 0.
    """
    # One thread: the multi-threaded executor loses large messages under load.
    executor = SingleThreadedExecutor()
    try:
        for node in nodes:
            executor.add_node(node)
            if not node.get_parameter("autostart").value:
                continue
            for trigger in (node.trigger_configure, node.trigger_activate):
                if trigger() != TransitionCallbackReturn.SUCCESS:
                    node.get_logger().fatal("cannot start; the reason is above")
                    return 1
        _spin(executor)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        executor.shutdown()
    return 0


def _spin(executor: SingleThreadedExecutor) -> None:
    while rclpy.ok():
        try:
            executor.spin()
        except RCLError as error:
            # rclpy raises out of spin() when a client asks for a transition that the state
            # does not have; the request is refused all the same, so go on.
            if _ended():
                return
            executor.get_nodes()[0].get_logger().warning(f"a request was refused: {error}")


def _ended() -> bool:
    """Whether this process is being shut down. A signal that comes while rclpy takes or sends a
    message surfaces as an error of that, a moment before the context ends."""
    deadline = time.monotonic() + ENDING_S
    while rclpy.ok() and time.monotonic() < deadline:
        time.sleep(0.005)
    return not rclpy.ok()


def run_node(name: str, make: Callable[[], Node]) -> int:
    """Makes a node and spins it until SIGINT, SIGTERM or shutdown.

    Args:
        name: to report under what `make` raises.
        make: the node's class.

    Returns:
        Exit status: 1 where the node cannot be made, else 0.
    """
    rclpy.init()
    node: Node | None = None
    try:
        node = make()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        executor.spin()
    except (ImportError, ValueError, OSError) as error:
        if node is not None:
            raise
        rclpy.logging.get_logger(name).fatal(str(error))
        return 1
    except RuntimeError:
        if not _ended():
            raise
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0
