"""Live Link Face: values, packets and takes."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from media2face.contract import BLENDSHAPE_NAMES
from media2face.corpus.rom import read_livelink
from media2face.exporting.livelink import (
    VALUE_DIM,
    VALUE_NAMES,
    Packet,
    decode,
    encode,
    make_device_id,
    mend,
    to_values,
)
from media2face.exporting.livelink_csv import COLUMNS, timecode, write_livelink_csv
from media2face.types import Motion

RNG = np.random.default_rng(3)
SUBJECT = "ein Gesicht ü"


def packet(**changes: object) -> Packet:
    values = RNG.uniform(-1, 1, VALUE_DIM).astype(np.float32)
    fields = {
        "device_id": make_device_id(SUBJECT), "subject": SUBJECT, "frame": 3_456_789,
        "subframe": 0.25, "rate": (60, 1), "values": values,
    }  # fmt: skip
    return Packet(**(fields | changes))


def test_a_packet_comes_back() -> None:
    sent = packet()
    got = decode(encode(sent))
    assert got.device_id == sent.device_id and len(got.device_id) == 36
    assert (got.subject, got.frame, got.subframe, got.rate) == (SUBJECT, 3_456_789, 0.25, (60, 1))
    np.testing.assert_array_equal(got.values, sent.values)


def test_the_bytes_are_where_receivers_look() -> None:
    data = encode(packet(subject="m2f", values=np.arange(VALUE_DIM, dtype=np.float32)))
    assert data[:5] == bytes([6, 0, 0, 0, 36])
    assert data[41:48] == b"\0\0\0\x03m2f"
    assert struct.unpack_from(">ifii", data, 48) == (3_456_789, 0.25, 60, 1)
    assert data[64] == 61
    assert struct.unpack_from(">61f", data, 65) == tuple(range(61))
    assert len(data) == 65 + 4 * 61


def test_what_is_no_packet_is_refused() -> None:
    data = encode(packet())
    for broken in (b"", b"\x07" + data[1:], data[:-1], data + b"\0", data[:1] + b"\x7f" * 60):
        with pytest.raises(ValueError, match=r"version|bytes|length"):
            decode(broken)
    with pytest.raises(ValueError, match="finite"):
        encode(packet(values=np.full(VALUE_DIM, np.nan, np.float32)))
    with pytest.raises(ValueError, match="subject"):
        encode(packet(subject=""))


def pose(axis: int, angle: float) -> np.ndarray:
    """A head turned about x, y or z by `angle`, float32 [7]."""
    head_pose = np.zeros(7, np.float32)
    head_pose[3 + axis], head_pose[6] = np.sin(angle / 2), np.cos(angle / 2)
    return head_pose


@pytest.mark.parametrize(
    ("axis", "name", "sign"), [(2, "HeadYaw", -1), (1, "HeadPitch", 1), (0, "HeadRoll", -1)]
)
def test_head_angles(axis: int, name: str, sign: int) -> None:
    values = to_values(np.zeros(52, np.float32), pose(axis, 0.3), np.zeros(4, np.float32))
    expected = np.zeros(VALUE_DIM)
    expected[VALUE_NAMES.index(name)] = sign * 0.3
    np.testing.assert_allclose(values, expected, atol=1e-6)


@pytest.mark.shared
def test_eye_angles_have_the_signs_of_real_takes(shared: Path) -> None:
    """Where a real eye looks in, out, up and down by its weights, ours has the same angles."""
    path = shared / "capture/livelink_rom/alex_rom_3.csv"
    with path.open() as file:
        header = file.readline().strip().split(",")[2:]
    assert tuple(header) == COLUMNS
    body = np.loadtxt(path, delimiter=",", skiprows=1, usecols=range(2, 63))
    real = {name: body[:, index] for index, name in enumerate(header)}
    left = real["EyeLookOutLeft"] - real["EyeLookInLeft"]  # to the face's left
    down = real["EyeLookDownLeft"] - real["EyeLookUpLeft"]
    eyes = np.stack([left, down, left, down], -1).astype(np.float32) * 0.6
    none = np.tile(pose(0, 0.0), (len(eyes), 1))
    ours = to_values(np.zeros((len(eyes), 52), np.float32), none, eyes)
    for name in ("LeftEyeYaw", "LeftEyePitch"):
        column = ours[:, VALUE_NAMES.index(name)]
        slope, _ = np.polyfit(column, real[name], 1)
        assert np.corrcoef(column, real[name])[0, 1] > 0.95
        assert 0.8 < slope < 1.2  # radians


def test_bad_values_are_mended() -> None:
    last = np.linspace(0, 1, VALUE_DIM).astype(np.float32)
    values = np.full(VALUE_DIM, 0.5, np.float32)
    values[[0, 52, 60]] = np.nan, np.inf, -np.inf
    values[[1, 2, 53]] = -0.2, 7.0, -9.0
    mended = mend(values, last)
    np.testing.assert_array_equal(mended[[0, 52, 60]], last[[0, 52, 60]])
    np.testing.assert_allclose(mended[[1, 2, 53, 3]], [0, 1, -np.pi, 0.5])


def test_a_take_comes_back(tmp_path: Path) -> None:
    frames = 65
    weights = RNG.uniform(0, 1, (frames, 52)).astype(np.float32)
    motion = Motion(
        vertices=np.zeros((frames, 1, 3), np.float32),
        blendshapes=weights,
        latent=np.zeros((frames, 48), np.float32),
        head_pose=np.tile(pose(1, 0.2), (frames, 1)),
        eyes=np.zeros((frames, 4), np.float32),
    )
    path = tmp_path / "a.csv"
    write_livelink_csv(path, motion)
    np.testing.assert_allclose(read_livelink(path), weights, atol=1e-4)
    lines = path.read_text().splitlines()
    assert len(lines) == frames + 1
    assert lines[0].startswith("Timecode,BlendShapeCount,EyeBlinkLeft,")
    assert lines[32].startswith("00:00:01:02.000,61,")
    row = dict(zip(lines[0].split(","), lines[9].split(","), strict=True))
    assert float(row["HeadPitch"]) == pytest.approx(0.2)
    assert float(row["JawLeft"]) == pytest.approx(weights[8, BLENDSHAPE_NAMES.index("jawLeft")])


def test_timecode_counts_sixty_a_second() -> None:
    assert timecode(29) == "00:00:00:58.000"
    assert timecode(30 * 3661) == "01:01:01:00.000"


def test_the_public_decoder_reads_our_packets() -> None:
    public = pytest.importorskip(
        "pylivelinkface", reason="PyLiveLinkFace is not installed: pip install PyLiveLinkFace"
    )
    sent = packet(subject="m2f")
    found, face = public.PyLiveLinkFace.decode(encode(sent))
    assert found
    assert face.name == "m2f"
    for index, name in enumerate(VALUE_NAMES):
        assert face.get_blendshape(public.FaceBlendShape[name]) == sent.values[index]
