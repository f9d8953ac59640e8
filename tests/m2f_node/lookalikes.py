"""Interface packages of others, written anew with the names and fields that those publish, built
by ROS's own generators into prefixes of their own: enough to talk to real nodes that use them.

A build takes seconds of one core and is kept below .cache for the next run of the tests.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ament_index_python.packages import PackageNotFoundError, get_package_prefix

CACHE = Path(__file__).parents[2] / ".cache" / "lookalikes"
# package -> message -> its fields
Packages = dict[str, dict[str, str]]
DRIVERS: Packages = {
    "audio_common_msgs": {
        "AudioData": "uint8[] data",
        "AudioDataStamped": "std_msgs/Header header\naudio_common_msgs/AudioData audio",
        "AudioInfo": "uint8 channels\nuint32 sample_rate\nstring sample_format\n"
        "uint32 bitrate\nstring coding_format",
    }
}
MGONZS13: Packages = {
    "audio_common_msgs": {
        "AudioData": "float32[] float32_data\nint32[] int32_data\nint16[] int16_data\n"
        "int8[] int8_data\nuint8[] uint8_data",
        "AudioInfo": "int32 format\nint32 channels\nint32 rate\nint32 chunk",
        "Audio": "audio_common_msgs/AudioData audio_data\naudio_common_msgs/AudioInfo info",
        "AudioStamped": "std_msgs/Header header\naudio_common_msgs/Audio audio",
    }
}
HRI: Packages = {
    "hri_msgs": {
        "Expression": "std_msgs/Header header\nstring expression\nfloat32 valence\n"
        "float32 arousal\nfloat32 confidence"
    }
}
MANIFEST = """<?xml version="1.0"?>
<package format="3">
  <name>{name}</name>
  <version>0.0.0</version>
  <description>Fields of {name}, for tests.</description>
  <maintainer email="maintainers@m2f-node.invalid">m2f_node maintainers</maintainer>
  <license>Apache-2.0</license>
  <buildtool_depend>ament_cmake</buildtool_depend>
  <depend>std_msgs</depend>
  <member_of_group>rosidl_interface_packages</member_of_group>
  <export><build_type>ament_cmake</build_type></export>
</package>
"""
# Only what rclpy needs of rosidl_default_generators: it saves half of the compiling.
GENERATORS = (
    "rosidl_cmake",
    "rosidl_generator_type_description",
    "rosidl_generator_c",
    "rosidl_generator_cpp",
    "rosidl_typesupport_fastrtps_cpp",
    "rosidl_typesupport_fastrtps_c",
    "rosidl_typesupport_c",
    "rosidl_generator_py",
)


def build(packages: Packages) -> Path:
    """Prefix with the packages; made on the first call. Skips the test where it cannot be."""
    text = repr(sorted(packages.items())) + sys.version + MANIFEST + str(GENERATORS)
    prefix = CACHE / hashlib.sha256(text.encode()).hexdigest()[:16]
    if (prefix / "done").exists():
        return prefix
    try:
        get_package_prefix("rosidl_generator_py")
    except PackageNotFoundError:
        pytest.skip("ROS 2 has no rosidl_generator_py here: messages cannot be generated")
    if not shutil.which("cmake"):
        pytest.skip("no cmake: messages cannot be generated")
    shutil.rmtree(prefix, ignore_errors=True)
    for name, messages in packages.items():
        source = prefix / "src" / name
        _write(source, name, messages)
        _run("cmake", "-S", source, "-B", prefix / "build" / name, *_options(prefix))
        _run("cmake", "--build", prefix / "build" / name, "-j2")
        _run("cmake", "--install", prefix / "build" / name)
    (prefix / "done").touch()
    return prefix


def _options(prefix: Path) -> list[str]:
    return [
        f"-DPython3_EXECUTABLE={sys.executable}",
        f"-DCMAKE_INSTALL_PREFIX={prefix}",
        f"-DCMAKE_PREFIX_PATH={os.environ.get('AMENT_PREFIX_PATH', sys.prefix)}".replace(":", ";"),
        "-DBUILD_TESTING=OFF",
    ]


def _run(*command: str | Path) -> None:
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def _write(source: Path, name: str, messages: dict[str, str]) -> None:
    (source / "msg").mkdir(parents=True)
    for message, fields in messages.items():
        (source / "msg" / f"{message}.msg").write_text(fields + "\n")
    (source / "package.xml").write_text(MANIFEST.format(name=name))
    found = "\n".join(f"find_package({package} REQUIRED)" for package in GENERATORS)
    files = " ".join(f'"msg/{message}.msg"' for message in messages)
    (source / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.8)\nproject({name})\n"
        f"find_package(ament_cmake REQUIRED)\n{found}\nfind_package(std_msgs REQUIRED)\n"
        f"rosidl_generate_interfaces({name} {files} DEPENDENCIES std_msgs)\nament_package()\n"
    )


def source(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What sourcing the prefix would do, for the processes that are started from now on."""
    site = next(prefix.glob("lib/python3*/site-packages"), None) or next(
        prefix.glob("local/lib/python3*/dist-packages")
    )
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(prefix / "lib"), prepend=os.pathsep)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(prefix), prepend=os.pathsep)
