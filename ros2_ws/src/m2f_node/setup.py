"""Installs the nodes, the launch file, the example parameters and the sample sound."""

from __future__ import annotations

from pathlib import Path

from setuptools import find_packages, setup

NAME = "m2f_node"
rigs = sorted(str(path) for path in Path("config/rigs").glob("*.yaml"))
launches = sorted(str(path) for path in Path("launch").glob("*.launch.py"))

setup(
    name=NAME,
    version="0.1.0",
    description="A face that talks, as ROS 2 nodes.",
    license="Apache-2.0",
    maintainer="m2f_node maintainers",
    maintainer_email="maintainers@m2f-node.invalid",
    packages=find_packages(include=[NAME]),
    package_data={NAME: ["*.js"]},
    python_requires=">=3.10",
    install_requires=["media2face", "numpy", "soundfile", "tqdm"],
    extras_require={"test": ["pytest"], "viewer": ["viser"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/launch", launches),
        (f"share/{NAME}/config", ["config/m2f.yaml", "config/two_heads.yaml"]),
        (f"share/{NAME}/config/rigs", rigs),
        (f"share/{NAME}/urdf", ["urdf/inmoov_head.urdf"]),
        (f"share/{NAME}/rviz", ["rviz/inmoov_head.rviz", "rviz/face.rviz"]),
        (f"share/{NAME}/foxglove", ["foxglove/face.json"]),
        (f"share/{NAME}/samples", ["samples/hello.opus", "samples/README.md"]),
    ],
    entry_points={
        "console_scripts": [
            "m2f_node = m2f_node.face_node:main",
            "actuator = m2f_node.actuator:main",
            "audio_file = m2f_node.audio_file:main",
            "demo = m2f_node.demo:main",
            "microphone = m2f_node.microphone:main",
            "audio_bridge = m2f_node.audio_bridge:main",
            "audio_player = m2f_node.audio_player:main",
            "livelink = m2f_node.livelink:main",
            "marker = m2f_node.marker:main",
            "viewer = m2f_node.viewer:main",
        ]
    },
    zip_safe=False,
)
