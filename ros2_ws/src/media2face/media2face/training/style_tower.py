"""The text tower in torch, its export to ONNX and the way back. Training and tests only."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from media2face.contract import EMOTIONS, STYLE_DIM
from media2face.export.graph import export_graph
from media2face.style.text import MAX_TOKENS

WIDTH = 128
LAYERS = 2
HEADS = 4
CODE_LOGIT_SCALE = 12.0
TOKEN_NOISE = 0.6  # standard deviation; the table's rows have unit variance


class Block(nn.Module):
    """Pre-norm transformer layer."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.up = nn.Linear(WIDTH, 4 * WIDTH)
        self.down = nn.Linear(4 * WIDTH, WIDTH)
        self.drop = nn.Dropout(0.1)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """x float32 [B, L, W], bias float32 [B, 1, 1, L] -> float32 [B, L, W]."""
        h = self.norm1(x)
        q, k, v = (
            linear(h).unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for linear in (self.query, self.key, self.value)
        )
        attention = torch.softmax(q @ k.transpose(-1, -2) * (WIDTH // HEADS) ** -0.5 + bias, -1)
        x = x + self.drop(self.out((attention @ v).transpose(1, 2).flatten(2)))
        return x + self.drop(self.down(nnf.gelu(self.up(self.norm2(x)))))


class StyleTower(nn.Module):
    """Word pieces int64 [B, L] (0 = padding) -> style code, emotion weights, intensity.

    Args:
        table: int8 [vocabulary, W] token table.
        scale: float32 [vocabulary, 1] that brings a row of the table back to its units.
    """

    table: Tensor
    scale: Tensor

    def __init__(self, table: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("table", table)
        self.register_buffer("scale", scale)
        self.position = nn.Parameter(torch.randn(MAX_TOKENS, WIDTH) * 0.02)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        self.to_code = nn.Linear(WIDTH, STYLE_DIM)
        self.to_emotion = nn.Linear(STYLE_DIM, len(EMOTIONS))
        self.to_intensity = nn.Linear(STYLE_DIM, 1)

    def pool(self, ids: Tensor) -> Tensor:
        """float32 [B, W] mean over the word pieces that are not padding."""
        real = (ids != 0).float()
        x = nnf.embedding(ids, self.table).float() * nnf.embedding(ids, self.scale)
        if self.training:  # a word stands for its neighbourhood: synonyms not in any caption
            x = x + torch.randn_like(x) * TOKEN_NOISE
        x = x + self.position[: ids.shape[1]]
        bias = ((real - 1) * 1e4)[:, None, None, :]
        for block in self.blocks:
            x = block(x, bias)
        mean = (x * real[..., None]).sum(1) / real.sum(1, keepdim=True)
        return self.norm(mean)

    def heads(self, pooled: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Unit code [B, P], emotion logits [B, 8], intensity logit [B]."""
        code = nnf.normalize(self.to_code(pooled), dim=-1)
        scaled = code * CODE_LOGIT_SCALE
        return code, self.to_emotion(scaled), self.to_intensity(scaled).squeeze(-1)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Code float32 [B, P], emotion weights float32 [B, 8], intensity float32 [B]."""
        code, emotion, intensity = self.heads(self.pool(ids))
        return code, torch.softmax(emotion, -1), torch.sigmoid(intensity)


def export_onnx(model: StyleTower, path: Path) -> None:
    """Writes the tower; weights stored as fp16 behind a Cast that ONNX Runtime folds.

    Not optimised by the exporter, which would rename and turn the weights that `load_tower`
    reads back; ONNX Runtime does the same work when it loads the graph."""
    batch, length = torch.export.Dim("B", min=1), torch.export.Dim("L", min=2, max=MAX_TOKENS)
    export_graph(
        model,
        (torch.ones(2, 9, dtype=torch.long),),
        path,
        (["ids"], ["code", "emotions", "intensity"]),
        ({0: batch, 1: length},),
        optimize=False,
    )


def load_tower(path: Path) -> StyleTower:
    """The torch tower with the weights of a shipped style.onnx."""
    import onnx
    from onnx import numpy_helper

    state = {}
    for tensor in onnx.load(path).graph.initializer:
        array = torch.from_numpy(numpy_helper.to_array(tensor).copy())
        array = array.float() if array.dtype == torch.float16 else array
        state[tensor.name.removesuffix(".f16")] = array
    model = StyleTower(state["table"], state["scale"])
    model.load_state_dict({name: state[name] for name in model.state_dict()}, strict=True)
    return model.eval()
