"""The head is drawn: pictures, films, strips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from media2face.contract import FRAME_RATE_HZ
from media2face.face.topology import Topology, load_topology
from media2face.types import Motion

pytest.importorskip("moderngl", reason="the render extra is not installed")
av = pytest.importorskip("av", reason="the render extra is not installed")

from media2face.render.mesh import SmoothNormals  # noqa: E402
from media2face.render.renderer import Renderer, RenderError, make_context  # noqa: E402
from media2face.render.sheet import film_strip  # noqa: E402
from media2face.render.texture import CHART_SIZE, load_skin, paint_skin  # noqa: E402
from media2face.render.video import encode_video, write_video  # noqa: E402

MODELS = Path(__file__).resolve().parents[3] / "models"
REST = np.array([0, 0, 0, 0, 0, 0, 1], np.float32)


@pytest.fixture(scope="module")
def topology() -> Topology:
    return load_topology(MODELS / "gnpfa" / "topology_full.npz")


@pytest.fixture(scope="module")
def egl() -> None:
    try:
        make_context().release()
    except RenderError as error:
        pytest.skip(str(error))


def open_mouth(topology: Topology, gap_m: float) -> np.ndarray:
    """Drops the lower half of the face chart and what hangs on it: crude, but an open mouth."""
    vertices = topology.neutral.copy()
    u, v = topology.uv.T
    moved = (u < 1) & (v < 0.43)  # the mouth is a hole in the chart, 0.43 goes through it
    for name in topology.part_names:
        moved[topology.part(name)] &= name == "skin"
    moved[topology.part("teeth_lower")] = moved[topology.part("tongue")] = True
    vertices[moved, 2] -= gap_m
    return vertices


def test_picture_shows_a_head_on_a_backdrop(egl: None, topology: Topology) -> None:
    with Renderer(topology, 192, 160) as renderer:
        image = renderer.draw(topology.neutral, REST)
    assert image.shape == (160, 192, 3)
    assert image.dtype == np.uint8
    assert image.std() > 30
    face, corner = image[60:90, 86:106].mean(axis=(0, 1)), image[4, 4].astype(float)
    assert face[0] > face[2] + 20  # skin is warmer than it is blue
    assert corner[2] > corner[0]  # the backdrop is cool


def test_open_mouth_is_darker_where_the_lips_part(egl: None, topology: Topology) -> None:
    with Renderer(topology, 256, 256, "mouth") as renderer:
        closed = renderer.draw(topology.neutral, REST).astype(float)
        opened = renderer.draw(open_mouth(topology, 0.015), REST).astype(float)
    middle = np.s_[120:160, 100:150]
    assert closed[middle].mean() - opened[middle].mean() > 40
    assert np.abs(closed[:40] - opened[:40]).mean() < 2  # the nose stays


def test_head_pose_turns_the_face_and_leaves_the_shoulders(egl: None, topology: Topology) -> None:
    turned = np.array([0, 0, 0, 0, 0, np.sin(0.15), np.cos(0.15)], np.float32)
    with Renderer(topology, 192, 192) as renderer:
        rest = renderer.draw(topology.neutral, REST).astype(float)
        turn = renderer.draw(topology.neutral, turned).astype(float)
    assert np.abs(rest - turn)[60:110, 60:130].mean() > 5
    assert np.abs(rest - turn)[180:].mean() < 1


def test_same_input_same_picture(egl: None, topology: Topology) -> None:
    pictures = []
    for _ in range(2):
        with Renderer(topology, 128, 128, "three_quarter") as renderer:
            pictures.append(renderer.draw(topology.neutral, REST))
    np.testing.assert_array_equal(*pictures)


def test_two_renderers_take_turns(egl: None, topology: Topology) -> None:
    with Renderer(topology, 96, 96) as one, Renderer(topology, 64, 64, "mouth") as other:
        first = one.draw(topology.neutral, REST)
        close = other.draw(topology.neutral, REST)
        np.testing.assert_array_equal(one.draw(topology.neutral, REST), first)
    assert close.shape == (64, 64, 3)


def test_missing_egl_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLCONTEXT_LINUX_LIBEGL", "libnot-there.so")
    with pytest.raises(RenderError, match="apt install libegl1"):
        make_context()


def test_wrong_input_is_named(egl: None, topology: Topology) -> None:
    with pytest.raises(ValueError, match="three_quarter"):
        Renderer(topology, camera="behind")
    with Renderer(topology, 64, 64) as renderer, pytest.raises(ValueError, match="topology has"):
        renderer.draw(topology.neutral[:-1], REST)


def test_normals_of_a_sphere_point_outwards_across_the_seam(topology: Topology) -> None:
    normals = SmoothNormals(topology.triangles, topology.weld)(topology.neutral)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-4)
    eye = topology.part("eye_left")
    outwards = topology.neutral[eye] - topology.eye_centres[0]
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    assert (normals[eye] * outwards).sum(axis=1).min() > 0.9
    np.testing.assert_array_equal(normals, normals[topology.weld])


def test_shipped_skin_is_the_one_painted_from_the_shipped_topology(topology: Topology) -> None:
    pytest.importorskip("scipy", reason="painting needs the train extra")
    size = CHART_SIZE // 4
    shipped = load_skin()[::-1]
    assert shipped.shape == (CHART_SIZE, 2 * CHART_SIZE, 4)
    small = shipped.reshape(size, 4, 2 * size, 4, 4).mean(axis=(1, 3))
    assert np.abs(small[..., :3] - paint_skin(topology, size)[..., :3]).mean() < 5


def test_film_has_every_frame_and_all_the_sound(
    egl: None, topology: Topology, tmp_path: Path
) -> None:
    frames, rate = 24, 16_000
    motion = Motion(
        vertices=np.stack([open_mouth(topology, 0.012 * (k % 2)) for k in range(frames)]),
        blendshapes=np.zeros((frames, 52), np.float32),
        latent=np.zeros((frames, 48), np.float32),
        head_pose=np.tile(REST, (frames, 1)),
        eyes=np.zeros((frames, 4), np.float32),
    )
    samples = np.zeros(frames * rate // FRAME_RATE_HZ, np.float32)
    click = len(samples) // 2
    samples[click : click + 160] = 0.8
    path = tmp_path / "film.mp4"
    write_video(path, motion, topology, samples, rate, size=128, progress=False)
    with av.open(str(path)) as film:
        assert film.streams.video[0].average_rate == FRAME_RATE_HZ
        pictures = [f.to_ndarray(format="rgb24") for f in film.decode(video=0)]
    with av.open(str(path)) as film:
        heard = [(f.pts, f.to_ndarray()[0]) for f in film.decode(audio=0)]
        sound_rate = film.streams.audio[0].rate
    assert len(pictures) == frames
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() > 0.05
    sound = np.concatenate([block for _, block in heard])
    assert sound.size / sound_rate == pytest.approx(frames / FRAME_RATE_HZ, abs=0.045)
    loudest = (np.abs(sound).argmax() + heard[0][0]) / sound_rate
    assert loudest == pytest.approx(click / rate, abs=0.015)
    assert list(tmp_path.iterdir()) == [path]


def test_failed_film_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")

    def pictures():
        yield np.zeros((64, 64, 3), np.uint8)
        raise RuntimeError("lost the frames")

    with pytest.raises(RuntimeError, match="lost the frames"):
        encode_video(path, pictures(), np.zeros(16_000, np.float32), 16_000, size=64)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ValueError, match="even"):
        encode_video(path, iter(()), np.zeros(1, np.float32), 16_000, size=65)


def test_film_strip_places_pictures_row_by_row() -> None:
    frames = [np.full((20, 30, 3), 80 * k, np.uint8) for k in range(3)]
    strip = film_strip(frames, 2, ["a", "b", "c"])
    assert strip.width == 64
    assert strip.getpixel((40, 5)) == (80, 80, 80)
    assert strip.getpixel((5, strip.height - 30)) == (160, 160, 160)
    with pytest.raises(ValueError, match="2 labels for 3"):
        film_strip(frames, 2, ["a", "b"])
