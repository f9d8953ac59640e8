"""Phone maps, splits, joins and shards; the rows that need data or voices skip visibly."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from media2face.contract import SAMPLE_RATE_HZ, frame_count
from media2face.corpus import sources, speech, tts
from media2face.corpus.align import align_clip, normalise_text, read_audio, read_metadata
from media2face.corpus.geometry import lip_rig, measure_gap
from media2face.corpus.phones import Span, from_arpabet, from_dutch_ipa
from media2face.corpus.prosody import trim_to_sound
from media2face.corpus.sources import Item
from media2face.corpus.split import split_of
from media2face.corpus.visemes import INDEX, both_sides, lip_gap_mm, lip_offset_mm

SHARED = Path(__file__).resolve().parents[4] / "shared"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="no shared data folder")


def make_item(key: str, speaker: str = "one", split: str = "train") -> Item:
    rng = np.random.default_rng(len(key))
    audio = rng.normal(0, 800, 2 * SAMPLE_RATE_HZ).astype(np.int16)
    phones = (Span("m", 0.3, 0.4), Span("aa", 0.4, 0.7), Span("p", 0.7, 0.8))
    words = (Span("map", 0.3, 0.8),)
    return Item(key, "kathleen_en", speaker, "en", split, "CC0-1.0", key, audio, phones, words)


def test_phone_names_of_every_source() -> None:
    assert [from_arpabet(p) for p in ("AH0", "pau", "axr", "EL")] == ["ah", "sil", "er", "l"]
    assert [from_dutch_ipa(p) for p in ("ˈv", "œː", "SIL", "ɛi")] == ["v", "oe", "sil", "ey"]
    with pytest.raises(KeyError, match="qq"):
        from_arpabet("qq")


def test_words_of_a_transcript() -> None:
    assert normalise_text("The promoter’s wolf-dog, etc.") == [
        "the", "promoter's", "wolf", "dog", "etc"
    ]  # fmt: skip


def test_phones_are_cut_where_nothing_sounds() -> None:
    audio = np.random.default_rng(0).normal(0, 3000, 2 * SAMPLE_RATE_HZ)
    audio[int(0.8 * SAMPLE_RATE_HZ) : int(1.3 * SAMPLE_RATE_HZ)] /= 1000
    phones = (Span("aa", 0.4, 0.7), Span("dh", 0.7, 1.25), Span("s", 1.25, 1.5))
    cut = trim_to_sound(audio.astype(np.int16), phones)
    assert cut[0] == phones[0]
    assert cut[1].start_s == 0.7
    assert 0.74 <= cut[1].end_s < 0.9
    assert cut[2].end_s == 1.5


def test_splits_are_by_speaker_and_fixed() -> None:
    assert split_of("librispeech_en", "103", "a.opus") == split_of("librispeech_en", "103", "b")
    shares = [split_of("librispeech_en", str(i), "x") for i in range(3000)]
    assert 0.08 < shares.count("test") / 3000 < 0.12
    assert 0.035 < shares.count("dev") / 3000 < 0.065
    assert split_of("tts_en", "flite_awb", "x") == "test"
    assert split_of("facegood_zh", "facegood", "1114_2_05") == "test"
    assert split_of("kathleen_en", "kathleen", "x") == "train"


def test_joined_clips_keep_phones_on_their_sound() -> None:
    parts = [make_item(f"clip{i}") for i in range(3)]
    whole = sources.join(parts, 0)
    assert len(whole.audio) > 6 * SAMPLE_RATE_HZ
    for index, part in enumerate(parts):
        start = round((whole.phones[3 * index].start_s - 0.3) * SAMPLE_RATE_HZ)
        np.testing.assert_array_equal(whole.audio[start : start + len(part.audio)], part.audio)


def test_short_clips_are_joined_within_speaker_and_split() -> None:
    items = [make_item(f"a{i}") for i in range(6)] + [make_item("b", "two", "test")]
    joined = sources.join_short(items, seed=0)
    assert [(item.speaker, item.split) for item in joined] == [
        ("one", "train"), ("one", "train"), ("two", "test")
    ]  # fmt: skip


def test_shards_give_back_what_was_rendered(tmp_path: Path) -> None:
    items = [make_item("first"), make_item("second", split="test"), *sources.silence_items(0)[:1]]
    speech._write_shard(tmp_path / "x-000.npz", items, 0, "print")
    clips = {c.key: c for split in ("train", "test") for c in speech.iterate(tmp_path, split)}
    assert set(clips) == {"first", "second", "silence/000"}
    for item in items:
        clip = clips[item.key]
        frames = frame_count(len(item.audio), SAMPLE_RATE_HZ)
        np.testing.assert_array_equal(clip.audio, item.audio)
        takes, emotions, _ = speech.render(item, 0)
        assert clip.blendshapes.shape == (3, frames, 52)
        np.testing.assert_array_equal(clip.head[1], takes[1].head.astype(np.float16))
        np.testing.assert_array_equal(clip.emotion_ids, emotions)
        assert clip.phone_ids.shape == (frames,)
    assert clips["second"].split == "test"
    with pytest.raises(ValueError, match="unknown split"):
        next(speech.iterate(tmp_path, "trian"))


@pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")
def test_flite_gives_phones_that_fill_the_sound(tmp_path: Path) -> None:
    phones = tts.flite_utterance("slt", "Maybe Bob, please.", 1.0, tmp_path / "x.wav")
    audio = read_audio(tmp_path / "x.wav")
    assert [p.name for p in phones].count("b") == 3
    assert abs(phones[-1].end_s - len(audio) / SAMPLE_RATE_HZ) < 0.1


@pytest.mark.shared
@needs_shared
def test_gap_table_is_the_real_mouth() -> None:
    neutral, deltas = lip_rig(SHARED / "facekit" / "facekit.npz")
    rng = np.random.default_rng(0)
    weights = rng.uniform(0, 0.5, (50, 52)).astype(np.float32)
    weights[:, INDEX["tongueOut"]] = 0
    vertical, _ = measure_gap(neutral, deltas, weights)
    mean = 0.5 * vertical[:, 1] + 0.25 * (vertical[:, 0] + vertical[:, 2])
    np.testing.assert_allclose(lip_gap_mm(weights), mean, atol=0.3)
    assert lip_offset_mm(both_sides({"jawForward": 1.0})) < -7


@pytest.mark.shared
@needs_shared
def test_a_real_clip_is_aligned() -> None:
    pytest.importorskip("pocketsphinx")
    clips = [c for c in read_metadata(SHARED / "speech") if c.set == "kathleen_en"]
    alignment = align_clip(SHARED / "speech", clips[0])
    assert alignment.failure == ""
    names = [word.name for word in alignment.words]
    assert names[:4] == ["author", "of", "the", "danger"]
    starts = [p.start_s for p in alignment.phones]
    assert starts == sorted(starts)
