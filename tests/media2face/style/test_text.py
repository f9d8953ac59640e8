"""The shipped text tower: what it understands, and that no prompt breaks it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from media2face.contract import EMOTIONS, STYLE_DIM
from media2face.corpus import captions
from media2face.style.text import TextEncoder, clean_prompt

MODEL = Path(__file__).parents[3] / "models" / "style"

# In no caption and no lexicon, whichever split (checked below).
FRESH = {
    "happy": ("speak as if it were your wedding day", "grinning like a fool", "yippee"),
    "sad": ("she just lost her husband", "a tear rolling down the cheek", "despondency"),
    "angry": ("you are going to pay for this", "in a furious temper", "hateful shouting"),
    "surprised": ("an astonishing discovery", "with a shocked stare", "wow I am amazed"),
    "afraid": ("scared of the monster under the bed", "a frightened child", "terrifying"),
    "disgusted": ("eating rotten meat", "the smell of vomit is disgusting", "what a gross toilet"),
    "contemptuous": ("arrogantly mocking", "a snobbish sneer", "sneer at the peasants"),
    "neutral": ("reading the stock market report", "speak in a normal way", "a calm lecture"),
}


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder(MODEL)


def heaviest(encoder: TextEncoder, text: str) -> str:
    weights, _ = encoder.describe(text)
    return max(weights, key=weights.__getitem__)


def test_fresh_prompts_land_on_their_emotion(encoder: TextEncoder) -> None:
    known = {w.text for w in captions.wordings()}
    cases = [(text, emotion) for emotion, texts in FRESH.items() for text in texts]
    assert not known & {text for text, _ in cases}
    wrong = [(t, e, heaviest(encoder, t)) for t, e in cases if heaviest(encoder, t) != e]
    assert len(wrong) <= 5, wrong


def test_held_out_wordings_beat_chance_by_far(encoder: TextEncoder) -> None:
    held_out = [w for w in captions.wordings() if captions.split_of(w.text) == "test"]
    right = np.mean([heaviest(encoder, w.text) == w.emotion for w in held_out])
    assert len(held_out) > 200
    assert right > 3.5 / len(EMOTIONS), right


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("happy", "happy"),
        ("speak in a sad voice", "sad"),
        ("FURIOUS!!", "angry"),
        ("over the moon", "happy"),
        ("not happy at all", "sad"),
        ("not angry", "neutral"),
        ("scared to death", "afraid"),
        ("whispering a secret", "neutral"),
        ("disgusted", "disgusted"),
        ("with contempt", "contemptuous"),
        ("flabbergasted", "surprised"),
    ],
)
def test_common_prompts(encoder: TextEncoder, text: str, emotion: str) -> None:
    assert heaviest(encoder, text) == emotion


@pytest.mark.parametrize("word", ["happy", "sad", "angry", "afraid", "surprised", "disgusted"])
def test_intensity_follows_the_modifier(encoder: TextEncoder, word: str) -> None:
    slight, plain, very = (
        encoder.describe(t)[1] for t in (f"slightly {word}", word, f"extremely {word}")
    )
    assert slight + 0.1 < plain < very - 0.1


def test_code_is_unit_float32_and_the_same_every_time(encoder: TextEncoder) -> None:
    first = encoder.encode("a bit gloomy")
    assert first.shape == (STYLE_DIM,)
    assert first.dtype == np.float32
    assert abs(np.linalg.norm(first) - 1) < 1e-5
    first[:] = 0  # the caller's copy, not the cache's
    again = encoder.encode("a bit gloomy")
    np.testing.assert_array_equal(again, TextEncoder(MODEL).encode("a bit gloomy"))
    np.testing.assert_array_equal(again, encoder.encode("  A bit\tGLOOMY".lower()))


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "happy " * 50_000,
        "\x00\x07happy\x1b[31m",
        "😀🎉" * 300,
        "快乐 счастливый سعيد",
        "\ud800 lone surrogate",
        "a\u0301\u0302\u0303" * 500,
        "[PAD] [MASK] [CLS]",
        "%s {} \\ '; DROP TABLE",
        "q" * 5000,
    ],
)
def test_odd_prompts_give_a_code(encoder: TextEncoder, text: str) -> None:
    code = encoder.encode(text)
    assert np.isfinite(code).all()
    assert abs(np.linalg.norm(code) - 1) < 1e-5


@pytest.mark.parametrize("text", ["", "   ", "\x00\n\t", "\u200b"])
def test_empty_prompt_is_refused(encoder: TextEncoder, text: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        encoder.encode(text)


def test_control_characters_are_stripped() -> None:
    assert clean_prompt("\x00 very\x07\thappy\n") == "very happy"


def test_changed_file_is_named(tmp_path: Path) -> None:
    for path in MODEL.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match=r"tokenizer\.json.*sha256"):
        TextEncoder(tmp_path)


def test_run_time_needs_no_torch() -> None:
    code = (
        "import sys; from pathlib import Path; from media2face.style.text import TextEncoder;"
        f"TextEncoder(Path({str(MODEL)!r})).encode('happy');"
        "assert not {'torch', 'transformers', 'onnx'} & set(sys.modules)"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )


def test_torch_and_onnxruntime_agree(encoder: TextEncoder) -> None:
    torch = pytest.importorskip("torch", reason="torch is in the train extra")
    pytest.importorskip("onnx", reason="onnx is in the train extra")
    from media2face.training.style_tower import load_tower

    tower = load_tower(MODEL / "style.onnx")
    for text in ("happy", "not sad at all", "as if you just won the lottery " * 4):
        ids = torch.tensor([encoder._tokenizer.encode(text).ids])
        with torch.no_grad():
            code, emotions, intensity = tower(ids)
        weights, strength = encoder.describe(text)
        np.testing.assert_allclose(code[0].numpy(), encoder.encode(text), atol=1e-3)
        np.testing.assert_allclose(emotions[0].numpy(), list(weights.values()), atol=1e-3)
        assert abs(intensity.item() - strength) < 1e-3
