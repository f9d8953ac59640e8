"""Torch modules to ONNX graphs that are small, self-contained and free of build paths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
REFER_FROM_BYTES = 1 << 16
HALF_FROM = 64  # weights with at least this many numbers are stored as float16


def export_graph(
    module: torch.nn.Module,
    inputs: tuple[torch.Tensor, ...],
    path: Path,
    names: tuple[list[str], list[str]],
    dynamic: tuple[dict[int, Any] | None, ...],
    optimize: bool = True,
    shared: Path | None = None,
) -> None:
    """Writes one ONNX file (opset 20), weights stored as float16 behind a Cast that the run time
    folds when it loads the graph: half the size, computed in float32.

    Args:
        inputs: an example of each input; no dynamic dimension may be 1 in it.
        names: of the inputs and of the outputs.
        dynamic: for each input its dynamic dimensions as torch.export.Dim, or None.
        optimize: let the exporter fold and rename; False keeps the names of the weights.
        shared: a safetensors file beside `path`; large weights that lie in it as they are in the
            graph are read from there instead of being stored twice (ONNX external data).
    """
    program = torch.onnx.export(
        module.eval(), inputs, input_names=names[0], output_names=names[1],
        dynamic_shapes=dynamic, opset_version=OPSET, external_data=False, optimize=optimize,
        verbose=False,
    )  # fmt: skip
    model = program.model_proto
    _store_halves(model.graph)
    _forget_origin(model)
    if shared is not None:
        _refer(model.graph, shared)
    path.write_bytes(model.SerializeToString())
    onnx.checker.check_model(path)


def _store_halves(graph: onnx.GraphProto) -> None:
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < HALF_FROM:
            continue
        name, half = tensor.name, numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.f16"))
        casts.append(helper.make_node("Cast", [f"{name}.f16"], [name], to=TensorProto.FLOAT))
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)


def _refer(graph: onnx.GraphProto, shared: Path) -> None:
    """Replaces large weights by references into a safetensors file (8 bytes of header length,
    the header as JSON, the tensors)."""
    raw = shared.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])
    header.pop("__metadata__", None)
    places = {}
    for entry in header.values():
        begin, end = (start + offset for offset in entry["data_offsets"])
        places[raw[begin:end]] = (begin, end - begin)
    for tensor in graph.initializer:
        data = tensor.raw_data
        if len(data) < REFER_FROM_BYTES or data not in places:
            continue
        offset, length = places[data]
        onnx.external_data_helper.set_external_data(tensor, shared.name, offset, length)
        tensor.ClearField("raw_data")


def _forget_origin(model: onnx.ModelProto) -> None:
    """The exporter notes source lines and paths of the machine it ran on."""
    graph = model.graph
    for node in graph.node:
        node.doc_string = ""
    for item in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        del item.metadata_props[:]
    del graph.metadata_props[:], model.metadata_props[:]
