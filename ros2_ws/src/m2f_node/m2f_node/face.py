"""A loaded model with its stream: what configuring the node makes and cleaning up drops."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from media2face.audio.resample import make_resampler
from media2face.backends import make_backend
from media2face.backends.base import Backend, Identity
from media2face.contract import SAMPLE_RATE_HZ
from media2face.face.heads import Head
from media2face.models import DEFAULT_MODEL, find_model
from media2face.streaming.session import FaceSession
from media2face.types import AudioChunk, Style

from m2f_node.diagnostics import Health
from m2f_node.parameters import Settings
from m2f_node.worker import SessionWorker

WARM_UP_S = 1.0


@dataclass(frozen=True)
class Prompt:
    """A style in words; attributes as in parameters.SPECS."""

    text: str
    strength: float
    transition_s: float

    def encode(self, backend: Backend) -> Style:
        """On the thread that owns `backend`."""
        code = backend.encode_style(self.text) if self.text.strip() else None
        return Style(code, self.strength, self.transition_s)


@dataclass
class Face:
    """Attributes:
    settings: as configured; style may change while running.
    backend, identity: owned by the worker's thread once that runs.
    prompt: the latest.
    failure: why the stream has ended; empty while it runs.
    """

    settings: Settings
    model_dir: Path
    backend: Backend
    identity: Identity
    session: FaceSession
    worker: SessionWorker
    prompt: Prompt
    health: Health = field(default_factory=Health)
    failure: str = ""

    def submit_style(self, prompt: Prompt) -> None:
        """Has the worker encode a prompt and set it for the hops after. Any thread."""
        self.prompt = prompt

        def set_style_on_worker() -> None:
            self.session.set_style(prompt.encode(self.backend))

        self.worker.submit("style", set_style_on_worker)

    def restart(self, now_s: float) -> None:
        """The stream begins again at frame 0, with the prompt and the identity it has now."""
        self.session.reset()
        self.session.start(now_s)
        self.submit_style(self.prompt)

    def submit_identity(
        self, who: str, done: Callable[[Identity], None], failed: Callable[[Exception], None]
    ) -> None:
        """Has a head made ready and shown from then on; the stream goes on meanwhile.

        Finding the head (fitting one to a mesh takes seconds) has a thread of its own, the
        networks run on the worker; `done` and `failed` are called on either.

        Raises:
            ValueError: `who` names no head or file.
        """
        self.backend.heads.check(who)

        def set_identity_on_worker(head: Head) -> None:
            self.identity = self.backend.prepare_identity(head)
            self.session.set_identity(self.identity)
            done(self.identity)

        def find_head() -> None:
            try:
                head = self.backend.heads.resolve(who)
            except (ValueError, ImportError) as error:
                failed(error)
                return
            self.worker.submit("identity", lambda: set_identity_on_worker(head))

        threading.Thread(target=find_head, name="m2f_identity", daemon=True).start()


def load_face(
    settings: Settings, now: Callable[[], float], on_error: Callable[[Exception, bool], None]
) -> Face:
    """Finds, checks, loads and warms up the model.

    Args:
        settings: the node's.
        now: seconds on the node's clock.
        on_error: see SessionWorker.
    """
    model_dir = find_model(settings.model or DEFAULT_MODEL)
    backend = make_backend(settings.backend, model_dir, level=settings.level)
    identity = backend.prepare_identity(settings.identity or backend.heads.preset_names[0])
    style = Style(backend.encode_style("happy"))
    _warm_up(FaceSession(backend, identity, settings.session, make_resampler), style)
    session = FaceSession(backend, identity, settings.session, make_resampler)
    worker = SessionWorker(session, now, on_error)
    prompt = Prompt(settings.style, settings.style_strength, settings.style_transition)
    return Face(settings, model_dir, backend, identity, session, worker, prompt)


def _warm_up(session: FaceSession, style: Style) -> None:
    """Runs every network once, so that the first real hop and prompt are as fast as the rest."""
    silence = np.zeros(round(WARM_UP_S * SAMPLE_RATE_HZ), np.float32)
    session.set_style(style)
    session.accept_audio(AudioChunk(silence, SAMPLE_RATE_HZ, 0, 0.0))
    session.step(-math.inf)
