"""What runs the networks. Each backend imports its own library, late."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from media2face.backends.base import Backend

BACKENDS = ("auto", "onnxruntime", "torch")


def make_backend(kind: str, folder: Path, threads: int = 1, level: str = "full") -> Backend:
    """Loads the model in `folder`.

    Args:
        kind: "onnxruntime", "torch", or "auto" (ONNX Runtime).
        threads: CPU threads inside one network call.
        level: of the mesh, one of face.topology.LEVELS.

    Raises:
        ValueError: an unknown kind or level, or a damaged model (named, with its field).
        FileNotFoundError: a file of the model is missing.
        ImportError: torch is asked for and not installed; the message names the extra.
    """
    from media2face.backends.model import ModelBackend

    if kind in ("auto", "onnxruntime"):
        from media2face.backends.onnx import OnnxNetworks

        return ModelBackend("onnxruntime", folder, OnnxNetworks(folder, threads), level)
    if kind == "torch":
        try:
            from media2face.backends.torch import TorchNetworks
        except ImportError as error:
            raise ImportError(
                "backend 'torch' needs PyTorch: pip install 'media2face[train]'"
            ) from error
        return ModelBackend("torch", folder, TorchNetworks(folder, threads), level)
    raise ValueError(f"no backend {kind!r}; there are {', '.join(BACKENDS)}")
