"""Watches a face with rclpy and m2f_msgs alone, as a robot's own node would. Run as a process.

Prints one JSON object when the frame with index argv[1] (or a later one) has come.
"""

from __future__ import annotations

import json
import math
import sys

import rclpy
from geometry_msgs.msg import PoseStamped
from m2f_msgs.msg import FaceFrame, FaceTopology
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile

INNER_UPPER_LIP, INNER_LOWER_LIP = 62, 66


class Outsider(Node):
    def __init__(self, last_index: int) -> None:
        super().__init__("outsider")
        self.last_index = last_index
        self.done = rclpy.task.Future()
        self.topology: FaceTopology | None = None
        self.openings_m: list[float] = []
        self.indices: list[int] = []
        self.stamps: list[int] = []
        self.poses: list[PoseStamped] = []
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.create_subscription(FaceTopology, "face/topology", self.on_topology, latched)
        self.create_subscription(PoseStamped, "face/head_pose", self.poses.append, 100)
        self.create_subscription(FaceFrame, "face/frame", self.on_frame, 100)

    def on_topology(self, msg: FaceTopology) -> None:
        self.topology = msg
        print("ready", flush=True)

    def on_frame(self, msg: FaceFrame) -> None:
        assert self.topology is not None and msg.topology_id == self.topology.topology_id
        upper, lower = (
            3 * int(self.topology.landmarks68[lip]) for lip in (INNER_UPPER_LIP, INNER_LOWER_LIP)
        )
        self.openings_m.append(
            math.dist(msg.vertices[upper : upper + 3], msg.vertices[lower : lower + 3])
        )
        self.indices.append(msg.index)
        self.stamps.append(msg.header.stamp.sec * 10**9 + msg.header.stamp.nanosec)
        if msg.index >= self.last_index:
            self.done.set_result(None)


def main() -> None:
    rclpy.init()
    node = Outsider(int(sys.argv[1]))
    rclpy.spin_until_future_complete(node, node.done, timeout_sec=60)
    turns = [abs(pose.pose.orientation.w) for pose in node.poses]
    print(
        json.dumps(
            {
                "indices": node.indices,
                "openings_m": node.openings_m,
                "stamps_ns": node.stamps,
                "poses": len(node.poses),
                "pose_frames": sorted({pose.header.frame_id for pose in node.poses}),
                "largest_w": max(turns, default=0),
                "project_code": sorted(
                    name for name in sys.modules if name.startswith(("media2face", "m2f_node"))
                ),
            }
        )
    )
    rclpy.shutdown()


if __name__ == "__main__":
    main()
