"""The web page of the viewer: head, controls, read-out and sound, in every browser that asks.

viser (extra `viewer`) serves it. The page's own script, viewer_page.js, adds what viser has not:
textures on moving meshes, and sound.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from media2face.render.texture import load_skin
from media2face.types import Float32

from m2f_node.viewer_mesh import BUST_COLOUR, Head, Patch, backdrop, bust, eye_texture

EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised", "afraid", "disgusted", "contemptuous")
SCRIPT = Path(__file__).with_name("viewer_page.js")
# A frame's stamp rides in one more vertex of the first mesh, see viewer_page.js.
CLOCK_WRAP_S, CLOCK_SCALE = 1000.0, 1e-4
# Position and target [m, base frame]; the visible height is the field of view's [rad].
CAMERAS = {
    "Front": ((1.55, 0.0, 0.0), (0.0, 0.0, -0.018)),
    "Three quarter": ((1.25, 0.88, 0.08), (0.01, 0.0, -0.018)),
    "Mouth": ((0.62, 0.07, -0.03), (0.10, 0.0, -0.036)),
}
FIELD_OF_VIEW_RAD = 0.25
_TEXTURES_AWAY_M = (-50.0, 0.0, 0.0)  # the pictures lie behind the camera's far end
# Direction from which light comes (base frame), colour, strength. No shadows: viser's are made for
# rooms, a head is a few texels in them.
_LIGHTS = {
    "key": ((0.72, 0.46, 0.52), (255, 246, 236), 2.7),
    "fill": ((0.72, -0.68, 0.10), (214, 230, 255), 0.9),
    "rim": ((-0.62, -0.62, 0.48), (226, 238, 255), 1.3),
}
_ROUGHNESS = {"skin": 0.62, "eye": 0.18, "teeth": 0.30, "tongue": 0.42, "gums": 0.40}
_TABLE_STYLE = "width:100%;font-size:0.8em;line-height:1.55"


class ViewerExtraMissing(ImportError):
    """viser is not installed; the message says how to get it."""


@dataclass(frozen=True)
class Actions:
    """What the controls do; called on threads of the page.

    Attributes:
        prompt: text, strength, transition [s].
        identity: name.
        reset: nothing.
    """

    prompt: Callable[[str, float, float], None]
    identity: Callable[[str], None]
    reset: Callable[[], None]


def import_viser() -> Any:
    """The module. Raises ViewerExtraMissing where it is absent."""
    try:
        import viser
    except ImportError as error:
        raise ViewerExtraMissing(
            f"the viewer needs the extra 'viewer' ({error}): pip install 'm2f_node[viewer]', or "
            "pip install -r requirements/viewer.txt"
        ) from error
    return viser


class Page:
    """One page for all browsers. Its methods may be called from one thread, not its own."""

    def __init__(self, host: str, port: int, title: str, actions: Actions) -> None:
        """Serves at once.

        Args:
            host: address to listen at; 0.0.0.0 = all.
            port: TCP; the next free one is taken where it is in use, any with 0.
            title: heading of the controls.
            actions: see there.
        """
        viser = import_viser()
        self._messages = viser._messages
        self._server = viser.ViserServer(host=host, port=port, label=title, verbose=False)
        self._actions = actions
        self._paint = "{}"
        self._delay_s = 0.0
        self._meshes: list[Any] = []
        self._head: Head | None = None
        self._script = SCRIPT.read_text()
        self._make_scene()
        self._make_controls()
        self._server.on_client_connect(self._greet)

    @property
    def port(self) -> int:
        """The one it listens at."""
        return int(self._server.get_port())

    @property
    def browsers(self) -> int:
        """How many have the page open."""
        return len(self._server.get_clients())

    def close(self) -> None:
        """Ends the server."""
        self._server.stop()

    # ---- scene -----------------------------------------------------------------------------

    def _make_scene(self) -> None:
        scene, camera = self._server.scene, self._server.initial_camera
        scene.set_up_direction("+z")
        scene.configure_default_lights(False)
        scene.configure_environment_map(None)  # it would light the inside of the mouth, too
        scene.set_background_image(backdrop(), format="jpeg", jpeg_quality=90)
        for name, (towards, colour, strength) in _LIGHTS.items():
            scene.add_light_directional(
                f"/lights/{name}",
                color=colour,
                intensity=strength,
                cast_shadow=False,
                position=tuple(float(x) for x in towards),
            )
        scene.add_light_hemisphere(
            "/lights/sky", sky_color=(196, 206, 222), ground_color=(134, 118, 110), intensity=2.1
        )
        scene.world_axes.visible = False
        places, triangles = bust()
        scene.add_mesh_simple("/bust", places, triangles, color=BUST_COLOUR, cast_shadow=False)
        skin = load_skin()[::-1]
        pictures = {"skin": skin[..., :3], "gloss": _roughness(skin[..., 3]), "eye": eye_texture()}
        for name, picture in pictures.items():
            scene.add_image(
                f"/textures/{name}",
                picture,
                0.001,
                0.001,
                format="jpeg",
                jpeg_quality=92,
                position=_TEXTURES_AWAY_M,
                cast_shadow=False,
                receive_shadow=False,
            )
        camera.position, camera.look_at = CAMERAS["Front"]
        camera.up = (0.0, 0.0, 1.0)
        camera.fov = FIELD_OF_VIEW_RAD
        camera.near, camera.far = 0.1, 5.0

    def show_head(self, head: Head) -> None:
        """Puts a head there, instead of the one before."""
        with self._server.atomic():
            for mesh in self._meshes:
                mesh.remove()
            self._head = head
            rest = head.place(head.neutral, np.array([0, 0, 0, 0, 0, 0, 1], np.float32))
            self._meshes = [
                self._server.scene.add_mesh_simple(
                    f"/head/{patch.name}",
                    self._with_clock(i, rest[patch.vertices], 0.0),
                    patch.triangles,
                    color=patch.colour,
                    side="front" if patch.texture else "double",
                    cast_shadow=False,
                    receive_shadow=False,
                )
                for i, patch in enumerate(head.patches)
            ]
        table = {f"/head/{p.name}": _paint(i, p) for i, p in enumerate(head.patches)}
        self._paint = json.dumps(table)
        self._run(f"window.m2f?.paint({self._paint})")

    def show_frame(self, vertices: Float32, head_pose: Float32, stamp_s: float) -> None:
        """Moves the head.

        Args:
            vertices: float32 [V, 3] as the head's (m, head frame).
            head_pose: float32 [7] x y z (m), quaternion x y z w in the base frame.
            stamp_s: presentation time on the node's clock.
        """
        assert self._head is not None
        placed = self._head.place(vertices, head_pose)
        with self._server.atomic():
            pairs = zip(self._head.patches, self._meshes, strict=True)
            for i, (patch, mesh) in enumerate(pairs):
                mesh.vertices = self._with_clock(i, placed[patch.vertices], stamp_s)
        self._server.flush()

    @staticmethod
    def _with_clock(index: int, vertices: Float32, stamp_s: float) -> Float32:
        if index:
            return vertices
        clock = [[(stamp_s % CLOCK_WRAP_S) * CLOCK_SCALE, 0.0, 0.0]]
        return np.concatenate([vertices, np.array(clock, np.float32)])

    # ---- sound -----------------------------------------------------------------------------

    def set_delay(self, delay_s: float) -> None:
        """From a sound's capture to its face's presentation."""
        if delay_s != self._delay_s:
            self._delay_s = delay_s
            self._run(f"window.m2f?.delay({delay_s!r})")

    def play(
        self, pcm: npt.NDArray[np.int16], rate_hz: int, stamp_s: float, now_s: float, first: bool
    ) -> None:
        """Has every browser play a run of sound with the face that goes with it.

        Args:
            pcm: int16 [S] mono; empty only tells the time.
            rate_hz: its rate.
            stamp_s: capture time of its first sample on the node's clock.
            now_s: on the same clock.
            first: it begins an utterance.
        """
        block = {"pcm": _base64(pcm), "rate": rate_hz, "stamp": stamp_s, "sent": now_s}
        self._run(f"window.m2f?.sound({json.dumps({**block, 'first': first})})")

    def _run(self, source: str) -> None:
        """Runs a line of the page's script in every browser that is there now."""
        for client in self._server.get_clients().values():
            self._run_in(client, source)

    def _run_in(self, client: Any, source: str) -> None:
        # Not kept for later browsers, as a message to all would be.
        message = self._messages.RunJavascriptMessage(source=source)
        client._websock_connection.queue_message(message)
        client.flush()

    def _greet(self, client: Any) -> None:
        """Gives a new browser the script and what it has missed."""
        self._run_in(
            client,
            f"{self._script}\nwindow.m2f.paint({self._paint});window.m2f.delay({self._delay_s!r});",
        )

    # ---- controls --------------------------------------------------------------------------

    def _make_controls(self) -> None:
        gui = self._server.gui
        gui.configure_theme(dark_mode=True, show_logo=False, show_share_button=False)
        self._status = gui.add_html(_notice("waiting for the face"))
        gui.add_html(_SOUND_HTML)
        with gui.add_folder("Style"):
            self._text = gui.add_text("Prompt", "", hint="In words; empty = no prompt")
            gui.add_button("Send").on_click(lambda _: self._send_prompt())
            buttons = gui.add_button_group("Emotion", EMOTIONS)
            buttons.on_click(lambda _: self._send_emotion(buttons.value))
            self._strength = gui.add_slider("Strength", 0.0, 4.0, 0.1, 1.0)
            self._transition = gui.add_slider("Transition [s]", 0.0, 3.0, 0.1, 0.3)
            # Without a prompt there is nothing to be strong about.
            self._strength.on_update(lambda _: self._text.value and self._send_prompt())
        with gui.add_folder("Head"):
            self._identity = gui.add_dropdown("Identity", ("-",))
            self._identity.on_update(self._on_identity)
            gui.add_button("Reset the stream").on_click(lambda _: self._actions.reset())
            views = gui.add_button_group("View", tuple(CAMERAS))
            views.on_click(lambda event: _look(event.client, views.value))
        with gui.add_folder("Read-out"):
            self._table = gui.add_html("")
            gui.add_html(_BROWSER_HTML)

    def _send_prompt(self) -> None:
        self._actions.prompt(self._text.value, self._strength.value, self._transition.value)

    def _send_emotion(self, emotion: str) -> None:
        self._text.value = "" if emotion == "neutral" else emotion
        self._send_prompt()

    def _on_identity(self, event: Any) -> None:
        if event.client is not None and self._identity.value != "-":
            self._actions.identity(self._identity.value)

    def set_identities(self, names: Sequence[str], current: str) -> None:
        """Names of the drop-down, and the one that shows."""
        wanted = tuple(dict.fromkeys((*names, current)))
        if tuple(self._identity.options) != wanted:
            self._identity.options = wanted
        if self._identity.value != current:
            self._identity.value = current

    def show_status(self, text: str) -> None:
        """The line above the controls."""
        content = _notice(text)
        if self._status.content != content:
            self._status.content = content

    def show_numbers(self, rows: dict[str, str]) -> None:
        """What is measured outside the browser."""
        self._table.content = _rows({escape(k): escape(v) for k, v in rows.items()})


def _look(client: Any, view: str) -> None:
    if client is not None:
        with client.atomic():
            client.camera.position, client.camera.look_at = CAMERAS[view]
            client.camera.up_direction = (0.0, 0.0, 1.0)


def _roughness(gloss: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """uint8 [H / 2, W / 2, 3] as the page's materials read it, of gloss uint8 [H, W]."""
    rough = 255 - 0.60 * gloss[::2, ::2].astype(np.float32)
    return np.repeat(rough.astype(np.uint8)[..., None], 3, axis=2)


def _paint(index: int, patch: Patch) -> dict[str, Any]:
    """What the page's script is to do to a mesh."""
    kind = next((kind for kind in _ROUGHNESS if patch.name.startswith(kind)), "")
    count = patch.vertices.stop - patch.vertices.start
    clock = 1 if index == 0 else 0
    shade = patch.shade
    return {
        "vertices": count + clock,
        "head": index == 0,
        "texture": f"/textures/{patch.texture}" if patch.texture else "",
        "gloss": "/textures/gloss" if patch.texture == "skin" else "",
        "inside": patch.inside,
        "eye": patch.texture == "eye",
        "uv": _base64(patch.uv),
        "shade": _base64(np.append(shade, np.zeros(clock, np.uint8))) if len(shade) else "",
        "twins": _base64(patch.twins),
        "roughness": _ROUGHNESS.get(kind, 0.8),
    }


def _base64(values: npt.NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def _notice(text: str) -> str:
    return f'<div style="padding:0 1em 0.4em;font-size:0.85em">{escape(text)}</div>'


def _rows(rows: dict[str, str]) -> str:
    cells = "".join(
        f'<tr><td style="opacity:0.7">{name}</td><td style="text-align:right">{value}</td></tr>'
        for name, value in rows.items()
    )
    return f'<table style="{_TABLE_STYLE};padding:0 1em">{cells}</table>'


# Filled in by the page's script.
_BROWSER_HTML = _rows(
    {
        "shown in this browser": '<span data-m2f="fps">-</span>',
        "after its time": '<span data-m2f="lag">-</span>',
        "sound before picture": '<span data-m2f="ahead">-</span>',
    }
)
_SOUND_HTML = (
    '<div style="padding:0 1em 0.3em"><button data-m2f="sound" style="width:100%;padding:0.35em;'
    'border:1px solid #8886;border-radius:4px;background:transparent;color:inherit;cursor:pointer"'
    ">Click for sound</button></div>"
)
